//! `broadcast`: a value told to one node comes to all.

use std::collections::BTreeMap;

use kolk_engine::{Call, Invocation, Step};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::workload::broadcast::Request;
use serde::Deserialize;

use crate::shared::Shared;
use crate::topology::Topology;

/// What nodes answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// A change is done.
    BroadcastOk {},
    /// What is there.
    ReadOk {
        /// All of them.
        messages: Vec<i64>,
    },
}

/// The workload. A broadcast's value is an integer, 0, 1, 2, …; a read's is null, and the list of
/// integers when it is ok.
#[derive(Debug)]
pub struct Broadcast {
    topology: BTreeMap<String, Vec<String>>,
    /// The value of the next broadcast.
    value: i64,
}

impl Broadcast {
    /// One that tells the nodes this topology.
    pub fn new(topology: Topology, nodes: &[String]) -> Broadcast {
        Broadcast { topology: topology.neighbours(nodes), value: 0 }
    }
}

impl Shared for Broadcast {
    type Reply = Reply;

    const ACKNOWLEDGED: &'static str = "broadcast_ok";
    const LIST: Option<&'static str> = Some("messages");

    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn setup(&self, call: &mut Call<'_>) -> bool {
        call.request(&Request::Topology { topology: self.topology.clone() });
        true
    }

    fn change(&mut self, _: &mut Random) -> Option<Invocation> {
        let value = self.value;
        self.value += 1;
        Some(Invocation::new(Function::Broadcast, value))
    }

    fn request(&self, change: Option<i64>, call: &mut Call<'_>) -> Step {
        call.request(&match change {
            Some(message) => Request::Broadcast { message },
            None => Request::Read {},
        })
    }

    fn seen(reply: Reply) -> Option<Value> {
        match reply {
            Reply::BroadcastOk {} => None,
            Reply::ReadOk { messages } => Some(Value::ints(messages)),
        }
    }
}
