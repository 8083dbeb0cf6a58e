//! The core of a node, without I/O: messages and time in, messages and the next deadline out.

use std::marker::PhantomData;
use std::rc::Rc;
use std::task::Waker;

use kolk_protocol::body::BodyError;
use kolk_protocol::lockstep::{Acceptance, Offer, StorageFault};
use kolk_protocol::message::Body;
use kolk_protocol::workload::init;
use kolk_protocol::{ErrorCode, Key, RpcError, Time, from_body};

use crate::context::Context;
use crate::executor::Executor;
use crate::machine::{Input, Machine, Outputs};
use crate::node::Node;
use crate::state::{Life, NodeState};
use crate::storage::{Disk, Medium};

/// A node as a [`Machine`], to be run in-process. `factory` is called when `init` arrives, with a
/// context that knows what `init` said.
///
/// Its entropy is the seed that `init` offers. Without an offer it is a function of the node's
/// name, so that a run is repeatable in any case.
pub fn machine<N: Node>(factory: impl FnOnce(&Context) -> N + 'static) -> Box<dyn Machine> {
    Box::new(runtime(factory, |node_id| Life::only(Key::new(0).with_name(node_id).seed())))
}

/// A node's core with what the stdio drivers need beside [`Machine`].
#[cfg_attr(not(feature = "stdio"), expect(dead_code, reason = "for the stdio drivers"))]
pub(crate) trait Runtime: Machine {
    /// When the next timer is due.
    fn deadline(&self) -> Option<Time>;

    /// This node's name, from `init` on.
    fn node_id(&self) -> Option<&str>;

    /// Sets what its files are kept in, before `init`.
    fn set_medium(&mut self, medium: Medium);

    /// Makes the syncs of files that tasks wait for, which are ready then; false if there are none.
    fn sync_files(&mut self) -> bool;

    /// True if `init` offered lockstep and the offer was accepted.
    fn in_lockstep(&self) -> bool;

    /// True if there is no task and no timer: nothing but a message can make this node act.
    fn is_dormant(&self) -> bool;

    /// Bounds how many tasks are polled in a step, so that a driver that shares its thread with
    /// others gets its turn; what is left is ready at the next step. No bound unless set.
    fn bound_polls(&mut self, polls_max: usize);

    /// Asks for `driver` to be woken by the next task that gets ready. False if a task is ready
    /// already.
    fn watch(&self, driver: &Waker) -> bool;
}

/// The core of a node whose `init` may not have come yet.
pub(crate) fn runtime<N: Node>(
    factory: impl FnOnce(&Context) -> N,
    life: impl FnOnce(&str) -> Life,
) -> impl Runtime {
    Core {
        running: None,
        build: Some((factory, life)),
        executor: Executor::new(),
        serve: serve::<N>,
        in_lockstep: false,
        medium: Medium::None,
        polls_max: usize::MAX,
        request: PhantomData,
    }
}

/// The task of a request: runs the handler and sends its answer.
async fn serve<N: Node>(node: Rc<N>, cx: Context, request: N::Request) {
    let result = node.handle(&cx, request).await;
    cx.answer(result);
}

/// `B` makes a node, `E` a seed; `S` is [`serve`], whose futures are of type `F`.
struct Core<N: Node, B, E, S, F> {
    /// First, so that tasks are dropped while what they use is still there.
    executor: Executor<F>,
    running: Option<Running<N>>,
    build: Option<(B, E)>,
    serve: S,
    in_lockstep: bool,
    /// Until `init` comes.
    medium: Medium,
    polls_max: usize,
    request: PhantomData<fn(N::Request)>,
}

/// A node after its `init`.
struct Running<N> {
    node: Rc<N>,
    state: Rc<NodeState>,
}

impl<N> Drop for Running<N> {
    fn drop(&mut self) {
        // Breaks the circle: receivers hold contexts, and contexts the state that holds receivers.
        drop(self.state.receivers.take());
    }
}

