//! The simulation: what happens, in order.
//!
//! One queue of events, one thread. [`Simulation::handle`] is the only place where time shows its
//! effects; the drivers in [`crate::drive`] decide when it is called. Clients and the course of a
//! run (start, load, healing, final operations) stand in [`crate::course`].

mod lives;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kolk_history::journal::DropReason;
use kolk_history::plan::{ClockChange, DiskHarm, FaultKind, Targets, TriggerEvent};
use kolk_history::summary::{
    Excess, GoneClient, Growth, StaleAnswer, UnexpectedReply, Violation, ViolationKind,
};
use kolk_history::{Plan, Value};
use kolk_node::storage::Record;
use kolk_node::{Input, Outputs};
use kolk_protocol::message::Body;
use kolk_protocol::{Datum, Key, Time};

use crate::clocks::Clocks;
use crate::course::{Course, Stage};
use crate::endpoint::{Directory, Endpoint};
use crate::host::{HostFailure, Hosts, shorten};
use crate::lateness::Delays;
use crate::logs::Logs;
use crate::network::Network;
use crate::queue::{Event, Queue};
use crate::recorder::Recorder;
use crate::run::EngineError;
use crate::service_host::Services;
use crate::traffic::{Traffic, Trouble};
use crate::triggers::{Triggers, is_for_leader};
use crate::workload::Workload;
use lives::Lives;

/// How many events may happen at one instant of virtual time: nodes that keep each other busy
/// without latency would stop the clock for ever.
const EVENTS_PER_INSTANT_MAX: u64 = 2_000_000;

/// How many messages may be on their way at once, and how many bytes their bodies may have: nodes
/// that answer each message with more than one would fill any memory.
const IN_FLIGHT_MAX: usize = 1_000_000;
const IN_FLIGHT_BYTES_MAX: usize = 256 << 20;

/// How often a node may be woken in a millisecond of virtual time: each time is a step, and costs
/// far more than the time that passes.
const WAKES_PER_MILLISECOND_MAX: u32 = 5_000;

/// How many messages a node may send to clients, and how many more for each operation: one is
/// meant.
const TO_CLIENTS_FREE: u64 = 250_000;
const TO_CLIENTS_EACH: u64 = 10;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) id: u64,
    pub(crate) src: Endpoint,
    pub(crate) dest: Endpoint,
    pub(crate) op: Option<u32>,
    pub(crate) body: String,
    /// When it arrives, if nothing holds it up.
    due: Time,
    /// What the scan of the body found when it was sent, if the receiver is no node: those scan for
    /// themselves.
    head: Option<BodyHead>,
}

/// A body's reserved keys.
#[derive(Debug)]
struct BodyHead {
    kind: String,
    msg_id: Option<Box<str>>,
    in_reply_to: Option<Box<str>>,
}

impl InFlight {
    /// The body, as it was when it was sent.
    fn read_body(&self) -> Body<'_> {
        match &self.head {
            Some(head) => Body {
                json: &self.body,
                kind: Cow::Borrowed(&head.kind),
                msg_id: head.msg_id.as_deref(),
                in_reply_to: head.in_reply_to.as_deref(),
            },
            None => Body::parse(&self.body).expect("bodies are checked when they are sent"),
        }
    }
}

/// What a message or a wake did: the message, and the operation it serves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cause {
    pub(crate) message: Option<u64>,
    pub(crate) op: Option<u32>,
}

/// What a node is stepped with.
enum NodeInput {
    Message(InFlight),
    Wake,
}

/// When a node wants to be woken.
#[derive(Clone, Copy, Debug, Default)]
struct Alarm {
    generation: u32,
    at: Option<Time>,
    /// The same by the node's own clock.
    shown: Option<Time>,
    /// A millisecond of virtual time, and how often the node was woken in it.
    woken: (u64, u32),
}

impl Alarm {
    /// The node is woken, and has to ask for the next time.
    fn ring(&mut self) {
        (self.at, self.shown) = (None, None);
    }

    /// The node is woken; how often in this millisecond.
    fn count(&mut self, now: Time) -> u32 {
        let millisecond = now.as_nanos() / 1_000_000;
        if self.woken.0 != millisecond {
            self.woken = (millisecond, 0);
        }
        self.woken.1 += 1;
        self.woken.1
    }
}

pub(crate) struct Simulation<'a> {
    pub(crate) plan: Rc<Plan>,
    pub(crate) queue: Queue,
    pub(crate) directory: Directory,
    pub(crate) recorder: Recorder<'a>,
    pub(crate) workload: Box<dyn Workload>,
    pub(crate) course: Course,
    pub(crate) hosts: Hosts<'a>,
    pub(crate) logs: Logs,
    /// The faults that are open, in words.
    pub(crate) open_faults: Vec<(u32, String)>,
    /// The node that ended the run, if one did.
    pub(crate) failed: Option<u16>,
    pub(crate) event_count: u64,
    network: Network,
    services: Services,
    pub(crate) traffic: Traffic,
    /// Which nodes run, and what is kept for the others.
    lives: Lives,
    clocks: Clocks,
    /// The faults that wait for an event.
    pub(crate) triggers: Triggers,
    /// How late events were, on the machine's clock.
    pub(crate) delays: Delays,
    alarms: Vec<Alarm>,
    in_flight: Vec<Option<InFlight>>,
    in_flight_bytes: usize,
    free: Vec<u32>,
    /// Bodies' memory, to be used again.
    spare: Vec<String>,
    outputs: Outputs,
    /// The present instant, and how many events it has seen.
    instant: (Time, u64),
    /// The node that acted last.
    last_stepped: u16,
}

