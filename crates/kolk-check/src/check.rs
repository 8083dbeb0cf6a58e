//! What a checker says.

use std::collections::BTreeSet;

use kolk_history::Value;

use crate::kind::Kind;
use crate::models::Models;
use crate::tree::{key, list, text};

/// The most operations that an anomaly names as its evidence.
pub(crate) const PROOF_MAX: usize = 8;

/// How many anomalies of one kind are kept with their text and operations. [`Check::counts`] says
/// how many there were.
pub const ANOMALIES_MAX: usize = 32;

/// How a note begins that says so.
const NOTHING_CHECKED: &str = "nothing was checked";

/// How many values at fault an anomaly names.
const VALUES_MAX: usize = 8;

/// How valid a history is. Ordered from best to worst: a whole is as valid as its worst part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validity {
    /// Nothing speaks against it.
    #[default]
    Valid,
    /// It cannot be told.
    Unknown,
    /// There is an anomaly.
    Invalid,
}

impl Validity {
    /// Invalid if `anomaly`, else valid.
    pub const fn invalid_if(anomaly: bool) -> Validity {
        if anomaly { Validity::Invalid } else { Validity::Valid }
    }

    /// The worse of the two.
    pub fn worst(self, other: Validity) -> Validity {
        self.max(other)
    }

    /// The name in text: `valid`, `unknown`, `invalid`.
    pub const fn name(self) -> &'static str {
        match self {
            Validity::Valid => "valid",
            Validity::Unknown => "unknown",
            Validity::Invalid => "invalid",
        }
    }

    /// What stands under `:valid?`: true, false or `:unknown`.
    pub fn value(self) -> Value {
        match self {
            Validity::Valid => Value::Bool(true),
            Validity::Unknown => Value::Keyword(&"unknown"),
            Validity::Invalid => Value::Bool(false),
        }
    }
}

/// Something that must not be, and what proves it.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// What it is.
    pub kind: Kind,
    /// One sentence that a person can read, without a full stop.
    pub claim: String,
    /// The event indices of the invocations that prove it, in the order in which they matter.
    pub operations: Vec<u32>,
    /// The node it is about, where it is about one.
    pub node: Option<String>,
    /// The key that is at fault, as text, where it is about one.
    pub key: Option<String>,
    /// The values of that key, or of the set, that are at fault.
    pub values: Vec<Value>,
    /// The place among [`Summary::violations`](kolk_history::Summary::violations), for one of them.
    pub violation: Option<usize>,
    /// The proof step by step, where it takes more than the claim: sentences without a full stop.
    pub steps: Vec<String>,
    /// The event indices of the invocations of a smallest part of the history that, checked alone,
    /// still shows an anomaly of this type; empty where none was looked for.
    pub smallest: Vec<u32>,
}

impl Anomaly {
    /// An anomaly of this type, proved by these invocations.
    pub fn new(kind: Kind, claim: String, operations: Vec<u32>) -> Anomaly {
        Anomaly {
            kind,
            claim,
            operations,
            node: None,
            key: None,
            values: Vec::new(),
            violation: None,
            steps: Vec::new(),
            smallest: Vec::new(),
        }
    }

    /// The same anomaly, about this key.
    #[must_use]
    pub fn of_key(self, key: impl Into<String>) -> Anomaly {
        Anomaly { key: Some(key.into()), ..self }
    }

    /// The same anomaly, about these values.
    #[must_use]
    pub fn of_values(self, values: impl IntoIterator<Item = Value>) -> Anomaly {
        Anomaly { values: values.into_iter().take(VALUES_MAX).collect(), ..self }
    }

    /// Proof that comes twice proves no more.
    fn without_repetition(mut self) -> Anomaly {
        let mut seen = BTreeSet::new();
        self.operations.retain(|index| seen.insert(*index));
        self
    }

