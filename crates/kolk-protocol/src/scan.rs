//! A one-pass JSON scanner: it checks that a text is JSON (RFC 8259) and finds where its parts lie,
//! without building anything.
//!
//! A workbench passes bodies on as the bytes that came, and a node needs a body's `type` before it
//! can read the rest: both want to know the shape of a line, and neither wants it parsed twice.
//! Agreement with `serde_json` on what is JSON is tested on random texts.

use std::borrow::Cow;

use thiserror::Error;

/// The deepest nesting accepted: Maelstrom's bound, which is that of its JSON library. It is more
/// than `serde_json` reads without being told; [`from_body`](crate::from_body) tells it.
pub const DEPTH_MAX: usize = 1000;

/// The reason given for a text that is nested too deeply.
const TOO_DEEP: &str = "nested too deeply";

/// The reason given for a control character in a string, which must be escaped there.
pub const CONTROL_CHARACTER: &str = "control character in a string";

/// Why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason} at byte {offset}")]
pub struct ScanError {
    /// Where in the text, in bytes from its beginning.
    pub offset: usize,
    /// What was found or missed there.
    pub reason: &'static str,
}

/// What is open around a place in a text: one bit a level, set in an object. It is the only state
/// that a scan has, and as a rule it is one number.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    /// The innermost levels, the last one lowest.
    levels: u128,
    /// The levels around them, by 128.
    outer: Vec<u128>,
}

impl Nesting {
    const BITS: usize = u128::BITS as usize;

    fn open(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(Nesting::BITS) {
            self.outer.push(self.levels);
        }
        self.levels = (self.levels << 1) | u128::from(object);
        self.depth += 1;
    }

    fn in_object(&self) -> bool {
        self.levels & 1 == 1
    }

    fn close(&mut self) {
        self.levels >>= 1;
        self.depth -= 1;
        if self.depth > 0 && self.depth.is_multiple_of(Nesting::BITS) {
            self.levels = self.outer.pop().unwrap_or_default();
        }
    }
}

/// A place in a text that is being read.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// How many objects and lists around the place were entered and not left.
    depth: usize,
}

/// The first byte from `at` on that ends the quick part of a string (`"`, `\` and control
/// characters), or the text's length.
///
/// Eight bytes at a time: in each of the three terms a byte's highest bit says whether it is one
/// looked for, exactly up to the first that is (Mycroft's test for a zero byte, 1987).
#[inline]
pub(crate) fn string_stop(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let stops = ((quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word))
            & HIGHS;
        if stops != 0 {
            return at + (stops.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !STRING_STOPS[usize::from(*byte)]) {
        at += 1;
    }
    at
}

/// Where the first element begins that is not skipped, in a list with an element at `at`: those are
/// skipped that are plain integers and have a comma behind them. Reads of sets are long lists of
/// these, and most of what is ever scanned.
///
/// Eight bytes at a time. In each of the masks a byte's highest bit says what the byte is; no sum
/// has a carry.
#[inline]
fn skip_integers(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    const LOWS: u64 = !HIGHS;
    let zeros = |word: u64| !(((word & LOWS) + LOWS) | word) & HIGHS;
    let mut begins = at;
    // Set where an element begins with the first byte of the word.
    let mut first = 0x80;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let digits = word ^ (ONES * u64::from(b'0'));
        let others = (((digits & LOWS) + ONES * (0x80 - 10)) | digits) & HIGHS;
        let commas = zeros(word ^ (ONES * u64::from(b',')));
        // An element is there, and does not begin with a zero: that one has to be looked at.
        if others != commas || ((commas << 8) | first) & (commas | zeros(digits)) != 0 {
            break;
        }
        if commas != 0 {
            begins = at + 8 - (commas.leading_zeros() / 8) as usize;
        }
        first = commas >> 56;
        at += 8;
    }
    begins
}

