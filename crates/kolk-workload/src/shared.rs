//! Workloads in which clients change something that all nodes share, and read it: half of the
//! operations are reads, each worker reads once at the end, and each node once when all is healed.

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::integers::GrowingList;
use kolk_protocol::message::Body;
use kolk_protocol::scan::{ScanError, Scanner};
use serde::de::DeserializeOwned;

use crate::reply;

/// What is shared, and how one changes it.
pub trait Shared {
    /// What nodes answer, read by its `type`.
    type Reply: DeserializeOwned;

    /// The `type` of the answer to a change.
    const ACKNOWLEDGED: &'static str;

    /// Where the answer to a read has what there is, if that is a list of integers.
    const LIST: Option<&'static str> = None;

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
pub struct ChangeAndRead<S> {
    shared: S,
    /// The list that each node was read as last.
    lists: Vec<GrowingList>,
}

impl<S: Shared> ChangeAndRead<S> {
    /// The workload of what is shared.
    pub fn new(shared: S) -> ChangeAndRead<S> {
        ChangeAndRead { shared, lists: Vec::new() }
    }

    /// What a node's answer to a read has as its list, if it is nothing but what it should be; what
    /// is wrong with another answer has to be found out.
    fn list(&mut self, worker: &Worker, reply: &Body<'_>) -> Option<Value> {
        let list_key = S::LIST?;
        if reply.kind != READ_OK {
            return None;
        }
        if self.lists.len() <= worker.node {
            self.lists.resize_with(worker.node + 1, GrowingList::default);
        }
        let list = &mut self.lists[worker.node];
        let mut found = None;
        let mut scanner = Scanner::new(reply.json);
        let scanned = scanner.object(|scanner, key, offset| {
            match &*key {
                "type" | "msg_id" | "in_reply_to" => {
                    scanner.value()?;
                }
                key if key == list_key && found.is_none() => found = list.read(scanner),
                _ => return Err(ScanError { offset, reason: "no key of a plain read" }),
            }
            Ok(())
        });
        scanned.ok().and(found).map(Value::Ints)
    }
}

/// The `type` of the answer to a read.
const READ_OK: &str = "read_ok";

fn read() -> Invocation {
    Invocation::new(Function::Read, Value::Null)
}

impl<S: Shared> Workload for ChangeAndRead<S> {
    fn name(&self) -> &'static str {
        self.shared.name()
    }

    fn setup(&mut self, _: &Worker, call: &mut Call<'_>) -> bool {
        self.shared.setup(call)
    }

    fn next(&mut self, _: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        loop {
            if random.below(2) == 1 {
                return Some(read());
            }
            if let Some(change) = self.shared.change(random) {
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
        self.shared.request(invocation.value.as_int(), call)
    }

    fn reply(
        &mut self,
        worker: &Worker,
        invocation: &Invocation,
        reply: &Body<'_>,
        _: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        let is_read = invocation.function == Function::Read;
        if is_read && let Some(list) = self.list(worker, reply) {
            return Ok(Step::Done(Completion::Ok(list)));
        }
        let expected = if is_read { READ_OK } else { S::ACKNOWLEDGED };
        let seen = S::seen(reply::read(reply, expected)?);
        Ok(Step::Done(Completion::Ok(seen.unwrap_or_else(|| invocation.value.clone()))))
    }
}
