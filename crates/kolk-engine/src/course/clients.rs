//! Clients: who waits for which reply, until when, and what that does to the history.

use kolk_history::summary::ViolationKind;
use kolk_history::{Phase, Value};
use kolk_protocol::message::Body;
use kolk_protocol::{ErrorCode, Time};

use super::Course;
use crate::endpoint::Endpoint;
use crate::host::{HostFailure, shorten};
use crate::queue::Event;
use crate::run::EngineError;
use crate::simulation::{Cause, Simulation};
use crate::workload::{Call, Completion, Invocation, Step, Worker};

/// What a client endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Starts a node.
    Init(u16),
    /// Works for this worker.
    Worker(u32),
    /// Worked for one, until an operation's outcome became unknown and another client took over.
    Retired {
        /// For whom.
        worker: u32,
        /// Who took over.
        successor: u32,
        /// The invocation whose outcome became unknown.
        op: u32,
    },
    /// Belongs to whoever holds the [`Cluster`](crate::Cluster).
    Outside,
}

/// What a worker waits for.
#[derive(Debug)]
pub(super) struct Waiting {
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
pub(super) struct WorkerState {
    pub(super) worker: Worker,
    client: u32,
    pub(super) next_msg_id: i64,
    waiting: Option<Waiting>,
    /// The last request, for the report on a reply that does not fit.
    pub(super) request: Vec<u8>,
    /// Requests that were given up: their replies are late, not unexpected.
    given_up: Vec<i64>,
    /// A timeout event is on its way.
    timer: bool,
    /// How many final operations it has begun.
    pub(super) final_count: u32,
}

impl Course {
    /// The invocation that a client gave up, if it did.
    pub(crate) fn given_up_by(&self, client: u32) -> Option<u32> {
        match self.roles[client as usize] {
            Role::Retired { op, .. } => Some(op),
            _ => None,
        }
    }

    /// True if Maelstrom would have closed this client by now: those that started a node, once it
    /// has answered, and those of processes whose worker has begun another operation as another
    /// one.
    pub(crate) fn is_gone(&self, client: u32, started: impl Fn(u16) -> bool) -> bool {
        match self.roles[client as usize] {
            Role::Init(node) => started(node),
            Role::Retired { worker, successor, .. } => {
                let state = &self.workers[worker as usize];
                state.client != successor || state.next_msg_id > 1
            }
            Role::Worker(_) | Role::Outside => false,
        }
    }

    /// True if a worker of this node waits for the answer to the workload's first request.
    pub(super) fn owes_setup(&self, node: u16) -> bool {
        self.workers.iter().any(|state| {
            let waits = state.waiting.as_ref().is_some_and(|waiting| waiting.operation.is_none());
            waits && state.worker.node == usize::from(node)
        })
    }

