//! A proxy: every node passes clients' requests on to one key-value service, and the answers back.
//!
//! It is as consistent as the service. What matters is what it does with errors: a definite one
//! goes to the client as it is. Where no answer came, it is unknown whether the service acted, so
//! the client gets error 0 and nothing is tried again. Keys and values stay the text they came as.

use std::time::Duration;

use kolk_node::workload::key_value::{Reply, Request};
use kolk_node::{Context, Flags, Node, RpcError};
use serde_json::value::RawValue;

/// The usage text of [`factory`].
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
    let mut flags = Flags::new(args, USAGE);
    while let Some(name) = flags.next_name() {
        match name {
            "--service" => service = flags.one_of(&["lin-kv", "seq-kv", "lww-kv"])?,
            _ => return Err(flags.unknown()),
        }
    }
    Ok(move |_: &Context| Proxy { service })
}
