//! Runs of the workload `seq-kv` against this node.

use kolk_history::{Function, Operation};
use kolk_sweep::trouble::{all_at_once, exponential, partitions};
use kolk_sweep::{Measured, Spread, judge, load};
use kolk_workload::Settings;
use kolk_workload::planner::Nodes;

/// What goes wrong.
pub const TROUBLES: &[(&str, fn(&mut Settings))] = &[
    ("nothing", |_| {}),
    ("partitions", partitions),
    ("loss 0.1", |settings| settings.loss = 0.1),
    ("duplication 0.1", |settings| settings.duplication = 0.1),
    ("partitions, loss 0.05, duplication 0.05", |settings| all_at_once(settings, 20.0)),
    ("the same at 100 ms, 3 workers a node", |settings| {
        all_at_once(settings, 100.0);
        settings.concurrency = "3n".parse().expect("a concurrency");
    }),
    ("the primary cut off for the whole load", |settings| {
        settings.cuts.push("n1@0..20".parse().expect("a cut"));
    }),
];

/// Five nodes, 20 s at 100 operations a second, exponential latency of 20 ms.
pub fn settings(trouble: fn(&mut Settings), seed: u64) -> Settings {
    let mut settings = load("seq-kv", "", seed, 5, 100.0);
    settings.nodes = Nodes::Default;
    exponential(&mut settings, 20.0);
    trouble(&mut settings);
    settings
}

/// The store gave an answer, even if it is that a comparison did not hold.
fn is_answered(operation: &Operation) -> bool {
    let error = operation.result.as_list().unwrap_or_default();
    let code = error.first().and_then(kolk_history::Value::as_int);
    operation.is_ok() || matches!(code, Some(20 | 22))
}

fn milliseconds(operation: &Operation) -> f64 {
    (operation.completed - operation.invoked).as_secs_f64() * 1e3
}

/// One run. Beside the checkers' measures: `answered`, the part of operations that the store
/// answered, `indefinite`, the part whose outcome nobody knows, and of the answered ones the
/// longest `read-ms` and the mean `update-ms`.
pub fn measure(settings: &Settings) -> Measured {
    let judged =
        judge(settings, |args| kolk_node::machine(kolk_seq_kv::factory(args).expect("arguments")));
    let all: Vec<&Operation> = judged.run.history.counted().collect();
    let part = |is_wanted: &dyn Fn(&Operation) -> bool| {
        all.iter().filter(|operation| is_wanted(operation)).count() as f64 / all.len() as f64
    };
    let is_info = |operation: &Operation| operation.outcome == kolk_history::Outcome::Info;
    let (answered, indefinite) = (part(&is_answered), part(&is_info));
    let times = |is_read: bool| {
        let answered = all.iter().filter(|operation| is_answered(operation));
        let wanted = answered.filter(|op| (op.function == Function::Read) == is_read);
        Spread::of(wanted.map(|operation| milliseconds(operation)))
    };
    let (reads, updates) = (times(true), times(false));
    judged
        .measured()
        .with("answered", answered)
        .with("indefinite", indefinite)
        .with("read-ms", reads.greatest)
        .with("update-ms", updates.mean)
        .with("update-ms-max", updates.greatest)
}
