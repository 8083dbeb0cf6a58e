//! What it means to ask for one of the levels that are decided exactly.
//!
//! The original knows read committed as Adya's PL-2 and forbids nothing cyclic for read atomic and
//! causal. Whoever works through a challenge of the original's is to be told no more of read
//! committed than PL-2 forbids: a store may rely on that. Whoever names a level for a history of
//! their own wants to know whether it holds.

use crate::check::{Check, Validity};
use crate::models::{self, Model, Models};

/// How a level that is asked for by name is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Levels {
    /// As the original means it. That read atomic or causal do not hold is a stronger finding; of
    /// read committed that is only noted, where Adya's holds.
    #[default]
    Original,
    /// Exactly: that it does not hold makes the history invalid.
    Exact,
}

/// The models that are decided exactly.
pub(super) fn all() -> Models {
    Models::new(&[Model::ReadCommitted, Model::ReadAtomic, Model::Causal, Model::CausalCerone])
}

/// True for what Adya's read committed allows, and nothing else that was asked for forbids.
fn is_allowed_by_adya(kind: &str, requested: Models) -> bool {
    kind.starts_with("read-committed-violation")
        && !models::ruled_out(kind).with(Model::ReadAtomic).overlaps(requested)
}

/// Lets what was found of levels count as it was asked for.
pub(crate) fn settle(check: &mut Check, requested: Models, levels: Levels) {
    let asked: Models = all().iter().filter(|level| requested.contains(*level)).collect();
    for finding in std::mem::take(&mut check.stronger) {
        let kind = finding.kind;
        match levels {
            Levels::Exact if models::ruled_out(kind).and(models::by_name(kind)).overlaps(asked) => {
                check.validity = Validity::Invalid;
                check.anomalies.push(finding);
            }
            Levels::Original if is_allowed_by_adya(kind, requested) => {
                check.counts.retain(|(counted, _)| *counted != kind);
                check.notes.push(format!(
                    "Adya's read-committed (PL-2), which is what the original holds transactions to, \
                     allows this: {}",
                    finding.claim
                ));
            }
            _ => check.stronger.push(finding),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Anomaly;

    #[test]
    fn levels_count_as_they_were_asked_for() {
        // What was asked for, what was found, how it counts as the original means it and exactly:
        // (anomalies, stronger findings, notes).
        for (asked, kind, original, exact) in [
            ("read-committed", "read-committed-violation", (0, 0, 1), (1, 0, 0)),
            ("read-committed", "read-committed-violation-process", (0, 0, 1), (1, 0, 0)),
            ("read-atomic", "read-committed-violation-process", (0, 1, 0), (1, 0, 0)),
            ("read-atomic", "read-atomic-violation", (0, 1, 0), (1, 0, 0)),
            ("causal", "causal-violation-process", (0, 1, 0), (1, 0, 0)),
            ("causal", "read-committed-violation", (0, 1, 0), (1, 0, 0)),
            ("read-committed,causal", "read-committed-violation", (0, 1, 0), (1, 0, 0)),
            ("read-committed", "garbage-read", (0, 1, 0), (1, 0, 0)),
            ("causal", "G1a", (0, 1, 0), (1, 0, 0)),
            ("serializable,read-atomic", "G2-item", (0, 1, 0), (0, 1, 0)),
            ("serializable", "read-atomic-violation", (0, 1, 0), (0, 1, 0)),
        ] {
            for (levels, expected) in [(Levels::Original, original), (Levels::Exact, exact)] {
                let mut check = Check::new("workload");
                check.stronger(kind, || Anomaly::new(kind, "seen".to_owned(), vec![1]));
                settle(&mut check, asked.parse().unwrap(), levels);
                let counts = (check.anomalies.len(), check.stronger.len(), check.notes.len());
                assert_eq!(counts, expected, "{asked}, {kind}, {levels:?}");
                assert_eq!(check.validity == Validity::Invalid, counts.0 > 0);
                assert_eq!(check.count_of(kind), (counts.0 + counts.1) as u64);
            }
        }
    }
}
