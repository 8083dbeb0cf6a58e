//! Planted bugs: nodes that are wrong in ways people get them wrong, each found within 20 seeds
//! and named rightly; and the same nodes without the bug, which pass.
//!
//! One row a bug: where it hides, what it is called when it is found, and what else it may be
//! called beside. Runs are on the virtual clock, with the stronger checks.

mod broadcast;
mod counters;
mod g_set;
mod kafka;
mod lin_kv;
mod rows;
mod seq_kv;
mod traffic;
mod transactions;
mod unique_ids;

use std::collections::BTreeSet;

use kolk_check::{Validity, Verdict};
use kolk_history::plan::LatencyDistribution;
use kolk_node::Machine;
use kolk_sweep::judge;
use kolk_workload::Settings;
use kolk_workload::planner::{Nemesis, Nodes};

use rows::{PLACES, Place, Row, asked};

/// How many seeds a bug may hide for.
const SEEDS: u64 = 20;

fn settings(workload: &str, place: Place, seed: u64) -> Settings {
    let mut settings = asked(workload, seed);
    settings.nodes = Nodes::Count(5);
    settings.rate = 40.0;
    settings.time_limit = 10.0;
    settings.latency = 20.0;
    settings.latency_dist = LatencyDistribution::Exponential;
    match place {
        Place::Calm => {}
        Place::Partitions => {
            settings.nemesis.push(Nemesis::Partition);
            settings.nemesis_interval = 3.0;
        }
        Place::Cut => settings.cuts.push("n3@0..10".parse().expect("a cut")),
        Place::Loss => settings.loss = 0.1,
        Place::Duplication => settings.duplication = 0.2,
    }
    settings
}

/// Runs five such nodes under a workload and judges them.
fn verdict(
    workload: &str,
    place: Place,
    seed: u64,
    make: impl Fn() -> Box<dyn Machine>,
) -> Verdict {
    judge(&settings(workload, place, seed), |_| make()).verdict
}

fn kinds(verdict: &Verdict) -> BTreeSet<&'static str> {
    verdict.anomalies().into_iter().map(|(_, anomaly)| anomaly.kind.as_str()).collect()
}

/// Every bug of the table is found within [`SEEDS`] and never called something else. Returns what
/// is said of each.
fn find_all<B: Copy + std::fmt::Debug + 'static>(
    workload: &str,
    rows: &[Row<B>],
    make: fn(B) -> Box<dyn Machine>,
) -> String {
    let mut said = String::new();
    for Row { bug, place, named, beside } in rows {
        let found = (0..SEEDS).find_map(|seed| {
            let verdict = verdict(workload, *place, seed, || make(*bug));
            let kinds = kinds(&verdict);
            let strange = kinds.iter().find(|kind| *kind != named && !beside.contains(kind));
            assert_eq!(strange, None, "{bug:?}, seed {seed}: {kinds:?}");
            assert_eq!(verdict.validity == Validity::Invalid, !kinds.is_empty());
            let anomalies = verdict.anomalies().into_iter();
            let mut anomalies = anomalies.filter(|(_, anomaly)| anomaly.kind == *named);
            let (_, anomaly) = anomalies.next()?;
            assert!(!anomaly.operations.is_empty(), "{bug:?}: nothing proves it");
            let (claim, operations) = (&anomaly.claim, &anomaly.operations);
            let steps = anomaly.steps.iter().map(|step| format!("    {step}\n"));
            let steps = steps.collect::<String>();
            Some(format!(
                "{bug:?} ({place:?}, seed {seed})\n  {named}: {claim}\n{steps}  {operations:?}\n"
            ))
        });
        said += &found.unwrap_or_else(|| {
            panic!("{bug:?} is not found as {named} within {SEEDS} seeds");
        });
    }
    said
}

/// The nodes without a bug pass wherever the others fail.
fn pass_everywhere<B: Copy + std::fmt::Debug + 'static>(
    workload: &str,
    sound: &[B],
    make: fn(B) -> Box<dyn Machine>,
) {
    pass_at(&PLACES, workload, sound, make);
}

/// The nodes without a bug pass at these places.
fn pass_at<B: Copy + std::fmt::Debug + 'static>(
    places: &[Place],
    workload: &str,
    sound: &[B],
    make: fn(B) -> Box<dyn Machine>,
) {
    for bug in sound {
        for &place in places {
            for seed in 0..3 {
                let verdict = verdict(workload, place, seed, || make(*bug));
                let found = verdict.anomalies();
                let valid = verdict.validity == Validity::Valid;
                assert!(valid, "{bug:?}, {place:?}, seed {seed}: {found:?}");
            }
        }
    }
}
