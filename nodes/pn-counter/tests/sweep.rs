//! The counter's promises under trouble: a few seeds of each, and the table of the README:
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-pn-counter --test sweep -- --ignored --nocapture
//! ```

use kolk_history::plan::LatencyDistribution;
use kolk_sweep::trouble::{lossy, rare_partitions};
use kolk_sweep::{Measured, Show, Sweep, load};
use kolk_workload::Settings;

/// A name, and the node's arguments.
const MODES: [(&str, &str); 4] = [
    ("deltas", ""),
    ("deltas, few messages", "--flush-ms 1500"),
    ("deltas, low latency", "--direct"),
    ("full state", "--full-state-ms 1000"),
];

const TROUBLES: [(&str, fn(&mut Settings)); 6] = [
    ("no trouble", |_| {}),
    ("partitions", rare_partitions),
    ("loss 0.1", |settings| settings.loss = 0.1),
    ("duplication 0.1", |settings| settings.duplication = 0.1),
    ("a node cut off", |settings| {
        let cut = format!("n{}@0..20", settings.seed % 5);
        settings.cuts.push(cut.parse().expect("a cut"));
    }),
    ("all at once", |settings| {
        settings.latency_dist = LatencyDistribution::Exponential;
        lossy(settings, 0.1);
        rare_partitions(settings);
    }),
];

/// The load of `-w pn-counter --node-count 5 --rate 100 --time-limit 20 --latency 100`, changed,
/// with the stronger checks.
fn measure(args: &str, seed: u64, change: impl FnOnce(&mut Settings)) -> Measured {
    let mut settings = load("pn-counter", args, seed, 5, 100.0);
    settings.latency = 100.0;
    change(&mut settings);
    kolk_sweep::measure(&settings, |args| {
        kolk_node::machine(kolk_pn_counter::factory(args).expect("arguments"))
    })
}

#[test]
fn holds_its_promises() {
    for (mode, args) in MODES {
        for (trouble, change) in TROUBLES {
            for seed in 0..3 {
                let measured = measure(args, seed, change);
                measured.assert_valid(&format!("{mode}, {trouble}"));
                assert_eq!(measured.of("availability"), 1.0, "{mode}, {trouble}, seed {seed}");
            }
        }
    }
}

#[test]
#[ignore = "a minute long: the sweep of the README"]
fn table() {
    let mut sweep = Sweep::from_env()
        .column("messages per operation", "server-messages-per-operation", Show::Median, 3)
        .column("availability", "availability", Show::Least, 4);
    for (mode, args) in MODES {
        for (trouble, change) in TROUBLES {
            sweep.row(&format!("{mode}, {trouble}"), |seed| measure(args, seed, change));
        }
    }
    sweep.finish();
}
