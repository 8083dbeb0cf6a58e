//! Journals: every message's way, one event a line.
//!
//! A journal is streamed, never held whole: it is written line by line as the run goes on, and read
//! back the same way. The format of a line:
//!
//! - `{"event":"send","time":…,"id":…,"src":…,"dest":…,"op":…,"cause":…,"body":{…}}`
//! - `{"event":"receive","time":…,"id":…,"src":…,"dest":…}`
//! - `{"event":"duplicate","time":…,"id":…,"src":…,"dest":…}`: a second receipt will follow
//! - `{"event":"drop","time":…,"id":…,"src":…,"dest":…,"reason":"loss"}`
//!
//! `time` is in nanoseconds, `op` the index of the invocation that the message serves, `cause` the
//! id of the message whose handling sent it; both are absent where they are not known.

use std::io::BufRead;

use kolk_protocol::Time;
use kolk_protocol::message::write_string;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::ReadError;

/// Why a message never arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropReason {
    /// The network lost it.
    Loss,
    /// Sender and receiver were cut off from each other when it should have arrived.
    Partition,
    /// The receiver was not running, and as many messages were kept for it already as may be.
    DeadNode,
    /// The receiver was paused, and as many messages were kept for it already as may be.
    PausedNode,
}

impl DropReason {
    /// The name in journals.
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::Loss => "loss",
            DropReason::Partition => "partition",
            DropReason::DeadNode => "dead-node",
            DropReason::PausedNode => "paused-node",
        }
    }
}

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalKind<'a> {
    /// It was sent.
    Send {
        /// Its body, an object.
        body: &'a str,
        /// The index of the invocation it serves.
        op: Option<u32>,
        /// The message whose handling sent it.
        cause: Option<u64>,
    },
    /// It arrived.
    Receive,
    /// It will arrive twice.
    Duplicate,
    /// It will never arrive.
    Drop(DropReason),
}

/// One event of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalEvent<'a> {
    /// What happened.
    pub kind: JournalKind<'a>,
    /// When.
    pub time: Time,
    /// The message's number.
    pub id: u64,
    /// Who sent it.
    pub src: &'a str,
    /// Who is to get it.
    pub dest: &'a str,
}

impl JournalEvent<'_> {
    /// Appends the event as one line, its end included.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut digits = itoa::Buffer::new();
        let mut number = |out: &mut Vec<u8>, key: &str, number: u64| {
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(digits.format(number).as_bytes());
        };
        out.extend_from_slice(match self.kind {
            JournalKind::Send { .. } => b"{\"event\":\"send\"".as_slice(),
            JournalKind::Receive => b"{\"event\":\"receive\"",
            JournalKind::Duplicate => b"{\"event\":\"duplicate\"",
            JournalKind::Drop(_) => b"{\"event\":\"drop\"",
        });
        number(out, ",\"time\":", self.time.as_nanos());
        number(out, ",\"id\":", self.id);
        out.extend_from_slice(b",\"src\":");
        write_string(out, self.src);
        out.extend_from_slice(b",\"dest\":");
        write_string(out, self.dest);
        match self.kind {
            JournalKind::Send { body, op, cause } => {
                if let Some(op) = op {
                    number(out, ",\"op\":", u64::from(op));
                }
                if let Some(cause) = cause {
                    number(out, ",\"cause\":", cause);
                }
                out.extend_from_slice(b",\"body\":");
                out.extend_from_slice(body.as_bytes());
            }
            JournalKind::Drop(reason) => {
                out.extend_from_slice(b",\"reason\":\"");
                out.extend_from_slice(reason.name().as_bytes());
                out.push(b'"');
            }
            JournalKind::Receive | JournalKind::Duplicate => {}
        }
        out.extend_from_slice(b"}\n");
    }
}

/// A line of a journal, read back.
#[derive(Debug, Deserialize)]
pub struct JournalLine<'a> {
    /// `send`, `receive`, `duplicate` or `drop`.
    pub event: &'a str,
    /// When.
    pub time: Time,
    /// The message's number.
    pub id: u64,
    /// Who sent it.
    #[serde(borrow)]
    pub src: std::borrow::Cow<'a, str>,
    /// Who is to get it.
    #[serde(borrow)]
    pub dest: std::borrow::Cow<'a, str>,
    /// The index of the invocation it serves.
    pub op: Option<u32>,
    /// The message whose handling sent it.
    pub cause: Option<u64>,
    /// Why it was dropped.
    pub reason: Option<DropReason>,
    /// The body, on `send`.
    #[serde(borrow)]
    pub body: Option<&'a RawValue>,
}

