//! Nodes that are killed and started again, or stand still: what is kept for them meanwhile, what
//! is lost, and in which order they get it.
//!
//! As in Maelstrom since July 2026: a node that does not run stays addressable. The first
//! [`KEPT_MAX`] messages that come for it meanwhile are kept, those of clients among them; more are
//! dropped. One that was killed is started again, gets `init` once more from a client of its own,
//! and only when it has answered what was kept. One that stood still goes on where it was.

use std::collections::VecDeque;

use kolk_history::Value;
use kolk_history::journal::DropReason;
use kolk_history::node_events::{Kind, NodeEvent};
use kolk_history::plan::{Targets, Trigger, TriggerEvent};
use kolk_history::summary::ViolationKind;
use kolk_protocol::{Key, Time};

use super::flights::InFlight;
use super::{Cause, NodeInput, Simulation};
use crate::endpoint::Endpoint;
use crate::host::HostFailure;
use crate::queue::Event;
use crate::run::EngineError;

/// How many messages are kept for a node that does not run.
pub(crate) const KEPT_MAX: usize = 10;

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// It stands still.
    Paused,
    Down,
    /// It has been started again, and has not answered `init`, which this client has sent.
    Starting {
        client: u32,
    },
}

#[derive(Debug)]
struct Life {
    state: State,
    /// How often it has been started again.
    incarnation: u32,
    /// The open faults that keep it from running: by their numbers in the plan.
    down_by: Vec<u32>,
    paused_by: Vec<u32>,
    /// What came for it while it did not run, and how much more did.
    kept: VecDeque<InFlight>,
    dropped: u64,
    /// When it wanted to be woken by its own clock, while it stands still.
    alarm: Option<Time>,
}

/// A start whose end is not recorded yet.
#[derive(Debug)]
struct Start {
    /// What became of each node.
    nodes: Vec<(u16, &'static str)>,
    /// Those that have not answered `init`.
    waits_for: Vec<u16>,
}

/// The lives of all nodes.
#[derive(Debug)]
pub(super) struct Lives {
    lives: Vec<Life>,
    starts: Vec<Start>,
}

impl Lives {
    pub(super) fn new(count: usize) -> Lives {
        let life = || Life {
            state: State::Running,
            incarnation: 0,
            down_by: Vec::new(),
            paused_by: Vec::new(),
            kept: VecDeque::new(),
            dropped: 0,
            alarm: None,
        };
        Lives { lives: (0..count).map(|_| life()).collect(), starts: Vec::new() }
    }

    fn of(&mut self, node: u16) -> &mut Life {
        &mut self.lives[usize::from(node)]
    }

    /// True if a message from there is taken by the node now.
    pub(super) fn takes(&self, node: u16, src: Endpoint) -> bool {
        match self.lives[usize::from(node)].state {
            State::Running => true,
            State::Starting { client } => src == Endpoint::Client(client),
            State::Paused | State::Down => false,
        }
    }
}

/// What nodes are told to do, and what that is called in histories.
const KILL: &str = "kill";
const POWER: &str = "power";
const START: &str = "start";
const PAUSE: &str = "pause";
const RESUME: &str = "resume";

impl Simulation<'_> {
    /// Gives a message back if its receiver takes it now; else it is kept, or dropped.
    pub(super) fn receive_or_keep(
        &mut self,
        node: u16,
        message: InFlight,
    ) -> Result<Option<InFlight>, EngineError> {
        if self.lives.takes(node, message.src) {
            return Ok(Some(message));
        }
        let life = self.lives.of(node);
        let is_full = life.kept.len() >= KEPT_MAX;
        life.dropped += u64::from(is_full && matches!(life.state, State::Paused | State::Down));
        match life.state {
            State::Paused if is_full => self.drop_message(message, DropReason::PausedNode)?,
            State::Down if is_full => self.drop_message(message, DropReason::DeadNode)?,
            // One that starts reads again soon, and loses nothing.
            _ => {
                life.kept.push_back(message);
                self.recorder.kept();
            }
        }
        Ok(None)
    }

    /// Records what becomes of a node.
    fn note_life(&mut self, node: u16, kind: Kind) {
        let event = NodeEvent::new(self.now(), self.directory.name(Endpoint::Node(node)), kind);
        self.node_events.push(&event);
    }

