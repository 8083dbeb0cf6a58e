//! The course as data: its stages, each with its task, hints that are given one at a time, and the
//! runs that a program must pass. The book's pages and `kolk learn` both show what stands here.
//!
//! A stage of the Gossip Glomers has their flags and limits, from [`challenge`]. Where a mistake of
//! which its page warns passes under these, a run of kolk's own comes after theirs. The other
//! stages are kolk's own.

use kolk_history::plan::LatencyDistribution;

use crate::challenge::{self, BASE, ChallengeRun, LOG, Limit, Measure, Record};

/// One stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// What one types: a challenge's id, or a workload for a stage of kolk's own.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// The page of the book, without its ending.
    pub page: &'static str,
    /// What is to be done, a paragraph in Markdown.
    pub task: &'static str,
    /// Hints, each a paragraph in Markdown, and each telling more than the one before.
    pub hints: &'static [&'static str],
    /// What its program is called, without an ending; the workload's name unless it is given.
    program: Option<&'static str>,
    /// Under how many seeds a check carries out each run on the virtual clock.
    pub seeds: u32,
    /// The runs of kolk's own. Those of a challenge with the stage's id come before them.
    own: &'static [ChallengeRun],
}

impl Stage {
    /// What a program must pass.
    pub fn runs(&self) -> impl Iterator<Item = &'static ChallengeRun> + use<> {
        self.official().iter().chain(self.own)
    }

    /// Those of them that are of the Gossip Glomers.
    pub fn official(&self) -> &'static [ChallengeRun] {
        challenge::find(self.id).map_or(&[], |challenge| challenge.runs)
    }

    /// Those of them that are kolk's own.
    pub fn own(&self) -> &'static [ChallengeRun] {
        self.own
    }

    /// True if it is no stage of the Gossip Glomers.
    pub fn is_ours(&self) -> bool {
        challenge::find(self.id).is_none()
    }

    /// What its program is called, without an ending.
    pub fn program(&self) -> &'static str {
        self.program.unwrap_or_else(|| self.workload())
    }

    /// The workload of its runs.
    pub fn workload(&self) -> &'static str {
        self.runs().next().map_or("", |run| run.workload)
    }
}

/// The stage with this id, whatever its case.
pub fn find(id: &str) -> Option<&'static Stage> {
    STAGES.iter().find(|stage| stage.id.eq_ignore_ascii_case(id))
}

const NETWORK: ChallengeRun = ChallengeRun {
    name: "partitions, loss",
    node_count: 5,
    rate: 20.0,
    time_limit: 20.0,
    latency: 50.0,
    loss: 0.05,
    partitions: true,
    ..BASE
};

/// The same when nodes are killed, often enough that a node which keeps its part in memory alone
/// does not get away with it.
const KILLS: ChallengeRun = ChallengeRun {
    name: "kills, partitions",
    rate: 50.0,
    kills: true,
    nemesis_interval: 2.0,
    ..NETWORK
};

/// The same when the power of all nodes goes at once, again and again.
const POWER: ChallengeRun =
    ChallengeRun { name: "loss of power", partitions: false, kills: false, power: true, ..KILLS };

/// What kolk's own nodes are told, so that they keep what they know on their disks.
const DURABLE: &[&str] = &["--durable"];

/// Several clients at each node, whose requests have the same numbers and come at once.
const MANY_CLIENTS: ChallengeRun =
    ChallengeRun { name: "many clients", workers_per_node: 4, ..BASE };

/// Three nodes that must agree, on a network that is cut again and again.
const AGREEMENT: ChallengeRun = ChallengeRun {
    name: "partitions, loss",
    workload: "lin-kv",
    node: "lin-kv",
    node_count: 3,
    workers_per_node: 4,
    rate: 50.0,
    time_limit: 20.0,
    latency: 10.0,
    loss: 0.05,
    partitions: true,
    nemesis_interval: 2.0,
    ..BASE
};

const AGREEMENT_KILLS: ChallengeRun =
    ChallengeRun { name: "kills, partitions", kills: true, ..AGREEMENT };

const AGREEMENT_POWER: ChallengeRun = ChallengeRun {
    name: "loss of power",
    workers_per_node: 2,
    rate: 30.0,
    loss: 0.0,
    partitions: false,
    kills: false,
    power: true,
    ..AGREEMENT_KILLS
};