/// What a line of a journal begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalHead {
    /// What happened.
    pub event: HeadKind,
    /// When.
    pub time: Time,
    /// The message's number.
    pub id: u64,
}

/// The kinds of event, by name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadKind {
    /// A message was sent.
    Send,
    /// It arrived.
    Receive,
    /// It will arrive twice.
    Duplicate,
    /// It will never arrive.
    Drop,
}

impl JournalHead {
    /// Reads the head of a line as [`JournalEvent::write`] writes it; `None` if the line is written
    /// in another way.
    fn quick(line: &[u8]) -> Option<JournalHead> {
        let rest = line.strip_prefix(b"{\"event\":\"")?;
        let name = rest.iter().position(|byte| *byte == b'"')?;
        let event = HeadKind::named(std::str::from_utf8(&rest[..name]).ok()?)?;
        let (time, rest) = number(rest[name..].strip_prefix(b"\",\"time\":")?)?;
        let (id, _) = number(rest.strip_prefix(b",\"id\":")?)?;
        Some(JournalHead { event, time: Time::from_nanos(time), id })
    }
}

impl HeadKind {
    fn named(name: &str) -> Option<HeadKind> {
        Some(match name {
            "send" => HeadKind::Send,
            "receive" => HeadKind::Receive,
            "duplicate" => HeadKind::Duplicate,
            "drop" => HeadKind::Drop,
            _ => return None,
        })
    }
}

/// A number that ends with a comma or the object, and what follows it.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    matches!(text.get(digits), Some(b',' | b'}')).then_some((number, &text[digits..]))
}

/// Reads a journal line by line, in one buffer.
#[derive(Debug)]
pub struct JournalReader<R> {
    input: R,
    bytes: Vec<u8>,
    line: u64,
}

impl<R: BufRead> JournalReader<R> {
    /// A reader at the beginning of a journal.
    pub fn new(input: R) -> JournalReader<R> {
        JournalReader { input, bytes: Vec::new(), line: 0 }
    }

