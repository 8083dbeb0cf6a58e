//! `kolk learn`: the course in the terminal.
//!
//! A stage's program lies beside the project's and is called as its workload, or as the stage says;
//! where there is none, the project's own is taken. What was passed is kept in `learn.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use kolk_report::challenge::measured;
use kolk_report::course::{self as drawing, Checked};
use kolk_report::failure::{Failure, Trouble};
use kolk_report::{Role, numbers};
use kolk_workload::challenge::{self, ChallengeRun, SEED};
use kolk_workload::course::{self, STAGES, Stage};
use serde::{Deserialize, Serialize};

use crate::args::{
    ChallengeArgs, ClockArg, KeepArg, LearnArgs, LearnCheckArgs, LearnCommand, LearnHintArgs,
    LimitArgs,
};
use crate::status::{Status, Stop};
use crate::suggest::did_you_mean;
use crate::whole::Whole;
use crate::{commands, project, signals, terminal};

/// Where it is kept what was passed.
const NOTE: &str = "learn.json";

/// The book's pages.
const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/book/src/course/");

/// What was passed, and how many hints were given.
#[derive(Debug, Deserialize, Serialize)]
struct Progress {
    format: u32,
    passed: BTreeSet<String>,
    hints: BTreeMap<String, usize>,
}

/// The version of the note.
const FORMAT: u32 = 1;

impl Progress {
    fn read() -> Result<Progress, Stop> {
        let bad = |cause: String| {
            let failure = Failure::new(
                Trouble::Project,
                format!("cannot use {NOTE}, where it is kept what was passed"),
            );
            Stop::user(failure.cause(cause).advice("mend it, or remove it to begin anew"))
        };
        let text = match fs::read_to_string(NOTE) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let (passed, hints) = Default::default();
                return Ok(Progress { format: FORMAT, passed, hints });
            }
            Err(error) => return Err(bad(error.to_string())),
        };
        let progress: Progress =
            serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if progress.format != FORMAT {
            return Err(bad(format!(
                "it is of format {}, and this kolk knows {FORMAT}",
                progress.format
            )));
        }
        Ok(progress)
    }

    /// Writes it as a whole or not at all.
    fn write(&self) -> Result<(), Stop> {
        let text = serde_json::to_string_pretty(self).context("cannot write what was passed")?;
        let written = Whole::create(Path::new(NOTE))
            .and_then(|mut file| writeln!(file, "{text}").and_then(|()| file.finish()));
        Ok(written.with_context(|| format!("cannot write {NOTE}"))?)
    }

    fn next(&self) -> Option<&'static Stage> {
        STAGES.iter().find(|stage| !self.passed.contains(stage.id))
    }

    /// How many hints of a stage were given.
    fn given(&self, stage: &Stage) -> usize {
        self.hints.get(stage.id).copied().unwrap_or_default().min(stage.hints.len())
    }

    fn shown(&self) -> Vec<drawing::Stage> {
        let shown = |stage: &Stage| drawing::Stage {
            id: stage.id,
            title: stage.title,
            is_ours: stage.is_ours(),
            is_passed: self.passed.contains(stage.id),
            hints: (self.given(stage), stage.hints.len()),
        };
        STAGES.iter().map(shown).collect()
    }
}

/// Shows, checks or hints.
pub fn run(args: &LearnArgs) -> Result<Status, Stop> {
    match &args.command {
        None => show(args),
        Some(LearnCommand::Check(args)) => check(args),
        Some(LearnCommand::Hint(args)) => hint(args),
        // It is a `kolk watch` of a check.
        Some(LearnCommand::Watch(_)) => Ok(Status::Valid),
    }
}

fn named(id: &str) -> Result<&'static Stage, Stop> {
    course::find(id).ok_or_else(|| {
        let ids = || STAGES.iter().map(|stage| stage.id);
        let known = ids().collect::<Vec<_>>().join(", ");
        let failure = Failure::new(Trouble::Arguments, format!("there is no stage `{id}`"));
        Stop::user(failure.advice(did_you_mean(id, ids())).advice(format!("stages are {known}")))
    })
}

