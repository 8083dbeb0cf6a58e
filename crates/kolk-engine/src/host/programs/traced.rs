//! Programs that know nothing of virtual time, and run on it all the same: traced.

use std::cell::RefCell;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;

use kolk_history::plan::{NodeSpec, Plan, ThreadOrder};
use kolk_history::summary::{Unrepeatable, ViolationKind};
use kolk_node::Outputs;
use kolk_node::storage::{DiskEvent, Record};
use kolk_protocol::message::Line;
use kolk_protocol::workload::init;
use kolk_protocol::{Time, from_body, lockstep, write_line};
use kolk_traced::{
    Ended, Files, Followed, Order, Settings, SpawnError, Step, Stuck, Traced, Tracer,
};
use rustix::process::Pid;

use super::family::{End, Family};
use super::lines::{LINE_BYTES_MAX, LineBuffer};
use super::process::{DATA_VARIABLES, start_failure};
use super::scratch::Scratch;
use super::stored::{self, Stored};
use super::{Recipe, Words, disks, given_up};
use crate::host::{Given, Host, HostFailure, INIT_TIMEOUT, LastWords, Nature};
use crate::run::{EngineError, Patience, Survivor};
use crate::workload::Call;

/// How long a program that is asked whether it speaks lockstep may take to answer, in its own
/// virtual time.
const ASK_NANOS: u64 = 1_000_000_000;

/// Traced programs.
pub(crate) struct TracedHost {
    tracer: Tracer,
    programs: Vec<TracedProgram>,
    files: disks::Files,
    /// What of their files is followed.
    followed: Option<Followed>,
    /// In which order the threads of each go on.
    order: ThreadOrder,
    /// How long a step may take by the wall clock.
    patience: Patience,
    /// Somebody wants the run to stop, and a step was given up for it.
    stopped: bool,
}

/// One program.
struct TracedProgram {
    recipe: Recipe,
    /// Its files, if they are followed.
    stored: Option<Rc<RefCell<Stored>>>,
    /// None while it is down.
    traced: Option<Traced>,
    /// What may not be repeatable of those that were killed.
    unrepeatable: Vec<String>,
    /// The line it is given in the present step.
    input: Vec<u8>,
    /// What it wrote.
    lines: LineBuffer,
}

impl TracedHost {
    /// Nobody yet.
    pub(crate) fn new(tracer: Tracer, plan: &Plan, patience: Patience) -> TracedHost {
        let order = match &plan.node {
            NodeSpec::Program { threads, .. } => *threads,
            NodeSpec::BuiltIn { .. } => ThreadOrder::Fair,
        };
        TracedHost {
            tracer,
            programs: Vec::new(),
            files: disks::Files::default(),
            followed: stored::followed(plan),
            order,
            patience,
            stopped: false,
        }
    }

    /// Starts a program.
    pub(crate) fn spawn(&mut self, recipe: Recipe, seed: u64) -> Result<(), EngineError> {
        let stored = self.followed.map(|_| Stored::new(&recipe.data, seed));
        let traced = Some(self.start(&recipe, stored.clone(), seed)?);
        let (lines, unrepeatable) = (LineBuffer::default(), Vec::new());
        let input = Vec::new();
        self.programs.push(TracedProgram { recipe, stored, traced, unrepeatable, input, lines });
        Ok(())
    }

    fn start(
        &self,
        recipe: &Recipe,
        stored: Option<Rc<RefCell<Stored>>>,
        seed: u64,
    ) -> Result<Traced, EngineError> {
        let Recipe { name, path, args, place, data, log } = recipe;
        let mut settings = settings(path, args, place, log, seed)?;
        let variable = |name: &str| (name.into(), data.clone().into_os_string());
        settings.env.extend(DATA_VARIABLES.map(variable));
        settings.order = match self.order {
            ThreadOrder::Fair => Order::Fair,
            ThreadOrder::Shuffled => Order::Shuffled,
        };
        settings.files = self.followed.zip(stored.map(|stored| stored as Rc<RefCell<dyn Files>>));
        let mut traced = Traced::spawn(&self.tracer, settings)
            .map_err(|error| failed_start(name, path, error))?;
        traced.set_patience(self.patience.init);
        Ok(traced)
    }
}

impl Host for TracedHost {
    fn nature(&self) -> Nature {
        Nature {
            is_virtual: true,
            offers_lockstep: false,
            is_concurrent: false,
            init_patience: INIT_TIMEOUT,
            step_patience: Some(self.patience.step),
            patience_flag: Some("--init-timeout"),
        }
    }

    fn begin(&mut self, node: u16, given: Given<'_>) {
        let program = &mut self.programs[usize::from(node)];
        if given.is_started
            && let Some(traced) = &mut program.traced
        {
            traced.set_patience(self.patience.step);
        }
        if let Some((src, body)) = given.message {
            let name = &program.recipe.name;
            write_line(&mut program.input, given.id, None, src, name, body.json.as_bytes());
        }
    }

