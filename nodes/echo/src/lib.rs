//! The echo node: it sends every payload back.

use kolk_node::workload::echo::{Reply, Request};
use kolk_node::{Context, Node, RpcError};

/// A node without state.
pub struct Echo;

impl Node for Echo {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        let Request::Echo { echo } = request;
        Ok(Reply::EchoOk { echo })
    }
}

/// Makes the node; it has no settings.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> Echo + Clone + use<>, String> {
    kolk_node::no_settings(args).map(|()| |_: &Context| Echo)
}
