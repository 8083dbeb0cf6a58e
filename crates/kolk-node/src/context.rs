//! The interface between a node and the world: names, messages, time, randomness.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::rc::Rc;

use kolk_protocol::body::{BodyError, message_types};
use kolk_protocol::message::Body;
use kolk_protocol::{Head, Random, RpcError, Time, from_body, write_body};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::state::{NodeState, Receive, Receiver};

/// A node's interface to the world. It is cheap to clone, and every clone belongs to the same node.
///
/// A node that takes time from [`Context::now`] and [`Context::sleep`],
/// randomness from [`Context::rng`] and speaks through this alone runs the same on the real and on
/// the virtual clock.
#[derive(Clone)]
pub struct Context {
    pub(crate) state: Rc<NodeState>,
    src: Rc<str>,
    msg_id: Option<RequestId>,
}

/// The `msg_id` of a request, which its answer carries as `in_reply_to`.
#[derive(Clone)]
enum RequestId {
    /// A number, as a rule.
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

    /// The id as JSON, as the sender wrote it.
    fn json(&self) -> Cow<'_, str> {
        match self {
            RequestId::Number(number) => number.to_string().into(),
            RequestId::Json(json) => (&**json).into(),
        }
    }
}

impl Context {
    /// The context of a message.
    pub(crate) fn of_message(state: &Rc<NodeState>, src: &str, msg_id: Option<&str>) -> Context {
        let src = state.name(src);
        Context { state: Rc::clone(state), src, msg_id: msg_id.map(RequestId::new) }
    }

    /// The context in which no message is being handled.
    pub(crate) fn of_node(state: &Rc<NodeState>) -> Context {
        Context::of_message(state, &state.node_id, None)
    }

    /// This node's name.
    pub fn node_id(&self) -> &str {
        &self.state.node_id
    }

    /// The names of all nodes, this one's among them, in the order of `init`.
    pub fn node_ids(&self) -> &[String] {
        &self.state.node_ids
    }

    /// The names of all other nodes, in the order of `init`.
    pub fn peers(&self) -> &[String] {
        &self.state.peers
    }

    /// The name of the sender of the message that is being handled: a client, or another node.
    /// Where no message is being handled (in the factory, in [`crate::Node::start`]) it is this
    /// node's name.
    pub fn src(&self) -> &str {
        &self.src
    }

    /// True if the sender of the message that is being handled wants an answer.
    pub fn wants_reply(&self) -> bool {
        self.msg_id.is_some()
    }

    /// The time, from the beginning of the run. It stands still while the node reacts to one input.
    pub fn now(&self) -> Time {
        self.state.now.get()
    }

    /// A generator of random numbers of the caller's own, seeded from the node's. On the virtual
    /// clock its numbers are a function of the run's seed.
    pub fn rng(&self) -> Random {
        Random::from_seed(self.state.random.borrow_mut().next_u64())
    }

    /// Logs a line: to stderr, or, where the node runs in-process, to the node's log.
    pub fn log(&self, text: impl Display) {
        self.state.outputs.borrow_mut().log(&text.to_string());
    }

    /// Sends a one-way message: nobody answers it, and if it is lost, nobody is told.
    ///
    /// A `message` that [cannot be written](crate#messages-that-cannot-be-written) is logged and
    /// not sent.
    pub fn send<M: Serialize + ?Sized>(&self, dest: &str, message: &M) {
        // Logged by `push_message`; there is no one else to tell.
        let _ = self.state.outputs.borrow_mut().push_message(dest, message, Head::default());
    }

    /// Sends the same one-way message to several nodes; it is serialised once.
    ///
    /// A `message` that [cannot be written](crate#messages-that-cannot-be-written) is logged and
    /// not sent.
    pub fn send_to_all<M: Serialize + ?Sized>(
        &self,
        dests: impl IntoIterator<Item = impl AsRef<str>>,
        message: &M,
    ) {
        let mut body = Vec::new();
        let mut outputs = self.state.outputs.borrow_mut();
        match write_body(&mut body, message, Head::default()) {
            Ok(marks) => dests.into_iter().for_each(|dest| {
                outputs.push_written(dest.as_ref(), &body, marks.clone());
            }),
            Err(error) => outputs.log_unwritten("several nodes", &error),
        }
    }

