//! The store under all faults at once, within a budget that leaves a majority:
//!
//! ```text
//! KOLK_SEEDS=1000 cargo test --release -p kolk-lin-kv --test sweep -- --nocapture
//! ```
//!
//! Partitions, cuts in one direction, kills, pauses, losses of power, lost and doubled messages:
//! all runs are linearizable, and there is service whenever a majority was connected for 5 s, which
//! with this budget it always is. With slow links as well, where a message can take 50 times as
//! long, all are linearizable.

#[expect(dead_code, reason = "the goals use the rest")]
mod common;

use std::time::Duration;

use common::{longest_silence, store};
use kolk_sweep::{for_seeds, judge, load, trouble};
use kolk_workload::planner::{Concurrency, Nemesis};

const SERVICE: Duration = Duration::from_secs(5);

const FAULTS: [Nemesis; 5] =
    [Nemesis::Partition, Nemesis::OneWay, Nemesis::Kill, Nemesis::Pause, Nemesis::Power];

fn sweep(what: &str, nemesis: &[Nemesis], default: u64, service: Option<Duration>) {
    let seeds =
        std::env::var("KOLK_SEEDS").map_or(default, |seeds| seeds.parse().expect("KOLK_SEEDS"));
    for (nodes, budget) in [(3, 1), (5, 2)] {
        let runs = for_seeds(0..seeds, |seed| {
            let mut settings = load("lin-kv", "", seed, nodes, 100.0);
            settings.concurrency = Concurrency::PerNode(4);
            trouble::exponential(&mut settings, 10.0);
            trouble::lossy(&mut settings, 0.03);
            settings.nemesis = nemesis.to_vec();
            settings.nemesis_interval = 2.0;
            settings.fault_budget = Some(budget);
            let judged = judge(&settings, store);
            (judged.measured(), longest_silence(&judged))
        });
        let longest = runs.iter().map(|(_, silence)| *silence).max().expect("a run");
        println!("{what}, {nodes} nodes, {seeds} seeds: at most {longest:?} without service");
        let late = |silence: Duration| service.is_some_and(|service| silence > service);
        let failed: Vec<_> = runs
            .into_iter()
            .filter(|(run, silence)| !run.problems.is_empty() || late(*silence))
            .map(|(run, silence)| (run.seed, silence, run.problems))
            .collect();
        assert!(failed.is_empty(), "{what}, {nodes} nodes: {failed:#?}");
    }
}

#[test]
fn it_is_linearizable_and_there_under_many_faults_at_once() {
    sweep("many faults", &FAULTS, 5, Some(SERVICE));
}

#[test]
fn it_is_linearizable_with_slow_links_as_well() {
    sweep("slow links as well", &Nemesis::ALL, 3, None);
}
