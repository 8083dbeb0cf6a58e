//! The planted bugs of the workloads' tests, looked for by exploring.
//!
//! As a test, each bug must be found by the default strategy. With repetitions it is a measurement,
//! a row of a table for each bug (`benches/README.md` has one):
//!
//! ```sh
//! KOLK_REPETITIONS=20 cargo test --release -p kolk-explore --test planted_bugs -- \
//!     --nocapture --test-threads 1
//! cargo test --release -p kolk-explore --test planted_bugs -- speed --ignored --nocapture
//! ```
//!
//! `KOLK_BUGS=NoRetry,GivesUp` measures these alone.

// The bugs' own tests compare what is said of them with snapshots; here nothing is said of them.
extern crate self as insta;

/// Stands for that of `insta`.
#[macro_export]
macro_rules! assert_snapshot {
    ($said:expr) => {
        $said
    };
}

#[path = "../../kolk-workload/tests/planted_bugs/broadcast.rs"]
mod broadcast;
#[path = "../../kolk-workload/tests/planted_bugs/counters.rs"]
mod counters;
#[path = "../../kolk-workload/tests/planted_bugs/g_set.rs"]
mod g_set;
#[path = "../../kolk-workload/tests/planted_bugs/kafka.rs"]
mod kafka;
#[path = "../../kolk-workload/tests/planted_bugs/lin_kv.rs"]
mod lin_kv;
#[path = "../../kolk-workload/tests/planted_bugs/transactions/lists.rs"]
mod lists;
#[path = "planted_bugs/raft.rs"]
mod raft;
#[path = "../../kolk-workload/tests/planted_bugs/transactions/registers.rs"]
mod registers;
#[allow(dead_code, reason = "the tests of the bugs use the rest; here it is found, not given")]
#[path = "../../kolk-workload/tests/planted_bugs/rows.rs"]
mod rows;
#[path = "../../kolk-workload/tests/planted_bugs/seq_kv.rs"]
mod seq_kv;
#[path = "planted_bugs/speed.rs"]
mod speed;
#[path = "../../kolk-workload/tests/planted_bugs/unique_ids.rs"]
mod unique_ids;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::{Debug, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use kolk_check::Verdict;
use kolk_engine::{Flow, JournalSink, NodeSource, Progress, Room, Setup};
use kolk_explore::{
    Bounded, Deviations, Ended, Halt, Lab, Lineage, Observation, Open, Options, Priorities, Size,
    Strategy, Swarm, Tally, explore, more_quiet, observe, quiet, shrink,
};
use kolk_history::Plan;
use kolk_node::Machine;
use kolk_sweep::{built_in, judge};
use kolk_workload::Settings;

use rows::{PLACES, Place, Row, asked};

/// How many runs there may be until the default strategy has found a bug.
const RUNS_MAX: u64 = 3000;

/// How long a search may take by the default strategy, where it is measured; so many seconds if
/// `KOLK_SECONDS` says so.
const SWARM: Duration = Duration::from_secs(60);

/// And by another one.
const SEARCH: Duration = Duration::from_secs(2);

/// After how many repetitions in which a strategy found nothing the others are left out.
const IN_VAIN: usize = 5;

/// How long a run may be made small.
const SHRINK: Duration = Duration::from_secs(30);

/// The processor's time that this thread has had: what else the machine does takes no part in it.
/// Where the system does not tell, the time that has passed.
#[expect(clippy::disallowed_methods, reason = "how long exploring takes is measured")]
fn now() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| BEGAN.elapsed(), Duration::from_nanos)
}

/// Carries out plans with nodes that a function makes.
struct Bench<'a> {
    make: &'a (dyn Fn() -> Box<dyn Machine> + Sync),
    end: Option<Duration>,
    cores: usize,
}

impl Lab for Bench<'_> {
    type Error = Infallible;

    fn run(&self, plan: &Plan, detail: bool) -> Result<Observation, Halt<Infallible>> {
        let spec = &plan.workload;
        let workload = kolk_workload::by_name(&spec.name, &spec.settings, &plan.nodes);
        let run = kolk_engine::run(Setup {
            plan,
            nodes: NodeSource::InProcess(&|_| (self.make)()),
            workload: workload.expect("it is known"),
            journal: JournalSink::Trace,
            history: None,
            logs: None,
            data: None,
            room: Room::default(),
            observer: &mut |_: &Progress<'_>| Flow::Continue,
        })
        .expect("it runs");
        let options = kolk_check::Options {
            load: Some(run.load_ended.since(run.load_began)),
            ..kolk_workload::options(plan).expect("a plan has what its checkers want")
        };
        let verdict = kolk_check::check_run(&run.history, Some(&run.summary), &options);
        Ok(observe(plan, &run, &verdict, detail))
    }

    fn is_over(&self) -> bool {
        self.end.is_some_and(|end| now() >= end)
    }

    fn cores(&self) -> usize {
        self.cores
    }
}

const STRATEGIES: [&str; 4] = ["swarm", "bounded", "priorities", "lineage"];

fn strategy(name: &str, asked: &Settings, open: Open) -> Box<dyn Strategy> {
    let calm = || kolk_workload::plan(&quiet(asked, open)).expect("a plan");
    let more = more_quiet(asked, open);
    let deviations = Deviations::of(asked, open);
    match name {
        "swarm" => Box::new(Swarm::new(asked.clone(), open).expect("a plan")),
        "bounded" => Box::new(Bounded::new(calm(), deviations, 2).then(more)),
        "priorities" => Box::new(Priorities::new(asked.clone(), open, None).expect("a plan")),
        _ => Box::new(Lineage::new(calm(), deviations).then(more)),
    }
}

