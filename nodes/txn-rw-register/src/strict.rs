//! Registers as a state machine that every node has a copy of.

use std::collections::BTreeMap;

use kolk_node::workload::txn::{Function, MicroOp};
use kolk_node::{ErrorCode, RpcError};
use kolk_replica::replicated::{Replicated, State};
use serde_json::Value;

/// The registers by their keys, as JSON. A transaction is a command; one that only reads, a query.
#[derive(Debug, Default)]
pub struct Registers(BTreeMap<String, Value>);

impl State for Registers {
    type Command = Vec<MicroOp>;
    type Query = Vec<MicroOp>;
    type Output = Vec<MicroOp>;
    type Snapshot = BTreeMap<String, Value>;

    fn apply(&mut self, txn: &Vec<MicroOp>) -> Vec<MicroOp> {
        let mut done = Vec::with_capacity(txn.len());
        for (function, key, value) in txn {
            done.push(match function {
                Function::Write => {
                    self.0.insert(key.to_string(), value.clone());
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

    fn restore(snapshot: &Self::Snapshot) -> Registers {
        Registers(snapshot.clone())
    }
}

impl Registers {
    fn read(&self, key: &Value) -> MicroOp {
        let value = self.0.get(&key.to_string()).cloned().unwrap_or_default();
        (Function::Read, key.clone(), value)
    }
}

/// Runs a transaction.
///
/// # Errors
///
/// Error 10 for a micro-operation that is not for registers; nothing has happened then. Those of
/// [`Replicated::perform`] and [`Replicated::query`].
pub async fn run(
    registers: &Replicated<Registers>,
    txn: Vec<MicroOp>,
) -> Result<Vec<MicroOp>, RpcError> {
    if txn.iter().any(|(function, _, _)| *function == Function::Append) {
        let text = "registers are set with `w`, and not appended to";
        return Err(RpcError::new(ErrorCode::NOT_SUPPORTED, text));
    }
    match txn.iter().all(|(function, _, _)| *function == Function::Read) {
        true => registers.query(txn).await,
        false => registers.perform(txn).await,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn transactions_run_one_after_the_other() {
        let mut registers = Registers::default();
        for (txn, expected) in [
            (
                json!([["r", 1, null], ["w", 1, 5], ["w", "1", 6], ["r", 1, null]]),
                json!([["r", 1, null], ["w", 1, 5], ["w", "1", 6], ["r", 1, 5]]),
            ),
            (
                json!([["w", 1, 7], ["r", 1, null], ["r", "1", null]]),
                json!([["w", 1, 7], ["r", 1, 7], ["r", "1", 6]]),
            ),
        ] {
            let txn: Vec<MicroOp> = serde_json::from_value(txn).expect("a transaction");
            let done = registers.apply(&txn);
            assert_eq!(serde_json::to_value(&done).expect("JSON"), expected);
            registers = Registers::restore(&registers.snapshot());
        }
        let txn: Vec<MicroOp> = serde_json::from_value(json!([["r", 1, null]])).expect("one");
        let done = serde_json::to_value(registers.query(&txn)).expect("JSON");
        assert_eq!(done, json!([["r", 1, 7]]));
    }
}
