//! Many seeds under every kind of trouble. The table of the README:
//! `KOLK_SEEDS=200 cargo test --release -p kolk-seq-kv --test sweep -- --ignored --nocapture`.

mod common;

use common::{TROUBLES, measure, settings};
use kolk_sweep::{Show, Sweep};

#[test]
fn is_sequentially_consistent_whatever_goes_wrong() {
    for (name, trouble) in TROUBLES {
        for seed in 0..4 {
            let measured = measure(&settings(*trouble, seed));
            measured.assert_valid(name);
            assert_eq!(measured.of("read-ms"), 0.0, "{name}: reads are answered at once");
            let cut = name.contains("cut") || name.contains("partitions") || name.contains("same");
            assert!(cut || measured.of("answered") == 1.0, "{name}, seed {seed}: all is answered");
        }
    }
}

#[test]
#[ignore = "minutes long: the sweep of the README"]
fn table() {
    let mut sweep = Sweep::from_env()
        .column("messages per operation", "server-messages-per-operation", Show::Mean, 3)
        .column("answered", "answered", Show::Mean, 4)
        .column("outcome unknown", "indefinite", Show::Greatest, 4)
        .column("reads, ms", "read-ms", Show::Greatest, 0)
        .column("updates, ms", "update-ms", Show::Mean, 0);
    for (name, trouble) in TROUBLES {
        sweep.row(name, |seed| measure(&settings(*trouble, seed)));
    }
    sweep.finish();
}
