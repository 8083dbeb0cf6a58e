//! A proxy: every node passes what clients ask on to one key-value service, and the answer back.
//!
//! It is as consistent as the service. What matters is what it does with errors: a definite one goes
//! to the client as it is, and where no answer came nobody knows whether the service acted, so the
//! client gets error 0 and nothing is tried again. Keys and values stay the text they came as.

use std::time::Duration;

use kolk_node::workload::key_value::{Reply, Request};
use kolk_node::{Context, Node, RpcError};
use serde_json::value::RawValue;

/// What [`factory`] understands, for people.
pub const USAGE: &str = "\
settings of this node:
  --service NAME  the service that it asks: lin-kv (default), seq-kv or lww-kv";

/// How long the service may take: as long as any client waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// A node that asks a service.
pub struct Proxy {
    service: &'static str,
}

type Json = Box<RawValue>;

impl Node for Proxy {
    type Request = Request<Json, Json>;
    type Reply = Reply<Json>;

    async fn handle(&self, cx: &Context, request: Self::Request) -> Result<Self::Reply, RpcError> {
        cx.rpc_within(PATIENCE, self.service, &request).await
    }
}

/// Makes the node; [`USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> Proxy + Clone + use<>, String> {
    let mut service = "lin-kv";
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        let name = match arg.split_once('=') {
            Some(("--service", name)) => Some(name),
            None if arg == "--service" => args.next(),
            _ => return Err(format!("unknown argument `{arg}`\n{USAGE}")),
        };
        let known = ["lin-kv", "seq-kv", "lww-kv"].into_iter().find(|known| Some(*known) == name);
        let refuse = || format!("--service must be lin-kv, seq-kv or lww-kv\n{USAGE}");
        service = known.ok_or_else(refuse)?;
    }
    Ok(move |_: &Context| Proxy { service })
}
