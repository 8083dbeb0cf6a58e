//! One run, from its plan to its folder.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use kolk_check::{Validity, Verdict};
use kolk_engine::{
    Ending, EngineError, JournalSink, NodeSource, Observer, Patience, Room, Run, Setup, Survivor,
};
use kolk_history::history::AnyEvent;
use kolk_history::journal::JournalEvent;
use kolk_history::plan::{ClockKind, NodeSpec};
use kolk_history::{History, Plan, jepsen};
use kolk_node::Machine;
use kolk_report::Role;
use kolk_report::facts::{self, Facts, Held, HeldLimit};
use kolk_report::failure::{Failure, Trouble};
use kolk_report::results;
use kolk_report::sanitize::sanitize;
use kolk_report::{figures, jepsen_log};
use kolk_workload::challenge::ChallengeRun;
use kolk_workload::registry;

use crate::commands;
use crate::net_log;
use crate::nodes::{self, Maker};
use crate::signals;
use crate::status::{Status, Stop};
use crate::store::RunFolder;
use crate::terminal;

/// A finished run, judged, and stored if it was to be.
pub struct Finished {
    /// What decided it.
    pub plan: Plan,
    /// What the engine gave.
    pub run: Run,
    /// What the checkers say.
    pub verdict: Verdict,
    /// How it ended.
    pub facts: Facts,
    /// How long it took by the wall clock.
    pub wall: Duration,
    /// Where it is stored.
    pub folder: PathBuf,
    /// What could not be drawn or linked afterwards. The verdict stands all the same.
    pub troubles: Vec<Failure>,
    /// True if something of the run itself could not be stored.
    pub is_torn: bool,
}

impl Finished {
    /// The status that says how it went.
    pub fn status(&self) -> Status {
        if self.run.ending == Ending::Interrupted {
            return Status::Interrupted;
        }
        if self.is_torn {
            return Status::Internal;
        }
        Status::from(self.verdict.validity)
    }

    /// The folder as it is shown.
    pub fn folder_text(&self) -> String {
        self.folder.display().to_string()
    }

    /// The run as reports are drawn from it.
    pub fn report<'a>(
        &'a self,
        folder: &'a str,
        program: &'a str,
    ) -> kolk_report::screen::Report<'a> {
        kolk_report::screen::Report {
            plan: &self.plan,
            history: &self.run.history,
            summary: &self.run.summary,
            verdict: &self.verdict,
            facts: &self.facts,
            wall: Some(self.wall),
            folder: Some(folder),
            program,
        }
    }
}

/// How a run is watched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch<'a> {
    /// Print messages when they are sent.
    pub sends: bool,
    /// Print messages when they are received.
    pub receives: bool,
    /// How long a program may take.
    pub patience: Patience,
    /// How much may be stored.
    pub room: Room,
    /// The challenge whose limits it is held to: its id, and which of its runs.
    pub challenge: Option<(&'static str, &'static ChallengeRun)>,
    /// Files that lie in the run's folder from the beginning: their names and what they hold.
    pub beside: &'a [(&'a str, Vec<u8>)],
}

