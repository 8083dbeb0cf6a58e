//! A grow-only set as a delta-state CRDT: nodes tell each other the elements that are new to them,
//! and joining them is set union.
//!
//! How that is done is [`kolk_replica::crdt`]'s business, and its settings are this node's. With
//! `--durable` each node keeps what was added at it on its disk, before it says so.

use std::cell::RefCell;
use std::rc::Rc;

use kolk_node::workload::g_set::Request;
use kolk_node::{Context, Node, RpcError};
use kolk_replica::crdt::{self, GrowOnlySet, Settings};
use kolk_replica::durable::{self, Elements};
use serde::Serialize;

/// The usage text of [`factory`].
pub const USAGE: &str = "\
settings of this node, beside those of its replicas:
  --durable          keep what is added on the node's disk, and tell everybody everything every
                     500 ms: it survives kills and losses of power";

/// The node.
pub struct GSet(Elements);

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

    fn start(self: &Rc<Self>, cx: &Context) {
        self.0.start(cx);
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        self.0.recovered().await?;
        Ok(match request {
            Request::Add { element } => {
                self.0.add(cx, element).await?;
                Reply::AddOk {}
            }
            Request::Read {} => Reply::ReadOk { value: Rc::clone(self.0.state()) },
        })
    }
}

/// Makes the node; [`USAGE`] and [`kolk_replica::crdt::USAGE`] say which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> GSet + Clone + use<>, String> {
    let settings = durable::settings_unless_durable(args, USAGE, crdt::USAGE, Settings::from_args)?;
    Ok(move |cx: &Context| {
        GSet(match &settings {
            Some(settings) => Elements::in_memory(cx, settings),
            None => Elements::durable(cx, "elements"),
        })
    })
}
