//! A map whose changes are numbered, and copies of it that follow.
//!
//! Every change has a *position*, 1, 2, 3, …, and a copy that is at some position has all changes
//! up to there and no others: copies differ in how far they are, and in nothing else. A copy is
//! brought forward by [`Changes`]: each key that changed after the position it is at, with its
//! latest value. So a log need not be kept for those who are behind; what they are told is never
//! more than the map itself, however long they were away. A copy goes forward in leaps, and does
//! not see what was between.
//!
//! ```
//! use kolk_replica::versions::Versions;
//!
//! let (mut map, mut copy) = (Versions::default(), Versions::default());
//! map.set("a", 1);
//! map.set("b", 2);
//! map.set("a", 3);
//! copy.apply(map.changes_since(copy.position())).unwrap();
//! assert_eq!((copy.get("a"), copy.get("b"), copy.position()), (Some(&3), Some(&2), 3));
//! ```

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A map whose changes are numbered, or a copy of one: see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions<K, V> {
    position: u64,
    /// Each key's value, with the position at which it was set, or a later one at which this copy
    /// learned of it.
    entries: BTreeMap<K, (u64, V)>,
    by_position: BTreeSet<(u64, K)>,
}

/// The changes between two positions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes<K, V> {
    /// The changes come after this position.
    from: u64,
    /// The changes end at this position, which is included.
    to: u64,
    /// Every key that changed, with the value it has at `to`.
    entries: Vec<(K, V)>,
}

/// Changes that begin behind the position of the copy that should take them: those between are
/// missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("changes from position {from} on do not fit a copy that is at {position}")]
pub struct Gap {
    /// Where the changes begin.
    pub from: u64,
    /// Where the copy is.
    pub position: u64,
}

impl<K, V> Default for Versions<K, V> {
    fn default() -> Versions<K, V> {
        Versions { position: 0, entries: BTreeMap::new(), by_position: BTreeSet::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Versions<K, V> {
    /// The position of this copy: the number of changes up to now.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// A key's value.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// Sets a key, which is the next change; gives its position. Only for the map that others
    /// follow.
    pub fn set(&mut self, key: K, value: V) -> u64 {
        self.position += 1;
        self.put(key, value);
        self.position
    }

    /// Puts a value in at the present position.
    fn put(&mut self, key: K, value: V) {
        let entry = (self.position, value);
        if let Some((before, _)) = self.entries.insert(key.clone(), entry) {
            self.by_position.remove(&(before, key.clone()));
        }
        self.by_position.insert((self.position, key));
    }

    /// All that a copy misses that is at `position`. Looks only at what it misses.
    pub fn changes_since(&self, position: u64) -> Changes<K, V> {
        let missed = self.by_position.iter().rev().take_while(|(at, _)| *at > position);
        let mut entries: Vec<(K, V)> = missed
            .filter_map(|(_, key)| Some((key.clone(), self.entries.get(key)?.1.clone())))
            .collect();
        entries.reverse();
        Changes { from: position, to: self.position, entries }
    }

    /// Goes forward by some changes; what this copy is past already is nothing new.
    ///
    /// # Errors
    ///
    /// If there were changes between that this copy does not have. It stays where it is.
    pub fn apply(&mut self, changes: Changes<K, V>) -> Result<(), Gap> {
        if changes.from > self.position {
            return Err(Gap { from: changes.from, position: self.position });
        }
        if changes.to > self.position {
            self.position = changes.to;
            changes.entries.into_iter().for_each(|(key, value)| self.put(key, value));
        }
        Ok(())
    }
}

impl<K, V> Changes<K, V> {
    /// The position to which these changes lead.
    pub fn to(&self) -> u64 {
        self.to
    }

    /// The number of keys that change.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if no key changes.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_copy_is_told_the_latest_values_of_what_it_misses() {
        let mut map = Versions::default();
        for (position, key) in (1..).zip(["a", "b", "a", "c"]) {
            assert_eq!(map.set(key, position), position);
        }
        for (position, expected) in [
            (0, vec![("b", 2), ("a", 3), ("c", 4)]),
            (1, vec![("b", 2), ("a", 3), ("c", 4)]),
            (2, vec![("a", 3), ("c", 4)]),
            (3, vec![("c", 4)]),
            (4, vec![]),
        ] {
            let changes = map.changes_since(position);
            assert_eq!((changes.len(), changes.is_empty()), (expected.len(), expected.is_empty()));
            assert_eq!(changes, Changes { from: position, to: 4, entries: expected });
        }
    }

    #[test]
    fn changes_that_leave_a_gap_are_refused() {
        let mut map = Versions::default();
        map.set(1, 1);
        let (gap, mut copy) = (
            {
                map.set(2, 2);
                map.changes_since(1)
            },
            Versions::default(),
        );
        assert_eq!(copy.apply(gap.clone()), Err(Gap { from: 1, position: 0 }));
        assert_eq!(copy, Versions::default());
        copy.apply(map.changes_since(0)).expect("all of it");
        let before = copy.clone();
        copy.apply(gap).expect("nothing new");
        assert_eq!(copy, before);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Changes arrive late, twice, and in any order; a copy of a copy does as well.
        #[test]
        fn copies_are_what_the_map_was(
            sets in prop::collection::vec((0..6_u8, 0..100_u8), 1..40),
            deliveries in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8), 1..60),
        ) {
            let mut map = Versions::default();
            let mut states = vec![BTreeMap::new()];
            let mut under_way = vec![map.changes_since(0)];
            let mut copies = [Versions::default(), Versions::default()];
            let mut sets = sets.into_iter();
            for (index, what) in deliveries {
                if let Some((key, value)) = sets.next() {
                    map.set(key, value);
                    let mut state = states.last().cloned().unwrap_or_default();
                    state.insert(key, value);
                    states.push(state);
                }
                match what {
                    0 => under_way.push(map.changes_since(copies[0].position())),
                    1 => copies[0].apply(under_way[index.index(under_way.len())].clone())
                        .expect("it begins where the copy was once"),
                    _ => {
                        let changes = copies[0].changes_since(copies[1].position());
                        copies[1].apply(changes).expect("it begins where the copy is");
                    }
                }
                for copy in &copies {
                    let state = copy.entries.iter().map(|(key, (_, value))| (*key, *value));
                    let held: BTreeMap<_, _> = state.collect();
                    prop_assert_eq!(&held, &states[copy.position() as usize]);
                }
            }
        }
    }
}
