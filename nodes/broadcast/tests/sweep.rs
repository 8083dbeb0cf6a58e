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

use common::{SETTINGS, measure, measure_busy};
use std::time::Duration;

use kolk_history::plan::LatencyDistribution;
use kolk_sweep::trouble::{lossy, rare_partitions};
use kolk_sweep::{Busy, Measured, Show, Sweep};
use kolk_workload::Settings;

const TROUBLES: [(&str, fn(&mut Settings)); 9] = [
    ("no trouble", |_| {}),
    ("partition", rare_partitions),
    ("loss 0.1", |settings| settings.loss = 0.1),
    ("cut each node", |settings| cut(settings, settings.seed % 25)),
    ("cut n0", |settings| cut(settings, 0)),
    ("duplication 0.1", |settings| settings.duplication = 0.1),
    ("exponential", |settings| settings.latency_dist = LatencyDistribution::Exponential),
    ("uniform", |settings| settings.latency_dist = LatencyDistribution::Uniform),
    ("all at once", |settings| {
        settings.latency_dist = LatencyDistribution::Exponential;
        lossy(settings, 0.1);
        rare_partitions(settings);
    }),
];

/// By how many milliseconds messages are late and nodes get their turns late, at most.
/// And how many runs in a hundred must keep within [`LIMITS`].
const BUSY: [(&str, u64, u64, usize); 3] =
    [("jitter 30 ms", 30, 0, 99), ("nodes late 30 ms", 0, 30, 99), ("both 20 ms", 20, 20, 95)];

/// What these settings must not exceed even then: the limits of challenges 3d and 3e for latencies
/// in milliseconds, and our own goals for messages.
const LIMITS: [(&str, [(&str, f64); 3]); 2] = [
    (
        "default",
        [
            ("stable-latency-median", 400.0),
            ("stable-latency-max", 600.0),
            ("server-messages-per-operation", 1.7),
        ],
    ),
    (
        "few messages",
        [
            ("stable-latency-median", 1000.0),
            ("stable-latency-max", 2000.0),
            ("server-messages-per-operation", 0.5),
        ],
    ),
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
        for (trouble, jitter, held_up, least) in BUSY {
            let [jitter, held_up] = [jitter, held_up].map(Duration::from_millis);
            let busy = Busy { jitter, held_up };
            let row = format!("{name}, {trouble}");
            let runs = sweep.row(&row, |seed| measure_busy(args, seed, busy, |_| {}));
            let Some((_, limits)) = LIMITS.iter().find(|(limited, _)| *limited == name) else {
                continue;
            };
            let holds = |run: &&Measured| limits.iter().all(|(what, most)| run.of(what) <= *most);
            let within = runs.iter().filter(holds).count();
            if within < runs.len() {
                println!("  within all limits: {within} of {}", runs.len());
            }
            assert!(within * 100 >= runs.len() * least, "{row}: {within} of {}", runs.len());
        }
    }
    sweep.finish();
}
