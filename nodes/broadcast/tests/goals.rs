//! The goals of challenges 3d and 3e, and that nothing is ever lost: a few seeds of each. The same
//! for hundreds of seeds is `sweep.rs`.

mod common;

use std::time::Duration;

use common::{SETTINGS, measure, measure_busy};
use kolk_history::plan::LatencyDistribution;
use kolk_sweep::{Busy, Measured};
use kolk_workload::Settings;
use kolk_workload::planner::{Nemesis, Nodes};

const SEEDS: std::ops::Range<u64> = 1000..1003;

fn valid(args: &str, seed: u64, change: impl FnOnce(&mut Settings)) -> Measured {
    let measured = measure(args, seed, change);
    measured.assert_valid(args);
    measured
}

/// Valid in every setting, for all [`SEEDS`].
fn always_valid(change: impl Fn(&mut Settings)) {
    for (_, args) in SETTINGS {
        for seed in SEEDS {
            valid(args, seed, &change);
        }
    }
}

#[test]
fn few_messages_and_little_latency() {
    // For each setting: the most messages an operation and a broadcast, the greatest median and
    // the greatest maximum of latencies, in ms.
    let goals = [
        (1.7, f64::INFINITY, 300.0, 450.0),
        (0.5, f64::INFINITY, 999.0, 1999.0),
        (f64::INFINITY, 24.6, 105.0, 105.0),
    ];
    for ((name, args), goal) in SETTINGS.iter().zip(goals) {
        for seed in SEEDS {
            let m = valid(args, seed, |_| {});
            for (measure, most) in [
                ("server-messages-per-operation", goal.0),
                ("messages-per-broadcast", goal.1),
                ("stable-latency-median", goal.2),
                ("stable-latency-max", goal.3),
            ] {
                assert!(m.of(measure) <= most, "{name}, {measure}: {m:?}");
            }
        }
    }
}

/// Messages that are late by up to 30 ms each, nodes that get their turns late, and both: within
/// the limits of the challenges all the same, with few messages more.
#[test]
fn a_busy_machine_is_no_trouble() {
    let millis = Duration::from_millis;
    let limits = [(1.7, 400.0, 600.0), (0.5, 1000.0, 2000.0)];
    for ((name, args), limits) in SETTINGS.iter().zip(limits) {
        for (jitter, held_up) in [(30, 0), (0, 30), (20, 20)] {
            let busy = Busy { jitter: millis(jitter), held_up: millis(held_up) };
            for seed in SEEDS {
                let m = measure_busy(args, seed, busy, |_| {});
                m.assert_valid(args);
                for (measure, most) in [
                    ("server-messages-per-operation", limits.0),
                    ("stable-latency-median", limits.1),
                    ("stable-latency-max", limits.2),
                ] {
                    assert!(m.of(measure) <= most, "{name}, {busy:?}, {measure}: {m:?}");
                }
            }
        }
    }
}

#[test]
fn partitions_lose_nothing() {
    always_valid(|settings| settings.nemesis.push(Nemesis::Partition));
}

#[test]
fn a_lossy_network_loses_nothing() {
    always_valid(|settings| settings.loss = 0.1);
}

#[test]
fn whoever_is_cut_off_catches_up() {
    for (_, args) in SETTINGS {
        for node in [0, 1, 13] {
            let cut = format!("n{node}@0..20").parse().expect("a cut");
            valid(args, node, |settings| settings.cuts = vec![cut]);
        }
    }
}

#[test]
fn any_latency_will_do() {
    let distributions = [
        LatencyDistribution::Constant,
        LatencyDistribution::Uniform,
        LatencyDistribution::Exponential,
    ];
    for (_, args) in SETTINGS {
        for (latency, nodes) in [(0.0, 5), (1.0, 3), (500.0, 7)] {
            for latency_dist in distributions {
                valid(args, 1, |settings| {
                    settings.nodes = Nodes::Count(nodes);
                    (settings.latency, settings.latency_dist) = (latency, latency_dist);
                    (settings.duplication, settings.loss) = (0.1, 0.1);
                });
            }
        }
    }
}

#[test]
fn any_topology_will_do() {
    for topology in ["grid", "line", "total", "tree", "tree4"] {
        for args in ["--topology", "--topology --flush-ms 100"] {
            let nine = |settings: &mut Settings| {
                settings.nodes = Nodes::Count(9);
                settings.workload_settings.insert("topology".into(), topology.into());
            };
            valid(args, 1, nine);
            valid(args, 2, |settings| {
                nine(settings);
                settings.loss = 0.1;
                settings.nemesis.push(Nemesis::Partition);
            });
        }
    }
}

#[test]
fn any_number_of_nodes_will_do() {
    for nodes in [1, 2, 3, 60] {
        for args in ["", "--at-once", "--flush-ms 0", "--direct", "--topology"] {
            valid(args, 5, |settings| {
                settings.nodes = Nodes::Count(nodes);
                settings.nemesis.push(Nemesis::Partition);
            });
        }
    }
}
