//! Jepsen's long fork: two reads that saw two writes in opposite orders.
//!
//! Each key is written once, and reads are of several keys at once. Under snapshot isolation (and
//! under prefix consistency) all reads fall into one order in which more and more is there; under
//! parallel snapshot isolation one may see the first of two writes and not the second, and another
//! the second and not the first. Two reads of the same keys that each lack what the other has are a
//! `long-fork`.
//!
//! Reads of the same keys are put in the order of how much they saw: if each has all that the one
//! before it has, all are comparable, and if not, these two are not.

use std::collections::BTreeMap;

use kolk_history::{History, Operation, Value};

use crate::check::{Anomaly, Check, Validity};
use crate::kind::Kind;
use crate::said;
use crate::tree::{count, key};
use crate::txn::codes::Codes;

/// A read: who made it, and of each of its keys, in ascending order, what it saw.
type Read<'a> = (&'a Operation, Vec<Option<i64>>);

/// Checks a history of transactions that write one key or read several: `[[:w k v]]` or
/// `[[:r a nil] [:r b 1]]`. `group_size` is how many keys a read is of, if that is known.
///
/// ```
/// let history = "
///     {:process 0 :type :invoke :f :txn :value [[:r :x nil] [:r :y nil]]}
///     {:process 0 :type :ok :f :txn :value [[:r :x 1] [:r :y nil]]}
///     {:process 1 :type :invoke :f :txn :value [[:r :x nil] [:r :y nil]]}
///     {:process 1 :type :ok :f :txn :value [[:r :x nil] [:r :y 1]]}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// assert_eq!(kolk_check::long_fork::check(&history, None).anomalies[0].kind, "long-fork");
/// ```
pub fn check(history: &History, group_size: Option<usize>) -> Check {
    let mut check = Check::new("workload");
    let mut codes = Codes::default();
    let mut groups: BTreeMap<Vec<i64>, Vec<Read<'_>>> = BTreeMap::new();
    let mut written: BTreeMap<i64, u32> = BTreeMap::new();
    let mut reads = 0;
    let unknown = |check: &mut Check, note: String| {
        check.validity = check.validity.worst(Validity::Unknown);
        check.notes.push(note);
    };
    for operation in history.counted() {
        let value = if operation.is_ok() { &operation.result } else { &operation.value };
        let Some(micro_ops) = micro_ops(value, &mut codes) else {
            unknown(&mut check, format!("operation {} is no transaction", operation.index));
            continue;
        };
        match micro_ops.as_slice() {
            [(true, key, _)] => {
                if let Some(first) = written.insert(*key, operation.index) {
                    let (second, key) = (operation.index, codes.value(*key));
                    let note = format!(
                        "operations {first} and {second} both write {key}, where each key is to be \
                         written once"
                    );
                    unknown(&mut check, note);
                }
            }
            all if all.iter().any(|(is_write, ..)| *is_write) => {
                let at = operation.index;
                unknown(
                    &mut check,
                    format!("operation {at} neither reads only nor writes one key"),
                );
            }
            _ if !operation.is_ok() => {}
            all => {
                if group_size.is_some_and(|size| size > 0 && size != all.len()) {
                    let (at, size) = (operation.index, all.len());
                    unknown(&mut check, format!("operation {at} reads {size} keys"));
                    continue;
                }
                reads += 1;
                let mut all: Vec<(i64, Option<i64>)> =
                    all.iter().map(|(_, key, value)| (*key, *value)).collect();
                all.sort_unstable();
                let (keys, values): (Vec<i64>, Vec<Option<i64>>) = all.into_iter().unzip();
                groups.entry(keys).or_default().push((operation, values));
            }
        }
    }
    for (keys, reads) in &mut groups {
        judge(&mut check, &codes, keys, reads);
    }
    if reads == 0 {
        check.checked_nothing("no read was answered");
    }
    check.results =
        vec![(key(&"read-count"), count(reads)), (key(&"group-count"), count(groups.len()))];
    check
}

