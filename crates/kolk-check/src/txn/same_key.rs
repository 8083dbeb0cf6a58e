//! A transaction's earlier micro-operations on the same key.

use super::table::{NONE, Table};

/// Walks through transactions and knows, for each micro-operation, the one before it on the same
/// key. A scratch table over all keys that is never cleared: what lies before the transaction does
/// not count.
#[derive(Debug)]
pub(crate) struct SameKey {
    last: Vec<u32>,
    /// For each micro-operation of the transaction, the one before on its key.
    before: Vec<u32>,
    first: u32,
}

impl SameKey {
    pub(crate) fn new(table: &Table) -> SameKey {
        SameKey { last: vec![NONE; table.keys.len()], before: Vec::new(), first: 0 }
    }

    /// Goes on to a transaction. They must come in ascending order.
    pub(crate) fn enter(&mut self, table: &Table, transaction: u32) {
        let range = table.range(transaction);
        self.first = range.start as u32;
        self.before.clear();
        for at in range {
            let last = &mut self.last[table.operations[at].key() as usize];
            let known = *last != NONE && *last >= self.first;
            self.before.push(if known { *last } else { NONE });
            *last = at as u32;
        }
    }

    /// The position of the micro-operation before this one on the same key.
    pub(crate) fn before(&self, operation: u32) -> Option<u32> {
        Some(self.before[(operation - self.first) as usize]).filter(|before| *before != NONE)
    }

    /// The positions of all before it on the same key, the latest first.
    pub(crate) fn all_before(&self, operation: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(self.before(operation), |before| self.before(*before))
    }
}
