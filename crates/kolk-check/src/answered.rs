//! Whether every request was answered, in a run in which nothing stood in the way of an answer.
//!
//! A node that forgets a request now and then leaves a client waiting until it gives up. To
//! Maelstrom the operation's outcome is unknown then, and most checkers have nothing against that.
//! Where no fault was open, no message was lost and the network is fast, it is the node's fault: a
//! stronger finding, `unanswered`, one for each kind of operation.
//!
//! A cluster may have to elect a leader before it can answer anybody. So nothing is said of whoever
//! gave up before anybody was answered, if that was within the first ten seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use kolk_history::{Function, History, Operation};
use kolk_protocol::Time;

use crate::check::{Anomaly, Check, PROOF_MAX};
use crate::kind::Kind;
use crate::tree::some_of;

/// What a completion says for which a client waited in vain.
const TIMEOUT: &str = "timeout";

/// After this long, counted from the start of the load, a cluster is expected to answer.
const SETTLES_IN: Duration = Duration::from_secs(10);

/// Adds `unanswered` to `check` for every kind of operation of which some had no answer in time.
///
/// ```
/// use kolk_check::{Check, answered};
///
/// let history = kolk_history::jepsen::read(
///     r#"{:type :invoke, :process 0, :f :echo, :value 1, :time 0}
///        {:type :invoke, :process 1, :f :echo, :value 2, :time 1000}
///        {:type :ok, :process 1, :f :echo, :value 2, :time 2000}
///        {:type :info, :process 0, :f :echo, :value 1, :error "timeout", :time 5000000000}"#
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
    let settled = settled(history);
    for operation in history.counted() {
        let function = operation.function;
        let entry = by_function.entry(function.name());
        let (_, count, unanswered) = entry.or_insert_with(|| (function, 0, Vec::new()));
        *count += 1;
        if is_unanswered(operation) && operation.completed >= settled {
            unanswered.push(operation);
        }
    }
    for (function, count, unanswered) in by_function.values() {
        if !unanswered.is_empty() {
            check.stronger(Kind::Unanswered, || anomaly(history, *function, *count, unanswered));
        }
    }
}

/// Whoever gives up before this is not told of.
fn settled(history: &History) -> Time {
    let latest = Time::ZERO + SETTLES_IN;
    let is_answered = |it: &&Operation| it.completion_index.is_some() && !is_unanswered(it);
    match history.counted().filter(is_answered).map(|operation| operation.completed).min() {
        Some(first) if first <= latest => first,
        // Ten seconds did not do: the first ones did not wait for a leader alone.
        _ if history.counted().any(|operation| operation.completed > latest) => Time::ZERO,
        _ => Time::MAX,
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

#[cfg(test)]
mod tests {
    use kolk_history::{Outcome, Story, Value};

    use super::*;

    #[test]
    fn who_gave_up_before_the_cluster_answered_anybody_says_nothing() {
        // When each waited, in seconds, and whether in vain; and how many are told.
        let table: &[(&[(u64, u64, bool)], usize)] = &[
            (&[(0, 5, true)], 0),
            (&[(0, 5, true), (9, 14, true)], 2),
            (&[(0, 1, true), (0, 2, false)], 0),
            (&[(0, 1, true), (0, 2, false), (3, 4, true)], 1),
            (&[(0, 5, true), (0, 1, false)], 1),
            (&[(0, 5, true), (6, 11, true), (12, 13, false)], 2),
            (&[(0, 1, false)], 0),
        ];
        for (waits, expected) in table {
            let mut story = Story::new(1);
            let mut open = Vec::new();
            for millisecond in (0..20_000).step_by(1000) {
                for (process, (from, to, in_vain)) in waits.iter().enumerate() {
                    let process = process as u32;
                    if from * 1000 == millisecond {
                        let value = Value::from(1);
                        open.push((
                            process,
                            story.invoke(millisecond, process, Function::Echo, value),
                        ));
                    }
                    if to * 1000 == millisecond {
                        let place = open.iter().position(|(whose, _)| *whose == process).unwrap();
                        let (_, operation) = open.swap_remove(place);
                        let (outcome, result) = match in_vain {
                            true => (Outcome::Info, Value::from(TIMEOUT)),
                            false => (Outcome::Ok, Value::from(1)),
                        };
                        story.end(millisecond, operation, outcome, result);
                    }
                }
            }
            let mut check = Check::new("stats");
            super::check(&mut check, &story.history);
            let told: usize = check.stronger.iter().map(|found| found.operations.len()).sum();
            assert_eq!(told, *expected, "{waits:?}");
        }
    }
}
