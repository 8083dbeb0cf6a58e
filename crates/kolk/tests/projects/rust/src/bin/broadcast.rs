//! Tells every value to every node, again and again until each has heard.

use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Duration;

use kolk_node::{Call, Context, ErrorCode, Node, RpcError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Between two attempts. `Context::rpc_retry` has pauses that grow, with jitter: better in earnest,
/// but here the other languages' pauses are wanted.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Topology {},
    Broadcast { message: Value },
    Gossip { message: Value },
    Read {},
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::enum_variant_names, reason = "so the messages are called")]
enum Reply {
    TopologyOk {},
    BroadcastOk {},
    GossipOk {},
    ReadOk { messages: Vec<Value> },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ToPeer {
    Gossip { message: Value },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FromPeer {
    GossipOk {},
}

#[derive(Default)]
struct Broadcast {
    values: RefCell<Vec<Value>>,
}

impl Broadcast {
    fn learn(&self, cx: &Context, message: Value) {
        if self.values.borrow().contains(&message) {
            return;
        }
        for peer in cx.peers() {
            let (cx, peer) = (cx.clone(), peer.clone());
            let gossip = ToPeer::Gossip { message: message.clone() };
            // It leaves at once; only its answer is waited for beside the handler.
            let mut call: Call<FromPeer> = cx.rpc(&peer, &gossip);
            cx.clone().spawn(async move {
                while let Err(RpcError { code, .. }) = call.await {
                    if !matches!(code, ErrorCode::TIMEOUT | ErrorCode::TEMPORARILY_UNAVAILABLE) {
                        return;
                    }
                    cx.sleep(PAUSE).await;
                    call = cx.rpc(&peer, &gossip);
                }
            });
        }
        self.values.borrow_mut().push(message);
    }
}

impl Node for Broadcast {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Topology {} => Reply::TopologyOk {},
            Request::Broadcast { message } => {
                self.learn(cx, message);
                Reply::BroadcastOk {}
            }
            Request::Gossip { message } => {
                self.learn(cx, message);
                Reply::GossipOk {}
            }
            Request::Read {} => Reply::ReadOk { messages: self.values.borrow().clone() },
        })
    }
}

fn main() -> ExitCode {
    kolk_node::run(|_| Broadcast::default())
}