    /// Gives a node what was kept for it, oldest first; it runs again because of `kind`.
    fn hand_over(&mut self, node: u16, kind: Kind) -> Result<(), EngineError> {
        let name = self.directory.name(Endpoint::Node(node));
        let event = NodeEvent::new(self.now(), name, kind);
        let life = self.lives.of(node);
        let (delivered, dropped) = (life.kept.len() as u64, std::mem::take(&mut life.dropped));
        self.node_events.push(&NodeEvent {
            delivered: Some(delivered),
            dropped: Some(dropped),
            ..event
        });
        // One after the other also where nodes work side by side, so that the order is the same.
        while self.failed.is_none()
            && let Some(message) = self.lives.of(node).kept.pop_front()
        {
            self.event_count += 1;
            let input = NodeInput::Message(message);
            self.begin_step(node, &input);
            self.end_step(node, input)?;
        }
        Ok(())
    }

    /// Kills the nodes of a fault that begins.
    pub(super) fn kill(&mut self, number: u32, targets: &Targets) -> Result<(), EngineError> {
        self.take_down(number, targets, KILL)
    }

    /// Takes the power from the nodes of a fault that begins.
    pub(super) fn power(&mut self, number: u32, targets: &Targets) -> Result<(), EngineError> {
        self.take_down(number, targets, POWER)?;
        for node in self.targets(targets)? {
            // Drawn by fault and node, so that the others' losses stay as they are.
            let name = self.directory.name(Endpoint::Node(node));
            let key = Key::new(self.plan.seed).with_name("power").with_name(name);
            let seed = self.fate(key, number);
            self.hosts.host().lose_power(node, seed)?;
            self.note_disk(node);
        }
        Ok(())
    }

    /// The seed of what a fault does to a disk. Faults are told apart by when they begin; those
    /// that wait for leaders all begin alike, and are told apart by which leader it is.
    pub(super) fn fate(&self, key: Key, number: u32) -> u64 {
        let fault = &self.plan.faults[number as usize];
        let key = key.with(fault.begin);
        match &fault.on {
            Some(Trigger { event: TriggerEvent::Leader { .. }, nth }) => key.with(*nth).seed(),
            _ => key.seed(),
        }
    }

    fn take_down(
        &mut self,
        number: u32,
        targets: &Targets,
        function: &str,
    ) -> Result<(), EngineError> {
        let nodes = self.targets(targets)?;
        self.open_faults.push((number, format!("{function} ({})", targets.nodes.join(", "))));
        self.order(function, asked_for(targets))?;
        let mut done = Vec::new();
        for node in nodes {
            self.lives.of(node).down_by.push(number);
            done.push((node, self.kill_node(node)?));
        }
        let hits = done.iter().filter(|(_, what)| *what == "killed").count();
        self.recorder.strike(number, hits as u64);
        self.report(function, &done)
    }

