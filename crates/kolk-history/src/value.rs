//! Values of operations: what both JSON and Jepsen's EDN can say.

use std::fmt;
use std::sync::Arc;

use crate::micro_ops::MicroOps;
use kolk_protocol::scan::{ScanError, Scanner};
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::value::RawValue;

/// A value. 16 bytes; clones share what is large.
///
/// EDN tells keywords from strings and allows any map key, JSON does neither: a [`Value::Keyword`]
/// becomes a plain string there (without a trailing `?`), a key its text.
///
/// A list is equal to another however the two are kept.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Nothing: `null`, `nil`.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer that needs more than 64 bits with sign, as its decimal digits: an id that is
    /// any `u64` is one half of the time, and must not be rounded.
    BigInt(Arc<String>),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(Arc<String>),
    /// A word of a fixed vocabulary, without its colon: `:append`.
    Keyword(&'static &'static str),
    /// A list of integers, such as a read of a set: kept without a tag on each.
    Ints(Arc<Vec<i64>>),
    /// A list of pairs of integers that stands in a map, such as the offsets and values that a poll
    /// returns: a twelfth of the memory that a list of lists takes.
    Pairs(Arc<Vec<[i64; 2]>>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A list of micro-operations, packed: what most transactions are.
    MicroOps(Arc<MicroOps>),
    /// A map, in the order given.
    Map(Arc<Vec<(Value, Value)>>),
}

impl Value {
    /// A string.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(Arc::new(text.into()))
    }

    /// A list; kept as [`Value::Ints`] if all its elements are integers and there is one at least.
    pub fn list(values: Vec<Value>) -> Value {
        let ints: Option<Vec<i64>> = values.iter().map(Value::as_int).collect();
        match ints {
            Some(ints) if !ints.is_empty() => Value::Ints(Arc::new(ints)),
            _ => Value::List(Arc::new(values)),
        }
    }

    /// A list of integers.
    pub fn ints(ints: Vec<i64>) -> Value {
        Value::Ints(Arc::new(ints))
    }

    /// A list of pairs of integers.
    pub fn pairs(pairs: Vec<[i64; 2]>) -> Value {
        if pairs.is_empty() { Value::List(Arc::default()) } else { Value::Pairs(Arc::new(pairs)) }
    }

    /// The same value as it is kept in a map: a list as [`Value::Pairs`] if it is one of those.
    pub(crate) fn in_map(self) -> Value {
        let pair = |value: &Value| match value {
            Value::Ints(pair) => <[i64; 2]>::try_from(pair.as_slice()).ok(),
            _ => None,
        };
        let pairs = match &self {
            Value::List(list) if !list.is_empty() => list.iter().map(pair).collect(),
            _ => None,
        };
        pairs.map_or(self, Value::pairs)
    }

    /// A map.
    pub fn map(entries: Vec<(Value, Value)>) -> Value {
        Value::Map(Arc::new(entries))
    }

    /// Reads one JSON value, the one way in which JSON becomes a value: no digit of an integer is
    /// lost.
    ///
    /// # Errors
    ///
    /// If the text is not exactly one JSON value, or is nested more than
    /// [`DEPTH_MAX`](kolk_protocol::scan::DEPTH_MAX) deep.
    pub fn from_json(json: &str) -> Result<Value, ScanError> {
        let mut scanner = Scanner::new(json);
        let value = scan(&mut scanner)?;
        scanner.end()?;
        Ok(value)
    }

    /// The list's elements as values, if it is one: shares nothing with a list of integers, of
    /// pairs or of micro-operations.
    pub fn as_list(&self) -> Option<std::borrow::Cow<'_, [Value]>> {
        match self {
            Value::List(values) => Some(values.as_slice().into()),
            Value::Ints(ints) => {
                Some(ints.iter().map(|int| Value::Int(*int)).collect::<Vec<_>>().into())
            }
            Value::Pairs(pairs) => {
                Some(pairs.iter().map(|pair| Value::ints(pair.to_vec())).collect::<Vec<_>>().into())
            }
            Value::MicroOps(micro_ops) => Some(micro_ops.to_list().into()),
            _ => None,
        }
    }

    /// What stands under a key that is this string or keyword, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(entries) => entries
                .iter()
                .find(|(candidate, _)| candidate.as_str() == Some(key))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The text of a string or keyword.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Keyword(word) => Some(word),
            _ => None,
        }
    }

    /// True for [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::BigInt(a), Value::BigInt(b)) | (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Keyword(a), Value::Keyword(b)) => a == b,
            (Value::Ints(a), Value::Ints(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Ints(ints), Value::List(list)) | (Value::List(list), Value::Ints(ints)) => {
                ints.len() == list.len()
                    && ints.iter().zip(list.iter()).all(|(int, value)| value.as_int() == Some(*int))
            }
            (Value::Pairs(a), Value::Pairs(b)) => a == b,
            (Value::Pairs(_), Value::List(list)) | (Value::List(list), Value::Pairs(_)) => {
                let pairs = if let Value::Pairs(_) = self { self } else { other };
                pairs.as_list().is_some_and(|pairs| *pairs == **list)
            }
            (Value::MicroOps(a), Value::MicroOps(b)) => a == b,
            (Value::MicroOps(packed), Value::List(list))
            | (Value::List(list), Value::MicroOps(packed)) => packed.to_list() == **list,
            (Value::Map(a), Value::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Value {
        Value::Int(int)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::text(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Value {
        Value::Bool(truth)
    }
}

/// From JSON, as [`Value::from_json`] reads it: with `serde_json` alone, which hands on the text.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Value::from_json(raw.get()).map_err(D::Error::custom)
    }
}

/// Collects a list, as plain integers for as long as there is nothing else in it.
#[derive(Default)]
pub(crate) struct ListBuilder {
    ints: Vec<i64>,
    values: Vec<Value>,
}

impl ListBuilder {
    /// Appends a value.
    #[inline]
    pub(crate) fn push(&mut self, value: Value) {
        match value {
            Value::Int(int) if self.values.is_empty() => self.ints.push(int),
            other => {
                self.values.extend(self.ints.drain(..).map(Value::Int));
                self.values.push(other);
            }
        }
    }

    /// The list.
    pub(crate) fn finish(mut self) -> Value {
        if self.ints.is_empty() {
            Value::List(Arc::new(self.values))
        } else {
            self.ints.shrink_to_fit();
            Value::Ints(Arc::new(self.ints))
        }
    }
}

/// Takes one value; the recursion is as deep as the nesting, which the scanner bounds.
pub(crate) fn scan(scanner: &mut Scanner<'_>) -> Result<Value, ScanError> {
    match scanner.peek() {
        Some(b'{') => {
            let mut entries = Vec::new();
            scanner.object(|scanner, key, _| {
                entries.push((Value::text(key), scan(scanner)?.in_map()));
                Ok::<(), ScanError>(())
            })?;
            Ok(Value::map(entries))
        }
        Some(b'[') => {
            if let Some(ints) = scanner.integers() {
                return Ok(Value::ints(ints));
            }
            scanner.enter()?;
            scanner.expect(b'[', "expected `[`")?;
            let mut list = ListBuilder::default();
            if !scanner.take(b']') {
                loop {
                    list.push(scan(scanner)?);
                    if !scanner.take(b',') {
                        scanner.expect(b']', "expected `,` or `]`")?;
                        break;
                    }
                }
            }
            scanner.leave();
            Ok(list.finish())
        }
        Some(b'"') => Ok(Value::text(scanner.string()?)),
        Some(b'-' | b'0'..=b'9') => Ok(number(scanner.number()?)),
        _ => Ok(match scanner.value()? {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Null,
        }),
    }
}

/// The number that a JSON number's text stands for.
pub(crate) fn number(text: &str) -> Value {
    if let Ok(int) = text.parse() {
        Value::Int(int)
    } else if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        Value::Float(text.parse().unwrap_or(f64::NAN))
    } else {
        Value::BigInt(Arc::new(text.to_owned()))
    }
}

