//! `kolk explore`.

mod asked;
pub mod bench;
mod kept;
mod shard;
pub mod sweep;

use std::time::Duration;

use kolk_explore::{
    Bounded, Deviations, Ended, Lineage, Options, Priorities, Shrunk, Size, Strategy, Swarm, Tally,
    explore, more_quiet, nearest, observe, quiet, shrink,
};
use kolk_history::plan::{ClockKind, NodeSpec};
use kolk_report::explore::{self as drawing, Explored, Failed, Small};
use kolk_report::failure::{Failure, Trouble};
use kolk_report::numbers::{counted, grouped};
use kolk_report::results;
use kolk_workload::planner::Settings;

use crate::args::{ExploreArgs, FormatArgs, OutputArgs, StrategyArg};
use crate::progress::Bar;
use crate::runner::{self, Finished, Watch};
use crate::status::{Status, Stop};
use crate::{commands, request, signals, terminal};
use asked::Asked;
use bench::Bench;

/// How long exploration lasts, if nothing else is said.
const EXPLORING: Duration = Duration::from_secs(60);

/// In how many repetitions a run that cannot be repeated exactly is counted.
const REPETITIONS: u64 = 5;

/// Explores, and makes the first failure small.
pub fn run(args: &ExploreArgs) -> Result<Status, Stop> {
    if let Some(seeds) = &args.seeds {
        return sweep::run(args, seeds.clone());
    }
    let asked = asked::asked(args)?;
    let bar = Bar::new(format!("exploring {}", asked.settings.workload), args.output.quiet);
    let time = args.time.or(args.runs.is_none().then_some(EXPLORING));
    let bench = Bench::new(&bar, args.patience, time, args.runs, &asked.settings);
    let began = runner::now();
    let mut tally = Tally::default();
    let earlier = kept::run_again(&bench, &args.output.store, &asked.settings, &mut tally)?;
    let (mut proved, mut chance) = (None, None);
    let ended = if tally.failed() > 0 && !args.keep_going {
        Ended::Failure
    } else {
        let options = Options { keep_going: args.keep_going, runs_max: args.runs };
        let Asked { settings, open } = &asked;
        let quiet = || kolk_workload::plan(&quiet(settings, *open)).map_err(request::bad_plan);
        let deviations = Deviations::of(settings, *open);
        // A budget that somebody gives is used; else what is complete is the end.
        let has_budget = args.time.is_some() || args.runs.is_some();
        let more = more_quiet(settings, *open).take_while(move |_| has_budget);
        let mut strategy: Box<dyn Strategy> = match args.strategy {
            StrategyArg::Swarm => {
                Box::new(Swarm::new(settings.clone(), *open).map_err(request::bad_plan)?)
            }
            StrategyArg::Bounded => {
                Box::new(Bounded::new(quiet()?, deviations, args.deviations).then(more))
            }
            StrategyArg::Priorities => Box::new(
                Priorities::new(settings.clone(), *open, args.depth).map_err(request::bad_plan)?,
            ),
            StrategyArg::Lineage => Box::new(Lineage::new(quiet()?, deviations).then(more)),
        };
        let ended = explore(&bench, &mut *strategy, &mut tally, options).map_err(|stop| *stop)?;
        (proved, chance) = (strategy.proved(), strategy.chance());
        ended
    };
    let wall = began.elapsed();
    bar.finish();
    let mut explored = explored(args, &asked.settings, &tally, &ended, proved);
    (explored.earlier, explored.chance) = (earlier, chance);
    explored.wall = Some(wall);
    explored.failures = failures(args, &tally, &bar)?;
    bar.finish();
    tell(args.output.json, &args.formats, &explored)?;
    Ok(status(&explored))
}

