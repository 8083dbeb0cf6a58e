//! What nodes say to each other.

use crate::entry::{Entry, Index, NodeId, Position, Snapshot, Term};

/// A message. It may be lost, duplicated, delayed and overtaken, but must not be changed on its
/// way, and comes from who it says it comes from: nodes that lie are beyond Raft.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Message<C, S> {
    /// Who sent it.
    pub from: NodeId,
    /// Whom it is for.
    pub to: NodeId,
    /// The sender's term.
    pub term: Term,
    /// What it says.
    pub body: Body<C, S>,
}

/// What a message says. A driver only carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Body<C, S> {
    /// Would you vote for me? (thesis §9.6)
    PreVote {
        /// The term in which the sender would stand.
        campaign: Term,
        /// Where its log ends.
        last: Position,
    },
    /// The answer to that.
    PreVoteReply {
        /// The term that was asked for.
        campaign: Term,
        /// Whether it would.
        granted: bool,
    },
    /// Vote for me (§5.2).
    Vote {
        /// Where the sender's log ends.
        last: Position,
        /// The leader itself asked it to stand (thesis §3.10).
        hand_over: bool,
    },
    /// The answer to that.
    VoteReply {
        /// Whether it has the vote.
        granted: bool,
    },
    /// Entries, or none: a heartbeat (§5.3).
    Append {
        /// What stands before the first of them.
        previous: Position,
        /// The entries.
        entries: Vec<Entry<C>>,
        /// Up to where the leader knows the log to be committed.
        commit: Index,
        /// The leader's count of the rounds in which it asks whether it still is one (thesis §6.4).
        round: u64,
    },
    /// The log agrees with the leader's up to here, and that is durable.
    Appended {
        /// The last index that agrees.
        matched: Index,
        /// The round of the message that this answers.
        round: u64,
    },
    /// The log does not hold what the message said stands before its entries (§5.3), or the
    /// sender's term is over.
    Rejected {
        /// The index that was said to stand before.
        previous: Index,
        /// The last position at which the logs may agree.
        hint: Position,
        /// The round of the message that this answers.
        round: u64,
    },
    /// The state in place of entries that the leader no longer has (§7). It is answered like
    /// `Append`.
    Install {
        /// The state.
        snapshot: Snapshot<S>,
        /// As in `Append`.
        round: u64,
    },
    /// Stand for election at once (thesis §3.10).
    TimeoutNow,
}