    fn finish(
        &mut self,
        node: u16,
        given: Given<'_>,
        _: &mut Outputs,
        lines: &mut Vec<u8>,
    ) -> Result<Option<Time>, HostFailure> {
        let program = &mut self.programs[usize::from(node)];
        // A node that is down is not stepped.
        let Some(traced) = &mut program.traced else { return Ok(None) };
        let stepped = traced.step(given.now.as_nanos(), &program.input);
        program.input.clear();
        let step = match stepped {
            Ok(step) => step,
            Err(Stuck::Stopped) => {
                self.stopped = true;
                return Ok(None);
            }
            Err(stuck) => {
                if let Stuck::Busy { patience: after } | Stuck::Spins { ran: after } = &stuck {
                    program.unrepeatable.push(given_up(*after));
                }
                return Err(program.words().told(stuck_failure(&stuck)));
            }
        };
        let mut output = step.output.as_slice();
        while !output.is_empty() {
            // Reading from memory does not fail.
            let _ = program.lines.fill(&mut output);
            while let Some(range) = program.lines.next_line() {
                lines.extend_from_slice(program.lines.line(range));
                lines.push(b'\n');
            }
        }
        if let Some(failure) = program.trouble(&step, given.is_started) {
            return Err(program.words().told(failure));
        }
        Ok(step.wake_at.map(Time::from_nanos))
    }

    /// What it wrote it wrote in its steps.
    fn kill(&mut self, node: u16) -> Vec<u8> {
        let program = &mut self.programs[usize::from(node)];
        program.unrepeatable = program.causes();
        program.traced = None;
        program.input.clear();
        program.lines = LineBuffer::default();
        Vec::new()
    }

    fn disturb_disk(&mut self, node: u16, fault: Record) -> Result<(), EngineError> {
        let TracedProgram { recipe, stored, .. } = &self.programs[usize::from(node)];
        match stored {
            Some(stored) => stored.borrow_mut().disturb(fault),
            None => self.files.disturb(node, &recipe.data, &fault),
        }
    }

    fn harms(&mut self, node: u16) -> u64 {
        let TracedProgram { recipe, stored, .. } = &self.programs[usize::from(node)];
        match stored {
            Some(stored) => stored.borrow().disk().harms(),
            None => self.files.harms(node, &recipe.data),
        }
    }

    fn lose_power(&mut self, node: u16, seed: u64) -> Result<(), EngineError> {
        let stored = &self.programs[usize::from(node)].stored;
        stored.as_ref().map_or(Ok(()), |stored| stored.borrow_mut().lose_power(seed))
    }

    fn syncs(&mut self, node: u16) -> u64 {
        let stored = &self.programs[usize::from(node)].stored;
        stored.as_ref().map_or(0, |stored| stored.borrow().disk().syncs())
    }

    fn watch_disks(&mut self) {
        let stored = self.programs.iter().filter_map(|program| program.stored.as_ref());
        stored.for_each(|stored| stored.borrow().disk().watch());
    }

    fn disk_events(&mut self, node: u16) -> Vec<DiskEvent> {
        let stored = &self.programs[usize::from(node)].stored;
        stored.as_ref().map(|stored| stored.borrow().disk().take_events()).unwrap_or_default()
    }

    fn restart(&mut self, node: u16, seed: u64) -> Result<(), EngineError> {
        let number = usize::from(node);
        let TracedProgram { recipe, stored, .. } = &self.programs[number];
        if let Some(stored) = stored {
            stored.borrow_mut().restart(seed);
        }
        let traced = self.start(recipe, stored.clone(), seed)?;
        self.programs[number].traced = Some(traced);
        Ok(())
    }

    fn words(&self, node: u16) -> Option<Box<dyn LastWords + '_>> {
        self.programs.get(usize::from(node)).map(|program| program.words().boxed())
    }

    fn is_stopped(&self) -> bool {
        self.stopped
    }

    fn unrepeatable(&self) -> Vec<Unrepeatable> {
        let of = |program: &TracedProgram| {
            let node = program.recipe.name.clone();
            let causes = program.causes().into_iter();
            causes.map(move |what| Unrepeatable { node: node.clone(), what })
        };
        self.programs.iter().flat_map(of).collect()
    }

    fn end(self: Box<Self>) -> Vec<Survivor> {
        let living = self.programs.into_iter().filter_map(|program| program.traced);
        let left = living.flat_map(Traced::end);
        left.filter_map(Pid::from_raw).map(Survivor::of).collect()
    }
}

