//! The values written to keys, or read there, as columns.
//!
//! They are asked for in the order of reads, that is without any order, and mostly for their writer
//! alone: four bytes each, so that those of a million transactions fit the processor's caches.

use kolk_history::Outcome;

use super::{NONE, Transaction};

/// Elements by their numbers: those written come first, in the order of their writers.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    /// The transaction that writes it, shifted, and marks; [`NONE`] if nobody does.
    states: Vec<u32>,
    keys: Vec<u32>,
    codes: Vec<i64>,
}

/// It is its writer's last write of the key.
const FINAL: u32 = 1;
/// Its writer failed.
const FAILED: u32 = 2;
/// It is not known whether its writer happened.
const PENDING: u32 = 4;
/// The number of marks. Graphs have no more than 2^29 transactions.
const MARKS: u32 = 3;

impl Elements {
    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// All elements.
    pub(crate) fn all(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }

    /// The transaction that writes an element; [`NONE`] if nobody does.
    #[inline]
    pub(crate) fn writer(&self, element: u32) -> u32 {
        match self.states[element as usize] {
            NONE => NONE,
            state => state >> MARKS,
        }
    }

    /// Whether it is its writer's last write of the key.
    #[inline]
    pub(crate) fn is_final(&self, element: u32) -> bool {
        let state = self.states[element as usize];
        state != NONE && state & FINAL != 0
    }

    /// The transaction that writes an element, if that did not fail and writes nothing to the key
    /// later.
    #[inline]
    pub(crate) fn sound_writer(&self, element: u32) -> Option<u32> {
        let state = self.states[element as usize];
        (state != NONE && state & (FINAL | FAILED) == FINAL).then_some(state >> MARKS)
    }

    /// Whether it is not known if the transaction that writes an element happened.
    #[inline]
    pub(crate) fn is_pending(&self, element: u32) -> bool {
        let state = self.states[element as usize];
        state != NONE && state & PENDING != 0
    }

    /// The key that it is a value of.
    #[inline]
    pub(crate) fn key(&self, element: u32) -> u32 {
        self.keys[element as usize]
    }

    /// The code of the value.
    pub(crate) fn code(&self, element: u32) -> i64 {
        self.codes[element as usize]
    }

    /// Adds a value, the last so far that its writer writes to the key, if anybody writes it.
    pub(super) fn push(&mut self, key: u32, code: i64, writer: u32) -> u32 {
        let state = if writer == NONE { NONE } else { writer << MARKS | FINAL };
        self.states.push(state);
        self.keys.push(key);
        self.codes.push(code);
        self.states.len() as u32 - 1
    }

    /// Takes note that the writer of an element writes its key again.
    pub(super) fn overwrite(&mut self, element: u32) {
        self.states[element as usize] &= !FINAL;
    }

    /// Takes note of what came of the writers.
    pub(super) fn mark(&mut self, transactions: &[Transaction]) {
        for state in self.states.iter_mut().filter(|state| **state != NONE) {
            *state |= match transactions[(*state >> MARKS) as usize].outcome {
                Outcome::Ok => 0,
                Outcome::Fail => FAILED,
                Outcome::Info => PENDING,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_writers_and_what_came_of_them() {
        let outcomes = [Outcome::Ok, Outcome::Fail, Outcome::Info];
        let transactions = outcomes.map(|outcome| Transaction {
            first: 0,
            index: 0,
            completion: 0,
            process: 0,
            outcome,
        });
        let mut elements = Elements::default();
        for (code, writer) in [(7, 0), (8, 0), (9, 1), (10, 2), (11, NONE)] {
            elements.push(5, code, writer);
        }
        elements.overwrite(0);
        elements.mark(&transactions);
        let told = |element: u32| {
            let is = (elements.is_final(element), elements.is_pending(element));
            (elements.writer(element), elements.sound_writer(element), is)
        };
        assert_eq!(told(0), (0, None, (false, false)));
        assert_eq!(told(1), (0, Some(0), (true, false)));
        assert_eq!(told(2), (1, None, (true, false)));
        assert_eq!(told(3), (2, Some(2), (true, true)));
        assert_eq!(told(4), (NONE, None, (false, false)));
        assert_eq!((elements.key(4), elements.code(4), elements.all()), (5, 11, 0..5));
    }
}
