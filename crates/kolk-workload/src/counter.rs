//! `g-counter` and `pn-counter`: a sum to which every node adds.

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::message::Body;
use kolk_protocol::workload::counter::Request;
use serde::Deserialize;

use crate::reply;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Reply {
    AddOk {},
    ReadOk { value: i64 },
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

impl Workload for Counter {
    fn name(&self) -> &'static str {
        match self {
            Counter::Growing => "g-counter",
            Counter::UpAndDown => "pn-counter",
        }
    }

    fn next(&mut self, _: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        // As in the original, a growing counter is a mix of reads and adds of which the adds that
        // take away are left out: two thirds of its operations are reads.
        loop {
            if random.below(2) == 1 {
                return Some(Invocation::new(Function::Read, Value::Null));
            }
            let delta = random.below(10) as i64 - 5;
            if delta >= 0 || *self == Counter::UpAndDown {
                return Some(Invocation::new(Function::Add, delta));
            }
        }
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
            Some(delta) => Request::Add { delta },
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
        let expected = if invocation.function == Function::Read { "read_ok" } else { "add_ok" };
        Ok(Step::Done(Completion::Ok(match reply::read(reply, expected)? {
            Reply::AddOk {} => invocation.value.clone(),
            Reply::ReadOk { value } => Value::Int(value),
        })))
    }
}
