//! echo: every reply carries the payload of its request.
//!
//! An operation that fails makes the run invalid (`failed-echo`), and so does a reply with another
//! payload (`wrong-echo`); one whose outcome is not known does neither.

use kolk_history::{Function, History, Operation, Outcome, Value};

use crate::check::{Anomaly, Check};
use crate::kind::Kind;
use crate::tree::{count, key, list};

/// Checks that what came back is what was sent. In Jepsen's histories the completion holds the
/// whole reply, in ours its payload; either will do.
///
/// ```
/// let history = kolk_history::jepsen::read(
///     r#"{:type :invoke, :process 0, :f :echo, :value "hello"}
///        {:type :ok, :process 0, :f :echo, :value "hello"}
///        {:type :invoke, :process 0, :f :echo, :value "again"}
///        {:type :ok, :process 0, :f :echo, :value "hello"}"#
///         .as_bytes(),
///     Vec::new(),
/// )?;
/// let check = kolk_check::echo::check(&history);
/// assert_eq!(check.anomalies.len(), 1);
/// assert_eq!(check.anomalies[0].kind, "wrong-echo");
/// assert_eq!(check.anomalies[0].operations, [2]);
/// # Ok::<(), kolk_history::ReadError>(())
/// ```
pub fn check(history: &History) -> Check {
    let mut check = Check::new("workload");
    let mut errors = Vec::new();
    for operation in history.counted().filter(|operation| operation.function == Function::Echo) {
        let node = || history.node_name(operation).map(str::to_owned);
        let who = || node().unwrap_or_else(|| "the node".to_owned());
        let proof = vec![operation.index];
        match operation.outcome {
            Outcome::Ok if is_echo(operation) => continue,
            Outcome::Info => continue,
            Outcome::Ok => check.anomaly(Kind::WrongEcho, || {
                let (sent, got) = (&operation.value, &operation.result);
                let claim = format!("{} was sent {sent} and echoes {got}", who());
                Anomaly { node: node(), ..Anomaly::new(Kind::WrongEcho, claim, proof) }
            }),
            Outcome::Fail => check.anomaly(Kind::FailedEcho, || {
                let error = &operation.result;
                let claim = format!("{} answers {} with error {error}", who(), operation.value);
                Anomaly { node: node(), ..Anomaly::new(Kind::FailedEcho, claim, proof) }
            }),
        }
        if errors.len() < crate::ANOMALIES_MAX {
            let received = Some(&operation.result).filter(|_| operation.is_ok());
            errors.push(Value::map(vec![
                (key(&"index"), count(operation.index)),
                (key(&"expected"), operation.value.clone()),
                (key(&"received"), received.cloned().unwrap_or_default()),
            ]));
        }
    }
    check.results = vec![(key(&"errors"), list(errors))];
    check
}

fn is_echo(operation: &Operation) -> bool {
    let Operation { value, result, .. } = operation;
    result == value || result.get("echo") == Some(value)
}
