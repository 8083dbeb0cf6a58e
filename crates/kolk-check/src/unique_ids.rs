//! unique-ids: no id is given out twice.
//!
//! Invalid iff some id was acknowledged twice (`duplicate-id`). An id is any JSON value. The range
//! is told when all ids are numbers, or all are strings, or the like.

use std::cmp::Reverse;

use kolk_history::{Function, History, Operation, Value};

use crate::check::{Anomaly, Check, PROOF_MAX};
use crate::kind::Kind;
use crate::tree::{count, key};
use crate::values::{order, rank};

/// How many duplicated ids the results list: those given out most often.
const DUPLICATED_MAX: usize = 48;

/// Checks that all ids that [`Function::Generate`] returned are different.
///
/// ```
/// use kolk_check::unique_ids;
///
/// let history = r#"
///     {:process 0 :type :invoke :f :generate}
///     {:process 0 :type :ok :f :generate :value 7}
///     {:process 1 :type :invoke :f :generate}
///     {:process 1 :type :ok :f :generate :value 7}
/// "#;
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// assert_eq!(unique_ids::check(&history).anomalies[0].kind, "duplicate-id");
/// ```
pub fn check(history: &History) -> Check {
    let mut check = Check::new("workload");
    let generated =
        || history.counted().filter(|operation| operation.function == Function::Generate);
    let mut acknowledged: Vec<&Operation> =
        generated().filter(|operation| operation.is_ok()).collect();
    acknowledged.sort_by(|a, b| order(&a.result, &b.result));
    let mut duplicates: Vec<&[&Operation]> = acknowledged
        .chunk_by(|a, b| order(&a.result, &b.result).is_eq())
        .filter(|same| same.len() > 1)
        .collect();
    let duplicated_count = duplicates.len();
    // Most frequent first; what is equally frequent in the order of its first appearance.
    duplicates.sort_by_key(|same| (Reverse(same.len()), same[0].index));
    for same in &duplicates {
        check.anomaly(Kind::DuplicateId, || duplicate(history, same));
    }
    duplicates.truncate(DUPLICATED_MAX);
    duplicates.sort_by(|a, b| order(&a[0].result, &b[0].result));
    let duplicated = duplicates.iter().map(|same| (same[0].result.clone(), count(same.len())));
    check.results = vec![
        (key(&"attempted-count"), count(generated().count())),
        (key(&"acknowledged-count"), count(acknowledged.len())),
        (key(&"duplicated-count"), count(duplicated_count)),
        (key(&"duplicated"), Value::map(duplicated.collect())),
    ];
    if let (Some(first), Some(last)) = (acknowledged.first(), acknowledged.last()) {
        // The order puts types one after another: if the ends are of one type, all are.
        if rank(&first.result) == rank(&last.result) {
            let range = vec![first.result.clone(), last.result.clone()];
            check.results.push((key(&"range"), Value::list(range)));
        } else {
            check.notes.push("ids are of several types, so they have no range".to_owned());
        }
    }
    check
}

fn duplicate(history: &History, same: &[&Operation]) -> Anomaly {
    let mut nodes: Vec<&str> =
        same.iter().filter_map(|operation| history.node_name(operation)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let by = match nodes.as_slice() {
        [] => String::new(),
        [node] => format!(" by {node}"),
        nodes => format!(" by {}", crate::tree::some_of(nodes.iter(), PROOF_MAX)),
    };
    let mut proof: Vec<u32> = same.iter().map(|operation| operation.index).collect();
    proof.truncate(PROOF_MAX);
    let claim = format!("id {} is given out {} times{by}", same[0].result, same.len());
    let node = (nodes.len() == 1).then(|| nodes[0].to_owned());
    Anomaly { node, ..Anomaly::new(Kind::DuplicateId, claim, proof) }
}