fn show(args: &LearnArgs) -> Result<Status, Stop> {
    let progress = Progress::read()?;
    let stage = args.stage.as_deref().map(named).transpose()?;
    let (shown, style) = (progress.shown(), terminal::out_style());
    let next = progress.next().map(|stage| stage.id);
    if args.json {
        terminal::print(&drawing::progress_json(&shown, next));
        return Ok(Status::Valid);
    }
    let list = drawing::list(&shown, next, style);
    terminal::print(&match (stage, progress.next()) {
        (Some(stage), _) => task(stage, &progress)?,
        (None, Some(next)) => format!("{list}\n{}", task(next, &progress)?),
        (None, None) => format!("{list}\n{}", all_passed()?),
    });
    Ok(Status::Valid)
}

/// A stage's task, with its flags, its program and its page.
fn task(stage: &'static Stage, progress: &Progress) -> Result<String, Stop> {
    let kolk = commands::program();
    let programs = Programs::find()?;
    // What can be typed as it stands.
    let bin = programs.as_ref().map_or("PROGRAM".to_owned(), |programs| programs.words(stage));
    let run = |run: &ChallengeRun| {
        let what = if challenge::is_our_run(stage.id, run) { "runs*" } else { "runs" };
        (what, format!("{kolk} test {} --strict --clock virtual --bin {bin}", run.flags()))
    };
    let mut lines: Vec<(&str, String)> = stage.runs().map(run).collect();
    lines.push((
        "program",
        match &programs {
            None => {
                format!("none yet: {kolk} new my-course --lang python writes a project; go there")
            }
            Some(programs) => {
                let (own, taken) = (programs.own(stage), programs.of(stage));
                match taken == own {
                    true => own.display().to_string(),
                    false => format!("{}, or {} if it is there", taken.display(), own.display()),
                }
            }
        },
    ));
    lines.push(("page", format!("{PAGES}{}.md", stage.page)));
    let (given, count) = (progress.given(stage), stage.hints.len());
    lines.push(("hint", format!("{kolk} learn hint   ({given} of {count} given)")));
    let seeds = numbers::counted(stage.seeds.into(), "seed", "seeds");
    lines.push(("check", format!("{kolk} learn check   (each run under {seeds})")));
    let task = drawing::Task { id: stage.id, title: stage.title, text: stage.task, lines };
    Ok(drawing::task(&task, terminal::out_style()))
}

fn hint(args: &LearnHintArgs) -> Result<Status, Stop> {
    let mut progress = Progress::read()?;
    let stage = match &args.stage {
        Some(id) => Some(named(id)?),
        None => progress.next(),
    };
    let Some(stage) = stage else {
        terminal::print("All stages are passed.\n");
        return Ok(Status::Valid);
    };
    let (given, count) = (progress.given(stage), stage.hints.len());
    let number = (given + 1).min(count);
    let style = terminal::out_style();
    for place in 0..number {
        // Those before are shown again: a hint builds on them.
        terminal::print(&drawing::hint(stage.id, place + 1, count, stage.hints[place], style));
    }
    if given == count {
        let text = format!("That is all of them; how it is done is on {PAGES}{}.md", stage.page);
        terminal::print(&format!("{}\n", style.paint(Role::Faint, text)));
    }
    progress.hints.insert(stage.id.to_owned(), number);
    progress.write()?;
    Ok(Status::Valid)
}

/// The programs of the project in this folder.
struct Programs {
    bin: PathBuf,
    args: Vec<String>,
}

impl Programs {
    fn find() -> Result<Option<Programs>, Stop> {
        let Some(file) = project::here()? else { return Ok(None) };
        let bin = file.bin.as_ref().and_then(|bin| bin.words_for("check-node").pop());
        Ok(bin.map(|bin| Programs { bin: bin.into(), args: file.args }))
    }

    /// Where a stage's own program would be.
    fn own(&self, stage: &Stage) -> PathBuf {
        let mut path = self.bin.with_file_name(stage.program());
        if let Some(end) = self.bin.extension() {
            path.set_extension(end);
        }
        path
    }

    /// The program that is run for a stage, and what it is told, as one types it.
    fn words(&self, stage: &Stage) -> String {
        let bin = self.of(stage).display().to_string();
        if self.args.is_empty() { bin } else { format!("{bin} -- {}", self.args.join(" ")) }
    }

    /// That a stage's own program is not there, and what is run in its place; nothing of the first
    /// stage, whose program is the one that a new project has.
    fn missing(&self, stage: &Stage) -> Option<String> {
        let own = self.own(stage);
        let is_first = STAGES.first().is_some_and(|first| first.id == stage.id);
        let is_missing = !is_first && !own.is_file();
        is_missing.then(|| {
            format!(
                "there is no {} for stage {}: {} is run",
                own.display(),
                stage.id,
                self.bin.display()
            )
        })
    }

