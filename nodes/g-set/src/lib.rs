//! A grow-only set as a delta-state CRDT: nodes tell each other the elements that are new to them,
//! and joining them is set union.
//!
//! How that is done is [`kolk_replica::crdt`]'s business, and its settings are this node's.

use std::cell::RefCell;
use std::rc::Rc;

use kolk_node::workload::g_set::Request;
use kolk_node::{Context, Node, RpcError};
use kolk_replica::crdt::{GrowOnlySet, Replicated, Settings};
use serde::Serialize;

/// The node: its replica of the set.
pub struct GSet(Replicated<GrowOnlySet<i64>>);

/// The node's replies. Unlike the clients' own type it shares the set with the node.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The element is in the set.
    AddOk {},
    /// All elements.
    ReadOk {
        /// The elements, in their order.
        value: Rc<RefCell<GrowOnlySet<i64>>>,
    },
}

impl Node for GSet {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Add { element } => {
                let Ok(()) = self.0.update(|set, _| set.add(element));
                Reply::AddOk {}
            }
            Request::Read {} => Reply::ReadOk { value: Rc::clone(self.0.state()) },
        })
    }
}

/// Makes the node; [`kolk_replica::crdt::USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> GSet + Clone + use<>, String> {
    let settings = Settings::from_args(args)?;
    Ok(move |cx: &Context| GSet(Replicated::new(cx, &settings)))
}
