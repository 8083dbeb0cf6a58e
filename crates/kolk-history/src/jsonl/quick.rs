//! Lines as kolk and most others write them, read without detours.
//!
//! What is usual (known keys once each, strings without escapes, values that are nothing, an
//! integer, integers or micro-operations over integers) is read here in one pass over the bytes.
//! Anything else, and anything wrong, is left to the general reader: it reads all of JSON, and says
//! what is wrong and where. Tests hold the two against each other.

use std::borrow::Cow;
use std::sync::Arc;

use crate::Value;
use crate::fields::{Fields, Process};
use crate::micro_ops::{MicroFunction, Packer};

/// Reads a line; `None` if it is not a usual one.
pub(super) fn line<'a>(text: &'a [u8], packer: &mut Packer) -> Option<Fields<'a>> {
    let mut reader = Reader { text, at: 0 };
    let mut seen = 0u32;
    let mut line = Fields::default();
    reader.take(b'{')?;
    loop {
        let key = reader.string()?;
        reader.take(b':')?;
        let bit = match key {
            "index" => {
                line.index = Some(reader.int()?);
                0
            }
            "time" => {
                line.time = Some(u64::try_from(reader.int()?).unwrap_or(0));
                1
            }
            "type" => {
                line.kind = Some(Cow::Borrowed(reader.string()?));
                2
            }
            "process" => {
                line.process = Some(reader.process()?);
                3
            }
            "f" => {
                line.function = Some(Cow::Borrowed(reader.string()?));
                4
            }
            "value" => {
                line.value = reader.value(packer)?;
                5
            }
            "final" => {
                line.is_final = reader.truth()?;
                6
            }
            "convergence" => {
                line.convergence = reader.truth()?;
                7
            }
            "node" => {
                line.node = Some(Cow::Borrowed(reader.string()?));
                8
            }
            _ => return None,
        };
        if seen >> bit & 1 == 1 {
            return None;
        }
        seen |= 1 << bit;
        if !reader.is_next(b',') {
            break;
        }
    }
    reader.take(b'}')?;
    let needed = 1 << 2 | 1 << 3 | 1 << 4;
    (seen & needed == needed && reader.peek().is_none()).then_some(line)
}

/// A place in a line.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next byte that is no white space, not taken.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    #[inline]
    fn is_next(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        self.is_next(byte).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let fits = self.text[self.at..].starts_with(word);
        self.at += word.len();
        fits.then_some(())
    }

    /// A string without escapes.
    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.text.get(self.at)? {
                b'"' => break,
                b'\\' | 0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        std::str::from_utf8(&self.text[start..self.at - 1]).ok()
    }

    /// An integer that fits, as JSON spells it, and nothing else that begins like one.
    #[inline]
    fn int(&mut self) -> Option<i64> {
        let negative = self.peek()? == b'-';
        self.at += usize::from(negative);
        let start = self.at;
        let mut int: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at) {
            int = int.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
            self.at += 1;
        }
        let is_zero_first = self.text.get(start) == Some(&b'0');
        let length = self.at - start;
        let is_other = matches!(self.text.get(self.at), Some(b'.' | b'e' | b'E'));
        if length == 0 || is_other || is_zero_first && (length > 1 || negative) {
            return None;
        }
        Some(if negative { -int } else { int })
    }

    fn truth(&mut self) -> Option<bool> {
        match self.peek()? {
            b't' => self.word(b"true").map(|()| true),
            b'f' => self.word(b"false").map(|()| false),
            _ => None,
        }
    }

    fn process(&mut self) -> Option<Process> {
        if self.peek()? == b'"' {
            return self.string().map(Process::named);
        }
        self.int().map(Process::Client)
    }

    fn value(&mut self, packer: &mut Packer) -> Option<Value> {
        match self.peek()? {
            b'n' => self.word(b"null").map(|()| Value::Null),
            b'-' | b'0'..=b'9' => self.int().map(Value::Int),
            b'[' => {
                self.at += 1;
                match self.peek()? {
                    b']' => {
                        self.at += 1;
                        Some(Value::List(Arc::default()))
                    }
                    b'[' => self.micro_ops(packer),
                    _ => {
                        let mut ints = Vec::new();
                        self.ints(|int| ints.push(int))?;
                        Some(Value::ints(ints))
                    }
                }
            }
            _ => None,
        }
    }

    /// Integers, one at least, up to the end of their list.
    #[inline]
    fn ints(&mut self, mut each: impl FnMut(i64)) -> Option<()> {
        loop {
            each(self.int()?);
            if !self.is_next(b',') {
                return self.take(b']');
            }
        }
    }

    /// Micro-operations, one at least, up to the end of their list.
    fn micro_ops(&mut self, packer: &mut Packer) -> Option<Value> {
        packer.clear();
        loop {
            self.take(b'[')?;
            let function = match self.string()? {
                "r" => MicroFunction::Read,
                "append" => MicroFunction::Append,
                "w" => MicroFunction::Write,
                _ => return None,
            };
            self.take(b',')?;
            let key = self.int()?;
            self.take(b',')?;
            match self.peek()? {
                b'n' => {
                    self.word(b"null")?;
                    packer.push(function, key, None);
                }
                b'[' => {
                    self.at += 1;
                    packer.begin_list(function, key);
                    if !self.is_next(b']') {
                        self.ints(|int| packer.push_int(int))?;
                    }
                }
                _ => packer.push(function, key, Some(self.int()?)),
            }
            self.take(b']')?;
            if !self.is_next(b',') {
                break;
            }
        }
        self.take(b']')?;
        Some(packer.finish(false))
    }
}

