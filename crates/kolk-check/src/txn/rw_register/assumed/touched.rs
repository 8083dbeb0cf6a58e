//! What transactions had of each key when they began and when they ended.
//!
//! A transaction *begins* with the value it read externally, or else with the one it wrote; it
//! *ends* with the one it wrote, or else with the one it read.

use rustc_hash::FxHashMap;

use crate::txn::table::{NONE, Table};

/// What all transactions had of the keys.
///
/// Versions are numbered like elements; after all elements comes, for each key, that nothing is
/// there.
#[derive(Debug)]
pub(super) struct Touched {
    elements: u32,
    /// By version: the transaction acknowledged first of those that ended with it.
    pub ended: Vec<u32>,
    /// By version: the transaction invoked last of those that began with it.
    pub begun: Vec<u32>,
    updates: Vec<Update>,
}

/// A transaction that read a value of a key and wrote another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Update {
    pub read: u32,
    pub transaction: u32,
    pub written: u32,
}

/// A process ended one transaction with one version of a key, and began the next that touched the
/// key with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    pub before: u32,
    pub after: u32,
    pub first: u32,
    pub second: u32,
}

/// What a transaction did with a key, as others can see it.
#[derive(Clone, Copy, Debug)]
struct Touch {
    key: u32,
    /// What it read before it wrote the key, if that is known; the inner `None` is nothing.
    read: Option<Option<u32>>,
    written: Option<u32>,
}

impl Touched {
    /// What all transactions had; and, if asked, what each process had next, in ascending order and
    /// each pair of versions once.
    pub(super) fn new(table: &Table, by_process: bool) -> (Touched, Vec<Told>) {
        let elements = table.elements.len() as u32;
        let versions = table.elements.len() + table.keys.len();
        let mut touched = Touched {
            elements,
            ended: vec![NONE; versions],
            begun: vec![NONE; versions],
            updates: Vec::new(),
        };
        let mut told = Vec::new();
        let mut last: FxHashMap<(u32, u32), (u32, u32)> = FxHashMap::default();
        let mut places = vec![0; table.keys.len()];
        let mut touches = Vec::new();
        for transaction in (0..table.len() as u32).filter(|number| table.is_possible(*number)) {
            touches_of(table, transaction, &mut places, &mut touches);
            for touch in &touches {
                let Some((begin, end)) = touched.begin_and_end(touch) else { continue };
                touched.begin(table, transaction, begin);
                if !table.is_ok(transaction) {
                    continue;
                }
                if touched.ended[end as usize] == NONE {
                    touched.ended[end as usize] = transaction;
                }
                if let (Some(Some(read)), Some(written)) = (touch.read, touch.written)
                    && read != written
                {
                    touched.updates.push(Update { read, transaction, written });
                }
                if by_process {
                    let process = table.transactions[transaction as usize].process;
                    let before = last.insert((process, touch.key), (end, transaction));
                    if let Some((before, first)) = before
                        && before != begin
                        && !touched.is_nothing(before)
                    {
                        told.push(Told { before, after: begin, first, second: transaction });
                    }
                }
            }
        }
        touched.updates.sort_unstable();
        told.sort_unstable();
        told.dedup_by_key(|told| (told.before, told.after));
        (touched, told)
    }

    /// The versions a transaction began and ended with, unless nothing is known of them.
    fn begin_and_end(&self, touch: &Touch) -> Option<(u32, u32)> {
        let nothing = self.nothing(touch.key);
        let read = touch.read.map(|read| read.unwrap_or(nothing));
        // As in Elle, who read nothing and wrote began with what it wrote: the read has an
        // edge to every writer already.
        let begin = read.filter(|read| *read != nothing).or(touch.written).or(read)?;
        Some((begin, touch.written.or(read)?))
    }

    fn begin(&mut self, table: &Table, transaction: u32, version: u32) {
        let begun = &mut self.begun[version as usize];
        if *begun == NONE || table.index(*begun) < table.index(transaction) {
            *begun = transaction;
        }
    }

    /// The version that stands for nothing at a key.
    fn nothing(&self, key: u32) -> u32 {
        self.elements + key
    }

    /// Whether a version is that nothing is there.
    pub(super) fn is_nothing(&self, version: u32) -> bool {
        version >= self.elements
    }

    /// A version's key.
    pub(super) fn key(&self, table: &Table, version: u32) -> u32 {
        match version.checked_sub(self.elements) {
            None => table.elements.key(version),
            Some(key) => key,
        }
    }

    /// Who read a value and wrote another, in ascending order.
    pub(super) fn updates_of(&self, read: u32) -> &[Update] {
        let first = self.updates.partition_point(|update| update.read < read);
        let rest = &self.updates[first..];
        &rest[..rest.partition_point(|update| update.read == read)]
    }

    /// The number of versions.
    pub(super) fn len(&self) -> usize {
        self.ended.len()
    }
}

/// Collects what a transaction did with each key. `places` is memory that all transactions share.
fn touches_of(table: &Table, transaction: u32, places: &mut [u32], touches: &mut Vec<Touch>) {
    touches.clear();
    for micro_op in table.micro_ops(transaction) {
        let key = micro_op.key();
        let place = &mut places[key as usize];
        let is_known = touches.get(*place as usize).is_some_and(|touch| touch.key == key);
        if !is_known {
            *place = touches.len() as u32;
            touches.push(Touch { key, read: None, written: None });
        }
        let touch = &mut touches[*place as usize];
        if micro_op.is_write() {
            touch.written = Some(micro_op.element());
        } else if !is_known {
            touch.read = table.last_read(*micro_op);
        }
    }
}
