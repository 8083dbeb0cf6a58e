//! The transactor under every kind of trouble, held to strict serializability.
//!
//! The table of the README:
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-txn-list-append --test sweep -- --ignored --nocapture
//! ```
//!
//! `KOLK_ONLY=loss` measures only the rows whose names contain that.

use kolk_history::{Outcome, Value};
use kolk_sweep::trouble::{all_at_once, exponential, partitions};
use kolk_sweep::{Measured, Show, Sweep, load};
use kolk_workload::Settings;
use kolk_workload::planner::{Concurrency, Nodes};

/// What a load and its network are like: a name, the node's further arguments, and what is
/// different from the load of [`measure`].
type Row = (&'static str, &'static str, fn(&mut Settings));

/// The most server messages an operation, the most of all operations that are aborted, and the most
/// whose outcome is unknown.
type Limits = (f64, f64, f64);

const ROWS: [(Row, Limits); 12] = [
    (("tree", "", |_| {}), (11.0, 0.0, 0.0)),
    (("whole", "--whole", |_| {}), (4.5, 0.0, 0.0)),
    (("tree, one node", "", |settings| settings.nodes = Nodes::Count(1)), (5.0, 0.0, 0.0)),
    (("whole, one node", "--whole", |settings| settings.nodes = Nodes::Count(1)), (3.0, 0.0, 0.0)),
    (("tree, latency of 20 ms", "", |settings| exponential(settings, 20.0)), (14.0, 0.3, 0.0)),
    (
        ("whole, latency of 20 ms", "--whole", |settings| exponential(settings, 20.0)),
        (8.0, 0.3, 0.0),
    ),
    (("tree, partitions", "", partitions), (11.0, 0.0, 0.0)),
    (("whole, partitions", "--whole", partitions), (4.5, 0.0, 0.0)),
    (("tree, loss 0.05", "", |settings| settings.loss = 0.05), (12.0, 0.1, 0.01)),
    (("whole, loss 0.05", "--whole", |settings| settings.loss = 0.05), (6.0, 0.1, 0.01)),
    (("tree, all at once", "", |settings| all_at_once(settings, 20.0)), (20.0, 0.4, 0.02)),
    (("whole, all at once", "--whole", |settings| all_at_once(settings, 20.0)), (10.0, 0.4, 0.02)),
];

/// The load of `-w txn-list-append --node-count 3 --concurrency 2n --time-limit 20 --rate 100` with
/// `--service lin-kv`, changed, with the stronger checks.
fn measure((_, args, change): Row, seconds: f64, seed: u64) -> Measured {
    let args = format!("--service lin-kv {args}");
    let mut settings = load("txn-list-append", args.trim_end(), seed, 3, 100.0);
    settings.concurrency = Concurrency::PerNode(2);
    settings.time_limit = seconds;
    change(&mut settings);
    let judged = kolk_sweep::judge(&settings, |args| {
        kolk_node::machine(kolk_txn_list_append::factory(args).expect("arguments"))
    });
    let counted: Vec<_> = judged.run.history.counted().collect();
    let fraction = |outcome: Outcome| {
        let count = counted.iter().filter(|operation| operation.outcome == outcome).count();
        count as f64 / counted.len() as f64
    };
    // Services are never cut off: whatever fails, fails because another transaction was quicker.
    for failed in counted.iter().filter(|operation| operation.outcome == Outcome::Fail) {
        let code = failed.result.as_list().and_then(|error| error[0].as_int());
        assert_eq!(code, Some(30), "seed {seed}: {}", failed.result);
    }
    for unknown in counted.iter().filter(|operation| operation.outcome == Outcome::Info) {
        assert_ne!(unknown.result, Value::text("timeout"), "seed {seed}: the node gives no answer");
    }
    let measured = judged.measured();
    measured.with("aborted", fraction(Outcome::Fail)).with("unknown", fraction(Outcome::Info))
}

#[test]
fn holds_its_promises() {
    for (row, (messages_max, aborted_max, unknown_max)) in ROWS {
        let measured = measure(row, 5.0, 1000);
        measured.assert_valid(row.0);
        for (name, most) in [
            ("server-messages-per-operation", messages_max),
            ("aborted", aborted_max),
            ("unknown", unknown_max),
        ] {
            let value = measured.of(name);
            assert!(value <= most, "{}: {name} is {value}", row.0);
        }
    }
}

#[test]
#[ignore = "minutes long: the sweep of the README"]
fn table() {
    let mut sweep = Sweep::from_env()
        .column("messages per operation", "server-messages-per-operation", Show::Mean, 2)
        .column("aborted", "aborted", Show::Mean, 4)
        .column("unknown", "unknown", Show::Greatest, 4)
        .column("operations/s", "rate", Show::Least, 0)
        .column("median latency, ms", "latency-median", Show::Mean, 1)
        .column("longest operation, ms", "latency-max", Show::Greatest, 0);
    for (row, _) in ROWS {
        sweep.row(row.0, |seed| measure(row, 20.0, seed));
    }
    sweep.finish();
}
