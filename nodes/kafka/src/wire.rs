//! Messages: the clients', and those between nodes.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

use crate::log::Message;

/// A key, shared.
pub type Key = Rc<str>;

/// What is asked of this node.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A client's: append to a log.
    Send {
        /// Which.
        key: Key,
        /// What.
        msg: Message,
    },
    /// A client's: read logs.
    Poll {
        /// From which offset on.
        offsets: BTreeMap<Key, u64>,
    },
    /// A client's: all up to here has been processed.
    CommitOffsets {
        /// For each log.
        offsets: BTreeMap<Key, u64>,
    },
    /// A client's: up to where has been processed?
    ListCommittedOffsets {
        /// Which logs.
        keys: Vec<Key>,
    },
    /// Another node's: everything it has for this one.
    Exchange(Exchange),
}

/// What one node has for another.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Exchange {
    /// Messages for logs that the receiver owns: the sender's number for it, key and message. The
    /// same one may come again, under the same number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<(u64, Key, Message)>,
    /// Every forward with a number below this one has been answered.
    #[serde(default)]
    pub answered: u64,
    /// Messages of logs that the sender owns: key, offset and message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<(Key, u64, Message)>,
    /// Committed offsets that the sender has heard of lately.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commits: BTreeMap<Key, u64>,
}

/// Sends an [`Exchange`].
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// That is all.
    Exchange(Exchange),
}

/// What this node answers.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
pub enum Reply {
    /// It is in the log, and on two nodes if there are as many.
    SendOk {
        /// Where.
        offset: u64,
    },
    /// What there is.
    PollOk {
        /// Logs that have nothing new are left out.
        msgs: Polled,
    },
    /// Noted.
    CommitOffsetsOk {},
    /// The greatest offsets that were committed.
    ListCommittedOffsetsOk {
        /// Logs without one are left out.
        offsets: BTreeMap<Key, u64>,
    },
    /// To another node: all of it is here.
    ExchangeOk {
        /// The offsets of the messages forwarded, in their order.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        offsets: Vec<u64>,
    },
}

/// Reads an answer to [`Call::Exchange`].
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// All of it is there.
    ExchangeOk {
        /// The offsets of the messages forwarded, in their order.
        #[serde(default)]
        offsets: Vec<u64>,
    },
}

/// Parts of logs: key, first offset, messages.
#[derive(Default)]
pub struct Polled(pub Vec<(Key, u64, Vec<Message>)>);

/// As `{key: [[offset, message], …], …}`.
impl Serialize for Polled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, first, messages) in &self.0 {
            map.serialize_entry(key, &Part { first: *first, messages })?;
        }
        map.end()
    }
}

struct Part<'a> {
    first: u64,
    messages: &'a [Message],
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pairs = serializer.serialize_seq(Some(self.messages.len()))?;
        for pair in (self.first..).zip(self.messages) {
            pairs.serialize_element(&pair)?;
        }
        pairs.end()
    }
}