/// As JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut json = Vec::new();
        crate::value::write_json(&mut json, self);
        f.write_str(&String::from_utf8_lossy(&json))
    }
}

/// The words that are read back as keywords: those of operations' values and errors.
static VOCABULARY: &[&str] = &[
    "append", "assign", "cas", "crash", "list", "poll", "r", "read", "send", "timeout", "txn", "w",
    "write",
];

/// The keyword of that name, if it is one of kolk's vocabulary.
pub(crate) fn keyword(name: &str) -> Option<&'static &'static str> {
    VOCABULARY.binary_search(&name).ok().map(|at| &VOCABULARY[at])
}

/// Appends a value as compact JSON.
pub fn write_json(out: &mut Vec<u8>, value: &Value) {
    let mut digits = itoa::Buffer::new();
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(int) => out.extend_from_slice(digits.format(*int).as_bytes()),
        Value::BigInt(int) => out.extend_from_slice(int.as_bytes()),
        Value::Float(float) if float.is_finite() => {
            // Debug, unlike Display, keeps `1.0` apart from `1`.
            out.extend_from_slice(format!("{float:?}").as_bytes());
        }
        Value::Float(float) if float.is_nan() => out.extend_from_slice(b"null"),
        // Beyond all numbers: JSON that is read back as what it is.
        Value::Float(float) => {
            out.extend_from_slice(if *float > 0.0 { b"1e999" } else { b"-1e999" });
        }
        Value::Text(text) => kolk_protocol::message::write_string(out, text),
        Value::Keyword(word) => {
            kolk_protocol::message::write_string(out, word.strip_suffix('?').unwrap_or(word));
        }
        Value::Ints(ints) => write_separated(out, b'[', b']', ints.iter(), |out, int| {
            out.extend_from_slice(digits.format(*int).as_bytes());
        }),
        Value::Pairs(pairs) => write_separated(out, b'[', b']', pairs.iter(), |out, pair| {
            write_separated(out, b'[', b']', pair.iter(), |out, int| {
                out.extend_from_slice(digits.format(*int).as_bytes());
            });
        }),
        Value::List(values) => write_separated(out, b'[', b']', values.iter(), write_json),
        Value::MicroOps(micro_ops) => {
            write_separated(out, b'[', b']', micro_ops.to_list().iter(), write_json);
        }
        Value::Map(entries) => {
            write_separated(out, b'{', b'}', entries.iter(), |out, (key, value)| {
                match key {
                    Value::Text(_) | Value::Keyword(_) => write_json(out, key),
                    other => kolk_protocol::message::write_string(out, &other.to_string()),
                }
                out.push(b':');
                write_json(out, value);
            })
        }
    }
}

