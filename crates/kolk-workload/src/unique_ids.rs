//! `unique-ids`: every answer is an id that nobody got before.

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::message::Body;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::reply;

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Generate {},
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Reply<'a> {
    GenerateOk {
        #[serde(borrow)]
        id: &'a RawValue,
    },
}

/// The workload. An operation's value is null, an ok completion's the id.
#[derive(Debug, Default)]
pub struct UniqueIds;

impl Workload for UniqueIds {
    fn name(&self) -> &'static str {
        "unique-ids"
    }

    fn next(&mut self, _: &Worker, _: u64, _: &mut Random) -> Option<Invocation> {
        Some(Invocation::new(Function::Generate, Value::Null))
    }

    fn start(&mut self, _: &Worker, _: &Invocation, call: &mut Call<'_>) -> Step {
        call.request(&Request::Generate {})
    }

    fn reply(
        &mut self,
        _: &Worker,
        _: &Invocation,
        reply: &Body<'_>,
        _: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        let Reply::GenerateOk { id } = reply::read(reply, "generate_ok")?;
        Ok(Step::Done(Completion::Ok(reply::any_value(id)?)))
    }
}
