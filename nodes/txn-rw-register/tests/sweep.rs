//! Challenges 6a to 6c, and worse than they ask for: the node under every kind of trouble, held to
//! read-atomic transactions, total availability and convergence.
//!
//! The table of the README:
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-txn-rw-register --test sweep -- --ignored --nocapture
//! ```
//!
//! `KOLK_ONLY=loss` measures only the rows whose names contain that.

use kolk_sweep::trouble::{self, exponential, partitions};
use kolk_sweep::{Measured, Show, Sweep, load};
use kolk_workload::Settings;
use kolk_workload::planner::{Availability, Concurrency, Nodes};

/// What a load and its network are like: a name, the node's arguments, and what is different from
/// challenge 6b.
type Row = (&'static str, &'static str, fn(&mut Settings));

/// With the most server messages an operation of any one run.
const ROWS: [(Row, f64); 13] = [
    (("6a", "", |settings| settings.nodes = Nodes::Count(1)), 0.0),
    (("6b", "", |_| {}), 0.03),
    (("6b and 6c, partitions", "", partitions), 0.03),
    (("--flush-ms 50", "--flush-ms 50", |_| {}), 0.08),
    (("--flush-ms 50, partitions", "--flush-ms 50", partitions), 0.08),
    (("--flush-ms 20", "--flush-ms 20", |_| {}), 0.2),
    (("loss 0.05", "", |settings| settings.loss = 0.05), 0.04),
    (("duplication 0.05", "", |settings| settings.duplication = 0.05), 0.03),
    (("exponential latency of 100 ms", "", |settings| exponential(settings, 100.0)), 0.5),
    (("all at once", "", all_at_once), 0.6),
    (("five nodes", "", |settings| settings.nodes = Nodes::Count(5)), 0.1),
    (("five nodes, partitions", "", |settings| five(settings, partitions)), 0.2),
    (("five nodes, all at once", "", |settings| five(settings, all_at_once)), 2.0),
];

fn five(settings: &mut Settings, change: fn(&mut Settings)) {
    settings.nodes = Nodes::Count(5);
    change(settings);
}

fn all_at_once(settings: &mut Settings) {
    trouble::all_at_once(settings, 100.0);
}

/// The load of challenge 6b, `-w txn-rw-register --node-count 2 --concurrency 2n --rate 1000
/// --availability total`, for so many seconds, changed, with the stronger checks.
fn measure((_, args, change): Row, seconds: f64, seed: u64) -> Measured {
    let mut settings = load("txn-rw-register", args, seed, 2, 1000.0);
    settings.concurrency = Concurrency::PerNode(2);
    settings.time_limit = seconds;
    settings.availability = Some(Availability::Total);
    let models = ("consistency-models".to_owned(), "read-atomic".to_owned());
    settings.workload_settings.extend([models]);
    change(&mut settings);
    kolk_sweep::measure(&settings, |args| {
        kolk_node::machine(kolk_txn_rw_register::factory(args).expect("arguments"))
    })
}

#[test]
fn holds_its_promises() {
    for (row, messages) in ROWS {
        let measured = measure(row, 5.0, 1000);
        measured.assert_valid(row.0);
        // A shorter load leaves more of the messages that close a run to each operation.
        let sent = measured.of("server-messages-per-operation");
        assert!(sent <= messages * 1.5, "{}: {sent}", row.0);
    }
}

#[test]
#[ignore = "minutes long: the sweep of the README"]
fn table() {
    let mut sweep = Sweep::from_env()
        .column("messages per operation", "server-messages-per-operation", Show::Mean, 3)
        .column("availability", "availability", Show::Least, 1)
        .column("operations/s", "rate", Show::Least, 0)
        .column("longest operation, ms", "latency-max", Show::Greatest, 0);
    for (row, messages) in ROWS {
        for measured in sweep.row(row.0, |seed| measure(row, 20.0, seed)) {
            let sent = measured.of("server-messages-per-operation");
            assert!(sent <= messages, "{}, seed {}: {sent}", row.0, measured.seed);
        }
    }
    sweep.finish();
}
