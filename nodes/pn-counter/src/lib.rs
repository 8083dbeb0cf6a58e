//! A counter that goes up and down as a delta-state CRDT: each node counts what was added and what
//! was taken away at itself, and tells the others how far it has come.
//!
//! How that is done is [`kolk_replica::crdt`]'s business, and its settings are this node's.

use kolk_node::workload::counter::{Reply, Request};
use kolk_node::{Context, Node, RpcError};
use kolk_replica::crdt::{PnCounter as Counts, Replicated, Settings};

/// The node: its replica of the counter.
pub struct PnCounter(Replicated<Counts>);

impl Node for PnCounter {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Add { delta } => {
                self.0.update(|counts, replica| counts.add(replica, delta))?;
                Reply::AddOk {}
            }
            Request::Read {} => Reply::ReadOk { value: self.0.state().borrow().value()? },
        })
    }
}

/// Makes the node; [`kolk_replica::crdt::USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> PnCounter + Clone + use<>, String> {
    let settings = Settings::from_args(args)?;
    Ok(move |cx: &Context| PnCounter(Replicated::new(cx, &settings)))
}