    /// The anomaly as a map with the keys `:type`, `:claim`, `:operations`, and `:node`, `:key`,
    /// `:values`, `:violation`, `:steps` and `:smallest` where there are any.
    pub fn value(&self) -> Value {
        let indices =
            |all: &[u32]| Value::ints(all.iter().map(|index| i64::from(*index)).collect());
        let mut entries = vec![
            (key(&"type"), text(self.kind)),
            (key(&"claim"), text(&self.claim)),
            (key(&"operations"), indices(&self.operations)),
        ];
        if let Some(node) = &self.node {
            entries.push((key(&"node"), text(node)));
        }
        if let Some(name) = &self.key {
            entries.push((key(&"key"), text(name)));
        }
        if !self.values.is_empty() {
            entries.push((key(&"values"), list(self.values.iter().cloned())));
        }
        if let Some(place) = self.violation {
            entries.push((key(&"violation"), crate::tree::count(place as u64)));
        }
        if !self.steps.is_empty() {
            entries.push((key(&"steps"), list(self.steps.iter().map(text))));
        }
        if !self.smallest.is_empty() {
            entries.push((key(&"smallest"), indices(&self.smallest)));
        }
        Value::map(entries)
    }
}

/// A number worth showing, or worth holding against a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// Its name in kebab case, such as `stable-latency-median`. Each checker's page lists its own.
    pub name: &'static str,
    /// The number.
    pub value: f64,
    /// The unit as it is printed, `ms` or `/s`; empty for a plain number.
    pub unit: &'static str,
}

/// What one checker says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Check {
    /// Its key in the results: `workload`, `stats`, …
    pub name: &'static str,
    /// What Maelstrom would say.
    pub validity: Validity,
    /// Why it is invalid.
    pub anomalies: Vec<Anomaly>,
    /// What Maelstrom overlooks; counts only with `strict`.
    pub stronger: Vec<Anomaly>,
    /// How many anomalies of each kind there were, for every kind there was one of.
    pub counts: Vec<(Kind, u64)>,
    /// What stands in the results beside `:valid?`.
    pub results: Vec<(Value, Value)>,
    /// Numbers worth showing.
    pub measures: Vec<Measure>,
    /// What was not checked, and what else should be known: sentences without a full stop.
    pub notes: Vec<String>,
    /// The models that are proved to hold, where such are proved; all else is not known.
    pub proved: Option<Models>,
}

impl Check {
    /// A check that has found nothing yet.
    pub fn new(name: &'static str) -> Check {
        Check { name, ..Check::default() }
    }

    /// A check that could not be made.
    pub fn unknown(name: &'static str, reason: impl Into<String>) -> Check {
        let notes = vec![reason.into()];
        Check { name, validity: Validity::Unknown, notes, ..Check::default() }
    }

    /// Says that nothing was checked, and why.
    pub fn checked_nothing(&mut self, reason: &str) {
        self.notes.push(format!("{NOTHING_CHECKED}: {reason}"));
    }

    /// True if it was said that nothing was checked.
    pub fn is_vacuous(&self) -> bool {
        self.notes.iter().any(|note| note.starts_with(NOTHING_CHECKED))
    }

    /// How valid the history is, with or without the stronger findings.
    pub fn validity(&self, strict: bool) -> Validity {
        self.validity.worst(Validity::invalid_if(strict && !self.stronger.is_empty()))
    }

    /// Adds an anomaly and makes the check invalid. Beyond [`ANOMALIES_MAX`] of a kind it is only
    /// counted, and `anomaly` is not called.
    pub fn anomaly(&mut self, kind: Kind, anomaly: impl FnOnce() -> Anomaly) {
        self.validity = Validity::Invalid;
        if self.count(kind) {
            self.anomalies.push(anomaly().without_repetition());
        }
    }

    /// Adds a finding that the workload's own model allows and a stronger one does not: the check
    /// stays valid. Beyond [`ANOMALIES_MAX`] of a kind it is only counted, and `anomaly` is not
    /// called.
    pub fn stronger(&mut self, kind: Kind, anomaly: impl FnOnce() -> Anomaly) {
        if self.count(kind) {
            self.stronger.push(anomaly().without_repetition());
        }
    }

    /// Takes back stronger findings of these kinds, if there are any, and notes why.
    pub fn do_not_ask(&mut self, kinds: &[Kind], why: &str) {
        let is_asked = |kind: &Kind| !kinds.contains(kind);
        let before = self.stronger.len();
        self.stronger.retain(|anomaly| is_asked(&anomaly.kind));
        if self.stronger.len() < before {
            self.counts.retain(|(kind, _)| is_asked(kind));
            self.notes.push(why.to_owned());
        }
    }

