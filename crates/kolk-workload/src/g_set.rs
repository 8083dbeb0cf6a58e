//! `g-set`: a set that only grows.

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::message::Body;
use kolk_protocol::workload::g_set::Request;
use serde::Deserialize;

use crate::reply;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Reply {
    AddOk {},
    ReadOk {
        #[serde(deserialize_with = "reply::integers")]
        value: Vec<i64>,
    },
}

/// The workload. An add's value is an integer, 0, 1, 2, …; a read's is null, and the list of
/// integers when it is ok.
#[derive(Debug, Default)]
pub struct GSet {
    /// The element of the next add.
    element: i64,
}

impl Workload for GSet {
    fn name(&self) -> &'static str {
        "g-set"
    }

    fn next(&mut self, _: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        if random.below(2) == 1 {
            return Some(Invocation::new(Function::Read, Value::Null));
        }
        let element = self.element;
        self.element += 1;
        Some(Invocation::new(Function::Add, element))
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
            Some(element) => Request::Add { element },
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
            Reply::ReadOk { value } => Value::ints(value),
        })))
    }
}
