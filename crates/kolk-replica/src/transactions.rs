//! Transactions of reads and updates over keys, as a [state machine](mod@crate::replicated): strict
//! serializable, since each is one command, and those that only read are queries.

use std::collections::BTreeMap;

use kolk_node::RpcError;
use kolk_node::workload::txn::{Function, MicroOp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::replicated::{Replicated, State};

/// What there is under a key. It begins as its default.
pub trait Entry: Clone + Default + Serialize + DeserializeOwned + 'static {
    /// The function that changes it; all others read it.
    const UPDATE: Function;

    /// Changes it.
    fn update(&mut self, value: &Value);

    /// What a read of it gives.
    fn read(self) -> Value;
}

/// A register, which is set.
impl Entry for Value {
    const UPDATE: Function = Function::Write;

    fn update(&mut self, value: &Value) {
        self.clone_from(value);
    }

    fn read(self) -> Value {
        self
    }
}

/// A list, which is appended to.
impl Entry for Vec<Value> {
    const UPDATE: Function = Function::Append;

    fn update(&mut self, value: &Value) {
        self.push(value.clone());
    }

    fn read(self) -> Value {
        self.into()
    }
}

/// All keys, as JSON, and what there is under them.
#[derive(Debug, Default)]
pub struct Keys<E>(BTreeMap<String, E>);

impl<E: Entry> State for Keys<E> {
    type Command = Vec<MicroOp>;
    type Query = Vec<MicroOp>;
    type Output = Vec<MicroOp>;
    type Snapshot = BTreeMap<String, E>;

    fn apply(&mut self, txn: &Vec<MicroOp>) -> Vec<MicroOp> {
        let mut done = Vec::with_capacity(txn.len());
        for (function, key, value) in txn {
            done.push(if *function == E::UPDATE {
                self.0.entry(key.to_string()).or_default().update(value);
                (*function, key.clone(), value.clone())
            } else {
                self.read(key)
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

    fn restore(snapshot: &Self::Snapshot) -> Keys<E> {
        Keys(snapshot.clone())
    }
}

impl<E: Entry> Keys<E> {
    fn read(&self, key: &Value) -> MicroOp {
        let entry = self.0.get(&key.to_string()).cloned().unwrap_or_default();
        (Function::Read, key.clone(), entry.read())
    }
}

impl<E: Entry> Replicated<Keys<E>> {
    /// Runs a transaction.
    ///
    /// # Errors
    ///
    /// Those of [`Replicated::query`] if it only reads, else those of [`Replicated::perform`].
    pub async fn run(&self, txn: Vec<MicroOp>) -> Result<Vec<MicroOp>, RpcError> {
        match txn.iter().all(|(function, _, _)| *function == Function::Read) {
            true => self.query(txn).await,
            false => self.perform(txn).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check<E: Entry>(cases: [(Value, Value); 2], read: Value) {
        let ops = |json: Value| -> Vec<MicroOp> { serde_json::from_value(json).expect("a txn") };
        let shown = |done: Vec<MicroOp>| serde_json::to_value(&done).expect("JSON");
        let mut keys = Keys::<E>::default();
        for (txn, expected) in cases {
            assert_eq!(shown(keys.apply(&ops(txn))), expected);
            keys = Keys::restore(&keys.snapshot());
        }
        assert_eq!(shown(keys.query(&ops(json!([["r", 1, null]])))), read);
    }

    #[test]
    fn transactions_run_one_after_the_other() {
        check::<Vec<Value>>(
            [
                (
                    json!([["r", 1, null], ["append", 1, 5], ["append", "1", 6], ["r", 1, null]]),
                    json!([["r", 1, []], ["append", 1, 5], ["append", "1", 6], ["r", 1, [5]]]),
                ),
                (
                    json!([["append", 1, 7], ["r", 1, null], ["r", "1", null]]),
                    json!([["append", 1, 7], ["r", 1, [5, 7]], ["r", "1", [6]]]),
                ),
            ],
            json!([["r", 1, [5, 7]]]),
        );
        check::<Value>(
            [
                (
                    json!([["r", 1, null], ["w", 1, 5], ["w", "1", 6], ["r", 1, null]]),
                    json!([["r", 1, null], ["w", 1, 5], ["w", "1", 6], ["r", 1, 5]]),
                ),
                (
                    json!([["w", 1, 7], ["r", 1, null], ["r", "1", null]]),
                    json!([["w", 1, 7], ["r", 1, 7], ["r", "1", 6]]),
                ),
            ],
            json!([["r", 1, 7]]),
        );
    }
}
