//! Each workload's requests and replies.
//!
//! These are the types a workbench's clients speak; a node may use them or its own. In the body,
//! `type` names the variant. See Maelstrom's
//! [workloads](https://github.com/jepsen-io/maelstrom/blob/main/doc/workloads.md).

/// `init`: the first message every node gets.
pub mod init {
    use crate::lockstep;
    use serde::{Deserialize, Serialize};

    /// The requests that the workbench sends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Tells the node its own name and those of all nodes.
        Init {
            /// The node's own name.
            node_id: String,
            /// All nodes' names, this one's among them.
            node_ids: Vec<String>,
            /// Present when virtual time was asked for.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            lockstep: Option<lockstep::Offer>,
        },
    }

    /// The node's replies.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// The node is ready.
        InitOk {
            /// Present if the node accepts the offer.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            lockstep: Option<lockstep::Acceptance>,
        },
    }
}

/// `echo`: a payload comes back as it was.
pub mod echo {
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    /// The requests that clients send.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Asks for the payload back.
        Echo {
            /// The payload.
            echo: Value,
        },
    }

    /// The node's replies.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// The reply to [`Request::Echo`].
        EchoOk {
            /// The payload, unchanged.
            echo: Value,
        },
    }
}

/// `unique-ids`: every reply is an id that was never given out before.
pub mod unique_ids {
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    /// The requests that clients send.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Asks for an id.
        Generate {},
    }

    /// The node's replies.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// A new id.
        GenerateOk {
            /// Any JSON value.
            id: Value,
        },
    }
}

/// `broadcast`: a value that is sent to one node reaches all nodes.
pub mod broadcast {
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;

    /// The requests that clients send.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Suggests which nodes should speak with which.
        Topology {
            /// Each node's neighbours.
            topology: BTreeMap<String, Vec<String>>,
        },
        /// Sends a value to all nodes.
        Broadcast {
            /// The value.
            message: i64,
        },
        /// Asks for all values that the node has received.
        Read {},
    }

    /// The node's replies.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// The request has been taken note of.
        TopologyOk {},
        /// The value will reach all nodes.
        BroadcastOk {},
        /// All values received so far.
        ReadOk {
            /// The values, in any order.
            messages: Vec<i64>,
        },
    }
}

/// `g-set`: a set that only grows.
pub mod g_set {
    use serde::{Deserialize, Serialize};

    /// The requests that clients send.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Adds an element.
        Add {
            /// The element.
            element: i64,
        },
        /// Asks for all elements.
        Read {},
    }

    /// The node's replies.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// The element is in the set.
        AddOk {},
        /// All elements.
        ReadOk {
            /// The values, in any order.
            value: Vec<i64>,
        },
    }
}

/// `g-counter` and `pn-counter`: a sum to which every node adds.
pub mod counter {
    use serde::{Deserialize, Serialize};

    /// The requests that clients send.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Adds a number to the sum.
        Add {
            /// The number to add; in `g-counter` never below 0.
            delta: i64,
        },
        /// Asks for the sum.
        Read {},
    }

    /// The node's replies.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// The number is in the sum.
        AddOk {},
        /// The sum.
        ReadOk {
            /// The sum of all deltas.
            value: i64,
        },
    }
}

/// `kafka`: logs that clients append to and poll. A key names a log; an offset is a message's place
/// in it. Offsets grow from 0 and may have holes.
pub mod kafka {
    use serde::{Deserialize, Serialize};
    use serde_json::Value;
    use std::collections::BTreeMap;

    /// The requests that clients send.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Appends a message to a log.
        Send {
            /// The log's key.
            key: String,
            /// The message.
            msg: Value,
        },
        /// Reads messages from logs.
        Poll {
            /// For each log the first offset that is of interest.
            offsets: BTreeMap<String, u64>,
        },
        /// Says that all messages up to these offsets, these included, have been processed.
        CommitOffsets {
            /// For each log the greatest offset.
            offsets: BTreeMap<String, u64>,
        },
        /// Asks for the greatest committed offsets.
        ListCommittedOffsets {
            /// The logs' keys.
            keys: Vec<String>,
        },
    }

    /// The node's replies.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// The message has been appended.
        SendOk {
            /// The message's offset.
            offset: u64,
        },
        /// Any number of messages without a gap from the offset asked for; logs without news may be
        /// left out.
        PollOk {
            /// For each log offsets and messages, in order.
            msgs: BTreeMap<String, Vec<(u64, Value)>>,
        },
        /// The request has been taken note of.
        CommitOffsetsOk {},
        /// The greatest offsets committed; logs without one are left out.
        ListCommittedOffsetsOk {
            /// The greatest committed offset, by log.
            offsets: BTreeMap<String, u64>,
        },
    }
}

/// `txn-list-append` and `txn-rw-register`: transactions over keys. Keys and values are any JSON.
pub mod txn {
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    /// The kinds of micro-operation.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub enum Function {
        /// Reads a key.
        #[serde(rename = "r")]
        Read,
        /// Sets a key (in `txn-rw-register`).
        #[serde(rename = "w")]
        Write,
        /// Appends to the list of a key (in `txn-list-append`).
        #[serde(rename = "append")]
        Append,
    }

    /// A part of a transaction: what to do, with which key, and the value. That of a read is null
    /// in a request; in a reply it is what was read, null (or an empty list) for a key that was
    /// never written.
    pub type MicroOp = (Function, Value, Value);

    /// The requests that clients send.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Runs a transaction: all of its micro-operations take effect, or none.
        Txn {
            /// The micro-operations, in the order in which they are to run.
            txn: Vec<MicroOp>,
        },
    }

    /// The node's replies; a transaction is refused with error 30.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// The transaction has been committed.
        TxnOk {
            /// The micro-operations of the request, with the values that were read.
            txn: Vec<MicroOp>,
        },
    }
}

/// The key-value services `lin-kv`, `seq-kv` and `lww-kv`. Keys and values are any JSON.
pub mod key_value {
    use serde::{Deserialize, Serialize};

    /// The requests that nodes send, with keys `K` and values `V`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request<K, V> {
        /// Reads a key.
        Read {
            /// The key.
            key: K,
        },
        /// Sets a key.
        Write {
            /// The key.
            key: K,
            /// The value to set.
            value: V,
        },
        /// Sets a key if it has the expected value (compare-and-set).
        Cas {
            /// The key.
            key: K,
            /// The expected value.
            from: V,
            /// The value to set.
            to: V,
            /// If true, the key is also set if it does not exist.
            #[serde(default)]
            create_if_not_exists: bool,
        },
    }

    /// The service's replies.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply<V> {
        /// The value of the key.
        ReadOk {
            /// The value.
            value: V,
        },
        /// The key has been set.
        WriteOk {},
        /// The key had the expected value and has been set.
        CasOk {},
    }
}

/// The timestamp service `lin-tso`.
pub mod timestamp {
    use serde::{Deserialize, Serialize};

    /// The requests that nodes send.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Asks for the next timestamp.
        Ts {},
    }

    /// The service's replies.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// A timestamp greater than all before.
        TsOk {
            /// The timestamp: 0, 1, 2, …
            ts: u64,
        },
    }
}