#[cfg(test)]
mod tests {
    use super::super::general;
    use super::*;

    fn general(text: &[u8]) -> Option<Fields<'_>> {
        general::record(std::str::from_utf8(text).ok()?).ok()
    }

    /// What a line means, in words; `None` if it is not read.
    fn told(line: Option<Fields<'_>>) -> Option<String> {
        line.map(|mut line| {
            let value = std::mem::take(&mut line.value);
            format!("{value} in {line:?}")
        })
    }

    #[test]
    fn usual_lines_are_those_of_the_general_reader() {
        let usual = [
            r#"{"index":4,"time":1000000,"type":"ok","process":0,"f":"txn","value":[["r",1,[1,2]],["append",-3,4],["w",0,5],["r",1,null],["r",2,[]]],"node":"n1"}"#,
            r#" { "type" : "invoke", "process": 7, "f":"read", "value": null, "final":true } "#,
            r#"{"type":"ok","process":0,"f":"read","value":[3,-1],"convergence":true,"index":0}"#,
            r#"{"type":"info","process":"nemesis","f":"start","value":[]}"#,
            r#"{"type":"info","process":"logger","f":"start","value":-9223372036854775807}"#,
            r#"{"type":"nonsense","process":1,"f":"é"}"#,
        ];
        let mut packer = Packer::default();
        for text in usual {
            let quick = told(line(text.as_bytes(), &mut packer));
            assert!(quick.is_some(), "{text}");
            assert_eq!(quick, told(general(text.as_bytes())), "{text}");
        }
        // Every cut and every change of a byte: read alike, or not read here.
        for text in usual {
            for at in 0..text.len() {
                for byte in *b"\"\\,:[]{}0-.e nt1" {
                    let mut other = text.as_bytes().to_vec();
                    other[at] = byte;
                    for other in [&other[..], &other[..at]] {
                        if let Some(quick) = told(line(other, &mut packer)) {
                            assert_eq!(Some(quick), told(general(other)), "{text} at {at}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn unusual_lines_are_left_to_the_general_reader() {
        for text in [
            "",
            "{}",
            r#"{"type":"ok","process":0,"f":"read","value":1.5}"#,
            r#"{"type":"ok","process":0,"f":"read","value":"x"}"#,
            r#"{"type":"ok","process":0,"f":"read","value":-0}"#,
            r#"{"type":"ok","process":0,"f":"read","value":[["r","x",1]]}"#,
            r#"{"type":"ok","process":0,"f":"read","value":[1],"value":[2]}"#,
            r#"{"type":"ok","process":0,"f":"read","other":[1]}"#,
            r#"{"type":"ok","process":0,"f":"read","error":[1,"x"]}"#,
            r#"{"type":"o\u006b","process":0,"f":"read"}"#,
            r#"{"type":"ok","process":0}"#,
        ] {
            assert!(line(text.as_bytes(), &mut Packer::default()).is_none(), "{text}");
        }
    }
}