impl<'a> Simulation<'a> {
    pub(crate) fn new(
        plan: Rc<Plan>,
        workload: Box<dyn Workload>,
        hosts: Hosts<'a>,
        recorder: Recorder<'a>,
        logs: Logs,
    ) -> Result<Simulation<'a>, EngineError> {
        let directory = Directory::new(&plan.nodes).map_err(EngineError::BadPlan)?;
        let network = Network::new(plan.network, &plan.exceptions.fates, plan.seed, &directory)
            .map_err(EngineError::BadPlan)?;
        Ok(Simulation {
            queue: Queue::default(),
            recorder,
            course: Course::new(&plan)?,
            workload,
            hosts,
            logs,
            open_faults: Vec::new(),
            failed: None,
            event_count: 0,
            network,
            services: Services::new(plan.seed),
            traffic: Traffic::new(plan.nodes.len(), plan.limits.max_messages),
            lives: Lives::new(plan.nodes.len()),
            clocks: Clocks::new(plan.nodes.len()),
            triggers: Triggers::new(&plan).map_err(EngineError::BadPlan)?,
            delays: Delays::new(),
            alarms: vec![Alarm::default(); plan.nodes.len()],
            in_flight: Vec::new(),
            in_flight_bytes: 0,
            free: Vec::new(),
            spare: Vec::new(),
            outputs: Outputs::new(),
            instant: (Time::ZERO, 0),
            last_stepped: 0,
            directory,
            plan,
        })
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Time {
        self.queue.now()
    }

    /// True if nothing more is to happen.
    pub(crate) fn is_over(&self) -> bool {
        self.course.stage == Stage::Over || self.failed.is_some() || self.recorder.is_beyond_room()
    }

    /// Ends the run because of a log that takes more room than it may, where nothing else helps.
    pub(crate) fn hold_logs(&mut self) {
        let Some((node, bytes)) = self.logs.beyond() else { return };
        if self.failed.is_none() {
            let problem = format!("wrote {} MiB to stderr", bytes >> 20);
            let advice = "That is more than a log may have (`--node-log-max`), and the store's file \
                          system cannot let go of a part of a file: log less, or choose another \
                          folder with `--store`.";
            let failure = HostFailure::plain(ViolationKind::Overrun, problem, advice.to_owned());
            self.fail_node(node, failure);
        }
    }

    /// The entropy of a node: a function of seed, node and incarnation.
    pub(crate) fn node_seed(&self, node: u16, incarnation: u64) -> u64 {
        node_seed(self.plan.seed, self.directory.name(Endpoint::Node(node)), incarnation)
    }

    /// Lets one event happen.
    pub(crate) fn handle(&mut self, event: Event) -> Result<(), EngineError> {
        self.event_count += 1;
        match event {
            Event::Deliver(slot) => self.deliver(slot),
            Event::Wake { node, generation } => self.wake(node, generation),
            Event::Timeout { worker } => self.timeout(worker),
            Event::Invoke => self.invoke_due(),
            Event::Final { worker } => self.final_operation(worker),
            Event::FaultBegin(number) => self.fault(number, true),
            Event::FaultEnd(number) => self.fault(number, false),
            Event::StageEnd(serial) => self.stage_end(serial),
            Event::StartEnd { node, incarnation } => self.start_end(node, incarnation),
            Event::ClockRight { node, generation } => {
                if self.clocks.right(node, self.now(), generation) {
                    self.alarm_again(node);
                }
                Ok(())
            }
        }
    }

    /// Counts the events of an instant, and ends the run if they do not end.
    pub(crate) fn guard_instant(&mut self) {
        let now = self.now();
        if self.instant.0 != now {
            self.instant = (now, 0);
        }
        self.instant.1 += 1;
        if self.instant.1 == EVENTS_PER_INSTANT_MAX {
            self.end_standstill(&format!("{EVENTS_PER_INSTANT_MAX} events happened at {now}"));
        }
    }

    /// Ends the run because virtual time does not pass; names the node that acted last.
    pub(crate) fn end_standstill(&mut self, how: &str) {
        if self.failed.is_some() {
            return;
        }
        let problem = format!("keeps virtual time from passing: {how}");
        let advice = "Nodes that answer each other for ever, or ask to be woken at once, need a \
                      pause between, or `--latency`: on the virtual clock nothing else takes time."
            .to_owned();
        let failure = HostFailure::plain(ViolationKind::NeverIdle, problem, advice);
        self.fail_node(self.last_stepped, failure);
    }

