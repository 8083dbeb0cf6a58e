//! Messages: one JSON object a line.

use std::borrow::Cow;
use std::ops::Range;

use thiserror::Error;

use crate::scan::{ScanError, Scanner, string_stop};

/// A message as one line of JSON. Nothing is copied from the line unless a name holds an escape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The number that the workbench gave the message (`id`).
    pub id: Option<u64>,
    /// The time that lockstep stamps on the line (`at`), in virtual nanoseconds.
    pub at: Option<u64>,
    /// The name of the sender.
    pub src: Cow<'a, str>,
    /// The name of the receiver.
    pub dest: Cow<'a, str>,
    /// The message's body.
    pub body: Body<'a>,
}

/// A message's body: its text, and the keys reserved for remote procedure calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body<'a> {
    /// The whole body, a JSON object, as the sender wrote it.
    pub json: &'a str,
    /// The body's `type`; empty if the body has none, or one that is no string.
    pub kind: Cow<'a, str>,
    /// The body's `msg_id`, present if the sender wants an answer: the JSON as the sender wrote it,
    /// of any kind but null. Clients and most nodes use numbers; others use UUIDs.
    pub msg_id: Option<&'a str>,
    /// The `msg_id` of the request that this message answers, as JSON; absent if it answers none.
    pub in_reply_to: Option<&'a str>,
}

/// Where in a body's JSON the values of its reserved keys stand: what a scan has found, to be kept
/// beside the text without borrowing from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The `type`, without its quotation marks; empty if there is none.
    pub(crate) kind: Range<usize>,
    pub(crate) msg_id: Option<Range<usize>>,
    pub(crate) in_reply_to: Option<Range<usize>>,
}

impl Marks {
    /// The body that was marked, from its text.
    ///
    /// # Panics
    ///
    /// If `json` is no text that is as long as that of the marked body.
    pub fn body<'a>(&self, json: &'a str) -> Body<'a> {
        let part = |range: &Range<usize>| &json[range.clone()];
        Body {
            json,
            kind: Cow::Borrowed(part(&self.kind)),
            msg_id: self.msg_id.as_ref().map(part),
            in_reply_to: self.in_reply_to.as_ref().map(part),
        }
    }
}

/// Why a line is not a message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// The bytes are not UTF-8.
    #[error("the line is not UTF-8")]
    NotUtf8 {
        /// The offset of the first byte that is not UTF-8, from the line's beginning.
        offset: usize,
    },
    /// The text is not JSON.
    #[error("the line is not JSON: {}", .0.reason)]
    NotJson(ScanError),
    /// The text is JSON but not an object.
    #[error("the line is JSON, but not an object")]
    NotAnObject,
    /// A required key is missing.
    #[error("the message has no `{key}`")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A key's value is of the wrong kind.
    #[error("`{key}` must be {expected}")]
    WrongKind {
        /// The key.
        key: &'static str,
        /// The kind that the value must be, with its article: `a string`.
        expected: &'static str,
        /// Where the value begins, in bytes from the line's beginning.
        offset: usize,
    },
    /// A key that messages do not have.
    #[error("messages have no key `{key}`: anything else belongs into `body`")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where the key begins, in bytes from the line's beginning.
        offset: usize,
    },
}

impl LineError {
    /// The offset of the error in bytes from the line's beginning, if it is at one place.
    pub fn offset(&self) -> Option<usize> {
        match self {
            LineError::NotUtf8 { offset }
            | LineError::WrongKind { offset, .. }
            | LineError::UnknownKey { offset, .. } => Some(*offset),
            LineError::NotJson(error) => Some(error.offset),
            LineError::NotAnObject => Some(0),
            LineError::Missing { .. } => None,
        }
    }
}

impl From<ScanError> for LineError {
    fn from(error: ScanError) -> LineError {
        LineError::NotJson(error)
    }
}

