//! Numbers found by codes: keys, or the elements of one key.

use rustc_hash::FxHashMap;

use super::NONE;

/// Keys mostly count up from 0, and values from 1 in each key: codes near zero are found by what
/// they are, without hashing; any others by a hash map, whose order shows nowhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    dense: Vec<u32>,
    sparse: FxHashMap<i64, u32>,
    count: usize,
}

impl Index {
    /// The number of that code.
    #[inline]
    pub(super) fn get(&self, code: i64) -> Option<u32> {
        let near = usize::try_from(code).ok().and_then(|at| self.dense.get(at)).copied();
        match near {
            Some(number) if number != NONE => Some(number),
            _ if self.sparse.is_empty() => None,
            _ => self.sparse.get(&code).copied(),
        }
    }

    /// Adds a number for a code that has none.
    pub(super) fn insert(&mut self, code: i64, number: u32) {
        self.count += 1;
        // Memory stays linear in how many there are.
        let limit = self.count * 4 + 28;
        match usize::try_from(code) {
            Ok(at) if at < limit => {
                if self.dense.len() <= at {
                    self.dense.resize(at + 1, NONE);
                }
                self.dense[at] = number;
            }
            _ => {
                self.sparse.insert(code, number);
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