/// The same on a network on which messages overtake each other, so that what is old comes after
/// what is newer.
const OVERTAKING: ChallengeRun = ChallengeRun {
    name: "overtaking",
    latency: 30.0,
    latency_dist: LatencyDistribution::Exponential,
    ..AGREEMENT
};

/// Three nodes of which each in turn is cut off. Whoever is cut off while it leads takes in
/// requests that nobody will confirm: its many clients make its log longer than the others', which
/// is not to be taken for newer.
const ROLLING: ChallengeRun = ChallengeRun {
    name: "each cut off in turn",
    workers_per_node: 10,
    loss: 0.0,
    partitions: false,
    rolling: true,
    nemesis_interval: 1.0,
    ..AGREEMENT
};

/// The same with five nodes and slow messages, so that several stand for leader at once.
const ROLLING_SLOW: ChallengeRun = ChallengeRun {
    name: "each cut off in turn, slow",
    node_count: 5,
    workers_per_node: 2,
    rate: 100.0,
    latency: 50.0,
    nemesis_interval: 0.9,
    ..ROLLING
};

/// Every second node that begins to lead is cut off, and those who voted for it lose their power at
/// that moment: a vote that they do not know again makes a second leader of the term.
const COUPS: ChallengeRun = ChallengeRun { name: "coups", rolling: false, coups: true, ..ROLLING };

/// The same with transactions on lists in place of registers, strictly serializable.
const fn strict_lists(run: ChallengeRun) -> ChallengeRun {
    ChallengeRun {
        workload: "txn-list-append",
        node: "txn-list-append",
        consistency_models: "strict-serializable",
        ..run
    }
}

/// A store of which each node has a copy, while messages overtake each other and answers are lost.
const COPIES: ChallengeRun = ChallengeRun {
    name: "overtaking, loss",
    workload: "seq-kv",
    node: "seq-kv",
    node_count: 5,
    rate: 50.0,
    time_limit: 20.0,
    latency: 50.0,
    latency_dist: LatencyDistribution::Exponential,
    loss: 0.05,
    partitions: true,
    ..BASE
};

/// How many seeds a check takes where a run takes a moment. With 25 nodes a run takes long, and one
/// must do.
const MANY: u32 = 5;

/// A stage whose runs are those of the challenge with its id alone, and whose program is called as
/// their workload.
const STAGE: Stage =
    Stage { id: "", title: "", page: "", task: "", hints: &[], program: None, seeds: 3, own: &[] };

