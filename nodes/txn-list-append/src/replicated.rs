//! All lists as a state machine that every node has a copy of.

use std::collections::BTreeMap;

use kolk_node::workload::txn::{Function, MicroOp};
use kolk_replica::replicated::State;
use serde_json::Value;

/// The lists by their keys, as JSON. A transaction is a command; one that only reads, a query.
#[derive(Debug, Default)]
pub struct AllLists(BTreeMap<String, Vec<Value>>);

impl State for AllLists {
    type Command = Vec<MicroOp>;
    type Query = Vec<MicroOp>;
    type Output = Vec<MicroOp>;
    type Snapshot = BTreeMap<String, Vec<Value>>;

    fn apply(&mut self, txn: &Vec<MicroOp>) -> Vec<MicroOp> {
        let mut done = Vec::with_capacity(txn.len());
        for (function, key, value) in txn {
            done.push(match function {
                Function::Append => {
                    self.0.entry(key.to_string()).or_default().push(value.clone());
                    (*function, key.clone(), value.clone())
                }
                _ => self.read(key),
            });
        }
        done
    }

    fn query(&self, txn: &Vec<MicroOp>) -> Vec<MicroOp> {
        txn.iter().map(|(_, key, _)| self.read(key)).collect()
    }

    fn snapshot(&self) -> Self::Snapshot {
        self.0.clone()
    }

    fn restore(snapshot: &Self::Snapshot) -> AllLists {
        AllLists(snapshot.clone())
    }
}

impl AllLists {
    fn read(&self, key: &Value) -> MicroOp {
        let list = self.0.get(&key.to_string()).cloned().unwrap_or_default();
        (Function::Read, key.clone(), list.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn transactions_run_one_after_the_other() {
        let mut lists = AllLists::default();
        for (txn, expected) in [
            (
                json!([["r", 1, null], ["append", 1, 5], ["append", "1", 6], ["r", 1, null]]),
                json!([["r", 1, []], ["append", 1, 5], ["append", "1", 6], ["r", 1, [5]]]),
            ),
            (
                json!([["append", 1, 7], ["r", 1, null], ["r", "1", null]]),
                json!([["append", 1, 7], ["r", 1, [5, 7]], ["r", "1", [6]]]),
            ),
        ] {
            let txn: Vec<MicroOp> = serde_json::from_value(txn).expect("a transaction");
            let done = lists.apply(&txn);
            assert_eq!(serde_json::to_value(&done).expect("JSON"), expected);
            lists = AllLists::restore(&lists.snapshot());
        }
        let txn: Vec<MicroOp> = serde_json::from_value(json!([["r", 1, null]])).expect("one");
        let done = serde_json::to_value(lists.query(&txn)).expect("JSON");
        assert_eq!(done, json!([["r", 1, [5, 7]]]));
    }
}
