//! `kolk challenge`.

mod sweep;

use std::cell::RefCell;

use clap::ValueEnum;
use kolk_check::Validity;
use kolk_engine::Run;
use kolk_history::Plan;
use kolk_history::plan::{ClockKind, NodeSpec};
use kolk_report::challenge::{self as drawing, Measured};
use kolk_report::failure::{Failure, Trouble};
use kolk_report::sanitize::sanitize;
use kolk_report::{Role, Style, numbers, screen};
use kolk_workload::challenge::{CHALLENGES, Challenge, ChallengeRun, Limit, SEED};
use kolk_workload::{challenge, course, plan};

use crate::args::{ChallengeArgs, ClockArg, JudgeArg, KeepArg, Words};
use crate::progress::Bar;
use crate::runner::{self, Finished, Watch};
use crate::status::{Status, Stop};
use crate::suggest::did_you_mean;
use crate::{commands, request, signals, store, terminal};
use sweep::Tried;

/// Runs the challenges and prints what was measured.
pub fn run(args: &ChallengeArgs) -> Result<Status, Stop> {
    let challenges = chosen(args)?;
    if args.list {
        let all: Vec<&Challenge> = CHALLENGES.iter().collect();
        let listed = if challenges.is_empty() { &all } else { &challenges };
        terminal::print(&drawing::list(&described(listed), terminal::out_style()));
        return Ok(Status::Valid);
    }
    if challenges.is_empty() {
        let failure = Failure::new(Trouble::Arguments, "no challenge is named")
            .advice("`kolk challenge --list` shows them, and `kolk challenge all` runs them");
        return Err(Stop::user(failure));
    }
    let seed = args.seed.unwrap_or(SEED);
    let program = match &args.bin {
        Some(path) => {
            Some(request::program_spec(path, &args.args, clock_of(args), args.host, args.threads)?)
        }
        None => None,
    };
    let style = terminal::out_style();
    let is_plain = !args.output.json && !args.output.quiet;
    if is_plain {
        let clock = match clock_of(args) {
            ClockKind::Real => "real",
            ClockKind::Virtual => "virtual",
        };
        let seeds = match args.seeds {
            1 => format!("seed {seed:#x}"),
            count => format!("{count} seeds from {seed:#x}"),
        };
        let judge = if is_lenient(args) { " · by Maelstrom's checks alone" } else { "" };
        let heading = format!("{clock} clock · {seeds}{judge}");
        terminal::print(&format!("{}\n", style.paint(Role::Faint, heading)));
        let other = deviations(args);
        if !other.is_empty() {
            let mark = style.paint(Role::Doubtful, "!");
            terminal::print(&format!("{mark} not as the challenges ask: {}\n", other.join(", ")));
        }
        terminal::print("\n");
    }
    let kept = RefCell::default();
    let names = names(challenges.iter().flat_map(|challenge| challenge.runs));
    let asked = Asked { args, program, seed, is_silent: false, stops_early: false, names, kept };
    let runs = |challenge: &&'static Challenge| {
        let id = challenge.id;
        challenge.runs.iter().map(move |run| (id, run))
    };
    let ended = asked.all(challenges.iter().flat_map(runs))?;
    if !args.output.json {
        terminal::print(&format!("\n{}", drawing::table(&ended, style)));
    }
    if is_plain && !signals::stop_wanted() {
        terminal::print(&asked.kept.borrow().text(args, style));
        terminal::print(&next(args, &challenges, &ended, style));
    }
    Ok(if signals::stop_wanted() { Status::Interrupted } else { status(&ended) })
}

