//! Reads that show a later write without an earlier one: elle-cli's `comments` and `sequential`.
//!
//! Both look for one `missing-predecessor`: a read that shows a value, and not another that must be
//! there if that is.
//!
//! - *comments*: values are inserted, and read all at once; an insert that was acknowledged before
//!   another was begun comes before it in real time, so who sees the second sees the first. This is
//!   a violation of strict serializability.
//! - *sequential*: one process inserts the subkeys of a key one after the other, and another reads
//!   them in the opposite order, each by itself; once it saw one, all that it reads after that were
//!   inserted before. This is a violation of sequential consistency.

use std::collections::{BTreeMap, BTreeSet};

use kolk_history::{Function, History, Operation, Value};

use crate::check::{Anomaly, Check, Validity};
use crate::kind::Kind;
use crate::tree::{count, excerpt, key};
use crate::txn::codes::Codes;

fn unreadable(check: &mut Check, read: &Operation, what: &str) {
    check.validity = check.validity.worst(Validity::Unknown);
    let (at, result) = (read.index, excerpt(&read.result));
    check.notes.push(format!("read {at} gave {result}, which is no {what}, so it is not checked"));
}

fn reads(history: &History) -> impl Iterator<Item = &Operation> {
    history.counted().filter(|op| op.function == Function::Read && op.is_ok())
}

fn finish(check: &mut Check, reads: usize) {
    if reads == 0 {
        check.checked_nothing("no read was answered");
    }
    check.results = vec![(key(&"read-count"), count(reads))];
}

/// Checks a history in which [`Function::Write`] inserts its value and [`Function::Read`] reads all
/// that there are.
///
/// ```
/// let history = "
///     {:process 0 :type :invoke :f :write :value 1} {:process 0 :type :ok :f :write :value 1}
///     {:process 0 :type :invoke :f :write :value 2} {:process 0 :type :ok :f :write :value 2}
///     {:process 1 :type :invoke :f :read} {:process 1 :type :ok :f :read :value [2]}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// let check = kolk_check::predecessors::comments(&history);
/// assert_eq!(check.anomalies[0].kind, "missing-predecessor");
/// ```
pub fn comments(history: &History) -> Check {
    let mut check = Check::new("workload");
    let mut codes = Codes::default();
    // By value, the write of it; and those acknowledged, in the order of their completions.
    let mut writes: BTreeMap<i64, &Operation> = BTreeMap::new();
    let mut acknowledged: Vec<(u32, i64)> = Vec::new();
    for write in history.counted().filter(|op| op.function == Function::Write) {
        let code = codes.code(&write.value);
        // Of a value that is inserted again, only the first insert is known to come before
        // anything.
        writes.entry(code).or_insert(write);
        if write.is_ok() {
            acknowledged.push((write.completion_or_end(), code));
        }
    }
    acknowledged.sort_unstable();
    let mut count = 0;
    for read in reads(history) {
        let Some(values) = read.result.as_list() else {
            unreadable(&mut check, read, "list");
            continue;
        };
        count += 1;
        let seen: BTreeSet<i64> = values.iter().map(|value| codes.code(value)).collect();
        if let Some(strange) = seen.iter().find(|code| !writes.contains_key(code)) {
            check.anomaly(Kind::NeverAdded, || {
                let strange = codes.value(*strange);
                let claim = format!("read {} shows {strange}, which nobody wrote", read.index);
                Anomaly::new(Kind::NeverAdded, claim, vec![read.index]).of_values([strange])
            });
        }
        let known = seen.iter().filter_map(|code| writes.get(code));
        let Some(last) = known.max_by_key(|write| write.index) else { continue };
        let due = acknowledged.iter().take_while(|(completion, _)| *completion < last.index);
        let missing: Vec<i64> =
            due.map(|(_, code)| *code).filter(|code| !seen.contains(code)).collect();
        if let Some(first) = missing.first() {
            check.anomaly(Kind::MissingPredecessor, || {
                let (shown, missed) = (&last.value, codes.value(*first));
                let others = match missing.len() {
                    1 => String::new(),
                    more => format!(" ({} more are missing)", more - 1),
                };
                let claim = format!(
                    "read {} shows {shown} and not {missed}, which had been acknowledged before \
                     the write of {shown} began{others}",
                    read.index
                );
                let earlier = writes.get(first).map(|write| write.index);
                let operations = [read.index, last.index].into_iter().chain(earlier).collect();
                Anomaly::new(Kind::MissingPredecessor, claim, operations)
            });
        }
    }
    finish(&mut check, count);
    check
}

