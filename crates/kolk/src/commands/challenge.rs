//! `kolk challenge`.

mod sweep;

use kolk_check::Validity;
use kolk_engine::Run;
use kolk_history::Plan;
use kolk_history::plan::{ClockKind, NodeSpec};
use kolk_report::challenge::{self as drawing, Measured};
use kolk_report::failure::Failure;
use kolk_report::{Role, numbers, screen};
use kolk_workload::challenge::{CHALLENGES, Challenge, ChallengeRun, Limit, SEED};
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
        let seeds = match args.seeds {
            1 => format!("seed {seed:#x}"),
            count => format!("{count} seeds from {seed:#x}"),
        };
        let heading = format!("{clock} clock · {seeds}");
        terminal::print(&format!("{}\n\n", style.paint(Role::Faint, heading)));
    }
    let asked = Asked { args, program, seed };
    let mut ended = Vec::new();
    let runs = |challenge: &&'static Challenge| {
        let id = challenge.id;
        challenge.runs.iter().map(move |run| (id, run))
    };
    for (id, run) in challenges.iter().flat_map(runs) {
        ended.push(if args.seeds > 1 { asked.sweep(id, run)? } else { asked.run(id, run)? });
        if signals::stop_wanted() {
            break;
        }
    }
    if !args.output.json {
        terminal::print(&format!("\n{}", drawing::table(&ended, style)));
    }
    Ok(if signals::stop_wanted() { Status::Interrupted } else { status(&ended) })
}

/// What is common to all runs.
struct Asked<'a> {
    args: &'a ChallengeArgs,
    /// The program under test; without one, the built-in nodes.
    program: Option<NodeSpec>,
    /// The first seed.
    seed: u64,
}

impl Asked<'_> {
    fn plan(&self, run: &ChallengeRun, seed: u64) -> Result<Plan, Stop> {
        let clock = clock_of(self.args);
        let node = match (&self.program, run.built_in()) {
            (Some(program), _) => program.clone(),
            (None, NodeSpec::BuiltIn { name, args, .. }) => {
                NodeSpec::BuiltIn { name, args, separate: clock == ClockKind::Real }
            }
            (None, program) => program,
        };
        let mut settings = run.settings(node, seed);
        settings.clock = clock;
        settings.time_limit = self.args.time_limit.unwrap_or(settings.time_limit);
        env!("CARGO_PKG_VERSION").clone_into(&mut settings.kolk_version);
        plan(&settings).map_err(request::bad_plan)
    }

    /// One run, stored and shown.
    fn run(
        &self,
        id: &'static str,
        run: &'static ChallengeRun,
    ) -> Result<drawing::ChallengeRun, Stop> {
        let plan = self.plan(run, self.seed)?;
        let mut bar = Bar::new(format!("{id} {}", run.name), false);
        let watch = Watch { challenge: Some((id, run)), ..Watch::default() };
        let finished = runner::run(plan, &self.args.output.store, watch, &mut bar);
        bar.finish();
        let finished = finished?;
        let drawn = drawn(id, run, &finished);
        if self.args.output.json {
            commands::show(&finished, true);
            return Ok(drawn);
        }
        let style = terminal::out_style();
        terminal::print(&drawing::line(&drawn, style));
        if !drawn.holds() {
            let folder = finished.folder_text();
            let report = finished.report(&folder, commands::program());
            terminal::print(&format!("\n{}\n", screen::draw(&report, style)));
        }
        Ok(drawn)
    }

    /// The same run under many seeds, none of them stored but the first that does not hold.
    fn sweep(
        &self,
        id: &'static str,
        run: &'static ChallengeRun,
    ) -> Result<drawing::ChallengeRun, Stop> {
        let seeds = (0..self.args.seeds).map(|number| self.seed.wrapping_add(u64::from(number)));
        let plans = seeds.map(|seed| self.plan(run, seed)).collect::<Result<Vec<_>, _>>()?;
        let bar = Bar::new(format!("{id} {}", run.name), false);
        let sweep = sweep::sweep(run, &plans, &bar);
        bar.finish();
        let sweep = match sweep {
            Ok(sweep) => sweep,
            Err((seed, stop)) => return Err(self.tried_again(id, run, seed, stop)),
        };
        let drawn = sweep.drawn(id, run, self.program.is_none());
        if self.args.output.json {
            terminal::print(&sweep.json(id, run));
            return Ok(drawn);
        }
        terminal::print(&drawing::line(&drawn, terminal::out_style()));
        if let Some(seed) = sweep.first_that_fails(run) {
            let again = Asked { args: self.args, program: self.program.clone(), seed };
            again.run(id, run)?;
        }
        Ok(drawn)
    }
}

impl Asked<'_> {
    /// Why a seed could not be carried out: it is tried once more, so that there is a folder to look
    /// into.
    fn tried_again(
        &self,
        id: &'static str,
        run: &'static ChallengeRun,
        seed: u64,
        first: Stop,
    ) -> Stop {
        let again = Asked { args: self.args, program: self.program.clone(), seed };
        let (stop, how) = match again.run(id, run) {
            Err(second) => (second, "its run folder is"),
            Ok(_) => (first, "tried again, it could be carried out: its run folder is"),
        };
        let current = self.args.output.store.join("current");
        let folder = std::fs::canonicalize(&current).unwrap_or(current);
        let problem = format!("{id} {}, seed {seed:#x}: {}", run.name, stop.failure.problem);
        let failure = Failure { problem, ..stop.failure };
        Stop { failure: failure.advice(format!("{how} {}", folder.display())), ..stop }
    }
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

fn drawn(id: &str, run: &ChallengeRun, finished: &Finished) -> drawing::ChallengeRun {
    let claim = finished.verdict.anomalies().first().map(|(_, anomaly)| anomaly.claim.clone());
    let simulated = numbers::duration(finished.run.ended.since(kolk_protocol::Time::ZERO));
    let time = match finished.plan.clock {
        ClockKind::Virtual => format!("{simulated} in {}", numbers::duration(finished.wall)),
        ClockKind::Real => simulated,
    };
    let is_built_in = matches!(finished.plan.node, NodeSpec::BuiltIn { .. });
    let Run { history, summary, .. } = &finished.run;
    let measured = |limit: &Limit| {
        measured(limit, limit.measure.value(&finished.verdict, history, summary), is_built_in)
    };
    drawing::ChallengeRun {
        id: id.to_owned(),
        name: run.name.to_owned(),
        validity: finished.verdict.validity,
        claim: claim.filter(|_| finished.verdict.validity != Validity::Valid),
        measures: run.limits.iter().map(measured).collect(),
        time,
        folder: finished.folder_text(),
        seeds: None,
    }
}

/// How a value is held to a limit.
fn measured(limit: &Limit, value: Option<f64>, is_built_in: bool) -> Measured {
    Measured {
        name: limit.measure.text().to_owned(),
        unit: limit.measure.unit().to_owned(),
        value,
        mean: None,
        below: limit.below,
        goal: limit.goal.filter(|_| is_built_in),
        record: limit.record.map(|record| record.value),
        note: limit.record.map_or(String::new(), |record| record.note.to_owned()),
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
