//! Registers in which the last write wins, as every node orders writes.

use std::collections::BTreeMap;

use kolk_node::ErrorCode;
use kolk_node::RpcError;
use kolk_node::workload::txn::{Function, MicroOp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// When a transaction took place: by the Lamport clock of the node that ran it, and among equals by
/// the node. No two transactions have the same, and one that saw another's writes has a greater
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp(u64, u32);

/// What a transaction wrote: what other nodes have to know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    #[serde(rename = "t")]
    stamp: Stamp,
    /// Keys, as JSON, and the last value written to each.
    #[serde(rename = "w")]
    writes: BTreeMap<String, Value>,
}

/// A node's copy of all registers.
#[derive(Debug)]
pub struct Store {
    node: u32,
    /// The Lamport clock: not below any stamp that was seen.
    clock: u64,
    registers: BTreeMap<String, (Stamp, Value)>,
}

impl Store {
    /// The empty store of the node with this number.
    pub fn new(node: u32) -> Store {
        Store { node, clock: 0, registers: BTreeMap::new() }
    }

    /// Runs a transaction against this copy: fills in what its reads saw, its own writes before
    /// them included, and gives what it wrote, if it wrote anything. That is not in the store until
    /// it is [taken](Store::take).
    ///
    /// # Errors
    ///
    /// Error 10 for a micro-operation that is not for registers; nothing has happened then.
    pub fn run(&mut self, txn: &mut [MicroOp]) -> Result<Option<Commit>, RpcError> {
        let mut writes: BTreeMap<String, Value> = BTreeMap::new();
        for (function, key, value) in txn {
            let key = key.to_string();
            match function {
                Function::Read => {
                    let stored = || self.registers.get(&key).map(|(_, value)| value);
                    *value = writes.get(&key).or_else(stored).cloned().unwrap_or_default();
                }
                Function::Write => {
                    writes.insert(key, value.clone());
                }
                Function::Append => return Err(no_lists()),
            }
        }
        if writes.is_empty() {
            return Ok(None);
        }
        self.clock += 1;
        Ok(Some(Commit { stamp: Stamp(self.clock, self.node), writes }))
    }

    /// Takes a transaction's writes, of this node or another: all of them at once. A register keeps
    /// the write with the greatest stamp, in whatever order they come.
    pub fn take(&mut self, commit: &Commit) {
        self.clock = self.clock.max(commit.stamp.0);
        for (key, value) in &commit.writes {
            match self.registers.get_mut(key) {
                Some((stamp, _)) if *stamp >= commit.stamp => {}
                Some(register) => *register = (commit.stamp, value.clone()),
                None => {
                    self.registers.insert(key.clone(), (commit.stamp, value.clone()));
                }
            }
        }
    }
}

/// The error of a transaction that appends.
pub(crate) fn no_lists() -> RpcError {
    let text = "registers are set with `w`, and not appended to";
    RpcError::new(ErrorCode::NOT_SUPPORTED, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(store: &mut Store, txn: Value) -> (Value, Option<Commit>) {
        let mut txn: Vec<MicroOp> = serde_json::from_value(txn).expect("a transaction");
        let commit = store.run(&mut txn).expect("for registers");
        (serde_json::to_value(txn).expect("JSON"), commit)
    }

    #[test]
    fn a_transaction_sees_its_own_writes_and_only_then_others_do() {
        let mut store = Store::new(0);
        let (done, commit) =
            run(&mut store, json!([["r", 1, null], ["w", 1, 5], ["r", 1, null], ["w", 1, 6]]));
        assert_eq!(done, json!([["r", 1, null], ["w", 1, 5], ["r", 1, 5], ["w", 1, 6]]));
        let read = json!([["r", 1, null], ["r", "1", null]]);
        assert_eq!(run(&mut store, read.clone()).0, read);
        store.take(&commit.expect("it wrote"));
        let (done, commit) = run(&mut store, read);
        assert_eq!((done, commit), (json!([["r", 1, 6], ["r", "1", null]]), None));
    }

    #[test]
    fn appends_are_refused() {
        let mut txn: Vec<MicroOp> =
            serde_json::from_value(json!([["w", 1, 1], ["append", 1, 2]])).expect("a transaction");
        let mut store = Store::new(0);
        assert_eq!(store.run(&mut txn).expect_err("refused").code, ErrorCode::NOT_SUPPORTED);
        assert!(store.registers.is_empty());
    }

    /// Whatever the order and however often, the same writes leave the same registers, and each
    /// that saw another's is above it.
    #[test]
    fn every_order_of_commits_ends_the_same() {
        let mut stores: Vec<Store> = (0..3).map(Store::new).collect();
        let mut commits = Vec::new();
        for step in 0..9_usize {
            let store = &mut stores[step % 3];
            let key = step % 2;
            let (_, commit) = run(store, json!([["w", key, step], ["w", 2, step]]));
            let commit = commit.expect("it wrote");
            store.take(&commit);
            // A node hears of some of the others'.
            if step % 2 == 0 {
                stores[(step + 1) % 3].take(&commit);
                let (_, next) = run(&mut stores[(step + 1) % 3], json!([["w", 3, step]]));
                let next = next.expect("it wrote");
                assert!(next.stamp > commit.stamp);
                commits.push(next);
            }
            commits.push(commit);
        }
        let registers = |order: &mut dyn Iterator<Item = &Commit>| {
            let mut store = Store::new(9);
            order.for_each(|commit| store.take(commit));
            store.registers
        };
        let expected = registers(&mut commits.iter());
        assert_eq!(expected.len(), 4);
        assert_eq!(registers(&mut commits.iter().rev()), expected);
        assert_eq!(registers(&mut commits.iter().chain(&commits)), expected);
        for first in 0..commits.len() {
            let (early, late) = commits.split_at(first);
            assert_eq!(registers(&mut late.iter().chain(early)), expected);
        }
    }
}
