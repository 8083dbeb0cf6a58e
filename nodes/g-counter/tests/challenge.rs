//! Challenge 4, and worse than it asks for: every mode of the node under every kind of trouble.
//!
//! The sweep of the README:
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-g-counter --test challenge -- --ignored --nocapture
//! ```

use kolk_sweep::trouble::{exponential, lossy, rare_partitions};
use kolk_sweep::{Measured, Show, Sweep, load};
use kolk_workload::Settings;
use kolk_workload::planner::Concurrency;

/// The modes: a name, the node's arguments, and the most server messages an operation may cost when
/// nothing but partitions goes wrong.
const MODES: [(&str, &str, f64); 4] = [
    ("stored", "", 0.8),
    ("write-behind", "--write-behind-ms 1000", 0.3),
    ("own store", "--own-store", 0.4),
    ("crdt", "--crdt", 0.3),
];

/// What goes wrong beside partitions, and how the network is.
const TROUBLES: [(&str, fn(&mut Settings)); 6] = [
    ("partitions alone", |_| {}),
    ("no partitions", |settings| settings.nemesis.clear()),
    ("latency 100 ms", |settings| exponential(settings, 100.0)),
    ("loss 0.05", |settings| settings.loss = 0.05),
    ("duplication 0.1", |settings| settings.duplication = 0.1),
    ("all at once", |settings| {
        exponential(settings, 100.0);
        lossy(settings, 0.1);
        settings.concurrency = Concurrency::Workers(12);
    }),
];

/// Flags of the challenge: `-w g-counter --node-count 3 --rate 100 --time-limit 20 --nemesis
/// partition`, changed.
fn measure(args: &str, seed: u64, change: impl FnOnce(&mut Settings)) -> Measured {
    let mut settings = load("g-counter", args, seed, 3, 100.0);
    rare_partitions(&mut settings);
    change(&mut settings);
    kolk_sweep::measure(&settings, |args| {
        kolk_node::machine(kolk_g_counter::factory(args).expect("arguments"))
    })
}

#[test]
fn holds_its_promises() {
    for (mode, args, most) in MODES {
        for (at, (trouble, change)) in TROUBLES.into_iter().enumerate() {
            for seed in 0..3 {
                let measured = measure(args, seed, change);
                measured.assert_valid(&format!("{mode}, {trouble}"));
                let messages = measured.of("server-messages-per-operation");
                assert!(at != 0 || messages <= most, "{mode}, seed {seed}: {messages}");
            }
        }
    }
}

#[test]
#[ignore = "a minute long: the sweep of the README"]
fn table() {
    let mut sweep = Sweep::from_env()
        .column("messages per operation", "server-messages-per-operation", Show::Mean, 3)
        .column("availability", "availability", Show::Least, 4);
    for (mode, args, _) in MODES {
        for (trouble, change) in TROUBLES {
            sweep.row(&format!("{mode}, {trouble}"), |seed| measure(args, seed, change));
        }
    }
    sweep.finish();
}
