//! The broadcast node: a value that is sent to one node reaches all nodes.
//!
//! How values travel is [`kolk_replica::gossip`]'s business, and its settings are this node's. With
//! `--durable` each node keeps what it is told on its disk, before it says so.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kolk_node::workload::broadcast::Request;
use kolk_node::{Context, Node, RpcError, WrittenList};
use kolk_replica::crdt::GrowOnlySet;
use kolk_replica::durable::{self, Elements};
use kolk_replica::gossip::{self, Gossip, Settings};
use serde::Serialize;

/// The usage text of [`factory`].
pub const USAGE: &str = "\
or, for nodes that may lose nothing when they are killed or lose their power:
  --durable      keep what this node is told on its disk, and tell everybody everything every
                 500 ms";

/// The node.
pub struct Broadcast(Kind);

enum Kind {
    Gossip(InMemory),
    /// It comes up again with what it was told, and hears the rest from the others, who tell
    /// everybody everything again and again.
    Durable(Elements),
}

struct InMemory {
    gossip: Gossip<i64>,
    known: Rc<RefCell<Known>>,
}

/// All messages, each once: gossip tells values apart by who added them, and the same message may
/// be broadcast at two nodes.
#[derive(Default)]
struct Known {
    /// In the order in which they came.
    list: Rc<RefCell<WrittenList>>,
    set: BTreeSet<i64>,
}

/// The node's replies. Unlike the clients' own type it shares the list with the node: a read
/// copies nothing.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The topology has been noted.
    TopologyOk {},
    /// The value will reach all nodes.
    BroadcastOk {},
    /// All messages received so far.
    ReadOk {
        /// Each once.
        messages: Messages,
    },
}

/// All messages, shared with the node.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Messages {
    /// In the order in which they came.
    List(Rc<RefCell<WrittenList>>),
    /// In their own order.
    Set(Rc<RefCell<GrowOnlySet<i64>>>),
}

impl InMemory {
    fn new(cx: &Context, settings: Settings) -> InMemory {
        let known = Rc::new(RefCell::new(Known::default()));
        let heard = Rc::clone(&known);
        let gossip = Gossip::new(cx, settings, move |&message| {
            let Known { list, set } = &mut *heard.borrow_mut();
            if set.insert(message) {
                list.borrow_mut().push(message);
            }
        });
        InMemory { gossip, known }
    }

    fn set_topology(&self, cx: &Context, topology: &BTreeMap<String, Vec<String>>) {
        if let Some(neighbours) = topology.get(cx.node_id()) {
            self.gossip.set_neighbours(neighbours);
        }
    }
}

impl Node for Broadcast {
    type Request = Request;
    type Reply = Reply;

    fn start(self: &Rc<Self>, cx: &Context) {
        if let Kind::Durable(known) = &self.0 {
            known.start(cx);
        }
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        let node = match &self.0 {
            Kind::Durable(known) => return handle_durable(known, cx, request).await,
            Kind::Gossip(node) => node,
        };
        Ok(match request {
            Request::Topology { topology } => {
                node.set_topology(cx, &topology);
                Reply::TopologyOk {}
            }
            Request::Broadcast { message } => {
                if !node.known.borrow().set.contains(&message) {
                    node.gossip.add(message);
                }
                Reply::BroadcastOk {}
            }
            Request::Read {} => {
                let messages = Messages::List(Rc::clone(&node.known.borrow().list));
                Reply::ReadOk { messages }
            }
        })
    }
}

async fn handle_durable(
    known: &Elements,
    cx: &Context,
    request: Request,
) -> Result<Reply, RpcError> {
    known.recovered().await?;
    Ok(match request {
        // Everybody is told.
        Request::Topology { .. } => Reply::TopologyOk {},
        Request::Broadcast { message } => {
            known.add(cx, message).await?;
            Reply::BroadcastOk {}
        }
        Request::Read {} => Reply::ReadOk { messages: Messages::Set(Rc::clone(known.state())) },
    })
}

/// Makes the node; [`kolk_replica::gossip::USAGE`] and [`USAGE`] say which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> Broadcast + Clone + use<>, String> {
    let settings =
        durable::settings_unless_durable(args, USAGE, gossip::USAGE, Settings::from_args)?;
    Ok(move |cx: &Context| {
        Broadcast(match &settings {
            Some(settings) => Kind::Gossip(InMemory::new(cx, settings.clone())),
            None => Kind::Durable(Elements::durable(cx, "messages")),
        })
    })
}