fn explored(
    args: &ExploreArgs,
    settings: &Settings,
    tally: &Tally,
    ended: &Ended,
    proved: Option<String>,
) -> Explored {
    let runs = counted(tally.runs, "run", "runs");
    let ending = match ended {
        Ended::Complete(Some(proved)) => proved.clone(),
        Ended::Complete(None) => format!("no failure in {runs}, and there are no more to try"),
        _ if signals::stop_wanted() => format!("interrupted: no failure in {runs}"),
        _ if tally.valid == 0 => format!("no run of {} could be judged", grouped(tally.runs)),
        _ => format!("no failure in {runs}: the budget is used up, and that is no proof"),
    };
    // What was complete before the budget was used up is worth saying.
    let ending = match (ended, proved) {
        (Ended::Budget, Some(proved)) => format!("{ending} ({proved})"),
        _ => ending,
    };
    let troubles = tally.troubles.iter();
    Explored {
        workload: settings.workload.clone(),
        node: node_text(&settings.node),
        strategy: args.strategy.name(),
        paced: settings.clock == ClockKind::Real,
        seed: settings.seed,
        runs: tally.runs,
        valid: tally.valid,
        unknown: tally.unknown,
        errors: tally.errors,
        first_error: tally.first_error.clone(),
        operations: tally.operations,
        messages: tally.messages,
        timelines: tally.timelines(),
        last_new: Some(tally.last_new),
        pairs: tally.pairs.len() as u64,
        unseen: tally.unseen_pairs(),
        troubles: troubles.map(|(name, (all, struck))| (name.clone(), *all, *struck)).collect(),
        ending,
        ..Explored::default()
    }
}

/// What is under test, for people.
pub fn node_text(node: &NodeSpec) -> String {
    match node {
        NodeSpec::BuiltIn { name, .. } => format!("node {name}"),
        NodeSpec::Program { path, .. } => path.clone(),
    }
}

/// Stores the failures, the first run of each class, and makes them small.
fn failures(args: &ExploreArgs, tally: &Tally, bar: &Bar) -> Result<Vec<Failed>, Stop> {
    let mut failures = Vec::new();
    for (class, failure) in &tally.failures {
        let mut failed = Failed {
            class: class.to_string(),
            count: failure.count,
            seed: failure.plan.seed,
            run: Some(failure.run),
            claim: failure.claim.clone(),
            ..Failed::default()
        };
        // Whoever interrupts wants an end: what was found is stored, and no more.
        let stopped = signals::stop_wanted();
        let watch = Watch { patience: args.patience.into(), ..Watch::default() };
        let mut hidden = Bar::new("", true);
        if !stopped {
            let original =
                runner::run(failure.plan.clone(), &args.output.store, watch, &mut hidden)?;
            failed.original = Some(original.folder_text());
        }
        if !stopped && !args.no_shrink {
            let bench = Bench::of_plan(bar, args.patience, Some(args.shrink_for), &failure.plan);
            let shrunk = shrink(&bench, &failure.plan, class, &mut |what, size| {
                bar.tell(&step_text(what, size));
            });
            if let Some(shrunk) = shrunk.map_err(|stop| *stop)? {
                let original = failed.original.clone().unwrap_or_default();
                failed.shrunk = Some(
                    keep(
                        &shrunk,
                        &failure.plan,
                        &class.to_string(),
                        &original,
                        &bench,
                        &args.output,
                    )?
                    .0,
                );
            }
        }
        failures.push(failed);
    }
    Ok(failures)
}

/// A step of shrinking, for a line that changes.
pub fn step_text(what: &str, size: &Size) -> String {
    let Size { nodes, operations, faults, messages, .. } = size;
    let size =
        format!("{nodes} nodes, {operations} operations, {faults} faults, {messages} messages");
    if what.is_empty() {
        format!("shrinking: {size}")
    } else {
        format!("shrinking: {size} ({what})")
    }
}

