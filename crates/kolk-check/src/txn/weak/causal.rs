//! What causal consistency infers: a reader sees whatever leads to it over reads and sessions.

use super::Inferred;
use super::facts::Facts;
use crate::txn::components::Components;
use crate::txn::table::NONE;

/// How many numbers the clocks of all transactions take at most, at a time: with more sessions than
/// fit they are gone through in parts.
const CLOCKS_MAX: usize = 1 << 26;

/// For each key, who wrote it, session by session.
struct Writers {
    /// Of each key, where its groups begin.
    starts: Vec<u32>,
    /// A session, and where its writers of the key begin.
    groups: Vec<(u32, u32)>,
    /// The writers' places in their sessions, ascending in each group.
    places: Vec<u32>,
}

impl Writers {
    fn new(facts: &Facts<'_>) -> Writers {
        let keys = facts.table.keys.len();
        let mut ends = vec![0u32; keys + 1];
        for transaction in 0..facts.table.len() as u32 {
            for key in facts.writes(transaction) {
                ends[*key as usize + 1] += 1;
            }
        }
        for key in 0..keys {
            ends[key + 1] += ends[key];
        }
        let first = ends.clone();
        let mut entries = vec![(0u32, 0u32); first[keys] as usize];
        for session in 0..facts.sessions() {
            for (place, writer) in facts.session(session).iter().enumerate() {
                for key in facts.writes(*writer) {
                    let end = &mut ends[*key as usize];
                    entries[*end as usize] = (session, place as u32);
                    *end += 1;
                }
            }
        }
        let mut starts = Vec::with_capacity(keys + 1);
        let mut groups: Vec<(u32, u32)> = Vec::new();
        for key in 0..keys {
            starts.push(groups.len() as u32);
            let mut last = NONE;
            for at in first[key]..first[key + 1] {
                let session = entries[at as usize].0;
                if session != last {
                    groups.push((session, at));
                    last = session;
                }
            }
        }
        starts.push(groups.len() as u32);
        groups.push((NONE, entries.len() as u32));
        Writers { starts, groups, places: entries.into_iter().map(|(_, place)| place).collect() }
    }

    /// The numbers of a key's groups of these sessions.
    fn groups_of(&self, key: u32, sessions: std::ops::Range<u32>) -> std::ops::Range<usize> {
        let key = key as usize;
        let (first, end) = (self.starts[key] as usize, self.starts[key + 1] as usize);
        let groups = &self.groups[first..end];
        if sessions.start == 0 && groups.last().is_none_or(|(last, _)| *last < sessions.end) {
            return first..end;
        }
        first + groups.partition_point(|(session, _)| *session < sessions.start)
            ..first + groups.partition_point(|(session, _)| *session < sessions.end)
    }
}

/// Infers, for transactions that come before one another as these components tell, all of them
/// single.
pub(super) fn infer(facts: &Facts<'_>, components: &Components, inferred: &mut Inferred) {
    let mut order = vec![0; components.of.len()];
    for (transaction, component) in components.of.iter().enumerate() {
        // Edges lead to lower numbers.
        order[components.of.len() - 1 - *component as usize] = transaction as u32;
    }
    let writers = Writers::new(facts);
    let fitting = CLOCKS_MAX / facts.table.len().max(1);
    let width = (fitting as u32).clamp(8, 4096).min(facts.sessions().max(1));
    for first in (0..facts.sessions()).step_by(width as usize) {
        let sessions = first..(first + width).min(facts.sessions());
        Part::new(facts, &order, sessions).infer(&writers, inferred);
    }
}

/// The clocks of all transactions as far as they speak of some sessions: for each of these, how
/// many of its transactions come before.
struct Part<'a> {
    facts: &'a Facts<'a>,
    sessions: std::ops::Range<u32>,
    width: usize,
    clocks: Vec<u32>,
}

