//! The node by Raft, under faults and without, as the README has it.
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-kafka --test raft -- --nocapture
//! ```

use kolk_node::Machine;
use kolk_sweep::{Spread, assert_caught, assert_replicated, for_seeds, load, measure, seeds};
use kolk_workload::planner::Concurrency;

fn make(args: &[String]) -> Box<dyn Machine> {
    kolk_node::machine(kolk_kafka::factory(args).expect("arguments"))
}

#[test]
fn nothing_is_lost_under_many_faults_at_once() {
    assert_replicated("kafka", "--raft", &[], make);
}

/// Without `--raft` nothing is on a disk, and kolk finds it.
#[test]
fn without_raft_what_is_acknowledged_can_be_lost() {
    assert_caught("kafka", "", make);
}

/// The load of challenge 5, on three nodes and on five.
#[test]
fn messages_without_faults() {
    for (nodes, rate, most) in [(3, 1000.0, 3.0), (5, 1000.0, 4.0), (5, 100.0, 8.0)] {
        let runs = for_seeds(0..seeds(1), |seed| {
            let mut settings = load("kafka", "--raft", seed, nodes, rate);
            settings.concurrency = Concurrency::PerNode(10);
            settings.latency = 10.0;
            settings.time_limit = 5.0;
            let run = measure(&settings, make);
            run.assert_valid("no faults");
            assert_eq!(run.of("offset-holes"), 0.0, "seed {seed}");
            run
        });
        let spread = |name: &str| Spread::of(runs.iter().map(|run| run.of(name)));
        let messages = spread("server-messages-per-operation");
        println!(
            "{nodes} nodes, rate {rate}: {:.2} ({:.2}–{:.2}) messages an operation, availability \
             {:.4}, median {:.1} ms, longest {:.0} ms, worst lag {:.0} ms",
            messages.mean,
            messages.least,
            messages.greatest,
            spread("availability").mean,
            spread("latency-median").mean,
            spread("latency-max").greatest,
            spread("realtime-lag-max").greatest,
        );
        assert!(messages.greatest <= most, "{nodes} nodes, rate {rate}: {messages:?}");
    }
}
