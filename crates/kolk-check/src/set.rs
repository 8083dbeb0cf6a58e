//! Jepsen's set: what was added is in the last read.
//!
//! The last acknowledged read holds every element whose add was acknowledged before it began
//! (`lost`), and none that nobody tried to add before it ended (`never-added`), or whose add failed
//! (`failed-add`). [`set_full`](crate::set_full) follows each element through all reads.

use std::collections::BTreeMap;

use kolk_history::{Function, History, Outcome, Value};

use crate::check::{Anomaly, Check, PROOF_MAX, Validity};
use crate::kind::Kind;
use crate::tree::{count, excerpt, key, some_of};
use crate::txn::codes::Codes;

/// An element: the operation that adds it, whether that was acknowledged in time, and whether all
/// its adds failed.
struct Element {
    add: u32,
    is_due: bool,
    is_failed: bool,
}

/// Checks a history in which [`Function::Add`] adds its value and [`Function::Read`] reads a list.
///
/// ```
/// let history = "
///     {:process 0 :type :invoke :f :add :value 1} {:process 0 :type :ok :f :add :value 1}
///     {:process 1 :type :invoke :f :read} {:process 1 :type :ok :f :read :value []}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// assert_eq!(kolk_check::set::check(&history).anomalies[0].kind, "lost");
/// ```
pub fn check(history: &History) -> Check {
    let mut check = Check::new("workload");
    let reads = history.counted().filter(|op| op.function == Function::Read && op.is_ok());
    let Some(read) = reads.max_by_key(|read| read.completion_or_end()) else {
        check.checked_nothing("no read was answered");
        return check;
    };
    let Some(values) = read.result.as_list() else {
        let (at, result) = (read.index, excerpt(&read.result));
        check.validity = Validity::Unknown;
        check.notes.push(format!("the last read, {at}, gave {result}, which is no list"));
        return check;
    };
    let mut codes = Codes::default();
    let mut elements: BTreeMap<i64, Element> = BTreeMap::new();
    for add in history.counted().filter(|op| op.function == Function::Add) {
        if add.index > read.completion_or_end() {
            continue;
        }
        let is_failed = add.outcome == Outcome::Fail;
        let is_due = add.is_ok() && add.completion_or_end() < read.index;
        let element = elements.entry(codes.code(&add.value)).or_insert(Element {
            add: add.index,
            is_due,
            is_failed,
        });
        element.is_due |= is_due;
        element.is_failed &= is_failed;
    }
    let mut seen: Vec<i64> = values.iter().map(|value| codes.code(value)).collect();
    seen.sort_unstable();
    seen.dedup();
    let is_seen = |code: &i64| seen.binary_search(code).is_ok();
    let lost: Vec<(i64, u32)> = elements
        .iter()
        .filter(|(code, element)| element.is_due && !is_seen(code))
        .map(|(code, element)| (*code, element.add))
        .collect();
    let strange: Vec<(i64, Option<u32>)> = seen
        .iter()
        .filter_map(|code| match elements.get(code) {
            None => Some((*code, None)),
            Some(element) => element.is_failed.then_some((*code, Some(element.add))),
        })
        .collect();
    let named = |all: &[i64]| some_of(all.iter().map(|code| codes.value(*code)), PROOF_MAX);
    let report = |check: &mut Check, kind: Kind, what: &str, all: Vec<(i64, Option<u32>)>| {
        if all.is_empty() {
            return;
        }
        let values: Vec<i64> = all.iter().map(|(code, _)| *code).collect();
        check.anomaly(kind, || {
            let claim = format!("the last read, {}, {what}: {}", read.index, named(&values));
            let adds = all.iter().filter_map(|(_, add)| *add).take(PROOF_MAX - 1);
            let operations = std::iter::once(read.index).chain(adds).collect();
            let values: Vec<Value> = values.iter().map(|code| codes.value(*code)).collect();
            Anomaly::new(kind, claim, operations).of_values(values)
        });
        check.count_at_least(kind, all.len() as u64);
    };
    let lost_count = lost.len();
    let lost = lost.into_iter().map(|(code, add)| (code, Some(add))).collect();
    report(&mut check, Kind::Lost, "lacks what had been acknowledged", lost);
    let (failed, never): (Vec<_>, Vec<_>) = strange.into_iter().partition(|(_, add)| add.is_some());
    report(&mut check, Kind::NeverAdded, "holds what nobody added", never);
    report(&mut check, Kind::FailedAdd, "holds what failed to be added", failed);
    check.results = vec![
        (key(&"attempt-count"), count(elements.len())),
        (key(&"read-count"), count(seen.len())),
        (key(&"lost-count"), count(lost_count)),
    ];
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_last_read_holds() {
        let add = |kind: &str| {
            format!(
                "{{:process 0 :type :invoke :f :add :value 1}} {{:process 0 :type :{kind} :f :add \
                 :value 1}} "
            )
        };
        let read = |values: &str| {
            format!(
                "{{:process 1 :type :invoke :f :read}} {{:process 1 :type :ok :f :read :value \
                 {values}}} "
            )
        };
        for (text, said) in [
            (add("ok") + &read("[1]"), "valid []"),
            (add("ok") + &read("[]"), "invalid [\"lost\"]"),
            (add("info") + &read("[]"), "valid []"),
            (add("info") + &read("[1]"), "valid []"),
            (add("fail") + &read("[1]"), "invalid [\"failed-add\"]"),
            (add("ok") + &read("[1 2]"), "invalid [\"never-added\"]"),
            // Only the last read counts, and only what was there before it.
            (add("ok") + &read("[]") + &read("#{1}"), "valid []"),
            (read("[]") + &add("ok"), "valid []"),
            (read("[1]") + &add("ok"), "invalid [\"never-added\"]"),
            (read("7"), "unknown []"),
        ] {
            let history =
                kolk_history::jepsen::read(text.as_bytes(), Vec::new()).expect("a history");
            let check = check(&history);
            let kinds: Vec<&str> =
                check.anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect();
            assert_eq!(format!("{} {kinds:?}", check.validity.name()), said, "{text}");
        }
    }
}
