//! What read committed and read atomic infer, each read against what its own transaction saw.

use super::Inferred;
use super::facts::{FEW, Facts, Read};
use crate::txn::table::NONE;

/// A transaction's keys, each with the number of one of its reads.
#[derive(Debug, Default)]
struct ByKey {
    /// In ascending order of keys if there are many.
    keys: Vec<(u32, u32)>,
}

impl ByKey {
    /// All keys of these reads, without a number.
    fn reset(&mut self, reads: &[Read]) {
        self.keys.clear();
        if reads.len() > FEW {
            self.keys.extend(reads.iter().map(|read| (read.key, NONE)));
            self.keys.sort_unstable();
            self.keys.dedup();
        }
    }

    fn place(&self, key: u32) -> Option<usize> {
        if self.keys.len() <= FEW {
            self.keys.iter().position(|(other, _)| *other == key)
        } else {
            self.keys.binary_search_by_key(&key, |(other, _)| *other).ok()
        }
    }

    /// The number that stands for a key.
    fn get(&self, key: u32) -> Option<u32> {
        self.place(key).map(|at| self.keys[at].1).filter(|number| *number != NONE)
    }

    /// Sets the number that stands for a key; gives the one that did.
    fn put(&mut self, key: u32, number: u32) -> Option<u32> {
        match self.place(key) {
            Some(at) => {
                Some(std::mem::replace(&mut self.keys[at].1, number)).filter(|old| *old != NONE)
            }
            None => {
                self.keys.push((key, number));
                None
            }
        }
    }
}

/// Calls `found` with each key that a transaction writes and a number stands for. The smaller of
/// the two sets is gone through and the other asked: this is what bounds the whole by O(n^1.5).
fn common(facts: &Facts<'_>, writer: u32, keys: &ByKey, mut found: impl FnMut(u32, u32)) {
    let writes = facts.writes(writer);
    if writes.len() <= FEW || writes.len() <= keys.keys.len() {
        for key in writes {
            if let Some(number) = keys.get(*key) {
                found(*key, number);
            }
        }
    } else {
        for (key, number) in &keys.keys {
            if *number != NONE && writes.binary_search(key).is_ok() {
                found(*key, *number);
            }
        }
    }
}

/// Tells which of a transaction's reads are its first from their writer.
#[derive(Debug)]
struct Firsts {
    is_first: Vec<bool>,
    /// For each writer, the last transaction with many reads that was seen to read from it.
    seen: Vec<u32>,
}

impl Firsts {
    fn new(facts: &Facts<'_>) -> Firsts {
        Firsts { is_first: Vec::new(), seen: vec![NONE; facts.table.len()] }
    }

    /// Goes on to a transaction.
    fn enter(&mut self, reader: u32, reads: &[Read]) -> &[bool] {
        self.is_first.clear();
        for (at, read) in reads.iter().enumerate() {
            let is_new = if reads.len() <= FEW {
                !reads[..at].iter().any(|earlier| earlier.from == read.from)
            } else {
                read.from != NONE
                    && std::mem::replace(&mut self.seen[read.from as usize], reader) != reader
            };
            self.is_first.push(read.from != NONE && is_new);
        }
        &self.is_first
    }
}

/// Read committed: a read sees those that its transaction has read from before.
///
/// For each of these, and each key it writes, only the next read of the key tells something: those
/// after it follow in turn, since each writer of a key comes before the next that the transaction
/// reads it from.
pub(super) fn committed(facts: &Facts<'_>, inferred: &mut Inferred) {
    let mut next = ByKey::default();
    let mut firsts = Firsts::new(facts);
    for reader in 0..facts.table.len() as u32 {
        let reads = facts.reads(reader);
        if reads.len() < 2 {
            continue;
        }
        next.reset(reads);
        let is_first = firsts.enter(reader, reads);
        for (at, read) in reads.iter().enumerate().rev() {
            if is_first[at] {
                common(facts, read.from, &next, |key, number| {
                    inferred.add(reader, key, read.from, reads[number as usize].from);
                });
            }
            if let Some(next) = next.put(read.key, at as u32)
                && read.from != NONE
            {
                inferred.add(reader, read.key, read.from, reads[next as usize].from);
            }
        }
    }
}

/// Read atomic: a read sees all those that its transaction reads from, and its session so far.
pub(super) fn atomic(facts: &Facts<'_>, inferred: &mut Inferred) {
    let mut known = ByKey::default();
    let mut firsts = Firsts::new(facts);
    // By key, the last writer in a session.
    let mut last_writers = vec![(NONE, NONE); facts.table.keys.len()];
    for session in 0..facts.sessions() {
        for reader in facts.session(session) {
            let reads = facts.reads(*reader);
            known.reset(reads);
            for (at, read) in reads.iter().enumerate() {
                if let Some(first) = known.get(read.key) {
                    unrepeatable(*reader, reads[first as usize], *read, inferred);
                } else {
                    known.put(read.key, at as u32);
                }
                let (writer_session, writer) = last_writers[read.key as usize];
                if writer_session == session {
                    inferred.add(*reader, read.key, writer, read.from);
                }
            }
            let is_first = firsts.enter(*reader, reads);
            for (read, _) in reads.iter().zip(is_first).filter(|(_, is_first)| **is_first) {
                common(facts, read.from, &known, |key, number| {
                    inferred.add(*reader, key, read.from, reads[number as usize].from);
                });
            }
            if facts.with_sessions {
                for key in facts.writes(*reader) {
                    last_writers[*key as usize] = (session, *reader);
                }
            }
        }
    }
}

/// Two reads of a key by one transaction: if they do not agree, each writer is seen by the other's
/// reader.
fn unrepeatable(reader: u32, one: Read, other: Read, inferred: &mut Inferred) {
    if one.from != other.from {
        for (seen, read) in [(one.from, other), (other.from, one)] {
            if seen != NONE {
                inferred.add(reader, read.key, seen, read.from);
            }
        }
    }
}
