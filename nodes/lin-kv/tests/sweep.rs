//! The store under all faults at once, within a budget that leaves a majority:
//!
//! ```text
//! KOLK_SEEDS=1000 cargo test --release -p kolk-lin-kv --test sweep -- --nocapture
//! ```
//!
//! Partitions, cuts in one direction, kills, pauses, losses of power, lost and doubled messages,
//! while each node is killed in its turn: all runs are linearizable, what the nodes said to each
//! other keeps the invariants of Raft, and there is service whenever a majority was connected for
//! 5 s. With slow links as well, where a message can take 50 times as long, all are linearizable.

use kolk_node::Machine;
use kolk_sweep::{assert_replicated, for_seeds, judge_replicated, load, seeds, trouble};
use kolk_workload::planner::{Concurrency, Nemesis};

fn store(args: &[String]) -> Box<dyn Machine> {
    kolk_node::machine(kolk_lin_kv::factory(args).expect("arguments"))
}

#[test]
fn it_is_linearizable_and_there_under_many_faults_at_once() {
    assert_replicated("lin-kv", "", &[], store);
}

#[test]
fn it_is_linearizable_with_slow_links_as_well() {
    for (nodes, budget) in trouble::MAJORITIES {
        for_seeds(0..seeds(3), |seed| {
            let mut settings = load("lin-kv", "", seed, nodes, 100.0);
            settings.concurrency = Concurrency::PerNode(4);
            trouble::many_faults(&mut settings, budget);
            let all = Nemesis::all_on(settings.clock, settings.latency);
            settings.nemesis = all.chain([Nemesis::Disk]).collect();
            let (judged, _) = judge_replicated(&settings, store);
            judged.measured().assert_valid(&format!("slow links as well, {nodes} nodes"));
        });
    }
}