/// Carries out runs, and shows each but with `--json`, until one does not hold, or with all of
/// them, as `fail_fast` says: what `kolk learn` checks with. If it `stops_early`, a run that does
/// not hold under its first seed is not carried out under the others. Their `names` have so many
/// columns.
pub fn carry_out(
    args: &ChallengeArgs,
    id: &'static str,
    runs: impl Iterator<Item = &'static ChallengeRun>,
    stops_early: bool,
    names: usize,
) -> Result<Vec<drawing::ChallengeRun>, Stop> {
    let program = match &args.bin {
        Some(path) => {
            Some(request::program_spec(path, &args.args, clock_of(args), args.host, args.threads)?)
        }
        None => None,
    };
    let seed = args.seed.unwrap_or(SEED);
    let is_silent = args.output.json;
    let kept = RefCell::default();
    let asked = Asked { args, program, seed, is_silent, stops_early, names, kept };
    asked.all(runs.map(|run| (id, run)))
}

/// How many columns the names of runs have at least, so that most commands agree.
const NAMES_MIN: usize = 12;

/// How many columns the names of runs have, so that what stands behind them is aligned.
pub fn names(runs: impl Iterator<Item = &'static ChallengeRun>) -> usize {
    runs.map(|run| run.name.len()).fold(NAMES_MIN, usize::max)
}

/// What is common to all runs.
struct Asked<'a> {
    args: &'a ChallengeArgs,
    /// The program under test; without one, the built-in nodes.
    program: Option<NodeSpec>,
    /// The first seed.
    seed: u64,
    /// True if nothing is printed: somebody else shows what came of it.
    is_silent: bool,
    /// True if the first seed is tried before the others, which are left out if it does not hold.
    stops_early: bool,
    /// How many columns a run's name has.
    names: usize,
    /// What is left of the runs on disk.
    kept: RefCell<Kept>,
}

/// What is left of runs on disk.
#[derive(Default)]
struct Kept {
    /// Of how many everything.
    whole: u64,
    /// Of how many the plan and the results.
    trimmed: u64,
    /// How many bytes all of it has.
    bytes: u64,
}

impl Kept {
    /// Keeps what is to be kept of a run.
    fn add(&mut self, finished: &Finished, holds: bool, keep: KeepArg) -> Result<(), Stop> {
        let is_whole = match keep {
            KeepArg::All => true,
            KeepArg::Failing => !holds,
            KeepArg::None => false,
        };
        if is_whole {
            self.whole += 1;
        } else {
            store::trim(&finished.folder)?;
            self.trimmed += 1;
        }
        self.bytes += store::size(&finished.folder);
        Ok(())
    }

    /// The line that says so.
    fn text(&self, args: &ChallengeArgs, style: Style) -> String {
        let store = args.output.store.display();
        let runs = |count| numbers::counted(count, "run", "runs");
        let what = match (self.whole, self.trimmed) {
            (0, 0) => return String::new(),
            (whole, 0) => format!("everything of {}", runs(whole)),
            (0, trimmed) => format!("plan and results of {}", runs(trimmed)),
            (whole, trimmed) => {
                format!("everything of {}, plan and results of {}", runs(whole), runs(trimmed))
            }
        };
        let more = match (self.trimmed, args.keep) {
            (0, _) | (_, KeepArg::None) => "",
            _ => "; --keep all keeps every message",
        };
        let line = format!("kept in {store}: {what} ({}){more}", numbers::bytes(self.bytes));
        format!("  {}\n", style.paint(Role::Faint, line))
    }
}

