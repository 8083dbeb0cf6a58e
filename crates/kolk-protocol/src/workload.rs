//! Each workload's requests and replies.
//!
//! These are the types a workbench's clients speak; a node may use them or its own. In the body,
//! `type` names the variant. See Maelstrom's
//! [workloads](https://github.com/jepsen-io/maelstrom/blob/main/doc/workloads.md).

/// `init`: the first message every node gets.
pub mod init {
    use crate::lockstep;
    use serde::{Deserialize, Serialize};

    /// What the workbench sends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// You are `node_id` of `node_ids`.
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

    /// What the node answers.
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

    /// What a client sends.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Say this.
        Echo {
            /// The payload.
            echo: Value,
        },
    }

    /// What a node answers.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// Said.
        EchoOk {
            /// The payload, unchanged.
            echo: Value,
        },
    }
}

/// `unique-ids`: every answer is an id nobody got before.
pub mod unique_ids {
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    /// What a client sends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Give me an id.
        Generate {},
    }

    /// What a node answers.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// Here is one.
        GenerateOk {
            /// Any JSON value.
            id: Value,
        },
    }
}

/// `broadcast`: a value told to one node comes to all.
pub mod broadcast {
    use serde::{Deserialize, Serialize};
    use std::collections::BTreeMap;

    /// What a client sends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Who should speak with whom; a suggestion.
        Topology {
            /// Each node's neighbours.
            topology: BTreeMap<String, Vec<String>>,
        },
        /// Tell this to everybody.
        Broadcast {
            /// The value.
            message: i64,
        },
        /// What have you heard?
        Read {},
    }

    /// What a node answers.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// Noted.
        TopologyOk {},
        /// It will be told.
        BroadcastOk {},
        /// All values heard so far.
        ReadOk {
            /// In any order.
            messages: Vec<i64>,
        },
    }
}

/// `g-set`: a set that only grows.
pub mod g_set {
    use serde::{Deserialize, Serialize};

    /// What a client sends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Put this in.
        Add {
            /// The element.
            element: i64,
        },
        /// What is in it?
        Read {},
    }

    /// What a node answers.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// It is in.
        AddOk {},
        /// All elements.
        ReadOk {
            /// In any order.
            value: Vec<i64>,
        },
    }
}

/// `g-counter` and `pn-counter`: a sum to which every node adds.
pub mod counter {
    use serde::{Deserialize, Serialize};

    /// What a client sends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Add this.
        Add {
            /// In g-counter never below 0.
            delta: i64,
        },
        /// What is the sum?
        Read {},
    }

    /// What a node answers.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// It is in the sum.
        AddOk {},
        /// The sum.
        ReadOk {
            /// Of all deltas.
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

    /// What a client sends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Append to a log.
        Send {
            /// Which log.
            key: String,
            /// The message.
            msg: Value,
        },
        /// Read from logs.
        Poll {
            /// For each log the first offset that is of interest.
            offsets: BTreeMap<String, u64>,
        },
        /// All up to here, this offset included, has been processed.
        CommitOffsets {
            /// For each log the greatest offset.
            offsets: BTreeMap<String, u64>,
        },
        /// Up to where has been processed?
        ListCommittedOffsets {
            /// Which logs.
            keys: Vec<String>,
        },
    }

    /// What a node answers.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// Appended.
        SendOk {
            /// The message's place.
            offset: u64,
        },
        /// Any number of messages without a gap from the offset asked for; logs without news may be
        /// left out.
        PollOk {
            /// For each log offsets and messages, in order.
            msgs: BTreeMap<String, Vec<(u64, Value)>>,
        },
        /// Noted.
        CommitOffsetsOk {},
        /// The greatest offsets committed; logs without one are left out.
        ListCommittedOffsetsOk {
            /// For each log.
            offsets: BTreeMap<String, u64>,
        },
    }
}

/// `txn-list-append` and `txn-rw-register`: transactions over keys. Keys and values are any JSON.
pub mod txn {
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    /// What a micro-operation does.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub enum Function {
        /// Read a key.
        #[serde(rename = "r")]
        Read,
        /// Set a key (in `txn-rw-register`).
        #[serde(rename = "w")]
        Write,
        /// Append to the list of a key (in `txn-list-append`).
        #[serde(rename = "append")]
        Append,
    }

    /// A part of a transaction: what to do, with which key, and the value. That of a read is null
    /// in a request; in a reply it is what was read, null (or an empty list) for a key that was
    /// never written.
    pub type MicroOp = (Function, Value, Value);

    /// What a client sends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// Do all of this, or nothing.
        Txn {
            /// In this order.
            txn: Vec<MicroOp>,
        },
    }

    /// What a node answers; to refuse a transaction there is error 30.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// Done.
        TxnOk {
            /// What was asked for, with what was read.
            txn: Vec<MicroOp>,
        },
    }
}

/// The key-value services `lin-kv`, `seq-kv` and `lww-kv`. Keys and values are any JSON.
pub mod key_value {
    use serde::{Deserialize, Serialize};

    /// What a node sends, with keys `K` and values `V`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request<K, V> {
        /// The value of a key.
        Read {
            /// Which.
            key: K,
        },
        /// Set a key.
        Write {
            /// Which.
            key: K,
            /// To what.
            value: V,
        },
        /// Set a key if it has the value expected.
        Cas {
            /// Which.
            key: K,
            /// The value expected.
            from: V,
            /// The value to set.
            to: V,
            /// If there is no such key, set it too.
            #[serde(default)]
            create_if_not_exists: bool,
        },
    }

    /// What a service answers.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply<V> {
        /// The value of the key.
        ReadOk {
            /// The value.
            value: V,
        },
        /// Set.
        WriteOk {},
        /// It had the value expected, and is set.
        CasOk {},
    }
}

/// The timestamp service `lin-tso`.
pub mod timestamp {
    use serde::{Deserialize, Serialize};

    /// What a node sends.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Request {
        /// The next timestamp.
        Ts {},
    }

    /// What the service answers.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Reply {
        /// A timestamp greater than all before.
        TsOk {
            /// 0, 1, 2, …
            ts: u64,
        },
    }
}
