//! Any value as a number, so that tables and comparisons work on integers alone.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use kolk_history::Value;

use crate::values::order;

/// Integers from here on stand for themselves; the codes below are given to all other values.
const OTHERS_END: i64 = i64::MIN + (1 << 40);

/// A value that is ordered like all others.
#[derive(Clone, Debug)]
struct Ordered(Value);

impl PartialEq for Ordered {
    fn eq(&self, other: &Ordered) -> bool {
        order(&self.0, &other.0).is_eq()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Ordered) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Ordered) -> Ordering {
        order(&self.0, &other.0)
    }
}

/// Codes of values: an integer is its own, any other value gets the next free one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codes {
    codes: BTreeMap<Ordered, i64>,
    values: Vec<Value>,
}

impl Codes {
    /// The code of a value: the same for equal values.
    #[inline]
    pub(crate) fn code(&mut self, value: &Value) -> i64 {
        match value {
            Value::Int(int) => self.int(*int),
            other => self.other(other),
        }
    }

    /// The code of an integer.
    #[inline]
    pub(crate) fn int(&mut self, int: i64) -> i64 {
        if int >= OTHERS_END { int } else { self.other(&Value::Int(int)) }
    }

    /// True if an integer is its own code.
    #[inline]
    pub(crate) const fn is_plain(int: i64) -> bool {
        int >= OTHERS_END
    }

    fn other(&mut self, value: &Value) -> i64 {
        let next = i64::MIN + self.values.len() as i64;
        let code = *self.codes.entry(Ordered(value.clone())).or_insert(next);
        if code == next {
            self.values.push(value.clone());
        }
        code
    }

    /// The value that a code stands for.
    pub(crate) fn value(&self, code: i64) -> Value {
        if code >= OTHERS_END {
            return Value::Int(code);
        }
        let at = usize::try_from(code.wrapping_sub(i64::MIN)).unwrap_or(usize::MAX);
        self.values.get(at).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_for_their_values() {
        let mut codes = Codes::default();
        let values = [
            Value::Int(7),
            Value::Int(i64::MIN),
            Value::Int(i64::MAX),
            Value::from("x"),
            Value::from("7"),
            Value::Float(7.0),
            Value::ints(vec![1, 2]),
            Value::Null,
        ];
        let first: Vec<i64> = values.iter().map(|value| codes.code(value)).collect();
        let again: Vec<i64> = values.iter().map(|value| codes.code(value)).collect();
        assert_eq!(first, again);
        for (code, value) in first.iter().zip(&values) {
            assert_eq!(codes.value(*code), *value);
            assert_eq!(first.iter().filter(|other| *other == code).count(), 1);
        }
        assert_eq!(codes.code(&Value::Keyword(&"x")), codes.code(&Value::from("x")));
    }
}
