//! The two clocks: the virtual one jumps to the next event, the real one waits for it.

#[cfg(not(unix))]
#[path = "drive/no_programs.rs"]
mod programs;
#[cfg(unix)]
mod programs;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use kolk_history::plan::{ClockKind, DRAWS, FORMAT, Plan};
use kolk_history::summary::{Excess, Growth, NodeOutput, OUTPUTS_MAX};
use kolk_history::{Operation, Outcome, Value};

use crate::host::{Hosts, InProcessHost};
use crate::logs::Logs;
use crate::node_events::NodeEvents;
use crate::recorder::{Recorded, Recorder};
use crate::run::{Ending, EngineError, Flow, NodeSource, Observer, Progress, Run, Setup};
use crate::simulation::Simulation;
use programs::{Programs, drive_real};

/// How many events may pass between two looks at the observer.
const EVENTS_PER_LOOK: u64 = 256;
/// How long an instant of virtual time may last by the wall clock, in slowest steps.
const STEPS_PER_INSTANT_MAX: u32 = 12;
/// How long the real clock waits at a time: how late a stop may be noticed.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// Carries out a plan.
///
/// # Errors
///
/// If the plan cannot be carried out, a node cannot be started, or a sink cannot be written. What a
/// node does wrong once the load has begun is no error: it stands in the run's summary.
pub fn run(setup: Setup<'_>) -> Result<Run, EngineError> {
    let Setup { plan, nodes, workload, journal, history, logs, data, room, observer } = setup;
    if (plan.format, plan.draws) != (FORMAT, DRAWS) {
        return Err(EngineError::BadPlan(format!(
            "the plan was made by kolk {} (format {}, draws {}); this is kolk {} (format {FORMAT}, \
             draws {DRAWS}), where the same seed means another run",
            plan.kolk_version,
            plan.format,
            plan.draws,
            env!("CARGO_PKG_VERSION"),
        )));
    }
    // Whatever happens from here on, no process of this run outlives this.
    let mut programs = Programs::new();
    let events = NodeEvents::new(logs.clone(), room.node_log);
    let logs = (logs, room.node_log);
    let (mut hosts, log_files) = start_nodes(plan, nodes, logs, data, &mut programs)?;
    if events.are_wanted() {
        hosts.host().watch_disks();
    }
    let recorder = Recorder::new(plan.nodes.to_vec(), journal, history, room.run);
    let mut simulation =
        Simulation::new(Rc::new(plan.clone()), workload, hosts, recorder, (log_files, events))?;
    let (ending, unwritten) = match drive(&mut simulation, observer) {
        Ok(ending) => (ending, None),
        // What there is can be judged all the same.
        Err(EngineError::Write { what, source }) if !simulation.course.stage.is_before_load() => {
            simulation.recorder.give_up_writing();
            (Ending::Full, Some(EngineError::Write { what, source }))
        }
        Err(error) => return Err(error),
    };
    simulation.close_harms(None);
    let Simulation {
        hosts,
        recorder,
        course,
        queue,
        event_count,
        logs,
        delays,
        triggers,
        leader_count,
        ..
    } = simulation;
    let (outputs, unrepeatable) = (outputs(&hosts, &recorder), hosts.unrepeatable());
    let mut survivors = hosts.end();
    survivors.extend(programs.end());
    let cut_logs = logs.finish();
    let Recorded { history, mut summary, digest, journal, trace } = recorder.finish()?;
    summary.outputs = outputs;
    summary.unrepeatable = unrepeatable;
    summary.cut_logs = cut_logs;
    summary.leader_count = leader_count;
    summary.lateness = delays.summary();
    summary.full = (ending == Ending::Full && unwritten.is_none()).then_some(room.run);
    Ok(Run {
        history,
        summary,
        digest,
        ending,
        load_began: course.load_began,
        load_ended: course.load_ended,
        ended: queue.now(),
        event_count,
        triggered: triggers.into_came(queue.now()),
        journal,
        trace,
        survivors,
        unwritten,
    })
}

/// What the nodes wrote to stderr whose operations timed out, got answers that do not fit, or
/// errors where no operation of the kind ever succeeded, most of those first.
fn outputs(hosts: &Hosts<'_>, recorder: &Recorder<'_>) -> Vec<NodeOutput> {
    let history = &recorder.history;
    let is_ok = |operation: &&Operation| operation.outcome == Outcome::Ok;
    let succeeded: BTreeSet<&str> = history
        .operations
        .iter()
        .filter(is_ok)
        .map(|operation| operation.function.name())
        .collect();
    let mut failures = vec![0_u64; history.nodes.len()];
    for operation in history.operations.iter().filter(|operation| !is_ok(operation)) {
        let is_unanswered = ["timeout", "malformed reply"]
            .iter()
            .any(|text| operation.result == Value::text(*text));
        // What has no reason is still open, or a client that was to crash.
        let is_hopeless =
            !operation.result.is_null() && !succeeded.contains(operation.function.name());
        if let Some(node) = operation.node.filter(|_| is_unanswered || is_hopeless) {
            failures[usize::from(node)] += 1;
        }
    }
    let mut nodes: Vec<u16> =
        (0..failures.len() as u16).filter(|node| failures[usize::from(*node)] > 0).collect();
    nodes.sort_by_key(|node| std::cmp::Reverse(failures[usize::from(*node)]));
    let told = |node: &str| {
        let violations = &recorder.summary().violations;
        violations.iter().any(|found| found.node == node && !found.stderr.is_empty())
    };
    let outputs = nodes.into_iter().filter_map(|node| {
        let name = &history.nodes[usize::from(node)];
        let lines = hosts.stderr(node);
        let is_news = !lines.is_empty() && !told(name);
        is_news.then(|| NodeOutput { node: name.clone(), lines })
    });
    outputs.take(OUTPUTS_MAX).collect()
}

