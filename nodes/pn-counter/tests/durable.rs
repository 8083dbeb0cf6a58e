//! What the node keeps when nodes die: everything with `--durable`, under all faults at once; and
//! without it not what was told to a node that was killed.

use kolk_history::plan::ClockKind;
use kolk_node::Machine;
use kolk_sweep::{for_seeds, load, measure, trouble};
use kolk_workload::Settings;
use kolk_workload::planner::Nemesis;

fn make(args: &[String]) -> Box<dyn Machine> {
    kolk_node::machine(kolk_pn_counter::factory(args).expect("arguments"))
}

fn settings(args: &str, seed: u64, nemesis: &[Nemesis]) -> Settings {
    let mut settings = load("pn-counter", args, seed, 5, 40.0);
    trouble::exponential(&mut settings, 20.0);
    trouble::lossy(&mut settings, 0.02);
    settings.nemesis = nemesis.to_vec();
    settings.nemesis_interval = 2.0;
    settings
}

#[test]
fn a_durable_node_loses_nothing_under_any_fault() {
    let seeds = std::env::var("KOLK_SEEDS").map_or(20, |seeds| seeds.parse().expect("a number"));
    let all: Vec<Nemesis> = Nemesis::all_on(ClockKind::Virtual, 20.0).collect();
    for_seeds(0..seeds, |seed| {
        measure(&settings("--durable", seed, &all), make).assert_valid("durable");
    });
}

#[test]
fn a_node_in_memory_is_caught_when_nodes_are_killed() {
    for nemesis in [Nemesis::Kill, Nemesis::Power] {
        let measured = for_seeds(0..8, |seed| measure(&settings("", seed, &[nemesis]), make));
        let caught = measured.iter().filter(|run| !run.problems.is_empty()).count();
        assert!(caught >= 6, "{nemesis:?}: {caught} of 8");
    }
}
