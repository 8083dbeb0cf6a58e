//! What the network saw, in numbers, and what nodes did against the protocol.

use serde::{Deserialize, Serialize};

use crate::plan::FaultKind;

/// Messages counted over a set of links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MessageCounts {
    /// Send events.
    pub send_count: u64,
    /// Receive events; one that was duplicated has two.
    pub recv_count: u64,
    /// Messages: distinct ids.
    pub msg_count: u64,
}

/// What the network and the protocol checks have to say about a run.
///
/// Counts end with the last counted operation: the convergence phase is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// All messages.
    pub all: MessageCounts,
    /// Messages with a client at one end.
    pub clients: MessageCounts,
    /// The others: between nodes, and between nodes and services.
    pub servers: MessageCounts,
    /// Messages the network lost at random.
    pub lost_count: u64,
    /// Messages a partition swallowed.
    pub cut_count: u64,
    /// Messages to a node that was not running, beyond those kept for it.
    pub dead_count: u64,
    /// Messages to a node that stood still, beyond those kept for it.
    #[serde(default)]
    pub paused_count: u64,
    /// Messages that were kept for a node until it ran again.
    #[serde(default)]
    pub kept_count: u64,
    /// Messages delivered twice.
    pub duplicated_count: u64,
    /// How often each fault of the plan did something, in the plan's order: messages that it
    /// swallowed, lost, doubled, slowed down or had wait; nodes that ran and were killed or stood
    /// still; steps of nodes whose clock it had made wrong; calls that it had fail, and sectors
    /// that it overwrote. Empty if nobody counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strikes: Vec<u64>,
    /// The messages between servers by their body's `type`, most frequent first.
    pub types: Vec<(String, u64)>,
    /// What was sent by each node and to it, in the order of the plan's nodes.
    #[serde(default)]
    pub traffic: Vec<NodeTraffic>,
    /// Traffic between servers that grew though the load did not, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// Traffic between servers that was more than the load explains, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excess: Option<Excess>,
    /// Answers of services from an older state than the newest: at most [`STALE_ANSWERS_MAX`] are
    /// kept for each node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale_answers: Vec<StaleAnswer>,
    /// What nodes did that the protocol forbids: any of these makes the run invalid. At most
    /// [`VIOLATIONS_MAX`] are kept.
    pub violations: Vec<Violation>,
    /// How many there were in all.
    pub violation_count: u64,
    /// How many of each kind, for every kind there was one of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violation_kinds: Vec<(ViolationKind, u64)>,
    /// What nodes did that the protocol frowns upon and Maelstrom lets pass. It makes no run
    /// invalid by itself. At most [`WARNINGS_MAX`] of each kind are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Violation>,
    /// How many of each kind, for every kind there was one of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warning_kinds: Vec<(ViolationKind, u64)>,
    /// For each node the first message it sent to a client that Maelstrom would have closed by
    /// then: Maelstrom never reads it again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone_clients: Vec<GoneClient>,
    /// What nodes wrote to stderr whose operations timed out or were answered with nothing that
    /// fits: at most [`OUTPUTS_MAX`] nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<NodeOutput>,
    /// What was left to the operating system's timing though the clock was virtual: each may differ
    /// from run to run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrepeatable: Vec<Unrepeatable>,
    /// Logs of nodes that wrote more to stderr than is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut_logs: Vec<CutLog>,
    /// How many bytes journal and history had room for, if they filled it and the run was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<u64>,
    /// How often nodes said under load that they lead from now on; who led already when it began
    /// counts once. What they say in words counts only where faults wait for it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub leader_count: u64,
    /// How late things happened, on the machine's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Lateness>,
    /// Replies nobody waited for: second answers, and answers to requests nobody made.
    pub unexpected_replies: Vec<UnexpectedReply>,
    /// How many there were in all.
    pub unexpected_reply_count: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A fault that waited for an event, or for a leader, and came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Triggered {
    /// Its place among the plan's faults.
    pub number: u32,
    /// When it began, in nanoseconds from the beginning of the run.
    pub begin: u64,
    /// When it ended, in nanoseconds from the beginning of the run.
    pub end: u64,
    /// What it was, with the nodes that it hit.
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// The messages that one node sent, and those that were sent to it, whether they arrived or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NodeTraffic {
    /// Which node.
    pub node: String,
    /// Messages it sent to other nodes.
    pub to_nodes: u64,
    /// Messages other nodes sent to it.
    pub from_nodes: u64,
    /// Requests it sent to services.
    pub to_services: u64,
    /// Answers services sent to it.
    pub from_services: u64,
    /// Messages it sent to clients.
    pub to_clients: u64,
    /// Requests clients sent to it.
    pub from_clients: u64,
    /// Of the answers services sent to it, those from an older state than the newest, which would
    /// have given another answer: `seq-kv` and `lww-kv` may do so.
    #[serde(default)]
    pub stale_answers: u64,
}

