//! Rows of numbers of one length, none of them twice.

use std::hash::Hasher;

use rustc_hash::FxHasher;

/// Rows side by side. The first number of a row does not count when rows are compared.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub width: usize,
    pub data: Vec<u32>,
    /// Where rows are, by hash: their numbers plus one, or zero; always a power of two.
    table: Vec<u32>,
}

impl Rows {
    pub(super) fn new(width: usize) -> Rows {
        Rows { width, data: Vec::new(), table: vec![0; 16] }
    }

    pub(super) fn len(&self) -> usize {
        self.data.len() / self.width
    }

    pub(super) fn row(&self, number: usize) -> &[u32] {
        &self.data[number * self.width..(number + 1) * self.width]
    }

    pub(super) fn clear(&mut self) {
        self.data.clear();
        if self.table.len() > 1 << 12 {
            self.table = vec![0; 16];
        } else {
            self.table.fill(0);
        }
    }

    /// Adds a row, unless it is there.
    pub(super) fn insert(&mut self, row: &[u32]) -> bool {
        if 2 * self.len() >= self.table.len() {
            self.grow();
        }
        let Some(slot) = self.find(row) else { return false };
        self.data.extend_from_slice(row);
        self.table[slot] = self.len() as u32;
        true
    }

    /// The free slot for a row; `None` if it is there.
    fn find(&self, row: &[u32]) -> Option<usize> {
        let mask = self.table.len() - 1;
        let mut slot = hash(row) & mask;
        while let Some(number) = self.table[slot].checked_sub(1) {
            if self.row(number as usize)[1..] == row[1..] {
                return None;
            }
            slot = (slot + 1) & mask;
        }
        Some(slot)
    }

    fn grow(&mut self) {
        self.table = vec![0; 2 * self.table.len()];
        let mask = self.table.len() - 1;
        for number in 0..self.len() {
            let mut slot = hash(self.row(number)) & mask;
            while self.table[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.table[slot] = number as u32 + 1;
        }
    }
}

fn hash(row: &[u32]) -> usize {
    let mut hasher = FxHasher::default();
    row[1..].iter().for_each(|number| hasher.write_u32(*number));
    // The best bits are the upper ones.
    (hasher.finish() >> 20) as usize
}
