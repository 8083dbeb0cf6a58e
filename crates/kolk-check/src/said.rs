//! What operations on registers say: what they saw, and what they set.

use kolk_history::{Function, Operation, Outcome, Value};

use crate::values;

/// Error 20, the key is not there: as kolk has it, and as Maelstrom.
const NO_SUCH_KEY: i64 = 20;
const NO_SUCH_KEY_NAME: &str = "key-does-not-exist";

/// What an operation says. Null stands for a key that is not there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said<'a> {
    pub operation: &'a Operation,
    pub key: Value,
    pub seen: Option<Value>,
    pub set: Option<Value>,
}

/// The two elements of a list of two.
pub(crate) fn pair(value: &Value) -> Option<(Value, Value)> {
    match value {
        Value::Ints(ints) => match ints.as_slice() {
            [first, second] => Some((Value::Int(*first), Value::Int(*second))),
            _ => None,
        },
        Value::List(values) => match values.as_slice() {
            [first, second] => Some((first.clone(), second.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// True if it failed with error 20.
pub(crate) fn said_no_such_key(operation: &Operation) -> bool {
    let says_so = |code: &Value| {
        code.as_int() == Some(NO_SUCH_KEY) || code.as_str() == Some(NO_SUCH_KEY_NAME)
    };
    operation.outcome == Outcome::Fail
        && operation.result.as_list().is_some_and(|error| error.first().is_some_and(says_so))
}

/// What an update on a key did, `[key, argument]`: what its acknowledgement says, if that speaks of
/// the same key and is no less than what was asked for.
pub(crate) fn told(operation: &Operation) -> &Value {
    let fits = |told: &&Value| match (pair(told), pair(&operation.value)) {
        (Some((key, told)), Some((other, asked))) => {
            values::order(&key, &other).is_eq() && is_as_much(&told, &asked)
        }
        _ => false,
    };
    Some(operation.told()).filter(fits).unwrap_or(&operation.value)
}

/// The same of the only register there is, whose values stand bare.
pub(crate) fn told_bare(operation: &Operation) -> &Value {
    let fits = |told: &&Value| is_as_much(told, &operation.value);
    Some(operation.told()).filter(fits).unwrap_or(&operation.value)
}

/// True if a value may stand in another's place: a pair for a pair, and something for something.
fn is_as_much(told: &Value, asked: &Value) -> bool {
    (!told.is_null() || asked.is_null()) && (pair(told).is_some() || pair(asked).is_none())
}

/// What an operation on a key says, whose values are `[key, value]`: `Ok(None)` if nothing, an
/// error if it cannot be read.
pub(crate) fn said(operation: &Operation) -> Result<Option<Said<'_>>, ()> {
    if operation.function == Function::Read && operation.is_ok() {
        let (key, _) = pair(&operation.value).ok_or(())?;
        let (read, value) = pair(&operation.result).ok_or(())?;
        if values::order(&read, &key).is_ne() {
            return Err(());
        }
        return Ok(Some(Said { operation, key, seen: Some(value), set: None }));
    }
    let (key, argument) = pair(told(operation)).ok_or(())?;
    said_of(operation, key, argument)
}

/// The same of the only register there is, whose values stand bare.
pub(crate) fn said_bare(operation: &Operation) -> Result<Option<Said<'_>>, ()> {
    if operation.function == Function::Read
        && pair(&operation.value).is_some_and(|(_, asked)| asked.is_null())
    {
        // It names a key, so this is not the only register.
        return Err(());
    }
    if operation.function == Function::Read && operation.is_ok() {
        let seen = Some(operation.result.clone());
        return Ok(Some(Said { operation, key: Value::Null, seen, set: None }));
    }
    said_of(operation, Value::Null, told_bare(operation).clone())
}

/// What all but acknowledged reads say.
fn said_of(operation: &Operation, key: Value, argument: Value) -> Result<Option<Said<'_>>, ()> {
    let said = |key, seen, set| Ok(Some(Said { operation, key, seen, set }));
    match operation.function {
        Function::Read | Function::Cas if said_no_such_key(operation) => {
            said(key, Some(Value::Null), None)
        }
        Function::Write => said(key, None, Some(argument)),
        Function::Cas => {
            let (from, to) = pair(&argument).ok_or(())?;
            said(key, Some(from), Some(to))
        }
        _ => Ok(None),
    }
}

/// Micro-operations on registers, `[f, key, value]`: whether each writes, its key and its value.
/// Jepsen calls them `r` and `w`, Knossos `read` and `write`. `alone` is what is done where a
/// micro-operation is but `[key, value]`, if that may be.
pub(crate) fn micro_ops(value: &Value, alone: Option<&str>) -> Option<Vec<(bool, Value, Value)>> {
    let part = |micro_op: &Value| {
        let parts = micro_op.as_list()?;
        let (function, key, value) = match &*parts {
            [function, key, value] => (function.as_str()?, key, value),
            [key, value] => (alone?, key, value),
            _ => return None,
        };
        let is_write = match function {
            "r" | "read" => false,
            "w" | "write" => true,
            _ => return None,
        };
        Some((is_write, key.clone(), value.clone()))
    };
    value.as_list()?.iter().map(part).collect()
}