    /// The program that is run for a stage.
    fn of(&self, stage: &Stage) -> PathBuf {
        let own = self.own(stage);
        if own.is_file() { own } else { self.bin.clone() }
    }
}

/// What `kolk learn watch` looks at beside the project's sources: the programs of all stages.
pub fn programs(args: &LearnCheckArgs) -> Result<Vec<PathBuf>, Stop> {
    let bin = args.bin.clone().into_iter();
    let of_project = Programs::find()?.into_iter();
    let all = of_project.flat_map(|programs| {
        STAGES.iter().map(|stage| programs.of(stage)).collect::<BTreeSet<_>>()
    });
    Ok(bin.chain(all).collect())
}

fn no_program() -> Stop {
    let failure = Failure::new(Trouble::Program, "there is no program to check")
        .advice("a project for the course: kolk new my-course --lang python; go into its folder")
        .advice("or name the program: kolk learn check 1 --bin ./echo.py");
    Stop::user(failure)
}

/// The stages that are run, in their order.
fn chosen(args: &LearnCheckArgs, progress: &Progress) -> Result<Vec<&'static Stage>, Stop> {
    let named = args.stages.iter().map(|id| named(id)).collect::<Result<Vec<_>, _>>()?;
    let next = progress.next().map(|stage| stage.id);
    let is_chosen = |stage: &&Stage| match (args.all, named.is_empty()) {
        (true, _) => true,
        (false, true) => progress.passed.contains(stage.id) || next == Some(stage.id),
        (false, false) => named.iter().any(|named| named.id == stage.id),
    };
    Ok(STAGES.iter().filter(is_chosen).collect())
}

fn check(args: &LearnCheckArgs) -> Result<Status, Stop> {
    let mut progress = Progress::read()?;
    let stages = chosen(args, &progress)?;
    let programs = Programs::find()?;
    let (quiet, style) = (args.output.quiet || args.output.json, terminal::out_style());
    if args.bin.is_none() {
        if programs.is_none() {
            return Err(no_program());
        }
        project::make(quiet)?;
    }
    let mut checked: Vec<Checked> = Vec::new();
    let mut lost: Vec<&str> = Vec::new();
    let names = commands::challenge::names(stages.iter().flat_map(|stage| stage.runs()));
    for stage in stages {
        let (bin, node_args) = match (&args.bin, &programs) {
            (Some(bin), _) => (bin.clone(), Vec::new()),
            (None, Some(programs)) => (programs.of(stage), programs.args.clone()),
            (None, None) => return Err(no_program()),
        };
        let is_known = progress.passed.contains(stage.id);
        if let (None, Some(programs)) = (&args.bin, &programs)
            && !quiet
            && let Some(line) = programs.missing(stage)
        {
            terminal::print(&format!("{}\n", style.paint(Role::Faint, line)));
        }
        let asked =
            ChallengeArgs { seeds: seeds(args, stage, is_known), ..asked(args, bin, node_args) };
        let stops_early = args.seeds.is_none();
        let ran =
            commands::challenge::carry_out(&asked, stage.id, stage.runs(), stops_early, names);
        let (runs, trouble) = match ran {
            Ok(runs) => (runs, None),
            // For a class one student's program that does not start is an outcome like others.
            Err(stop) if args.all && stop.status == Status::BadArguments => {
                (Vec::new(), Some(stop.failure.problem))
            }
            Err(stop) => return Err(stop),
        };
        if signals::stop_wanted() {
            break;
        }
        checked.push(Checked { id: stage.id, title: stage.title, runs, trouble });
        let holds = checked.last().is_some_and(Checked::holds);
        // What was passed once and is broken now is not passed.
        if holds {
            progress.passed.insert(stage.id.to_owned());
        } else if progress.passed.remove(stage.id) {
            lost.push(stage.id);
        }
        if holds != is_known {
            progress.write()?;
        }
        if !holds && !args.all {
            break;
        }
    }
    if let Some(path) = &args.junit {
        let cannot = || format!("cannot write {}", path.display());
        fs::write(path, drawing::junit(&checked)).with_context(cannot)?;
    }
    let holds = checked.iter().all(Checked::holds);
    if args.output.json {
        terminal::print(&drawing::json(&checked));
    } else if !signals::stop_wanted() {
        let (role, mark) = if holds { (Role::Good, "✓") } else { (Role::Bad, "✗") };
        let mark = style.paint(role, mark);
        terminal::print(&format!("\n{mark} {}\n", drawing::held(&checked)));
        if !args.output.quiet {
            let runs: Vec<_> = checked.iter().flat_map(|stage| &stage.runs).collect();
            let measured = measured(&runs, style);
            if !measured.is_empty() {
                terminal::print(&format!("\n{measured}"));
            }
            terminal::print(&format!("\n{}", after(args, &checked, &lost, &progress)?));
        }
    }
    Ok(match (signals::stop_wanted(), holds) {
        (true, _) => Status::Interrupted,
        (false, true) => Status::Valid,
        (false, false) => Status::Invalid,
    })
}

