//! The broadcast node: a value that is sent to one node reaches all nodes.
//!
//! How values travel is [`kolk_replica::gossip`]'s business, and its settings are this node's.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kolk_node::workload::broadcast::Request;
use kolk_node::{Context, Node, RpcError};
use kolk_replica::gossip::{Gossip, Settings};
use serde::Serialize;

/// The node.
pub struct Broadcast {
    gossip: Gossip<i64>,
    known: Rc<RefCell<Known>>,
}

/// All messages, each once: gossip tells values apart by who added them, and the same message may
/// be broadcast at two nodes.
#[derive(Default)]
struct Known {
    /// In the order in which they came.
    list: Rc<RefCell<Vec<i64>>>,
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
        /// In the order in which they came.
        messages: Rc<RefCell<Vec<i64>>>,
    },
}

impl Broadcast {
    fn new(cx: &Context, settings: Settings) -> Broadcast {
        let known = Rc::new(RefCell::new(Known::default()));
        let heard = Rc::clone(&known);
        let gossip = Gossip::new(cx, settings, move |&message| {
            let Known { list, set } = &mut *heard.borrow_mut();
            if set.insert(message) {
                list.borrow_mut().push(message);
            }
        });
        Broadcast { gossip, known }
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

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        Ok(match request {
            Request::Topology { topology } => {
                self.set_topology(cx, &topology);
                Reply::TopologyOk {}
            }
            Request::Broadcast { message } => {
                if !self.known.borrow().set.contains(&message) {
                    self.gossip.add(message);
                }
                Reply::BroadcastOk {}
            }
            Request::Read {} => Reply::ReadOk { messages: Rc::clone(&self.known.borrow().list) },
        })
    }
}

/// Makes the node; [`kolk_replica::gossip::USAGE`] says which settings it has.
///
/// # Errors
///
/// A text for people that says what is wrong with the arguments.
pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> Broadcast + Clone + use<>, String> {
    let settings = Settings::from_args(args)?;
    Ok(move |cx: &Context| Broadcast::new(cx, settings.clone()))
}
