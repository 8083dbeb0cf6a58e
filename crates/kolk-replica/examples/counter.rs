//! A counter that is the same on all nodes and survives the loss of any minority of them:
//!
//!     kolk test -w pn-counter --bin target/debug/examples/counter --nemesis kill,partition

use kolk_node::workload::counter::{Reply, Request};
use kolk_node::{Context, Node, RpcError};
use kolk_replica::replicated::{Replicated, Settings, State};

/// What is replicated. Commands add to it.
#[derive(Default)]
struct Sum(i64);

impl State for Sum {
    type Command = i64;
    type Query = ();
    type Output = i64;
    type Snapshot = i64;

    fn apply(&mut self, delta: &i64) -> i64 {
        self.0 += delta;
        self.0
    }

    fn query(&self, (): &()) -> i64 {
        self.0
    }

    fn snapshot(&self) -> i64 {
        self.0
    }

    fn restore(sum: &i64) -> Sum {
        Sum(*sum)
    }
}

/// The node.
pub struct Counter(Replicated<Sum>);

impl Node for Counter {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Add { delta } => self.0.perform(delta).await.map(|_| Reply::AddOk {})?,
            Request::Read {} => Reply::ReadOk { value: self.0.query(()).await? },
        })
    }
}

/// Makes the node.
pub fn make(cx: &Context) -> Counter {
    Counter(kolk_replica::replicated(cx, Settings::default()))
}

#[cfg_attr(test, expect(dead_code, reason = "a test makes nodes of its own"))]
fn main() -> std::process::ExitCode {
    kolk_node::run(make)
}