    // ---- messages ----

    /// Sends a message. Its body must have been checked.
    pub(crate) fn send(
        &mut self,
        ends: (Endpoint, Endpoint),
        body: &Body<'_>,
        cause: Cause,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let op = match ends.1 {
            Endpoint::Client(client) => self.course.op_of(client, body.answers()).or(cause.op),
            _ => cause.op,
        };
        let id = self.recorder.send(
            now,
            ends,
            &body.kind,
            body.json,
            op,
            cause.message,
            &self.directory,
        )?;
        if !ends.0.is_client() && !ends.1.is_client() {
            let (operations, calm) = (self.course.invoked(), self.open_faults.is_empty());
            if let Some(trouble) = self.traffic.sent(now, ends, &body.kind, operations, calm) {
                self.traffic_trouble(trouble);
            }
        }
        if let (Endpoint::Node(node), Endpoint::Client(_)) = ends {
            self.guard_clients(node, &body.kind);
        }
        if !self.triggers.is_idle() && self.course.stage == Stage::Load {
            let names = (self.directory.name(ends.0), self.directory.name(ends.1));
            let fired = self.triggers.message(names.0, names.1, &body.kind);
            for number in fired {
                let node = self.node_of_message(number, ends);
                self.come(number, node);
            }
        }
        let fate = self.network.fate(ends.0, ends.1);
        if fate.lost {
            return self.recorder.dropped(now, id, ends, DropReason::Loss, &self.directory);
        }
        self.schedule(id, ends, op, body, now + fate.latency);
        if let Some(latency) = fate.duplicate {
            self.recorder.duplicate(now, id, ends, &self.directory)?;
            self.schedule(id, ends, op, body, now + latency);
        }
        Ok(())
    }