impl<'a> Line<'a> {
    /// Reads a line, with or without its line end.
    ///
    /// # Errors
    ///
    /// If the line is not a message; [`LineError`] says why. Keys beside `id`, `at`, `src`, `dest`
    /// and `body` are an error, as in Maelstrom; of a key that comes twice the last one counts.
    pub fn parse(line: &'a [u8]) -> Result<Line<'a>, LineError> {
        let text = std::str::from_utf8(line)
            .map_err(|error| LineError::NotUtf8 { offset: error.valid_up_to() })?;
        let (line, rest) = Line::parse_first(text)?;
        if rest < text.len() {
            return Err(LineError::NotJson(ScanError {
                offset: rest,
                reason: "something follows the end of the value",
            }));
        }
        Ok(line)
    }

    /// Reads the message that a text begins with. Gives also where what follows it begins, white
    /// space aside: the text's length if nothing does.
    ///
    /// # Errors
    ///
    /// If the text does not begin with a message; [`LineError`] says why.
    pub fn parse_first(text: &'a str) -> Result<(Line<'a>, usize), LineError> {
        let mut scanner = Scanner::new(text);
        if scanner.peek() != Some(b'{') {
            scanner.value()?;
            scanner.end()?;
            return Err(LineError::NotAnObject);
        }
        let (mut id, mut at, mut src, mut dest, mut body) = (None, None, None, None, None);
        let expected = ["\"id\":", "\"src\":", "\"dest\":", "\"body\":", "\"at\":"];
        scanner.object_of(expected, |scanner, key, key_at| {
            match &*key {
                "src" => src = Some(string(scanner, "src")?),
                "dest" => dest = Some(string(scanner, "dest")?),
                "body" => body = Some(Body::scan(scanner)?),
                "id" => id = integer(scanner, "id")?,
                "at" => at = integer(scanner, "at")?,
                _ => {
                    return Err(LineError::UnknownKey { key: key.into_owned(), offset: key_at });
                }
            }
            Ok(())
        })?;
        let line = Line {
            id,
            at,
            src: src.ok_or(LineError::Missing { key: "src" })?,
            dest: dest.ok_or(LineError::Missing { key: "dest" })?,
            body: body.unwrap_or(Body::EMPTY),
        };
        let rest = scanner.peek().map_or(text.len(), |_| scanner.offset());
        Ok((line, rest))
    }
}

impl<'a> Body<'a> {
    /// The body of a message that has none.
    pub const EMPTY: Body<'static> =
        Body { json: "{}", kind: Cow::Borrowed(""), msg_id: None, in_reply_to: None };

    /// Reads a body by itself.
    ///
    /// # Errors
    ///
    /// If the text is no JSON object.
    pub fn parse(json: &'a str) -> Result<Body<'a>, LineError> {
        let mut scanner = Scanner::new(json);
        let body = Body::scan(&mut scanner)?;
        scanner.end()?;
        Ok(body)
    }

    /// The number of the request that this answers, if it is one that fits 64 bits.
    pub fn answers(&self) -> Option<i64> {
        self.in_reply_to?.parse().ok()
    }

    /// Where its reserved keys' values stand in its JSON; none if the `type` was written with an
    /// escape.
    pub fn marks(&self) -> Option<Marks> {
        let range = |part: &str| {
            let from = part.as_ptr().addr().checked_sub(self.json.as_ptr().addr())?;
            let to = from + part.len();
            (to <= self.json.len()).then_some(from..to)
        };
        let kind = match &self.kind {
            Cow::Borrowed("") => 0..0,
            Cow::Borrowed(kind) => range(kind)?,
            Cow::Owned(_) => return None,
        };
        let optional = |part: Option<&str>| match part {
            Some(part) => range(part).map(Some),
            None => Some(None),
        };
        Some(Marks {
            kind,
            msg_id: optional(self.msg_id)?,
            in_reply_to: optional(self.in_reply_to)?,
        })
    }

    /// The JSON under a key, as it came, if there is one; of a key that comes twice the last one.
    pub fn field(&self, name: &str) -> Option<&'a str> {
        let mut found = None;
        let scanned = Scanner::new(self.json).object(|scanner, key, _| {
            let json = scanner.value()?;
            if key == name {
                found = Some(json);
            }
            Ok::<(), ScanError>(())
        });
        scanned.ok().and(found)
    }