fn judge(check: &mut Check, codes: &Codes, keys: &[i64], reads: &mut [Read<'_>]) {
    for (at, key) in keys.iter().enumerate() {
        let mut seen = reads.iter().filter_map(|(_, values)| values[at]);
        if let Some(first) = seen.next()
            && let Some(other) = seen.find(|other| *other != first)
        {
            check.validity = check.validity.worst(Validity::Unknown);
            let (key, first, other) = (codes.value(*key), codes.value(first), codes.value(other));
            check
                .notes
                .push(format!("{key} was read as {first} and as {other}: it was written twice"));
            return;
        }
    }
    reads.sort_by_key(|(_, values)| values.iter().filter(|value| value.is_some()).count());
    for pair in reads.windows(2) {
        let [(one, less), (other, more)] = pair else { continue };
        let lacks = |a: &[Option<i64>], b: &[Option<i64>]| {
            (0..keys.len()).find(|at| a[*at].is_none() && b[*at].is_some())
        };
        let Some((x, y)) = lacks(more, less).zip(lacks(less, more)) else { continue };
        check.anomaly(Kind::LongFork, || {
            let (x, y) = (codes.value(keys[x]), codes.value(keys[y]));
            let claim = format!(
                "operation {} saw the write of {x} and not that of {y}, and operation {} that of \
                 {y} and not that of {x}",
                one.index, other.index
            );
            Anomaly::new(Kind::LongFork, claim, vec![one.index, other.index])
        });
    }
}

/// Micro-operations: whether each writes, its key and its value.
fn micro_ops(value: &Value, codes: &mut Codes) -> Option<Vec<(bool, i64, Option<i64>)>> {
    let part = |(is_write, key, value): (bool, Value, Value)| {
        let seen = (!value.is_null()).then(|| codes.code(&value));
        (is_write, codes.code(&key), seen)
    };
    Some(said::micro_ops(value, None)?.into_iter().map(part).collect())
}

#[cfg(test)]
mod tests {
    use kolk_protocol::Key;

    use super::*;

    fn history(events: &str) -> History {
        kolk_history::jepsen::read(events.as_bytes(), Vec::new()).expect("a history")
    }

    /// Two reads of which each has what the other lacks, found by comparing all with all.
    #[test]
    fn forks_are_found_as_defined() {
        let mut seen = [0, 0];
        for seed in 0..2000 {
            let mut random = Key::new(seed).random();
            let mut text = String::new();
            let mut reads: Vec<[bool; 3]> = Vec::new();
            for _ in 0..2 + random.index(4) {
                let read = [(); 3].map(|()| random.chance(0.5));
                let ops: Vec<String> = (0..3)
                    .map(|key| format!("[:r {key} {}]", if read[key] { "1" } else { "nil" }))
                    .collect();
                let ops = ops.join(" ");
                text += &format!(
                    "{{:process 0 :type :invoke :f :txn :value [[:r 0 nil] [:r 1 nil] [:r 2 \
                     nil]]}} {{:process 0 :type :ok :f :txn :value [{ops}]}}\n"
                );
                reads.push(read);
            }
            let lacks = |a: &[bool; 3], b: &[bool; 3]| (0..3).any(|at| !a[at] && b[at]);
            let is_forked = reads.iter().any(|a| reads.iter().any(|b| lacks(a, b) && lacks(b, a)));
            let found = check(&history(&text), Some(3)).validity;
            assert_eq!(found == Validity::Invalid, is_forked, "{text}");
            seen[usize::from(is_forked)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 200), "{seen:?}");
    }

    #[test]
    fn what_is_no_long_fork_history_is_unknown() {
        for text in [
            "{:process 0 :type :invoke :f :txn :value [[:w 1 1]]}
             {:process 0 :type :ok :f :txn :value [[:w 1 1]]}
             {:process 0 :type :invoke :f :txn :value [[:w 1 1]]}
             {:process 0 :type :ok :f :txn :value [[:w 1 1]]}",
            "{:process 0 :type :invoke :f :read :value [[:r 1 nil]]}
             {:process 0 :type :ok :f :read :value [[:r 1 1]]}
             {:process 0 :type :invoke :f :read :value [[:r 1 nil]]}
             {:process 0 :type :ok :f :read :value [[:r 1 2]]}",
            "{:process 0 :type :invoke :f :txn :value [[:w 1 1] [:r 2 nil]]}
             {:process 0 :type :ok :f :txn :value [[:w 1 1] [:r 2 nil]]}",
        ] {
            assert_eq!(check(&history(text), None).validity, Validity::Unknown, "{text}");
        }
    }
}