/// Carries out a plan, judges what came of it, and stores everything.
///
/// # Errors
///
/// If a node cannot be started, or something cannot be written.
pub fn run(
    plan: Plan,
    store: &Path,
    watch: Watch<'_>,
    observer: &mut dyn Observer,
) -> Result<Finished, Stop> {
    // What is wrong with the plan is found before there is a folder, whose name comes from it too.
    let nodes = Nodes::of(&plan.node)?;
    let workload = workload(&plan)?;
    let mut folder = RunFolder::create(store, &plan.workload.name)?;
    commands::watch::note(store);
    folder.write("plan.json", &results::plan_json(&plan))?;
    for (name, content) in watch.beside {
        folder.write(name, content)?;
    }
    let mut journal = folder.stream("journal.jsonl")?;
    let mut show = |event: &JournalEvent<'_>| net_log::show(event, watch.sends, watch.receives);
    let mut history = folder.stream("history.jsonl")?;
    let began = now();
    let mut run = kolk_engine::run(Setup {
        plan: &plan,
        nodes: nodes.source(watch.patience),
        workload,
        journal: if watch.sends || watch.receives {
            JournalSink::Watched(&mut journal, &mut show)
        } else {
            JournalSink::Write(&mut journal)
        },
        history: Some(&mut history),
        logs: Some(folder.logs()),
        data: Some(folder.data()),
        room: watch.room,
        observer,
    })
    .map_err(|error| engine_failure(error, Some(&folder)))?;
    warn_of_survivors(&run);
    let wall = began.elapsed();
    let mut troubles = Vec::new();
    let flushed = journal.flush().and_then(|()| history.flush());
    let unwritten = run.unwritten.take().map(|error| engine_failure(error, Some(&folder)));
    let torn = unwritten.or_else(|| {
        let flushed = flushed.context("cannot write the run's journal and history");
        flushed.err().map(Stop::from)
    });
    let mut is_torn = torn.is_some();
    if let Some(stop) = torn {
        troubles.push(stop.failure);
        // Their buffers hold what could not be written, and would try again.
        folder.keep_whole_lines([journal, history]);
    }
    let mut verdict = judge(&plan, &run);
    let mut facts = facts_of(&run);
    let is_built_in = matches!(plan.node, NodeSpec::BuiltIn { .. });
    let held = |(id, challenge)| held(id, challenge, &verdict, &run, is_built_in);
    facts.challenge = watch.challenge.map(held);
    if is_torn {
        verdict.validity = verdict.validity.worst(Validity::Unknown);
    }
    let json = results::json(&plan, &run.summary, &verdict, &facts);
    let log = jepsen_log::draw(&plan, &run.summary, &verdict, &facts);
    let written = folder
        .write("results.json", &json)
        .and_then(|()| folder.write("results.edn", &results::edn(&verdict)))
        .and_then(|()| write_history(&folder, &run.history))
        .and_then(|()| folder.write("jepsen.log", log.as_bytes()));
    if let Err(error) = written {
        // The verdict is there, and whoever waits for it is shown it.
        is_torn = true;
        troubles.push(Stop::from(error).failure);
    }
    if is_torn {
        let folder = folder.path().to_owned();
        return Ok(Finished { plan, run, verdict, facts, wall, folder, troubles, is_torn });
    }
    let json = String::from_utf8_lossy(&json);
    let mut try_to = |done: Result<(), Stop>| troubles.extend(done.err().map(|stop| stop.failure));
    try_to(drawn(|| commands::report::write(folder.path(), &plan, &json, &run.history)));
    // Of a challenge that holds nobody wants pictures: `kolk report` draws them if somebody does.
    if watch.challenge.is_none() || verdict.validity != Validity::Valid {
        let (history, verdict, facts) = (&run.history, &verdict, &facts);
        let figure = figures::Run { plan: &plan, history, verdict, facts };
        try_to(drawn(|| crate::figures::write(folder.path(), &figure, None).map_err(Stop::from)));
    }
    folder.publish().into_iter().for_each(|error| try_to(Err(Stop::from(error))));
    let folder = folder.path().to_owned();
    Ok(Finished { plan, run, verdict, facts, wall, folder, troubles, is_torn })
}

/// Draws something of a run that is judged: a panic takes no more from the verdict than an error.
/// What it was has been told.
fn drawn(draw: impl FnOnce() -> Result<(), Stop>) -> Result<(), Stop> {
    catch_unwind(AssertUnwindSafe(draw)).unwrap_or_else(|_| {
        Err(Stop::internal(Failure::new(Trouble::Kolk, "a report could not be drawn")))
    })
}

/// Carries out a plan for its digest alone, or with its journal in memory.
///
/// # Errors
///
/// If a node cannot be started.
pub fn run_in_memory(
    plan: &Plan,
    keep_journal: bool,
    patience: Patience,
    observer: &mut dyn Observer,
) -> Result<Run, Stop> {
    let keep = if keep_journal { Keep::Journal } else { Keep::Digest };
    run_keeping(keep, plan, patience, observer).map_err(RunError::into_stop)
}

/// Why a plan could not be carried out.
#[derive(Debug)]
pub struct RunError {
    stop: Box<Stop>,
    may_pass: bool,
}

