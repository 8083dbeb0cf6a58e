//! What a person is told of each type of anomaly: the whole text, in a snapshot.

use std::fmt::Write as _;

use kolk_history::History;

use super::list_append;
use super::rw_register::{self, AssumedKeys};
use super::testing::{history, register_history};
use crate::check::{Anomaly, Check};
use crate::models::{Model, Models};

const STRICT: Model = Model::StrictSerializable;
const SESSION: Model = Model::StrongSessionSerializable;

/// Without a cycle, for lists.
const LISTS: &[(&str, &str)] = &[
    ("G1a", "ax1! rx1"),
    ("G1b", "ax1ax2 rx1"),
    ("internal", "ax1rx2 ax2"),
    ("future-read", "rx1ax1"),
    ("dirty-update", "ax1! ax2 rx12"),
    ("duplicate-elements", "ax1 rx11"),
    ("incompatible-order", "ax1 ax2 rx12 rx21"),
    ("lost-update", "rx_ax1 rx_ax2"),
    ("garbage-read", "rx1"),
];

/// Without a cycle of transactions, for registers.
const REGISTERS: &[(&str, &str)] = &[
    ("G1a", "wx1! rx1"),
    ("G1b", "wx1wx2 rx1"),
    ("internal", "wx1rx2 wx2"),
    ("future-read", "rx1wx1"),
    ("lost-update", "rx_wx1 rx_wx2"),
    ("cyclic-versions", "rx1wx2 rx2wx1"),
    ("garbage-read", "rx1wy1"),
];

/// Cycles, with `a` for what writes.
const CYCLES: &[(&str, &str)] = &[
    ("G1c", "ax1ry1 ay1rx1"),
    ("G-single-item", "ax1ay1 rx_ry1"),
    ("G-nonadjacent-item", "ax1 ay1 rx1ry_ rx_ry1"),
    ("G2-item", "rx_ay1 ry_ax1"),
    ("G1c-process", "1:rx1 / 1:ax1"),
    ("G-single-item-process", "1:ax1 / 1:rx_"),
    ("G-nonadjacent-item-process", "1:ax1 2:ay1 / 1:ry_ 2:rx_"),
    ("G2-item-process", "1:ay1 2:ax1ry_ / 1:rx_"),
    ("G1c-realtime", "rx1 / ax1"),
    ("G-single-item-realtime", "ax1 / rx_"),
];

/// Those of overwriting alone, which lists and registers tell in different ways.
const OVERWRITING: &[(&str, &str)] = &[
    ("G0", "ax1ay1 ax2ay2 rx12ry21"),
    ("G0-process", "1:ax2 / 1:ax1 / rx12"),
    ("G0-realtime", "ax2 / ax1 / rx12"),
    ("G0", "wx1ry1wy2 rx1wx2wy1"),
    ("G0-process", "1:rx1wx2 / 1:wx1"),
    ("G0-realtime", "rx1wx2 / wx1"),
];

/// Levels that were decided exactly, for registers.
const LEVELS: &[(&str, &str)] = &[
    ("read-committed-violation", "1:wx1wy1? 2:rx1ry_"),
    ("read-committed-violation-process", "1:ry1 2:rx1 / 1:wx1 2:wy1"),
    ("read-atomic-violation", "1:wx1wy1 2:wx2wy2 3:rx1ry2"),
    ("read-atomic-violation-process", "1:wx1 / 1:rx_"),
    ("causal-violation", "1:wx1 2:rx1wy1 3:ry1rx_"),
    ("causal-violation-process", "1:wx1 / 1:wx2 / 2:rx2 / 2:rx1"),
];

/// What is assumed of keys, and what follows.
const ASSUMED: &[(&str, &str, AssumedKeys)] = {
    const NONE: AssumedKeys = AssumedKeys { sequential: false, linearizable: false };
    const SEQUENTIAL: AssumedKeys = AssumedKeys { sequential: true, ..NONE };
    const LINEARIZABLE: AssumedKeys = AssumedKeys { linearizable: true, ..NONE };
    &[
        ("cyclic-versions", "1:wx1 / 1:wx2 / 1:rx1", SEQUENTIAL),
        ("cyclic-versions", "1:wx1 / 2:rx1 / 2:rx_", SEQUENTIAL),
        ("cyclic-versions", "wx1 / wx2 / rx1", LINEARIZABLE),
        ("G-single-item", "2:wx1 / 3:wx2wy1 / 1:rx1 / 1:rx2 / 4:rx1ry1", SEQUENTIAL),
        ("G-single-item", "wx1 / wx2wy1 rx1ry1", LINEARIZABLE),
        ("G0", "wx1wy1 wx2wy2 / rx2 ry1", LINEARIZABLE),
    ]
};