/// What to do next: the next task, or where to look. `lost` are the stages that do not count as
/// passed any more.
fn after(
    args: &LearnCheckArgs,
    checked: &[Checked],
    lost: &[&str],
    progress: &Progress,
) -> Result<String, Stop> {
    let failed =
        checked.iter().find(|stage| !stage.holds()).and_then(|stage| course::find(stage.id));
    match (failed, progress.next()) {
        (Some(stage), _) => {
            let kolk = commands::program();
            let mut lines = String::new();
            if !lost.is_empty() {
                let verb = if lost.len() == 1 { "counts" } else { "count" };
                lines = format!("  passed  {} no longer {verb} as passed\n", lost.join(", "));
            }
            // The usual reason of the first failure: there is only the program of another stage.
            if let Some(programs) = Programs::find()?
                && args.bin.is_none()
                && let Some(line) = programs.missing(stage)
            {
                lines += &format!("  program {line}\n");
            }
            let (id, page) = (stage.id, stage.page);
            lines +=
                &format!("  alone   {kolk} learn check {id}\n  hint    {kolk} learn hint {id}\n");
            Ok(format!("{lines}  page    {PAGES}{page}.md\n"))
        }
        // Whoever names stages goes another way through the course, and is told only where it is.
        (None, Some(next)) if !args.stages.is_empty() && !follows(next, checked) => {
            let (kolk, id, title) = (commands::program(), next.id, next.title);
            Ok(format!("  next    {kolk} learn {id}: {title}\n"))
        }
        (None, Some(next)) => task(next, progress),
        (None, None) => all_passed(),
    }
}

/// True if the stage comes right after the last one that was checked.
fn follows(next: &Stage, checked: &[Checked]) -> bool {
    let last = checked.last().and_then(|last| STAGES.iter().position(|stage| stage.id == last.id));
    last.and_then(|last| STAGES.get(last + 1)).is_some_and(|stage| stage.id == next.id)
}

/// What is said when there is no next stage: how one goes on, with the last of them.
fn all_passed() -> Result<String, Stop> {
    let mut text = "All stages are passed.\n".to_owned();
    if let Some(stage) = STAGES.last() {
        let bin = Programs::find()?.map_or("PROGRAM".to_owned(), |programs| programs.words(stage));
        text += &format!(
            "  next     {} explore --challenge {} --bin {bin}\n           looks for a run of it \
             that fails; the ids of all stages can be given\n",
            commands::program(),
            stage.id
        );
    }
    Ok(text)
}

/// Under how many seeds a stage is run: what may differ from seed to seed is looked for when it is
/// passed, and a change that breaks it later is seen under one.
fn seeds(args: &LearnCheckArgs, stage: &Stage, is_known: bool) -> u32 {
    let is_again = is_known && !args.all && args.stages.is_empty();
    let usual = if args.clock == Some(ClockArg::Real) || is_again { 1 } else { stage.seeds };
    args.seeds.unwrap_or(usual)
}

/// A check as a challenge is asked for, under one seed.
fn asked(args: &LearnCheckArgs, bin: PathBuf, node_args: Vec<String>) -> ChallengeArgs {
    ChallengeArgs {
        nemesis: None,
        nemesis_interval: None,
        fault_budget: None,
        ids: Vec::new(),
        list: false,
        bin: Some(bin),
        args: node_args,
        seed: Some(args.seed.unwrap_or(SEED)),
        seeds: 1,
        clock: Some(args.clock.unwrap_or(ClockArg::Virtual)),
        host: None,
        threads: None,
        time_limit: None,
        judge: None,
        rate: None,
        latency: None,
        latency_dist: None,
        topology: None,
        limits: LimitArgs::default(),
        patience: args.patience,
        fail_fast: !args.all,
        log_stderr: false,
        keep: KeepArg::Failing,
        room: args.room,
        output: args.output.clone(),
    }
}