/// What most messages were, of those that were sent last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mostly {
    /// Who sent most of them.
    pub src: String,
    /// To whom.
    pub dest: String,
    /// Of which type they were.
    pub kind: String,
    /// Of which type most were that went back, if any did.
    pub back: Option<String>,
}

impl Mostly {
    /// ``most of it `gossip` from n0 to n1 and `gossip_ok` back``.
    pub fn describe(&self) -> String {
        let Mostly { src, dest, kind, back } = self;
        let back = back.as_ref().map(|back| format!(" and `{back}` back"));
        format!("most of it `{kind}` from {src} to {dest}{}", back.unwrap_or_default())
    }
}

/// Traffic between servers that grew in each of several seconds, while the load stayed the same and
/// no fault was open: nodes that answer answers, or send again and again what is never
/// acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Growth {
    /// When it was noticed, in nanoseconds.
    pub time: u64,
    /// Messages in a second when the load had just begun.
    pub from: u64,
    /// Messages in the second when it was noticed.
    pub to: u64,
    /// What most of them were.
    #[serde(flatten)]
    pub mostly: Mostly,
}

impl Growth {
    /// A sentence fragment for people.
    pub fn describe(&self) -> String {
        let Growth { from, to, mostly, .. } = self;
        format!(
            "traffic between servers feeds itself: it grew from {from} to {to} messages a second \
             while the load stayed the same, {}",
            mostly.describe()
        )
    }
}

/// Traffic between servers that in each of several seconds, while no fault was open, was more than
/// the operations of that second and gossip at short intervals explain: a few nodes that answer
/// answers as fast as they can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Excess {
    /// When it was noticed, in nanoseconds.
    pub time: u64,
    /// Messages in the second before.
    pub messages: u64,
    /// Operations invoked in that second.
    pub operations: u64,
    /// What most of the messages were.
    #[serde(flatten)]
    pub mostly: Mostly,
}

impl Excess {
    /// A sentence fragment for people.
    pub fn describe(&self) -> String {
        let Excess { messages, operations, mostly, .. } = self;
        let plural = if *operations == 1 { "" } else { "s" };
        format!(
            "traffic between servers is more than the load explains: {messages} messages a second \
             beside {operations} operation{plural} a second, {}; nodes that answer answers never \
             stop",
            mostly.describe()
        )
    }
}

/// A message to a client that Maelstrom would have closed. There a message to somebody who is not
/// there ends the thread that reads the node's stdout (`validate-msg` of `net.clj`, `io-thread` of
/// `process.clj`), so that the node goes on and is never heard again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GoneClient {
    /// Who sent it.
    pub node: String,
    /// When, in nanoseconds.
    pub time: u64,
    /// The message's number in the journal.
    pub id: u64,
    /// To which client.
    pub client: String,
    /// The index of the invocation it serves, where that is known.
    pub op: Option<u32>,
}

/// Of how many nodes stderr is kept in the summary.
pub const OUTPUTS_MAX: usize = 2;

/// What a node wrote to stderr.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NodeOutput {
    /// Which node.
    pub node: String,
    /// The first lines and the last, and between them how much is left out.
    pub lines: Vec<String>,
}

/// A log of which only both ends are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CutLog {
    /// Whose.
    pub node: String,
    /// How many bytes the node wrote.
    pub bytes: u64,
    /// How many of them are not there.
    pub left_out: u64,
}

