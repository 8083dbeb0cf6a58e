//! The simulation: what happens, in order.
//!
//! One queue of events, one thread. [`Simulation::handle`] is the only place where time shows its
//! effects; the drivers in [`crate::drive`] decide when it is called. Clients and the course of a
//! run (load, healing, final operations) are a state machine of their own, [`crate::course`].

mod faults;
mod flights;
mod guards;
mod lives;
mod start;
mod strikes;

use std::rc::Rc;

use kolk_history::Plan;
use kolk_history::journal::DropReason;
use kolk_history::plan::FaultKind;
use kolk_history::summary::{GoneClient, StaleAnswer, UnexpectedReply, Violation, ViolationKind};
use kolk_node::Outputs;
use kolk_protocol::message::Body;
use kolk_protocol::{Datum, Key, Time};

use crate::clocks::Clocks;
use crate::course::{Course, Effect, Role, Stage, Turn};
use crate::endpoint::{Directory, Endpoint};
use crate::host::{HostFailure, Hosts, shorten};
use crate::lateness::Delays;
use crate::leaders::{Leaders, Lines};
use crate::logs::Logs;
use crate::network::Network;
use crate::node_events::NodeEvents;
use crate::queue::{Event, Queue};
use crate::recorder::Recorder;
use crate::run::EngineError;
use crate::service_host::Services;
use crate::traffic::Traffic;
use crate::triggers::{Triggers, are_of_leaders};
use crate::workload::Workload;
use flights::{Flights, InFlight};
use lives::Lives;

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
    pub(crate) course: Course,
    /// The memory of what the course wants done.
    effects: Vec<Effect>,
    pub(crate) hosts: Hosts<'a>,
    pub(crate) logs: Logs,
    /// What becomes of the nodes and of their disks.
    pub(crate) node_events: NodeEvents,
    /// The faults that are open, in words.
    pub(crate) open_faults: Vec<(u32, String)>,
    /// The open faults of disks: which, whose, and how much harm that disk had taken before.
    open_harms: Vec<(u32, u16, u64)>,
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
    /// What nodes write to their stderr, and what they say there of who leads.
    lines: Lines,
    leaders: Leaders,
    /// How often one of them began to lead under load.
    pub(crate) leader_count: u64,
    /// How late events were, on the machine's clock.
    pub(crate) delays: Delays,
    alarms: Vec<Alarm>,
    flights: Flights,
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
        mut recorder: Recorder<'a>,
        (logs, node_events): (Logs, NodeEvents),
    ) -> Result<Simulation<'a>, EngineError> {
        let directory = Directory::new(&plan.nodes).map_err(EngineError::BadPlan)?;
        let network = Network::new(plan.network, &plan.exceptions.fates, plan.seed, &directory)
            .map_err(EngineError::BadPlan)?;
        recorder.expect_faults(plan.faults.len());
        Ok(Simulation {
            queue: Queue::default(),
            recorder,
            course: Course::new(Rc::clone(&plan), workload)?,
            effects: Vec::new(),
            hosts,
            logs,
            node_events,
            open_faults: Vec::new(),
            open_harms: Vec::new(),
            failed: None,
            event_count: 0,
            network,
            services: Services::new(plan.seed),
            traffic: Traffic::new(plan.nodes.len(), plan.limits.max_messages),
            lives: Lives::new(plan.nodes.len()),
            clocks: Clocks::new(plan.nodes.len()),
            triggers: Triggers::new(&plan).map_err(EngineError::BadPlan)?,
            lines: Lines::new(plan.nodes.len()),
            leader_count: 0,
            leaders: Leaders::new(plan.nodes.len(), are_of_leaders(&plan)),
            delays: Delays::new(),
            alarms: vec![Alarm::default(); plan.nodes.len()],
            flights: Flights::default(),
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
            Event::Timeout { worker } => self.turn(|course, turn| course.timeout(worker, turn)),
            Event::Invoke => self.turn(|course, turn| course.invoke_due(turn)),
            Event::Final { worker } => {
                self.turn(|course, turn| course.final_operation(worker, turn))
            }
            Event::FaultBegin(number) => self.fault(number, true),
            Event::FaultEnd(number) => self.fault(number, false),
            Event::StageEnd(serial) if self.course.is_late_for_init(serial) => {
                Err(self.no_init_answer())
            }
            Event::StageEnd(serial) => self.turn(|course, turn| course.stage_end(serial, turn)),
            Event::StartEnd { node, incarnation } => self.start_end(node, incarnation),
            Event::ClockRight { node, generation } => {
                if self.clocks.right(node, self.now(), generation) {
                    self.alarm_again(node);
                }
                Ok(())
            }
        }
    }

    // ---- the course ----

    /// Gives the course an input, and does what it wants done because of that.
    fn turn<T>(
        &mut self,
        input: impl FnOnce(&mut Course, &mut Turn<'_, 'a>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut effects = std::mem::take(&mut self.effects);
        let mut turn = Turn {
            now: self.queue.now(),
            calm: self.open_faults.is_empty(),
            recorder: &mut self.recorder,
            effects: &mut effects,
        };
        let given = input(&mut self.course, &mut turn)?;
        for effect in effects.drain(..) {
            self.carry_out(effect)?;
        }
        self.effects = effects;
        Ok(given)
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), EngineError> {
        match effect {
            Effect::NewClient => {
                self.directory.add_client();
            }
            Effect::Ask { worker } => {
                let (client, node, op, request) = self.course.take_request(worker);
                self.client_sends(client, node, op, &request)?;
                self.course.keep_request(worker, request);
            }
            Effect::Schedule(at, event) => self.queue.push(at, event),
            Effect::LoadBegins => {
                self.traffic.begin(self.now());
                self.schedule_faults();
                self.leads_already();
            }
            Effect::Misfit { node, failure } => self.violation(node, failure),
            Effect::Unready { node, why } => return Err(self.unready(node, why)),
        }
        Ok(())
    }

    /// A new client for this.
    pub(crate) fn add_client(&mut self, role: Role) -> u32 {
        self.directory.add_client();
        self.course.add_client(role)
    }

    /// Sends a client's request to a node; `op` is the operation that it serves.
    pub(crate) fn client_sends(
        &mut self,
        client: u32,
        node: u16,
        op: Option<u32>,
        body: &[u8],
    ) -> Result<(), EngineError> {
        let text = std::str::from_utf8(body).expect("requests are JSON");
        let body = Body::parse(text).expect("requests are JSON objects");
        let ends = (Endpoint::Client(client), Endpoint::Node(node));
        self.send(ends, &body, Cause { message: None, op })
    }

    /// A message for a client. Returns whether it repeats an answer if nobody waited for it.
    fn client_message(
        &mut self,
        client: u32,
        src: Endpoint,
        body: &Body<'_>,
    ) -> Result<Option<bool>, EngineError> {
        match self.course.role(client) {
            Role::Init(node) => self.init_reply(client, node, body),
            Role::Worker(worker) => self.turn(|course, turn| course.reply(worker, src, body, turn)),
            Role::Retired { .. } => Ok(None),
            Role::Outside => {
                self.course.outside.push((body.answers(), body.json.to_owned()));
                Ok(None)
            }
        }
    }

    /// Ends the load if there is no more room for what is stored. What follows it is done, so that
    /// there is a verdict on what there was.
    pub(crate) fn end_if_full(&mut self) -> Result<(), EngineError> {
        if self.course.full || self.course.stage != Stage::Load || !self.recorder.is_full() {
            return Ok(());
        }
        self.course.full = true;
        self.heal()?;
        self.turn(|course, turn| {
            course.end_load(turn);
            Ok(())
        })
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
        if self.triggers.wants_messages() && self.course.stage == Stage::Load {
            let names = (self.directory.name(ends.0), self.directory.name(ends.1));
            let fired = self.triggers.message(names.0, names.1, &body.kind);
            for number in fired {
                let node = self.node_of_message(number, ends);
                self.come(number, node);
            }
        }
        let fate = self.network.fate(ends.0, ends.1);
        self.strike_sent(ends, fate.by_faults);
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
        let body = self.flights.copy(sent.json);
        let marks = sent.marks();
        let message = InFlight { id, src: ends.0, dest: ends.1, op, body, due: at, marks };
        let slot = self.flights.put(message);
        self.queue.push(at, Event::Deliver(slot));
        if self.flights.are_too_many() && self.failed.is_none() {
            self.end_storm();
        }
    }

    fn deliver(&mut self, slot: u32) -> Result<(), EngineError> {
        let waiting = self.flights.get_mut(slot);
        if let Some(wave) = self.network.held(waiting.src, waiting.dest, waiting.due) {
            waiting.due = wave;
            let ends = (waiting.src, waiting.dest);
            self.queue.push(wave, Event::Deliver(slot));
            self.strike_link(ends, |kind| matches!(kind, FaultKind::Clog { .. }));
            return Ok(());
        }
        let message = self.flights.take(slot);
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
        self.flights.recycle(message.body);
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
        self.flights.recycle(message.body);
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
                Event::Deliver(slot) => {
                    let message = self.flights.get(slot);
                    match message.dest {
                        Endpoint::Node(node)
                            if self.lives.takes(node, message.src)
                                && !self.is_hindered(message) =>
                        {
                            node
                        }
                        _ => break,
                    }
                }
                _ => break,
            };
            if batch.iter().any(|(other, _)| *other == node) {
                break;
            }
            self.queue.pop();
            self.event_count += 1;
            batch.push(match event {
                Event::Deliver(slot) => (node, NodeInput::Message(self.flights.take(slot))),
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
            let ends = (message.src, message.dest);
            self.strike_link(ends, |kind| matches!(kind, FaultKind::Partition { .. }));
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
        self.flights.recycle(message.body);
        Ok(())
    }

    fn begin_step(&mut self, node: u16, input: &NodeInput) {
        let now = self.clocks.shown(node, self.queue.now());
        match input {
            NodeInput::Message(message) => {
                let src = self.directory.name(message.src);
                let body = message.read_body();
                self.hosts.begin(node, now, Some(message.id), Some((src, &body)));
            }
            NodeInput::Wake => self.hosts.begin(node, now, None, None),
        }
    }

    fn end_step(&mut self, node: u16, input: NodeInput) -> Result<(), EngineError> {
        let now = self.now();
        self.last_stepped = node;
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.clear();
        let (cause, message) = match input {
            NodeInput::Message(message) => {
                let ends = (message.src, message.dest);
                self.recorder.receive(now, message.id, ends, &self.directory)?;
                let cause = Cause { message: self.exact(message.id), op: message.op };
                (cause, Some(message))
            }
            NodeInput::Wake => (Cause::default(), None),
        };
        let shown = self.clocks.shown(node, now);
        for number in self.clocks.wrong_by(node, now) {
            self.recorder.strike(*number, 1);
        }
        let body = message.as_ref().map(InFlight::read_body);
        let given = message.as_ref().zip(body.as_ref());
        let given = given.map(|(message, body)| (self.directory.name(message.src), body));
        let stepped = self.hosts.finish(node, shown, given, &mut outputs);
        if let Some(message) = message {
            self.flights.recycle(message.body);
        }
        let lines = self.hosts.take_lines();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            self.take_line(node, line.strip_suffix(b"\n").unwrap_or(line), cause)?;
        }
        self.hosts.recycle_lines(lines);
        for message in outputs.marked() {
            self.take_body(node, message, cause)?;
        }
        self.logs.after_step(node, now, outputs.logged());
        self.read_log(node, outputs.logged());
        self.count_syncs(node);
        self.note_disk(node);
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
        self.record_violation(node, failure);
        if self.course.stage.is_before_load() {
            self.course.suspects.push(node);
        }
    }

    fn record_violation(&mut self, node: u16, failure: HostFailure) {
        let violation = Violation {
            node: self.directory.name(Endpoint::Node(node)).to_owned(),
            time: self.now().as_nanos(),
            ..*failure.violation
        };
        self.recorder.violation(violation);
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
}

/// The entropy of a node: a function of the plan's seed, the node's name, and its incarnation.
pub(crate) fn node_seed(seed: u64, name: &str, incarnation: u64) -> u64 {
    Key::new(seed).with_name("node").with_name(name).with(incarnation).seed()
}
