//! The log in memory, and how much of it is on disk.

use std::collections::VecDeque;

use crate::entry::{Entry, Index, Members, Payload, Position, Snapshot, Term};
use crate::planted::{Bug, Planted};
use crate::stored::{Start, Stored, Tail, Write};

#[derive(Debug)]
pub(crate) struct Log<C, S> {
    start: Start,
    entries: VecDeque<Entry<C>>,
    snapshot: Option<Snapshot<S>>,
    /// The configurations among the entries, in order. Few: they are entries that people ask for.
    members: Vec<(Index, Members)>,
    /// Up to here the log is on disk as it is in memory.
    durable: Index,
    /// Writes of entries that are not known to be on disk.
    pending: VecDeque<Pending>,
    /// What the next write must hold.
    changed: Changed,
    planted: Planted,
}

#[derive(Debug)]
struct Pending {
    number: u64,
    /// The first index that it changes.
    from: Index,
    /// The last index after it.
    last: Index,
}

#[derive(Debug, Default)]
struct Changed {
    snapshot: bool,
    start: bool,
    /// The first index that changed.
    from: Option<Index>,
    /// A snapshot took the place of all entries.
    all: bool,
}

impl<C: Clone, S: Clone> Log<C, S> {
    /// # Panics
    ///
    /// If what is stored is no log: indices with gaps, terms that go back.
    pub(crate) fn new(stored: Stored<C, S>, planted: Planted) -> Log<C, S> {
        let mut log = Log {
            durable: 0,
            start: stored.start,
            entries: VecDeque::new(),
            snapshot: stored.snapshot,
            members: Vec::new(),
            pending: VecDeque::new(),
            changed: Changed::default(),
            planted,
        };
        for entry in stored.entries {
            log.push(entry);
        }
        // All of it came from the disk.
        log.durable = log.last().index;
        log.changed = Changed::default();
        assert!(
            log.start.position.index == 0 || log.snapshot.is_some(),
            "what is stored is damaged: the log's beginning is gone and there is no snapshot",
        );
        let snapshot = log.snapshot.as_ref().map_or(log.start.position, |found| found.position);
        assert!(
            log.start.position.index <= snapshot.index && snapshot.index <= log.last().index,
            "what is stored is damaged: the log begins after {}, the snapshot is of {snapshot}, \
             and the log ends at {}",
            log.start.position,
            log.last(),
        );
        log
    }

    /// Where the log ends.
    pub(crate) fn last(&self) -> Position {
        if self.entries.is_empty() && self.planted.is(Bug::LastForgottenBySnapshot) {
            return Position::default();
        }
        self.entries.back().map_or(self.start.position, |entry| entry.position)
    }

    /// The position before the first entry that is kept.
    pub(crate) fn start(&self) -> Position {
        self.start.position
    }

    pub(crate) fn snapshot(&self) -> Option<&Snapshot<S>> {
        self.snapshot.as_ref()
    }

    pub(crate) fn durable(&self) -> Index {
        self.durable
    }

    fn at(&self, index: Index) -> Option<usize> {
        let offset = index.checked_sub(self.start.position.index + 1)?;
        usize::try_from(offset).ok().filter(|at| *at < self.entries.len())
    }

    pub(crate) fn entry(&self, index: Index) -> Option<&Entry<C>> {
        self.at(index).map(|at| &self.entries[at])
    }

