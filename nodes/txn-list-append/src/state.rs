//! The state of all lists, as the root has it: whole, or as the top of a tree.

use std::collections::{BTreeMap, BTreeSet};

use kolk_node::RpcError;
use serde::{Deserialize, Serialize};

use crate::store::Store;
use crate::tree::{Branch, Id, List, Lists, Part, Parts};

/// The state of all lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All lists, in one value.
    Whole(Lists),
    /// The top of a tree; the rest lies beside the root.
    Tree(Branch),
}

impl State {
    /// A state without lists, in one value.
    pub fn empty_whole() -> State {
        State::Whole(Lists::new())
    }

    /// A state without lists, in a tree.
    pub fn empty_tree() -> State {
        State::Tree(Branch::default())
    }

    /// Gets the parts of the tree that are needed to read these keys and to change them.
    ///
    /// # Errors
    ///
    /// The errors of the store.
    pub async fn fetch(&self, store: &Store, keys: &BTreeSet<String>) -> Result<Parts, RpcError> {
        let mut fetched = Parts::new();
        let mut level: BTreeMap<Id, Vec<&String>> = BTreeMap::new();
        if let State::Tree(top) = self {
            top.sort(keys, 0, &mut level);
        }
        // Level by level: what lies at the same depth is asked for at once.
        for depth in 1.. {
            if level.is_empty() {
                break;
            }
            let mut next = BTreeMap::new();
            for (name, part) in store.parts(level.keys().cloned()).await? {
                if let (Part::Branch(branch), Some(keys)) = (&*part, level.remove(&name)) {
                    branch.sort(keys, depth, &mut next);
                }
                fetched.insert(name, part);
            }
            level = next;
        }
        Ok(fetched)
    }

    /// The list of a key, which was [fetched](State::fetch); empty if there is none.
    pub fn list(&self, parts: &Parts, key: &str) -> List {
        let list = match self {
            State::Whole(lists) => lists.get(key),
            State::Tree(top) => top.list(parts, key),
        };
        list.cloned().unwrap_or_default()
    }

    /// The state with these lists in the place of theirs, which were fetched. What is new in the
    /// tree is in the store when this returns.
    ///
    /// # Errors
    ///
    /// The errors of the store.
    pub async fn with(
        &self,
        store: &Store,
        parts: &Parts,
        changed: Lists,
    ) -> Result<State, RpcError> {
        Ok(match self {
            State::Whole(lists) => {
                let mut lists = lists.clone();
                lists.extend(changed);
                State::Whole(lists)
            }
            State::Tree(top) => {
                let mut fresh = Vec::new();
                let top = top.with(parts, changed, &mut || store.fresh(), &mut fresh);
                store.add(&fresh).await?;
                State::Tree(top)
            }
        })
    }
}