impl TracedProgram {
    fn words(&self) -> Words<'_> {
        Words { log: &self.recipe.log, lines: &self.lines }
    }

    /// What may not be repeatable of it, and of those that were killed before it.
    fn causes(&self) -> Vec<String> {
        let mut causes = self.unrepeatable.clone();
        if let Some(traced) = &self.traced {
            causes.extend(traced.fell_through().iter().map(|(cause, count)| cause.describe(count)));
        }
        causes
    }

    /// What is wrong with it after a step, if something is that the run does not survive.
    fn trouble(&self, step: &Step, started: bool) -> Option<HostFailure> {
        let end = step.ended.map(|ended| match ended {
            Ended::Exit(status) => End::Status(status),
            Ended::Signal(signal) => End::Signal(signal),
        });
        match (end, step.is_output_closed, step.is_input_closed) {
            (Some(end), true, _) => Some(HostFailure::died(end)),
            (Some(end), false, true) => Some(HostFailure::left_output(end)),
            (None, true, _) => Some(HostFailure::closed_output()),
            (None, false, true) => Some(HostFailure::closed_input()),
            _ if self.lines.rest() > LINE_BYTES_MAX => Some(HostFailure::endless_line()),
            // Nothing in it will end the line that all wait for.
            _ if !started && step.wake_at.is_none() => self.words().unended(),
            _ => None,
        }
    }
}

fn settings(
    path: &Path,
    args: &[String],
    place: &Path,
    log: &Path,
    seed: u64,
) -> Result<Settings, EngineError> {
    let stderr = File::options().append(true).create(true).open(log).map_err(|source| {
        EngineError::System { what: format!("cannot write the log {}", log.display()), source }
    })?;
    let mut settings = Settings::new(path);
    settings.args = args.iter().map(Into::into).collect();
    settings.folder = Some(place.to_owned());
    settings.stderr = Some(stderr);
    settings.seed = seed;
    Ok(settings)
}

/// A tracer for a run.
pub(crate) fn tracer(patience: &Patience) -> Result<Tracer, EngineError> {
    Tracer::new(patience.stop_wanted).map_err(|error| failed_start("", Path::new(""), error))
}

fn failed_start(name: &str, path: &Path, error: SpawnError) -> EngineError {
    let advice = error.advice().to_owned();
    match error {
        SpawnError::Execute(error) => start_failure(name, path, &error),
        SpawnError::System { what, source } => {
            EngineError::System { what: what.to_owned(), source }
        }
        error => EngineError::BadPlan(format!("{error}. {advice}")),
    }
}

fn stuck_failure(stuck: &Stuck) -> HostFailure {
    let kind = match stuck {
        Stuck::Floods { .. } | Stuck::TooMany { .. } => ViolationKind::Overrun,
        _ => ViolationKind::NeverIdle,
    };
    HostFailure::plain(kind, stuck.to_string(), stuck.advice().to_owned())
}

/// Whether programs can be traced here.
pub const fn can_trace() -> bool {
    kolk_traced::is_supported()
}

/// Asks a program whether it speaks lockstep, and gives what it accepts: it is started once,
/// traced, given an `init` that offers it, and ended when it has answered or a second of its
/// virtual time is over. A program that fails here will fail in its run, where that is told; it
/// counts as one that does not.
///
/// # Errors
///
/// If nothing can be traced here.
pub fn speaks_lockstep(
    path: &Path,
    args: &[String],
    patience: Patience,
) -> Result<Option<lockstep::Acceptance>, EngineError> {
    let scratch = Scratch::create(Family::new().folder())?;
    let place = scratch.place(0)?;
    let tracer = tracer(&patience)?;
    let settings = settings(path, args, &place, Path::new("/dev/null"), 0)?;
    let mut traced = match Traced::spawn(&tracer, settings) {
        Ok(traced) => traced,
        Err(SpawnError::Execute(_)) => return Ok(None),
        Err(error) => return Err(failed_start("", path, error)),
    };
    traced.set_patience(patience.init);
    let node = "n0".to_owned();
    let request = init::Request::Init {
        node_id: node.clone(),
        node_ids: vec![node.clone()],
        lockstep: Some(lockstep::Offer::new(0)),
    };
    let (mut body, mut line) = (Vec::new(), Vec::new());
    Call::new(&mut body, 1).request(&request);
    write_line(&mut line, Some(0), Some(0), "c0", &node, &body);
    let mut lines = LineBuffer::default();
    let (mut now, mut input) = (0, line.as_slice());
    while let Ok(step) = traced.step(now, input) {
        let mut output = step.output.as_slice();
        while !output.is_empty() {
            let _ = lines.fill(&mut output);
        }
        while let Some(range) = lines.next_line() {
            if let Ok(line) = Line::parse(lines.line(range))
                && line.body.kind == "init_ok"
            {
                // Whatever it says of lockstep, it speaks it.
                let speaks = line.body.json.contains("\"lockstep\"");
                return Ok(speaks.then(|| match from_body("init_ok", line.body.json) {
                    Ok(init::Reply::InitOk { lockstep: Some(accepted) }) => accepted,
                    _ => lockstep::Acceptance::new(&[]),
                }));
            }
        }
        let is_over = step.ended.is_some() || step.is_output_closed;
        match step.wake_at.filter(|at| *at <= ASK_NANOS && !is_over) {
            Some(at) => (now, input) = (at, &[]),
            None => break,
        }
    }
    Ok(None)
}