    /// Counts one of a kind; true if it is to be kept.
    fn count(&mut self, kind: Kind) -> bool {
        match self.counts.iter_mut().find(|(candidate, _)| *candidate == kind) {
            Some((_, count)) => {
                *count += 1;
                *count <= ANOMALIES_MAX as u64
            }
            None => {
                self.counts.push((kind, 1));
                true
            }
        }
    }

    /// Raises the count of a kind whose anomalies are not all known one by one.
    pub fn count_at_least(&mut self, kind: Kind, least: u64) {
        match self.counts.iter_mut().find(|(candidate, _)| *candidate == kind) {
            Some((_, count)) => *count = least.max(*count),
            None if least > 0 => self.counts.push((kind, least)),
            None => {}
        }
    }

    /// How many anomalies of a kind there were.
    pub fn count_of(&self, kind: Kind) -> u64 {
        self.counts.iter().find(|(name, _)| *name == kind).map_or(0, |(_, count)| *count)
    }

    /// Adds a number worth showing.
    pub fn measure(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.measures.push(Measure { name, value, unit });
    }

    /// The check in the shape of `results.edn`: `:valid?`, what Maelstrom has, and, where there
    /// are any, `:anomalies`, `:stronger`, `:counts` and `:notes`.
    pub fn tree(&self, strict: bool) -> Value {
        let mut entries = vec![(key(&"valid?"), self.validity(strict).value())];
        entries.extend(self.results.iter().cloned());
        for (name, anomalies) in
            [(key(&"anomalies"), &self.anomalies), (key(&"stronger"), &self.stronger)]
        {
            if !anomalies.is_empty() {
                entries.push((name, list(anomalies.iter().map(Anomaly::value))));
            }
        }
        if !self.counts.is_empty() {
            let counts = self.counts.iter();
            let counts = counts.map(|(kind, count)| (text(kind), crate::tree::count(*count)));
            entries.push((key(&"counts"), Value::map(counts.collect())));
        }
        if !self.notes.is_empty() {
            entries.push((key(&"notes"), list(self.notes.iter().map(text))));
        }
        Value::map(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_part_counts() {
        use Validity::{Invalid, Unknown, Valid};
        for (a, b, worst) in [
            (Valid, Valid, Valid),
            (Valid, Unknown, Unknown),
            (Unknown, Invalid, Invalid),
            (Valid, Invalid, Invalid),
        ] {
            assert_eq!(a.worst(b), worst);
            assert_eq!(b.worst(a), worst);
        }
    }

    #[test]
    fn anomalies_are_counted_beyond_those_kept() {
        let mut check = Check::new("workload");
        for index in 0..100 {
            check.anomaly(Kind::Lost, || Anomaly::new(Kind::Lost, format!("{index}"), vec![index]));
            check.stronger(Kind::Duplicate, || {
                Anomaly::new(Kind::Duplicate, format!("{index}"), vec![index])
            });
        }
        assert_eq!((check.anomalies.len(), check.count_of(Kind::Lost)), (ANOMALIES_MAX, 100));
        assert_eq!((check.stronger.len(), check.count_of(Kind::Duplicate)), (ANOMALIES_MAX, 100));
        assert_eq!(check.count_of(Kind::Diverged), 0);
    }

    #[test]
    fn no_operation_proves_twice() {
        let mut check = Check::new("workload");
        check.anomaly(Kind::Lost, || Anomaly::new(Kind::Lost, String::new(), vec![7, 2, 7, 9, 2]));
        assert_eq!(check.anomalies[0].operations, [7, 2, 9]);
    }

    #[test]
    fn stronger_findings_count_when_strict() {
        let mut check = Check::new("workload");
        assert_eq!(check.validity(true), Validity::Valid);
        check.stronger(Kind::Duplicate, || Anomaly::new(Kind::Duplicate, String::new(), vec![]));
        assert_eq!(check.validity(false), Validity::Valid);
        assert_eq!(check.validity(true), Validity::Invalid);
        // What is not asked for is not counted either, and that is said once.
        check.do_not_ask(&[Kind::Diverged], "no");
        assert_eq!((check.validity(true), check.notes.len()), (Validity::Invalid, 0));
        check.do_not_ask(&[Kind::Diverged, Kind::Duplicate], "too many are lost");
        assert_eq!((check.validity(true), check.count_of(Kind::Duplicate)), (Validity::Valid, 0));
        assert_eq!(check.notes, ["too many are lost"]);
    }
}
