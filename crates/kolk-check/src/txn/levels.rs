//! What it means to ask for one of the levels that are decided exactly.
//!
//! Elle knows read committed as Adya's PL-2 and forbids nothing cyclic for read atomic and causal.
//! Whoever works through a challenge of Maelstrom's is to be told no more of read committed than
//! PL-2 forbids: a store may rely on that. Whoever names a model for a history of their own wants
//! to know whether it holds: all that can be proved counts then, and against every model that
//! implies one that does not hold. So that this is one order of models, read committed and read
//! atomic leave out the order of each process, as serializability does, but in AWDIT's format,
//! where all levels have it.

use super::level::Level;
use crate::check::{Check, Validity};
use crate::kind::Kind;
use crate::models::{self, Model, Models};

/// What Elle calls it that no transaction depends on another.
pub(super) const EMPTY_GRAPH: &str = "empty-transaction-graph";

/// The note that says so.
pub(super) const NO_DEPENDENCIES: &str =
    "no transaction depends on another: there is nothing to judge by";

/// How a level that is asked for by name is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Levels {
    /// As Elle means it. That read atomic or causal do not hold is a stronger finding; of
    /// read committed that is only noted, where Adya's holds.
    #[default]
    Elle,
    /// Exactly: whatever proves that a model does not hold makes the history invalid.
    Exact,
}

/// The models that are decided exactly.
pub(super) fn all() -> Models {
    Models::new(&[Model::ReadCommitted, Model::ReadAtomic, Model::Causal, Model::CausalCerone])
}

/// True for what Adya's read committed allows, and nothing else that was asked for forbids.
fn is_allowed_by_adya(kind: Kind, requested: Models) -> bool {
    matches!(kind, Kind::Level { level: Level::ReadCommitted, .. })
        && !models::ruled_out(kind)
            .and(Models::new(&[Model::ReadAtomic]).implying())
            .overlaps(requested)
}

/// Lets what was found count as it was asked for; sessions belong to every level if `in_sessions`.
pub(crate) fn settle(check: &mut Check, requested: Models, levels: Levels, in_sessions: bool) {
    for finding in std::mem::take(&mut check.stronger) {
        let kind = finding.kind;
        let counts = models::exactly(kind, in_sessions).overlaps(requested);
        let note = if levels == Levels::Elle && is_allowed_by_adya(kind, requested) {
            "Adya's read-committed (PL-2), which is what Maelstrom holds transactions to, allows \
             this"
        } else if levels == Levels::Exact && counts {
            check.validity = Validity::Invalid;
            check.anomalies.push(finding);
            continue;
        } else if levels == Levels::Exact && models::in_sessions(kind).overlaps(requested) {
            "the order of each process, which is no part of what was asked for, speaks against it"
        } else {
            check.stronger.push(finding);
            continue;
        };
        check.counts.retain(|(counted, _)| *counted != kind);
        check.notes.push(format!("{note}: {}", finding.claim));
    }
    if levels == Levels::Exact && check.proved.is_some_and(|p| requested.without(p).is_empty()) {
        judge_without_dependencies(check);
    }
    if let Some(proved) = check.proved
        && levels == Levels::Exact
        && check.validity == Validity::Valid
    {
        let names: Vec<&str> = requested.without(proved).iter().map(Model::name).collect();
        if !names.is_empty() {
            check.validity = Validity::Unknown;
            let names = names.join(", ");
            check
                .notes
                .push(format!("nothing speaks against {names}, but nothing proves it either"));
        }
    }
}

/// Where no transaction depends on another Elle has nothing to judge by; a proof has.
fn judge_without_dependencies(check: &mut Check) {
    let Some(at) = check.notes.iter().position(|note| note == NO_DEPENDENCIES) else { return };
    if check.validity != Validity::Unknown {
        return;
    }
    check.notes.remove(at);
    check.validity = Validity::Valid;
    for (name, value) in &mut check.results {
        if name.as_str() == Some("anomaly-types")
            && let Some(types) = value.as_list()
        {
            let others = types.iter().filter(|kind| kind.as_str() != Some(EMPTY_GRAPH));
            *value = crate::tree::list(others.cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Anomaly;

    #[test]
    fn levels_count_as_they_were_asked_for() {
        // What was asked for, what was found, how it counts as Elle means it and exactly:
        // (anomalies, stronger findings, notes).
        for (asked, kind, original, exact) in [
            ("read-committed", "read-committed-violation", (0, 0, 1), (1, 0, 0)),
            ("cursor-stability", "read-committed-violation", (0, 0, 1), (1, 0, 0)),
            ("read-committed", "read-committed-violation-process", (0, 0, 1), (0, 0, 1)),
            ("read-atomic", "read-committed-violation-process", (0, 1, 0), (0, 0, 1)),
            ("serializable", "read-atomic-violation-process", (0, 1, 0), (0, 0, 1)),
            ("read-atomic", "read-atomic-violation", (0, 1, 0), (1, 0, 0)),
            ("causal", "causal-violation-process", (0, 1, 0), (1, 0, 0)),
            ("causal", "read-committed-violation", (0, 1, 0), (1, 0, 0)),
            ("read-committed,causal", "read-committed-violation", (0, 1, 0), (1, 0, 0)),
            ("read-committed", "garbage-read", (0, 1, 0), (1, 0, 0)),
            ("causal", "G1a", (0, 1, 0), (1, 0, 0)),
            ("serializable,read-atomic", "G2-item", (0, 1, 0), (1, 0, 0)),
            ("serializable", "read-atomic-violation", (0, 1, 0), (1, 0, 0)),
            ("snapshot-isolation", "G2-item", (0, 1, 0), (0, 1, 0)),
        ] {
            for (levels, expected) in [(Levels::Elle, original), (Levels::Exact, exact)] {
                let kind: Kind = kind.parse().expect("a kind");
                let mut check = Check::new("workload");
                check.stronger(kind, || Anomaly::new(kind, "seen".to_owned(), vec![1]));
                settle(&mut check, asked.parse().unwrap(), levels, false);
                let counts = (check.anomalies.len(), check.stronger.len(), check.notes.len());
                assert_eq!(counts, expected, "{asked}, {kind}, {levels:?}");
                assert_eq!(check.validity == Validity::Invalid, counts.0 > 0);
                assert_eq!(check.count_of(kind), (counts.0 + counts.1) as u64);
            }
        }
    }

    #[test]
    fn what_is_proved_needs_no_dependencies() {
        use crate::txn::{list_append, testing::history};
        let requested = Models::new(&[Model::Serializable]);
        for (text, levels, validity, types) in [
            ("ax1 ay1", Levels::Elle, Validity::Unknown, &[EMPTY_GRAPH][..]),
            ("ax1 ay1", Levels::Exact, Validity::Valid, &[]),
            ("ax1 rx1", Levels::Elle, Validity::Valid, &[]),
        ] {
            let mut check = list_append::check(&history(text), requested);
            settle(&mut check, requested, levels, false);
            assert_eq!(check.validity, validity, "{text}, {levels:?}: {check:#?}");
            let told = |note: &String| note == NO_DEPENDENCIES;
            assert_eq!(check.notes.iter().any(told), !types.is_empty(), "{text}, {levels:?}");
            let found = check.results.iter().find(|(key, _)| key.as_str() == Some("anomaly-types"));
            let found = found.and_then(|(_, value)| value.as_list()).unwrap_or_default();
            let found: Vec<&str> = found.iter().filter_map(|kind| kind.as_str()).collect();
            assert_eq!(found, types, "{text}, {levels:?}");
        }
    }
}
