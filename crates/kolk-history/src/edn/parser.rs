//! The reader: one pass, without look-back, with bounded nesting.

use std::borrow::Cow;
use std::sync::Arc;

use thiserror::Error;

use crate::Value;
use crate::micro_ops::{MicroFunction, Packer};
use crate::value::{ListBuilder, keyword};

/// The deepest nesting accepted: that of a value, which is as deep as the wire allows, and of the
/// operation around it.
pub const DEPTH_MAX: usize = kolk_protocol::scan::DEPTH_MAX + 4;

/// Why a text is not EDN.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem} at byte {offset}")]
pub struct EdnError {
    /// Where in the text, in bytes from its beginning.
    pub offset: usize,
    /// What is wrong.
    pub problem: Cow<'static, str>,
}

/// Reads exactly one value; white space and comments around it are allowed.
///
/// # Errors
///
/// If the text is not exactly one value that [`Value`] can hold.
pub fn read(text: &str) -> Result<Value, EdnError> {
    let mut parser = Parser::new(text);
    let value = parser.value(0)?;
    match parser.peek()? {
        None => Ok(value),
        Some(_) => parser.error("something follows the end of the value"),
    }
}

/// A place in a text that is being read.
#[derive(Debug)]
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Whether something has no end because the text has one.
    has_run_out: bool,
}

