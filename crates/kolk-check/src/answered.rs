//! Whether every request was answered, in a run in which nothing stood in the way of an answer.
//!
//! A node that forgets a request now and then leaves a client waiting until it gives up. To
//! Maelstrom the operation's outcome is unknown then, and most checkers have nothing against that.
//! Where no fault was open, no message was lost and the network is fast, it is the node's fault: a
//! stronger finding, `unanswered`, one for each kind of operation.

use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation};

use crate::check::{Anomaly, Check, PROOF_MAX};
use crate::kind::Kind;
use crate::tree::some_of;

/// What a completion says for which a client waited in vain.
const TIMEOUT: &str = "timeout";

/// Adds `unanswered` to `check` for every kind of operation of which some had no answer in time.
///
/// ```
/// use kolk_check::{Check, answered};
///
/// let history = kolk_history::jepsen::read(
///     r#"{:type :invoke, :process 0, :f :echo, :value 1}
///        {:type :info, :process 0, :f :echo, :value 1, :error "timeout"}"#
///         .as_bytes(),
///     Vec::new(),
/// )?;
/// let mut check = Check::new("stats");
/// answered::check(&mut check, &history);
/// assert_eq!(check.stronger[0].kind, "unanswered");
/// # Ok::<(), kolk_history::ReadError>(())
/// ```
pub fn check(check: &mut Check, history: &History) {
    let mut by_function: BTreeMap<&str, (Function, u64, Vec<&Operation>)> = BTreeMap::new();
    for operation in history.counted() {
        let function = operation.function;
        let entry = by_function.entry(function.name());
        let (_, count, unanswered) = entry.or_insert_with(|| (function, 0, Vec::new()));
        *count += 1;
        if is_unanswered(operation) {
            unanswered.push(operation);
        }
    }
    for (function, count, unanswered) in by_function.values() {
        if !unanswered.is_empty() {
            check.stronger(Kind::Unanswered, || anomaly(history, *function, *count, unanswered));
        }
    }
}

fn is_unanswered(operation: &Operation) -> bool {
    operation.completion_index.is_some()
        && !operation.is_ok()
        && operation.result.as_str() == Some(TIMEOUT)
}

fn anomaly(
    history: &History,
    function: Function,
    count: u64,
    unanswered: &[&Operation],
) -> Anomaly {
    let mut nodes: Vec<u16> = unanswered.iter().filter_map(|operation| operation.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let names: Vec<&String> =
        nodes.iter().filter_map(|node| history.nodes.get(usize::from(*node))).collect();
    let by = match names.as_slice() {
        [] => String::new(),
        names => format!(" by {}", some_of(names.iter(), PROOF_MAX)),
    };
    let number = unanswered.len();
    let verb = if number == 1 { "was" } else { "were" };
    let claim = format!(
        "{number} of {count} `{function}` requests {verb} never answered{by}, though no fault was \
         in the way"
    );
    let proof = unanswered.iter().take(PROOF_MAX).map(|operation| operation.index);
    let node = if let [name] = names.as_slice() { Some((*name).clone()) } else { None };
    Anomaly { node, ..Anomaly::new(Kind::Unanswered, claim, proof.collect()) }
}