impl RunError {
    /// True if the next try may succeed, as where the machine was too busy to start a node.
    pub fn may_pass(&self) -> bool {
        self.may_pass
    }

    /// In a line.
    pub fn text(&self) -> String {
        let Failure { problem, causes, .. } = &self.stop.failure;
        causes.iter().fold(problem.clone(), |text, cause| text + ": " + cause)
    }

    /// As what ends the program.
    pub fn into_stop(self) -> Stop {
        *self.stop
    }
}

impl From<Stop> for RunError {
    fn from(stop: Stop) -> RunError {
        RunError { stop: Box::new(stop), may_pass: false }
    }
}

/// Carries out a plan for its trace and its history: nothing is written.
///
/// # Errors
///
/// If a node cannot be started.
pub fn run_traced(
    plan: &Plan,
    patience: Patience,
    observer: &mut dyn Observer,
) -> Result<Run, RunError> {
    run_keeping(Keep::Trace, plan, patience, observer)
}

/// What is kept of a run in memory beside its history.
enum Keep {
    Digest,
    Journal,
    Trace,
}

fn run_keeping(
    keep: Keep,
    plan: &Plan,
    patience: Patience,
    observer: &mut dyn Observer,
) -> Result<Run, RunError> {
    let nodes = Nodes::of(&plan.node)?;
    let run = kolk_engine::run(Setup {
        plan,
        nodes: nodes.source(Patience { stop_wanted: signals::stop_wanted, ..patience }),
        workload: workload(plan)?,
        journal: match keep {
            Keep::Digest => JournalSink::Digest,
            Keep::Journal => JournalSink::Memory,
            Keep::Trace => JournalSink::Trace,
        },
        history: None,
        logs: None,
        data: None,
        room: Room::default(),
        observer,
    })
    .map_err(|error| {
        let may_pass = matches!(error, EngineError::Start { .. } | EngineError::System { .. });
        RunError { stop: Box::new(engine_failure(error, None)), may_pass }
    })?;
    warn_of_survivors(&run);
    Ok(run)
}

/// Says which of the nodes' processes the system would not end.
fn warn_of_survivors(run: &Run) {
    let style = terminal::error_style();
    for Survivor { pid, command } in &run.survivors {
        let warning = style.paint(Role::Doubtful, "warning:");
        let command = sanitize(command);
        terminal::print_error(&format!(
            "{warning} process {pid} ({command}), which a node started, was killed and does not \
             end\n"
        ));
    }
}

/// What the checkers say about a run.
pub fn judge(plan: &Plan, run: &Run) -> Verdict {
    let options = kolk_check::Options {
        load: Some(run.load_ended.since(run.load_began)),
        ..registry::options(plan).expect("a plan that was run has known models")
    };
    kolk_check::check_run(&run.history, Some(&run.summary), &options)
}

/// The machine's clock, for how long things take.
#[expect(clippy::disallowed_methods, reason = "how long a run took is measured by the wall clock")]
pub fn now() -> Instant {
    Instant::now()
}

fn facts_of(run: &Run) -> Facts {
    Facts {
        digest: run.digest.to_string(),
        ending: match &run.ending {
            Ending::Completed => facts::Ending::Completed,
            Ending::NodeFailed { node } => facts::Ending::NodeFailed { node: node.clone() },
            Ending::Silent => facts::Ending::Silent,
            Ending::Full => facts::Ending::Full,
            Ending::Interrupted => facts::Ending::Interrupted,
        },
        load_began: run.load_began.as_nanos(),
        load_ended: run.load_ended.as_nanos(),
        ended: run.ended.as_nanos(),
        event_count: run.event_count,
        challenge: None,
        triggered: run.triggered.clone(),
    }
}

/// What a challenge asks for, and what came of it. What we aim at is for our own nodes alone.
fn held(
    id: &str,
    challenge: &ChallengeRun,
    verdict: &Verdict,
    run: &Run,
    is_built_in: bool,
) -> Held {
    let limits = challenge.limits.iter().map(|limit| {
        let value = limit.measure.value(verdict, &run.history, &run.summary);
        HeldLimit {
            name: limit.measure.text().to_owned(),
            unit: limit.measure.unit().to_owned(),
            value,
            below: limit.below,
            goal: limit.goal.filter(|_| is_built_in),
            holds: limit.below.is_none() || value.is_some_and(|value| limit.holds(value)),
        }
    });
    Held { id: id.to_owned(), name: challenge.name.to_owned(), limits: limits.collect() }
}

