//! What the tests share of nodes that are to survive when nodes die.

use kolk_history::plan::ClockKind;
use kolk_node::Machine;
use kolk_workload::Settings;
use kolk_workload::planner::{Concurrency, Nemesis};

use crate::{for_seeds, load, measure, seeds, trouble};

fn dying(workload: &str, args: &str, seed: u64, nemesis: &[Nemesis]) -> Settings {
    let mut settings = load(workload, args, seed, 5, 40.0);
    trouble::exponential(&mut settings, 20.0);
    trouble::lossy(&mut settings, 0.02);
    settings.nemesis = nemesis.to_vec();
    settings.nemesis_interval = 2.0;
    settings
}

/// Runs the node of this workload with `--durable` under all faults at once: `KOLK_SEEDS` times, 20
/// if that is not set.
///
/// # Panics
///
/// If a run is not valid.
pub fn assert_durable(workload: &str, make: impl Fn(&[String]) -> Box<dyn Machine> + Sync) {
    let all: Vec<Nemesis> = Nemesis::all_on(ClockKind::Virtual, 20.0).collect();
    for_seeds(0..seeds(20), |seed| {
        measure(&dying(workload, "--durable", seed, &all), &make).assert_valid("durable");
    });
}

/// Runs the node of this workload, which keeps what it knows in memory, eight times while nodes are
/// killed, and eight times while they lose their power.
///
/// # Panics
///
/// If not at least six of the eight runs are found to be invalid.
pub fn assert_caught(workload: &str, make: impl Fn(&[String]) -> Box<dyn Machine> + Sync) {
    for nemesis in [Nemesis::Kill, Nemesis::Power] {
        let measured =
            for_seeds(0..8, |seed| measure(&dying(workload, "", seed, &[nemesis]), &make));
        let caught = measured.iter().filter(|run| !run.problems.is_empty()).count();
        assert!(caught >= 6, "{nemesis:?}: {caught} of 8");
    }
}

/// Runs the node of a workload of transactions with these arguments on three and on five nodes,
/// under [many faults at once](trouble::many_faults): each `KOLK_SEEDS` times, 3 if that is not
/// set.
///
/// # Panics
///
/// If a run is not strict serializable, or half of what was asked for was not done.
pub fn assert_strict(
    workload: &str,
    args: &str,
    make: impl Fn(&[String]) -> Box<dyn Machine> + Sync,
) {
    for (nodes, budget) in trouble::MAJORITIES {
        for_seeds(0..seeds(3), |seed| {
            let mut settings = load(workload, args, seed, nodes, 100.0);
            settings.concurrency = Concurrency::PerNode(2);
            let models = ("consistency-models".to_owned(), "strict-serializable".to_owned());
            settings.workload_settings.extend([models]);
            trouble::many_faults(&mut settings, budget);
            let run = measure(&settings, &make);
            run.assert_valid(&format!("{nodes} nodes"));
            assert!(run.of("availability") > 0.5, "{nodes} nodes, seed {seed}: little was done");
        });
    }
}
