//! What the engine asks of a workload.
//!
//! A workload is a generator and a client, both state machines. The engine tells it when to choose
//! an operation, and hands it the replies. The engine decides about time: when operations begin,
//! when a request times out (nothing is retried), and when a process is replaced by another one.
//! The engine also records the history.

use std::time::Duration;

use kolk_history::{Function, Plan, Value};
use kolk_protocol::message::Body;
use kolk_protocol::{Head, Random, body::BodyError, write_body};
use serde::Serialize;

/// An operation about to begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// What it does.
    pub function: Function,
    /// With what.
    pub value: Value,
}

impl Invocation {
    /// An operation with this function and value.
    pub fn new(function: Function, value: impl Into<Value>) -> Invocation {
        Invocation { function, value: value.into() }
    }
}

/// Who invokes an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    /// The worker, from 0.
    pub number: usize,
    /// Its process: `number` at first; after an operation of unknown outcome, more by the
    /// concurrency.
    pub process: u32,
    /// The node it speaks with, as a position in the list of nodes.
    pub node: usize,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Completion {
    /// The operation happened, and this is its result.
    Ok(Value),
    /// The operation did not happen. The value is the error: null, a text, or `[code, text]`.
    Fail(Value),
    /// Whether the operation happened is unknown. The value is the error: null, a text, or
    /// `[code, text]`.
    Info(Value),
}

/// What a client does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It has written a request with [`Call::request`], and waits for the reply.
    Call,
    /// The operation is over.
    Done(Completion),
}

/// Why a reply does not fit its request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReplyError(pub String);

impl From<BodyError> for ReplyError {
    fn from(error: BodyError) -> ReplyError {
        ReplyError(error.to_string())
    }
}

/// Where a client writes its request.
#[derive(Debug)]
pub struct Call<'a> {
    body: &'a mut Vec<u8>,
    msg_id: i64,
}

impl<'a> Call<'a> {
    /// A place for one request with this number; `body` is empty.
    pub fn new(body: &'a mut Vec<u8>, msg_id: i64) -> Call<'a> {
        Call { body, msg_id }
    }

    /// Writes the request, replacing what was written before.
    ///
    /// # Panics
    ///
    /// If `request` is not an enum as [`write_body`] wants it: a mistake in the workload.
    pub fn request<T: Serialize>(&mut self, request: &T) -> Step {
        self.body.clear();
        let head = Head { msg_id: Some(self.msg_id), in_reply_to: None };
        write_body(self.body, request, head).expect("a workload's request is a plain enum");
        Step::Call
    }
}

/// A generator and its clients.
pub trait Workload {
    /// Its name, as flags and run folders have it.
    fn name(&self) -> &'static str;

    /// Learns what the run is like, once and before anything else: its rate, its workers, its
    /// nodes.
    fn prepare(&mut self, _plan: &Plan) {}

    /// Writes the request that every worker sends once before the load, and returns true; by
    /// default there is none. The answer's `type` must be the request's with `_ok` behind.
    fn setup(&mut self, _worker: &Worker, _call: &mut Call<'_>) -> bool {
        false
    }

    /// Chooses the operation with this number, counted from 0 over the whole load. What it draws
    /// must come from `random`, which is keyed by the number. `None` ends the load early.
    fn next(&mut self, worker: &Worker, number: u64, random: &mut Random) -> Option<Invocation>;

    /// The `nth` final operation of a worker, after faults have healed; `None` when it has done all
    /// of its. By default there are none, and no final phase.
    fn last(&mut self, _worker: &Worker, _nth: u32) -> Option<Invocation> {
        None
    }

    /// How long a worker waits before it asks for its `nth` final operation, from the end of the
    /// one before; not at all by default.
    fn pause(&mut self, _worker: &Worker, _nth: u32) -> Duration {
        Duration::ZERO
    }

    /// After this time no further final operation begins; by default the workload alone decides
    /// when it has done enough.
    fn final_limit(&self) -> Option<Duration> {
        None
    }

    /// True if the workload has final operations at all.
    fn has_final(&self) -> bool {
        false
    }

    /// The read that shows what a node has come to, for the convergence phase; `None` if the
    /// workload has nothing that should converge.
    fn converge(&mut self) -> Option<Invocation> {
        None
    }

    /// Begins an operation: writes its first request, or ends it at once.
    fn start(&mut self, worker: &Worker, invocation: &Invocation, call: &mut Call<'_>) -> Step;

    /// Takes the reply to the last request; it is no error reply, those end the operation by
    /// their code.
    ///
    /// # Errors
    ///
    /// If the body does not fit: the operation's outcome is then unknown, and the node at fault.
    fn reply(
        &mut self,
        worker: &Worker,
        invocation: &Invocation,
        reply: &Body<'_>,
        call: &mut Call<'_>,
    ) -> Result<Step, ReplyError>;

    /// Learns that an operation ended without [`Step::Done`]: by an error reply or a timeout.
    fn ended(&mut self, _worker: &Worker, _invocation: &Invocation, _definite: bool) {}

    /// True if it does no harm to take an operation of unknown outcome for one that failed.
    fn is_idempotent(&self, function: Function) -> bool {
        function == Function::Read
    }

    /// How long a client waits for a reply.
    fn timeout(&self) -> Duration {
        Duration::from_secs(5)
    }
}
