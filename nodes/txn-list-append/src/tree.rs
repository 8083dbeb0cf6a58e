//! A tree of lists whose parts never change: a hash trie.
//!
//! Five bits of a key's hash choose the way at each branch, and leaves hold a few lists. To change
//! a list is to make a new leaf and new branches on the way to it (path copying: Driscoll, Sarnak,
//! Sleator & Tarjan, *Making Data Structures Persistent*, 1989; as a hash trie: Bagwell, *Ideal
//! Hash Trees*, 2001); all the rest is shared with the tree before. Old parts stay in the store: it
//! knows no way to remove anything.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A list.
pub type List = Vec<Value>;

/// Lists by their keys, as JSON.
pub type Lists = BTreeMap<String, List>;

/// The name of a part in the store.
pub type Id = Rc<str>;

/// Parts of trees by their names.
pub type Parts = BTreeMap<Id, Rc<Part>>;

/// How many bits of the hash choose the way at a branch.
const BITS: u32 = 5;

/// How many branches there can be on a way: then the hash is used up.
const DEPTH_MAX: u32 = 64 / BITS;

/// How many lists a leaf has at most, unless the hash is used up.
const LEAF_MAX: usize = 8;

/// A part of a tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A few lists.
    Leaf(Lists),
    /// The way to more.
    Branch(Branch),
}

/// The parts below a branch, by the next bits of the hash.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Branch(BTreeMap<u8, Id>);

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>), its bits mixed once more: the
/// upper ones of short keys hardly differ. All nodes must agree on it.
fn hash(key: &str) -> u64 {
    let fnv = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    (fnv ^ fnv >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Which way a key goes at a branch of this depth.
fn way(key: &str, depth: u32) -> u8 {
    (hash(key) >> (64 - BITS * (depth + 1)) & ((1 << BITS) - 1)) as u8
}

impl Branch {
    /// Sorts keys by the parts below this branch, which is at this depth, that their ways lead to.
    pub fn sort<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a String>,
        depth: u32,
        level: &mut BTreeMap<Id, Vec<&'a String>>,
    ) {
        for key in keys {
            if let Some(part) = self.0.get(&way(key, depth)) {
                level.entry(Rc::clone(part)).or_default().push(key);
            }
        }
    }

    /// The list of a key, if there is one; the parts on the way to it were fetched.
    pub fn list<'a>(&'a self, parts: &'a Parts, key: &str) -> Option<&'a List> {
        let mut branch = self;
        for depth in 0.. {
            match &**parts.get(branch.0.get(&way(key, depth))?)? {
                Part::Leaf(lists) => return lists.get(key),
                Part::Branch(below) => branch = below,
            }
        }
        None
    }

    /// This branch as the top of a tree with these lists in the place of theirs. The parts on the
    /// ways to them were fetched; the new parts, under new names, are put into `fresh`.
    pub fn with(
        &self,
        parts: &Parts,
        changed: Lists,
        name: &mut dyn FnMut() -> Id,
        fresh: &mut Vec<(Id, Rc<Part>)>,
    ) -> Branch {
        self.with_at(0, parts, changed, name, fresh)
    }

    fn with_at(
        &self,
        depth: u32,
        parts: &Parts,
        changed: Lists,
        name: &mut dyn FnMut() -> Id,
        fresh: &mut Vec<(Id, Rc<Part>)>,
    ) -> Branch {
        let mut ways: BTreeMap<u8, Lists> = BTreeMap::new();
        for (key, list) in changed {
            ways.entry(way(&key, depth)).or_default().insert(key, list);
        }
        let mut branch = self.clone();
        for (way, changed) in ways {
            let old = self.0.get(&way).and_then(|part| parts.get(part));
            let part = match old.map(|part| &**part) {
                None => leaf(depth + 1, changed, name, fresh),
                Some(Part::Leaf(lists)) => {
                    let mut lists = lists.clone();
                    lists.extend(changed);
                    leaf(depth + 1, lists, name, fresh)
                }
                Some(Part::Branch(below)) => {
                    Part::Branch(below.with_at(depth + 1, parts, changed, name, fresh))
                }
            };
            let name = name();
            fresh.push((Rc::clone(&name), Rc::new(part)));
            branch.0.insert(way, name);
        }
        branch
    }
}

/// A leaf of these lists; if there are too many, a branch with leaves below it.
fn leaf(
    depth: u32,
    lists: Lists,
    name: &mut dyn FnMut() -> Id,
    fresh: &mut Vec<(Id, Rc<Part>)>,
) -> Part {
    if lists.len() <= LEAF_MAX || depth == DEPTH_MAX {
        return Part::Leaf(lists);
    }
    Part::Branch(Branch::default().with_at(depth, &Parts::new(), lists, name, fresh))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree in memory: its top and all parts that were ever made.
    #[derive(Default)]
    struct Tree {
        top: Branch,
        parts: Parts,
        names: u32,
    }

    impl Tree {
        /// Sets lists; gives how many parts that made.
        fn set(&mut self, changed: Lists) -> usize {
            let (mut fresh, names) = (Vec::new(), &mut self.names);
            let mut name = || {
                *names += 1;
                names.to_string().into()
            };
            self.top = self.top.with(&self.parts, changed, &mut name, &mut fresh);
            let made = fresh.len();
            self.parts.extend(fresh);
            assert_eq!(self.parts.len(), self.names as usize, "each part has a name of its own");
            made
        }
    }

    fn lists(numbers: impl Iterator<Item = usize>) -> Lists {
        numbers.map(|number| (number.to_string(), vec![number.into()])).collect()
    }

    #[test]
    fn every_list_is_found_and_old_trees_stay() {
        let mut tree = Tree::default();
        let mut tops = Vec::new();
        for step in 0..100 {
            tree.set(lists(step * 20..step * 20 + 20));
            tops.push(tree.top.clone());
        }
        for (step, top) in tops.iter().enumerate() {
            for (key, list) in lists(0..2000) {
                let number: usize = key.parse().expect("a number");
                let expected = (number < step * 20 + 20).then_some(&list);
                assert_eq!(top.list(&tree.parts, &key), expected, "{key} after {step} steps");
            }
        }
    }

    #[test]
    fn a_change_makes_few_parts() {
        let mut tree = Tree::default();
        tree.set(lists(0..2000));
        for number in 0..2000 {
            let made = tree.set(lists(number..number + 1));
            assert!(made <= 3, "{made} parts for one list");
        }
        let branches = tree.parts.values().filter(|part| matches!(&***part, Part::Branch(_)));
        assert!(branches.count() > 0);
    }

    /// However alike hashes are, there is an end to branches.
    #[test]
    fn leaves_at_the_end_of_the_hash_hold_everything() {
        let part = leaf(DEPTH_MAX, lists(0..100), &mut || "".into(), &mut Vec::new());
        assert_eq!(part, Part::Leaf(lists(0..100)));
    }

    #[test]
    fn ways_are_frozen() {
        let ways: Vec<[u8; 3]> = ["0", "1", "2", "10"]
            .iter()
            .map(|key| [0, 1, 11].map(|depth| way(key, depth)))
            .collect();
        assert_eq!(ways, [[21, 27, 25], [30, 19, 7], [19, 15, 4], [29, 30, 21]]);
    }
}
