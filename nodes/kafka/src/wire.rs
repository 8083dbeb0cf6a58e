//! Messages: the clients', and those between nodes.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

use crate::log::{Log, Message};

/// The most messages of a log that one poll returns.
const POLL_MAX: usize = 1 << 16;

/// A key, shared.
pub type Key = Rc<str>;

/// The requests to this node, from clients and from other nodes.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A client appends a message to a log.
    Send {
        /// The log's key.
        key: Key,
        /// The message.
        msg: Message,
    },
    /// A client reads logs.
    Poll {
        /// The first offset that is wanted, by log.
        offsets: BTreeMap<Key, u64>,
    },
    /// A client says that all messages up to these offsets have been processed.
    CommitOffsets {
        /// The offsets, by log.
        offsets: BTreeMap<Key, u64>,
    },
    /// A client asks for the committed offsets.
    ListCommittedOffsets {
        /// The logs' keys.
        keys: Vec<Key>,
    },
    /// Another node sends everything that it has for this one.
    Exchange(Exchange),
}

/// The messages and committed offsets that one node has for another.
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
    /// The request of one node to another.
    Exchange(Exchange),
}

/// The replies of this node.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
pub enum Reply {
    /// The message is in the log, and on two nodes if there are as many.
    SendOk {
        /// The message's offset.
        offset: u64,
    },
    /// The messages of the logs.
    PollOk {
        /// Logs that have nothing new are left out.
        msgs: Polled,
    },
    /// The offsets have been noted.
    CommitOffsetsOk {},
    /// The greatest offsets that were committed.
    ListCommittedOffsetsOk {
        /// Logs without one are left out.
        offsets: BTreeMap<Key, u64>,
    },
    /// The reply to another node: everything has arrived here.
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
    /// Everything has arrived there.
    ExchangeOk {
        /// The offsets of the messages forwarded, in their order.
        #[serde(default)]
        offsets: Vec<u64>,
    },
}

/// Parts of logs: key, first offset, messages.
#[derive(Default)]
pub struct Polled(pub Vec<(Key, u64, Vec<Message>)>);

impl Polled {
    /// What these logs have from these offsets on.
    pub fn of(logs: &BTreeMap<Key, Log>, offsets: &BTreeMap<Key, u64>) -> Polled {
        let part = |(key, offset): (&Key, &u64)| {
            let messages = logs.get(key)?.from(*offset, POLL_MAX);
            let some = !messages.is_empty();
            some.then(|| (Rc::clone(key), *offset, messages.to_vec()))
        };
        Polled(offsets.iter().filter_map(part).collect())
    }
}

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