fn write_separated<T>(
    out: &mut Vec<u8>,
    open: u8,
    close: u8,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(open);
    for (number, item) in items.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a node says is told as it said it, also where no float holds it.
    #[test]
    fn numbers_beyond_floats_stay_numbers() {
        for (json, told) in
            [("1e999", "1e999"), ("-2.5e400", "-1e999"), ("[1e-999]", "[0.0]"), ("1e308", "1e308")]
        {
            let value = Value::from_json(json).unwrap();
            assert_eq!(value.to_string(), told);
            assert_eq!(Value::from_json(told).unwrap(), value);
        }
        assert_eq!(Value::Float(f64::NAN).to_string(), "null");
    }

    #[test]
    fn lists_of_pairs_are_lists() {
        let list = |json: &str| Value::from_json(json).expect("JSON");
        for (json, packed) in [
            (r#"{"k":[[0,5],[9007199254740993,-6]]}"#, true),
            (r#"{"k":[[0,5]]}"#, true),
            (r#"{"k":[]}"#, false),
            (r#"{"k":[5,6]}"#, false),
            (r#"{"k":[[0,5,6]]}"#, false),
            (r#"{"k":[[0,"five"]]}"#, false),
            (r#"{"k":[[0,5],[1]]}"#, false),
        ] {
            let map = list(json);
            let held = map.get("k").expect("there");
            assert_eq!(matches!(held, Value::Pairs(_)), packed, "{json}");
            assert_eq!(map.to_string(), json);
            let plain = list(&json[5..json.len() - 1]);
            assert_eq!((held == &plain, &plain == held), (true, true), "{json}");
            assert_eq!(held.as_list(), plain.as_list());
        }
        let other = Value::pairs(vec![[0, 6]]);
        assert!(other != list("[[0,5]]") && list("[[0,6],[1,7]]") != other);
        assert!(other != Value::ints(vec![0, 6]) && other != list("[]"));
    }

    #[test]
    fn is_small() {
        assert_eq!(size_of::<Value>(), 16);
    }

    #[test]
    fn json_reads_and_writes() {
        for json in [
            "null",
            "true",
            "-7",
            "1.0",
            "0.1",
            "1e300",
            "\"a\\\"\\n\"",
            "[]",
            "[1,2,3]",
            "[1,\"a\",null,[2]]",
            "{\"a\":{},\"b\":[false]}",
            "9223372036854775808",
            "18446744073709551615",
        ] {
            let value = Value::from_json(json).unwrap();
            assert_eq!(value.to_string(), json);
        }
        let wide = "340282366920938463463374607431768211455";
        assert_eq!(Value::from_json(wide).unwrap().to_string(), wide);
        let list: Vec<Value> = serde_json::from_str(&format!("[{wide},[1]]")).unwrap();
        assert_eq!(list, [Value::from_json(wide).unwrap(), Value::ints(vec![1])]);
    }

    #[test]
    fn bad_json_is_refused() {
        for json in ["", "[1", "[1,]", "{\"a\"}", "1 2", "nul", &"[".repeat(100_000)] {
            assert!(Value::from_json(json).is_err(), "{json:.20}");
        }
        use kolk_protocol::scan::DEPTH_MAX;
        let deepest = "[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX);
        assert!(Value::from_json(&deepest).is_ok());
    }

    #[test]
    fn integers_are_kept_without_tags() {
        let ints = |json| matches!(Value::from_json(json).unwrap(), Value::Ints(_));
        assert!(ints("[1,2]"));
        assert!(!ints("[1,2.0]"));
        assert!(!ints("[]"));
        assert_eq!(Value::ints(vec![]), Value::list(vec![]));
        assert_eq!(Value::ints(vec![4]), Value::List(Arc::new(vec![Value::Int(4)])));
        assert_ne!(Value::ints(vec![4]), Value::List(Arc::new(vec![Value::Float(4.0)])));
    }
}
