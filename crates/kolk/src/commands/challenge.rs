//! `kolk challenge`.

use kolk_check::Validity;
use kolk_history::Function;
use kolk_history::plan::{ClockKind, NodeSpec};
use kolk_report::challenge::{self as drawing, Measured};
use kolk_report::failure::Failure;
use kolk_report::{Role, numbers, results, screen};
use kolk_workload::challenge::{CHALLENGES, Challenge, ChallengeRun, Limit, Measure, SEED};
use kolk_workload::{challenge, plan};

use crate::args::{ChallengeArgs, ClockArg};
use crate::progress::Bar;
use crate::runner::{self, Finished, Watch};
use crate::status::{Status, Stop};
use crate::{commands, request, signals, terminal};

/// Runs the challenges and prints what was measured.
pub fn run(args: &ChallengeArgs) -> Result<Status, Stop> {
    let challenges = chosen(args)?;
    let seed = args.seed.unwrap_or(SEED);
    let program = match &args.bin {
        Some(path) => Some(request::program_spec(path, &args.args)?),
        None => None,
    };
    let style = terminal::out_style();
    if !args.output.json {
        let clock = match clock_of(args) {
            ClockKind::Real => "real",
            ClockKind::Virtual => "virtual",
        };
        let heading = format!("{clock} clock · seed {seed:#x}");
        terminal::print(&format!("{}\n\n", style.paint(Role::Faint, heading)));
    }
    let mut ended = Vec::new();
    let runs = |challenge: &&'static Challenge| {
        let id = challenge.id;
        challenge.runs.iter().map(move |run| (id, run))
    };
    for (id, run) in challenges.iter().flat_map(runs) {
        let finished = run_one(args, id, run, program.clone(), seed)?;
        let drawn = drawn(id, run, &finished);
        if args.output.json {
            let report = results::json(
                &finished.plan,
                &finished.run.summary,
                &finished.verdict,
                &finished.facts,
            );
            terminal::print(&String::from_utf8_lossy(&report));
        } else {
            terminal::print(&drawing::line(&drawn, style));
            if !drawn.holds() {
                let folder = finished.folder_text();
                let report = finished.report(&folder, commands::program());
                terminal::print(&format!("\n{}\n", screen::draw(&report, style)));
            }
        }
        ended.push(drawn);
        if signals::stop_wanted() {
            return Ok(Status::Interrupted);
        }
    }
    if !args.output.json {
        terminal::print(&format!("\n{}", drawing::table(&ended, style)));
    }
    Ok(status(&ended))
}

/// The challenges named, each once, in the order given.
fn chosen(args: &ChallengeArgs) -> Result<Vec<&'static Challenge>, Stop> {
    let mut chosen: Vec<&'static Challenge> = Vec::new();
    for id in &args.ids {
        let found: Vec<&Challenge> = if id.eq_ignore_ascii_case("all") {
            // What differs from another challenge in the built-in node's settings alone asks
            // nothing else of a program.
            let is_new = |challenge: &&Challenge| args.bin.is_none() || !challenge.id.contains('-');
            CHALLENGES.iter().filter(is_new).collect()
        } else {
            vec![challenge::find(id).ok_or_else(|| unknown(id))?]
        };
        for challenge in found {
            if !chosen.iter().any(|known| known.id == challenge.id) {
                chosen.push(challenge);
            }
        }
    }
    Ok(chosen)
}

fn unknown(id: &str) -> Stop {
    let ids: Vec<&str> = CHALLENGES.iter().map(|challenge| challenge.id).collect();
    let failure = Failure::new(format!("there is no challenge `{id}`"));
    Stop::user(failure.advice(format!("known are {}, and `all`", ids.join(", "))))
}

fn clock_of(args: &ChallengeArgs) -> ClockKind {
    let default = if args.bin.is_some() { ClockArg::Real } else { ClockArg::Virtual };
    args.clock.unwrap_or(default).into()
}

fn run_one(
    args: &ChallengeArgs,
    id: &str,
    run: &ChallengeRun,
    program: Option<NodeSpec>,
    seed: u64,
) -> Result<Finished, Stop> {
    let clock = clock_of(args);
    let node = match (program, run.built_in()) {
        (Some(program), _) => program,
        (None, NodeSpec::BuiltIn { name, args, .. }) => {
            NodeSpec::BuiltIn { name, args, separate: clock == ClockKind::Real }
        }
        (None, program) => program,
    };
    let mut settings = run.settings(node, seed);
    settings.clock = clock;
    env!("CARGO_PKG_VERSION").clone_into(&mut settings.kolk_version);
    let plan = plan(&settings).map_err(request::bad_plan)?;
    let mut bar = Bar::new(format!("{id} {}", run.name), false);
    let finished = runner::run(plan, &args.output.store, Watch::default(), &mut bar);
    bar.finish();
    finished
}

fn drawn(id: &str, run: &ChallengeRun, finished: &Finished) -> drawing::ChallengeRun {
    let claim = finished.verdict.anomalies().first().map(|(_, anomaly)| anomaly.claim.clone());
    let simulated = numbers::duration(finished.run.ended.since(kolk_protocol::Time::ZERO));
    let time = match finished.plan.clock {
        ClockKind::Virtual => format!("{simulated} in {}", numbers::duration(finished.wall)),
        ClockKind::Real => simulated,
    };
    drawing::ChallengeRun {
        id: id.to_owned(),
        name: run.name.to_owned(),
        validity: finished.verdict.validity,
        claim: claim.filter(|_| finished.verdict.validity != Validity::Valid),
        measures: run.limits.iter().map(|limit| measured(limit, finished)).collect(),
        time,
        folder: finished.folder_text(),
    }
}

fn measured(limit: &Limit, finished: &Finished) -> Measured {
    let is_built_in = matches!(finished.plan.node, NodeSpec::BuiltIn { .. });
    Measured {
        name: limit.measure.text().to_owned(),
        unit: limit.measure.unit().to_owned(),
        value: value(limit.measure, finished),
        below: limit.below,
        goal: limit.goal.filter(|_| is_built_in),
        record: limit.record.map(|record| record.value),
        note: limit.record.map_or(String::new(), |record| record.note.to_owned()),
    }
}

fn value(measure: Measure, finished: &Finished) -> Option<f64> {
    let verdict = &finished.verdict;
    match measure {
        Measure::ServerMessagesPerOperation => verdict.measure("server-messages-per-operation"),
        Measure::ServerMessagesPerBroadcast => {
            let operations = finished.run.history.counted();
            let is_broadcast = |function| function == Function::Broadcast;
            let count = operations.filter(|operation| is_broadcast(operation.function)).count();
            (count > 0).then(|| finished.run.summary.servers.msg_count as f64 / count as f64)
        }
        Measure::StableLatencyMedian => verdict.measure("stable-latency-median"),
        Measure::StableLatencyMax => verdict.measure("stable-latency-max"),
    }
}

/// Valid only if all hold; what cannot be told is worse than what can, unless something is wrong.
fn status(runs: &[drawing::ChallengeRun]) -> Status {
    let of = |run: &drawing::ChallengeRun| match run.validity {
        Validity::Valid if !run.holds() => Validity::Invalid,
        validity => validity,
    };
    Status::from(runs.iter().map(of).max().unwrap_or(Validity::Unknown))
}
