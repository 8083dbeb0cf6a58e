//! Small helpers for the tree of results.

use kolk_history::{Operation, Value};

/// A value in a sentence: the beginning of one that is long.
pub(crate) fn excerpt(value: &Value) -> String {
    const CHARS_MAX: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A keyword.
pub(crate) fn key(word: &'static &'static str) -> Value {
    Value::Keyword(word)
}

/// A string.
pub(crate) fn text(text: impl AsRef<str>) -> Value {
    Value::text(text.as_ref())
}

/// A list.
pub(crate) fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::list(values.into_iter().collect())
}

/// A count.
pub(crate) fn count(count: impl TryInto<i64>) -> Value {
    Value::Int(count.try_into().unwrap_or(i64::MAX))
}

/// `number` in single precision and its shortest digits, as Clojure prints the `float`s that
/// Jepsen makes: 18.019512 rather than 18.01951219512195.
pub(crate) fn single(number: f64) -> Value {
    let shortest = (number as f32).to_string();
    Value::Float(shortest.parse().unwrap_or(number))
}

/// The points at which Jepsen takes quantiles, and how it prints them.
pub(crate) const QUANTILES: [(f64, Value); 5] = [
    (0.0, Value::Int(0)),
    (0.5, Value::Float(0.5)),
    (0.95, Value::Float(0.95)),
    (0.99, Value::Float(0.99)),
    (1.0, Value::Int(1)),
];

/// The element at a quantile of a sorted list that is not empty: number ⌊n·p⌋, at most the last.
pub(crate) fn quantile<T: Copy>(sorted: &[T], point: f64) -> T {
    let at = (sorted.len() as f64 * point).floor() as usize;
    sorted[at.min(sorted.len() - 1)]
}

/// The quantiles of a sorted list as a map; `None` if it is empty.
pub(crate) fn quantiles<T: Copy>(sorted: &[T], value: impl Fn(T) -> Value) -> Option<Value> {
    if sorted.is_empty() {
        return None;
    }
    let entries = QUANTILES.into_iter().map(|(point, key)| (key, value(quantile(sorted, point))));
    Some(Value::map(entries.collect()))
}

/// An operation's invocation, in short.
pub(crate) fn invocation(operation: &Operation) -> Value {
    Value::map(vec![
        (key(&"index"), count(operation.index)),
        (key(&"time"), count(operation.invoked.as_nanos())),
        (key(&"type"), key(&"invoke")),
        (key(&"process"), count(operation.process)),
        (key(&"f"), operation.function.keyword()),
        (key(&"value"), operation.value.clone()),
    ])
}

/// A few items, and how many more there are: `3, 5, 9 and 60 more`.
pub(crate) fn some_of<T: ToString>(items: impl ExactSizeIterator<Item = T>, most: usize) -> String {
    let more = items.len().saturating_sub(most);
    let shown: Vec<String> = items.take(most).map(|item| item.to_string()).collect();
    let mut text = shown.join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_jepsens() {
        assert_eq!(single(3694.0 / 205.0).to_string(), "18.019512");
        assert_eq!(single(3264.0 / 205.0).to_string(), "15.921951");
        assert_eq!(single(1.0).to_string(), "1.0");
    }

    #[test]
    fn quantiles_are_jepsens() {
        let points = |n: i64| quantiles(&(0..n).collect::<Vec<_>>(), Value::Int);
        assert_eq!(points(0), None);
        for (n, expected) in [
            (1, r#"{"0":0,"0.5":0,"0.95":0,"0.99":0,"1":0}"#),
            (2, r#"{"0":0,"0.5":1,"0.95":1,"0.99":1,"1":1}"#),
            (100, r#"{"0":0,"0.5":50,"0.95":95,"0.99":99,"1":99}"#),
        ] {
            assert_eq!(points(n).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn some_of_many() {
        assert_eq!(some_of([1, 2].iter(), 3), "1, 2");
        assert_eq!(some_of([1, 2, 3, 4].iter(), 2), "1, 2 and 2 more");
    }
}
