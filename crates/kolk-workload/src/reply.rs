//! Reading replies: strictly, because Maelstrom is strict too, and with the fault named.
//!
//! Where a list, a map or a number belongs, null is none: a node that says null has nothing to say,
//! though Maelstrom takes null for an empty list.

use kolk_engine::ReplyError;
use kolk_history::Value;
use kolk_protocol::from_body;
use kolk_protocol::message::Body;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads a reply whose `type` must be `expected`, a variant of `T`.
///
/// # Errors
///
/// If the `type` is another one or the fields do not fit; says which.
pub(crate) fn read<'a, T: Deserialize<'a>>(
    reply: &'a Body<'_>,
    expected: &str,
) -> Result<T, ReplyError> {
    if reply.kind.is_empty() {
        return Err(ReplyError(format!("the reply has no `type`: `{expected}` was expected")));
    }
    if reply.kind != expected {
        return Err(ReplyError(format!(
            "the reply's type is `{}`: `{expected}` was expected",
            reply.kind
        )));
    }
    Ok(from_body(expected, reply.json)?)
}

/// Any JSON as a value of a history.
///
/// # Errors
///
/// If a string holds half of a surrogate pair, which is no text.
pub(crate) fn any_value(json: &RawValue) -> Result<Value, ReplyError> {
    Value::from_json(json.get()).map_err(|error| ReplyError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_json_becomes_a_value() {
        for json in ["null", "-7", "340282366920938463463374607431768211455", r#"["a",{"b":[]}]"#] {
            let raw: &RawValue = serde_json::from_str(json).expect("JSON");
            assert_eq!(any_value(raw).expect("a value").to_string(), json);
        }
        // An id that is a number is another than one that is its digits.
        let value = |json| any_value(serde_json::from_str(json).expect("JSON")).expect("a value");
        assert_ne!(value("9223372036854776808"), value("\"9223372036854776808\""));
    }

    #[test]
    fn half_a_surrogate_pair_is_no_value() {
        let raw: &RawValue = serde_json::from_str(r#"["\ud800"]"#).expect("JSON");
        assert!(any_value(raw).is_err());
    }
}