    /// The number of the line read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The next event; `None` at the end. Blank lines are passed over. It borrows the reader's
    /// buffer, hence this is no `Iterator`.
    ///
    /// # Errors
    ///
    /// If the input cannot be read, or the line is not an event.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend its buffer")]
    pub fn next(&mut self) -> Option<Result<JournalLine<'_>, ReadError>> {
        match self.advance() {
            Err(error) => Some(Err(error)),
            Ok(false) => None,
            Ok(true) => Some(self.current()),
        }
    }

    /// The head of the next event; `None` at the end. Whoever wants the rest of the line asks for
    /// [`JournalReader::current`]; of a line that is only counted the body is not looked at, which
    /// takes a tenth of the time.
    ///
    /// # Errors
    ///
    /// If the input cannot be read, or the line has no such head.
    pub fn next_head(&mut self) -> Option<Result<JournalHead, ReadError>> {
        match self.advance() {
            Err(error) => return Some(Err(error)),
            Ok(false) => return None,
            Ok(true) => {}
        }
        if let Some(head) = JournalHead::quick(&self.bytes) {
            return Some(Ok(head));
        }
        let line = self.line;
        Some(self.current().and_then(|event| {
            let kind = HeadKind::named(event.event).ok_or_else(|| ReadError::Text {
                line,
                column: 1,
                problem: format!("unknown event `{}`", event.event),
            })?;
            Ok(JournalHead { event: kind, time: event.time, id: event.id })
        }))
    }

    /// The event whose line was read last.
    ///
    /// # Errors
    ///
    /// If the line is not an event.
    pub fn current(&self) -> Result<JournalLine<'_>, ReadError> {
        serde_json::from_slice(self.bytes.trim_ascii_end())
            .map_err(|error| ReadError::json(self.line, &error))
    }

    /// Reads the next line that is not blank; false at the end.
    fn advance(&mut self) -> Result<bool, ReadError> {
        loop {
            self.bytes.clear();
            self.line += 1;
            if self.input.read_until(b'\n', &mut self.bytes)? == 0 {
                return Ok(false);
            }
            if !self.bytes.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND: &str = concat!(
        r#"{"event":"send","time":5,"id":0,"src":"c0","dest":"n\"0","op":3,"#,
        r#""cause":7,"body":{"type":"read","x":[1, 2]}}"#,
        "\n"
    );

    #[test]
    fn reads_what_it_writes() {
        let kinds = [
            JournalKind::Send { body: r#"{"type":"echo"}"#, op: Some(3), cause: None },
            JournalKind::Send { body: "{}", op: None, cause: Some(7) },
            JournalKind::Receive,
            JournalKind::Duplicate,
            JournalKind::Drop(DropReason::Loss),
            JournalKind::Drop(DropReason::Partition),
            JournalKind::Drop(DropReason::DeadNode),
        ];
        let time = Time::from_millis(5);
        let events = kinds.map(|kind| JournalEvent { kind, time, id: 9, src: "n0", dest: "n\"1" });
        let mut stored = Vec::new();
        for event in events {
            event.write(&mut stored);
        }
        let mut reader = JournalReader::new(stored.as_slice());
        for event in events {
            let line = reader.next().unwrap().unwrap();
            let kind = match line.event {
                "send" => JournalKind::Send {
                    body: line.body.unwrap().get(),
                    op: line.op,
                    cause: line.cause,
                },
                "receive" => JournalKind::Receive,
                "duplicate" => JournalKind::Duplicate,
                _ => JournalKind::Drop(line.reason.unwrap()),
            };
            let JournalLine { time, id, ref src, ref dest, .. } = line;
            assert_eq!(JournalEvent { kind, time, id, src, dest }, event);
        }
        assert!(reader.next().is_none());
    }

    #[test]
    fn says_which_line_is_wrong() {
        for (bad, problem) in [
            ("{\"event\":\"send\"}\n", "line 3, column 16: missing field `time`"),
            ("what\n", "line 3, column 1: expected value"),
            ("{\"event\"", "line 3, column 8: EOF while parsing an object"),
        ] {
            let text = format!("{SEND}\n{bad}");
            let mut reader = JournalReader::new(text.as_bytes());
            assert_eq!(reader.next().unwrap().unwrap().body.unwrap().get().len(), 26);
            assert_eq!(reader.next().unwrap().unwrap_err().to_string(), problem);
        }
    }

    /// However a line is written, its head is the same.
    #[test]
    fn heads_agree_with_lines() {
        let head = |event, nanos, id| JournalHead { event, time: Time::from_nanos(nanos), id };
        for (text, expected) in [
            (SEND.to_owned(), head(HeadKind::Send, 5, 0)),
            (
                r#"{"event":"drop","time":7,"id":18446744073709551615,"src":"n0","dest":"n1","reason":"loss"}"#
                    .to_owned(),
                head(HeadKind::Drop, 7, u64::MAX),
            ),
            (
                "{ \"id\": 3, \"event\":\"receive\", \"time\":12, \
                 \"src\":\"n0\",\"dest\":\"n1\"}".to_owned(),
                head(HeadKind::Receive, 12, 3),
            ),
            (
                r#"{"event":"duplicate","time":1,"id":2,"src":"n0","dest":"n1"}"#.to_owned(),
                head(HeadKind::Duplicate, 1, 2),
            ),
        ] {
            let mut reader = JournalReader::new(text.as_bytes());
            assert_eq!(reader.next_head().unwrap().unwrap(), expected, "{text}");
            let line = reader.current().unwrap();
            assert_eq!((line.time, line.id), (expected.time, expected.id));
            assert!(reader.next_head().is_none());
        }
        for (bad, problem) in [
            ("{\"event\":\"send\",\"time\":-5,\"id\":1}", "line 1, column 25: invalid value"),
            (
                "{\"event\":\"jump\",\"time\":5,\"id\":1,\"src\":\"n0\",\"dest\":\"n1\"}",
                "line 1, column 1: unknown event `jump`",
            ),
        ] {
            let mut reader = JournalReader::new(bad.as_bytes());
            let found = reader.next_head().unwrap().unwrap_err().to_string();
            assert!(found.starts_with(problem), "{found}");
        }
    }
}
