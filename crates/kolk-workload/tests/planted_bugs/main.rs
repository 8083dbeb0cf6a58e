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
mod seq_kv;
mod traffic;
mod transactions;
mod unique_ids;

use std::collections::BTreeSet;

use kolk_check::{Validity, Verdict};
use kolk_history::plan::LatencyDistribution;
use kolk_node::Machine;
use kolk_sweep::{built_in, judge};
use kolk_workload::Settings;
use kolk_workload::planner::{Nemesis, Nodes};

/// How many seeds a bug may hide for.
const SEEDS: u64 = 20;

/// A node with or without a bug, and where to look for it.
struct Row<B: 'static> {
    /// The bug.
    bug: B,
    /// What the run is like.
    place: Place,
    /// The anomaly that must be found.
    named: &'static str,
    /// What may be found beside it.
    beside: &'static [&'static str],
}

/// What a run is like beside the workload's own settings.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Nothing goes wrong.
    Calm,
    /// Nodes are cut off from each other now and then.
    Partitions,
    /// One node is cut off for the whole load.
    Cut,
    /// One message in ten is lost.
    Loss,
    /// One message in five arrives twice.
    Duplication,
}

fn settings(workload: &str, place: Place, seed: u64) -> Settings {
    let mut settings = Settings::new(workload, built_in("planted", ""), seed);
    settings.strict = true;
    settings.nodes = Nodes::Count(5);
    settings.rate = 40.0;
    settings.time_limit = 10.0;
    settings.latency = 20.0;
    settings.latency_dist = LatencyDistribution::Exponential;
    if workload == "txn-rw-register" {
        // What can be had with total availability.
        let models = "read-atomic".to_owned();
        settings.workload_settings.insert("consistency-models".to_owned(), models);
    }
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
    verdict.anomalies().into_iter().map(|(_, anomaly)| anomaly.kind).collect()
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

const PLACES: [Place; 5] =
    [Place::Calm, Place::Partitions, Place::Cut, Place::Loss, Place::Duplication];

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
