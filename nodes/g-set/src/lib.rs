//! A grow-only set as a delta-state CRDT: nodes tell each other the elements that are new to them,
//! and joining them is set union.
//!
//! How that is done is [`kolk_replica::crdt`]'s business, and its settings are this node's. With
//! `--durable` each node keeps what was added at it on its disk, before it says so.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::workload::g_set::Request;
use kolk_node::{Context, Node, RpcError};
use kolk_replica::crdt::{self, GrowOnlySet, Replicated, Settings};
use kolk_replica::durable::Log;
use serde::Serialize;

/// The usage text of [`factory`].
pub const USAGE: &str = "\
settings of this node, beside those of its replicas:
  --durable          keep what is added on the node's disk, and tell everybody everything every
                     500 ms: it survives kills and losses of power";

/// How often everybody is told everything, if the set is durable. Deltas will not do then: their
/// numbers, and what peers have acknowledged, would have to survive as well.
const EVERY: Duration = Duration::from_millis(500);

/// The node: its replica of the set, and what it keeps on its disk.
pub struct GSet {
    set: Replicated<GrowOnlySet<i64>>,
    log: Option<Rc<Log>>,
}

/// The node's replies. Unlike the clients' own type it shares the set with the node.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The element is in the set.
    AddOk {},
    /// All elements.
    ReadOk {
        /// The elements, in their order.
        value: Rc<RefCell<GrowOnlySet<i64>>>,
    },
}

impl Node for GSet {
    type Request = Request;
    type Reply = Reply;

    fn start(self: &Rc<Self>, cx: &Context) {
        if let Some(log) = &self.log {
            let (log, set, context) = (Rc::clone(log), self.set.clone(), cx.clone());
            let found = move |text: &str| {
                if let Ok(element) = text.parse() {
                    add(&set, element);
                }
            };
            cx.spawn(async move { log.recover(&context, found).await });
        }
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        if let Some(log) = &self.log {
            log.recovered().await?;
        }
        Ok(match request {
            Request::Add { element } => {
                if let Some(log) = &self.log {
                    log.keep(cx, &element.to_string()).await?;
                }
                add(&self.set, element);
                Reply::AddOk {}
            }
            Request::Read {} => Reply::ReadOk { value: Rc::clone(self.set.state()) },
        })
    }
}

fn add(set: &Replicated<GrowOnlySet<i64>>, element: i64) {
    let Ok(()) = set.update(|set, _| set.add(element));
}

/// Makes the node; [`USAGE`] and [`kolk_replica::crdt::USAGE`] say which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> GSet + Clone + use<>, String> {
    let is_durable = args.iter().any(|arg| arg == "--durable");
    let settings = match args {
        [_] if is_durable => Settings::FullState { every: EVERY },
        _ if is_durable => {
            return Err(format!("--durable goes with no other setting\n{USAGE}"));
        }
        _ => Settings::from_args(args).map_err(|text| {
            if text.ends_with(crdt::USAGE) { format!("{text}\n{USAGE}") } else { text }
        })?,
    };
    Ok(move |cx: &Context| GSet {
        set: Replicated::new(cx, &settings),
        log: is_durable.then(|| Rc::new(Log::new("elements"))),
    })
}
