//! `g-counter` and `pn-counter`: a sum to which every node adds.

use kolk_engine::{Call, Invocation, Step};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::workload::counter::Request;
use serde::Deserialize;

use crate::shared::Shared;

/// What nodes answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// A change is done.
    AddOk {},
    /// What is there.
    ReadOk {
        /// The sum.
        value: i64,
    },
}

/// The workload. An add's value is an integer, its delta; a read's is null, and the sum when it is
/// ok.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// `g-counter`: the sum only grows. Deltas are 0 to 4.
    Growing,
    /// `pn-counter`: it may also go down. Deltas are −5 to 4.
    UpAndDown,
}

impl Shared for Counter {
    type Reply = Reply;

    const ACKNOWLEDGED: &'static str = "add_ok";

    fn name(&self) -> &'static str {
        match self {
            Counter::Growing => "g-counter",
            Counter::UpAndDown => "pn-counter",
        }
    }

    /// As in Maelstrom, a growing counter is a mix of reads and adds of which the adds that take
    /// away are left out: two thirds of its operations are reads.
    fn change(&mut self, random: &mut Random) -> Option<Invocation> {
        let delta = random.below(10) as i64 - 5;
        let is_allowed = delta >= 0 || *self == Counter::UpAndDown;
        is_allowed.then(|| Invocation::new(Function::Add, delta))
    }

    fn request(&self, change: Option<i64>, call: &mut Call<'_>) -> Step {
        call.request(&match change {
            Some(delta) => Request::Add { delta },
            None => Request::Read {},
        })
    }

    fn seen(reply: Reply) -> Option<Value> {
        match reply {
            Reply::AddOk {} => None,
            Reply::ReadOk { value } => Some(Value::Int(value)),
        }
    }
}
