//! What a node is given to work with: its name, its peers, messages, time, randomness.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::rc::Rc;

use kolk_protocol::body::BodyError;
use kolk_protocol::message::Body;
use kolk_protocol::{Head, Random, RpcError, Time, write_body};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::executor::Spawned;
use crate::machine::Outputs;
use crate::rpc::Calls;
use crate::timer::Timers;

/// A node's way to the world. Cheap to clone, and every clone is the same node's.
///
/// There is nothing else: a node that takes time from [`Context::now`] and [`Context::sleep`],
/// randomness from [`Context::rng`] and speaks through this alone runs the same on the real and on
/// the virtual clock.
#[derive(Clone)]
pub struct Context {
    pub(crate) shared: Rc<Shared>,
    src: Rc<str>,
    msg_id: Option<RequestId>,
}

/// What the sender of a request calls it; the answer carries the same.
#[derive(Clone)]
enum RequestId {
    /// As a rule it is a number.
    Number(i64),
    /// Any other JSON: a UUID, say.
    Json(Rc<str>),
}

impl RequestId {
    fn new(json: &str) -> RequestId {
        match json.parse() {
            Ok(number) if json != "-0" => RequestId::Number(number),
            _ => RequestId::Json(json.into()),
        }
    }

    /// The JSON that its sender wrote.
    fn json(&self) -> Cow<'_, str> {
        match self {
            RequestId::Number(number) => number.to_string().into(),
            RequestId::Json(json) => (&**json).into(),
        }
    }
}

/// What all contexts of a node share.
pub(crate) struct Shared {
    node_id: String,
    node_ids: Vec<String>,
    peers: Vec<String>,
    now: Cell<Time>,
    random: RefCell<Random>,
    /// Swapped with the caller's for the duration of a step.
    pub(crate) outputs: RefCell<Outputs>,
    pub(crate) timers: RefCell<Timers>,
    pub(crate) calls: RefCell<Calls>,
    /// Tasks that were spawned and not yet handed to the executor.
    pub(crate) spawned: RefCell<Vec<Spawned>>,
    receivers: RefCell<Vec<Receiver>>,
    names: RefCell<Names>,
}

