//! The course of a run: nodes start, workers load them, faults heal, and a last look is taken.
//!
//! Clients live here: who waits for which reply, until when, and what that does to the history.

use std::rc::Rc;
use std::time::Duration;

use kolk_history::plan::Plan;
use kolk_history::summary::{Violation, ViolationKind};
use kolk_history::{Phase, Value};
use kolk_protocol::message::Body;
use kolk_protocol::workload::init;
use kolk_protocol::{ErrorCode, Key, Time, from_body, lockstep};
use serde::Deserialize;

use crate::endpoint::Endpoint;
use crate::host::{HostFailure, NO_LOCKSTEP, in_the_words_of_json, shorten};
use crate::queue::Event;
use crate::run::EngineError;
use crate::simulation::{Cause, Simulation};
use crate::workload::{Call, Completion, Invocation, Step, Worker};

/// How long nodes get to recover before the final operations.
const RECOVERY: Duration = Duration::from_secs(10);

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nodes have been sent `init`.
    Starting,
    /// Workers have sent the workload's first request.
    SettingUp,
    /// Operations are invoked.
    Load,
    /// The load is over, and some operations are not.
    Draining,
    /// Faults are healed, and nodes recover.
    Healing,
    /// Workers do their final operations.
    Final,
    /// Every node is read once more.
    Convergence,
    /// Nothing is left to do.
    Over,
}

impl Stage {
    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Stage::Starting => "starting nodes",
            Stage::SettingUp => "setting up",
            Stage::Load => "load",
            Stage::Draining => "waiting for replies",
            Stage::Healing => "recovery",
            Stage::Final => "final operations",
            Stage::Convergence => "convergence",
            Stage::Over => "over",
        }
    }
}

/// What a client endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Starts a node.
    Init(u16),
    /// Works for this worker.
    Worker(u32),
    /// Worked for one, until an operation's outcome became unknown.
    Retired,
    /// Belongs to whoever holds the [`Cluster`](crate::Cluster).
    Outside,
}

/// What a worker waits for.
#[derive(Debug)]
struct Waiting {
    /// The request whose reply is awaited.
    msg_id: i64,
    /// Until when.
    deadline: Time,
    /// The operation, or none while setting up.
    operation: Option<(usize, Invocation)>,
    /// The index of its invocation.
    op: Option<u32>,
}

#[derive(Debug)]
struct WorkerState {
    worker: Worker,
    client: u32,
    next_msg_id: i64,
    waiting: Option<Waiting>,
    /// The last request, for the report on a reply that does not fit.
    request: Vec<u8>,
    /// Requests that were given up: their replies are late, not unexpected.
    given_up: Vec<i64>,
    /// A timeout event is on its way.
    timer: bool,
    /// How many final operations it has begun.
    final_count: u32,
}

/// The state of a run's course.
pub(crate) struct Course {
    pub(crate) stage: Stage,
    pub(crate) load_began: Time,
    pub(crate) load_ended: Time,
    pub(crate) ok_count: u64,
    /// Operations invoked under load: the number of the next one.
    next_operation: u64,
    /// Tells a stage's end from those of earlier ones.
    stage_serial: u32,
    roles: Vec<Role>,
    /// What came for the outside client, by the request it answers.
    pub(crate) outside: Vec<(Option<i64>, String)>,
    workers: Vec<WorkerState>,
    /// Workers without an operation, in order.
    idle: Vec<u32>,
    /// The time for final operations is over.
    final_over: bool,
    /// The next operation is due and no worker is free.
    overdue: bool,
    /// How many nodes or workers the stage still waits for.
    outstanding: usize,
    /// When the next operation is, or was, due.
    due: Time,
    /// The mean gap between operations doubled, in nanoseconds.
    gap_bound: u64,
}