    /// Takes one-way messages before they come to [`crate::Node::handle`]: those whose `type` is
    /// one of the variants of the enum `M`. For protocols between nodes, so that a part of a node
    /// can have its own.
    ///
    /// `receive` is called at once and must not wait ([`Context::spawn`] what must). The context
    /// that it is given is the message's, so [`Context::src`] is its sender. If several receivers
    /// take the same type, the first one gets the message. A message that wants an answer is
    /// refused with error 10.
    ///
    /// ```
    /// # use kolk_node::Context;
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// #[serde(rename_all = "snake_case")]
    /// enum Rumour {
    ///     Heard { value: i64 },
    /// }
    ///
    /// // Messages `{"type": "heard", "value": 5}`.
    /// fn listen(cx: &Context) {
    ///     cx.receive(|cx, Rumour::Heard { value }| cx.log(format_args!("{}: {value}", cx.src())));
    /// }
    /// ```
    ///
    /// # Panics
    ///
    /// If `M` is no enum that derives `Deserialize`.
    pub fn receive<M: DeserializeOwned>(&self, receive: impl Fn(&Context, M) + 'static) {
        self.add_receiver::<M>(false, move |cx, body| {
            receive(cx, from_body(&body.kind, body.json)?);
            Ok(())
        });
    }

    /// Answers requests before they come to [`crate::Node::handle`]: those whose `type` is one of
    /// the variants of the enum `M`. For protocols between nodes, so that a part of a node can have
    /// its own.
    ///
    /// `answer` is called at once and must not wait. The context that it is given is the message's,
    /// so [`Context::src`] is its sender. If several receivers take the same type, the first one
    /// gets the message.
    ///
    /// # Panics
    ///
    /// If `M` is no enum that derives `Deserialize`.
    pub fn serve<M: DeserializeOwned, R: Serialize>(
        &self,
        answer: impl Fn(&Context, M) -> Result<R, RpcError> + 'static,
    ) {
        self.add_receiver::<M>(true, move |cx, body| {
            let request = from_body(&body.kind, body.json)?;
            cx.answer(answer(cx, request));
            Ok(())
        });
    }

    fn add_receiver<M: DeserializeOwned>(
        &self,
        answers: bool,
        receive: impl Fn(&Context, &Body<'_>) -> Result<(), BodyError> + 'static,
    ) {
        let Some(kinds) = message_types::<M>() else {
            let name = std::any::type_name::<M>();
            panic!("`{name}` must be an enum: its variants name the messages' types");
        };
        let receive: Receive = Rc::new(move |state, src, body| {
            receive(&Context::of_message(state, src, body.msg_id), body)
        });
        let mut receivers = self.state.receivers.borrow_mut();
        receivers.extend(kinds.iter().map(|&kind| Receiver {
            kind,
            answers,
            receive: Rc::clone(&receive),
        }));
    }

    /// Sends a handler's result to the client or node that asked for it.
    pub(crate) fn answer<R: Serialize>(&self, result: Result<R, RpcError>) {
        let Some(msg_id) = &self.msg_id else {
            if let Err(error) = result {
                self.log(format_args!("a one-way message from {} failed: {error}", self.src));
            }
            return;
        };
        let msg_id = msg_id.json();
        let mut outputs = self.state.outputs.borrow_mut();
        match result {
            Ok(reply) => outputs.push_reply(&self.src, &msg_id, &reply),
            Err(error) => outputs.push_error(&self.src, &msg_id, &error),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (node_id, src) = (self.node_id(), self.src());
        f.debug_struct("Context")
            .field("node_id", &node_id)
            .field("src", &src)
            .finish_non_exhaustive()
    }
}