impl<N, B, E, S, F> Core<N, B, E, S, F>
where
    N: Node,
    B: FnOnce(&Context) -> N,
    E: FnOnce(&str) -> Life,
    S: Fn(Rc<N>, Context, N::Request) -> F,
    F: Future<Output = ()>,
{
    /// Reacts to the time and, if there is one, to a message.
    fn react(&mut self, now: Time, message: Option<(&str, &Body<'_>)>, outputs: &mut Outputs) {
        let Some(running) = &self.running else {
            if let Some((src, body)) = message {
                self.before_init(now, src, body, outputs);
            }
            return;
        };
        let state = Rc::clone(&running.state);
        state.now.set(now);
        std::mem::swap(&mut *state.outputs.borrow_mut(), outputs);
        loop {
            // The borrow must be over when the waker is called.
            let due = state.timers.borrow_mut().pop_due(now);
            let Some(waker) = due else { break };
            waker.wake();
        }
        if let Some((src, body)) = message {
            self.deliver(&state, src, body);
        }
        self.run(&state);
        std::mem::swap(&mut *state.outputs.borrow_mut(), outputs);
    }

    /// Polls until nothing is ready.
    fn run(&mut self, state: &NodeState) {
        let mut polls = 0;
        loop {
            if !state.spawned.borrow().is_empty() {
                let spawned = state.spawned.take();
                spawned.into_iter().for_each(|future| self.executor.spawn(future));
            }
            if polls >= self.polls_max || !self.executor.poll_next() {
                return;
            }
            polls += 1;
        }
    }

    fn deliver(&mut self, state: &Rc<NodeState>, src: &str, body: &Body<'_>) {
        if body.in_reply_to.is_some() {
            // This node counts its requests: what is no number answers none of them.
            let call = body.answers().and_then(|id| state.calls.borrow_mut().take(id));
            if let Some(call) = call {
                call.deliver(body);
            }
            return;
        }
        if let Some(receiver) = state.receiver(&body.kind) {
            let received = match body.msg_id {
                Some(_) if !receiver.answers => Err(RpcError::new(
                    ErrorCode::NOT_SUPPORTED,
                    format!("`{}` is a one-way message", body.kind),
                )),
                _ => (receiver.receive)(state, src, body).map_err(|error| does_not_fit(&error)),
            };
            if let Err(error) = received {
                refuse(&mut state.outputs.borrow_mut(), src, body, &error);
            }
            return;
        }
        if body.kind == "init" {
            self.init_again(state, src, body);
            return;
        }
        match (from_body(&body.kind, body.json), &self.running) {
            (Ok(request), Some(running)) => {
                let cx = Context::of_message(state, src, body.msg_id);
                self.executor.handle((self.serve)(Rc::clone(&running.node), cx, request));
            }
            (Err(error), _) => {
                refuse(&mut state.outputs.borrow_mut(), src, body, &does_not_fit(&error));
            }
            (Ok(_), None) => {}
        }
    }

    /// Messages may overtake `init`: the nodes of a cluster do not start at the same instant.
    fn before_init(&mut self, now: Time, src: &str, body: &Body<'_>, outputs: &mut Outputs) {
        if body.kind != "init" || body.in_reply_to.is_some() {
            let text = format!("got `{}` from {src} before `init`", body.kind);
            refuse(outputs, src, body, &RpcError::new(ErrorCode::TEMPORARILY_UNAVAILABLE, text));
            return;
        }
        let (node_id, node_ids, offer) = match from_body(&body.kind, body.json) {
            Ok(init::Request::Init { node_id, node_ids, lockstep }) => {
                (node_id, node_ids, lockstep)
            }
            Err(error) => {
                refuse(outputs, src, body, &does_not_fit(&error));
                return;
            }
        };
        let Some((factory, life)) = self.build.take() else { return };
        let offered = offer.filter(Offer::is_acceptable).and_then(|offer| offer.seed());
        self.in_lockstep = offered.is_some();
        let life = offered.map_or_else(|| life(&node_id), Life::of);
        let medium = std::mem::replace(&mut self.medium, Medium::None);
        let state = NodeState::new(node_id, node_ids, life, medium);
        state.now.set(now);
        std::mem::swap(&mut *state.outputs.borrow_mut(), outputs);
        answer_init(&state, src, body, self.in_lockstep);
        let cx = Context::of_node(&state);
        let node = Rc::new(factory(&cx));
        node.start(&cx);
        self.running = Some(Running { node, state: Rc::clone(&state) });
        self.run(&state);
        std::mem::swap(&mut *state.outputs.borrow_mut(), outputs);
    }

    /// A repeated `init` is answered as the first one was; another one is refused.
    fn init_again(&self, state: &Rc<NodeState>, src: &str, body: &Body<'_>) {
        let cx = Context::of_node(state);
        let error = match from_body(&body.kind, body.json) {
            Ok(init::Request::Init { node_id, node_ids, .. }) => {
                if node_id == cx.node_id() && node_ids == cx.node_ids() {
                    answer_init(state, src, body, self.in_lockstep);
                    return;
                }
                let text = format!("this node is {} already", cx.node_id());
                RpcError::new(ErrorCode::MALFORMED_REQUEST, text)
            }
            Err(error) => does_not_fit(&error),
        };
        refuse(&mut state.outputs.borrow_mut(), src, body, &error);
    }
}

fn answer_init(state: &Rc<NodeState>, src: &str, body: &Body<'_>, in_lockstep: bool) {
    let lockstep = in_lockstep.then(|| Acceptance::new(&StorageFault::ALL));
    Context::of_message(state, src, body.msg_id).answer(Ok(init::Reply::InitOk { lockstep }));
}

fn does_not_fit(error: &BodyError) -> RpcError {
    let code = match error {
        BodyError::UnknownType(_) => ErrorCode::NOT_SUPPORTED,
        _ => ErrorCode::MALFORMED_REQUEST,
    };
    RpcError::new(code, error.to_string())
}

/// Answers a message with an error, or logs it if its sender wants no answer.
fn refuse(outputs: &mut Outputs, src: &str, body: &Body<'_>, error: &RpcError) {
    match (body.msg_id, body.in_reply_to) {
        (Some(msg_id), None) => outputs.push_error(src, msg_id, error),
        _ => outputs.log(&format!("dropped `{}` from {src}: {error}", body.kind)),
    }
}

impl<N, B, E, S, F> Machine for Core<N, B, E, S, F>
where
    N: Node,
    B: FnOnce(&Context) -> N,
    E: FnOnce(&str) -> Life,
    S: Fn(Rc<N>, Context, N::Request) -> F,
    F: Future<Output = ()>,
{
    fn step(&mut self, now: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
        match input {
            Input::Wake => self.react(now, None, outputs),
            Input::Message { src, body } => match Body::parse(body) {
                Ok(body) => self.react(now, Some((src, &body)), outputs),
                Err(error) => {
                    outputs.log(&format!("dropped a message from {src}: {error}"));
                    self.react(now, None, outputs);
                }
            },
        }
        self.deadline()
    }

    fn message(
        &mut self,
        now: Time,
        src: &str,
        body: &Body<'_>,
        outputs: &mut Outputs,
    ) -> Option<Time> {
        self.react(now, Some((src, body)), outputs);
        self.deadline()
    }

    fn attach(&mut self, disk: Disk) {
        self.medium = Medium::simulated(disk);
    }
}

impl<N, B, E, S, F> Runtime for Core<N, B, E, S, F>
where
    N: Node,
    B: FnOnce(&Context) -> N,
    E: FnOnce(&str) -> Life,
    S: Fn(Rc<N>, Context, N::Request) -> F,
    F: Future<Output = ()>,
{
    fn deadline(&self) -> Option<Time> {
        self.running.as_ref()?.state.timers.borrow().next()
    }

    fn node_id(&self) -> Option<&str> {
        self.running.as_ref().map(|running| running.state.node_id.as_str())
    }

    fn set_medium(&mut self, medium: Medium) {
        self.medium = medium;
    }

    fn sync_files(&mut self) -> bool {
        match self.running.as_ref().map(|running| running.state.medium.borrow()).as_deref() {
            #[cfg(feature = "stdio")]
            Some(Medium::Folder(folder)) => folder.sync_wanted(),
            _ => false,
        }
    }

    fn in_lockstep(&self) -> bool {
        self.in_lockstep
    }

    fn is_dormant(&self) -> bool {
        self.executor.is_empty() && self.deadline().is_none()
    }

    fn bound_polls(&mut self, polls_max: usize) {
        self.polls_max = polls_max;
    }

    fn watch(&self, driver: &Waker) -> bool {
        self.executor.watch(driver)
    }
}
