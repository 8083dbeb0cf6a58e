//! What the log consists of.

use std::collections::BTreeSet;

/// The name of a node. It is never used again for another one.
pub type NodeId = u64;

/// A term: 0 before the first election, and from then on each election's own.
pub type Term = u64;

/// A place in the log. The first entry has index 1.
pub type Index = u64;

/// A place in the log and the term of the entry there; `0/0` is the place before the first entry.
/// Two logs that have an entry at the same position agree up to it (log matching, §5.3).
///
/// Positions are ordered by term and then by index, so that of two logs that one is more up to date
/// whose last position is greater (§5.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Position {
    /// The term in which a leader appended the entry.
    pub term: Term,
    /// Its place.
    pub index: Index,
}

/// `index/term`, as in etcd's and the thesis's figures.
impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.term)
    }
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry<C> {
    /// Where it is.
    pub position: Position,
    /// What it says.
    pub payload: Payload<C>,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Payload<C> {
    /// Nothing: the first entry of each leader. With it all that came before is committed (§8).
    Blank,
    /// A command for the state machine.
    Command(C),
    /// Who belongs to the cluster from here on (thesis §4.1).
    Members(Members),
}

/// Who belongs to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Members {
    /// Those of whom a majority elects and commits.
    pub voters: BTreeSet<NodeId>,
    /// Those who get the log and have no vote (thesis §4.2.1).
    pub learners: BTreeSet<NodeId>,
}

impl Members {
    /// These voters and no learner.
    pub fn voters(voters: impl IntoIterator<Item = NodeId>) -> Members {
        Members { voters: voters.into_iter().collect(), learners: BTreeSet::new() }
    }

    /// Voters and learners.
    pub fn all(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.voters.iter().chain(&self.learners).copied()
    }

    /// Whether it is a voter or a learner.
    pub fn contains(&self, node: NodeId) -> bool {
        self.voters.contains(&node) || self.learners.contains(&node)
    }

    /// Whether these make up a majority of the voters.
    pub(crate) fn is_majority(&self, nodes: &BTreeSet<NodeId>) -> bool {
        self.voters.intersection(nodes).count() > self.voters.len() / 2
    }

    /// The greatest value that a majority of the voters has reached; `None` without voters.
    pub(crate) fn majority<T: Ord + Copy>(&self, value: impl Fn(NodeId) -> T) -> Option<T> {
        let mut values: Vec<T> = self.voters.iter().map(|node| value(*node)).collect();
        values.sort_unstable();
        // With 2 of 4 below it, 2 have reached the one at index 1 … and 3 have: a majority.
        values.len().checked_sub(1).map(|last| values[last / 2])
    }
}

/// The state machine's state, in place of all entries up to a position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot<S> {
    /// The last entry whose effect is in it.
    pub position: Position,
    /// Who belonged to the cluster then.
    pub members: Members,
    /// The state. It travels as part of one message and is cloned: if it is large, let it be a
    /// handle (an `Arc`, the name of a file) and bring the rest over by other means.
    pub state: S,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majorities() {
        for (voters, expected) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)] {
            let members = Members::voters(1..=voters);
            // Node 5 has reached 5, 4 has reached 4, and so on.
            assert_eq!(members.majority(|node| node), Some(expected), "{voters} voters");
            let reached: BTreeSet<NodeId> = (expected..=voters).collect();
            assert!(members.is_majority(&reached), "{voters} voters");
            let fewer: BTreeSet<NodeId> = (expected + 1..=voters).collect();
            assert!(!members.is_majority(&fewer), "{voters} voters");
        }
        assert_eq!(Members::default().majority(|node| node), None);
        assert!(!Members::default().is_majority(&BTreeSet::from([1, 2])));
    }
}
