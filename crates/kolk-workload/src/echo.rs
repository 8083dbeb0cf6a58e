//! `echo`: what a client says comes back unchanged.

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::message::Body;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::reply;

/// How many different payloads there are: `Please echo 0` to `Please echo 127`.
const PAYLOADS: u64 = 128;

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Request<'a> {
    Echo { echo: &'a str },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Reply<'a> {
    EchoOk {
        #[serde(borrow)]
        echo: &'a RawValue,
    },
}

/// The workload. An operation's value is the payload, and so is an ok completion's.
#[derive(Debug)]
pub struct Echo {
    /// All payloads, once: millions of operations share them.
    payloads: Vec<Value>,
}

impl Echo {
    /// A new one.
    pub fn new() -> Echo {
        Echo { payloads: (0..PAYLOADS).map(|n| Value::text(format!("Please echo {n}"))).collect() }
    }
}

impl Default for Echo {
    fn default() -> Echo {
        Echo::new()
    }
}

impl Workload for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn next(&mut self, _: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        let payload = self.payloads[random.below(PAYLOADS) as usize].clone();
        Some(Invocation::new(Function::Echo, payload))
    }

    fn start(&mut self, _: &Worker, invocation: &Invocation, call: &mut Call<'_>) -> Step {
        let echo = invocation.value.as_str().expect("an echo's payload is a string");
        call.request(&Request::Echo { echo })
    }

    fn reply(
        &mut self,
        _: &Worker,
        invocation: &Invocation,
        reply: &Body<'_>,
        _: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        let Reply::EchoOk { echo } = reply::read(reply, "echo_ok")?;
        let echoed = reply::any_value(echo)?;
        // Equal payloads are one in memory.
        let value = if echoed == invocation.value { invocation.value.clone() } else { echoed };
        Ok(Step::Done(Completion::Ok(value)))
    }
}
