//! What was found, as anomalies and in the shape of Maelstrom's results.

use std::collections::BTreeMap;

use kolk_history::Value;

use crate::check::{Anomaly, Check};
use crate::kind::Kind;
use crate::tree::{count, key, list};

/// How many errors of one kind the results describe.
const ERRORS_MAX: usize = 32;

/// Found, and allowed: sends of one transaction may be interleaved with others'.
const ALLOWED: &[Kind] = &[Kind::IntSendSkip];

/// Kinds that Maelstrom does not have: they stand in the anomalies alone.
const OURS: &[Kind] = &[Kind::GarbageRead];

/// Collects anomalies.
pub(super) struct Findings {
    pub check: Check,
    errors: BTreeMap<Kind, Errors>,
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
    pub(super) fn add(&mut self, kind: Kind, describe: impl FnOnce() -> (Anomaly, Value)) {
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
    pub(super) fn describe(&mut self, kind: Kind, entry: Vec<(Value, Value)>) {
        self.errors.entry(kind).or_default().entry = Some(entry);
    }

    /// What Maelstrom's results have under each kind, and the lists of kinds.
    pub(super) fn results(&mut self) -> Vec<(Value, Value)> {
        let theirs = |kind: &&Kind| !OURS.contains(kind);
        let kinds: Vec<Kind> = self.errors.keys().filter(theirs).copied().collect();
        let bad = kinds.iter().filter(|kind| !ALLOWED.contains(kind));
        let mut results = vec![
            (key(&"bad-error-types"), list(bad.map(|kind| kind.keyword()))),
            (key(&"error-types"), list(kinds.iter().map(|kind| kind.keyword()))),
        ];
        for kind in kinds {
            let errors = self.errors.remove(&kind).unwrap_or_default();
            let entry = errors.entry.unwrap_or_else(|| {
                let described = list(errors.described);
                vec![(key(&"count"), count(errors.count)), (key(&"errs"), described)]
            });
            results.push((kind.keyword(), Value::map(entry)));
        }
        results
    }
}
