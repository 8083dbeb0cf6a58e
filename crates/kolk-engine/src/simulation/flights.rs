//! The messages on their way.

use kolk_protocol::Time;
use kolk_protocol::message::{Body, Marks};

use crate::endpoint::Endpoint;

/// How many messages may be on their way at once, and how many bytes their bodies may have: nodes
/// that answer each message with more than one would fill any memory.
const COUNT_MAX: usize = 1_000_000;
const BYTES_MAX: usize = 256 << 20;

/// How many bodies' memory is kept, and how much that is.
const SPARE_MAX: usize = 1024;
const SPARE_BYTES_MAX: usize = 4 << 20;

/// A body of more bytes is a read, as a rule.
const LARGE_BYTES: usize = 1024;

/// A message on its way.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) id: u64,
    pub(super) src: Endpoint,
    pub(super) dest: Endpoint,
    pub(super) op: Option<u32>,
    pub(super) body: String,
    /// When it arrives, if nothing holds it up.
    pub(super) due: Time,
    /// What the scan of the body found when it was sent.
    pub(super) marks: Option<Marks>,
}

impl InFlight {
    /// The body, as it was when it was sent.
    pub(super) fn read_body(&self) -> Body<'_> {
        match &self.marks {
            Some(marks) => marks.body(&self.body),
            None => Body::parse(&self.body).expect("bodies are checked when they are sent"),
        }
    }
}

/// Which bodies' memory is for a body of so many bytes.
fn is_large(bytes: usize) -> usize {
    usize::from(bytes > LARGE_BYTES)
}

/// All messages on their way, each in a slot of its own.
#[derive(Debug, Default)]
pub(super) struct Flights {
    slots: Vec<Option<InFlight>>,
    free: Vec<u32>,
    bytes: usize,
    /// Bodies' memory, to be used again, and how much it is: small ones, and those of reads.
    spare: [Vec<String>; 2],
    spare_bytes: usize,
}

impl Flights {
    /// Puts a message into a slot.
    pub(super) fn put(&mut self, message: InFlight) -> u32 {
        self.bytes += message.body.len();
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(message);
                slot
            }
            None => {
                self.slots.push(Some(message));
                (self.slots.len() - 1) as u32
            }
        }
    }

    /// The message in a slot that has not been taken.
    pub(super) fn get(&self, slot: u32) -> &InFlight {
        self.slots[slot as usize].as_ref().expect("a message is delivered once")
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut InFlight {
        self.slots[slot as usize].as_mut().expect("a message is delivered once")
    }

    pub(super) fn take(&mut self, slot: u32) -> InFlight {
        self.free.push(slot);
        let message = self.slots[slot as usize].take().expect("a message is delivered once");
        self.bytes -= message.body.len();
        message
    }

    /// A copy of a body.
    pub(super) fn copy(&mut self, json: &str) -> String {
        let mut body = self.spare[is_large(json.len())].pop().unwrap_or_default();
        self.spare_bytes -= body.capacity();
        body.push_str(json);
        body
    }

    /// Keeps a body's memory, if there is not too much of it.
    pub(super) fn recycle(&mut self, mut body: String) {
        let spare = &mut self.spare[is_large(body.capacity())];
        if spare.len() < SPARE_MAX && self.spare_bytes + body.capacity() <= SPARE_BYTES_MAX {
            body.clear();
            self.spare_bytes += body.capacity();
            spare.push(body);
        }
    }

    /// How many messages are on their way.
    pub(super) fn count(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How many bytes their bodies have.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// True if they are more than any protocol needs.
    pub(super) fn are_too_many(&self) -> bool {
        self.count() > COUNT_MAX || self.bytes > BYTES_MAX
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &InFlight> {
        self.slots.iter().flatten()
    }
}
