//! The values written to keys, or read there, as columns.

use kolk_history::Outcome;

use super::{NONE, Transaction};

/// Who writes a value, and what came of it, in four bytes: the transaction, shifted, and marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(u32);

/// It is its writer's last write of the key.
const FINAL: u32 = 1;
/// Its writer failed.
const FAILED: u32 = 2;
/// It is not known whether its writer happened.
const PENDING: u32 = 4;
/// The number of marks. Graphs have no more than 2^29 transactions.
const MARKS: u32 = 3;

impl Origin {
    /// Nobody writes it.
    pub(super) const NOBODY: Origin = Origin(NONE);

    /// The transaction that writes it; [`NONE`] if nobody does.
    #[inline]
    pub(crate) const fn writer(self) -> u32 {
        if self.0 == NONE { NONE } else { self.0 >> MARKS }
    }

    /// Whether it is its writer's last write of the key.
    #[inline]
    pub(crate) const fn is_final(self) -> bool {
        self.0 != NONE && self.0 & FINAL != 0
    }

    /// The transaction that writes it, if that did not fail and writes nothing to the key later.
    #[inline]
    pub(crate) fn sound_writer(self) -> Option<u32> {
        let is_sound = self.0 != NONE && self.0 & (FINAL | FAILED) == FINAL;
        is_sound.then_some(self.0 >> MARKS)
    }

    /// Whether it is not known if the transaction that writes it happened.
    #[inline]
    pub(crate) const fn is_pending(self) -> bool {
        self.0 != NONE && self.0 & PENDING != 0
    }
}

/// Elements by their numbers: those written come first, in the order of their writers.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    origins: Vec<Origin>,
    keys: Vec<u32>,
    codes: Vec<i64>,
}

impl Elements {
    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.origins.len()
    }

    /// All elements.
    pub(crate) fn all(&self) -> std::ops::Range<u32> {
        0..self.len() as u32
    }

    /// Who writes an element.
    #[inline]
    pub(crate) fn origin(&self, element: u32) -> Origin {
        self.origins[element as usize]
    }

    /// The transaction that writes an element; [`NONE`] if nobody does.
    #[inline]
    pub(crate) fn writer(&self, element: u32) -> u32 {
        self.origin(element).writer()
    }

    /// Whether it is its writer's last write of the key.
    #[inline]
    pub(crate) fn is_final(&self, element: u32) -> bool {
        self.origin(element).is_final()
    }

    /// The key that it is a value of.
    #[inline]
    pub(crate) fn key(&self, element: u32) -> u32 {
        self.keys[element as usize]
    }

    /// The code of the value.
    #[inline]
    pub(crate) fn code(&self, element: u32) -> i64 {
        self.codes[element as usize]
    }

    /// Adds a value, the last so far that its writer writes to the key, if anybody writes it.
    pub(super) fn push(&mut self, key: u32, code: i64, writer: u32) -> u32 {
        let origin = if writer == NONE { Origin::NOBODY } else { Origin(writer << MARKS | FINAL) };
        self.origins.push(origin);
        self.keys.push(key);
        self.codes.push(code);
        self.origins.len() as u32 - 1
    }

    /// Takes note that the writer of an element writes its key again.
    pub(super) fn overwrite(&mut self, element: u32) {
        self.origins[element as usize].0 &= !FINAL;
    }

    /// Takes note of what came of the writers.
    pub(super) fn mark(&mut self, transactions: &[Transaction]) {
        for origin in self.origins.iter_mut().filter(|origin| **origin != Origin::NOBODY) {
            origin.0 |= match transactions[origin.writer() as usize].outcome {
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
            let origin = elements.origin(element);
            let is = (origin.is_final(), origin.is_pending());
            (elements.writer(element), origin.sound_writer(), is)
        };
        assert_eq!(told(0), (0, None, (false, false)));
        assert_eq!(told(1), (0, Some(0), (true, false)));
        assert_eq!(told(2), (1, None, (true, false)));
        assert_eq!(told(3), (2, Some(2), (true, true)));
        assert_eq!(told(4), (NONE, None, (false, false)));
        assert_eq!((elements.key(4), elements.code(4), elements.all()), (5, 11, 0..5));
    }
}
