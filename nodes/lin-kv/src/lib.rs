//! A linearizable key-value store: on the nodes themselves, by Raft, or by asking a service.
//!
//! [`store`] has what is replicated, [`proxy`] what asks; the README has what was measured.

pub mod proxy;
pub mod store;

use std::time::Duration;

use kolk_node::workload::key_value;
use kolk_node::{Context, Flags, Node, RpcError};
use kolk_replica::replicated::Settings;
use serde_json::value::RawValue;

use proxy::Proxy;
use store::Store;

/// The usage text of [`factory`].
pub const USAGE: &str = "\
settings of this node:
  --batch-ms N    a leader that has something under way waits up to N ms for more to send with the
                  next messages (default 5)
  --service NAME  ask a service instead: lin-kv, seq-kv or lww-kv";

/// JSON as it came.
pub type Json = Box<RawValue>;

/// What clients ask.
pub type Request = key_value::Request<Json, Json>;

/// What they are answered.
pub type Reply = key_value::Reply<Json>;

/// The node.
pub enum LinKv {
    /// It has a copy of its own.
    Store(Store),
    /// It asks a service.
    Proxy(Proxy),
}

impl Node for LinKv {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        match self {
            LinKv::Store(store) => store.handle(request).await,
            LinKv::Proxy(proxy) => proxy.handle(cx, request).await,
        }
    }
}

/// Makes the node; [`USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> LinKv + Clone + use<>, String> {
    let mut service = None;
    let mut batch: Option<Duration> = None;
    let mut flags = Flags::new(args, USAGE);
    while let Some(name) = flags.next_name() {
        match name {
            "--service" => service = Some(flags.one_of(&["lin-kv", "seq-kv", "lww-kv"])?),
            "--batch-ms" => batch = Some(flags.milliseconds(0..=1_000)?),
            _ => return Err(flags.unknown()),
        }
    }
    if service.is_some() && batch.is_some() {
        return Err(format!("--batch-ms is for a store of its own: not with --service\n{USAGE}"));
    }
    let default = Settings::default();
    let settings = Settings { batch: batch.unwrap_or(default.batch), ..default };
    Ok(move |cx: &Context| match service {
        Some(service) => LinKv::Proxy(Proxy { service }),
        None => LinKv::Store(Store::new(cx, settings)),
    })
}
