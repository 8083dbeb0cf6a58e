//! The trait that the author of a node implements.

use std::rc::Rc;

use kolk_protocol::RpcError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Context;

/// A node: state, and a handler for requests.
///
/// Everything runs on one thread, so state lives in plain `Cell`s and `RefCell`s. Handlers run
/// concurrently: while one waits (for an RPC, a timer), others run. A `RefCell` must therefore not
/// stay borrowed across an `.await`.
pub trait Node: Sized + 'static {
    /// The messages this node understands: an enum whose variants the body's `type` names. Use
    /// `#[serde(rename_all = "snake_case")]`, and neither `tag` nor `untagged`.
    type Request: DeserializeOwned;

    /// The replies of this node: an enum in the same way. A node that also gets one-way messages in
    /// [`Node::handle`], for which there is nothing to answer, may use an `Option` of its replies.
    type Reply: Serialize;

    /// Called once, as soon as the node exists: the place to start what runs in the background
    /// ([`Context::spawn`], [`Context::every`]) or to take messages before they come to
    /// [`Node::handle`] ([`Context::receive`]). Does nothing unless written.
    fn start(self: &Rc<Self>, cx: &Context) {
        let _ = cx;
    }

    /// Answers a request; write it as `async fn`. What it returns is sent to the sender exactly
    /// once: there is no way to answer twice or to forget it.
    ///
    /// A message without `msg_id` is one-way: its sender wants no answer. It comes here as well,
    /// and what is returned for it is dropped (an error is logged). A handler whose request does
    /// want an answer and which returns `None` (see [`Node::Reply`]) is answered for with error 13.
    fn handle(
        &self,
        cx: &Context,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Reply, RpcError>>;
}