impl Asked<'_> {
    /// Carries out runs of challenges, one after another.
    fn all(
        &self,
        runs: impl Iterator<Item = (&'static str, &'static ChallengeRun)>,
    ) -> Result<Vec<drawing::ChallengeRun>, Stop> {
        let mut ended = Vec::new();
        for (id, run) in runs {
            let run = self.as_run(run);
            ended.push(if self.args.seeds > 1 {
                self.sweep(id, run)?
            } else {
                self.run(id, run, self.seed)?
            });
            let failed = ended.last().is_some_and(|run| !run.holds());
            if signals::stop_wanted() || (self.args.fail_fast && failed) {
                break;
            }
        }
        Ok(ended)
    }

    /// A challenge's run as it is held to its limits: under more faults than it has, to none.
    fn as_run(&self, run: &'static ChallengeRun) -> &'static ChallengeRun {
        if self.args.nemesis.is_none() {
            return run;
        }
        // As long as the program: there are a few dozen at most.
        Box::leak(Box::new(ChallengeRun { limits: &[], ..*run }))
    }

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
        let args = self.args;
        settings.strict = !is_lenient(args);
        settings.lenient = is_lenient(args);
        settings.limits = args.limits.into();
        settings.time_limit = args.time_limit.unwrap_or(settings.time_limit);
        settings.rate = args.rate.unwrap_or(settings.rate);
        settings.latency = args.latency.unwrap_or(settings.latency);
        settings.latency_dist = args.latency_dist.map_or(settings.latency_dist, Into::into);
        if let Some(topology) = &args.topology {
            settings.workload_settings.insert("topology".to_owned(), topology.clone());
        }
        if let Some(words) = &args.nemesis {
            settings.nemesis.extend(request::nemesis_of(words, &settings)?);
            settings.nemesis.dedup();
            settings.nemesis_interval = args.nemesis_interval.unwrap_or(settings.nemesis_interval);
            settings.fault_budget = Some(args.fault_budget.unwrap_or((run.node_count - 1) / 2));
            // Nodes that are down do not answer.
            settings.availability = None;
            if settings.fault_budget == Some(0) {
                let failure = Failure::new(
                    Trouble::Arguments,
                    format!(
                        "no fault leaves a majority of {} running and connected",
                        numbers::counted(run.node_count as u64, "node", "nodes")
                    ),
                );
                return Err(Stop::user(failure.advice("--fault-budget 1 hits one all the same")));
            }
        }
        env!("CARGO_PKG_VERSION").clone_into(&mut settings.kolk_version);
        let plan = plan(&settings).map_err(request::bad_plan)?;
        Ok(request::reaching_files(plan, args.host))
    }

    /// One run, stored and shown.
    fn run(
        &self,
        id: &'static str,
        run: &'static ChallengeRun,
        seed: u64,
    ) -> Result<drawing::ChallengeRun, Stop> {
        let (finished, drawn) = self.ran(id, run, seed)?;
        self.show(&finished, &drawn, true)?;
        Ok(drawn)
    }

    /// One run, stored.
    fn ran(
        &self,
        id: &'static str,
        run: &'static ChallengeRun,
        seed: u64,
    ) -> Result<(Finished, drawing::ChallengeRun), Stop> {
        let plan = self.plan(run, seed)?;
        let mut bar = Bar::new(format!("{id} {}", run.name), self.args.output.quiet);
        let patience = self.args.patience.into();
        let room = self.args.room.into();
        let watch = Watch { challenge: Some((id, run)), patience, room, ..Watch::default() };
        let finished = runner::run(plan, &self.args.output.store, watch, &mut bar);
        bar.finish();
        let finished = finished?;
        let drawn = drawn(id, run, &finished);
        if self.args.log_stderr {
            commands::show_logs(&finished);
        }
        Ok((finished, drawn))
    }

    /// Shows what came of a run, and keeps of it what is to be kept. One that fails has a line of
    /// its own only if it `is_new`: not told by its sweep's.
    fn show(
        &self,
        finished: &Finished,
        drawn: &drawing::ChallengeRun,
        is_new: bool,
    ) -> Result<(), Stop> {
        if self.is_silent {
            return self.keep(finished, drawn);
        }
        if self.args.output.json {
            commands::show(finished, &self.args.output);
            return self.keep(finished, drawn);
        }
        let style = terminal::out_style();
        if is_new || drawn.holds() {
            terminal::print(&drawing::line(drawn, self.names, style));
        }
        if !drawn.holds() {
            let folder = finished.folder_text();
            let report = finished.report(&folder, commands::program());
            let draw = if self.args.output.quiet { screen::draw_verdict } else { screen::draw };
            terminal::print(&format!("\n{}\n", draw(&report, style)));
        } else if !finished.run.summary.unrepeatable.is_empty() {
            let what = screen::not_repeatable(&finished.run.summary.unrepeatable);
            let mark = style.paint(Role::Doubtful, "!");
            terminal::print(&format!("      {mark} {}\n", style.paint(Role::Faint, what)));
        }
        commands::warn(finished);
        self.keep(finished, drawn)
    }

    fn keep(&self, finished: &Finished, drawn: &drawing::ChallengeRun) -> Result<(), Stop> {
        self.kept.borrow_mut().add(finished, drawn.holds(), self.args.keep)
    }

    /// The same run under many seeds, none of them stored but the first that does not hold, and
    /// the first of all if it is tried by itself.
    fn sweep(
        &self,
        id: &'static str,
        run: &'static ChallengeRun,
    ) -> Result<drawing::ChallengeRun, Stop> {
        let mut first = None;
        if self.stops_early {
            let (finished, drawn) = self.ran(id, run, self.seed)?;
            if !drawn.holds() || signals::stop_wanted() {
                self.show(&finished, &drawn, true)?;
                return Ok(drawn);
            }
            self.keep(&finished, &drawn)?;
            let values = drawn.measures.iter().map(|measured| measured.value).collect();
            let tried = Tried { seed: self.seed, validity: drawn.validity, values };
            first = Some((tried, finished.wall));
        }
        let numbers = u32::from(first.is_some())..self.args.seeds;
        let seeds = numbers.map(|number| self.seed.wrapping_add(u64::from(number)));
        let plans = seeds.map(|seed| self.plan(run, seed)).collect::<Result<Vec<_>, _>>()?;
        let bar = Bar::new(format!("{id} {}", run.name), self.args.output.quiet);
        let sweep = sweep::sweep(run, &plans, self.args.patience.into(), &bar);
        bar.finish();
        let sweep = match sweep {
            Ok(sweep) => sweep,
            Err((seed, stop)) => return Err(self.tried_again(id, run, seed, *stop)),
        };
        let sweep = match first {
            Some((tried, wall)) => sweep.after(tried, wall),
            None => sweep,
        };
        let mut drawn = sweep.drawn(id, run, self.program.is_none());
        let failed = sweep.first_that_fails(run);
        if self.is_silent {
            // Whoever shows it says why, and where one may look.
            if let Some(seed) = failed {
                let shown = self.run(id, run, seed)?;
                (drawn.claim, drawn.folder) = (shown.claim, shown.folder);
            }
            return Ok(drawn);
        }
        if self.args.output.json {
            terminal::print(&sweep.json(id, run));
            return Ok(drawn);
        }
        terminal::print(&drawing::line(&drawn, self.names, terminal::out_style()));
        if let Some(seed) = failed {
            let (finished, of_seed) = self.ran(id, run, seed)?;
            self.show(&finished, &of_seed, false)?;
        }
        Ok(drawn)
    }
}