    fn schedule(
        &mut self,
        id: u64,
        ends: (Endpoint, Endpoint),
        op: Option<u32>,
        sent: &Body<'_>,
        at: Time,
    ) {
        let mut body = self.spare.pop().unwrap_or_default();
        body.push_str(sent.json);
        self.in_flight_bytes += body.len();
        let head = (!matches!(ends.1, Endpoint::Node(_))).then(|| BodyHead {
            kind: sent.kind.clone().into_owned(),
            msg_id: sent.msg_id.map(Box::from),
            in_reply_to: sent.in_reply_to.map(Box::from),
        });
        let message = InFlight { id, src: ends.0, dest: ends.1, op, body, due: at, head };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.in_flight[slot as usize] = Some(message);
                slot
            }
            None => {
                self.in_flight.push(Some(message));
                (self.in_flight.len() - 1) as u32
            }
        };
        self.queue.push(at, Event::Deliver(slot));
        let count = self.in_flight.len() - self.free.len();
        if (count > IN_FLIGHT_MAX || self.in_flight_bytes > IN_FLIGHT_BYTES_MAX)
            && self.failed.is_none()
        {
            self.end_storm(count);
        }
    }

    /// Names traffic that feeds itself, and ends the run if it is beyond all bounds.
    fn traffic_trouble(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Grows { from, to, pair } => {
                let (time, mostly) = (self.now().as_nanos(), pair.named(&self.directory));
                self.recorder.growth(Growth { time, from, to, mostly });
            }
            Trouble::Exceeds { messages, operations, pair } => {
                let (time, mostly) = (self.now().as_nanos(), pair.named(&self.directory));
                self.recorder.excess(Excess { time, messages, operations, mostly });
            }
            Trouble::Beyond { messages, bound, pair } => {
                if self.failed.is_some() {
                    return;
                }
                // Few messages on their way, and all of them at once: time does not pass.
                let in_flight = self.in_flight.len() - self.free.len();
                let (instant, events) = self.instant;
                if instant == self.now() && events > bound / 4 && in_flight < 1000 {
                    let how = format!("{events} events happened at {instant}");
                    return self.end_standstill(&how);
                }
                let ends = (pair.src, pair.dest);
                let problem = format!(
                    "floods the network: {messages} messages between servers for {} operations, {}",
                    self.course.invoked(),
                    pair.named(&self.directory).describe()
                );
                let advice = format!(
                    "Messages that beget more messages never end. Do not answer an answer, and pass a \
                     value on only the first time you see it. If so many are meant, raise the bound, \
                     which was {bound} here: `--max-messages`."
                );
                let node = match ends {
                    (Endpoint::Node(node), _) | (_, Endpoint::Node(node)) => node,
                    _ => self.last_stepped,
                };
                let failure = HostFailure::plain(ViolationKind::Storm, problem, advice);
                self.fail_node(node, failure);
            }
        }
    }

    /// Ends the run because of the node that has most messages on their way.
    fn end_storm(&mut self, count: usize) {
        let mut by_node = vec![0_u64; self.plan.nodes.len()];
        let mut by_type: BTreeMap<String, u64> = BTreeMap::new();
        for message in self.in_flight.iter().flatten() {
            let Endpoint::Node(node) = message.src else { continue };
            by_node[usize::from(node)] += 1;
            if let Ok(body) = Body::parse(&message.body) {
                *by_type.entry(body.kind.into_owned()).or_default() += 1;
            }
        }
        // The first of several, so that the same run blames the same node.
        let node = (0..by_node.len()).rev().max_by_key(|node| by_node[*node]).unwrap_or_default();
        let kind = by_type.iter().max_by_key(|(_, count)| **count);
        let problem = format!(
            "floods the network: {count} messages ({} MiB) are on their way at once, {} of them \
             from it, most of them of type `{}`",
            self.in_flight_bytes >> 20,
            by_node[node],
            kind.map_or("", |(kind, _)| kind),
        );
        let advice = "Messages that beget more messages never end. Pass a value on only the first \
                      time you see it, and do not answer an answer."
            .to_owned();
        self.fail_node(node as u16, HostFailure::plain(ViolationKind::Storm, problem, advice));
    }

    /// Ends the run because of a node that sends its clients far more than they ask for.
    fn guard_clients(&mut self, node: u16, kind: &str) {
        let (sent, operations) = (self.recorder.to_clients(node), self.course.invoked());
        let bound = TO_CLIENTS_FREE.saturating_add(TO_CLIENTS_EACH.saturating_mul(operations));
        if sent <= bound || self.failed.is_some() {
            return;
        }
        let problem = format!(
            "floods its clients: {sent} messages for {operations} operations, the last of type \
             `{kind}`"
        );
        let advice = "A request is answered once, and clients are sent nothing else.".to_owned();
        self.fail_node(node, HostFailure::plain(ViolationKind::Storm, problem, advice));
    }

    fn take(&mut self, slot: u32) -> InFlight {
        self.free.push(slot);
        let message = self.in_flight[slot as usize].take().expect("a message is delivered once");
        self.in_flight_bytes -= message.body.len();
        message
    }

    /// Keeps a body's memory, unless it is large.
    fn recycle(&mut self, mut body: String) {
        if body.capacity() <= 4096 && self.spare.len() < 1024 {
            body.clear();
            self.spare.push(body);
        }
    }

    fn deliver(&mut self, slot: u32) -> Result<(), EngineError> {
        let waiting = self.in_flight[slot as usize].as_mut().expect("a message is delivered once");
        if let Some(wave) = self.network.held(waiting.src, waiting.dest, waiting.due) {
            waiting.due = wave;
            self.queue.push(wave, Event::Deliver(slot));
            return Ok(());
        }
        let message = self.take(slot);
        match message.dest {
            Endpoint::Node(node) => self.deliver_to_node(node, message),
            Endpoint::Service(number) => self.serve(number, message),
            Endpoint::Client(client) => self.deliver_to_client(client, message),
        }
    }

    fn serve(&mut self, number: u8, message: InFlight) -> Result<(), EngineError> {
        let ends = (message.src, message.dest);
        self.recorder.receive(self.now(), message.id, ends, &self.directory)?;
        let body = message.read_body();
        let src = self.directory.name(message.src);
        let mut reply = Vec::new();
        if self.services.handle(number, src, &body, &mut reply) {
            let reply = String::from_utf8(reply).expect("services write JSON");
            let body = Body::parse(&reply).expect("services write JSON objects");
            let cause = Cause { message: self.exact(message.id), op: message.op };
            self.note_stale(number, &message);
            self.send((message.dest, message.src), &body, cause)?;
        }
        self.recycle(message.body);
        Ok(())
    }

    /// Notes whether the answer that a service is about to send is from an old state.
    fn note_stale(&mut self, number: u8, request: &InFlight) {
        let (Some(stale), Endpoint::Node(node)) = (self.services.take_stale(number), request.src)
        else {
            return;
        };
        let (time, id) = (self.now().as_nanos(), self.recorder.message_count());
        let text = |datum: &Datum| shorten(datum.text());
        self.recorder.stale_answer(node, || StaleAnswer {
            service: self.directory.name(request.dest).to_owned(),
            node: self.directory.name(request.src).to_owned(),
            time,
            id,
            op: request.op,
            key: text(&stale.key),
            answered: stale.answered.as_ref().map(text),
            newest: stale.newest.as_ref().map(text),
        });
    }

    /// A cause is given only where it is known for sure.
    fn exact(&self, id: u64) -> Option<u64> {
        self.hosts.is_virtual().then_some(id)
    }

    fn deliver_to_client(&mut self, client: u32, message: InFlight) -> Result<(), EngineError> {
        let ends = (message.src, message.dest);
        self.recorder.receive(self.now(), message.id, ends, &self.directory)?;
        if self.course.is_gone(client, |node| self.hosts.is_started(node)) {
            self.note_gone_client(client, &message);
        }
        let body = message.read_body();
        if let Some(repeated) = self.client_message(client, message.src, &body)? {
            let node = self.directory.name(message.src).to_owned();
            self.recorder.unexpected_reply(UnexpectedReply { node, id: message.id, repeated });
        }
        self.recycle(message.body);
        Ok(())
    }

    /// Notes that Maelstrom would stop reading the node that sent this.
    fn note_gone_client(&mut self, client: u32, message: &InFlight) {
        let gone = GoneClient {
            node: self.directory.name(message.src).to_owned(),
            time: self.now().as_nanos(),
            id: message.id,
            client: self.directory.name(message.dest).to_owned(),
            op: message.op.or_else(|| self.course.given_up_by(client)),
        };
        self.recorder.gone_client(gone);
    }

    // ---- nodes ----

    /// Steps a node, and, where hosts work side by side, with it all nodes whose next input is due
    /// at the same instant. The effects are those of one step after the other: what a step sends
    /// is scheduled after everything that was scheduled before, so it cannot come between.
    fn step_nodes(&mut self, first: (u16, NodeInput)) -> Result<(), EngineError> {
        if self.hosts.nature().is_concurrent {
            let batch = self.gather(first);
            for (node, input) in &batch {
                self.begin_step(*node, input);
            }
            for (node, input) in batch {
                self.end_step(node, input)?;
            }
            return Ok(());
        }
        self.begin_step(first.0, &first.1);
        self.end_step(first.0, first.1)
    }

    /// Takes from the queue what can be stepped at the same time as `first`.
    fn gather(&mut self, first: (u16, NodeInput)) -> Vec<(u16, NodeInput)> {
        let now = self.now();
        let mut batch = vec![first];
        while let Some((time, event)) = self.queue.peek()
            && time <= now
        {
            let node = match event {
                Event::Wake { node, generation } => {
                    if self.alarms[usize::from(node)].generation != generation {
                        self.queue.pop();
                        continue;
                    }
                    node
                }
                Event::Deliver(slot) => match &self.in_flight[slot as usize] {
                    Some(message) if !self.is_hindered(message) => match message.dest {
                        Endpoint::Node(node) if self.lives.takes(node, message.src) => node,
                        _ => break,
                    },
                    _ => break,
                },
                _ => break,
            };
            if batch.iter().any(|(other, _)| *other == node) {
                break;
            }
            self.queue.pop();
            self.event_count += 1;
            batch.push(match event {
                Event::Deliver(slot) => (node, NodeInput::Message(self.take(slot))),
                _ => {
                    self.alarms[usize::from(node)].ring();
                    self.guard_wakes(node);
                    (node, NodeInput::Wake)
                }
            });
        }
        batch
    }

    /// Why a message cannot arrive now, if it cannot.
    fn obstacle(&self, message: &InFlight) -> Option<DropReason> {
        self.network.is_cut(message.src, message.dest).then_some(DropReason::Partition)
    }

    /// True if a message cannot arrive now.
    fn is_hindered(&self, message: &InFlight) -> bool {
        let held = self.network.held(message.src, message.dest, message.due);
        held.is_some() || self.obstacle(message).is_some()
    }

    fn deliver_to_node(&mut self, node: u16, message: InFlight) -> Result<(), EngineError> {
        if let Some(reason) = self.obstacle(&message) {
            return self.drop_message(message, reason);
        }
        match self.receive_or_keep(node, message)? {
            Some(message) => self.step_nodes((node, NodeInput::Message(message))),
            None => Ok(()),
        }
    }

    fn drop_message(&mut self, message: InFlight, reason: DropReason) -> Result<(), EngineError> {
        let (now, ends) = (self.now(), (message.src, message.dest));
        self.recorder.dropped(now, message.id, ends, reason, &self.directory)?;
        self.recycle(message.body);
        Ok(())
    }

    fn begin_step(&mut self, node: u16, input: &NodeInput) {
        let now = self.clocks.shown(node, self.queue.now());
        match input {
            NodeInput::Message(message) => {
                let src = self.directory.name(message.src);
                let body = message.body.as_str();
                self.hosts.begin(node, now, Some(message.id), Input::Message { src, body });
            }
            NodeInput::Wake => self.hosts.begin(node, now, None, Input::Wake),
        }
    }

    fn end_step(&mut self, node: u16, input: NodeInput) -> Result<(), EngineError> {
        let now = self.now();
        self.last_stepped = node;
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.clear();
        let (cause, step_input, body) = match input {
            NodeInput::Message(message) => {
                let ends = (message.src, message.dest);
                self.recorder.receive(now, message.id, ends, &self.directory)?;
                let cause = Cause { message: self.exact(message.id), op: message.op };
                (cause, Some(message.src), message.body)
            }
            NodeInput::Wake => (Cause::default(), None, String::new()),
        };
        let input = match step_input {
            Some(src) => Input::Message { src: self.directory.name(src), body: &body },
            None => Input::Wake,
        };
        let shown = self.clocks.shown(node, now);
        let stepped = self.hosts.finish(node, shown, input, &mut outputs);
        self.recycle(body);
        let lines = self.hosts.take_lines();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.take_line(node, line.strip_suffix(b"\n").unwrap_or(line), cause)?;
        }
        self.hosts.recycle_lines(lines);
        for (dest, body) in outputs.messages() {
            self.take_body(node, dest, body, cause)?;
        }
        self.logs.after_step(node, now, outputs.logged());
        self.read_log(node, outputs.logged());
        self.count_syncs(node);
        self.outputs = outputs;
        match stepped {
            Ok(deadline) => self.set_alarm(node, deadline),
            Err(failure) => self.fail_node(node, failure),
        }
        Ok(())
    }

    fn wake(&mut self, node: u16, generation: u32) -> Result<(), EngineError> {
        let alarm = &mut self.alarms[usize::from(node)];
        if alarm.generation != generation {
            return Ok(());
        }
        alarm.ring();
        self.guard_wakes(node);
        self.step_nodes((node, NodeInput::Wake))
    }

    /// Ends the run because of a node that is woken so often that virtual time hardly passes.
    fn guard_wakes(&mut self, node: u16) {
        let now = self.now();
        let count = self.alarms[usize::from(node)].count(now);
        if count != WAKES_PER_MILLISECOND_MAX || self.failed.is_some() {
            return;
        }
        let problem = format!("asks to be woken {count} times in one millisecond of virtual time");
        let advice =
            "`wake_at` is in nanoseconds: was it counted in microseconds or milliseconds? A \
                      node that waits is woken when it is time, and need not look."
                .to_owned();
        self.fail_node(node, HostFailure::plain(ViolationKind::NeverIdle, problem, advice));
    }

    /// Has a node be woken when its own clock shows this time.
    fn set_alarm(&mut self, node: u16, shown: Option<Time>) {
        let deadline = shown.map(|shown| self.clocks.when(node, shown));
        let alarm = &mut self.alarms[usize::from(node)];
        alarm.shown = shown;
        if alarm.at == deadline {
            return;
        }
        alarm.generation = alarm.generation.wrapping_add(1);
        alarm.at = deadline;
        let generation = alarm.generation;
        if let Some(at) = deadline {
            self.queue.push(at, Event::Wake { node, generation });
        }
    }

    /// Sets a node's alarm anew, because its clock was changed.
    fn alarm_again(&mut self, node: u16) {
        self.set_alarm(node, self.alarms[usize::from(node)].shown);
    }

    /// Records what a node did against the protocol.
    pub(crate) fn violation(&mut self, node: u16, failure: HostFailure) {
        let violation = Violation {
            node: self.directory.name(Endpoint::Node(node)).to_owned(),
            time: self.now().as_nanos(),
            ..*failure.violation
        };
        self.recorder.violation(violation);
        if self.course.stage.is_before_load() {
            self.course.suspects.push(node);
        }
    }

    /// Records what a node did that the protocol frowns upon, and nobody else minds. `failure` is
    /// called if it is worth keeping.
    pub(crate) fn warning(
        &mut self,
        node: u16,
        kind: ViolationKind,
        failure: impl FnOnce() -> HostFailure,
    ) {
        let (now, name) = (self.now(), self.directory.name(Endpoint::Node(node)));
        self.recorder.warning(kind, || Violation {
            node: name.to_owned(),
            time: now.as_nanos(),
            ..*failure().violation
        });
    }

    /// Ends the run because of a node.
    pub(crate) fn fail_node(&mut self, node: u16, failure: HostFailure) {
        self.violation(node, failure);
        self.failed.get_or_insert(node);
    }

    // ---- faults ----

    /// Begins or ends one reason for `dest` not to hear `src`.
    pub(crate) fn network_block(&mut self, src: u16, dest: u16, begin: bool) {
        self.network.block(src, dest, begin);
    }

    /// Ends all faults that are open.
    pub(crate) fn heal(&mut self) -> Result<(), EngineError> {
        let open: Vec<u32> = self.open_faults.iter().map(|(number, _)| *number).collect();
        open.into_iter().try_for_each(|number| self.fault(number, false))
    }

    /// Reads what a node has written to its stderr, if a fault waits for that; `text` is what one
    /// has logged that runs in this process.
    pub(crate) fn read_log(&mut self, node: u16, text: &[u8]) {
        if !self.triggers.wants_lines() {
            return;
        }
        let fresh =
            if text.is_empty() { Cow::Owned(self.logs.fresh(node)) } else { Cow::Borrowed(text) };
        let name = self.directory.name(Endpoint::Node(node));
        let fired = self.triggers.written(node, name, &fresh);
        fired.into_iter().for_each(|number| self.come(number, node));
    }

    fn count_syncs(&mut self, node: u16) {
        if self.triggers.wants_syncs() {
            let name = self.directory.name(Endpoint::Node(node));
            let fired = self.triggers.synced(node, name, self.hosts.host().syncs(node));
            fired.into_iter().for_each(|number| self.come(number, node));
        }
    }

    /// The node that a message is an event of: the one that it is from, unless only the other end
    /// is named, or is a node.
    fn node_of_message(&self, number: u32, (src, dest): (Endpoint, Endpoint)) -> u16 {
        let on = self.plan.faults[number as usize].on.as_ref().map(|on| &on.event);
        let is_receiver = matches!(on, Some(TriggerEvent::Message { from: None, to: Some(_), .. }));
        match (src, dest) {
            (_, Endpoint::Node(node)) if is_receiver => node,
            (Endpoint::Node(node), _) | (_, Endpoint::Node(node)) => node,
            _ => 0,
        }
    }

    /// The event has come that a fault waited for, and it was this node's.
    fn come(&mut self, number: u32, node: u16) {
        if self.course.stage != Stage::Load || self.course.full {
            return;
        }
        let plan = Rc::clone(&self.plan);
        let fault = &plan.faults[number as usize];
        let last = self.course.load_began + Duration::from_nanos(plan.time_limit);
        let [begin, end] = [fault.begin, fault.end]
            .map(|after| (self.now() + Duration::from_nanos(after)).min(last));
        if begin >= last {
            return;
        }
        self.triggers.come(&plan, number, &plan.nodes[usize::from(node)], (begin, end));
        self.queue.push(begin, Event::FaultBegin(number));
        self.queue.push(end, Event::FaultEnd(number));
    }

    /// What a fault is that begins now: one that is meant for the leader finds it here. `None` if
    /// it hits nobody.
    fn kind_of(&mut self, number: u32, begin: bool) -> Option<FaultKind> {
        let plan = Rc::clone(&self.plan);
        let fault = &plan.faults[number as usize];
        let is_for_leader = is_for_leader(&fault.kind);
        if is_for_leader && begin && fault.on.is_none() {
            let node = self.triggers.leader()?;
            let end = self.course.load_began + Duration::from_nanos(fault.end);
            let name = &plan.nodes[usize::from(node)];
            self.triggers.come(&plan, number, name, (self.now(), end));
        }
        if is_for_leader || fault.on.is_some() {
            return self.triggers.came(number).map(|came| came.kind.clone());
        }
        Some(fault.kind.clone())
    }

    /// When a fault begins and ends.
    fn fault_times(&self, number: u32) -> (Time, Time) {
        if let Some(came) = self.triggers.came(number) {
            return (Time::from_nanos(came.begin), Time::from_nanos(came.end));
        }
        let fault = &self.plan.faults[number as usize];
        [fault.begin, fault.end.min(self.plan.time_limit)]
            .map(|nanos| self.course.load_began + Duration::from_nanos(nanos))
            .into()
    }

    fn fault(&mut self, number: u32, begin: bool) -> Result<(), EngineError> {
        // Faults of a load that was ended early have been healed, and no more begin.
        if self.course.full && (begin || !self.open_faults.iter().any(|(open, _)| *open == number))
        {
            return Ok(());
        }
        let Some(kind) = self.kind_of(number, begin) else { return Ok(()) };
        let (shape, blocked) = match &kind {
            FaultKind::Partition { shape, blocked } => (shape, blocked),
            FaultKind::Slow { links, factor } => return self.slow(number, links, *factor, begin),
            FaultKind::Loss { probability } => {
                self.network.lose((*probability).into(), begin);
                let value = Value::text(probability.to_string());
                let words = format!("loss ({probability})");
                return self.mark_fault(number, "loss", &words, value, begin);
            }
            FaultKind::Duplication { probability } => {
                self.network.duplicate((*probability).into(), begin);
                let value = Value::text(probability.to_string());
                let words = format!("duplication ({probability})");
                return self.mark_fault(number, "duplication", &words, value, begin);
            }
            FaultKind::Clog { links, every } => return self.clog(number, links, *every, begin),
            FaultKind::Clock { targets, change } => {
                return self.disturb_clocks(number, targets, *change, begin);
            }
            FaultKind::Disk { targets, harm } => {
                return self.disturb_disks(number, targets, *harm, begin);
            }
            FaultKind::Power(targets) if begin => return self.power(number, targets),
            FaultKind::Power(targets) => return self.start_again(number, targets),
            FaultKind::Kill(targets) if begin => return self.kill(number, targets),
            FaultKind::Kill(targets) => return self.start_again(number, targets),
            FaultKind::Pause(targets) if begin => return self.pause(number, targets),
            FaultKind::Pause(targets) => return self.resume(number, targets),
        };
        for (src, dest) in self.link_ends(blocked)? {
            self.network.block(src, dest, begin);
        }
        let words = format!("partition ({shape})");
        self.mark_fault(number, "partition", &words, describe_cut(shape, blocked), begin)
    }

    /// Notes and records that a fault begins or ends; `value` is what its beginning says in the
    /// history.
    fn mark_fault(
        &mut self,
        number: u32,
        name: &str,
        words: &str,
        value: Value,
        begin: bool,
    ) -> Result<(), EngineError> {
        let (function, value) = if begin {
            self.open_faults.push((number, words.to_owned()));
            (format!("start-{name}"), value)
        } else {
            self.close_fault(number);
            (format!("stop-{name}"), Value::Null)
        };
        self.recorder.fault(self.now(), function, value)
    }

    /// Has links stand still but for a wave every so many nanoseconds, or ends that.
    fn clog(
        &mut self,
        number: u32,
        links: &BTreeMap<String, Vec<String>>,
        every: u64,
        begin: bool,
    ) -> Result<(), EngineError> {
        if begin {
            let ends = self.link_ends(links)?;
            let times = self.fault_times(number);
            self.network.clog(number, &ends, times, Duration::from_nanos(every));
        } else {
            self.network.unclog(number);
        }
        let value = describe_cut("in waves", links);
        self.mark_fault(number, "clog", "clogged links", value, begin)
    }

    /// Has the clocks of nodes go wrong, or sets them right.
    fn disturb_clocks(
        &mut self,
        number: u32,
        targets: &Targets,
        change: ClockChange,
        begin: bool,
    ) -> Result<(), EngineError> {
        let now = self.now();
        for node in self.targets(targets)? {
            if begin {
                self.clocks.disturb(node, now, number, change);
            } else if let Some((at, generation)) = self.clocks.relieve(node, now, number) {
                self.queue.push(at, Event::ClockRight { node, generation });
            }
            self.alarm_again(node);
        }
        let what = match change {
            ClockChange::Jump(ahead) => format!("{} s ahead", ahead as f64 / 1e9),
            ClockChange::Speed(speed) => format!("{speed} times as fast"),
        };
        let names = targets.nodes.join(", ");
        let value = Value::list(vec![Value::text(what.as_str()), lives::names(targets)]);
        self.mark_fault(number, "clock", &format!("clock of {names} {what}"), value, begin)
    }

    /// Has the disks of nodes be at fault, or ends that.
    fn disturb_disks(
        &mut self,
        number: u32,
        targets: &Targets,
        harm: DiskHarm,
        begin: bool,
    ) -> Result<(), EngineError> {
        for node in self.targets(targets)? {
            let record = match harm {
                DiskHarm::Failing => Record::Failing(begin),
                DiskHarm::Full => Record::Full(begin),
                // What was overwritten stays so.
                DiskHarm::Corrupt if !begin => continue,
                DiskHarm::Corrupt => {
                    // Drawn by fault and node, so that the others' losses stay as they are.
                    let name = self.directory.name(Endpoint::Node(node));
                    let key = Key::new(self.plan.seed).with_name("corrupt").with_name(name);
                    Record::Corrupt(key.with(self.plan.faults[number as usize].begin).seed())
                }
            };
            self.hosts.host().disturb_disk(node, record)?;
        }
        let value = Value::list(vec![Value::text(harm.name()), lives::names(targets)]);
        let words = format!("disk of {} {}", targets.nodes.join(", "), harm.name());
        self.mark_fault(number, "disk", &words, value, begin)
    }

    /// Makes links slow, or as they were.
    fn slow(
        &mut self,
        number: u32,
        links: &BTreeMap<String, Vec<String>>,
        factor: u32,
        begin: bool,
    ) -> Result<(), EngineError> {
        for (src, dest) in self.link_ends(links)? {
            self.network.slow(src, dest, factor, begin);
        }
        let value = describe_cut(&format!("{factor} times slower"), links);
        self.mark_fault(number, "slow", &format!("slow links (×{factor})"), value, begin)
    }

    /// The ends of links, senders first, that are given as for each receiver its senders.
    fn link_ends(
        &self,
        links: &BTreeMap<String, Vec<String>>,
    ) -> Result<Vec<(u16, u16)>, EngineError> {
        let pairs = links
            .iter()
            .flat_map(|(receiver, senders)| senders.iter().map(move |sender| (sender, receiver)));
        pairs
            .map(|(sender, receiver)| {
                match (self.directory.find(sender), self.directory.find(receiver)) {
                    (Some(Endpoint::Node(src)), Some(Endpoint::Node(dest))) => Ok((src, dest)),
                    _ => Err(EngineError::BadPlan(format!(
                        "the plan has a fault between `{sender}` and `{receiver}`, and both must be \
                         nodes"
                    ))),
                }
            })
            .collect()
    }

    fn close_fault(&mut self, number: u32) {
        self.open_faults.retain(|(open, _)| *open != number);
        self.course.healed = self.now();
    }
}

/// The entropy of a node: a function of the plan's seed, the node's name, and its incarnation.
pub(crate) fn node_seed(seed: u64, name: &str, incarnation: u64) -> u64 {
    Key::new(seed).with_name("node").with_name(name).with(incarnation).seed()
}

/// A partition as histories show it: its shape, and whom each node does not hear.
fn describe_cut(shape: &str, blocked: &BTreeMap<String, Vec<String>>) -> Value {
    let unheard = blocked.iter().map(|(receiver, senders)| {
        let senders = senders.iter().map(|sender| Value::text(sender.as_str())).collect();
        (Value::text(receiver.as_str()), Value::list(senders))
    });
    Value::list(vec![Value::text(shape), Value::map(unheard.collect())])
}