impl Course {
    pub(crate) fn new(plan: &Plan) -> Result<Course, EngineError> {
        let bad = |text: &str| Err(EngineError::BadPlan(text.to_owned()));
        if plan.nodes.is_empty() {
            return bad("a run needs at least one node");
        }
        if plan.concurrency == 0 {
            return bad("a run needs at least one worker");
        }
        if !(plan.rate > 0.0 && plan.rate.is_finite()) {
            return bad("the rate must be a positive number");
        }
        let gap_bound = (2e9 / plan.rate).round().max(1.0) as u64;
        Ok(Course {
            stage: Stage::Starting,
            load_began: Time::ZERO,
            load_ended: Time::ZERO,
            ok_count: 0,
            next_operation: 0,
            stage_serial: 0,
            roles: Vec::new(),
            outside: Vec::new(),
            workers: Vec::new(),
            idle: Vec::new(),
            final_over: false,
            overdue: false,
            outstanding: 0,
            due: Time::ZERO,
            gap_bound,
        })
    }

    /// The operation that a reply to `client` serves, if it is the one awaited.
    pub(crate) fn op_of(&self, client: u32, in_reply_to: Option<i64>) -> Option<u32> {
        let Role::Worker(worker) = self.roles[client as usize] else { return None };
        let waiting = self.workers[worker as usize].waiting.as_ref()?;
        (Some(waiting.msg_id) == in_reply_to).then_some(waiting.op).flatten()
    }

    /// How many operations have been invoked under load.
    pub(crate) fn invoked(&self) -> u64 {
        self.next_operation
    }
}

