//! Nodes that speak with each other: every value that a client broadcasts goes to all peers, again
//! and again until each has acknowledged it.
//!
//! ```text
//! cargo build --example broadcast
//! kolk test -w broadcast --bin target/debug/examples/broadcast --nemesis partition
//! ```

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use kolk_node::{Context, Node, Retry, RpcError};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Topology {},
    Broadcast { message: i64 },
    Read {},
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
enum Reply {
    TopologyOk {},
    BroadcastOk {},
    ReadOk { messages: BTreeSet<i64> },
}

/// What nodes tell each other. The variants name the messages' types.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tell {
    Tell { message: i64 },
}

/// The answer to [`Tell`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Told {},
}

struct Broadcast {
    messages: Rc<RefCell<BTreeSet<i64>>>,
}

impl Broadcast {
    fn new(cx: &Context) -> Broadcast {
        let messages: Rc<RefCell<BTreeSet<i64>>> = Rc::default();
        let heard = Rc::clone(&messages);
        cx.serve(move |_, Tell::Tell { message }| {
            heard.borrow_mut().insert(message);
            Ok(Told::Told {})
        });
        Broadcast { messages }
    }
}

impl Node for Broadcast {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Topology {} => Reply::TopologyOk {},
            Request::Broadcast { message } => {
                self.messages.borrow_mut().insert(message);
                for peer in cx.peers() {
                    let (context, peer) = (cx.clone(), peer.clone());
                    cx.spawn(async move {
                        let tell = Tell::Tell { message };
                        context.rpc_retry::<Told>(&Retry::forever(), &peer, &tell).await
                    });
                }
                Reply::BroadcastOk {}
            }
            Request::Read {} => Reply::ReadOk { messages: self.messages.borrow().clone() },
        })
    }
}

fn main() -> std::process::ExitCode {
    kolk_node::run(Broadcast::new)
}
