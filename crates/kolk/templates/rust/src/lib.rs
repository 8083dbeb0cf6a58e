//! The echo node: what it is told comes back.

use kolk_node::{Context, Node, RpcError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What clients ask.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Say this.
    Echo { echo: Value },
}

/// What the node answers.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Said.
    EchoOk { echo: Value },
}

/// The node. State goes here: plain `Cell`s and `RefCell`s, as all of it runs on one thread.
#[derive(Default)]
pub struct Echo;

impl Node for Echo {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        match request {
            Request::Echo { echo } => Ok(Reply::EchoOk { echo }),
        }
    }
}