impl<'a> Part<'a> {
    /// The clocks of transactions, which come in an order that agrees with who comes before whom.
    fn new(facts: &'a Facts<'a>, order: &[u32], sessions: std::ops::Range<u32>) -> Part<'a> {
        let width = sessions.len();
        let clocks = vec![0u32; order.len() * width];
        let mut part = Part { facts, sessions, width, clocks };
        let mut row = vec![0u32; width];
        for transaction in order {
            row.fill(0);
            if let Some(previous) = facts.previous(*transaction) {
                part.follow(&mut row, previous);
            }
            let mut last = NONE;
            for read in facts.reads(*transaction) {
                if read.from != NONE && read.from != last {
                    last = read.from;
                    part.follow(&mut row, read.from);
                }
            }
            part.clocks[*transaction as usize * width..][..width].copy_from_slice(&row);
        }
        part
    }

    /// Sets a clock to after a transaction too.
    fn follow(&self, row: &mut [u32], before: u32) {
        for (own, other) in row.iter_mut().zip(self.clock(before)) {
            *own = (*own).max(*other);
        }
        let (session, place) = self.facts.places[before as usize];
        if self.sessions.contains(&session) {
            let own = &mut row[(session - self.sessions.start) as usize];
            *own = (*own).max(place + 1);
        }
    }

    fn clock(&self, transaction: u32) -> &[u32] {
        &self.clocks[transaction as usize * self.width..][..self.width]
    }

    /// Finds, for each read and each session, the last writer of the key there that the reader
    /// sees.
    fn infer(&self, writers: &Writers, inferred: &mut Inferred) {
        // For each transaction and session, how many there must come before it beyond its clock.
        let mut due = vec![0u32; self.clocks.len()];
        let mut cursors: Vec<u32> = Vec::new();
        for session in 0..self.facts.sessions() {
            // Clocks only advance along a session, and so do the last writers seen.
            cursors.clear();
            cursors.extend(writers.groups.iter().map(|(_, start)| *start));
            for reader in self.facts.session(session) {
                for read in self.facts.reads(*reader) {
                    let groups = writers.groups_of(read.key, self.sessions.clone());
                    for group in groups {
                        self.look(writers, group, &mut cursors, *reader, *read, &mut due, inferred);
                    }
                }
            }
        }
        self.add_due(&due, inferred);
    }

    #[inline]
    #[expect(clippy::too_many_arguments, reason = "the inner loop of three nested ones")]
    fn look(
        &self,
        writers: &Writers,
        group: usize,
        cursors: &mut [u32],
        reader: u32,
        read: super::facts::Read,
        due: &mut [u32],
        inferred: &mut Inferred,
    ) {
        let (session, start) = writers.groups[group];
        let end = writers.groups[group + 1].1;
        let column = (session - self.sessions.start) as usize;
        let seen = self.clock(reader)[column];
        let mut cursor = cursors[group];
        while cursor < end && writers.places[cursor as usize] < seen {
            cursor += 1;
        }
        cursors[group] = cursor;
        if cursor == start {
            return;
        }
        let place = writers.places[cursor as usize - 1];
        if read.from == NONE {
            let writer = self.facts.session(session)[place as usize];
            inferred.add(reader, read.key, writer, NONE);
        } else if self.facts.places[read.from as usize] != (session, place) {
            let at = read.from as usize * self.width + column;
            due[at] = due[at].max(place + 1);
        }
    }

    /// Adds what must come before each transaction and does not by its clock already.
    fn add_due(&self, due: &[u32], inferred: &mut Inferred) {
        for (at, (due, clock)) in due.iter().zip(&self.clocks).enumerate() {
            if due > clock {
                let (transaction, column) = (at / self.width, at % self.width);
                let session = self.sessions.start + column as u32;
                let before = self.facts.session(session)[*due as usize - 1];
                inferred.edges.push((before, transaction as u32));
            }
        }
    }
}