type Receive = Rc<dyn Fn(&Context, &Body<'_>) -> Result<(), BodyError>>;

/// Who takes messages of a kind.
#[derive(Clone)]
pub(crate) struct Receiver {
    kind: &'static str,
    /// It answers those that want an answer.
    pub(crate) answers: bool,
    pub(crate) receive: Receive,
}

impl Shared {
    pub(crate) fn new(node_id: String, node_ids: Vec<String>, seed: u64) -> Rc<Shared> {
        let peers = node_ids.iter().filter(|name| **name != node_id).cloned().collect();
        Rc::new(Shared {
            node_id,
            node_ids,
            peers,
            now: Cell::new(Time::ZERO),
            random: RefCell::new(Random::from_seed(seed)),
            outputs: RefCell::default(),
            timers: RefCell::default(),
            calls: RefCell::default(),
            spawned: RefCell::default(),
            receivers: RefCell::default(),
            names: RefCell::default(),
        })
    }

    pub(crate) fn node_id(&self) -> &str {
        &self.node_id
    }

    pub(crate) fn now(&self) -> Time {
        self.now.get()
    }

    pub(crate) fn set_now(&self, now: Time) {
        self.now.set(now);
    }

    pub(crate) fn log(&self, text: &str) {
        self.outputs.borrow_mut().log(text);
    }

    /// Who takes messages of this kind before the node's handler.
    pub(crate) fn receiver(&self, kind: &str) -> Option<Receiver> {
        self.receivers.borrow().iter().find(|receiver| receiver.kind == kind).cloned()
    }

    /// Breaks the circle of a node's receivers, which hold contexts.
    pub(crate) fn forget_receivers(&self) {
        drop(self.receivers.take());
    }
}

/// The names of those who sent messages lately, so that a context can hold its sender's without
/// copying it for every message. A small table in which a name has one place: bounded, and a miss
/// costs an allocation.
struct Names([Option<Rc<str>>; Names::LEN]);

impl Default for Names {
    fn default() -> Names {
        Names([const { None }; Names::LEN])
    }
}

impl Names {
    const LEN: usize = 128;

    fn get(&mut self, name: &str) -> Rc<str> {
        let hash = name
            .bytes()
            .fold(0usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
        match &mut self.0[hash % Names::LEN] {
            Some(known) if **known == *name => Rc::clone(known),
            place => Rc::clone(place.insert(Rc::from(name))),
        }
    }
}

impl Context {
    /// The context of a message.
    pub(crate) fn of_message(shared: &Rc<Shared>, src: &str, msg_id: Option<&str>) -> Context {
        let src = shared.names.borrow_mut().get(src);
        Context { shared: Rc::clone(shared), src, msg_id: msg_id.map(RequestId::new) }
    }

    /// The context of no message.
    pub(crate) fn of_node(shared: &Rc<Shared>) -> Context {
        Context::of_message(shared, &shared.node_id, None)
    }

    /// This node's name.
    pub fn node_id(&self) -> &str {
        &self.shared.node_id
    }

    /// The names of all nodes, this one's among them, in the order of `init`.
    pub fn node_ids(&self) -> &[String] {
        &self.shared.node_ids
    }

    /// The names of all other nodes, in the order of `init`.
    pub fn peers(&self) -> &[String] {
        &self.shared.peers
    }

    /// Who sent the message that is being handled: a client, or another node. Where no message is
    /// being handled (in the factory, in [`crate::Node::start`]) it is the node itself.
    pub fn src(&self) -> &str {
        &self.src
    }

    /// True if the sender of the message that is being handled wants an answer.
    pub fn wants_reply(&self) -> bool {
        self.msg_id.is_some()
    }

    /// The time, from the beginning of the run. It stands still while the node reacts to one input.
    pub fn now(&self) -> Time {
        self.shared.now()
    }

    /// A generator of random numbers of the caller's own, seeded from the node's. On the virtual
    /// clock its numbers are a function of the run's seed.
    pub fn rng(&self) -> Random {
        Random::from_seed(self.shared.random.borrow_mut().next_u64())
    }

    /// Logs a text: to stderr, or on the virtual clock to the node's log.
    pub fn log(&self, text: impl Display) {
        self.shared.log(&text.to_string());
    }

    /// Sends a one-way message: nobody answers, and nobody tells if it got lost.
    ///
    /// # Panics
    ///
    /// If `message` cannot be a body (see [`write_body`]): that is a mistake in its type.
    pub fn send<M: Serialize + ?Sized>(&self, dest: &str, message: &M) {
        let mut outputs = self.shared.outputs.borrow_mut();
        let sent = outputs.push_with(dest, |out| write_body(out, message, Head::default()));
        drop(outputs);
        if let Err(error) = sent {
            no_body(&error);
        }
    }

    /// Sends the same one-way message to several; it is serialised once.
    ///
    /// # Panics
    ///
    /// As [`Context::send`].
    pub fn send_to_all<M: Serialize + ?Sized>(
        &self,
        dests: impl IntoIterator<Item = impl AsRef<str>>,
        message: &M,
    ) {
        let mut body = Vec::new();
        if let Err(error) = write_body(&mut body, message, Head::default()) {
            no_body(&error);
        }
        let mut outputs = self.shared.outputs.borrow_mut();
        for dest in dests {
            outputs.push(dest.as_ref(), &body);
        }
    }

    /// Takes one-way messages before they come to [`crate::Node::handle`]: those whose `type` is
    /// one of `kinds`, the names of `M`'s variants. For protocols between nodes: `receive` is
    /// called at once and must not wait ([`Context::spawn`] what must). The context it gets is the
    /// message's, so [`Context::src`] is its sender. Of several for the same kind the first gets it.
    ///
    /// A message of that kind that wants an answer is refused with error 10.
    pub fn receive<M: DeserializeOwned>(
        &self,
        kinds: &[&'static str],
        receive: impl Fn(&Context, M) + 'static,
    ) {
        self.add_receiver(kinds, false, move |cx, body| {
            receive(cx, kolk_protocol::from_body(&body.kind, body.json)?);
            Ok(())
        });
    }

    /// Answers requests before they come to [`crate::Node::handle`]: those whose `type` is one of
    /// `kinds`, the names of `M`'s variants. For protocols between nodes, so that a part of a node
    /// can have its own: `answer` is called at once and must not wait. The context it gets is the
    /// message's, so [`Context::src`] is its sender. Of several for the same kind the first gets it.
    pub fn serve<M: DeserializeOwned, R: Serialize>(
        &self,
        kinds: &[&'static str],
        answer: impl Fn(&Context, M) -> Result<R, RpcError> + 'static,
    ) {
        self.add_receiver(kinds, true, move |cx, body| {
            let request = kolk_protocol::from_body(&body.kind, body.json)?;
            cx.answer(answer(cx, request));
            Ok(())
        });
    }

    fn add_receiver(
        &self,
        kinds: &[&'static str],
        answers: bool,
        receive: impl Fn(&Context, &Body<'_>) -> Result<(), BodyError> + 'static,
    ) {
        let receive: Receive = Rc::new(receive);
        let mut receivers = self.shared.receivers.borrow_mut();
        receivers.extend(kinds.iter().map(|&kind| Receiver {
            kind,
            answers,
            receive: Rc::clone(&receive),
        }));
    }

    /// Sends what a handler returned to who asked for it.
    pub(crate) fn answer<R: Serialize>(&self, result: Result<R, RpcError>) {
        let Some(msg_id) = &self.msg_id else {
            if let Err(error) = result {
                self.log(format_args!("a one-way message from {} failed: {error}", self.src));
            }
            return;
        };
        let msg_id = msg_id.json();
        let mut outputs = self.shared.outputs.borrow_mut();
        match result {
            Ok(reply) => outputs.push_reply(&self.src, &msg_id, &reply),
            Err(error) => outputs.push_error(&self.src, &msg_id, &error),
        }
    }
}

fn no_body(error: &BodyError) -> ! {
    panic!("a message cannot be written: {error}")
}
