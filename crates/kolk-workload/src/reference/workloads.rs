//! The workloads' messages, and what is checked.

use super::{Exchange, Field, WorkloadDoc, field, message};

const READ_NOTHING: super::Message = message("read", "What is there?", &[]);

const fn add(key: &'static [Field]) -> Exchange {
    Exchange {
        request: message("add", "Put this in.", key),
        reply: message("add_ok", "It is in, and will stay.", &[]),
        errors: &[],
    }
}

const SUM_READ: Exchange = Exchange {
    request: READ_NOTHING,
    reply: message(
        "read_ok",
        "The sum, as far as this node knows.",
        &[field("value", "integer", "the sum of all deltas")],
    ),
    errors: &[],
};

const KEY_VALUE: &[Exchange] = &[
    Exchange {
        request: message("read", "The value of a key.", &[field("key", "integer", "which key")]),
        reply: message(
            "read_ok",
            "The key has a value.",
            &[field("value", "any JSON", "the key's value")],
        ),
        errors: &[(20, "there is no such key")],
    },
    Exchange {
        request: message(
            "write",
            "Sets a key, whatever it was.",
            &[field("key", "integer", "which key"), field("value", "integer", "to what")],
        ),
        reply: message("write_ok", "It is set.", &[]),
        errors: &[],
    },
    Exchange {
        request: message(
            "cas",
            "Compare and set: sets a key to `to` if its value is `from`, in one step.",
            &[
                field("key", "integer", "which key"),
                field("from", "integer", "the value expected"),
                field("to", "integer", "the value to set"),
                field(
                    "create_if_not_exists",
                    "true or false, optional",
                    "no client of a workload sends it; the services know it",
                ),
            ],
        ),
        reply: message("cas_ok", "It was `from`, and is `to` now.", &[]),
        errors: &[(20, "there is no such key"), (22, "the value is not `from`")],
    },
];

const TXN: Exchange = Exchange {
    request: message("txn", "Do all of this, or nothing.", TXN_REQUEST),
    reply: message("txn_ok", "All of it was done.", TXN_REPLY),
    errors: &[(30, "it was aborted, and nothing of it was done")],
};

const TXN_REQUEST: &[Field] = &[field(
    "txn",
    "array of micro-operations",
    "what to do, in this order: `[\"r\", key, null]` reads a key, `[\"w\", key, value]` sets one \
     (txn-rw-register), `[\"append\", key, value]` appends to the list of one (txn-list-append); \
     keys and values are integers",
)];

const TXN_REPLY: &[Field] = &[field(
    "txn",
    "array of micro-operations",
    "the same ones, in the same order, each `null` of a read replaced by what was read; for a key \
     that was never written by null, or for lists by `[]`",
)];

const TXN_CHECKED: &[&str] = &["No anomaly that the consistency models asked for rule out \
     (`--consistency-models`, else strict serializability): circles of dependencies, aborted and \
     intermediate reads, lost updates, and the others that the page on checkers names."];
const TXN_STRICT: &[&str] = &[
    "When the faults are healed every node reads every key: nodes that disagree, and acknowledged \
     writes that vanished though nothing overwrote them.",
    "Values that nobody wrote.",
];

