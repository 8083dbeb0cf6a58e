//! Challenges 5a to 5c, and worse than they ask for: the node under every kind of trouble.
//!
//! The table of the README:
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-kafka --test sweep -- --ignored --nocapture
//! ```
//!
//! `KOLK_ONLY=loss` measures only the rows whose names contain that.

use kolk_sweep::trouble::{self, partitions};
use kolk_sweep::{Measured, Show, Sweep, load};
use kolk_workload::Settings;
use kolk_workload::planner::{Concurrency, Nodes};

/// What a load and its network are like: a name, the node's arguments, and what is different from
/// challenge 5b.
type Row = (&'static str, &'static str, fn(&mut Settings));

/// The least availability, and the most server messages an operation, of any one run.
type Limits = (f64, f64);

const ROWS: [(Row, Limits); 13] = [
    (("5a", "", |settings| settings.nodes = Nodes::Count(1)), (0.999, 0.0)),
    (("5b and 5c", "", |_| {}), (0.999, 1.02)),
    (("batches of 2 ms", "--batch-ms 2", |_| {}), (0.999, 0.8)),
    (("batches of 5 ms", "--batch-ms 5", |_| {}), (0.999, 0.6)),
    (("partitions", "", partitions), (0.0, 1.1)),
    (("loss 0.05", "", |settings| settings.loss = 0.05), (0.999, 1.1)),
    (("duplication 0.05", "", |settings| settings.duplication = 0.05), (0.999, 1.04)),
    (("exponential latency of 20 ms", "", |settings| latency(settings, 20.0, 100.0)), (0.99, 1.2)),
    (("exponential latency of 100 ms", "", |settings| latency(settings, 100.0, 20.0)), (0.96, 1.3)),
    (("all at once", "", all_at_once), (0.0, 1.5)),
    (("five nodes", "", |settings| five(settings, |_| {})), (0.998, 1.15)),
    (("five nodes, partitions", "", |settings| five(settings, partitions)), (0.0, 1.3)),
    (("five nodes, all at once", "", |settings| five(settings, all_at_once)), (0.0, 2.7)),
];

fn five(settings: &mut Settings, change: fn(&mut Settings)) {
    settings.nodes = Nodes::Count(5);
    change(settings);
}

/// Latencies so long want a slower load: each worker waits for its answer.
fn latency(settings: &mut Settings, latency: f64, rate: f64) {
    trouble::exponential(settings, latency);
    settings.rate = rate;
}

fn all_at_once(settings: &mut Settings) {
    trouble::all_at_once(settings, 20.0);
    settings.rate = 100.0;
}

/// The load of `-w kafka --node-count 2 --concurrency 2n --time-limit 20 --rate 1000`, changed,
/// with the stronger checks. The owners leave no holes.
fn measure((name, args, change): Row, seed: u64) -> Measured {
    let mut settings = load("kafka", args, seed, 2, 1000.0);
    settings.concurrency = Concurrency::PerNode(2);
    change(&mut settings);
    let measured = kolk_sweep::measure(&settings, |args| {
        kolk_node::machine(kolk_kafka::factory(args).expect("arguments"))
    });
    assert_eq!(measured.of("offset-holes"), 0.0, "{name}, seed {seed}");
    measured
}

#[test]
fn holds_its_promises() {
    for (row, (availability, messages)) in ROWS {
        for seed in 1000..1002 {
            let measured = measure(row, seed);
            measured.assert_valid(row.0);
            let sent = measured.of("server-messages-per-operation");
            assert!(sent <= messages, "{}, seed {seed}: {sent}", row.0);
            let ok = measured.of("availability");
            assert!(ok >= availability, "{}, seed {seed}: {ok}", row.0);
        }
    }
}

#[test]
#[ignore = "minutes long: the sweep of the README"]
fn table() {
    let mut sweep = Sweep::from_env()
        .column("messages per operation", "server-messages-per-operation", Show::Mean, 3)
        .column("availability", "availability", Show::Mean, 4)
        .column("operations/s", "rate", Show::Least, 0)
        .column("longest operation, ms", "latency-max", Show::Greatest, 0)
        .column("worst lag, ms", "realtime-lag-max", Show::Greatest, 0);
    for (row, _) in ROWS {
        sweep.row(row.0, |seed| measure(row, seed));
    }
    sweep.finish();
}