impl Asked<'_> {
    /// Why a seed could not be carried out: it is tried once more, so that there is a folder to
    /// look into.
    fn tried_again(
        &self,
        id: &'static str,
        run: &'static ChallengeRun,
        seed: u64,
        first: Stop,
    ) -> Stop {
        let (stop, how) = match self.run(id, run, seed) {
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
            let is_new = |challenge: &&Challenge| args.bin.is_none() || !challenge.is_ours();
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
    let of_workload = CHALLENGES
        .iter()
        .filter(|challenge| challenge.runs.iter().any(|run| run.workload == id))
        .map(|challenge| challenge.id)
        .collect::<Vec<_>>();
    let failure = Failure::new(Trouble::Arguments, format!("there is no challenge `{id}`"))
        .advice(match course::find(id) {
            Some(stage) => format!(
                "it is a stage of the course: `kolk learn check {0} --bin PATH` runs it, and `kolk \
                 explore --challenge {0} --bin PATH` varies it",
                stage.id
            ),
            None => String::new(),
        })
        .advice(match of_workload.as_slice() {
            [] => String::new(),
            [one] => format!("challenge {one} asks for the workload {id}"),
            ids => format!("challenges {} ask for the workload {id}", ids.join(", ")),
        })
        .advice(did_you_mean(id, ids.iter().copied().chain(["all"])))
        .advice(format!("known are {}, and `all`; --list shows them", ids.join(", ")));
    Stop::user(failure)
}

/// Challenges as they are shown in a list.
fn described(challenges: &[&Challenge]) -> Vec<drawing::Described> {
    let described = |challenge: &&Challenge| drawing::Described {
        id: challenge.id,
        title: challenge.title,
        condition: challenge.condition,
        is_ours: challenge.is_ours(),
        runs: challenge.runs.iter().map(|run| (run.name, run.flags())).collect(),
    };
    challenges.iter().map(described).collect()
}

/// What was asked for that changes the conditions of a challenge.
fn deviations(args: &ChallengeArgs) -> Vec<String> {
    let numbers =
        [("--time-limit", args.time_limit), ("--rate", args.rate), ("--latency", args.latency)];
    let numbers = numbers.into_iter().filter_map(|(flag, value)| Some((flag, value?.to_string())));
    let kind = args.latency_dist.and_then(|kind| Some(kind.to_possible_value()?.get_name().into()));
    let kind = kind.map(|kind: String| ("--latency-dist", kind));
    let nemesis = args.nemesis.as_ref().map(|Words(names)| ("--nemesis", names.join(",")));
    let all = numbers.chain(kind).chain(nemesis);
    all.map(|(flag, value)| format!("{flag} {value}")).collect()
}

/// What to do next: the next challenge if all hold, and its command.
fn next(
    args: &ChallengeArgs,
    challenges: &[&'static Challenge],
    ended: &[drawing::ChallengeRun],
    style: Style,
) -> String {
    let Some(last) = challenges.last() else { return String::new() };
    let program = commands::program();
    let bin = |is_same: bool| match &args.bin {
        Some(path) if is_same && args.args.is_empty() => format!(" --bin {}", path.display()),
        Some(path) if is_same => format!(" --bin {} -- {}", path.display(), args.args.join(" ")),
        Some(_) => " --bin PATH".to_owned(),
        None => String::new(),
    };
    if !ended.iter().all(drawing::ChallengeRun::holds) {
        return String::new();
    }
    let Some(next) = last.next() else { return String::new() };
    let is_same = next.runs[0].workload == last.runs[0].workload;
    let clock = args.clock.and_then(|clock| clock.to_possible_value());
    let clock = clock.map_or(String::new(), |clock| format!(" --clock {}", clock.get_name()));
    let command = format!("{program} challenge {}{clock}{}", next.id, bin(is_same));
    format!(
        "  next    {}  {}\n",
        style.paint(Role::Command, sanitize(&command)),
        style.paint(Role::Faint, format!("{}: {}", next.title, next.condition)),
    )
}

/// True if what Maelstrom overlooks does not count.
fn is_lenient(args: &ChallengeArgs) -> bool {
    args.judge == Some(JudgeArg::Maelstrom)
}

fn clock_of(args: &ChallengeArgs) -> ClockKind {
    let default = if args.bin.is_some() { ClockArg::Real } else { ClockArg::Virtual };
    args.clock.unwrap_or(default).into()
}

fn drawn(id: &str, run: &ChallengeRun, finished: &Finished) -> drawing::ChallengeRun {
    let counting = finished.verdict.anomalies();
    let claim = counting.first().map(|(_, anomaly)| anomaly.claim.clone());
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
        is_ours: challenge::is_our_run(id, run),
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