/// What overlaps more than groups can say, of lists.
const OVERLAPPING: &[(&str, &str)] = &[
    (
        "G-nonadjacent-item-realtime",
        "{:type :invoke, :process 1, :f :txn, :value [[:append x 1] [:append y 1]]}
         {:type :invoke, :process 2, :f :txn, :value [[:append z 1]]}
         {:type :invoke, :process 3, :f :txn, :value [[:r y nil] [:r z nil]]}
         {:type :ok, :process 2, :f :txn, :value [[:append z 1]]}
         {:type :invoke, :process 4, :f :txn, :value [[:r x nil]]}
         {:type :ok, :process 4, :f :txn, :value [[:r x nil]]}
         {:type :ok, :process 1, :f :txn, :value [[:append x 1] [:append y 1]]}
         {:type :ok, :process 3, :f :txn, :value [[:r y [1]] [:r z nil]]}",
    ),
    (
        "G2-item-realtime",
        "{:type :invoke, :process 1, :f :txn, :value [[:append x 1] [:r y nil]]}
         {:type :invoke, :process 2, :f :txn, :value [[:append y 1]]}
         {:type :ok, :process 2, :f :txn, :value [[:append y 1]]}
         {:type :invoke, :process 3, :f :txn, :value [[:r x nil]]}
         {:type :ok, :process 3, :f :txn, :value [[:r x nil]]}
         {:type :ok, :process 1, :f :txn, :value [[:append x 1] [:r y nil]]}",
    ),
];

fn lists(history: &History, model: Model) -> Check {
    list_append::check(history, Models::new(&[model]))
}

fn registers(history: &History, model: Model, keys: AssumedKeys) -> Check {
    rw_register::check_assuming(history, Models::new(&[model]), keys)
}

/// The model to ask for so that a cycle goes by its name.
fn model_for(kind: &str) -> Model {
    if kind.ends_with("-process") { SESSION } else { STRICT }
}

fn told(out: &mut String, title: &str, kind: &str, check: &Check) {
    let mut all = check.anomalies.iter().chain(&check.stronger);
    let Some(anomaly) = all.find(|anomaly| anomaly.kind == kind) else {
        panic!("no {kind} in {title}: {check:#?}");
    };
    let Anomaly { claim, steps, operations, smallest, .. } = anomaly;
    let _ = writeln!(out, "== {kind}: {title}\n{claim}");
    for step in steps {
        let _ = writeln!(out, "  – {step}");
    }
    let _ = writeln!(out, "  evidence {operations:?}, smallest {smallest:?}\n");
}

#[test]
fn lists_in_words() {
    let mut out = String::new();
    for (kind, text) in LISTS.iter().chain(CYCLES).chain(&OVERWRITING[..3]) {
        told(&mut out, text, kind, &lists(&history(text), model_for(kind)));
    }
    for (kind, text) in OVERLAPPING {
        let history = kolk_history::jepsen::read(text.as_bytes(), Vec::new()).expect("a history");
        told(&mut out, "overlapping", kind, &lists(&history, STRICT));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn registers_in_words() {
    let mut out = String::new();
    let none = AssumedKeys::default();
    let cycles: Vec<(&str, String)> =
        CYCLES.iter().map(|(kind, text)| (*kind, text.replace('a', "w"))).collect();
    let cycles = cycles.iter().map(|(kind, text)| (*kind, text.as_str()));
    for (kind, text) in REGISTERS.iter().chain(&OVERWRITING[3..]).copied().chain(cycles) {
        let check = registers(&register_history(text), model_for(kind), none);
        told(&mut out, text, kind, &check);
    }
    for (kind, text) in LEVELS {
        told(&mut out, text, kind, &registers(&register_history(text), Model::Causal, none));
    }
    for (kind, text, keys) in ASSUMED {
        told(&mut out, text, kind, &registers(&register_history(text), STRICT, *keys));
    }
    insta::assert_snapshot!(out);
}