/// Starts the nodes; `logs` is where their logs go, and how much each may take.
fn start_nodes<'a>(
    plan: &Plan,
    nodes: NodeSource<'a>,
    (logs, log_max): (Option<PathBuf>, u64),
    data: Option<PathBuf>,
    programs: &mut Programs,
) -> Result<(Hosts<'a>, Logs), EngineError> {
    let count = plan.nodes.len();
    match nodes {
        NodeSource::InProcess(make) => {
            if plan.clock == ClockKind::Real {
                return Err(EngineError::BadPlan(
                    "nodes in this process run on the virtual clock".into(),
                ));
            }
            let machines = (0..count).map(make).collect();
            let log_files = match logs {
                Some(folder) => Logs::create(&folder, &plan.nodes, log_max).map_err(|source| {
                    EngineError::System { what: "cannot write the nodes' logs".to_owned(), source }
                })?,
                None => Logs::default(),
            };
            Ok((Hosts::new(InProcessHost::new(machines, make), count), log_files))
        }
        NodeSource::Program { path, args, patience } => {
            programs.start(plan, (path, args, patience), (logs, log_max), data)
        }
    }
}

fn drive(
    simulation: &mut Simulation<'_>,
    observer: &mut dyn Observer,
) -> Result<Ending, EngineError> {
    let driven = match simulation.start() {
        Err(error) => Err(error),
        Ok(()) if simulation.hosts.is_virtual() => drive_virtual(simulation, observer),
        Ok(()) => drive_real(simulation, observer),
    };
    simulation.look_at_logs();
    match (driven, simulation.failed) {
        (Err(error), _) => Err(error),
        (Ok(_), Some(node)) => {
            let name = simulation.plan.nodes[usize::from(node)].clone();
            if simulation.course.stage.is_before_load() {
                return Err(simulation.failed_starting(node));
            }
            Ok(Ending::NodeFailed { node: name })
        }
        (Ok(Ending::Completed), None) if simulation.course.silent => Ok(Ending::Silent),
        (Ok(Ending::Completed), None)
            if simulation.course.full || simulation.recorder.is_beyond_room() =>
        {
            Ok(Ending::Full)
        }
        (Ok(ending), None) => Ok(ending),
    }
}

fn look(simulation: &Simulation<'_>, observer: &mut dyn Observer) -> Flow {
    let summary = simulation.recorder.summary();
    let growth = summary.growth.as_ref().map(Growth::describe);
    let excess = summary.excess.as_ref().map(Excess::describe);
    let faults = simulation.open_faults.iter().map(|(_, fault)| fault.clone());
    let faults: Vec<String> = faults.chain(growth).chain(excess).collect();
    observer.progress(&Progress {
        now: simulation.now(),
        end: simulation.course.expected_end(simulation.now()),
        invoked: simulation.course.invoked(),
        ok: simulation.course.ok_count,
        messages: simulation.recorder.message_count(),
        stage: simulation.course.stage.name(),
        faults: &faults,
    })
}

#[expect(clippy::disallowed_methods, reason = "separate programs take the wall clock's time")]
fn drive_virtual(
    simulation: &mut Simulation<'_>,
    observer: &mut dyn Observer,
) -> Result<Ending, EngineError> {
    let mut next_look = 0;
    // Separate programs may take seconds over every event, and their instants need another bound
    // than the number of events.
    let instant_max =
        simulation.hosts.nature().step_patience.map(|patience| patience * STEPS_PER_INSTANT_MAX);
    let mut looked = Instant::now();
    let mut instant = (simulation.now(), looked);
    while !simulation.is_over() {
        let Some(event) = simulation.queue.pop() else { break };
        simulation.handle(event)?;
        simulation.end_if_full()?;
        simulation.guard_instant();
        if simulation.queue.peek().is_none_or(|(time, _)| time > simulation.queue.now()) {
            simulation.fail_suspects();
        }
        if simulation.hosts.is_stopped() {
            return Ok(Ending::Interrupted);
        }
        let mut is_due = simulation.event_count >= next_look;
        if let Some(max) = instant_max {
            let present = Instant::now();
            if instant.0 != simulation.now() {
                instant = (simulation.now(), present);
            } else if present.duration_since(instant.1) > max {
                let (seconds, now) = (max.as_secs_f64(), instant.0);
                simulation.end_standstill(&format!("it has been {now} for more than {seconds} s"));
            }
            if present.duration_since(looked) >= WAIT_MAX {
                (looked, is_due) = (present, true);
                // What is stored is whole up to here, whatever happens next.
                simulation.recorder.flush()?;
                simulation.logs.flush();
                simulation.node_events.flush();
            }
        }
        simulation.hold_logs();
        if is_due {
            next_look = simulation.event_count + EVENTS_PER_LOOK;
            if look(simulation, observer) == Flow::Stop {
                return Ok(Ending::Interrupted);
            }
        }
    }
    Ok(Ending::Completed)
}
