//! The client of the key-value workloads, `lin-kv` and `seq-kv`: reads, writes and compare-and-sets
//! of single keys.
//!
//! Errors 20 and 22 say that a compare-and-set surely did not happen, or that a key is not there;
//! what got no answer may have happened, but for a read, which then counts as failed. All that is
//! the engine's rule for every workload.

pub mod lin_kv;
pub mod seq_kv;

use kolk_engine::{Call, Completion, Invocation, ReplyError, Step};
use kolk_history::{Function, Value};
use kolk_protocol::message::Body;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::reply;

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Read { key: i64 },
    Write { key: i64, value: i64 },
    Cas { key: i64, from: i64, to: i64 },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
enum Reply {
    ReadOk { value: Box<RawValue> },
    WriteOk {},
    CasOk {},
}

/// A read of a key: `[key, null]`, and `[key, value]` when it is ok.
fn read(key: i64) -> Invocation {
    Invocation::new(Function::Read, Value::list(vec![Value::Int(key), Value::Null]))
}

/// A write: `[key, value]`.
fn write(key: i64, value: i64) -> Invocation {
    Invocation::new(Function::Write, Value::ints(vec![key, value]))
}

/// A compare-and-set: `[key, [from, to]]`.
fn cas(key: i64, from: i64, to: i64) -> Invocation {
    let value = Value::list(vec![Value::Int(key), Value::ints(vec![from, to])]);
    Invocation::new(Function::Cas, value)
}

/// What [`read`], [`write`] or [`cas`] has made.
fn request_of(invocation: &Invocation) -> Request {
    let parts = invocation.value.as_list().unwrap_or_default();
    let int = |value: &Value| value.as_int().unwrap_or_default();
    match (invocation.function, &*parts) {
        (Function::Read, [key, _]) => Request::Read { key: int(key) },
        (Function::Write, [key, value]) => Request::Write { key: int(key), value: int(value) },
        (Function::Cas, [key, swap]) => match &*swap.as_list().unwrap_or_default() {
            [from, to] => Request::Cas { key: int(key), from: int(from), to: int(to) },
            _ => panic!("{swap} is no compare-and-set"),
        },
        _ => panic!("{} {} is no operation on a key", invocation.function, invocation.value),
    }
}

/// Sends an operation.
fn start(invocation: &Invocation, call: &mut Call<'_>) -> Step {
    call.request(&request_of(invocation))
}

/// What an operation's reply makes of its value.
fn result(invocation: &Invocation, reply: &Body<'_>) -> Result<Value, ReplyError> {
    let expected = match invocation.function {
        Function::Read => "read_ok",
        Function::Write => "write_ok",
        _ => "cas_ok",
    };
    Ok(match reply::read(reply, expected)? {
        Reply::WriteOk {} | Reply::CasOk {} => invocation.value.clone(),
        Reply::ReadOk { value } => {
            let key = invocation.value.as_list().and_then(|parts| parts.first().cloned());
            Value::list(vec![key.unwrap_or_default(), reply::any_value(&value)?])
        }
    })
}

/// An operation that is over.
fn done(result: Value) -> Step {
    Step::Done(Completion::Ok(result))
}