    /// Null is an empty body, as in Maelstrom, to which a list without elements is one too.
    fn scan(scanner: &mut Scanner<'a>) -> Result<Body<'a>, LineError> {
        let (mut kind, mut msg_id, mut in_reply_to) = (None, None, None);
        if scanner.peek() != Some(b'{') {
            let offset = scanner.offset();
            let value = scanner.value()?;
            let is_empty_list =
                || value.starts_with('[') && value[1..value.len() - 1].trim().is_empty();
            if value == "null" || is_empty_list() {
                return Ok(Body::EMPTY);
            }
            return Err(LineError::WrongKind { key: "body", expected: "an object", offset });
        }
        let from = scanner.offset();
        let expected = ["\"type\":", "\"msg_id\":", "\"in_reply_to\":"];
        scanner.object_of(expected, |scanner, key, _| {
            match &*key {
                "type" if scanner.peek() == Some(b'"') => kind = Some(scanner.string()?),
                "type" => {
                    scanner.value()?;
                    kind = None;
                }
                "msg_id" => msg_id = name_of_request(scanner)?,
                "in_reply_to" => in_reply_to = name_of_request(scanner)?,
                _ => {
                    scanner.value()?;
                }
            }
            Ok::<(), LineError>(())
        })?;
        let json = scanner.slice(from, scanner.offset());
        Ok(Body { json, kind: kind.unwrap_or_default(), msg_id, in_reply_to })
    }
}

/// True for JSON that is an integer, however large.
pub fn is_integer(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a request is called, or `None` for null.
fn name_of_request<'a>(scanner: &mut Scanner<'a>) -> Result<Option<&'a str>, ScanError> {
    let is_number = matches!(scanner.peek(), Some(b'-' | b'0'..=b'9'));
    let json = if is_number { scanner.number()? } else { scanner.value()? };
    Ok((json != "null").then_some(json))
}

fn string<'a>(scanner: &mut Scanner<'a>, key: &'static str) -> Result<Cow<'a, str>, LineError> {
    if scanner.peek() == Some(b'"') {
        return Ok(scanner.string()?);
    }
    let offset = scanner.offset();
    scanner.value()?;
    Err(LineError::WrongKind { key, expected: "a string", offset })
}

/// An integer, or `None` for null and for one that does not fit.
fn integer(scanner: &mut Scanner<'_>, key: &'static str) -> Result<Option<u64>, LineError> {
    let offset = scanner.offset();
    match name_of_request(scanner)? {
        Some(json) if !is_integer(json) => {
            Err(LineError::WrongKind { key, expected: "an integer", offset })
        }
        json => Ok(json.and_then(|json| json.parse().ok())),
    }
}

/// Writes one line, its end included: `{"id":…,"src":…,"dest":…,"body":…}`, and `at` if there is
/// one. The body goes out as it is.
pub fn write_line(
    out: &mut Vec<u8>,
    id: Option<u64>,
    at: Option<u64>,
    src: &str,
    dest: &str,
    body: &[u8],
) {
    let mut digits = itoa::Buffer::new();
    out.push(b'{');
    for (key, number) in [("\"id\":", id), ("\"at\":", at)] {
        if let Some(number) = number {
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(digits.format(number).as_bytes());
            out.push(b',');
        }
    }
    out.extend_from_slice(b"\"src\":");
    write_string(out, src);
    out.extend_from_slice(b",\"dest\":");
    write_string(out, dest);
    out.extend_from_slice(b",\"body\":");
    out.extend_from_slice(body);
    out.extend_from_slice(b"}\n");
}

/// Writes a JSON string.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let at = string_stop(rest, 0);
        if at == rest.len() {
            break;
        }
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            byte => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
