//! An order of all values, so that any JSON can be an id or an element.

use std::cmp::Ordering;

use kolk_history::Value;

/// Orders any two values. Values are equal here iff JSON (and Clojure's `=`) calls them equal: an
/// integer is no float, and the order of a map's entries says nothing.
pub(crate) fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Text(_) | Value::Keyword(_), Value::Text(_) | Value::Keyword(_)) => {
            a.as_str().cmp(&b.as_str())
        }
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::BigInt(a), Value::BigInt(b)) => big(a).cmp(&big(b)),
        (Value::BigInt(big), Value::Int(_)) => above(big),
        (Value::Int(_), Value::BigInt(big)) => above(big).reverse(),
        (Value::Ints(a), Value::Ints(b)) => a.cmp(b),
        (Value::Pairs(a), Value::Pairs(b)) => a.cmp(b),
        (Value::Map(a), Value::Map(b)) => {
            let entries = |map: &[(Value, Value)]| {
                let mut entries = map.to_vec();
                entries.sort_by(|(a, _), (b, _)| order(a, b));
                entries
            };
            let pairs = |(a, x): &(Value, Value), (b, y): &(Value, Value)| {
                order(a, b).then_with(|| order(x, y))
            };
            lexicographic(&entries(a), &entries(b), pairs)
        }
        (
            Value::Ints(_) | Value::Pairs(_) | Value::List(_) | Value::MicroOps(_),
            Value::Ints(_) | Value::Pairs(_) | Value::List(_) | Value::MicroOps(_),
        ) => {
            lexicographic(&a.as_list().unwrap_or_default(), &b.as_list().unwrap_or_default(), order)
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// What a value's type is, for the order and for whether two values can be compared by size.
pub(crate) fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::BigInt(_) => 2,
        Value::Float(_) => 4,
        Value::Text(_) | Value::Keyword(_) => 5,
        Value::Ints(_) | Value::Pairs(_) | Value::List(_) | Value::MicroOps(_) => 6,
        Value::Map(_) => 7,
    }
}

/// How a big integer compares to any that is not.
fn above(big: &str) -> Ordering {
    if big.starts_with('-') { Ordering::Less } else { Ordering::Greater }
}

/// A big integer's digits as something that is ordered like the number.
fn big(digits: &str) -> (bool, isize, Ordered<'_>) {
    let negative = digits.starts_with('-');
    let length = digits.len() as isize;
    (!negative, if negative { -length } else { length }, Ordered { digits, negative })
}

#[derive(PartialEq, Eq)]
struct Ordered<'a> {
    digits: &'a str,
    negative: bool,
}

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.digits.cmp(other.digits);
        if self.negative { order.reverse() } else { order }
    }
}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn lexicographic<T>(a: &[T], b: &[T], order: impl Fn(&T, &T) -> Ordering) -> Ordering {
    let differing = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
    differing.unwrap_or_else(|| a.len().cmp(&b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In ascending order.
    const VALUES: &[&str] = &[
        "null",
        "false",
        "true",
        "-99999999999999999999",
        "-88888888888888888888",
        "-3",
        "7",
        "18446744073709551615",
        "99999999999999999999",
        "-1.5",
        "7.0",
        r#""a""#,
        r#""b""#,
        "[]",
        "[1]",
        "[1,2]",
        r#"[1,"a"]"#,
        r#"["a"]"#,
        "{}",
        r#"{"a":1,"b":2}"#,
        r#"{"b":1}"#,
    ];

    #[test]
    fn is_a_total_order() {
        let values: Vec<Value> =
            VALUES.iter().map(|json| Value::from_json(json).unwrap()).collect();
        for (x, a) in values.iter().enumerate() {
            for (y, b) in values.iter().enumerate() {
                assert_eq!(order(a, b), x.cmp(&y), "{a} and {b}");
            }
        }
    }

    #[test]
    fn the_order_of_entries_says_nothing() {
        let map = |json| Value::from_json(json).unwrap();
        let (a, b) = (map(r#"{"a":1,"b":[2]}"#), map(r#"{"b":[2],"a":1}"#));
        assert_eq!(order(&a, &b), Ordering::Equal);
    }
}