/// One bit for each byte that ends the quick part of a string: `"`, `\` and control characters.
const fn string_stops() -> [bool; 256] {
    let mut stops = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        stops[byte] = true;
        byte += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
}
static STRING_STOPS: [bool; 256] = string_stops();

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of `text`.
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0, depth: 0 }
    }

    /// Where the scanner stands, in bytes.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The text between two offsets that this scanner returned.
    pub fn slice(&self, from: usize, to: usize) -> &'a str {
        &self.text[from..to]
    }

    /// The text from where the scanner stands.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error<T>(&self, reason: &'static str) -> Result<T, ScanError> {
        Err(ScanError { offset: self.at, reason })
    }

    /// The next byte that is no white space, not taken.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                _ => return Some(byte),
            }
        }
        None
    }

    /// Takes `byte` if it comes next, white space aside.
    #[inline]
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes `byte`, or fails with `reason`.
    #[inline]
    pub fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), ScanError> {
        if self.take(byte) { Ok(()) } else { self.error(reason) }
    }

    /// Fails if anything but white space is left.
    pub fn end(&mut self) -> Result<(), ScanError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.error("something follows the end of the value"),
        }
    }

    /// Takes a string and gives its contents; allocates only if it holds an escape.
    #[inline]
    pub fn string(&mut self) -> Result<Cow<'a, str>, ScanError> {
        self.expect(b'"', "expected a string")?;
        let start = self.at;
        let escaped = self.string_rest()?;
        let contents = &self.text[start..self.at - 1];
        if escaped { self.unescaped(contents) } else { Ok(Cow::Borrowed(contents)) }
    }

    #[cold]
    fn unescaped(&self, contents: &str) -> Result<Cow<'a, str>, ScanError> {
        match unescape(contents) {
            Some(text) => Ok(Cow::Owned(text)),
            None => self.error("unpaired surrogate in a string"),
        }
    }

    /// Takes what is left of a string after its opening quote, the closing one included; says
    /// whether it holds an escape.
    #[inline]
    fn string_rest(&mut self) -> Result<bool, ScanError> {
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            self.at = string_stop(bytes, self.at);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.error(CONTROL_CHARACTER),
                None => return self.error("the string has no end"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let digits = bytes.get(self.at + 2..self.at + 6);
                if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    self.at += 6;
                    Ok(())
                } else {
                    self.error("\\u needs four hexadecimal digits")
                }
            }
            _ => self.error("unknown escape in a string"),
        }
    }

    /// Takes a number and gives its text.
    pub fn number(&mut self) -> Result<&'a str, ScanError> {
        self.peek();
        let bytes = self.text.as_bytes();
        let start = self.at;
        // Most numbers are integers without a sign, and most bytes of a long read are theirs.
        if matches!(bytes.get(start), Some(b'1'..=b'9')) {
            let more = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !matches!(bytes.get(start + more), Some(b'.' | b'e' | b'E')) {
                self.at = start + more;
                return Ok(&self.text[start..self.at]);
            }
        }
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at > from
        };
        let mut at = self.at + usize::from(bytes.get(self.at) == Some(&b'-'));
        let leading_zero = bytes.get(at) == Some(&b'0');
        let first = at;
        let mut fits = digits(&mut at) && !(leading_zero && at > first + 1);
        if fits && bytes.get(at) == Some(&b'.') {
            at += 1;
            fits = digits(&mut at);
        }
        if fits && matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            fits = digits(&mut at);
        }
        if !fits {
            return self.error("not a number");
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    fn literal(&mut self, literal: &'static str) -> Result<(), ScanError> {
        if self.text.as_bytes()[self.at..].starts_with(literal.as_bytes()) {
            self.at += literal.len();
            Ok(())
        } else {
            self.error("expected a JSON value")
        }
    }

    /// Takes one whole value of any kind and gives its text.
    pub fn value(&mut self) -> Result<&'a str, ScanError> {
        self.peek();
        let start = self.at;
        let mut nesting = Nesting::default();
        loop {
            let mut is_number = false;
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if self.depth + nesting.depth >= DEPTH_MAX {
                        return self.error(TOO_DEEP);
                    }
                    self.at += 1;
                    let object = open == b'{';
                    if !self.take(if object { b'}' } else { b']' }) {
                        nesting.open(object);
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => {
                    self.at += 1;
                    self.string_rest()?;
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                    is_number = true;
                }
                Some(b't') => self.literal("true")?,
                Some(b'f') => self.literal("false")?,
                Some(b'n') => self.literal("null")?,
                Some(_) => return self.error("expected a JSON value"),
                None => return self.error("the text ends too early"),
            }
            // A value is complete: close what it completes.
            loop {
                if nesting.depth == 0 {
                    return Ok(&self.text[start..self.at]);
                }
                let object = nesting.in_object();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        } else if is_number {
                            self.at = skip_integers(self.text.as_bytes(), self.at);
                        }
                        break;
                    }
                    Some(b'}') if object => self.at += 1,
                    Some(b']') if !object => self.at += 1,
                    Some(_) if object => return self.error("expected `,` or `}`"),
                    Some(_) => return self.error("expected `,` or `]`"),
                    None => return self.error("the text ends too early"),
                }
                nesting.close();
                is_number = false;
            }
        }
    }

    /// Takes a list of one or more integers of 64 bits that has no white space in it. `None` if
    /// there is another value, of which nothing is taken.
    #[inline]
    pub fn integers(&mut self) -> Option<Vec<i64>> {
        let mut ints = Vec::new();
        self.integers_behind(0, &mut ints).then_some(ints)
    }

    /// Takes a list as [`Scanner::integers`] does, of which the first `known` bytes have been read:
    /// no more than the list has up to one of its commas or its end, or nothing. The others are
    /// appended to `ints`. False, with nothing taken, if it is no such list.
    #[inline]
    pub(crate) fn integers_behind(&mut self, known: usize, ints: &mut Vec<i64>) -> bool {
        /// Numbers of so many digits fit without a look.
        const DIGITS: usize = 18;
        if self.peek() != Some(b'[') || self.depth >= DEPTH_MAX {
            return false;
        }
        let bytes = self.text.as_bytes();
        let mut at = self.at + known;
        loop {
            match bytes.get(at) {
                Some(b'[') if at == self.at => at += 1,
                Some(b',') if at > self.at => at += 1,
                Some(b']') if at > self.at => break,
                _ => return false,
            }
            let is_negative = bytes.get(at) == Some(&b'-');
            at += usize::from(is_negative);
            let from = at;
            let mut number: i64 = 0;
            while let Some(byte @ b'0'..=b'9') = bytes.get(at) {
                number = number.wrapping_mul(10).wrapping_add(i64::from(byte - b'0'));
                at += 1;
            }
            let count = at - from;
            let is_zero_first = bytes.get(from) == Some(&b'0');
            if count == 0 || (is_zero_first && (count > 1 || is_negative)) {
                return false;
            }
            if count <= DIGITS {
                ints.push(if is_negative { -number } else { number });
            } else {
                let text = &self.text[from - usize::from(is_negative)..at];
                let Ok(number) = text.parse() else { return false };
                ints.push(number);
            }
        }
        self.at = at + 1;
        true
    }

    fn key(&mut self) -> Result<(), ScanError> {
        if self.peek() != Some(b'"') {
            return self.error("expected a key in double quotes");
        }
        self.at += 1;
        self.string_rest()?;
        self.expect(b':', "expected `:` after a key")
    }

    /// Enters a list or an object. To be called before its elements are read one by one, so that
    /// nesting is bounded in that case too.
    ///
    /// # Errors
    ///
    /// If [`DEPTH_MAX`] objects and lists are open already.
    pub fn enter(&mut self) -> Result<(), ScanError> {
        if self.depth >= DEPTH_MAX {
            return self.error(TOO_DEEP);
        }
        self.depth += 1;
        Ok(())
    }

    /// Leaves a list or an object that was entered.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Takes an object; `each` gets the scanner before every value, with the key and the offset
    /// where the key begins, and must take exactly that value.
    pub fn object<E: From<ScanError>>(
        &mut self,
        each: impl FnMut(&mut Scanner<'a>, Cow<'a, str>, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        self.object_of([], each)
    }

    /// Takes an object, as [`Scanner::object`] does, and is quicker at keys that are among
    /// `expected` and have no white space before the colon. Those are given with quotes and colon:
    /// `"src":`.
    #[inline]
    pub(crate) fn object_of<E: From<ScanError>, const N: usize>(
        &mut self,
        expected: [&'static str; N],
        mut each: impl FnMut(&mut Scanner<'a>, Cow<'a, str>, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter()?;
        self.expect(b'{', "expected `{`")?;
        if self.take(b'}') {
            self.leave();
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.error("expected a key in double quotes").map_err(E::from);
            }
            let key_at = self.at;
            let rest = &self.text.as_bytes()[key_at..];
            let key = match expected.iter().find(|key| rest.starts_with(key.as_bytes())) {
                Some(key) => {
                    self.at += key.len();
                    Cow::Borrowed(&key[1..key.len() - 2])
                }
                None => {
                    let key = self.string()?;
                    self.expect(b':', "expected `:` after a key")?;
                    key
                }
            };
            self.peek();
            each(self, key, key_at)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    self.leave();
                    return Ok(());
                }
                Some(_) => return self.error("expected `,` or `}`").map_err(E::from),
                None => return self.error("the text ends too early").map_err(E::from),
            }
        }
    }
}

/// The text that an escaped string stands for; `None` if a surrogate is alone. Escapes must have
/// been checked.
fn unescape(contents: &str) -> Option<String> {
    let mut text = String::with_capacity(contents.len());
    let mut rest = contents;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes()[at + 1];
        rest = &rest[at + 2..];
        text.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = u32::from_str_radix(&rest[..4], 16).ok()?;
                rest = &rest[4..];
                if (0xd800..0xdc00).contains(&unit) {
                    let low = u32::from_str_radix(rest.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
                    rest = &rest[6..];
                    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    char::from_u32(0x10000 + ((unit - 0xd800) << 10) + low)?
                } else {
                    char::from_u32(unit)?
                }
            }
            other => char::from(other),
        });
    }
    text.push_str(rest);
    Some(text)
}