/// Checks a history in which [`Function::Read`] reads `[key, [v_n … v_1]]`: the subkeys of a key,
/// the one that was inserted last first, with nothing for those that were not there.
///
/// ```
/// let history = r#"
///     {:process 1 :type :invoke :f :read :value [7 nil]}
///     {:process 1 :type :ok :f :read :value [7 ["7_1" nil]]}"#;
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// let check = kolk_check::predecessors::sequential(&history);
/// assert_eq!(check.anomalies[0].kind, "missing-predecessor");
/// ```
pub fn sequential(history: &History) -> Check {
    let mut check = Check::new("workload");
    let mut count = 0;
    for read in reads(history) {
        let parts = read.result.as_list();
        let subkeys = match parts.as_deref() {
            Some([_, subkeys]) => subkeys.as_list(),
            _ => None,
        };
        let Some(subkeys) = subkeys else {
            unreadable(&mut check, read, "key with its subkeys");
            continue;
        };
        count += 1;
        let mut there = subkeys.iter().skip_while(|subkey| subkey.is_null());
        let Some(first) = there.next() else { continue };
        if there.any(Value::is_null) {
            check.anomaly(Kind::MissingPredecessor, || {
                let claim = format!(
                    "read {} of process {} shows {first}, and then lacks one that was inserted \
                     before it: {}",
                    read.index,
                    read.process,
                    excerpt(&read.result)
                );
                Anomaly::new(Kind::MissingPredecessor, claim, vec![read.index])
            });
        }
    }
    finish(&mut check, count);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str, check: fn(&History) -> Check) -> &'static str {
        let history = kolk_history::jepsen::read(text.as_bytes(), Vec::new()).expect("a history");
        check(&history).validity.name()
    }

    #[test]
    fn comments_that_answer_others() {
        let one = "{:process 0 :type :invoke :f :write :value 1}";
        let one_ok = "{:process 0 :type :ok :f :write :value 1}";
        let two = "{:process 2 :type :invoke :f :write :value 2}";
        let two_ok = "{:process 2 :type :ok :f :write :value 2}";
        let read = |values: &str| {
            format!(
                "{{:process 1 :type :invoke :f :read}} {{:process 1 :type :ok :f :read :value \
                 {values}}}"
            )
        };
        for (writes, values, said) in [
            ([one, one_ok, two, two_ok], "#{2}", "invalid"),
            ([one, one_ok, two, two_ok], "#{1 2}", "valid"),
            ([one, one_ok, two, two_ok], "#{1}", "valid"),
            ([one, one_ok, two, two_ok], "#{}", "valid"),
            ([one, two, one_ok, two_ok], "#{2}", "valid"),
            ([one, one_ok, two, two_ok], "7", "unknown"),
        ] {
            let text = writes.join(" ") + &read(values);
            assert_eq!(judge(&text, comments), said, "{text}");
        }
        // A write of which nobody knows whether it happened may be seen, and what came before it is
        // due.
        let info = two_ok.replace(":ok", ":info");
        let text = [one, one_ok, two, &info].join(" ") + &read("[2]");
        assert_eq!(judge(&text, comments), "invalid");
    }

    #[test]
    fn subkeys_in_the_opposite_order() {
        for (subkeys, said) in [
            ("[nil nil nil]", "valid"),
            ("[nil nil \"a\"]", "valid"),
            ("[\"c\" \"b\" \"a\"]", "valid"),
            ("[nil \"b\" nil]", "invalid"),
            ("[\"c\" nil \"a\"]", "invalid"),
            ("3", "unknown"),
        ] {
            let text = format!(
                "{{:process 0 :type :invoke :f :read}} {{:process 0 :type :ok :f :read :value [1 \
                 {subkeys}]}}"
            );
            assert_eq!(judge(&text, sequential), said, "{subkeys}");
        }
    }
}
