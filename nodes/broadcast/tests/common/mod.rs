//! The load of challenge 3d against this node.

use std::cell::Cell;

use kolk_history::{Function, Phase};
use kolk_sweep::{Busy, Measured, judge, load};
use kolk_workload::Settings;

/// The settings under test: a name, and the node's arguments.
pub const SETTINGS: [(&str, &str); 3] =
    [("default", ""), ("few messages", "--flush-ms 1500"), ("low latency", "--direct")];

/// The load of `-w broadcast --node-count 25 --time-limit 20 --rate 100 --latency 100`, changed,
/// with the stronger checks. Beside what checkers measure there is `messages-per-broadcast`.
pub fn measure(args: &str, seed: u64, change: impl FnOnce(&mut Settings)) -> Measured {
    measure_busy(args, seed, Busy::default(), change)
}

/// The same load as [`measure`]'s, on a machine that is this busy.
pub fn measure_busy(
    args: &str,
    seed: u64,
    busy: Busy,
    change: impl FnOnce(&mut Settings),
) -> Measured {
    let mut settings = load("broadcast", args, seed, 25, 100.0);
    settings.latency = 100.0;
    change(&mut settings);
    let made = Cell::new(0);
    let judged = judge(&settings, |args| {
        let machine = kolk_node::machine(kolk_broadcast::factory(args).expect("arguments"));
        let number = made.replace(made.get() + 1);
        busy.node(seed, number, machine)
    });
    let summary = &judged.run.summary;
    // The trouble that was asked for did happen.
    assert!(settings.cuts.is_empty() || summary.cut_count > 0, "nothing was cut off");
    let operations = judged.run.history.operations.iter();
    let broadcasts = operations.filter(|operation| {
        operation.function == Function::Broadcast && operation.phase != Phase::Convergence
    });
    let per_broadcast = summary.servers.send_count as f64 / broadcasts.count() as f64;
    judged.measured().with("messages-per-broadcast", per_broadcast)
}