/// Stores a run made small, and says what is left of it.
pub fn keep(
    shrunk: &Shrunk,
    original: &kolk_history::Plan,
    class: &str,
    original_folder: &str,
    bench: &Bench<'_>,
    output: &OutputArgs,
) -> Result<(Small, Finished), Stop> {
    let bench = &bench.without_end();
    let (before, after) = (shrunk.before, Size::of(&shrunk.plan, &shrunk.seen));
    let is_real = original.clock == ClockKind::Real;
    // On the machine's clock the next run differs in more than what one leaves out.
    let holds = if is_real {
        None
    } else {
        nearest(bench, &shrunk.plan, &shrunk.seen).map_err(|stop| *stop)?
    };
    let mut small = Small {
        folder: String::new(),
        sizes: [
            (before.nodes, after.nodes),
            (before.workers, after.workers),
            (before.operations, after.operations),
            (before.faults, after.faults),
            (before.messages, after.messages),
        ],
        steps: shrunk.steps.clone(),
        runs: shrunk.runs,
        is_least: shrunk.is_least,
        holds: holds.as_ref().map(|holds| holds.without.text()),
        repeated: is_real.then(|| repeated(bench, shrunk, class)),
    };
    let nearest = holds.as_ref().map(|holds| {
        serde_json::json!({
            "without": holds.without,
            "text": holds.without.text(),
            "differences": holds.differences,
            "differences-more": holds.more,
        })
    });
    let shrinking = serde_json::json!({
        "format": 2,
        "class": class,
        "original": original_folder,
        "shrunk": serde_json::from_str::<serde_json::Value>(&small.json()).unwrap_or_default(),
        "nearest": nearest,
    });
    let mut beside = vec![
        ("shrunk.json", format!("{shrinking:#}\n").into_bytes()),
        ("original.json", results::plan_json(original)),
    ];
    beside.extend(holds.map(|holds| ("holds.json", results::plan_json(&holds.plan))));
    let watch = Watch { patience: bench.patience, beside: &beside, ..Watch::default() };
    let mut hidden = Bar::new("", true);
    let finished = runner::run(shrunk.plan.clone(), &output.store, watch, &mut hidden)?;
    small.folder = finished.folder_text();
    Ok((small, finished))
}

/// In how many of how many repetitions it fails.
fn repeated(bench: &Bench<'_>, shrunk: &Shrunk, class: &str) -> (u64, u64) {
    let plans = vec![shrunk.plan.clone(); REPETITIONS as usize];
    let seen = kolk_explore::run_all(bench, &plans, false, |_| false);
    let seen = seen.unwrap_or_default();
    let fails = |seen: &kolk_explore::Observation| {
        seen.classes.iter().any(|found| found.to_string() == class)
    };
    let failed = seen.iter().filter(|(_, seen)| fails(seen)).count();
    (failed as u64, seen.len() as u64)
}

/// Prints what was explored, and writes it in the formats that were asked for.
pub fn tell(json: bool, formats: &FormatArgs, explored: &Explored) -> Result<(), Stop> {
    if json {
        terminal::print(&drawing::json(explored));
    } else {
        let text = drawing::draw(explored, commands::program(), terminal::out_style());
        terminal::print(&text);
    }
    if let Some(path) = &formats.junit {
        std::fs::write(path, drawing::junit(explored)).map_err(|error| {
            let failure = Failure::new(Trouble::Files, format!("cannot write {}", path.display()));
            Stop::internal(failure.cause(error.to_string()))
        })?;
    }
    if formats.github {
        // GitHub reads both streams; standard output may hold JSON.
        terminal::print_error(&drawing::github(explored));
    }
    Ok(())
}

/// Invalid if a run failed; else interrupted, unknown if no run could be judged, or valid.
pub fn status(explored: &Explored) -> Status {
    match explored {
        _ if !explored.failures.is_empty() => Status::Invalid,
        _ if signals::stop_wanted() => Status::Interrupted,
        Explored { valid: 0, .. } => Status::Unknown,
        _ => Status::Valid,
    }
}

/// What is kept of a run that was carried out.
pub fn seen(
    plan: &kolk_history::Plan,
    run: &kolk_engine::Run,
    detail: bool,
) -> kolk_explore::Observation {
    observe(plan, run, &runner::judge(plan, run), detail)
}
