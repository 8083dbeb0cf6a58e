//! What goes into a step and what comes out.

use std::time::Duration;

use crate::entry::{Index, Members, NodeId, Snapshot, Term};
use crate::message::Message;
use crate::stored::Write;

/// The caller's name for a request: it is said back with what became of it. Names of requests that
/// are open at the same node must differ.
pub type Token = u64;

/// The input of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<C, S> {
    /// Nothing but the passing of time: the deadline that the last step named has come. Every node
    /// is given this once when it is started.
    Tick,
    /// A message arrived.
    Message(Message<C, S>),
    /// The write with this number, and all before it, will survive a loss of power.
    Synced(u64),
    /// A command is to be appended to the log.
    Propose {
        /// The caller's name for it.
        token: Token,
        /// The command.
        command: C,
    },
    /// Somebody wants to read the state machine, linearizably and without an entry in the log.
    Read {
        /// The caller's name for it.
        token: Token,
    },
    /// A change of who belongs to the cluster.
    Change {
        /// The caller's name for it.
        token: Token,
        /// The change.
        change: Change,
    },
    /// The leader is to hand over to another voter (thesis §3.10).
    HandOver {
        /// The caller's name for it; it is said back only if this is refused.
        token: Token,
        /// Who is to be the leader.
        to: NodeId,
    },
    /// The driver took a snapshot of the state machine: entries up to its index need not be kept.
    Compact {
        /// The index of the last entry that the state holds:
        /// [`Raft::applied`](crate::Raft::applied) at the moment when all that was given out to be
        /// applied had been. A snapshot older than the newest is ignored.
        index: Index,
        /// The state.
        state: S,
    },
}

/// A change of one member at a time (thesis §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new node gets the log, and has no vote.
    AddLearner(NodeId),
    /// A learner that is up to date becomes a voter.
    Promote(NodeId),
    /// A voter or learner is no member any more. A leader can remove itself.
    Remove(NodeId),
}

/// What comes of a step. A driver
///
/// 1. begins to perform [`write`](Outputs::write), and says [`Input::Synced`] when it is durable,
///    in a later step;
/// 2. sends [`messages`](Outputs::messages), at once: whatever had to be durable first was;
/// 3. applies [`apply`](Outputs::apply), in order;
/// 4. then reads the state machine for those whose [`answers`](Outputs::answers) say so;
/// 5. steps the node again at [`deadline`](Outputs::deadline), or before if there is something to
///    say.
///
/// Steps 1, 2 and 3 may go on at the same time, and writes may be synced together.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a step's outputs are the node's whole effect"]
pub struct Outputs<C, S> {
    /// What is to be made durable. It is everything that *must* be: messages that depend on it are
    /// not given out before the node has been told that it is.
    pub write: Option<Write<C, S>>,
    /// What is to be sent.
    pub messages: Vec<Message<C, S>>,
    /// What the state machine is to perform.
    pub apply: Vec<Apply<C, S>>,
    /// What became of requests.
    pub answers: Vec<(Token, Answer)>,
    /// When the node wants an [`Input::Tick`] if nothing comes before, on the clock of `step`.
    pub deadline: Option<Duration>,
}

impl<C, S> Default for Outputs<C, S> {
    fn default() -> Outputs<C, S> {
        Outputs {
            write: None,
            messages: Vec::new(),
            apply: Vec::new(),
            answers: Vec::new(),
            deadline: None,
        }
    }
}

/// What the state machine is to perform. What is given out is committed, and durable here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Apply<C, S> {
    /// Put this in place of the state. It comes when a node starts that has a snapshot, and when
    /// one was so late that it got a snapshot from the leader.
    Restore(Snapshot<S>),
    /// Perform this command.
    Command {
        /// Its place in the log.
        index: Index,
        /// The term in which it was appended.
        term: Term,
        /// The command.
        command: C,
        /// The request whose command it is, if it was made to this node since it was started.
        token: Option<Token>,
    },
    /// A change of members is committed.
    Members {
        /// Its place in the log.
        index: Index,
        /// Who belongs to the cluster now.
        members: Members,
        /// The request whose change it is, if it was made to this node since it was started.
        token: Option<Token>,
    },
}

/// What became of a request. Commands and changes that were performed are answered by their tokens
/// in [`Apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Read now: with all that was given out to be applied, the state machine holds everything that
    /// was acknowledged to anybody before the read was asked for.
    Readable,
    /// It was not begun, and will have no effect.
    Refused(Refusal),
    /// Another entry has its place in the log: it has no effect, and will have none.
    Overwritten,
    /// A snapshot went past its place in the log: it may have been performed, or not.
    Unknown,
}

/// Why a request was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This node is not the leader, or ceased to be while the read waited.
    NotLeader {
        /// Who is, if that is known.
        leader: Option<NodeId>,
    },
    /// The leader is handing over.
    HandingOver,
    /// Too much is waiting: see [`Config::uncommitted_max`](crate::Config::uncommitted_max) and
    /// [`Config::reads_max`](crate::Config::reads_max).
    Busy,
    /// A change before this one, or the leader's first entry, is not committed yet: try again.
    ChangePending,
    /// The learner lacks more entries than a message holds: try again later.
    Behind,
    /// There is no such change to make: it is a member already, or is none.
    NoChange,
    /// The last voter cannot be removed.
    LastVoter,
    /// There is nobody of that name to hand over to: a voter other than the leader.
    NoSuchVoter,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::NotLeader { leader: Some(leader) } => write!(f, "the leader is {leader}"),
            Refusal::NotLeader { leader: None } => f.write_str("the leader is not known"),
            Refusal::HandingOver => f.write_str("the leader is handing over"),
            Refusal::Busy => f.write_str("too much is waiting"),
            Refusal::ChangePending => f.write_str("a change before this one is not committed yet"),
            Refusal::Behind => f.write_str("the learner is too far behind"),
            Refusal::NoChange => f.write_str("the members are so already"),
            Refusal::LastVoter => f.write_str("the last voter cannot be removed"),
            Refusal::NoSuchVoter => f.write_str("there is no such voter to hand over to"),
        }
    }
}