/// How long after it was due what was due at an instant happened (the arrival of a message, an
/// operation), in nanoseconds. What kolk measures is that much too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lateness {
    /// Half of all were no later.
    pub median: u64,
    /// Of a hundred one was later.
    pub p99: u64,
    /// The latest.
    pub max: u64,
}

/// How many stale answers are kept for each node.
pub const STALE_ANSWERS_MAX: usize = 4;

/// An answer that a service gave from an older state than the newest, which it is allowed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StaleAnswer {
    /// `seq-kv` or `lww-kv`.
    pub service: String,
    /// The node that asked.
    pub node: String,
    /// When, in nanoseconds.
    pub time: u64,
    /// The answer's number in the journal.
    pub id: u64,
    /// The index of the invocation it serves, where that is known.
    pub op: Option<u32>,
    /// The key asked for, as JSON.
    pub key: String,
    /// The value in the state that answered, as JSON; none if the key was not there.
    pub answered: Option<String>,
    /// The value in the newest state, as JSON; none if the key was not there.
    pub newest: Option<String>,
}

/// How many violations, and how many unexpected replies, are kept with their text.
pub const VIOLATIONS_MAX: usize = 16;

/// How many warnings of each kind are kept with their text.
pub const WARNINGS_MAX: u64 = 4;

/// Something a node did that the protocol forbids, or frowns upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Violation {
    /// Who.
    pub node: String,
    /// When, in nanoseconds.
    pub time: u64,
    /// What kind.
    pub kind: ViolationKind,
    /// What is wrong, as a lower-case sentence fragment.
    pub problem: String,
    /// What to do about it, a sentence.
    pub advice: String,
    /// The line, or as much of it as is worth showing.
    pub line: String,
    /// How long the whole line was, in bytes; 0 where there is none.
    #[serde(default)]
    pub line_bytes: u64,
    /// Which part of `line` is at fault: a range of bytes in it.
    pub span: Option<(usize, usize)>,
    /// The invocation it belongs to, for a reply that does not fit its request.
    pub op: Option<u32>,
    /// The last lines the node wrote to stderr, oldest first, for a node that died or hung.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stderr: Vec<String>,
    /// The last lines the node wrote to stdout, oldest first, for a node that died or hung.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stdout: Vec<String>,
}

/// The kinds of violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViolationKind {
    /// A line on stdout that is no message.
    NotAMessage,
    /// A message in the name of nobody.
    UnknownSource,
    /// A message in the name of somebody else: a warning.
    ForeignSource,
    /// More text behind a message on its line: a warning.
    TextAfterMessage,
    /// A body without a `type`, or with one that is no string: a warning.
    NoType,
    /// An error to a client without a code, or with one that is no integer: a warning.
    NoErrorCode,
    /// A line that is a message once bytes that are no UTF-8 are replaced, and control characters
    /// in strings escaped: a warning.
    LooseJson,
    /// A message to nobody.
    UnknownDestination,
    /// A reply whose body does not fit the request.
    MalformedReply,
    /// In lockstep: output outside a step.
    OutputOutsideStep,
    /// In lockstep: a node that never became idle.
    NeverIdle,
    /// The process ended in mid-run.
    Died,
    /// The node closed its stdout and lives on.
    ClosedOutput,
    /// The node closed its stdin and lives on.
    ClosedInput,
    /// The node does not read its input, or writes more than can be kept.
    Overrun,
    /// More messages are on their way than can be kept.
    Storm,
    /// A node that was killed did not come up again.
    NotRestarted,
    /// A node says as its state that it leads a term which another node has led.
    TwoLeaders,
}

impl ViolationKind {
    /// True if it makes a run invalid by itself, but one that is held to Maelstrom's checks alone.
    pub const fn is_overlooked_by_maelstrom(self) -> bool {
        matches!(self, ViolationKind::MalformedReply | ViolationKind::TwoLeaders)
    }
}

/// Something that was left to the operating system's timing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unrepeatable {
    /// Which node did it.
    pub node: String,
    /// What it did and how often, a fragment: `3 waits in msgrcv`.
    pub what: String,
}

/// A reply nobody waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnexpectedReply {
    /// Who sent it.
    pub node: String,
    /// The message's number in the journal.
    pub id: u64,
    /// True if the request was answered before, false if nobody made it.
    pub repeated: bool,
}
