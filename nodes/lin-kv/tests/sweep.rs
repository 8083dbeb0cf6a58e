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
use kolk_sweep::{for_seeds, judge, load, seeds, trouble};
use kolk_workload::planner::{Concurrency, Nemesis};

const SERVICE: Duration = Duration::from_secs(5);

/// `nemesis` are faults in place of those that [`trouble::many_faults`] draws.
fn sweep(what: &str, nemesis: Option<&[Nemesis]>, default: u64, service: Option<Duration>) {
    let seeds = seeds(default);
    for (nodes, budget) in trouble::MAJORITIES {
        let runs = for_seeds(0..seeds, |seed| {
            let mut settings = load("lin-kv", "", seed, nodes, 100.0);
            settings.concurrency = Concurrency::PerNode(4);
            trouble::many_faults(&mut settings, budget);
            if let Some(nemesis) = nemesis {
                settings.nemesis = nemesis.to_vec();
            }
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
    sweep("many faults", None, 5, Some(SERVICE));
}

#[test]
fn it_is_linearizable_with_slow_links_as_well() {
    sweep("slow links as well", Some(&Nemesis::ALL), 3, None);
}