/// All stages, in their order.
pub const STAGES: &[Stage] = &[
    Stage {
        id: "1",
        title: "Echo",
        page: "echo",
        task: "Answer each `echo` with an `echo_ok` that holds the same payload.",
        hints: &[
            "A request and its answer: `kolk help workload echo`. What a library would do for you: \
             `kolk help protocol`.",
            "Answer `init` first, with `init_ok`. Every answer goes to the `src` of its request, \
             and has that request's `msg_id` as `in_reply_to`.",
            "If nothing seems to arrive: flush standard output after each line, and write logs to \
             standard error. `kolk check-node ./main.py` tries the program by itself.",
        ],
        own: &[ChallengeRun { rate: 20.0, ..MANY_CLIENTS }],
        ..STAGE
    },
    Stage {
        id: "2",
        title: "Unique ids",
        page: "unique-ids",
        task: "Answer each `generate` with an id that no node ever gives out again, though nodes \
               are cut off from each other: every request must be answered.",
        hints: &[
            "Whoever must ask somebody else cannot answer while that one is cut off. What does a \
             node know that differs from what all others know?",
            "Its name differs from all others' names; a number that it counts up differs from its \
             own earlier ones. Both together make an id.",
            "A node that is started again counts from 0 again. Add something that differs between \
             its lives: 64 random bits, drawn when it starts.",
        ],
        own: &[ChallengeRun {
            workload: "unique-ids",
            node: "unique-ids",
            node_count: 3,
            rate: 100.0,
            ..MANY_CLIENTS
        }],
        ..STAGE
    },
    Stage {
        id: "3a",
        title: "Broadcast on a single node",
        page: "broadcast",
        task: "Keep each value that a `broadcast` brings, and give all of them back for a `read`. \
               A `topology` comes first; answer it.",
        hints: &[
            "A set in memory is enough. `kolk help workload broadcast` shows all three requests.",
        ],
        ..STAGE
    },
    Stage {
        id: "3b",
        title: "Broadcast on several nodes",
        page: "broadcast",
        task: "The same with five nodes: a value that one is told comes to all.",
        hints: &[
            "Nodes may send each other messages of any type. Choose one that no client sends, and \
             add a handler for it.",
            "If you follow the topology, a value must go on from neighbour to neighbour; pass it \
             on only when it is new, or it goes on for ever.",
        ],
        ..STAGE
    },
    Stage {
        id: "3c",
        title: "Fault-tolerant broadcast",
        page: "broadcast",
        task: "The same while nodes are cut off from each other for seconds. When that is over, \
               all values must come to all nodes.",
        hints: &[
            "A message that is sent to a node that is cut off is lost, and nobody says so. How \
             would the sender know?",
            "Have the other node answer, and send again until it does: the library's `retry`.",
            "What is sent again may arrive twice: keep values where twice is the same as once.",
        ],
        own: &[ChallengeRun { workload: "broadcast", node: "broadcast", rate: 10.0, ..NETWORK }],
        ..STAGE
    },
    Stage {
        id: "3d",
        title: "Efficient broadcast, part I",
        page: "broadcast",
        task: "25 nodes, and 100 ms for every message between them. Fewer than 30 messages an \
               operation, a median of less than 400 ms until a value is everywhere, and never more \
               than 600 ms; and still safe under partitions.",
        hints: &[
            "Each hop takes 100 ms: 400 ms are three hops and some waiting. A grid of 25 nodes is \
             eight hops wide. Nobody makes you follow the topology.",
            "Half of the operations are reads and cost nothing. If each value goes straight to the \
             24 others, that is 24 messages and 24 answers a value: 24 an operation. That holds \
             the limits.",
            "Values that are told within the same moment can share a message: collect them, and \
             send what is new a few times a second.",
        ],
        seeds: 1,
        ..STAGE
    },
    Stage {
        id: "3e",
        title: "Efficient broadcast, part II",
        page: "broadcast",
        task: "The same with fewer than 20 messages an operation; now the median may be a second \
               and the maximum two.",
        hints: &[
            "A batch waits for others to share its message. If you flush every *p* seconds, a \
             value waits *p* / 2 on average, and *p* at most.",
            "Each node sends at most one batch to each other in a period. Count: 25 nodes, 24 \
             others, an answer to each, 100 operations a second.",
            "One period can pass 3d and 3e. Far fewer messages need a node in the middle, that \
             gathers from all and tells all: and then somebody must take its place when it is cut \
             off.",
        ],
        seeds: 1,
        ..STAGE
    },
    Stage {
        id: "g-set",
        title: "A set that only grows",
        page: "crdts",
        task: "Elements are added at any node and come to all, though a twentieth of the messages \
               is lost and nodes are cut off. Every request is answered at once.",
        hints: &[
            "Broadcast would do. Try something simpler: now and then send somebody all you have.",
            "What to do with a state that arrives? Not replace one's own by it: join both, so that \
             nothing is lost.",
            "A union may be made in any order and any number of times. So nothing need be \
             acknowledged: a lost message is made good by the next.",
        ],
        seeds: MANY,
        own: &[ChallengeRun { workload: "g-set", node: "g-set", ..NETWORK }],
        ..STAGE
    },
    Stage {
        id: "pn-counter",
        title: "A counter that goes up and down",
        page: "crdts",
        task: "Additions and subtractions at any node, and in the end the same sum at all, in the \
               same network. Every request is answered at once.",
        hints: &[
            "A sum cannot be joined: of 3 and 5 nobody can tell which adds are in which. What can?",
            "Keep a number for each node: what was added there. Only that node changes it, and it \
             only grows, so the greater one is the newer one.",
            "With subtractions it would fall again. Keep two numbers a node, what was added and \
             what was taken away; both only grow.",
            "Do not send all of it: remember what each other node has acknowledged, and send what \
             has changed since. That is a delta.",
        ],
        seeds: MANY,
        own: &[ChallengeRun { workload: "pn-counter", node: "pn-counter", ..NETWORK }],
        ..STAGE
    },
    Stage {
        id: "4",
        title: "Grow-only counter",
        page: "counter",
        task: "Keep a sum in the key-value service `seq-kv`. After the partitions each node must \
               read the exact sum of all adds.",
        hints: &[
            "Two nodes that read, add and write overwrite each other's result. Use `cas`, and try \
             again when it answers with error 22.",
            "Error 0 means that nobody knows whether it was done. Do not try again: tell the \
             client the same.",
            "`seq-kv` may answer a read from an old state. After a change of one's own it may not: \
             before you read, write something that was not there before.",
        ],
        seeds: MANY,
        own: &[ChallengeRun {
            name: "latency, loss",
            workload: "g-counter",
            node: "g-counter",
            node_count: 3,
            rate: 50.0,
            latency: 20.0,
            loss: 0.02,
            ..NETWORK
        }],
        ..STAGE
    },
    Stage {
        id: "seq-kv",
        title: "A store of one's own",
        page: "own-store",
        task: "Be a key-value store that is sequentially consistent: `read`, `write` and `cas`, on \
               the nodes themselves and without the services. Nodes are cut off from each other, \
               messages are lost, and some overtake others. A node that cannot carry out an update \
               answers with an error. Whatever else it answers must be right.",
        hints: &[
            "All updates need one order. Let one node give it: the others ask that node.",
            "Reads may be old, so each node can answer them from a copy. What may a copy never do?",
            "A copy never goes back. And whoever has made an update must see it: the answer to an \
             update brings the state that holds it, and the copy takes that over before the client \
             is answered.",
            "A refused `cas` says something of the store, too. Bring the copy up to date before \
             you tell the client.",
        ],
        seeds: MANY,
        own: &[COPIES],
        ..STAGE
    },
    Stage {
        id: "5a",
        title: "Single-node log",
        page: "log",
        task: "Append messages to logs, give each an offset, let clients poll from an offset on, \
               and remember what they commit.",
        hints: &[
            "A list for each key; the offset is the place in it. A poll is a piece of each list.",
            "Committed offsets only go up: keep the greatest.",
        ],
        ..STAGE
    },
    Stage {
        id: "5b",
        title: "Multi-node log",
        page: "log",
        task: "The same on two nodes: a message has one offset, and an offset one message.",
        hints: &[
            "Two nodes that number by themselves give out the same offset twice. Who may number a \
             log?",
            "Either one node owns it and the other asks; or both take the first free slot in \
             `lin-kv`, by `cas`.",
            "A poll ends before the first gap. If offsets are given out before the message is \
             stored, there are gaps that will be filled, and perhaps some that will not.",
        ],
        own: &[ChallengeRun {
            name: "latency, loss",
            workload: "kafka",
            node: "kafka",
            node_count: 2,
            rate: 100.0,
            time_limit: 20.0,
            latency: 10.0,
            loss: 0.05,
            ..MANY_CLIENTS
        }],
        ..STAGE
    },
    Stage {
        id: "5c",
        title: "Efficient log",
        page: "log",
        task: "The same, with fewer than 6 messages between servers for each operation. That limit \
               is kolk's own: the challenge names none. The best that was published is 1.37.",
        hints: &[
            "With the store in the middle each step is a message and an answer. With an owner, a \
             request that comes to the owner costs none.",
            "Polls need no owner: they may be answered from a copy, if it is an unbroken part of \
             the log.",
        ],
        own: &[ChallengeRun {
            name: "few messages",
            node_count: 2,
            time_limit: 10.0,
            // A log in `lin-kv` that takes a slot for each message needs about 12.
            limits: &[Limit {
                measure: Measure::ServerMessagesPerOperation,
                below: Some(6.0),
                goal: None,
                record: Some(Record { value: 1.37, note: "in memory, unreplicated" }),
            }],
            ..LOG
        }],
        ..STAGE
    },
    Stage {
        id: "6a",
        title: "Single-node, totally available transactions",
        page: "transactions",
        task: "Transactions of reads and writes of registers, on one node. All of a transaction is \
               done, or nothing.",
        hints: &[
            "Do all of it without an `await` in between: then nobody sees the middle. In Go, hold \
             one lock from its first operation to its last.",
        ],
        ..STAGE
    },
    Stage {
        id: "6b",
        title: "Totally available, read uncommitted transactions",
        page: "transactions",
        task: "The same on two nodes that may be cut off from each other, and every request is \
               answered. For any two transactions all nodes must agree whose writes come last (no \
               `G0`), and all writes come to all nodes.",
        hints: &[
            "Run each transaction on the node that receives it, on that node's registers, and tell \
             the other node afterwards.",
            "Writes cross on the way. \"The last to arrive wins\" is something else at each node.",
            "Give each transaction a stamp: one more than the greatest that was seen, and the \
             node's name. The write with the greater stamp wins, everywhere.",
        ],
        ..STAGE
    },
    Stage {
        id: "6c",
        title: "Totally available, read committed transactions",
        page: "transactions",
        task: "The same, and no transaction may read what was aborted (`G1a`), or what the same \
               transaction overwrote (`G1b`); nor may transactions read from one another in a \
               circle (`G1c`).",
        hints: &[
            "Tell the others a transaction as a whole, and only what it left: the last value of \
             each key.",
            "Take over all of its writes in one step.",
        ],
        ..STAGE
    },
    Stage {
        id: "lin-kv",
        title: "A linearizable store",
        page: "linearizability",
        task: "`read`, `write` and `cas` of keys so that every answer fits one order that keeps \
               real time. The service `lin-kv` is such a store: pass each request on to it, and \
               its answer back to the client.",
        hints: &[
            "Keep nothing in the node: whatever it remembers may be old.",
            "If no answer comes, do not try again: the request may have been carried out, and a \
             second time may undo somebody else's. Answer with error 0.",
        ],
        seeds: MANY,
        own: &[ChallengeRun {
            name: "partitions, loss",
            workload: "lin-kv",
            node: "lin-kv",
            node_args: &["--service", "lin-kv"],
            node_count: 3,
            workers_per_node: 4,
            rate: 100.0,
            time_limit: 10.0,
            latency: 20.0,
            loss: 0.02,
            partitions: true,
            ..BASE
        }],
        ..STAGE
    },
    Stage {
        id: "txn-list-append",
        title: "Strict-serializable transactions",
        page: "linearizability",
        task: "Transactions that append to lists and read them, as if they ran one by one, in an \
               order that keeps real time. Use `lin-kv`.",
        hints: &[
            "What takes one step in `lin-kv`? A compare-and-set of one key. What must stand in \
             that key?",
            "Put all lists under one key. Read it, run the transaction on what was there, and \
             compare-and-set the key from the old value to the new one.",
            "If the compare-and-set is refused, somebody was faster: run again on what is there \
             now, a few times, and then abort with error 30. If nobody answers, the outcome is \
             unknown: error 0.",
        ],
        seeds: MANY,
        own: &[ChallengeRun {
            name: "partitions, loss",
            workload: "txn-list-append",
            node: "txn-list-append",
            node_args: &["--service", "lin-kv"],
            node_count: 3,
            rate: 30.0,
            time_limit: 10.0,
            latency: 5.0,
            loss: 0.02,
            partitions: true,
            consistency_models: "strict-serializable",
            ..BASE
        }],
        ..STAGE
    },
    Stage {
        id: "4-kill",
        title: "The counter, and nodes that are killed",
        page: "faults",
        task: "The counter in `seq-kv` again. Now nodes are killed without warning, and started \
               again: what was acknowledged before still counts, once.",
        hints: &[
            "A node that is started again gets `init` again and has forgotten everything else. \
             What must it know?",
            "A node that keeps nothing loses nothing: everything is in the store before the client \
             is answered.",
            "A counter that makes each write a new one begins anew after a kill, and may write the \
             value that is there already. Such a write changes nothing and is no barrier. A write \
             of a changed sum, or of a random number, is one.",
        ],
        seeds: MANY,
        own: &[ChallengeRun {
            name: "kills, partitions",
            workload: "g-counter",
            node: "g-counter",
            node_count: 3,
            rate: 20.0,
            time_limit: 20.0,
            latency: 10.0,
            loss: 0.02,
            partitions: true,
            kills: true,
            nemesis_interval: 3.0,
            ..BASE
        }],
        ..STAGE
    },
    Stage {
        id: "g-set-kill",
        title: "The set, and nodes that are killed",
        page: "faults",
        task: "The set again, kept by the nodes themselves, while they are killed and started \
               again, and then while the power of all of them goes at once. An element that was \
               acknowledged must not be lost, even if its node is killed right after.",
        hints: &[
            "Nobody else has the element yet when it is acknowledged. Where can it be safe from a \
             kill?",
            "Each program has a folder that survives, named by `KOLK_DATA_DIR`. Write the element \
             there, and acknowledge it only then. Read it back at `init`. In Python `kolkdisk.Log` \
             does that.",
            "What was written is safe from a kill. From a loss of power it is safe when a `sync` \
             has ended that began after it: wait for one before you acknowledge.",
            "A line that is written at the end of a file is enough; what came from others need not \
             be written, if they have it on their disks.",
        ],
        own: &[
            ChallengeRun { workload: "g-set", node: "g-set", node_args: DURABLE, ..KILLS },
            ChallengeRun { workload: "g-set", node: "g-set", node_args: DURABLE, ..POWER },
        ],
        ..STAGE
    },
    Stage {
        id: "pn-counter-kill",
        title: "The counter without a store, and nodes that are killed",
        page: "faults",
        task: "The counter that goes up and down, kept by the nodes themselves, under kills and \
               losses of power: what was acknowledged counts, once.",
        hints: &[
            "A node that is started again has forgotten its own number. If it begins with 0, and \
             the others remember a greater one, what does a join make of its next additions?",
            "Keep each addition in the node's folder, and add them up again at `init`. The others' \
             numbers come back by gossip.",
            "First the disk, then the number. If the others are told a number that the disk then \
             loses, the node's next additions reach that number again, and a join takes them for \
             old ones.",
        ],
        own: &[
            ChallengeRun {
                workload: "pn-counter",
                node: "pn-counter",
                node_args: DURABLE,
                ..KILLS
            },
            ChallengeRun {
                workload: "pn-counter",
                node: "pn-counter",
                node_args: DURABLE,
                ..POWER
            },
        ],
        ..STAGE
    },
    Stage {
        id: "seq-kv-kill",
        title: "The store, and nodes that are killed",
        page: "faults",
        task: "The sequentially consistent store again, under kills and losses of power, which \
               hit the node that orders the updates, too. No client may see the store go back.",
        hints: &[
            "Whoever gives the order must find it again: write each update before it is shown to \
             anybody, and carry all of them out again at `init`.",
            "Shown is also what a read at the first node sees, and what a refused `cas` says. Keep \
             what is ordered apart from what is on the disk.",
            "A copy that was started again is older than what its clients have read. It must ask \
             the first node before it answers the first read, and answers with error 11 until \
             then.",
        ],
        own: &[
            // A linearizable store is sequentially consistent, too.
            ChallengeRun {
                name: KILLS.name,
                node: "lin-kv",
                kills: true,
                nemesis_interval: 2.0,
                ..COPIES
            },
            ChallengeRun { workload: "seq-kv", node: "lin-kv", latency: 20.0, loss: 0.0, ..POWER },
        ],
        ..STAGE
    },
    Stage {
        id: "txn-list-append-kill",
        title: "Strict-serializable transactions, and nodes that are killed",
        page: "faults",
        task: "The transactions in `lin-kv` again, under kills and losses of power.",
        hints: &[
            "Where is the state? Not in the nodes, if nothing is answered before the \
             compare-and-set has succeeded.",
            "A transaction whose node is killed between the compare-and-set and the answer took \
             place, and its client does not know. That is no mistake: the client was told nothing.",
        ],
        own: &[
            ChallengeRun { node_args: &["--service", "lin-kv"], ..strict_lists(AGREEMENT_KILLS) },
            ChallengeRun { node_args: &["--service", "lin-kv"], ..strict_lists(AGREEMENT_POWER) },
        ],
        ..STAGE
    },
    Stage {
        id: "raft",
        title: "A linearizable store by consensus",
        page: "raft",
        task: "`read`, `write` and `cas` of keys as in the stage `lin-kv`, and no service this \
               time: three nodes agree by themselves, while they are cut off from each other, and \
               messages are lost and overtake each other. A node that knows no leader answers with \
               error 11. Some requests must succeed. When its term or its role changes a node \
               prints a line such as `state {\"term\":3,\"role\":\"leader\"}` to standard error: \
               two leaders of a term are a mistake, whether or not a client comes to see it.",
        hints: &[
            "Begin with the election alone: terms, one vote a term, a time to wait that is drawn \
             at random. 150 to 300 ms will do, as in the paper, or some more, if a leader sends \
             something every 50 ms. `kolk report` draws who led when, from the `state` lines.",
            "Then the log: the leader sends entries with the index and the term of the one before \
             them, and a follower takes them only if it has that one. Send from one loop for each \
             follower, which goes on when the last answer has come, or when it is late: by \
             default `node.rpc` waits for a second, which is several elections.",
            "A client is answered when its entry is carried out, and that is when a majority has \
             it and it is of the leader's own term. A leader begins its term with an entry that \
             does nothing.",
            "Put reads into the log, too. That costs messages, and asks for no further rule.",
            "A node that does not lead asks the leader. If no answer comes nobody knows what \
             became of the request: error 0. It must not be sent again.",
        ],
        program: Some("raft"),
        seeds: MANY,
        own: &[AGREEMENT, OVERTAKING],
    },
    Stage {
        id: "raft-kill",
        title: "Consensus, and nodes that are killed",
        page: "raft",
        task: "The same store, while nodes are killed, while the power of all of them goes at \
               once, and under coups: every second node that says that it begins to lead is cut \
               off, and all others lose their power at that moment; each leader loses its own \
               power some time later.",
        hints: &[
            "Three things must be found again: the term, the vote, and the log. How far the log is \
             committed need not be stored: the next leader tells it.",
            "Sync before you answer: a vote before it is given, entries before they are \
             acknowledged, and the leader's own entries before it counts itself.",
            "While a node waits for its disk another term may begin. Look again at the term when \
             the sync has ended.",
        ],
        program: Some("raft"),
        own: &[AGREEMENT_KILLS, AGREEMENT_POWER, COUPS],
        ..STAGE
    },
    Stage {
        id: "raft-txn",
        title: "Strict-serializable transactions by consensus",
        page: "raft",
        task: "Transactions that append to lists and read them, strict-serializable, with no \
               service: by the same log. Under partitions, kills, losses of power and coups, and \
               while each node in turn is cut off: once with three nodes, and once with five whose \
               messages take 50 ms. Lists show what registers hide: an element that was confirmed \
               and is gone.",
        hints: &[
            "A log of commands does not care what a command is. Let one entry be a whole \
             transaction.",
            "It is carried out in one step, where the log is applied, and its reads are filled in \
             there.",
        ],
        program: Some("raft"),
        seeds: MANY,
        own: &[
            strict_lists(AGREEMENT_KILLS),
            strict_lists(AGREEMENT_POWER),
            strict_lists(ROLLING),
            strict_lists(ROLLING_SLOW),
            strict_lists(COUPS),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::{CHALLENGES, SEED};
    use crate::plan;

    #[test]
    fn every_challenge_is_a_stage_in_its_order() {
        let ids = STAGES.iter().filter(|stage| !stage.is_ours()).map(|stage| stage.id);
        let expected = CHALLENGES.iter().filter(|challenge| !challenge.is_ours());
        assert!(ids.eq(expected.map(|challenge| challenge.id)));
        for stage in STAGES.iter().filter(|stage| !stage.is_ours()) {
            assert_eq!(Some(stage.title), challenge::find(stage.id).map(|found| found.title));
        }
    }

    #[test]
    fn every_stage_has_a_plan() {
        for stage in STAGES {
            assert!(!stage.hints.is_empty() && stage.runs().count() > 0, "{}", stage.id);
            for run in stage.runs() {
                // By the name it is known whose run it is.
                let is_own = stage.own().contains(run);
                assert_eq!(challenge::is_our_run(stage.id, run), is_own, "{}", stage.id);
                let made = plan(&run.settings(run.built_in(), SEED)).expect(stage.id);
                assert_eq!(made.network.loss, run.loss);
                assert_eq!(run.flags().contains("--loss"), run.loss > 0.0);
                assert_eq!(run.flags().contains("power=all"), run.power);
                assert_eq!(run.workload, stage.workload());
            }
        }
        assert_eq!(find("G-Set").map(|stage| stage.id), Some("g-set"));
        assert_eq!(find("9"), None);
    }
}
