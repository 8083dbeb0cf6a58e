//! `txn-list-append` and `txn-rw-register`: transactions over a few keys at a time.
//!
//! One generator with two kinds of write: a transaction is one to so many micro-operations, reads
//! and writes at even odds. Keys are integers, each chosen twice as often as the one before it, and
//! after so many writes replaced by a fresh one; the values written to a key count up from 1, so
//! that each is written once.
//!
//! In the convergence phase each node reads every key that was ever in use.

use std::collections::BTreeMap;
use std::sync::Arc;

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Random;
use kolk_protocol::message::Body;
use serde::ser::{SerializeSeq, SerializeTuple};
use serde::{Deserialize, Serialize, Serializer};

use crate::keys::Keys;
use crate::reply;

/// How many keys are read by one transaction of the convergence phase. No store should have to put
/// any number of keys into one message.
const READ_AT_ONCE: usize = 512;

/// What writes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// `append` to a list: `txn-list-append`.
    Append,
    /// `w`, set a register: `txn-rw-register`.
    Set,
}

impl Writes {
    const fn name(self) -> &'static &'static str {
        match self {
            Writes::Append => &"append",
            Writes::Set => &"w",
        }
    }
}

/// The workload. A transaction's value is the list of its micro-operations: `[:r key nil]` and
/// `[:append key value]` or `[:w key value]`; when it is ok, reads hold what was read.
#[derive(Debug)]
pub struct Txn {
    writes: Writes,
    max_txn_length: u32,
    keys: Keys<i64>,
    /// By worker: what was read of a transaction that takes more than one request.
    read: BTreeMap<usize, Vec<Value>>,
}

impl Txn {
    /// Makes transactions of at most so many micro-operations, with so many keys at a time (no
    /// more than 63), each for so many writes.
    pub fn new(
        writes: Writes,
        key_count: u32,
        max_txn_length: u32,
        max_writes_per_key: u32,
    ) -> Txn {
        let keys = Keys::new(key_count, max_writes_per_key, |number| number as i64);
        Txn { writes, max_txn_length, keys, read: BTreeMap::new() }
    }

    fn micro_op(&mut self, random: &mut Random) -> Value {
        let place = self.keys.choose(random);
        if random.below(2) == 0 {
            return read(*self.keys.at(place));
        }
        let (key, value) = self.keys.write(place);
        micro_op(self.writes.name(), Value::Int(*key), Value::Int(value))
    }
}

fn micro_op(function: &'static &'static str, key: Value, value: Value) -> Value {
    Value::List(Arc::new(vec![Value::Keyword(function), key, value]))
}

fn read(key: i64) -> Value {
    micro_op(&"r", Value::Int(key), Value::Null)
}

/// The micro-operations of a transaction, which [`Txn`] has made.
fn micro_ops(invocation: &Invocation) -> &[Value] {
    match &invocation.value {
        Value::List(micro_ops) => micro_ops,
        _ => &[],
    }
}

/// The next ones to be asked for, when so many have been answered.
fn next_micro_ops(invocation: &Invocation, answered: usize) -> &[Value] {
    let rest = &micro_ops(invocation)[answered..];
    &rest[..rest.len().min(READ_AT_ONCE)]
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Request<'a> {
    Txn { txn: MicroOps<'a> },
}

struct MicroOps<'a>(&'a [Value]);

impl Serialize for MicroOps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for value in self.0 {
            list.serialize_element(&MicroOp(value))?;
        }
        list.end()
    }
}

/// A micro-operation, which [`micro_op`] has made: a word, an integer, an integer or nothing.
struct MicroOp<'a>(&'a Value);

impl Serialize for MicroOp<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts: &[Value] = if let Value::List(parts) = self.0 { parts } else { &[] };
        let mut tuple = serializer.serialize_tuple(parts.len())?;
        for part in parts {
            match part {
                Value::Keyword(word) => tuple.serialize_element(*word)?,
                part => tuple.serialize_element(&part.as_int())?,
            }
        }
        tuple.end()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Reply {
    TxnOk { txn: Vec<(String, Value, Value)> },
}

impl Txn {
    /// A micro-operation as it was done: what was asked for, with what was read.
    ///
    /// # Errors
    ///
    /// If it is not the one that was asked for, or what was read cannot be.
    fn done(
        &self,
        asked: &Value,
        (function, key, value): (String, Value, Value),
    ) -> Result<Value, ReplyError> {
        let Value::List(parts) = asked else { return Ok(Value::Null) };
        let is_read = function == "r";
        let is_same = parts[0].as_str() == Some(&function) && parts[1] == key;
        if !is_same || (!is_read && parts[2] != value) {
            return Err(ReplyError(format!(
                "{asked} was asked for, and the reply has [\"{function}\",{key},{value}]"
            )));
        }
        if !is_read {
            return Ok(asked.clone());
        }
        let is_list = matches!(value, Value::Null | Value::Ints(_) | Value::List(_));
        if self.writes == Writes::Append && !is_list {
            let text = format!("key {key} was read as {value}, which is no list");
            return Err(ReplyError(text));
        }
        Ok(micro_op(&"r", key, value))
    }
}

impl Workload for Txn {
    fn name(&self) -> &'static str {
        match self.writes {
            Writes::Append => "txn-list-append",
            Writes::Set => "txn-rw-register",
        }
    }

    fn next(&mut self, _: &Worker, _: u64, random: &mut Random) -> Option<Invocation> {
        let length = 1 + random.below(u64::from(self.max_txn_length));
        let micro_ops = (0..length).map(|_| self.micro_op(random)).collect();
        Some(Invocation::new(Function::Txn, Value::List(Arc::new(micro_ops))))
    }

    fn converge(&mut self) -> Option<Invocation> {
        let reads = self.keys.all().map(read).collect();
        Some(Invocation::new(Function::Txn, Value::List(Arc::new(reads))))
    }

    fn start(&mut self, worker: &Worker, invocation: &Invocation, call: &mut Call<'_>) -> Step {
        self.read.remove(&worker.number);
        call.request(&Request::Txn { txn: MicroOps(next_micro_ops(invocation, 0)) })
    }

    fn reply(
        &mut self,
        worker: &Worker,
        invocation: &Invocation,
        reply: &Body<'_>,
        call: &mut Call<'_>,
    ) -> Result<Step, ReplyError> {
        let Reply::TxnOk { txn } = reply::read(reply, "txn_ok")?;
        let mut done = self.read.remove(&worker.number).unwrap_or_default();
        let asked = next_micro_ops(invocation, done.len());
        if txn.len() != asked.len() {
            return Err(ReplyError(format!(
                "the transaction has {} micro-operations, and the reply {}",
                asked.len(),
                txn.len()
            )));
        }
        for (asked, answered) in asked.iter().zip(txn) {
            done.push(self.done(asked, answered)?);
        }
        let next = next_micro_ops(invocation, done.len());
        if next.is_empty() {
            return Ok(Step::Done(Completion::Ok(Value::List(Arc::new(done)))));
        }
        let step = call.request(&Request::Txn { txn: MicroOps(next) });
        self.read.insert(worker.number, done);
        Ok(step)
    }
}

#[cfg(test)]
mod tests;
