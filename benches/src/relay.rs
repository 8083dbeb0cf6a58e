//! A node that makes traffic: each value goes from node to node, several times.

use kolk_node::{Context, Node, RpcError};
use serde::{Deserialize, Serialize};

/// How many times a value is passed on.
const HOPS: u32 = 50;

/// What it understands: the broadcast workload, and its own passing on.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Ignored.
    Topology {},
    /// Pass this on.
    Broadcast {
        /// The value.
        message: i64,
    },
    /// Answered with nothing: the bench is about messages.
    Read {},
    /// A value on its way.
    Pass {
        /// The value.
        message: i64,
        /// How often it still is to be passed on.
        hops: u32,
    },
}

/// What it answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To `topology`.
    TopologyOk {},
    /// To `broadcast`.
    BroadcastOk {},
    /// To `read`.
    ReadOk {
        /// Always empty.
        messages: Vec<i64>,
    },
}

/// The node.
pub struct Relay {
    next: String,
}

impl Relay {
    /// A node that passes values to the one after it.
    pub fn new(cx: &Context) -> Relay {
        let names = cx.node_ids();
        let own = names.iter().position(|name| name == cx.node_id()).unwrap_or_default();
        Relay { next: names[(own + 1) % names.len()].clone() }
    }
}

impl Node for Relay {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Topology {} => Reply::TopologyOk {},
            Request::Read {} => Reply::ReadOk { messages: Vec::new() },
            Request::Broadcast { message } => {
                cx.send(&self.next, &Request::Pass { message, hops: HOPS });
                Reply::BroadcastOk {}
            }
            Request::Pass { message, hops } => {
                if hops > 1 {
                    cx.send(&self.next, &Request::Pass { message, hops: hops - 1 });
                }
                Reply::BroadcastOk {}
            }
        })
    }
}
