//! `g-set`: a set that only grows.

use kolk_engine::{Call, Invocation, Step};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::workload::g_set::Request;
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
        /// All of them.
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

impl Shared for GSet {
    type Reply = Reply;

    const ACKNOWLEDGED: &'static str = "add_ok";
    const LIST: Option<&'static str> = Some("value");

    fn name(&self) -> &'static str {
        "g-set"
    }

    fn change(&mut self, _: &mut Random) -> Option<Invocation> {
        let element = self.element;
        self.element += 1;
        Some(Invocation::new(Function::Add, element))
    }

    fn request(&self, change: Option<i64>, call: &mut Call<'_>) -> Step {
        call.request(&match change {
            Some(element) => Request::Add { element },
            None => Request::Read {},
        })
    }

    fn seen(reply: Reply) -> Option<Value> {
        match reply {
            Reply::AddOk {} => None,
            Reply::ReadOk { value } => Some(Value::ints(value)),
        }
    }
}
