//! A sum in seq-kv. The first node reads for all, and writes something new before it does.

use std::cell::Cell;
use std::process::ExitCode;
use std::time::Duration;

use kolk_node::{Context, Node, RpcError};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Add { delta: i64 },
    Read {},
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    AddOk {},
    ReadOk { value: i64 },
}

#[derive(Default)]
struct Counter {
    reads: Cell<i64>,
}

async fn current(cx: &Context) -> Result<i64, RpcError> {
    Ok(cx.seq_kv().read("sum").await?.unwrap_or(0))
}

impl Node for Counter {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        match request {
            Request::Add { delta } => loop {
                let before = current(cx).await?;
                if cx.seq_kv().cas_or_create("sum", &before, &(before + delta)).await? {
                    return Ok(Reply::AddOk {});
                }
                cx.sleep(Duration::from_millis(10)).await;
            },
            Request::Read {} if cx.node_id() != cx.node_ids()[0] => {
                cx.rpc(&cx.node_ids()[0], &Request::Read {}).await
            }
            Request::Read {} => {
                self.reads.set(self.reads.get() + 1);
                cx.seq_kv().write(cx.node_id(), &self.reads.get()).await?;
                Ok(Reply::ReadOk { value: current(cx).await? })
            }
        }
    }
}

fn main() -> ExitCode {
    kolk_node::run(|_| Counter::default())
}
