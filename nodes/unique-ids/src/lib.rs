//! A node that gives out unique ids without asking anybody.

use std::cell::Cell;

use kolk_node::workload::unique_ids::{Reply, Request};
use kolk_node::{Context, Node, RpcError};

/// What makes this node's ids differ from all others.
pub struct UniqueIds {
    prefix: String,
    given: Cell<u64>,
}

impl Node for UniqueIds {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, _: Request) -> Result<Reply, RpcError> {
        self.given.set(self.given.get() + 1);
        Ok(Reply::GenerateOk { id: format!("{}-{}", self.prefix, self.given.get()).into() })
    }
}

/// Makes the node; it has no settings. Its entropy tells its lives apart: a node that was killed
/// and started again counts from 1 again, under another prefix.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> UniqueIds + Clone + use<>, String> {
    kolk_node::no_settings(args).map(|()| {
        |cx: &Context| UniqueIds {
            prefix: format!("{}-{:016x}", cx.node_id(), cx.rng().next_u64()),
            given: Cell::new(0),
        }
    })
}
