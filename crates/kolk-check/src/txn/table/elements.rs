//! The elements of one key, found by their codes.

use rustc_hash::FxHashMap;

use super::NONE;

/// Values mostly count up from 1 in each key: those near zero are found by their value, without
/// hashing; any others by a hash map, whose order shows nowhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    dense: Vec<u32>,
    sparse: FxHashMap<i64, u32>,
    count: usize,
}

impl Index {
    /// The element of that code.
    #[inline]
    pub(super) fn get(&self, code: i64) -> Option<u32> {
        let near = usize::try_from(code).ok().and_then(|at| self.dense.get(at)).copied();
        match near {
            Some(element) if element != NONE => Some(element),
            _ if self.sparse.is_empty() => None,
            _ => self.sparse.get(&code).copied(),
        }
    }

    /// Adds an element of a code that has none.
    pub(super) fn insert(&mut self, code: i64, element: u32) {
        self.count += 1;
        // Memory stays linear in the number of elements.
        let limit = self.count * 4 + 28;
        match usize::try_from(code) {
            Ok(at) if at < limit => {
                if self.dense.len() <= at {
                    self.dense.resize(at + 1, NONE);
                }
                self.dense[at] = element;
            }
            _ => {
                self.sparse.insert(code, element);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_added_and_nothing_else() {
        let codes = [0, 3, -1, 1 << 40, 1000, 5, 999, i64::MIN, 31, 33];
        let mut index = Index::default();
        for (element, code) in codes.iter().enumerate() {
            assert_eq!(index.get(*code), None);
            index.insert(*code, element as u32);
        }
        for (element, code) in codes.iter().enumerate() {
            assert_eq!(index.get(*code), Some(element as u32), "{code}");
        }
        assert!([1, 2, 4, 6, 32, 34, 998, i64::MAX].iter().all(|code| index.get(*code).is_none()));
        assert!(index.dense.len() < 100);
    }
}
