//! `broadcast`: a value told to one node comes to all.

use std::collections::BTreeMap;

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::message::Body;
use kolk_protocol::workload::broadcast::Request;
use serde::Deserialize;

use crate::reply;
use crate::topology::Topology;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Reply {
    BroadcastOk {},
    ReadOk {
        #[serde(deserialize_with = "reply::integers")]
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

impl Workload for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn setup(&mut self, _: &Worker, call: &mut Call<'_>) -> bool {
        call.request(&Request::Topology { topology: self.topology.clone() });
        true
    }

    fn next(&mut self, _: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        if random.below(2) == 1 {
            return Some(Invocation::new(Function::Read, Value::Null));
        }
        let value = self.value;
        self.value += 1;
        Some(Invocation::new(Function::Broadcast, value))
    }

    fn last(&mut self, _: &Worker, nth: u32) -> Option<Invocation> {
        (nth == 0).then(|| Invocation::new(Function::Read, Value::Null))
    }

    fn has_final(&self) -> bool {
        true
    }

    fn converge(&mut self) -> Option<Invocation> {
        Some(Invocation::new(Function::Read, Value::Null))
    }

    fn start(&mut self, _: &Worker, invocation: &Invocation, call: &mut Call<'_>) -> Step {
        call.request(&match invocation.value.as_int() {
            Some(message) => Request::Broadcast { message },
            None => Request::Read {},
        })
    }

    fn reply(
        &mut self,
        _: &Worker,
        invocation: &Invocation,
        reply: &Body<'_>,
        _: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        let expected =
            if invocation.function == Function::Read { "read_ok" } else { "broadcast_ok" };
        Ok(Step::Done(Completion::Ok(match reply::read(reply, expected)? {
            Reply::BroadcastOk {} => invocation.value.clone(),
            Reply::ReadOk { messages } => Value::ints(messages),
        })))
    }
}
