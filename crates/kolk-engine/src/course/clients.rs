//! Clients: who waits for which reply, until when, and what that does to the history.

use kolk_history::summary::ViolationKind;
use kolk_history::{Phase, Value};
use kolk_protocol::message::Body;
use kolk_protocol::{ErrorCode, Time};

use super::{Course, Effect, Turn, Unready};
use crate::endpoint::Endpoint;
use crate::host::{HostFailure, shorten};
use crate::queue::Event;
use crate::run::EngineError;
use crate::workload::{Call, Completion, Invocation, Step, Worker};

/// What a client endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
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
    pub(crate) fn owes_setup(&self, node: u16) -> bool {
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

    /// What a client is for.
    pub(crate) fn role(&self, client: u32) -> Role {
        self.roles[client as usize]
    }

    /// What a worker asks: its client, its node, the operation that this serves, and the request's
    /// body, which is given back with [`Course::keep_request`].
    pub(crate) fn take_request(&mut self, worker: u32) -> (u32, u16, Option<u32>, Vec<u8>) {
        let state = &mut self.workers[worker as usize];
        let op = state.waiting.as_ref().and_then(|waiting| waiting.op);
        let request = std::mem::take(&mut state.request);
        (state.client, state.worker.node as u16, op, request)
    }

    /// Keeps a worker's last request: what is said of a reply that does not fit quotes it.
    pub(crate) fn keep_request(&mut self, worker: u32, request: Vec<u8>) {
        self.workers[worker as usize].request = request;
    }

    /// A new client for this, whom the simulation has to be told of ([`Effect::NewClient`]).
    pub(crate) fn add_client(&mut self, role: Role) -> u32 {
        self.roles.push(role);
        self.roles.len() as u32 - 1
    }

    pub(super) fn add_worker(&mut self, worker: Worker, turn: &mut Turn<'_, '_>) -> u32 {
        let number = self.workers.len() as u32;
        let client = self.add_client(Role::Worker(number));
        turn.effects.push(Effect::NewClient);
        self.workers.push(WorkerState {
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
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), EngineError> {
        let now = turn.now;
        let state = &mut self.workers[worker as usize];
        let view = state.worker;
        let position = turn.recorder.invoke(now, &view, phase, &invocation)?;
        let mut request = std::mem::take(&mut state.request);
        let mut call = Call::new(&mut request, state.next_msg_id);
        match self.workload.start(&view, &invocation, &mut call) {
            Step::Call => {
                self.call(worker, Some((position, invocation)), request, turn);
                Ok(())
            }
            Step::Done(completion) => {
                self.workers[worker as usize].request = request;
                self.complete(worker, position, completion, turn)
            }
        }
    }

    /// Sends a worker's request and waits for the reply.
    pub(super) fn call(
        &mut self,
        worker: u32,
        operation: Option<(usize, Invocation)>,
        request: Vec<u8>,
        turn: &mut Turn<'_, '_>,
    ) {
        let deadline = turn.now + self.workload.timeout();
        let op = operation
            .as_ref()
            .map(|(position, _)| turn.recorder.history.operations[*position].index);
        let state = &mut self.workers[worker as usize];
        let msg_id = state.next_msg_id;
        state.next_msg_id += 1;
        state.waiting = Some(Waiting { msg_id, deadline, operation, op });
        state.request = request;
        if !state.timer {
            state.timer = true;
            turn.schedule(deadline, Event::Timeout { worker });
        }
        turn.effects.push(Effect::Ask { worker });
    }

    /// A message has come for a worker's client. Returns whether it repeats an answer if nobody
    /// waited for it.
    pub(crate) fn reply(
        &mut self,
        worker: u32,
        src: Endpoint,
        body: &Body<'_>,
        turn: &mut Turn<'_, '_>,
    ) -> Result<Option<bool>, EngineError> {
        let state = &mut self.workers[worker as usize];
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
                let why = Unready::Unnumbered { msg_id, body: body.json.to_owned() };
                turn.unready(node, why);
                return Ok(None);
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
            None => self.setup_reply(worker, body, turn),
            Some((position, invocation)) => {
                self.operation_reply(worker, position, invocation, src, body, turn)?;
            }
        }
        Ok(None)
    }

    fn setup_reply(&mut self, worker: u32, body: &Body<'_>, turn: &mut Turn<'_, '_>) {
        let state = &self.workers[worker as usize];
        let request = String::from_utf8_lossy(&state.request).into_owned();
        let asked = Body::parse(&request).expect("requests are JSON objects");
        if body.kind.strip_suffix("_ok") != Some(&*asked.kind) {
            let problem = format!("answers {} with {}", shorten(&request), shorten(body.json));
            let advice = format!("It should answer with a body of type `{}_ok`.", asked.kind);
            let node = state.worker.node as u16;
            return turn.unready(node, Unready::Refused { problem, advice });
        }
        self.outstanding -= 1;
        if self.outstanding == 0 {
            self.begin_load(turn);
        }
    }

    fn operation_reply(
        &mut self,
        worker: u32,
        position: usize,
        invocation: Invocation,
        src: Endpoint,
        body: &Body<'_>,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), EngineError> {
        let view = self.workers[worker as usize].worker;
        if body.kind == "error" {
            return self.error_reply(worker, position, &invocation, body, turn);
        }
        let state = &mut self.workers[worker as usize];
        let mut request = Vec::new();
        let mut call = Call::new(&mut request, state.next_msg_id);
        match self.workload.reply(&view, &invocation, body, &mut call) {
            Ok(Step::Call) => {
                self.call(worker, Some((position, invocation)), request, turn);
                Ok(())
            }
            Ok(Step::Done(completion)) => self.complete(worker, position, completion, turn),
            Err(error) => {
                self.malformed_reply((worker, src), position, &invocation, body, &error.0, turn)
            }
        }
    }

    fn error_reply(
        &mut self,
        worker: u32,
        position: usize,
        invocation: &Invocation,
        body: &Body<'_>,
        turn: &mut Turn<'_, '_>,
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
        self.answered += 1;
        self.give_up(worker, position, invocation, definite, value, turn)
    }

    fn malformed_reply(
        &mut self,
        (worker, src): (u32, Endpoint),
        position: usize,
        invocation: &Invocation,
        body: &Body<'_>,
        problem: &str,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), EngineError> {
        let state = &self.workers[worker as usize];
        let request = String::from_utf8_lossy(&state.request).into_owned();
        let op = turn.recorder.history.operations[position].index;
        let node = match src {
            Endpoint::Node(node) => node,
            _ => state.worker.node as u16,
        };
        let failure = HostFailure::malformed_reply(&request, body.json, problem, op);
        debug_assert_eq!(failure.violation.kind, ViolationKind::MalformedReply);
        turn.effects.push(Effect::Misfit { node, failure });
        self.give_up(worker, position, invocation, false, Value::text("malformed reply"), turn)?;
        self.end_if_silent(turn);
        Ok(())
    }

    /// A worker's request may have timed out.
    pub(crate) fn timeout(
        &mut self,
        worker: u32,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), EngineError> {
        let now = turn.now;
        let state = &mut self.workers[worker as usize];
        state.timer = false;
        match state.waiting.take() {
            None => Ok(()),
            Some(waiting) if waiting.deadline > now => {
                let deadline = waiting.deadline;
                state.waiting = Some(waiting);
                state.timer = true;
                turn.schedule(deadline, Event::Timeout { worker });
                Ok(())
            }
            Some(Waiting { operation: None, .. }) => {
                let request = String::from_utf8_lossy(&state.request).into_owned();
                let problem = format!("did not answer {} within 5 s", shorten(&request));
                let advice = "Every node must answer it before the load begins.".to_owned();
                let node = state.worker.node as u16;
                turn.unready(node, Unready::Unanswered { problem, advice });
                Ok(())
            }
            Some(Waiting { msg_id, operation: Some((position, invocation)), .. }) => {
                state.given_up.push(msg_id);
                self.give_up(worker, position, &invocation, false, Value::text("timeout"), turn)?;
                self.end_if_silent(turn);
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
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), EngineError> {
        let view = self.workers[worker as usize].worker;
        self.workload.ended(&view, invocation, definite);
        let failed = definite || self.workload.is_idempotent(invocation.function);
        let completion = if failed { Completion::Fail(error) } else { Completion::Info(error) };
        self.complete(worker, position, completion, turn)
    }

    /// After an operation of unknown outcome the process is dead: the worker goes on as another
    /// one, with a fresh client.
    pub(super) fn replace_process(&mut self, worker: u32, op: u32, turn: &mut Turn<'_, '_>) {
        let client = self.add_client(Role::Worker(worker));
        turn.effects.push(Effect::NewClient);
        let state = &mut self.workers[worker as usize];
        self.roles[state.client as usize] = Role::Retired { worker, successor: client, op };
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
