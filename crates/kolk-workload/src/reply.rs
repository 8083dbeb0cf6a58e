//! Reading replies: strictly, because the original is strict too, and with the fault named.

use kolk_engine::ReplyError;
use kolk_history::Value;
use kolk_protocol::from_body;
use kolk_protocol::message::Body;
use kolk_protocol::scan::{ScanError, Scanner};
use serde::{Deserialize, Deserializer};
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

/// A list of integers, straight into a vector. `null` is an empty one: it is what an empty list
/// becomes in some languages (Go's nil slices), and the original takes it for one.
pub(crate) fn integers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i64>, D::Error> {
    Ok(Option::<Vec<i64>>::deserialize(deserializer)?.unwrap_or_default())
}

/// Any JSON as a value of a history.
///
/// # Errors
///
/// If a string holds half of a surrogate pair, which is no text.
pub(crate) fn any_value(json: &RawValue) -> Result<Value, ReplyError> {
    let mut scanner = Scanner::new(json.get());
    scan_value(&mut scanner).map_err(|error| ReplyError(error.to_string()))
}

fn scan_value(scanner: &mut Scanner<'_>) -> Result<Value, ScanError> {
    match scanner.peek() {
        Some(b'"') => Ok(Value::text(scanner.string()?)),
        Some(b'-' | b'0'..=b'9') => Ok(number(scanner.number()?)),
        Some(b'[') => {
            scanner.enter()?;
            scanner.take(b'[');
            let mut values = Vec::new();
            if !scanner.take(b']') {
                loop {
                    values.push(scan_value(scanner)?);
                    if !scanner.take(b',') {
                        scanner.expect(b']', "expected `,` or `]`")?;
                        break;
                    }
                }
            }
            scanner.leave();
            Ok(Value::list(values))
        }
        Some(b'{') => {
            let mut entries = Vec::new();
            scanner.object(|scanner, key, _| {
                let value = scan_value(scanner)?;
                entries.push((Value::text(key), value));
                Ok::<(), ScanError>(())
            })?;
            Ok(Value::map(entries))
        }
        _ => Ok(match scanner.value()? {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Null,
        }),
    }
}

/// An integer too large for 64 bits keeps its digits as text: as a floating-point number it would
/// be the same as its neighbours.
fn number(text: &str) -> Value {
    if let Ok(int) = text.parse() {
        return Value::Int(int);
    }
    if text.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9')) {
        return Value::text(text);
    }
    text.parse().map_or_else(|_| Value::text(text), Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_json_becomes_a_value() {
        for (json, expected) in [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("-7", Value::Int(-7)),
            ("1.50", Value::Float(1.5)),
            (
                "340282366920938463463374607431768211455",
                "340282366920938463463374607431768211455".into(),
            ),
            (r#""a\u00e9\n""#, "aé\n".into()),
            ("[1, 2]", Value::ints(vec![1, 2])),
            ("[]", Value::list(Vec::new())),
            (r#"[1,"b",[]]"#, Value::list(vec![1.into(), "b".into(), Value::list(Vec::new())])),
            (
                r#" {"a" : [3], "b": {}} "#,
                Value::map(vec![
                    ("a".into(), Value::ints(vec![3])),
                    ("b".into(), Value::map(Vec::new())),
                ]),
            ),
        ] {
            let raw: &RawValue = serde_json::from_str(json).expect("JSON");
            assert_eq!(any_value(raw).expect("a value"), expected, "{json}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_no_value() {
        let raw: &RawValue = serde_json::from_str(r#"["\ud800"]"#).expect("JSON");
        assert!(any_value(raw).is_err());
    }
}