/// How a search went: whether it found anything, the runs and the seconds it took, and what.
struct Search {
    found: bool,
    runs: u64,
    seconds: f64,
    tally: Tally,
}

fn search(
    bench: &Bench<'_>,
    name: &str,
    (asked, open): (&Settings, Open),
    runs_max: Option<u64>,
) -> Search {
    let began = now();
    let mut tally = Tally::default();
    let options = Options { keep_going: false, runs_max };
    let Ok(ended) = explore(bench, &mut *strategy(name, asked, open), &mut tally, options);
    let seconds = (now() - began).as_secs_f64();
    Search { found: ended == Ended::Failure, runs: tally.runs, seconds, tally }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// In how many repetitions each search is measured, if it is.
fn repetitions() -> Option<u64> {
    number("KOLK_REPETITIONS")
}

/// A number that the environment gives.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|asked| asked.parse().expect("a number"))
}

/// True if a bug of this name is wanted: all are, or those that the environment names.
fn is_wanted(bug: &str) -> bool {
    std::env::var("KOLK_BUGS").map_or(true, |bugs| bugs.split(',').any(|wanted| wanted == bug))
}

/// Each bug is found by the default strategy; or it is measured how all of them find it.
fn find_all<B: Copy + Debug + Sync + 'static>(
    workload: &str,
    rows: &[Row<B>],
    make: fn(B) -> Box<dyn Machine>,
) {
    let repetitions = repetitions();
    let mut looked_for = BTreeSet::new();
    for Row { bug, .. } in rows {
        if !looked_for.insert(format!("{bug:?}")) {
            continue;
        }
        let make = || make(*bug);
        match repetitions {
            Some(repetitions) => {
                let asked = |seed| asked(workload, seed);
                let name = format!("{bug:?}");
                measure(workload, &name, &make, (repetitions, Open::ALL), &asked);
            }
            None => {
                let bench = Bench { make: &make, end: None, cores: 1 };
                let asked = asked(workload, 1);
                let found = search(&bench, "swarm", (&asked, Open::ALL), Some(RUNS_MAX));
                assert!(found.found, "{workload}, {bug:?}: not found in {} runs", found.runs);
            }
        }
    }
}

/// Prints a row: for each strategy in how many repetitions it found the bug, and the medians of
/// runs and seconds; then how large the first failure of the swarm is when it is made small: nodes,
/// operations, faults, messages.
fn measure(
    workload: &str,
    bug: &str,
    make: &(dyn Fn() -> Box<dyn Machine> + Sync),
    (repetitions, open): (u64, Open),
    asked: &dyn Fn(u64) -> Settings,
) {
    if !is_wanted(bug) {
        return;
    }
    let mut line = format!("| {workload} | {bug} |");
    let mut first = None;
    for name in STRATEGIES {
        let length = match name {
            "swarm" => number("KOLK_SECONDS").map_or(SWARM, Duration::from_secs),
            _ => SEARCH,
        };
        let mut searches: Vec<Search> = Vec::new();
        for seed in 1..=repetitions {
            let bench = Bench { make, end: Some(now() + length), cores: 1 };
            searches.push(search(&bench, name, (&asked(seed * 1000), open), None));
            if searches.len() >= IN_VAIN && searches.iter().all(|search| !search.found) {
                break;
            }
        }
        let found: Vec<&Search> = searches.iter().filter(|search| search.found).collect();
        if found.is_empty() {
            line += " – |";
        } else {
            let runs = median(found.iter().map(|search| search.runs as f64).collect());
            let seconds = median(found.iter().map(|search| search.seconds).collect());
            let times = match found.len() as u64 {
                all if all == repetitions => String::new(),
                some => format!(" ({some} of {repetitions})"),
            };
            write!(line, " {runs:.0}, {seconds:.2} s{times} |").expect("text");
        }
        if name == "swarm" {
            first = searches.into_iter().find(|search| search.found);
        }
    }
    if let Some(found) = first {
        let (class, failure) = found.tally.failures.iter().next().expect("a failure");
        let bench = Bench { make, end: Some(now() + SHRINK), cores: 1 };
        let began = now();
        let Ok(small) = shrink(&bench, &failure.plan, class, &mut |_, _| {});
        let small = small.expect("it fails again");
        let Size { nodes, operations, faults, messages, .. } = Size::of(&small.plan, &small.seen);
        let seconds = (now() - began).as_secs_f64();
        assert!(small.seen.classes.contains(class), "{workload}, {bug}");
        write!(line, " {nodes}, {operations}, {faults}, {messages} | {seconds:.1} s |")
            .expect("text");
    }
    println!("{line}");
}

fn pass_everywhere<B>(_: &str, _: &[B], _: fn(B) -> Box<dyn Machine>) {}

fn pass_at<B>(_: &[Place], _: &str, _: &[B], _: fn(B) -> Box<dyn Machine>) {}

fn verdict(workload: &str, _: Place, seed: u64, make: impl Fn() -> Box<dyn Machine>) -> Verdict {
    judge(&Settings { rate: 50.0, time_limit: 2.0, ..asked(workload, seed) }, |_| make()).verdict
}