    /// The operation that a reply to `client` serves, if it is the one awaited.
    pub(crate) fn op_of(&self, client: u32, in_reply_to: Option<i64>) -> Option<u32> {
        let Role::Worker(worker) = self.roles[client as usize] else { return None };
        let waiting = self.workers[worker as usize].waiting.as_ref()?;
        (Some(waiting.msg_id) == in_reply_to).then_some(waiting.op).flatten()
    }
}

impl Simulation<'_> {
    pub(super) fn add_client(&mut self, role: Role) -> u32 {
        self.course.roles.push(role);
        self.directory.add_client()
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
            Role::Init(node) => self.init_reply(client, node, body),
            Role::Worker(worker) => self.worker_reply(worker, src, body),
            Role::Retired { .. } => Ok(None),
            Role::Outside => {
                self.course.outside.push((body.answers(), body.json.to_owned()));
                Ok(None)
            }
        }
    }

    pub(super) fn add_worker(&mut self, worker: Worker) -> u32 {
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

    pub(super) fn begin_operation(
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
    pub(super) fn call(
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

    fn worker_reply(
        &mut self,
        worker: u32,
        src: Endpoint,
        body: &Body<'_>,
    ) -> Result<Option<bool>, EngineError> {
        let state = &mut self.course.workers[worker as usize];
        let awaited = state.waiting.as_ref().map(|waiting| waiting.msg_id);
        // Whoever sends it: a node may let another one answer for it.
        let answered = body.answers();
        if answered.is_none() || answered != awaited {
            if let Some(Waiting { operation: None, msg_id, .. }) = state.waiting
                && is_answer_to(&state.request, body)
            {
                let node = match src {
                    Endpoint::Node(node) => node,
                    _ => state.worker.node as u16,
                };
                return Err(self.unnumbered(node, msg_id, body));
            }
            let Some(msg_id) = answered else { return Ok(Some(false)) };
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
                self.operation_reply(worker, position, invocation, src, body)?;
            }
        }
        Ok(None)
    }

    fn operation_reply(
        &mut self,
        worker: u32,
        position: usize,
        invocation: Invocation,
        src: Endpoint,
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
            Err(error) => {
                self.malformed_reply((worker, src), position, &invocation, body, &error.0)
            }
        }
    }

    fn error_reply(
        &mut self,
        worker: u32,
        position: usize,
        invocation: &Invocation,
        body: &Body<'_>,
    ) -> Result<(), EngineError> {
        // Code and text may be anything, and may be missing: only a code that is known says that
        // nothing happened.
        let field = |name| {
            let json = body.field(name);
            json.and_then(|json| Value::from_json(json).ok()).unwrap_or(Value::Null)
        };
        let (code, text) = (field("code"), field("text"));
        let definite = matches!(code, Value::Int(code)
            if u32::try_from(code).is_ok_and(|code| ErrorCode(code).is_definite()));
        let value = Value::List(std::sync::Arc::new(vec![code, text]));
        self.course.answered += 1;
        self.give_up(worker, position, invocation, definite, value)
    }

    fn malformed_reply(
        &mut self,
        (worker, src): (u32, Endpoint),
        position: usize,
        invocation: &Invocation,
        body: &Body<'_>,
        problem: &str,
    ) -> Result<(), EngineError> {
        let state = &self.course.workers[worker as usize];
        let request = String::from_utf8_lossy(&state.request).into_owned();
        let op = self.recorder.history.operations[position].index;
        let node = match src {
            Endpoint::Node(node) => node,
            _ => state.worker.node as u16,
        };
        let failure = HostFailure::malformed_reply(&request, body.json, problem, op);
        debug_assert_eq!(failure.violation.kind, ViolationKind::MalformedReply);
        self.violation(node, failure);
        self.give_up(worker, position, invocation, false, Value::text("malformed reply"))?;
        self.end_if_silent();
        Ok(())
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
                Err(self.unanswered(node, problem, advice))
            }
            Some(Waiting { msg_id, operation: Some((position, invocation)), .. }) => {
                state.given_up.push(msg_id);
                self.give_up(worker, position, &invocation, false, Value::text("timeout"))?;
                self.end_if_silent();
                Ok(())
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

    /// After an operation of unknown outcome the process is dead: the worker goes on as another
    /// one, with a fresh client.
    pub(super) fn replace_process(&mut self, worker: u32, op: u32) {
        let client = self.add_client(Role::Worker(worker));
        let state = &mut self.course.workers[worker as usize];
        self.course.roles[state.client as usize] = Role::Retired { worker, successor: client, op };
        state.client = client;
        state.next_msg_id = 1;
        state.given_up.clear();
        state.worker.process += self.plan.concurrency;
    }
}

/// True if a body is of the type that answers this request.
pub(super) fn is_answer_to(request: &[u8], body: &Body<'_>) -> bool {
    let asked = std::str::from_utf8(request).ok().and_then(|request| Body::parse(request).ok());
    asked.is_some_and(|asked| body.kind.strip_suffix("_ok") == Some(&*asked.kind))
}