    fn kill_node(&mut self, node: u16) -> Result<&'static str, EngineError> {
        if self.lives.of(node).state == State::Down {
            return Ok("not-running");
        }
        // What it had written is on its way, as what it had sent before.
        let lines = self.hosts.host().kill(node);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            self.take_line(node, line, Cause::default())?;
        }
        self.set_alarm(node, None);
        self.hosts.set_started(node, false);
        let life = self.lives.of(node);
        life.state = State::Down;
        life.paused_by.clear();
        life.alarm = None;
        self.leaders.forget(node);
        // A start that waited for it waits in vain, and says nothing any more.
        self.lives.starts.retain(|start| !start.waits_for.contains(&node));
        self.note_life(node, Kind::Killed);
        Ok("killed")
    }

    /// Starts the nodes again that a fault has killed and no other keeps down. As in Jepsen, all
    /// are asked to run, if the targets were drawn.
    pub(super) fn start_again(
        &mut self,
        number: u32,
        targets: &Targets,
    ) -> Result<(), EngineError> {
        self.close_fault(number);
        self.order(START, everybody(targets))?;
        let mut start = Start { nodes: Vec::new(), waits_for: Vec::new() };
        for node in self.asked_nodes(targets)? {
            let life = self.lives.of(node);
            life.down_by.retain(|fault| *fault != number);
            let what = match life.state {
                State::Down if life.down_by.is_empty() => {
                    start.waits_for.push(node);
                    "started"
                }
                State::Down => "not-running",
                _ => "already-running",
            };
            start.nodes.push((node, what));
        }
        for node in start.waits_for.clone() {
            self.start_node(node)?;
        }
        if start.waits_for.is_empty() {
            return self.report(START, &start.nodes);
        }
        self.lives.starts.push(start);
        Ok(())
    }

    fn start_node(&mut self, node: u16) -> Result<(), EngineError> {
        if self.failed.is_some() {
            return Ok(());
        }
        let incarnation = self.lives.of(node).incarnation + 1;
        let seed = self.node_seed(node, u64::from(incarnation));
        match self.hosts.host().restart(node, seed) {
            Ok(()) => {}
            Err(EngineError::Start { problem, advice, .. }) => {
                self.fail_restart(node, problem, advice);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.note_life(node, Kind::Started);
        let client = self.init_again(node);
        let deadline = self.now() + self.hosts.nature().init_patience;
        let life = self.lives.of(node);
        life.state = State::Starting { client };
        life.incarnation = incarnation;
        self.queue.push(deadline, Event::StartEnd { node, incarnation });
        self.send_init(node, incarnation, client)
    }

    /// True if the node has been started again and owes this client the answer to its `init`.
    pub(crate) fn awaits_restart(&self, node: u16, client: u32) -> bool {
        self.lives.lives[usize::from(node)].state == State::Starting { client }
    }

    /// A node that was started again has answered `init`.
    pub(crate) fn restarted(&mut self, node: u16) -> Result<(), EngineError> {
        self.lives.of(node).state = State::Running;
        for start in &mut self.lives.starts {
            start.waits_for.retain(|other| *other != node);
        }
        while let Some(place) =
            self.lives.starts.iter().position(|start| start.waits_for.is_empty())
        {
            let start = self.lives.starts.remove(place);
            self.report(START, &start.nodes)?;
        }
        self.hand_over(node, Kind::Up)
    }

    /// The time is over in which a node had to answer.
    pub(super) fn start_end(&mut self, node: u16, incarnation: u32) -> Result<(), EngineError> {
        let life = self.lives.of(node);
        let is_waiting = matches!(life.state, State::Starting { .. });
        if is_waiting && life.incarnation == incarnation {
            let patience = self.hosts.nature().init_patience.as_secs_f64();
            let time = if self.hosts.is_virtual() { " of virtual time" } else { "" };
            let problem = format!("did not answer `init` within {patience} s{time}");
            let advice = format!("{}{}", self.init_advice(), self.init_patience_advice());
            self.fail_restart(node, problem, advice);
        }
        Ok(())
    }

    /// Ends the run because a node does not come up again.
    pub(crate) fn fail_restart(&mut self, node: u16, problem: String, advice: String) {
        let problem = format!("was killed and did not come up again: it {problem}");
        let mut failure = HostFailure::plain(ViolationKind::NotRestarted, problem, advice);
        failure.violation.stderr = self.hosts.stderr(node);
        self.fail_node(node, failure);
    }

    /// Has the nodes of a fault that begins stand still.
    pub(super) fn pause(&mut self, number: u32, targets: &Targets) -> Result<(), EngineError> {
        let nodes = self.targets(targets)?;
        self.open_faults.push((number, format!("pause ({})", targets.nodes.join(", "))));
        self.order(PAUSE, asked_for(targets))?;
        let mut done = Vec::new();
        for node in nodes {
            let alarm = self.alarms[usize::from(node)].shown;
            let life = self.lives.of(node);
            let what = match life.state {
                // Who is not there yet cannot be paused: it comes up while the others stand still.
                State::Down | State::Starting { .. } => "not-running",
                State::Running | State::Paused => {
                    life.paused_by.push(number);
                    "paused"
                }
            };
            if life.state == State::Running && what == "paused" {
                life.state = State::Paused;
                life.alarm = alarm;
                self.set_alarm(node, None);
                self.hosts.host().pause(node);
                self.note_life(node, Kind::Paused);
            }
            done.push((node, what));
        }
        let hits = done.iter().filter(|(_, what)| *what == "paused").count();
        self.recorder.strike(number, hits as u64);
        self.report(PAUSE, &done)
    }

    /// Has the nodes go on that a fault made stand still and no other does.
    pub(super) fn resume(&mut self, number: u32, targets: &Targets) -> Result<(), EngineError> {
        self.close_fault(number);
        self.order(RESUME, everybody(targets))?;
        let mut done = Vec::new();
        let mut awake = Vec::new();
        for node in self.asked_nodes(targets)? {
            let life = self.lives.of(node);
            life.paused_by.retain(|fault| *fault != number);
            let what = match life.state {
                State::Down | State::Starting { .. } => "not-running",
                State::Paused if !life.paused_by.is_empty() => "paused",
                State::Paused => {
                    awake.push(node);
                    "resumed"
                }
                State::Running => "resumed",
            };
            done.push((node, what));
        }
        self.report(RESUME, &done)?;
        for node in awake {
            self.hosts.host().resume(node);
            let life = self.lives.of(node);
            life.state = State::Running;
            // A time that has passed meanwhile is now, but after what was kept for it.
            let alarm = life.alarm.take();
            self.set_alarm(node, alarm);
            self.hand_over(node, Kind::Resumed)?;
        }
        Ok(())
    }

    /// The nodes of a fault.
    pub(super) fn targets(&self, targets: &Targets) -> Result<Vec<u16>, EngineError> {
        let find = |name: &String| match self.directory.find(name) {
            Some(Endpoint::Node(node)) => Ok(node),
            _ => Err(EngineError::BadPlan(format!("the plan hits `{name}`, which is no node"))),
        };
        targets.nodes.iter().map(find).collect()
    }

    /// The nodes that are told to go on when a fault ends.
    fn asked_nodes(&self, targets: &Targets) -> Result<Vec<u16>, EngineError> {
        if is_asked(targets) {
            return self.targets(targets);
        }
        Ok((0..self.plan.nodes.len() as u16).collect())
    }

    /// Records that a fault begins or ends, as Jepsen does: first what is asked for.
    fn order(&mut self, function: &str, value: Value) -> Result<(), EngineError> {
        self.recorder.fault(self.now(), function.to_owned(), value)
    }

    /// And then what became of each node.
    fn report(&mut self, function: &str, nodes: &[(u16, &'static str)]) -> Result<(), EngineError> {
        let entry = |(node, what): &(u16, &'static str)| {
            let name = self.directory.name(Endpoint::Node(*node));
            (Value::text(name), keyword(what))
        };
        let value = Value::map(nodes.iter().map(entry).collect());
        self.recorder.fault(self.now(), function.to_owned(), value)
    }
}

/// True if somebody named the nodes.
fn is_asked(targets: &Targets) -> bool {
    matches!(targets.targets.as_str(), "asked" | "leader" | Targets::TRIGGER | Targets::OTHERS)
}

/// What Jepsen's nemesis is told when a fault begins: which kind of targets, or whom. Its random
/// non-empty set has no name there.
fn asked_for(targets: &Targets) -> Value {
    const KINDS: [&str; 5] = ["one", "minority", "minority-third", "majority", "all"];
    if is_asked(targets) {
        return names(targets);
    }
    let kind = KINDS.iter().find(|kind| **kind == targets.targets);
    kind.map_or(Value::Null, |kind| keyword(kind))
}

/// What it is told when a fault ends.
fn everybody(targets: &Targets) -> Value {
    if is_asked(targets) { names(targets) } else { keyword("all") }
}

pub(super) fn names(targets: &Targets) -> Value {
    Value::list(targets.nodes.iter().map(|name| Value::text(name.as_str())).collect())
}

fn keyword(word: &str) -> Value {
    const WORDS: [&str; 11] = [
        "one",
        "minority",
        "minority-third",
        "majority",
        "all",
        "killed",
        "not-running",
        "started",
        "already-running",
        "paused",
        "resumed",
    ];
    WORDS.iter().find(|known| **known == word).map_or(Value::Null, Value::Keyword)
}
