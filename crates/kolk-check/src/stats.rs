//! stats: how many operations of each kind there were, and how they ended.
//!
//! A run is invalid if some kind has no `ok` at all (`never-ok`). Only operations that completed
//! are counted, as in Jepsen. A run that invoked less than nine tenths of the rate asked for says
//! so in a note.
//!
//! Measures: `operations`, and `rate` (/s) if the load took any time.

use std::collections::BTreeMap;
use std::time::Duration;

use kolk_history::{Function, History, Operation, Outcome, Phase, Value};

use crate::check::{Anomaly, Check, PROOF_MAX};
use crate::kind::Kind;
use crate::tree::{count, key};

/// So many compare-and-sets, drawn at random, may all fail with a node that is right.
const FEW: u64 = 20;

/// Below this part of the rate asked for, the shortfall is told.
const RATE_SHARE_MIN: f64 = 0.9;

#[derive(Default)]
struct Counts {
    ok: u64,
    fail: u64,
    info: u64,
    unfinished: u64,
}

impl Counts {
    fn add(&mut self, operation: &Operation) {
        match operation.outcome {
            _ if operation.completion_index.is_none() => self.unfinished += 1,
            Outcome::Ok => self.ok += 1,
            Outcome::Fail => self.fail += 1,
            Outcome::Info => self.info += 1,
        }
    }

    fn entries(&self) -> Vec<(Value, Value)> {
        vec![
            (key(&"count"), count(self.ok + self.fail + self.info)),
            (key(&"ok-count"), count(self.ok)),
            (key(&"fail-count"), count(self.fail)),
            (key(&"info-count"), count(self.info)),
        ]
    }
}

/// Checks that every kind of operation succeeded once at least. `rate` is what was asked for, in
/// operations a second, and `load` how long the load lasted; without it, the time from the first to
/// the last invocation is taken. Of a history that is no run (`is_run`), all is measured and
/// nothing judged.
///
/// ```
/// use kolk_check::{Validity, stats::check};
///
/// let history = kolk_history::jepsen::read(
///     r#"{:type :invoke, :process 0, :f :read, :value nil}
///        {:type :ok, :process 0, :f :read, :value 1}
///        {:type :invoke, :process 0, :f :cas, :value [2 3]}
///        {:type :fail, :process 0, :f :cas, :value [2 3]}"#
///         .as_bytes(),
///     Vec::new(),
/// )?;
/// let of_a_run = check(&history, None, None, true);
/// assert_eq!(of_a_run.validity, Validity::Invalid);
/// assert_eq!(of_a_run.anomalies[0].kind, "never-ok");
/// // Histories of others may be short.
/// let of_others = check(&history, None, None, false);
/// assert_eq!(of_others.validity, Validity::Valid);
/// assert!(of_others.notes[0].starts_with("no `cas` succeeded: 1 failed, 0 unknown"));
/// # Ok::<(), kolk_history::ReadError>(())
/// ```
pub fn check(history: &History, rate: Option<f64>, load: Option<Duration>, is_run: bool) -> Check {
    let mut check = Check::new("stats");
    let mut all = Counts::default();
    let mut by_function: BTreeMap<&str, (Function, Counts)> = BTreeMap::new();
    for operation in history.counted() {
        all.add(operation);
        let function = operation.function;
        let entry = by_function.entry(function.name());
        entry.or_insert_with(|| (function, Counts::default())).1.add(operation);
    }
    for (function, counts) in by_function.values() {
        if counts.ok == 0 && !is_exempt(*function) {
            let found = never_ok(history, *function, counts);
            if is_run {
                check.anomaly(Kind::NeverOk, || found);
            } else {
                check.notes.push(found.claim);
            }
        }
    }
    let by_f = by_function.values().map(|(function, counts)| {
        let valid = !is_run || counts.ok > 0 || is_exempt(*function);
        let mut entries = vec![(key(&"valid?"), Value::Bool(valid))];
        entries.extend(counts.entries());
        (function.keyword(), Value::map(entries))
    });
    let by_f = Value::map(by_f.collect());
    check.results = all.entries();
    check.results.push((key(&"by-f"), by_f));
    let total = all.ok + all.fail + all.info;
    check.measure("operations", total as f64, "");
    if by_function.is_empty() {
        check.notes.push("no operation was invoked".to_owned());
    }
    if all.unfinished > 0 {
        let unfinished = all.unfinished;
        check.notes.push(format!("operations still open at the end: {unfinished}"));
    }
    report_rate(&mut check, history, rate, load);
    check
}

/// Kinds that need not succeed: a client that gives up its state, and a look at a log's insides.
fn is_exempt(function: Function) -> bool {
    matches!(function, Function::Crash | Function::DebugTopicPartitions)
}

fn never_ok(history: &History, function: Function, counts: &Counts) -> Anomaly {
    let operations: Vec<&Operation> = history
        .counted()
        .filter(|operation| operation.function == function)
        .take(PROOF_MAX)
        .collect();
    let Counts { fail, info, unfinished, .. } = counts;
    let mut claim =
        format!("no `{function}` succeeded: {fail} failed, {} unknown", info + unfinished);
    if let Some(error) = operations.iter().find(|operation| !operation.result.is_null()) {
        claim += &format!("; the first error is {}", error.result);
    }
    if function == Function::Cas && info + unfinished == 0 && *fail < FEW {
        claim += "; so few may all have compared with values that were not there: of more \
                  (`--rate`, `--time-limit`), some succeed";
    }
    let operations = operations.iter().map(|operation| operation.index).collect();
    Anomaly::new(Kind::NeverOk, claim, operations)
}

fn report_rate(check: &mut Check, history: &History, rate: Option<f64>, load: Option<Duration>) {
    let invoked = || history.operations.iter().filter(|operation| operation.phase == Phase::Load);
    let span = || {
        let (first, last) = (invoked().next()?.invoked, invoked().next_back()?.invoked);
        Some(last - first)
    };
    let seconds = load.or_else(span).unwrap_or_default().as_secs_f64();
    if seconds <= 0.0 {
        return;
    }
    let achieved = invoked().count() as f64 / seconds;
    check.measure("rate", achieved, "/s");
    if let Some(rate) = rate
        && achieved < rate * RATE_SHARE_MIN
    {
        check.notes.push(format!(
            "the load was lighter than asked for: {achieved:.1} operations a second instead of \
             {rate:.1}"
        ));
    }
}
