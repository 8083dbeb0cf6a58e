//! Values of operations: what both JSON and Jepsen's EDN can say.

use std::fmt;
use std::sync::Arc;

/// A value. 16 bytes; clones share what is large.
///
/// EDN tells keywords from strings and allows any map key, JSON does neither: a [`Value::Keyword`]
/// becomes a plain string there (without a trailing `?`), a key its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing: `null`, `nil`.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(Arc<String>),
    /// A word of a fixed vocabulary, without its colon: `:append`.
    Keyword(&'static &'static str),
    /// A list of integers, such as a read of a set: kept without a tag on each.
    Ints(Arc<Vec<i64>>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A map, in the order given.
    Map(Arc<Vec<(Value, Value)>>),
}

impl Value {
    /// A string.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(Arc::new(text.into()))
    }

    /// A list; kept as [`Value::Ints`] if all its elements are integers and there is one at least.
    pub fn list(values: Vec<Value>) -> Value {
        let ints: Option<Vec<i64>> = values.iter().map(Value::as_int).collect();
        match ints {
            Some(ints) if !ints.is_empty() => Value::Ints(Arc::new(ints)),
            _ => Value::List(Arc::new(values)),
        }
    }

    /// A list of integers.
    pub fn ints(ints: Vec<i64>) -> Value {
        Value::Ints(Arc::new(ints))
    }

    /// A map.
    pub fn map(entries: Vec<(Value, Value)>) -> Value {
        Value::Map(Arc::new(entries))
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The text of a string or keyword.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Keyword(word) => Some(word),
            _ => None,
        }
    }

    /// True for [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Value {
        Value::Int(int)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::text(text)
    }
}

/// As JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut json = Vec::new();
        crate::value::write_json(&mut json, self);
        f.write_str(&String::from_utf8_lossy(&json))
    }
}

/// Appends a value as compact JSON.
pub fn write_json(out: &mut Vec<u8>, value: &Value) {
    let mut digits = itoa::Buffer::new();
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(int) => out.extend_from_slice(digits.format(*int).as_bytes()),
        Value::Float(float) if float.is_finite() => {
            out.extend_from_slice(float.to_string().as_bytes());
        }
        Value::Float(_) => out.extend_from_slice(b"null"),
        Value::Text(text) => kolk_protocol::message::write_string(out, text),
        Value::Keyword(word) => {
            kolk_protocol::message::write_string(out, word.strip_suffix('?').unwrap_or(word));
        }
        Value::Ints(ints) => write_separated(out, b'[', b']', ints.iter(), |out, int| {
            out.extend_from_slice(digits.format(*int).as_bytes());
        }),
        Value::List(values) => write_separated(out, b'[', b']', values.iter(), write_json),
        Value::Map(entries) => {
            write_separated(out, b'{', b'}', entries.iter(), |out, (key, value)| {
                match key {
                    Value::Text(_) | Value::Keyword(_) => write_json(out, key),
                    other => kolk_protocol::message::write_string(out, &other.to_string()),
                }
                out.push(b':');
                write_json(out, value);
            })
        }
    }
}

fn write_separated<T>(
    out: &mut Vec<u8>,
    open: u8,
    close: u8,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(open);
    for (number, item) in items.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_small() {
        assert_eq!(size_of::<Value>(), 16);
    }
}
