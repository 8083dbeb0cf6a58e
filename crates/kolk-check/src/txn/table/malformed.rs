//! Operations that are no transactions of the kind asked for, and what is wrong with them.

use kolk_history::Value;
use kolk_history::micro_ops::{MicroFunction, Operand};

use super::Datatype;
use crate::tree::excerpt;
use crate::values;

/// An operation that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// The event index of its invocation.
    pub index: u32,
    /// What is wrong with its value, as the rest of a sentence.
    pub problem: String,
    /// Whether it is understood, but as an answer to something that was not asked.
    pub is_answer: bool,
}

/// A micro-operation's function, key and value.
pub(super) fn parts(micro_op: &Value) -> Option<(&str, &Value, &Value)> {
    match micro_op {
        Value::List(parts) => match parts.as_slice() {
            [function, key, value] => Some((function.as_str()?, key, value)),
            _ => None,
        },
        _ => None,
    }
}

/// What is wrong with a transaction's value, if anything; what was read matters if `is_read`.
pub(super) fn problem(value: &Value, kind: Datatype, is_read: bool) -> Option<String> {
    let micro_ops = match value {
        // What is packed has its three parts.
        Value::MicroOps(packed) => {
            let is_wrong =
                packed.iter().any(|micro_op| match (micro_op.function, micro_op.operand) {
                    (MicroFunction::Read, Operand::Int(_)) => is_read && kind == Datatype::List,
                    (MicroFunction::Read, _) => false,
                    (function, _) => function != kind.micro_function(),
                });
            if !is_wrong {
                return None;
            }
            packed.to_list()
        }
        Value::List(micro_ops) => micro_ops.to_vec(),
        other => return Some(format!("has the value {}, which is no list", excerpt(other))),
    };
    let writes = kind.function();
    (1..).zip(&micro_ops).find_map(|(place, micro_op)| {
        let problem = match parts(micro_op) {
            None => format!("which is neither [r key value] nor [{writes} key value]"),
            Some(("r", _, value)) => {
                let is_list = value.is_null() || value.as_list().is_some();
                if kind == Datatype::Register || !is_read || is_list {
                    return None;
                }
                format!("which reads {} where a list belongs", excerpt(value))
            }
            Some((function, ..)) if function == writes => return None,
            Some((function, ..)) => {
                format!("whose function `{function}` is neither `r` nor `{writes}`")
            }
        };
        Some(format!("has micro-operation {place}, {}, {problem}", excerpt(micro_op)))
    })
}

/// What is wrong with an acknowledged transaction as an answer to what was asked for: other
/// functions or other keys. Where nothing was asked for, anything is an answer.
pub(super) fn mismatch(asked: &Value, answered: &Value) -> Option<String> {
    if let (Value::MicroOps(asked), Value::MicroOps(answered)) = (asked, answered) {
        let mut both = asked.iter().zip(answered.iter());
        let is_alike = both.all(|(a, b)| (a.function, a.key) == (b.function, b.key));
        if is_alike && asked.len() == answered.len() {
            return None;
        }
    }
    let (asked, answered) = (asked.as_list()?, answered.as_list()?);
    if asked.is_empty() {
        return None;
    }
    if asked.len() != answered.len() {
        let (most, least) = (answered.len(), asked.len());
        return Some(format!("has {most} micro-operations where {least} were asked for"));
    }
    (1..).zip(asked.iter().zip(answered.iter())).find_map(|(place, (asked, answered))| {
        let (Some(a), Some(b)) = (parts(asked), parts(answered)) else { return None };
        let is_alike = a.0 == b.0 && values::order(a.1, b.1).is_eq();
        (!is_alike).then(|| {
            format!(
                "has micro-operation {place}, {}, in answer to {}",
                excerpt(answered),
                excerpt(asked)
            )
        })
    })
}