impl Simulation<'_> {
    fn key(&self, domain: &str) -> Key {
        Key::new(self.plan.seed).with_name(domain)
    }

    /// Goes over to a stage, and ends it after `limit` if there is one.
    fn enter(&mut self, stage: Stage, limit: Option<Duration>) {
        self.course.stage = stage;
        self.course.stage_serial += 1;
        if let Some(limit) = limit {
            self.queue.push(self.now() + limit, Event::StageEnd(self.course.stage_serial));
        }
    }

    pub(crate) fn stage_end(&mut self, serial: u32) -> Result<(), EngineError> {
        if serial != self.course.stage_serial {
            return Ok(());
        }
        match self.course.stage {
            Stage::Starting => {
                let advice = self.init_advice();
                Err(self.no_answer("init", &advice))
            }
            Stage::Load => self.end_load(),
            Stage::Healing => self.begin_final(),
            Stage::Final => {
                self.course.final_over = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    // ---- start ----

    fn add_client(&mut self, role: Role) -> u32 {
        self.course.roles.push(role);
        self.directory.add_client()
    }

    /// Sends every node its `init`.
    pub(crate) fn start(&mut self) -> Result<(), EngineError> {
        let virtual_time = self.hosts.is_virtual();
        let nodes = self.plan.nodes.clone();
        self.course.outstanding = nodes.len();
        let clients: Vec<u32> =
            (0..nodes.len()).map(|node| self.add_client(Role::Init(node as u16))).collect();
        self.enter(Stage::Starting, Some(self.hosts.init_patience()));
        for (number, client) in clients.into_iter().enumerate() {
            let node = number as u16;
            let offer = virtual_time.then(|| lockstep::Offer::new(self.node_seed(node, 0)));
            let request = init::Request::Init {
                node_id: nodes[number].clone(),
                node_ids: nodes.clone(),
                lockstep: offer,
            };
            let mut body = Vec::new();
            Call::new(&mut body, 1).request(&request);
            self.client_sends(client, node, &body)?;
        }
        Ok(())
    }

    /// A client for whoever holds the [`Cluster`](crate::Cluster).
    pub(crate) fn add_outside_client(&mut self) -> u32 {
        self.add_client(Role::Outside)
    }

    /// Sends a client's request to a node.
    pub(crate) fn client_sends(
        &mut self,
        client: u32,
        node: u16,
        body: &[u8],
    ) -> Result<(), EngineError> {
        let text = std::str::from_utf8(body).expect("requests are JSON");
        let body = Body::parse(text).expect("requests are JSON objects");
        let op = match self.course.roles[client as usize] {
            Role::Worker(worker) => {
                self.course.workers[worker as usize].waiting.as_ref().and_then(|waiting| waiting.op)
            }
            _ => None,
        };
        let ends = (Endpoint::Client(client), Endpoint::Node(node));
        self.send(ends, &body, Cause { message: None, op })
    }

    /// A message for a client. Returns whether it repeats an answer if nobody waited for it.
    pub(crate) fn client_message(
        &mut self,
        client: u32,
        src: Endpoint,
        body: &Body<'_>,
    ) -> Result<Option<bool>, EngineError> {
        match self.course.roles[client as usize] {
            Role::Init(node) => self.init_reply(node, src, body),
            Role::Worker(worker) => self.worker_reply(worker, src, body),
            Role::Retired => Ok(None),
            Role::Outside => {
                self.course.outside.push((body.in_reply_to, body.json.to_owned()));
                Ok(None)
            }
        }
    }

    fn init_reply(
        &mut self,
        node: u16,
        src: Endpoint,
        body: &Body<'_>,
    ) -> Result<Option<bool>, EngineError> {
        let is_late = self.course.stage != Stage::Starting || self.hosts.is_started(node);
        if src != Endpoint::Node(node) || (is_late && body.in_reply_to != Some(1)) {
            return Ok(Some(false));
        }
        if is_late {
            return Ok(Some(true));
        }
        let problem = match &*body.kind {
            "init_ok" if body.in_reply_to != Some(1) => {
                let problem = format!("answers `init` with {}", shorten(body.json));
                Some((problem, "It must carry the request's number: `\"in_reply_to\":1`.".into()))
            }
            _ if body.in_reply_to != Some(1) => return Ok(Some(false)),
            "init_ok" => match from_body::<init::Reply>(&body.kind, body.json) {
                Ok(init::Reply::InitOk { lockstep }) => match lockstep {
                    None if self.hosts.is_virtual() => {
                        let (problem, advice) = NO_LOCKSTEP;
                        Some((problem.to_owned(), advice.to_owned()))
                    }
                    Some(acceptance) if acceptance.version != lockstep::VERSION => Some((
                        format!(
                            "accepts version {} of lockstep, and kolk speaks version {}",
                            acceptance.version,
                            lockstep::VERSION
                        ),
                        "Run it with `--clock real`.".to_owned(),
                    )),
                    _ => None,
                },
                Err(error) => {
                    let error = in_the_words_of_json(&error.to_string());
                    let problem = format!("answers `init` with {}: {error}", shorten(body.json));
                    Some((problem, self.init_advice()))
                }
            },
            _ => Some((format!("answers `init` with {}", shorten(body.json)), self.init_advice())),
        };
        if let Some((problem, advice)) = problem {
            return Err(self.hosts.start_error(node, &self.directory, problem, advice));
        }
        self.hosts.set_started(node);
        self.course.outstanding -= 1;
        if self.course.outstanding == 0 {
            self.begin_setup()?;
        }
        Ok(None)
    }

    /// The error of a node that failed before the load began.
    pub(crate) fn failed_starting(&mut self, node: u16) -> EngineError {
        let before = match self.course.stage {
            Stage::Starting => "before it had answered `init`",
            _ => "before the load began",
        };
        let (problem, advice) = match self.recorder.last_violation() {
            Some(Violation { kind, problem, advice, .. }) => match kind {
                ViolationKind::Died => (format!("{problem} {before}"), advice.clone()),
                _ => (problem.clone(), advice.clone()),
            },
            None => (format!("failed {before}"), self.init_advice()),
        };
        self.hosts.start_error(node, &self.directory, problem, advice)
    }

    /// How `init` is to be answered.
    fn init_advice(&self) -> String {
        let lockstep = if self.hosts.is_virtual() { ",\"lockstep\":{\"version\":1}" } else { "" };
        format!(
            "A node answers `init` with {{\"type\":\"init_ok\",\"in_reply_to\":1{lockstep}}} on \
             stdout, and flushes it."
        )
    }

    /// When the run will end, as far as is known.
    pub(crate) fn expected_end(&self) -> Time {
        let load_end = self.course.load_began + Duration::from_nanos(self.plan.time_limit);
        let final_phase = self.workload.has_final() || self.plan.strict;
        let recovery = if final_phase { RECOVERY } else { Duration::ZERO };
        match self.course.stage {
            Stage::Starting | Stage::SettingUp | Stage::Load => load_end + recovery,
            Stage::Draining => self.now() + recovery,
            Stage::Healing => self.course.load_ended + recovery,
            Stage::Final | Stage::Convergence | Stage::Over => self.now(),
        }
    }

    fn no_answer(&mut self, request: &str, advice: &str) -> EngineError {
        let silent = (0..self.plan.nodes.len() as u16).find(|node| !self.hosts.is_started(*node));
        let patience = self.hosts.init_patience().as_secs_f64();
        let time = if self.hosts.is_virtual() { " of virtual time" } else { "" };
        let problem = format!("did not answer `{request}` within {patience} s{time}");
        self.hosts.start_error(
            silent.unwrap_or_default(),
            &self.directory,
            problem,
            advice.to_owned(),
        )
    }

    // ---- set-up and load ----

    fn add_worker(&mut self, worker: Worker) -> u32 {
        let number = self.course.workers.len() as u32;
        let client = self.add_client(Role::Worker(number));
        self.course.workers.push(WorkerState {
            worker,
            client,
            next_msg_id: 1,
            waiting: None,
            request: Vec::new(),
            given_up: Vec::new(),
            timer: false,
            final_count: 0,
        });
        number
    }

    fn begin_setup(&mut self) -> Result<(), EngineError> {
        self.workload.prepare(&self.plan);
        let node_count = self.plan.nodes.len();
        for number in 0..self.plan.concurrency as usize {
            self.add_worker(Worker { number, process: number as u32, node: number % node_count });
        }
        self.enter(Stage::SettingUp, None);
        for number in 0..self.plan.concurrency {
            let state = &mut self.course.workers[number as usize];
            let worker = state.worker;
            let mut request = Vec::new();
            if self.workload.setup(&worker, &mut Call::new(&mut request, state.next_msg_id)) {
                self.course.outstanding += 1;
                self.call(number, None, request)?;
            }
        }
        if self.course.outstanding == 0 { self.begin_load() } else { Ok(()) }
    }

    fn begin_load(&mut self) -> Result<(), EngineError> {
        let now = self.now();
        self.course.load_began = now;
        self.course.load_ended = now;
        self.enter(Stage::Load, Some(Duration::from_nanos(self.plan.time_limit)));
        let plan = Rc::clone(&self.plan);
        for (number, fault) in plan.faults.iter().enumerate() {
            let at = |nanos| now + Duration::from_nanos(nanos);
            self.queue.push(at(fault.begin), Event::FaultBegin(number as u32));
            self.queue
                .push(at(fault.end.min(self.plan.time_limit)), Event::FaultEnd(number as u32));
        }
        self.course.idle = (0..self.plan.concurrency).collect();
        self.schedule_operation(now);
        Ok(())
    }

    /// Schedules the next operation, `from` when the last one was due.
    ///
    /// Gaps count from when an operation was due, not from when it was invoked, so that the real
    /// clock's delays do not add up; they do count from when a worker became free.
    fn schedule_operation(&mut self, from: Time) {
        let number = self.course.next_operation;
        let mut random = self.key("gap").with(number).random();
        let gap = random.below(self.course.gap_bound + 1);
        self.queue.push(from + Duration::from_nanos(gap), Event::Invoke);
        self.course.due = from + Duration::from_nanos(gap);
    }

    pub(crate) fn invoke_due(&mut self) -> Result<(), EngineError> {
        if self.course.stage != Stage::Load {
            return Ok(());
        }
        if self.course.idle.is_empty() {
            self.course.overdue = true;
            return Ok(());
        }
        self.invoke_next(self.course.due)
    }

    fn invoke_next(&mut self, due: Time) -> Result<(), EngineError> {
        let number = self.course.next_operation;
        self.course.next_operation += 1;
        self.course.overdue = false;
        let place = self.key("worker").with(number).random().index(self.course.idle.len());
        let worker = self.course.idle[place];
        let view = self.course.workers[worker as usize].worker;
        let mut random = self.key("operation").with(number).random();
        let Some(invocation) = self.workload.next(&view, number, &mut random) else {
            return self.end_load();
        };
        // An operation left out is chosen all the same, so that the others stay what they are.
        if !self.plan.exceptions.skipped_operations.contains(&number) {
            self.course.idle.remove(place);
            self.begin_operation(worker, Phase::Load, invocation)?;
        }
        self.schedule_operation(due);
        Ok(())
    }

    fn begin_operation(
        &mut self,
        worker: u32,
        phase: Phase,
        invocation: Invocation,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let state = &mut self.course.workers[worker as usize];
        let view = state.worker;
        let position = self.recorder.invoke(now, &view, phase, &invocation)?;
        let mut request = std::mem::take(&mut state.request);
        let mut call = Call::new(&mut request, state.next_msg_id);
        match self.workload.start(&view, &invocation, &mut call) {
            Step::Call => self.call(worker, Some((position, invocation)), request),
            Step::Done(completion) => {
                self.course.workers[worker as usize].request = request;
                self.complete(worker, position, completion)
            }
        }
    }

    /// Sends a worker's request and waits for the reply.
    fn call(
        &mut self,
        worker: u32,
        operation: Option<(usize, Invocation)>,
        request: Vec<u8>,
    ) -> Result<(), EngineError> {
        let deadline = self.now() + self.workload.timeout();
        let op = operation
            .as_ref()
            .map(|(position, _)| self.recorder.history.operations[*position].index);
        let state = &mut self.course.workers[worker as usize];
        let msg_id = state.next_msg_id;
        state.next_msg_id += 1;
        state.waiting = Some(Waiting { msg_id, deadline, operation, op });
        if !state.timer {
            state.timer = true;
            self.queue.push(deadline, Event::Timeout { worker });
        }
        let (client, node) = (state.client, state.worker.node as u16);
        self.client_sends(client, node, &request)?;
        self.course.workers[worker as usize].request = request;
        Ok(())
    }

    // ---- replies ----

    fn worker_reply(
        &mut self,
        worker: u32,
        src: Endpoint,
        body: &Body<'_>,
    ) -> Result<Option<bool>, EngineError> {
        let state = &mut self.course.workers[worker as usize];
        let awaited = state.waiting.as_ref().map(|waiting| waiting.msg_id);
        let from_its_node = src == Endpoint::Node(state.worker.node as u16);
        if body.in_reply_to.is_none() || body.in_reply_to != awaited || !from_its_node {
            let Some(msg_id) = body.in_reply_to.filter(|_| from_its_node) else {
                return Ok(Some(false));
            };
            if let Some(place) = state.given_up.iter().position(|given_up| *given_up == msg_id) {
                state.given_up.swap_remove(place);
                return Ok(None);
            }
            return Ok(Some((1..state.next_msg_id).contains(&msg_id)));
        }
        let Some(Waiting { operation, .. }) = state.waiting.take() else { return Ok(None) };
        match operation {
            None => self.setup_reply(worker, body)?,
            Some((position, invocation)) => {
                self.operation_reply(worker, position, invocation, body)?;
            }
        }
        Ok(None)
    }

    fn setup_reply(&mut self, worker: u32, body: &Body<'_>) -> Result<(), EngineError> {
        let state = &self.course.workers[worker as usize];
        let request = String::from_utf8_lossy(&state.request).into_owned();
        let asked = Body::parse(&request).expect("requests are JSON objects");
        if body.kind.strip_suffix("_ok") != Some(&*asked.kind) {
            let problem = format!("answers {} with {}", shorten(&request), shorten(body.json));
            let advice = format!("It should answer with a body of type `{}_ok`.", asked.kind);
            let node = state.worker.node as u16;
            return Err(self.hosts.start_error(node, &self.directory, problem, advice));
        }
        self.course.outstanding -= 1;
        if self.course.outstanding == 0 { self.begin_load() } else { Ok(()) }
    }

    fn operation_reply(
        &mut self,
        worker: u32,
        position: usize,
        invocation: Invocation,
        body: &Body<'_>,
    ) -> Result<(), EngineError> {
        let view = self.course.workers[worker as usize].worker;
        if body.kind == "error" {
            return self.error_reply(worker, position, &invocation, body);
        }
        let state = &mut self.course.workers[worker as usize];
        let mut request = Vec::new();
        let mut call = Call::new(&mut request, state.next_msg_id);
        match self.workload.reply(&view, &invocation, body, &mut call) {
            Ok(Step::Call) => self.call(worker, Some((position, invocation)), request),
            Ok(Step::Done(completion)) => self.complete(worker, position, completion),
            Err(error) => self.malformed_reply(worker, position, &invocation, body, &error.0),
        }
    }

    fn error_reply(
        &mut self,
        worker: u32,
        position: usize,
        invocation: &Invocation,
        body: &Body<'_>,
    ) -> Result<(), EngineError> {
        #[derive(Deserialize)]
        struct ErrorBody {
            code: i64,
            #[serde(default)]
            text: Option<String>,
        }
        let error: ErrorBody = match serde_json::from_str(body.json) {
            Ok(error) => error,
            Err(problem) => {
                let problem = problem.to_string();
                return self.malformed_reply(worker, position, invocation, body, &problem);
            }
        };
        let definite = u32::try_from(error.code).is_ok_and(|code| ErrorCode(code).is_definite());
        let value = Value::List(std::sync::Arc::new(vec![
            Value::Int(error.code),
            error.text.map_or(Value::Null, Value::text),
        ]));
        self.give_up(worker, position, invocation, definite, value)
    }

    fn malformed_reply(
        &mut self,
        worker: u32,
        position: usize,
        invocation: &Invocation,
        body: &Body<'_>,
        problem: &str,
    ) -> Result<(), EngineError> {
        let state = &self.course.workers[worker as usize];
        let request = String::from_utf8_lossy(&state.request).into_owned();
        let op = self.recorder.history.operations[position].index;
        let node = state.worker.node as u16;
        let failure = HostFailure::malformed_reply(&request, body.json, problem, op);
        debug_assert_eq!(failure.violation.kind, ViolationKind::MalformedReply);
        self.violation(node, failure);
        self.give_up(worker, position, invocation, false, Value::text("malformed reply"))
    }

    pub(crate) fn timeout(&mut self, worker: u32) -> Result<(), EngineError> {
        let now = self.now();
        let state = &mut self.course.workers[worker as usize];
        state.timer = false;
        match state.waiting.take() {
            None => Ok(()),
            Some(waiting) if waiting.deadline > now => {
                let deadline = waiting.deadline;
                state.waiting = Some(waiting);
                state.timer = true;
                self.queue.push(deadline, Event::Timeout { worker });
                Ok(())
            }
            Some(Waiting { operation: None, .. }) => {
                let request = String::from_utf8_lossy(&state.request).into_owned();
                let problem = format!("did not answer {} within 5 s", shorten(&request));
                let advice = "Every node must answer it before the load begins.".to_owned();
                let node = state.worker.node as u16;
                Err(self.hosts.start_error(node, &self.directory, problem, advice))
            }
            Some(Waiting { msg_id, operation: Some((position, invocation)), .. }) => {
                state.given_up.push(msg_id);
                self.give_up(worker, position, &invocation, false, Value::text("timeout"))
            }
        }
    }

    /// Ends an operation that did not end well.
    fn give_up(
        &mut self,
        worker: u32,
        position: usize,
        invocation: &Invocation,
        definite: bool,
        error: Value,
    ) -> Result<(), EngineError> {
        let view = self.course.workers[worker as usize].worker;
        self.workload.ended(&view, invocation, definite);
        let failed = definite || self.workload.is_idempotent(invocation.function);
        let completion = if failed { Completion::Fail(error) } else { Completion::Info(error) };
        self.complete(worker, position, completion)
    }

    /// Ends an operation, and finds the worker something else to do.
    fn complete(
        &mut self,
        worker: u32,
        position: usize,
        completion: Completion,
    ) -> Result<(), EngineError> {
        let now = self.now();
        self.course.ok_count += u64::from(matches!(completion, Completion::Ok(_)));
        if matches!(completion, Completion::Info(_)) {
            self.replace_process(worker);
        }
        self.recorder.complete(now, position, completion)?;
        match self.course.stage {
            Stage::Load => {
                let place = self.course.idle.partition_point(|other| *other < worker);
                self.course.idle.insert(place, worker);
                if self.course.overdue { self.invoke_next(now) } else { Ok(()) }
            }
            Stage::Draining => {
                self.course.outstanding -= 1;
                if self.course.outstanding == 0 { self.after_load() } else { Ok(()) }
            }
            Stage::Final => self.next_final(worker),
            Stage::Convergence => {
                self.course.outstanding -= 1;
                if self.course.outstanding == 0 {
                    self.enter(Stage::Over, None);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// After an operation of unknown outcome the process is dead: the worker goes on as another
    /// one, with a fresh client.
    fn replace_process(&mut self, worker: u32) {
        let client = self.add_client(Role::Worker(worker));
        let state = &mut self.course.workers[worker as usize];
        self.course.roles[state.client as usize] = Role::Retired;
        state.client = client;
        state.next_msg_id = 1;
        state.given_up.clear();
        state.worker.process += self.plan.concurrency;
    }

    // ---- end ----

    fn end_load(&mut self) -> Result<(), EngineError> {
        self.course.load_ended = self.now();
        self.enter(Stage::Draining, None);
        let busy = self.plan.concurrency as usize - self.course.idle.len();
        self.course.outstanding = busy;
        if busy == 0 { self.after_load() } else { Ok(()) }
    }

    fn after_load(&mut self) -> Result<(), EngineError> {
        let converges = self.plan.strict && self.workload.converge().is_some();
        if self.workload.has_final() || converges {
            self.enter(Stage::Healing, Some(RECOVERY));
        } else {
            self.enter(Stage::Over, None);
        }
        Ok(())
    }

    fn begin_final(&mut self) -> Result<(), EngineError> {
        self.enter(Stage::Final, self.workload.final_limit());
        self.course.outstanding = self.plan.concurrency as usize;
        for worker in 0..self.plan.concurrency {
            self.next_final(worker)?;
        }
        Ok(())
    }

    /// Goes over to a worker's next final operation, after its pause.
    fn next_final(&mut self, worker: u32) -> Result<(), EngineError> {
        let state = &mut self.course.workers[worker as usize];
        let (view, nth) = (state.worker, state.final_count);
        state.final_count += 1;
        let pause = self.workload.pause(&view, nth);
        if pause.is_zero() {
            return self.final_operation(worker);
        }
        self.queue.push(self.now() + pause, Event::Final { worker });
        Ok(())
    }

    /// Begins a worker's final operation, if there is still one to do and time for it.
    pub(crate) fn final_operation(&mut self, worker: u32) -> Result<(), EngineError> {
        let state = &self.course.workers[worker as usize];
        let (view, nth) = (state.worker, state.final_count - 1);
        let more = !self.course.final_over;
        match more.then(|| self.workload.last(&view, nth)).flatten() {
            Some(invocation) => self.begin_operation(worker, Phase::Final, invocation),
            None => {
                self.course.outstanding -= 1;
                if self.course.outstanding == 0 { self.begin_convergence() } else { Ok(()) }
            }
        }
    }

    fn begin_convergence(&mut self) -> Result<(), EngineError> {
        self.recorder.stop_counting();
        let invocation = if self.plan.strict { self.workload.converge() } else { None };
        let Some(invocation) = invocation else {
            self.enter(Stage::Over, None);
            return Ok(());
        };
        self.enter(Stage::Convergence, None);
        let processes = self.course.workers.iter().map(|state| state.worker.process + 1);
        let first_process = processes.max().unwrap_or_default();
        self.course.outstanding = self.plan.nodes.len();
        for node in 0..self.plan.nodes.len() {
            let number = self.course.workers.len();
            let process = first_process + node as u32;
            let worker = self.add_worker(Worker { number, process, node });
            self.begin_operation(worker, Phase::Convergence, invocation.clone())?;
        }
        Ok(())
    }
}
