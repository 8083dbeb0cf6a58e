//! The seam between a node and whatever runs it.
//!
//! A node is a machine without I/O: it is stepped with the time and one input, and gives back the
//! messages it sends and when it wants to be stepped next. The stdio drivers and the engine's
//! in-process host drive this trait; the engine's hosts for separate programs make the same steps
//! through a pipe.

use std::ops::Range;

use kolk_protocol::body::BodyError;
use kolk_protocol::message::{Body, Marks};
use kolk_protocol::{ErrorCode, Head, RpcError, Time, write_body};
use serde::Serialize;

use crate::storage::Disk;

/// The input of a step: a message or the passing of time. There will be no other kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A message arrived. It is addressed to this node.
    Message {
        /// Who sent it.
        src: &'a str,
        /// Its body, a JSON object.
        body: &'a str,
    },
    /// The deadline that the last step asked for has come.
    Wake,
}

/// A node, or anything that acts like one.
pub trait Machine {
    /// Reacts to one input at the instant `now`, which never goes back, and pushes the messages it
    /// sends to `outputs`, in order. Returns the next instant at which it wants an
    /// [`Input::Wake`] if nothing arrives before, or `None` if it only reacts to messages. Until
    /// then nothing in the machine may act.
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time>;

    /// As [`Machine::step`] with a message, whose body has been scanned already. Whoever steps a
    /// machine may call either; only a machine that would scan every body implements both.
    fn message(
        &mut self,
        now: Time,
        src: &str,
        body: &Body<'_>,
        outputs: &mut Outputs,
    ) -> Option<Time> {
        self.step(now, Input::Message { src, body: body.json }, outputs)
    }

    /// Gives the machine a disk, before its first step; a machine that is made again after it was
    /// killed gets the same one. One that stores nothing ignores it.
    fn attach(&mut self, disk: Disk) {
        drop(disk);
    }
}

impl<M: Machine + ?Sized> Machine for Box<M> {
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        (**self).step(now, input, outputs)
    }

    fn message(
        &mut self,
        now: Time,
        src: &str,
        body: &Body<'_>,
        outputs: &mut Outputs,
    ) -> Option<Time> {
        (**self).message(now, src, body, outputs)
    }

    fn attach(&mut self, disk: Disk) {
        (**self).attach(disk);
    }
}

/// The messages and the log lines of a step. The buffer is meant to be reused for every step.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    bytes: Vec<u8>,
    messages: Vec<Sent>,
    log: Vec<u8>,
}

/// A message in the buffer.
#[derive(Clone, Debug)]
struct Sent {
    dest: Range<usize>,
    body: Range<usize>,
    /// What a scan of the body would find, if its writer has told.
    marks: Option<Marks>,
}

impl Outputs {
    /// An empty buffer.
    pub fn new() -> Outputs {
        Outputs::default()
    }

    /// Adds a message whose body `write` appends to the buffer it is given. The buffer holds other
    /// bytes already; they must stay as they are. If `write` fails, nothing is added.
    pub fn push_with<E>(
        &mut self,
        dest: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.push_marked(dest, |bytes| write(bytes).map(|()| None))
    }

    /// As [`Outputs::push_with`]; `write` tells what a scan of the body would find, if it knows.
    fn push_marked<E>(
        &mut self,
        dest: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<Option<Marks>, E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(dest.as_bytes());
        let middle = self.bytes.len();
        match write(&mut self.bytes) {
            Ok(marks) => {
                let (dest, body) = (start..middle, middle..self.bytes.len());
                self.messages.push(Sent { dest, body, marks });
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(start);
                Err(error)
            }
        }
    }

    /// Adds a message with the given body, a JSON object.
    pub fn push(&mut self, dest: &str, body: &[u8]) {
        self.push_written(dest, body, None);
    }

    /// Adds a message with this body, of which its writer has told what a scan would find.
    pub(crate) fn push_written(&mut self, dest: &str, body: &[u8], marks: Option<Marks>) {
        let written = self.push_marked(dest, |bytes| {
            bytes.extend_from_slice(body);
            Ok::<_, std::convert::Infallible>(marks)
        });
        match written {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// Adds a message. One that cannot be written is logged and not added: the policy for every
    /// message that a node sends.
    pub(crate) fn push_message<M: Serialize + ?Sized>(
        &mut self,
        dest: &str,
        message: &M,
        head: Head<'_>,
    ) -> Result<(), BodyError> {
        self.push_marked(dest, |out| write_body(out, message, head))
            .inspect_err(|error| self.log_unwritten(dest, error))
    }

    /// Logs that a message could not be written.
    pub(crate) fn log_unwritten(&mut self, dest: &str, error: &BodyError) {
        self.log(&format!("a message to {dest} cannot be written: {error}"));
    }

    /// Adds the answer to a request. If it cannot be written, the caller gets error 13, which says
    /// nothing about whether the request was performed.
    pub(crate) fn push_reply<R: Serialize>(&mut self, dest: &str, msg_id: &str, reply: &R) {
        let head = Head { msg_id: None, in_reply_to: Some(msg_id) };
        if let Err(error) = self.push_message(dest, reply, head) {
            let text = format!("the answer cannot be written: {error}");
            self.push_error(dest, msg_id, &RpcError::new(ErrorCode::CRASH, text));
        }
    }

    /// Adds the error that answers a request.
    pub(crate) fn push_error(&mut self, dest: &str, msg_id: &str, error: &RpcError) {
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum Body<'a> {
            Error { code: ErrorCode, text: &'a str },
        }
        let body = Body::Error { code: error.code, text: &error.text };
        let head = Head { msg_id: None, in_reply_to: Some(msg_id) };
        let written = self.push_marked(dest, |out| write_body(out, &body, head));
        debug_assert!(written.is_ok(), "a code and a text are always JSON");
    }

    /// The messages in the order in which they were sent: destination and body.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.messages.iter().map(|sent| (self.text(&sent.dest), self.text(&sent.body)))
    }

    /// As [`Outputs::messages`], with what a scan of the body would find, if its writer has told.
    pub fn marked(&self) -> impl Iterator<Item = (&str, &str, Option<&Marks>)> {
        self.messages
            .iter()
            .map(|sent| (self.text(&sent.dest), self.text(&sent.body), sent.marks.as_ref()))
    }

    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default()
    }

    /// The messages in the order in which they were sent: destination, and body as bytes.
    #[cfg(feature = "stdio")]
    pub(crate) fn messages_raw(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.messages
            .iter()
            .map(|Sent { dest, body, .. }| (self.text(dest), &self.bytes[body.clone()]))
    }

    /// Adds a line to what the node logs (its stderr, where it has one).
    pub fn log(&mut self, line: &str) {
        self.log.extend_from_slice(line.as_bytes());
        self.log.push(b'\n');
    }

    /// The node's log of this step, in whole lines.
    pub fn logged(&self) -> &[u8] {
        &self.log
    }

    /// True if nothing was sent and nothing logged.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.log.is_empty()
    }

    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.messages.clear();
        self.log.clear();
    }
}
