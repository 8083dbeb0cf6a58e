//! Lists of integers that grow: what a node is read as again and again.
//!
//! A read of a set is the read before and a little more. Whoever reads thousands of them compares
//! most of a text with the one before, and reads only where they differ; whoever answers them has
//! the text ready, and adds what is new.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::scan::Scanner;

/// A list of integers as the JSON that it is written as: to write it is to copy a text.
///
/// `serde_json` writes it as it writes a `RawValue`. Other formats do not write it as a list.
///
/// ```
/// let mut list = kolk_protocol::integers::WrittenList::default();
/// assert_eq!(serde_json::to_string(&list).unwrap(), "[]");
/// list.push(5);
/// list.push(-7);
/// assert_eq!(serde_json::to_string(&list).unwrap(), "[5,-7]");
/// ```
#[derive(Clone, Debug)]
pub struct WrittenList {
    json: String,
}

/// The name by which `serde_json` knows a struct whose one field, of the same name, is JSON.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

impl Default for WrittenList {
    fn default() -> WrittenList {
        WrittenList { json: "[]".to_owned() }
    }
}

impl WrittenList {
    /// Adds an integer at the end.
    pub fn push(&mut self, integer: i64) {
        self.json.truncate(self.json.len() - 1);
        if self.json.len() > 1 {
            self.json.push(',');
        }
        self.json.push_str(itoa::Buffer::new().format(integer));
        self.json.push(']');
    }
}

impl Serialize for WrittenList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut raw = serializer.serialize_struct(RAW_VALUE, 1)?;
        raw.serialize_field(RAW_VALUE, &self.json)?;
        raw.end()
    }
}

/// The list that was read last, and its text.
#[derive(Debug, Default)]
pub struct GrowingList {
    /// Up to its last integer: `[1,2`.
    text: String,
    ints: Arc<Vec<i64>>,
}

impl GrowingList {
    /// Takes a list, as [`Scanner::integers`] does. The same list as before is shared.
    pub fn read(&mut self, scanner: &mut Scanner<'_>) -> Option<Arc<Vec<i64>>> {
        scanner.peek();
        let start = scanner.offset();
        let rest = scanner.rest();
        let (known, count) = self.known(rest);
        if known > 0 && count == self.ints.len() && rest.as_bytes()[known] == b']' {
            let skipped = scanner.integers_behind(known, &mut Vec::new());
            return skipped.then(|| Arc::clone(&self.ints));
        }
        // Each integer that is new has a comma before it, but the first of all.
        let commas = rest.as_bytes()[known..].iter().filter(|byte| **byte == b',').count();
        let mut ints = Vec::with_capacity(count + commas + usize::from(known == 0));
        ints.extend_from_slice(&self.ints[..count]);
        if !scanner.integers_behind(known, &mut ints) {
            return None;
        }
        // Something else may have had commas behind it.
        ints.shrink_to_fit();
        self.text.truncate(known);
        self.text.push_str(scanner.slice(start + known, scanner.offset() - 1));
        self.ints = Arc::new(ints);
        Some(Arc::clone(&self.ints))
    }

    /// How many bytes of a text, and how many integers, are as they were, the last one whole.
    fn known(&self, text: &str) -> (usize, usize) {
        let (before, now) = (self.text.as_bytes(), text.as_bytes());
        let same = common(before, now);
        if same > 0 && same == before.len() && matches!(now.get(same), Some(b',' | b']')) {
            return (same, self.ints.len());
        }
        match before[..same].iter().rposition(|byte| *byte == b',') {
            Some(known) => {
                let others = before[known..].iter().filter(|byte| **byte == b',').count();
                (known, self.ints.len() - others)
            }
            None => (0, 0),
        }
    }
}

/// How many bytes two texts begin with that are the same.
fn common(a: &[u8], b: &[u8]) -> usize {
    /// What is compared at once.
    const PART: usize = 64;
    let parts = a.chunks_exact(PART).zip(b.chunks_exact(PART)).take_while(|(a, b)| a == b).count();
    let at = parts * PART;
    at + a[at..].iter().zip(&b[at..]).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text in turn, read by one list and by `serde_json`.
    fn check(texts: &[&str]) {
        let mut list = GrowingList::default();
        for text in texts {
            let (spaced, trailing) = (format!(" {text} "), format!("{text},7"));
            for text in [*text, spaced.as_str(), trailing.as_str()] {
                let mut scanner = Scanner::new(text);
                let read = list.read(&mut scanner);
                let json = text.trim().trim_end_matches(",7");
                let expected: Option<Vec<i64>> = serde_json::from_str(json).ok();
                let expected = expected.filter(|ints| !ints.is_empty() && !json.contains(' '));
                assert_eq!(read.as_deref(), expected.as_ref(), "{text}");
                if read.is_some() {
                    assert_eq!(&text[scanner.offset()..], &text[text.find(']').unwrap() + 1..]);
                }
            }
        }
    }

    #[test]
    fn lists_are_read_whatever_was_read_before() {
        check(&["[1]", "[1,2]", "[1,2,3]", "[1,2,3]", "[1]", "[12]", "[1,25]", "[1,2]"]);
        check(&["[5,6,7]", "[5,4,6,7]", "[5,4,6,70]", "[5,4,6,7]", "[-5,4]", "[]", "[5]"]);
        check(&["[1,2]", "[1,2,x]", "[1,2,]", "[1,2", "[1,02]", "[1,2,-0]", "[1, 2]", "[1,2,3]"]);
        check(&["[9223372036854775807,-9223372036854775808]", "[9223372036854775808]", "[1e3]"]);
        let long = |count: i64| serde_json::to_string(&(0..count).collect::<Vec<_>>()).unwrap();
        let texts: Vec<String> = [200, 200, 500, 499, 3, 1000].into_iter().map(long).collect();
        check(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn the_same_list_is_shared() {
        let mut list = GrowingList::default();
        let mut read = || list.read(&mut Scanner::new("[1,2,3]")).expect("a list");
        assert!(Arc::ptr_eq(&read(), &read()));
    }
}
