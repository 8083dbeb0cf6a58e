//! A counter that goes up and down as a delta-state CRDT: each node counts what was added and what
//! was taken away at itself, and tells the others how far it has come.
//!
//! How that is done is [`kolk_replica::crdt`]'s business, and its settings are this node's. With
//! `--durable` each node keeps its own part on its disk, before it says that it has grown.

use std::rc::Rc;

use kolk_node::workload::counter::{Reply, Request};
use kolk_node::{Context, Node, RpcError};
use kolk_replica::crdt::{self, PnCounter as Counts, Settings};
use kolk_replica::durable::{self, Counter};

/// The usage text of [`factory`].
pub const USAGE: &str = "\
settings of this node, beside those of its replicas:
  --durable          keep what is added at this node on its disk, and tell everybody everything
                     every 500 ms: it survives kills and losses of power";

/// The node.
pub struct PnCounter(Counter<Counts>);

impl Node for PnCounter {
    type Request = Request;
    type Reply = Reply;

    fn start(self: &Rc<Self>, cx: &Context) {
        self.0.start(cx);
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        self.0.recovered().await?;
        Ok(match request {
            Request::Add { delta } => {
                self.0.add(cx, |counts, replica| counts.add(replica, delta)).await?;
                Reply::AddOk {}
            }
            Request::Read {} => Reply::ReadOk { value: self.0.state().borrow().value()? },
        })
    }
}

/// Makes the node; [`USAGE`] and [`kolk_replica::crdt::USAGE`] say which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> PnCounter + Clone + use<>, String> {
    let settings = durable::settings_unless_durable(args, USAGE, crdt::USAGE, Settings::from_args)?;
    Ok(move |cx: &Context| {
        PnCounter(match &settings {
            Some(settings) => Counter::in_memory(cx, settings),
            None => Counter::durable(cx, "share"),
        })
    })
}