/// True where a token (number, keyword, symbol) ends.
fn ends_token(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'\n'
            | b'\r'
            | 0x0c
            | b','
            | b'"'
            | b';'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
    )
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str) -> Parser<'a> {
        // A byte-order mark is what some editors leave.
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Parser { text, at, has_run_out: false }
    }

    /// A parser that begins at this byte.
    pub(crate) fn starting_at(text: &'a str, at: usize) -> Parser<'a> {
        if at == 0 { Parser::new(text) } else { Parser { at, ..Parser::new(text) } }
    }

    /// Where the parser stands, in bytes.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// True if the end of the text was reached: after an error, that something was there that may
    /// have gone on.
    pub(crate) fn has_run_out(&self) -> bool {
        self.has_run_out || self.at >= self.text.len()
    }

    pub(crate) fn error<T>(&self, problem: impl Into<Cow<'static, str>>) -> Result<T, EdnError> {
        Err(EdnError { offset: self.at, problem: problem.into() })
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// The first byte of what comes next, not taken: white space, commas, comments and discarded
    /// forms are passed over.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, EdnError> {
        self.peek_at(0)
    }

    fn peek_at(&mut self, depth: usize) -> Result<Option<u8>, EdnError> {
        loop {
            match self.byte(0) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b',') => self.at += 1,
                Some(b';') => {
                    let rest = &self.text.as_bytes()[self.at..];
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                Some(b'#') if self.byte(1) == Some(b'_') => {
                    self.at += 2;
                    self.value(depth + 1)?;
                }
                other => return Ok(other),
            }
        }
    }

    /// Takes `byte` if it comes next.
    pub(crate) fn take(&mut self, byte: u8) -> Result<bool, EdnError> {
        let found = self.peek()? == Some(byte);
        self.at += usize::from(found);
        Ok(found)
    }

    /// Takes one value. The recursion is as deep as the nesting, which is bounded.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Value, EdnError> {
        if depth > DEPTH_MAX {
            return self.error("nested too deeply");
        }
        match self.peek_at(depth)? {
            None => {
                self.has_run_out = true;
                self.error("the text ends too early")
            }
            Some(b'(') => self.sequence(b')', depth),
            Some(b'[') => self.sequence(b']', depth),
            Some(b'{') => self.map(depth),
            Some(b'"') => self.string().map(Value::text),
            Some(b'#') => self.dispatch(depth),
            Some(b'^') => {
                self.at += 1;
                self.value(depth + 1)?;
                self.value(depth + 1)
            }
            Some(b'\\') => self.character(),
            Some(b':') => Ok(word(self.keyword()?)),
            Some(close @ (b')' | b']' | b'}')) => {
                self.error(format!("`{}` closes nothing", char::from(close)))
            }
            Some(b'0'..=b'9') => self.number(),
            Some(b'+' | b'-') if self.byte(1).is_some_and(|byte| byte.is_ascii_digit()) => {
                self.number()
            }
            Some(_) => match self.token() {
                "nil" => Ok(Value::Null),
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                symbol => Ok(Value::text(symbol)),
            },
        }
    }

    /// Takes what follows an opening bracket, up to its partner.
    fn sequence(&mut self, close: u8, depth: usize) -> Result<Value, EdnError> {
        let open = self.at;
        self.at += 1;
        let mut list = ListBuilder::default();
        loop {
            match self.peek_at(depth)? {
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(list.finish());
                }
                None => return self.unclosed(open),
                Some(_) => list.push(self.value(depth + 1)?),
            }
        }
    }

    fn unclosed<T>(&mut self, open: usize) -> Result<T, EdnError> {
        let bracket = char::from(self.text.as_bytes()[open]);
        (self.at, self.has_run_out) = (open, true);
        self.error(format!("`{bracket}` is never closed"))
    }

    fn map(&mut self, depth: usize) -> Result<Value, EdnError> {
        let mut entries = Vec::new();
        self.entries(depth, |parser| {
            let key = parser.value(depth + 1)?;
            entries.push((key, parser.map_value(depth)?.in_map()));
            Ok(())
        })?;
        Ok(Value::map(entries))
    }

    /// Takes micro-operations over integers, as they are mostly written:
    /// `[[:append 1 2] [:r 3 nil]]`, one at least. Takes nothing if anything else comes.
    pub(crate) fn micro_ops(&mut self, packer: &mut Packer) -> Option<Value> {
        let start = self.at;
        packer.clear();
        let packed = self.usual_micro_ops(packer);
        if packed.is_none() {
            self.at = start;
        }
        packed
    }

    fn usual_micro_ops(&mut self, packer: &mut Packer) -> Option<Value> {
        self.usual(b'[')?;
        loop {
            self.usual(b'[')?;
            let function = match self.usual_token()? {
                ":r" => MicroFunction::Read,
                ":append" => MicroFunction::Append,
                ":w" => MicroFunction::Write,
                _ => return None,
            };
            let key = self.usual_int()?;
            match self.skip_blanks()? {
                b'n' => {
                    if self.token() != "nil" {
                        return None;
                    }
                    packer.push(function, key, None);
                }
                b'[' => {
                    self.at += 1;
                    packer.begin_list(function, key);
                    while self.skip_blanks()? != b']' {
                        packer.push_int(self.usual_int()?);
                    }
                    self.at += 1;
                }
                _ => packer.push(function, key, Some(self.usual_int()?)),
            }
            self.usual(b']')?;
            if self.skip_blanks()? == b']' {
                self.at += 1;
                return Some(packer.finish(true));
            }
        }
    }

    /// The next byte that is neither white space nor a comma, not taken.
    fn skip_blanks(&mut self) -> Option<u8> {
        loop {
            match self.byte(0)? {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b',' => self.at += 1,
                other => return Some(other),
            }
        }
    }

    fn usual(&mut self, byte: u8) -> Option<()> {
        let found = self.skip_blanks()? == byte;
        self.at += 1;
        found.then_some(())
    }

    fn usual_token(&mut self) -> Option<&'a str> {
        self.skip_blanks()?;
        Some(self.token())
    }

    /// An integer of 64 bits in plain digits.
    fn usual_int(&mut self) -> Option<i64> {
        let negative = self.skip_blanks()? == b'-';
        self.at += usize::from(negative);
        let start = self.at;
        let mut int: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.byte(0) {
            int = int.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
            self.at += 1;
        }
        let ends = self.byte(0).is_none_or(ends_token);
        (self.at > start && ends).then_some(if negative { -int } else { int })
    }

    /// Takes a map; `entry` must take one key and one value.
    pub(crate) fn entries(
        &mut self,
        depth: usize,
        mut entry: impl FnMut(&mut Parser<'a>) -> Result<(), EdnError>,
    ) -> Result<(), EdnError> {
        let open = self.at;
        self.at += 1;
        loop {
            match self.peek_at(depth)? {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                None => return self.unclosed(open),
                Some(_) => entry(self)?,
            }
        }
    }

    /// Takes the value after a map's key.
    pub(crate) fn map_value(&mut self, depth: usize) -> Result<Value, EdnError> {
        if self.peek_at(depth)? == Some(b'}') {
            return self.error("a key without a value");
        }
        self.value(depth + 1)
    }

    /// Takes what begins with `#`; discards are gone already.
    fn dispatch(&mut self, depth: usize) -> Result<Value, EdnError> {
        match self.byte(1) {
            Some(b'{') => {
                self.at += 1;
                self.sequence(b'}', depth)
            }
            Some(b'#') => {
                self.at += 2;
                match self.token() {
                    "NaN" => Ok(Value::Float(f64::NAN)),
                    "Inf" => Ok(Value::Float(f64::INFINITY)),
                    "-Inf" => Ok(Value::Float(f64::NEG_INFINITY)),
                    other => self.error(format!("unknown symbolic value `##{other}`")),
                }
            }
            Some(b'"') => {
                self.at += 1;
                self.regex()
            }
            Some(b'^') => {
                self.at += 1;
                self.value(depth)
            }
            _ => {
                self.tag()?;
                self.value(depth + 1)
            }
        }
    }

    /// Takes a tag (`#jepsen.history.Op`, `#inst`, or `#:name` before a map).
    pub(crate) fn tag(&mut self) -> Result<&'a str, EdnError> {
        self.at += 1;
        let tag = self.token();
        let named = tag.starts_with(|first: char| first.is_alphabetic() || first == ':');
        if named { Ok(tag) } else { self.error("expected a tag after `#`") }
    }

    /// Takes a keyword and gives its name.
    pub(crate) fn keyword(&mut self) -> Result<&'a str, EdnError> {
        let name = self.token()[1..].trim_start_matches(':');
        if name.is_empty() { self.error("a keyword without a name") } else { Ok(name) }
    }

    fn token(&mut self) -> &'a str {
        let start = self.at;
        let bytes = &self.text.as_bytes()[start..];
        self.at += bytes.iter().position(|byte| ends_token(*byte)).unwrap_or(bytes.len());
        &self.text[start..self.at]
    }

    fn number(&mut self) -> Result<Value, EdnError> {
        let start = self.at;
        let token = self.token();
        let unsigned = token.strip_prefix('+').unwrap_or(token);
        if let Ok(int) = unsigned.parse() {
            return Ok(Value::Int(int));
        }
        let digits = unsigned.strip_suffix('N').unwrap_or(unsigned);
        let bare = digits.strip_prefix('-').unwrap_or(digits);
        if bare.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(big_integer(bare, digits.starts_with('-')));
        }
        let float = unsigned.strip_suffix('M').unwrap_or(unsigned);
        let plain = |byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        match float.parse() {
            Ok(number) if float.bytes().all(plain) => Ok(Value::Float(number)),
            _ => {
                self.at = start;
                if unsigned.contains('/') {
                    self.error(format!("`{token}` is a ratio, which has no place here"))
                } else {
                    self.error(format!("`{token}` is not a number"))
                }
            }
        }
    }

    /// Takes a string.
    fn string(&mut self) -> Result<String, EdnError> {
        let open = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(stop) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\')) else {
                (self.at, self.has_run_out) = (open, true);
                return self.error("the string has no end");
            };
            text.push_str(&rest[..stop]);
            self.at += stop;
            if self.byte(0) == Some(b'"') {
                self.at += 1;
                return Ok(text);
            }
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, EdnError> {
        let (escaped, length) = match self.byte(1) {
            Some(b'n') => ('\n', 2),
            Some(b't') => ('\t', 2),
            Some(b'r') => ('\r', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(byte @ (b'"' | b'\\')) => (char::from(byte), 2),
            Some(b'u') => {
                let Some(unit) = self.code_unit(2) else {
                    return self.error("\\u needs four hexadecimal digits");
                };
                // What lies beyond the basic plane comes as a pair, as in Java.
                let low = if self.byte(6) == Some(b'\\') && self.byte(7) == Some(b'u') {
                    self.code_unit(8)
                } else {
                    None
                };
                match (char::from_u32(u32::from(unit)), low) {
                    (Some(character), _) => (character, 6),
                    (None, Some(low)) => {
                        let pair = char::decode_utf16([unit, low]).next().and_then(Result::ok);
                        let Some(character) = pair else {
                            return self.error("unpaired surrogate in a string");
                        };
                        (character, 12)
                    }
                    (None, None) => return self.error("unpaired surrogate in a string"),
                }
            }
            _ => return self.error("unknown escape in a string"),
        };
        self.at += length;
        Ok(escaped)
    }

    /// The four hexadecimal digits `ahead` of here.
    fn code_unit(&self, ahead: usize) -> Option<u16> {
        let digits = self.text.as_bytes().get(self.at + ahead..self.at + ahead + 4)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }

    /// Takes a regular expression as its source text: nothing in it but `\"` matters here.
    fn regex(&mut self) -> Result<Value, EdnError> {
        let start = self.at + 1;
        let mut end = start;
        loop {
            match self.text.as_bytes().get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return self.error("the regular expression has no end"),
            }
        }
        self.at = end + 1;
        Ok(Value::text(&self.text[start..end]))
    }

    fn character(&mut self) -> Result<Value, EdnError> {
        let start = self.at;
        self.at += 1;
        // The character itself may be one that ends tokens.
        let Some(first) = self.text[self.at..].chars().next() else {
            return self.error("`\\` without a character");
        };
        self.at += first.len_utf8();
        self.token();
        let name = &self.text[start + 1..self.at];
        let character = match name {
            "newline" => '\n',
            "space" => ' ',
            "tab" => '\t',
            "return" => '\r',
            "backspace" => '\u{8}',
            "formfeed" => '\u{c}',
            _ if name.len() == first.len_utf8() => first,
            _ => {
                let code = name.strip_prefix('u').filter(|digits| digits.len() == 4);
                let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                match code.and_then(char::from_u32) {
                    Some(character) => character,
                    None => {
                        self.at = start;
                        return self.error(format!("unknown character `\\{name}`"));
                    }
                }
            }
        };
        Ok(Value::text(character))
    }
}

/// A keyword as a value.
fn word(name: &str) -> Value {
    keyword(name).map_or_else(|| Value::text(name), Value::Keyword)
}

fn big_integer(digits: &str, negative: bool) -> Value {
    let digits = digits.trim_start_matches('0');
    let text = format!("{}{}", if negative { "-" } else { "" }, digits);
    match text.parse() {
        Ok(int) => Value::Int(int),
        Err(_) if digits.is_empty() => Value::Int(0),
        Err(_) => Value::BigInt(Arc::new(text)),
    }
}