/// All workloads.
pub const WORKLOADS: &[WorkloadDoc] = &[
    WorkloadDoc {
        name: "broadcast",
        about: "A value that one node is told comes to all nodes. Nodes tell each other in \
                messages of their own, of any `type`.",
        exchanges: &[
            Exchange {
                request: message(
                    "topology",
                    "Who should talk with whom; a suggestion. It comes once from every client, \
                     before anything else.",
                    &[field(
                        "topology",
                        "object of arrays of strings",
                        "for each node its neighbours",
                    )],
                ),
                reply: message("topology_ok", "Noted.", &[]),
                errors: &[],
            },
            Exchange {
                request: message(
                    "broadcast",
                    "Tell this to everybody.",
                    &[field("message", "integer", "the value; no value is broadcast twice")],
                ),
                reply: message("broadcast_ok", "It will be told.", &[]),
                errors: &[],
            },
            Exchange {
                request: READ_NOTHING,
                reply: message(
                    "read_ok",
                    "All values that this node has heard of.",
                    &[field("messages", "array of integers", "in any order")],
                ),
                errors: &[],
            },
        ],
        load: "Broadcasts and reads at even odds; values are 0, 1, 2, … At the end the faults are \
               healed, ten seconds pass, and every client reads once.",
        checked: &["No value is lost: once a broadcast is acknowledged, or its value was read by \
             somebody, the latest reads have it."],
        strict: &[
            "A read has a value twice, or one that nobody broadcast.",
            "When the faults are healed, a node lacks a value or does not answer.",
        ],
        not_checked: &[
            "The order of values, and how soon they come: the time is measured and shown as \
             stable latency, and only challenges have limits for it.",
            "Whether the topology is used.",
        ],
    },
    WorkloadDoc {
        name: "echo",
        about: "What a client says comes back unchanged. The workload to begin with.",
        exchanges: &[Exchange {
            request: message(
                "echo",
                "Say this.",
                &[field("echo", "any JSON; clients send strings", "the payload")],
            ),
            reply: message(
                "echo_ok",
                "Said.",
                &[field("echo", "any JSON", "the payload, unchanged")],
            ),
            errors: &[],
        }],
        load: "Payloads are `Please echo 0` to `Please echo 127`.",
        checked: &["Every answer holds the payload that was sent.", "No echo fails."],
        strict: &["Every request is answered, where no fault is in the way."],
        not_checked: &["Requests that got no answer while there were faults."],
    },
    WorkloadDoc {
        name: "g-counter",
        about: "A sum to which every node adds, and which never falls.",
        exchanges: &[add(&[field("delta", "integer of 0 or more", "what to add")]), SUM_READ],
        load: "Two reads to one add; deltas are 0 to 4. At the end the faults are healed, ten \
               seconds pass, and every client reads once.",
        checked: &[
            "Every final read is the sum of all acknowledged adds, with or without each add whose \
             outcome is unknown.",
        ],
        strict: &[
            "A read lacks what its own process had added, or has more than anybody had.",
            "Nodes end with different sums, or do not answer.",
        ],
        not_checked: &["Without `--strict`, reads before the end: they may be as old as you like."],
    },
    WorkloadDoc {
        name: "g-set",
        about: "A set that only grows, and is the same everywhere in the end.",
        exchanges: &[
            add(&[field("element", "integer", "the element; none is added twice")]),
            Exchange {
                request: READ_NOTHING,
                reply: message(
                    "read_ok",
                    "The elements that this node knows.",
                    &[field("value", "array of integers", "in any order")],
                ),
                errors: &[],
            },
        ],
        load: "Adds and reads at even odds; elements are 0, 1, 2, … At the end the faults are \
               healed, ten seconds pass, and every client reads once.",
        checked: &["No element is lost: once an add is acknowledged, or its element was read by \
             somebody, the latest reads have it."],
        strict: &[
            "A read has an element twice, or one that nobody added.",
            "When the faults are healed, a node lacks an element or does not answer.",
        ],
        not_checked: &["How soon an element comes to other nodes."],
    },
    WorkloadDoc {
        name: "kafka",
        about: "Logs that clients append to and poll. A key names a log; an offset is a message's \
                place in it. Offsets grow and may have holes.",
        exchanges: &[
            Exchange {
                request: message(
                    "send",
                    "Append to a log.",
                    &[
                        field("key", "string", "which log"),
                        field("msg", "any JSON; clients send integers", "the message"),
                    ],
                ),
                reply: message(
                    "send_ok",
                    "Appended.",
                    &[field("offset", "integer of 0 or more", "the message's place, its alone")],
                ),
                errors: &[],
            },
            Exchange {
                request: message(
                    "poll",
                    "Messages from logs.",
                    &[field(
                        "offsets",
                        "object of integers",
                        "for each log the first offset that is wanted",
                    )],
                ),
                reply: message(
                    "poll_ok",
                    "Any number of messages of each log, without a gap from the offset on that \
                     was asked for.",
                    &[field(
                        "msgs",
                        "object of arrays of `[offset, message]`",
                        "in order; logs without news may be left out",
                    )],
                ),
                errors: &[],
            },
            Exchange {
                request: message(
                    "commit_offsets",
                    "All up to here, these offsets included, was processed.",
                    &[field("offsets", "object of integers", "for each log its offset")],
                ),
                reply: message("commit_offsets_ok", "Noted.", &[]),
                errors: &[],
            },
            Exchange {
                request: message(
                    "list_committed_offsets",
                    "Up to where was processed?",
                    &[field("keys", "array of strings", "which logs")],
                ),
                reply: message(
                    "list_committed_offsets_ok",
                    "The greatest offsets that were committed.",
                    &[field(
                        "offsets",
                        "object of integers",
                        "for each log; logs without one are left out",
                    )],
                ),
                errors: &[],
            },
        ],
        load: "Sends and polls. A client commits after each poll; now and then it asks for the \
               committed offsets of some logs and polls those from there on; now and then it \
               crashes, and a fresh one takes its place. At the end every client polls every log \
               from the beginning.",
        checked: &[
            "An offset of a log has one message, and a message one offset.",
            "No acknowledged message is lost: passed over by polls of what came later, or never \
             polled at the end.",
            "A client's polls jump over nothing and do not go back, nor do the offsets of its \
             sends.",
            "No poll has a message whose send failed, or that nobody sent.",
        ],
        strict: &[
            "Committed offsets go back, and no later or concurrent commit explains it.",
            "A later send got a lower offset.",
            "At the end a node lacks an acknowledged value, or answers no poll.",
        ],
        not_checked: &[
            "Which messages a poll gives, and how many: it may give none.",
            "Whether offsets have holes.",
        ],
    },
    WorkloadDoc {
        name: "lin-kv",
        about: "Keys that are read, written, and compared and set, as if there were one copy of \
                each: linearizable.",
        exchanges: KEY_VALUE,
        load: "Two workers a node; half of them read, the others write 0 to 4, or compare and set \
               one of these to another. All work on one key until about 20 processes had a part \
               in it, and then on the next.",
        checked: &[
            "For every key there is an order of all operations that keeps real time and explains \
             every answer.",
        ],
        strict: &["A read that found no key must fit into that order too."],
        not_checked: &[
            "How many operations succeed: ask with `--availability`. Without `--strict` a store \
             that answers every request with error 11 is linearizable.",
        ],
    },
    WorkloadDoc {
        name: "pn-counter",
        about: "A sum to which every node adds, and which may also fall.",
        exchanges: &[add(&[field("delta", "integer", "what to add")]), SUM_READ],
        load: "Adds and reads at even odds; deltas are −5 to 4. At the end the faults are healed, \
               ten seconds pass, and every client reads once.",
        checked: &[
            "Every final read is the sum of all acknowledged adds, with or without each add whose \
             outcome is unknown.",
        ],
        strict: &[
            "A read lacks what its own process had added, or has more than anybody had.",
            "Nodes end with different sums, or do not answer.",
        ],
        not_checked: &["Without `--strict`, reads before the end: they may be as old as you like."],
    },
    WorkloadDoc {
        name: "seq-kv",
        about: "Keys that are read, written, and compared and set, in one order that all agree \
                on: sequentially consistent. The workload is kolk's own; Maelstrom has none.",
        exchanges: KEY_VALUE,
        load: "Reads, writes and compare-and-sets of a few keys (`--key-count`); no value is set \
               twice. At the end every client writes to a key of its own, the barrier, and reads \
               every key.",
        checked: &[
            "There is one order of all operations that keeps each process's order and explains \
             every answer.",
            "After its barrier a client sees all that was acknowledged before.",
            "No read has a value that nobody wrote, or whose write failed.",
        ],
        strict: &["A read during the load misses what was acknowledged before its own last write."],
        not_checked: &["Without a write of one's own, how old a read is."],
    },
    WorkloadDoc {
        name: "txn-list-append",
        about: "Transactions that append to lists and read them: all of one, or nothing.",
        exchanges: &[TXN],
        load: "One to four micro-operations (`--max-txn-length`), reads and appends at even odds, \
               on ten keys at a time (`--key-count`). A key is replaced by a fresh one after 16 \
               appends (`--max-writes-per-key`); the values appended to a key are 1, 2, …",
        checked: TXN_CHECKED,
        strict: TXN_STRICT,
        not_checked: &["How many transactions succeed: ask with `--availability`."],
    },
    WorkloadDoc {
        name: "txn-rw-register",
        about: "Transactions that set registers and read them: all of one, or nothing.",
        exchanges: &[TXN],
        load: "One to four micro-operations (`--max-txn-length`), reads and writes at even odds, \
               on ten keys at a time (`--key-count`). A key is replaced by a fresh one after 16 \
               writes (`--max-writes-per-key`); the values written to a key are 1, 2, …",
        checked: TXN_CHECKED,
        strict: TXN_STRICT,
        not_checked: &[
            "How many transactions succeed: ask with `--availability`.",
            "The order of two writes that nothing tells apart: registers show less than lists.",
        ],
    },
    WorkloadDoc {
        name: "unique-ids",
        about: "Every answer is an id that nobody got before.",
        exchanges: &[Exchange {
            request: message("generate", "Give me an id.", &[]),
            reply: message("generate_ok", "Here is one.", &[field("id", "any JSON", "the id")]),
            errors: &[],
        }],
        load: "Nothing but these requests.",
        checked: &["No id is given out twice."],
        strict: &[],
        not_checked: &["What ids look like, and whether they are in any order."],
    },
];

/// The workload with this name.
pub fn workload(name: &str) -> Option<&'static WorkloadDoc> {
    WORKLOADS.iter().find(|doc| doc.name == name)
}