    /// The term of the entry there, or of the one before the first; `None` elsewhere.
    pub(crate) fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.start.position.index {
            return Some(self.start.position.term);
        }
        self.entry(index).map(|entry| entry.position.term)
    }

    /// The position with this index, if the log holds it.
    pub(crate) fn position(&self, index: Index) -> Option<Position> {
        self.term_at(index).map(|term| Position { term, index })
    }

    /// At most `max` entries from `from` on.
    pub(crate) fn slice(&self, from: Index, max: usize) -> Vec<Entry<C>> {
        let Some(at) = self.at(from) else { return Vec::new() };
        self.entries.range(at..self.entries.len().min(at.saturating_add(max))).cloned().collect()
    }

    /// The newest configuration in the log (thesis §4.1: it counts as soon as it is there).
    pub(crate) fn members(&self) -> &Members {
        self.members.last().map_or(&self.start.members, |(_, members)| members)
    }

    /// Where that stands; 0 if it is not among the entries.
    pub(crate) fn members_index(&self) -> Index {
        self.members.last().map_or(0, |(index, _)| *index)
    }

    /// The configuration at an index that is not before the start.
    pub(crate) fn members_at(&self, index: Index) -> &Members {
        let found = self.members.iter().rev().find(|(at, _)| *at <= index);
        found.map_or(&self.start.members, |(_, members)| members)
    }

    /// The last position not after `limit`, in index and in term: the last at which a log that ends
    /// at `limit` may agree with this one. `None` if that is before all that is kept.
    pub(crate) fn last_agreeable(&self, limit: Position) -> Option<Position> {
        let start = self.start.position;
        let not_later = self.entries.partition_point(|entry| entry.position.term <= limit.term);
        let index = limit.index.min(start.index + not_later as Index);
        let is_kept = limit.term >= start.term && index >= start.index;
        is_kept.then(|| self.position(index)).flatten()
    }

    /// Appends an entry.
    ///
    /// # Panics
    ///
    /// If its index does not follow the last, or its term goes back.
    pub(crate) fn push(&mut self, entry: Entry<C>) {
        let last = self.entries.back().map_or(self.start.position, |entry| entry.position);
        assert!(
            entry.position.index == last.index + 1 && entry.position.term >= last.term,
            "log: {} does not follow {last}",
            entry.position,
        );
        if let Payload::Members(members) = &entry.payload {
            let (before, after) = (&self.members().voters, &members.voters);
            assert!(
                before.is_empty() || before.symmetric_difference(after).count() <= 1,
                "membership: from {before:?} to {after:?} in one change (thesis §4.1)",
            );
            self.members.push((entry.position.index, members.clone()));
        }
        self.changed_from(entry.position.index);
        self.entries.push_back(entry);
    }

    /// Drops all entries from `from` on.
    pub(crate) fn truncate(&mut self, from: Index) {
        let keep = self.at(from).expect("log: only what is there is truncated");
        self.entries.truncate(keep);
        self.members.retain(|(index, _)| *index < from);
        self.changed_from(from);
    }

    fn changed_from(&mut self, index: Index) {
        self.durable = self.durable.min(index - 1);
        self.changed.from = Some(self.changed.from.map_or(index, |from| from.min(index)));
    }

    /// Puts a snapshot in place of the log's beginning, and keeps `behind` entries before it for
    /// those who are a little late.
    pub(crate) fn compact(&mut self, index: Index, state: S, behind: u64) {
        let position = self.position(index).expect("log: an applied entry is in the log");
        let members = self.members_at(index).clone();
        self.snapshot = Some(Snapshot { position, members, state });
        self.changed.snapshot = true;
        let first = index.saturating_sub(behind).max(self.start.position.index);
        // An entry that is not on disk cannot be dropped from there.
        let first = first.min(self.durable);
        if first > self.start.position.index {
            let mut members = self.members_at(first).clone();
            if self.planted.is(Bug::SnapshotForgetsMembers) {
                members = self.start.members.clone();
            }
            let position = self.position(first).expect("log: it is between start and end");
            let count =
                usize::try_from(first - self.start.position.index).expect("it is in memory");
            self.entries.drain(..count);
            self.members.retain(|(at, _)| *at > first);
            self.start = Start { position, members };
            self.changed.start = true;
        }
    }

    /// Takes over a snapshot from the leader; all entries give way to it.
    pub(crate) fn install(&mut self, snapshot: Snapshot<S>) {
        self.start = Start { position: snapshot.position, members: snapshot.members.clone() };
        self.entries.clear();
        self.members.clear();
        self.snapshot = Some(snapshot);
        self.changed = Changed {
            snapshot: true,
            start: true,
            from: Some(self.start.position.index + 1),
            all: true,
        };
        // Nothing of what the log is now is on disk.
        self.durable = 0;
    }

    /// Whether there is something to write.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed.snapshot || self.changed.start || self.changed.from.is_some()
    }

    /// Moves what has changed into a write.
    pub(crate) fn take_changes(&mut self, write: &mut Write<C, S>) {
        let changed = std::mem::take(&mut self.changed);
        if changed.snapshot {
            write.snapshot = self.snapshot.clone();
        }
        if changed.start {
            write.start = Some(self.start.clone());
        }
        let first = self.start.position.index + 1;
        if let Some(from) = changed.from {
            let from = from.max(first);
            write.tail = Some(Tail { from, entries: self.slice(from, usize::MAX) });
            let from = if changed.all { 1 } else { from };
            let last = self.entries.back().map_or(self.start.position, |e| e.position).index;
            self.pending.push_back(Pending { number: write.number, from, last });
        }
    }

    /// All writes up to this one are on disk.
    pub(crate) fn synced(&mut self, number: u64) {
        let mut on_disk = None;
        while self.pending.front().is_some_and(|pending| pending.number <= number) {
            on_disk = self.pending.pop_front().map(|pending| pending.last);
        }
        let Some(on_disk) = on_disk else { return };
        let later = self.pending.iter().map(|pending| pending.from - 1);
        let unwritten = self.changed.from.map(|from| from - 1);
        self.durable = later.chain(unwritten).fold(on_disk, Index::min);
    }
}
