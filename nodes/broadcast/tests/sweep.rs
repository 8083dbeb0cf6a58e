//! Every setting under every kind of trouble, for many seeds: prints the table of the README, and
//! fails if anything is lost.
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-broadcast --test sweep -- --ignored --nocapture
//! ```
//!
//! `KOLK_ARGS="--flush-ms 1000"` measures these arguments instead of the settings, and
//! `KOLK_ONLY=loss` only the rows whose names contain that.

mod common;

use common::{SETTINGS, measure};
use kolk_history::plan::LatencyDistribution;
use kolk_sweep::{Show, Sweep};
use kolk_workload::Settings;
use kolk_workload::planner::Nemesis;

const TROUBLES: [(&str, fn(&mut Settings)); 9] = [
    ("no trouble", |_| {}),
    ("partition", |settings| settings.nemesis.push(Nemesis::Partition)),
    ("loss 0.1", |settings| settings.loss = 0.1),
    ("cut each node", |settings| cut(settings, settings.seed % 25)),
    ("cut n0", |settings| cut(settings, 0)),
    ("duplication 0.1", |settings| settings.duplication = 0.1),
    ("exponential", |settings| settings.latency_dist = LatencyDistribution::Exponential),
    ("uniform", |settings| settings.latency_dist = LatencyDistribution::Uniform),
    ("all at once", |settings| {
        settings.latency_dist = LatencyDistribution::Exponential;
        (settings.loss, settings.duplication) = (0.1, 0.1);
        settings.nemesis.push(Nemesis::Partition);
    }),
];

/// Takes a node from the others for the whole load.
fn cut(settings: &mut Settings, node: u64) {
    settings.cuts.push(format!("n{node}@0..20").parse().expect("a cut"));
}

#[test]
#[ignore = "minutes long: the sweep of the README"]
fn table() {
    let given = std::env::var("KOLK_ARGS").ok();
    let given = given.as_deref().map(|args| vec![("given", args)]);
    let mut sweep = Sweep::from_env()
        .column("messages per operation", "server-messages-per-operation", Show::Median, 3)
        .column("messages per broadcast", "messages-per-broadcast", Show::Median, 2)
        .column("median ms", "stable-latency-median", Show::Median, 0)
        .column("max ms", "stable-latency-max", Show::Median, 0);
    for (name, args) in given.unwrap_or(SETTINGS.to_vec()) {
        for (trouble, change) in TROUBLES {
            sweep.row(&format!("{name}, {trouble}"), |seed| measure(args, seed, change));
        }
    }
    sweep.finish();
}
