//! What the tests share of nodes that are to survive when nodes die.

use std::time::Duration;

use kolk_history::plan::ClockKind;
use kolk_node::Machine;
use kolk_workload::Settings;
use kolk_workload::planner::{Concurrency, Kind, Nemesis, Outage};

use crate::silence::{SERVICE, Silence};
use crate::{Spread, for_seeds, judge_replicated, load, measure, seeds, trouble};

fn dying(workload: &str, args: &str, seed: u64, nemesis: &[Nemesis]) -> Settings {
    let mut settings = load(workload, args, seed, 5, 40.0);
    trouble::exponential(&mut settings, 20.0);
    trouble::lossy(&mut settings, 0.02);
    settings.nemesis = nemesis.to_vec();
    settings.nemesis_interval = 2.0;
    settings
}

/// Runs the node of this workload, which these arguments make durable, under all faults at once:
/// `KOLK_SEEDS` times, 20 if that is not set.
///
/// # Panics
///
/// If a run is not valid.
pub fn assert_durable(
    workload: &str,
    args: &str,
    make: impl Fn(&[String]) -> Box<dyn Machine> + Sync,
) {
    let all: Vec<Nemesis> = Nemesis::all_on(ClockKind::Virtual, 20.0).collect();
    for_seeds(0..seeds(20), |seed| {
        measure(&dying(workload, args, seed, &all), &make).assert_valid("durable");
    });
}

/// Runs the node of this workload, which keeps with these arguments what it knows in memory, eight
/// times while nodes are
/// killed, and eight times while they lose their power.
///
/// # Panics
///
/// If not at least six of the eight runs are found to be invalid.
pub fn assert_caught(
    workload: &str,
    args: &str,
    make: impl Fn(&[String]) -> Box<dyn Machine> + Sync,
) {
    for nemesis in [Nemesis::Kill, Nemesis::Power] {
        let measured =
            for_seeds(0..8, |seed| measure(&dying(workload, args, seed, &[nemesis]), &make));
        let caught = measured.iter().filter(|run| !run.problems.is_empty()).count();
        assert!(caught >= 6, "{nemesis:?}: {caught} of 8");
    }
}

/// Runs a node that Raft keeps the same, of this workload and with these arguments, on three and on
/// five nodes under [many faults at once](trouble::many_faults), while each node is killed in its
/// turn: each `KOLK_SEEDS` times, 3 if that is not set. `KOLK_FROM` is the first seed, 0 if
/// that is not set. More settings of the workload are in `more`.
///
/// # Panics
///
/// If a run is not valid, or its journal breaks an invariant [of Raft](crate::raft); if the leader
/// did not change; if nothing was done for 5 s, though a majority of the nodes ran and heard each
/// other all the time; or if half of what was asked for was not done.
pub fn assert_replicated(
    workload: &str,
    args: &str,
    more: &[(&str, &str)],
    make: impl Fn(&[String]) -> Box<dyn Machine> + Sync,
) {
    let from = std::env::var("KOLK_FROM").map_or(0, |from| from.parse().expect("a number"));
    for (nodes, budget) in trouble::MAJORITIES {
        let runs = for_seeds(from..from + seeds(3), |seed| {
            let mut settings = load(workload, args, seed, nodes, 100.0);
            settings.concurrency = Concurrency::PerNode(4);
            let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            settings.workload_settings.extend(more);
            trouble::many_faults(&mut settings, budget);
            // One after the other, so that the leader is among them, or was changed meanwhile.
            for node in 0..nodes {
                let kill = format!("n{node}@{}..{}", 3 * node + 3, 3 * node + 4);
                settings.outages.push(Outage::read(Kind::Kill, &kill).expect("an outage"));
            }
            let (judged, told) = judge_replicated(&settings, &make);
            let silence = Silence::of(&judged);
            let run = judged.measured();
            let mut problems = run.problems.clone();
            if told.leaders < 2 {
                problems.push(format!("{} leaders", told.leaders));
            }
            if silence.connected > SERVICE {
                problems.push(format!("no service for {:?} with a majority", silence.connected));
            }
            if run.of("availability").is_nan() || run.of("availability") <= 0.5 {
                problems.push(format!("an availability of {}", run.of("availability")));
            }
            (seed, problems, silence, told)
        });
        let spread = |of: fn(&Silence) -> Duration| {
            Spread::of(runs.iter().map(|(_, _, silence, _)| of(silence).as_secs_f64()))
        };
        let (all, connected) = (spread(|silence| silence.all), spread(|silence| silence.connected));
        let leaders = Spread::of(runs.iter().map(|(_, _, _, told)| told.leaders as f64));
        println!(
            "{}, {nodes} nodes, {} seeds: without service for {:.2} s at most while a majority was \
             connected ({:.2} s in half of them), {:.2} s in all; {:.0} to {:.0} leaders",
            format!("{workload} {args}").trim_end(),
            runs.len(),
            connected.greatest,
            connected.median,
            all.greatest,
            leaders.least,
            leaders.greatest,
        );
        let failed: Vec<_> = runs.iter().filter(|(_, problems, ..)| !problems.is_empty()).collect();
        assert!(failed.is_empty(), "{workload} {args}, {nodes} nodes: {failed:#?}");
    }
}

/// Runs the node of a workload of transactions with these arguments as [`assert_replicated`] does.
///
/// # Panics
///
/// As there; and if a run is not strict serializable.
pub fn assert_strict(
    workload: &str,
    args: &str,
    make: impl Fn(&[String]) -> Box<dyn Machine> + Sync,
) {
    let strict = ("consistency-models", "strict-serializable");
    assert_replicated(workload, args, &[strict], make);
}