fn workload(plan: &Plan) -> Result<Box<dyn kolk_engine::Workload>, Stop> {
    registry::by_name(&plan.workload.name, &plan.workload.settings, &plan.nodes)
        .map_err(|error| Stop::user(Failure::new(Trouble::Plan, error.to_string())))
}

/// Where a plan's nodes come from.
enum Nodes {
    InProcess(Box<dyn Fn(usize) -> Box<dyn Machine>>),
    Program { path: PathBuf, args: Vec<String> },
}

impl Nodes {
    fn of(spec: &NodeSpec) -> Result<Nodes, Stop> {
        match spec {
            NodeSpec::BuiltIn { name, args, separate: false } => {
                let maker: Maker = nodes::find(name)?
                    .maker(args)
                    .map_err(|problem| crate::request::bad_node_arguments(name, &problem))?;
                Ok(Nodes::InProcess(Box::new(move |_| maker())))
            }
            NodeSpec::BuiltIn { name, args, separate: true } => {
                let path = std::env::current_exe().context("cannot find this program")?;
                let args =
                    ["node", name].into_iter().map(str::to_owned).chain(args.iter().cloned());
                Ok(Nodes::Program { path, args: args.collect() })
            }
            NodeSpec::Program { path, args, .. } => {
                Ok(Nodes::Program { path: path.into(), args: args.clone() })
            }
        }
    }

    fn source(&self, patience: Patience) -> NodeSource<'_> {
        match self {
            Nodes::InProcess(make) => NodeSource::InProcess(make),
            Nodes::Program { path, args } => {
                NodeSource::Program { path: path.clone(), args: args.clone(), patience }
            }
        }
    }
}

/// The engine's errors as what to tell the user.
pub fn engine_failure(error: EngineError, folder: Option<&RunFolder>) -> Stop {
    match error {
        EngineError::BadPlan(problem) => Stop::user(Failure::new(Trouble::Plan, problem)),
        EngineError::Start { node, problem, advice, stderr, stdout, violation } => {
            let mut failure = Failure::new(Trouble::Start, format!("node {node} {problem}"))
                .output(format!("the last of {node}'s stdout"), &stdout)
                .output(format!("{node}'s stderr"), &stderr)
                .violation(violation);
            for advice in advice.lines() {
                failure = failure.advice(advice);
            }
            if let Some(folder) = folder.filter(|_| !stderr.is_empty()) {
                let log = folder.logs().join(format!("{node}.log"));
                failure = failure.advice(format!("its whole stderr is in {}", log.display()));
            }
            Stop::user(failure)
        }
        error => {
            let is_of_files = matches!(error, EngineError::Write { .. });
            let mut stop = Stop::from(anyhow::Error::from(error));
            stop.failure.trouble = if is_of_files { Trouble::Files } else { Trouble::System };
            stop
        }
    }
}

fn write_history(folder: &RunFolder, history: &History) -> anyhow::Result<()> {
    folder.write_with("history.edn", |out| {
        in_pieces(out, history.events(), |piece, event| match event {
            AnyEvent::Client(event) => jepsen::write_event(piece, &event, &history.nodes),
            AnyEvent::Fault(fault) => jepsen::write_fault(piece, fault),
        })
    })?;
    folder.write_with("history.txt", |out| {
        let mut text = Vec::new();
        jepsen::write_text(&mut text, history);
        out.write_all(&text)
    })?;
    Ok(())
}

/// Writes items as they come: a history's text can be far larger than the history.
fn in_pieces<T>(
    out: &mut dyn Write,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) -> io::Result<()> {
    let mut piece = Vec::new();
    for item in items {
        write(&mut piece, item);
        out.write_all(&piece)?;
        piece.clear();
    }
    Ok(())
}

/// True if a run of this plan is repeatable to the byte.
pub fn is_deterministic(plan: &Plan) -> bool {
    plan.clock == ClockKind::Virtual
}
