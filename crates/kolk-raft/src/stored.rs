//! What a node must still know after a crash, and how it comes to be on disk.

use crate::entry::{Entry, Index, Members, NodeId, Payload, Position, Snapshot, Term};

/// What is durable.
///
/// The simplest store there is appends every [`Write`] to a file. Reading it back, each write is
/// [performed](Stored::perform) in turn on what the node started with, and when the file has become
/// long, [`Stored::as_write`] is the first record of a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stored<C, S> {
    /// The term and the vote in it.
    pub ballot: Ballot,
    /// What the log begins after.
    pub start: Start,
    /// The newest snapshot; at `start` or after it.
    pub snapshot: Option<Snapshot<S>>,
    /// The log from `start` on.
    pub entries: Vec<Entry<C>>,
}

/// The current term and whom the node voted for in it (figure 2 of the paper).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ballot {
    /// The latest term the node has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub vote: Option<NodeId>,
}

/// What stands before the first entry that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Start {
    /// The position of the entry before the first.
    pub position: Position,
    /// Who belonged to the cluster there.
    pub members: Members,
}

/// A change of what is durable.
///
/// Writes are performed in the order of their numbers. After a crash a write is there wholly or not
/// at all, and never without those before it: a record with a checksum at the end of a file is
/// enough.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Write<C, S> {
    /// 1 for the first since the node was started, and so on.
    /// [`Input::Synced`](crate::Input::Synced) says it back.
    pub number: u64,
    /// A new term or vote.
    pub ballot: Option<Ballot>,
    /// A new snapshot.
    pub snapshot: Option<Snapshot<S>>,
    /// Entries up to here are dropped.
    pub start: Option<Start>,
    /// New entries at the end.
    pub tail: Option<Tail<C>>,
}

/// A new end of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tail<C> {
    /// Entries from here on are dropped, if there are any.
    pub from: Index,
    /// What stands there instead.
    pub entries: Vec<Entry<C>>,
}

impl<C, S> Stored<C, S> {
    /// The first start of a node of a new cluster. All of its first members are given the same.
    pub fn founding(members: Members) -> Stored<C, S> {
        Stored {
            ballot: Ballot::default(),
            start: Start { position: Position::default(), members },
            snapshot: None,
            entries: Vec::new(),
        }
    }

    /// The first start of a node that will join a cluster: it waits until a leader tells it who the
    /// members are (thesis §4.4).
    pub fn joining() -> Stored<C, S> {
        Stored::founding(Members::default())
    }

    /// Where the log ends.
    pub fn last(&self) -> Position {
        self.entries.last().map_or(self.start.position, |entry| entry.position)
    }

    /// Who belongs to the cluster, as far as this log says.
    pub fn members(&self) -> &Members {
        let mut payloads = self.entries.iter().rev().map(|entry| &entry.payload);
        let found = payloads.find_map(|payload| match payload {
            Payload::Members(members) => Some(members),
            _ => None,
        });
        found.unwrap_or(&self.start.members)
    }
}

impl<C: Clone, S: Clone> Stored<C, S> {
    /// How many entries stand before this index.
    fn place(&self, index: Index) -> usize {
        self.entries.partition_point(|entry| entry.position.index < index)
    }

    /// Performs a write.
    ///
    /// # Panics
    ///
    /// If entries would not follow those that are there: a write before it is missing.
    pub fn perform(&mut self, write: &Write<C, S>) {
        if let Some(ballot) = write.ballot {
            self.ballot = ballot;
        }
        if let Some(snapshot) = &write.snapshot {
            self.snapshot = Some(snapshot.clone());
        }
        if let Some(start) = &write.start {
            self.entries.drain(..self.place(start.position.index + 1));
            self.start = start.clone();
        }
        if let Some(tail) = &write.tail {
            self.entries.truncate(self.place(tail.from));
            assert_eq!(
                self.last().index + 1,
                tail.from,
                "a write before {} is missing",
                write.number
            );
            self.entries.extend(tail.entries.iter().cloned());
        }
    }

    /// All of it as one write, with the number 0.
    pub fn as_write(&self) -> Write<C, S> {
        Write {
            number: 0,
            ballot: Some(self.ballot),
            snapshot: self.snapshot.clone(),
            start: Some(self.start.clone()),
            tail: Some(Tail { from: self.start.position.index + 1, entries: self.entries.clone() }),
        }
    }
}
