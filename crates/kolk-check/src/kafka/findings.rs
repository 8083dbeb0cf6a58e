//! What was found, as anomalies and in the shape of Maelstrom's results.

use std::collections::BTreeMap;

use kolk_history::Value;

use crate::check::{Anomaly, Check};
use crate::tree::{count, key, list, text};

/// How many errors of one kind the results describe.
const ERRORS_MAX: usize = 32;

/// Found, and allowed: sends of one transaction may be interleaved with others'.
const ALLOWED: &[&str] = &["int-send-skip"];

/// Kinds that Maelstrom does not have: they stand in the anomalies alone.
const OURS: &[&str] = &["garbage-read"];

/// Collects anomalies.
pub(super) struct Findings {
    pub check: Check,
    errors: BTreeMap<&'static str, Errors>,
}

#[derive(Default)]
struct Errors {
    count: u64,
    described: Vec<Value>,
    /// What stands in the results in place of a count and a list.
    entry: Option<Vec<(Value, Value)>>,
}

impl Findings {
    pub(super) fn new() -> Findings {
        Findings { check: Check::new("workload"), errors: BTreeMap::new() }
    }

    /// Counts an anomaly of this kind; `describe` is called only if it is one of the first, and
    /// gives it with its entry in the results.
    pub(super) fn add(&mut self, kind: &'static str, describe: impl FnOnce() -> (Anomaly, Value)) {
        let Errors { count, described, .. } = self.errors.entry(kind).or_default();
        *count += 1;
        if ALLOWED.contains(&kind) {
            if described.len() < ERRORS_MAX {
                described.push(describe().1);
            }
            return;
        }
        self.check.anomaly(kind, || {
            let (anomaly, error) = describe();
            described.push(error);
            anomaly
        });
    }

    /// Says what stands under a kind in the results, where that is not a count and a list.
    pub(super) fn describe(&mut self, kind: &'static str, entry: Vec<(Value, Value)>) {
        self.errors.entry(kind).or_default().entry = Some(entry);
    }

    /// What Maelstrom's results have under each kind, and the lists of kinds.
    pub(super) fn results(&mut self) -> Vec<(Value, Value)> {
        let theirs = |kind: &&&'static str| !OURS.contains(*kind);
        let kinds: Vec<&'static str> = self.errors.keys().filter(theirs).copied().collect();
        let bad = kinds.iter().filter(|kind| !ALLOWED.contains(kind));
        let mut results = vec![
            (key(&"bad-error-types"), list(bad.map(|kind| name(kind)))),
            (key(&"error-types"), list(kinds.iter().map(|kind| name(kind)))),
        ];
        for kind in kinds {
            let errors = self.errors.remove(kind).unwrap_or_default();
            let entry = errors.entry.unwrap_or_else(|| {
                let described = list(errors.described);
                vec![(key(&"count"), count(errors.count)), (key(&"errs"), described)]
            });
            results.push((name(kind), Value::map(entry)));
        }
        results
    }
}

/// A kind as a keyword.
fn name(kind: &str) -> Value {
    static KINDS: [&str; 17] = [
        "G1a",
        "G1c",
        "G1c-process",
        "G1c-realtime",
        "duplicate",
        "garbage-read",
        "inconsistent-offsets",
        "int-nonmonotonic-poll",
        "int-nonmonotonic-send",
        "int-poll-skip",
        "int-send-skip",
        "lost-write",
        "nonmonotonic-poll",
        "nonmonotonic-send",
        "poll-skip",
        "precommitted-read",
        "unseen",
    ];
    KINDS.iter().find(|known| **known == kind).map_or_else(|| text(kind), Value::Keyword)
}
