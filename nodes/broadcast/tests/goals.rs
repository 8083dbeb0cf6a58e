//! The goals of challenges 3d and 3e, and that nothing is ever lost: a few seeds of each. The same
//! for hundreds of seeds is `sweep.rs`.

mod common;

use common::{Measured, SETTINGS, Scenario, measure};
use kolk_history::plan::LatencyDistribution;

const SEEDS: std::ops::Range<u64> = 1000..1003;

fn valid(scenario: &Scenario, seed: u64) -> Measured {
    let measured = measure(scenario, seed);
    assert!(measured.problems.is_empty(), "seed {seed}, {scenario:?}: {:?}", measured.problems);
    measured
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
            let m = valid(&Scenario::of(args), seed);
            assert!(m.per_operation <= goal.0, "{name}: {m:?}");
            assert!(m.per_broadcast <= goal.1, "{name}: {m:?}");
            assert!(m.median_ms <= goal.2 && m.max_ms <= goal.3, "{name}: {m:?}");
        }
    }
}

#[test]
fn partitions_lose_nothing() {
    for (_, args) in SETTINGS {
        for seed in SEEDS {
            valid(&Scenario { partitions: true, ..Scenario::of(args) }, seed);
        }
    }
}

#[test]
fn a_lossy_network_loses_nothing() {
    for (_, args) in SETTINGS {
        for seed in SEEDS {
            valid(&Scenario { loss: 0.1, ..Scenario::of(args) }, seed);
        }
    }
}

#[test]
fn whoever_is_cut_off_catches_up() {
    for (_, args) in SETTINGS {
        for node in [0, 1, 13] {
            let cut = Some(format!("n{node}@0..20"));
            valid(&Scenario { cut, ..Scenario::of(args) }, node);
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
                let scenario = Scenario { nodes, latency, latency_dist, ..Scenario::of(args) };
                valid(&Scenario { duplication: 0.1, loss: 0.1, ..scenario }, 1);
            }
        }
    }
}

#[test]
fn any_topology_will_do() {
    for topology in ["grid", "line", "total", "tree", "tree4"] {
        for args in ["--topology", "--topology --flush-ms 100"] {
            let scenario = Scenario { nodes: 9, topology, ..Scenario::of(args) };
            valid(&scenario, 1);
            valid(&Scenario { loss: 0.1, partitions: true, ..scenario }, 2);
        }
    }
}

#[test]
fn any_number_of_nodes_will_do() {
    for nodes in [1, 2, 3, 60] {
        for args in ["", "--at-once", "--flush-ms 0", "--direct", "--topology"] {
            valid(&Scenario { nodes, partitions: true, ..Scenario::of(args) }, 5);
        }
    }
}
