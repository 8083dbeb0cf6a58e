//! Programs of a run: how they are started, and how they are driven by the real clock.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use kolk_history::plan::{ClockKind, Plan};
use kolk_protocol::Time;

use super::{WAIT_MAX, look};
use crate::host::Hosts;
use crate::host::programs::{
    Family, LockstepHost, Program, ProgramEvent, RealHost, Recipe, Scratch, TracedHost, make_room,
    tracer,
};
use crate::logs::{self, Logs};
use crate::run::{Ending, EngineError, Flow, Observer, Patience, Survivor};
use crate::simulation::{Cause, Simulation, node_seed};

/// All processes of a run, and the folders they work in. None of the processes outlives this.
pub(super) struct Programs {
    // It is dropped first: the folders go when nobody works in them any more.
    family: Rc<Family>,
    scratch: Option<Scratch>,
}

impl Programs {
    pub(super) fn new() -> Programs {
        Programs { family: Rc::new(Family::new()), scratch: None }
    }

    /// Starts a program for each node: where it lies, its arguments, and how long it may take.
    pub(super) fn start<'a>(
        &mut self,
        plan: &Plan,
        (path, args, patience): (PathBuf, Vec<String>, Patience),
        (logs, log_max): (Option<PathBuf>, u64),
        data: Option<PathBuf>,
    ) -> Result<(Hosts<'a>, Logs), EngineError> {
        let (count, family) = (plan.nodes.len(), &self.family);
        make_room(count);
        let scratch = self.scratch.insert(Scratch::create(family.folder())?);
        let folder = logs.unwrap_or_else(|| scratch.path().to_owned());
        let recipe = |(number, name): (usize, &String)| {
            Ok(Recipe {
                name: name.clone(),
                path: path.clone(),
                args: args.clone(),
                place: scratch.place(number)?,
                data: data_folder(data.as_deref(), scratch, name)?,
                log: logs::path(&folder, name),
            })
        };
        let recipes = plan.nodes.iter().enumerate().map(recipe);
        if plan.is_traced() {
            let mut host = TracedHost::new(tracer(&patience)?, plan, patience);
            for (recipe, name) in recipes.zip(plan.nodes.iter()) {
                host.spawn(recipe?, node_seed(plan.seed, name, 0))?;
            }
            return Ok((Hosts::new(host, count), watched(plan, &folder, log_max)?));
        }
        let programs = recipes
            .map(|recipe| Program::spawn(recipe?, Rc::clone(family)))
            .collect::<Result<Vec<Program>, EngineError>>()?;
        let log_files = watched(plan, &folder, log_max)?;
        let hosts = match plan.clock {
            ClockKind::Real => Hosts::new(RealHost::new(programs, patience.init), count),
            ClockKind::Virtual => {
                Hosts::new(LockstepHost::new(programs, log_files.files(), patience), count)
            }
        };
        Ok((hosts, log_files))
    }

    /// Ends all processes, and gives those that could not be ended.
    pub(super) fn end(&self) -> Vec<Survivor> {
        self.family.end()
    }
}

/// An empty folder for what a node wants to find again when it has been killed: in the run's folder
/// for that, or among what is removed.
fn data_folder(
    folder: Option<&Path>,
    scratch: &Scratch,
    node: &str,
) -> Result<PathBuf, EngineError> {
    let folder = folder.map_or_else(|| scratch.path().join("data"), Path::to_owned).join(node);
    let made = std::fs::create_dir_all(&folder).and_then(|()| std::path::absolute(&folder));
    made.map_err(|source| {
        let what = format!("cannot make the folder {}", folder.display());
        EngineError::System { what, source }
    })
}

/// The logs of programs, whose stderr goes there.
fn watched(plan: &Plan, folder: &Path, log_max: u64) -> Result<Logs, EngineError> {
    Logs::watch(folder, &plan.nodes, log_max).map_err(|source| EngineError::System {
        what: "cannot watch the nodes' logs".to_owned(),
        source,
    })
}

/// Lets everything happen when it is due by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the real clock")]
pub(super) fn drive_real(
    simulation: &mut Simulation<'_>,
    observer: &mut dyn Observer,
) -> Result<Ending, EngineError> {
    let began = Instant::now();
    let present =
        || Time::from_nanos(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
    let mut ready = Vec::new();
    let mut next_look = Instant::now();
    loop {
        while let Some((due, _)) = simulation.queue.peek()
            && let Some(event) = simulation.queue.pop_due()
        {
            // What is due at once happens at once, and says nothing of the machine.
            if !simulation.course.stage.is_before_load() && due < simulation.now() {
                simulation.delays.note(simulation.now().since(due).as_nanos() as u64);
            }
            simulation.handle(event)?;
            simulation.end_if_full()?;
        }
        simulation.fail_suspects();
        let Some(host) = simulation.hosts.host().real() else { return Ok(Ending::Completed) };
        if let Some((node, failure)) = host.flush() {
            simulation.fail_node(node, failure);
        }
        if simulation.is_over() {
            return Ok(Ending::Completed);
        }
        if Instant::now() >= next_look {
            next_look = Instant::now() + WAIT_MAX;
            // What is stored is whole up to here, whatever happens next.
            simulation.recorder.flush()?;
            simulation.look_at_logs();
            simulation.hold_logs();
            let real = simulation.hosts.host().real();
            if let Some((node, failure)) = real.and_then(RealHost::deaf) {
                simulation.fail_node(node, failure);
            }
            let before_load = simulation.course.stage.is_before_load();
            let real = simulation.hosts.host().real();
            let unended = real.map(|host| host.unended(before_load)).unwrap_or_default();
            for (node, failure) in unended {
                simulation.violation(node, failure);
            }
            if look(simulation, observer) == Flow::Stop {
                return Ok(Ending::Interrupted);
            }
            // What nodes wrote to stderr may have set off a fault, or ended the run.
            if simulation.queue.is_due() {
                continue;
            }
        }
        let next = simulation.queue.peek().map_or(Time::MAX, |(time, _)| time);
        let wait = next.since(present()).min(WAIT_MAX);
        let Some(host) = simulation.hosts.host().real() else { return Ok(Ending::Completed) };
        host.wait(wait, &mut ready).map_err(|source| EngineError::System {
            what: "cannot wait for nodes".into(),
            source,
        })?;
        simulation.queue.advance(present());
        for node in ready.drain(..) {
            read_node(simulation, node)?;
        }
    }
}

/// Takes what a program has written.
fn read_node(simulation: &mut Simulation<'_>, node: u16) -> Result<(), EngineError> {
    simulation.logs.glance(node, simulation.queue.now());
    simulation.read_log(node, b"");
    let Some(host) = simulation.hosts.host().real() else { return Ok(()) };
    let program = host.program(node);
    let event = program.read();
    // The lines are taken out of the program while they are dealt with: that may write to it.
    let mut lines = std::mem::take(&mut program.lines);
    while let Some(range) = lines.next_line() {
        simulation.take_line(node, lines.line(range), Cause::default())?;
    }
    let Some(host) = simulation.hosts.host().real() else { return Ok(()) };
    let program = host.program(node);
    program.lines = lines;
    let failure = match event {
        ProgramEvent::Closed => Some(program.closed_failure()),
        ProgramEvent::Read | ProgramEvent::Nothing => {
            program.overrun().map(|failure| program.words().told(failure))
        }
    };
    if let Some(failure) = failure {
        simulation.fail_node(node, failure);
    }
    Ok(())
}
