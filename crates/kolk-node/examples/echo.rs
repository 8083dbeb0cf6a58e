//! The smallest node: it says back what it is told.
//!
//! ```text
//! cargo build --example echo
//! kolk test -w echo --bin target/debug/examples/echo
//! ```

use kolk_node::{Context, Node, RpcError};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Echo { echo: serde_json::Value },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    EchoOk { echo: serde_json::Value },
}

struct Echo;

impl Node for Echo {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        let Request::Echo { echo } = request;
        Ok(Reply::EchoOk { echo })
    }
}

fn main() -> std::process::ExitCode {
    kolk_node::run(|_| Echo)
}
