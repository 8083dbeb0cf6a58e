//! Workloads in which clients change something that all nodes share, and read it: half of the
//! operations are reads, each worker reads once at the end, and each node once when all is healed.

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::message::Body;
use serde::de::DeserializeOwned;

use crate::reply;

/// What is shared, and how one changes it.
pub trait Shared {
    /// What nodes answer, read by its `type`.
    type Reply: DeserializeOwned;

    /// The `type` of the answer to a change.
    const ACKNOWLEDGED: &'static str;

    /// As [`Workload::name`].
    fn name(&self) -> &'static str;

    /// As [`Workload::setup`].
    fn setup(&self, _call: &mut Call<'_>) -> bool {
        false
    }

    /// The next change, whose value is an integer; `None` if what was drawn is not to be done, and
    /// the operation is drawn again.
    fn change(&mut self, random: &mut Random) -> Option<Invocation>;

    /// Writes the request of a change with this value, or of a read.
    fn request(&self, change: Option<i64>, call: &mut Call<'_>) -> Step;

    /// What a read was answered with; `None` if it is the answer to a change.
    fn seen(reply: Self::Reply) -> Option<Value>;
}

/// The workload: an acknowledged change has its own value as its result, a read what it saw.
#[derive(Debug)]
pub struct ChangeAndRead<S>(pub S);

fn read() -> Invocation {
    Invocation::new(Function::Read, Value::Null)
}

impl<S: Shared> Workload for ChangeAndRead<S> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn setup(&mut self, _: &Worker, call: &mut Call<'_>) -> bool {
        self.0.setup(call)
    }

    fn next(&mut self, _: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        loop {
            if random.below(2) == 1 {
                return Some(read());
            }
            if let Some(change) = self.0.change(random) {
                return Some(change);
            }
        }
    }

    fn last(&mut self, _: &Worker, nth: u32) -> Option<Invocation> {
        (nth == 0).then(read)
    }

    fn has_final(&self) -> bool {
        true
    }

    fn converge(&mut self) -> Option<Invocation> {
        Some(read())
    }

    fn start(&mut self, _: &Worker, invocation: &Invocation, call: &mut Call<'_>) -> Step {
        self.0.request(invocation.value.as_int(), call)
    }

    fn reply(
        &mut self,
        _: &Worker,
        invocation: &Invocation,
        reply: &Body<'_>,
        _: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        let is_read = invocation.function == Function::Read;
        let expected = if is_read { "read_ok" } else { S::ACKNOWLEDGED };
        let seen = S::seen(reply::read(reply, expected)?);
        Ok(Step::Done(Completion::Ok(seen.unwrap_or_else(|| invocation.value.clone()))))
    }
}
