//! Keys and values of stores: any JSON, compared by value.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::message::write_string;
use crate::scan::{ScanError, Scanner};

/// A JSON value as text in one canonical form, so that two are equal if their texts are.
///
/// Equality is Maelstrom's, which is Clojure's: the order of an object's keys and the way
/// a string is escaped do not matter; the integer `1` and the floating-point number `1.0` differ,
/// `1.0`, `1.00` and `1e0` do not; integers of any size are exact. Of a key that comes twice in an
/// object the last one counts.
///
/// ```
/// use kolk_protocol::Datum;
///
/// let datum: Datum = serde_json::from_str(r#"{"b": 1, "a": [2.50]}"#).unwrap();
/// assert_eq!(datum.text(), r#"{"a":[2.5],"b":1}"#);
/// assert_eq!(Datum::of(&7), Datum::parse("7").unwrap());
/// assert_eq!(Datum::of(&7).read::<u8>().unwrap(), 7);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Datum(Arc<str>);

impl Datum {
    /// Reads a JSON value.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, is nested more than [`DEPTH_MAX`](crate::scan::DEPTH_MAX) deep, or
    /// a string in it holds half of a surrogate pair.
    pub fn parse(json: &str) -> Result<Datum, ScanError> {
        if is_canonical_scalar(json) {
            return Ok(Datum(json.into()));
        }
        let mut out = Vec::with_capacity(json.len());
        let mut scanner = Scanner::new(json);
        canonicalize(&mut scanner, &mut out)?;
        scanner.end()?;
        // What was copied is text and what was written is JSON.
        Ok(Datum(String::from_utf8_lossy(&out).into()))
    }

    /// JSON's null.
    pub fn null() -> Datum {
        Datum("null".into())
    }

    /// Serialises a value with serde.
    ///
    /// # Panics
    ///
    /// If the value cannot be serialised as JSON, which is a mistake in its type.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Datum {
        let json = serde_json::to_string(value).expect("a value that can be written as JSON");
        Datum::parse(&json).expect("what serde writes is JSON")
    }

    /// Deserialises the JSON with serde.
    ///
    /// # Errors
    ///
    /// If the JSON does not fit the type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// The canonical text of this value.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Datum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Datum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Datum, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Datum::parse(raw.get()).map_err(D::Error::custom)
    }
}

/// The common cases: a string without escapes, and an integer. `json` must be JSON.
fn is_canonical_scalar(json: &str) -> bool {
    match json.as_bytes() {
        [b'"', inner @ .., b'"'] => !inner.contains(&b'\\'),
        [b'-', b'0'] | [] => false,
        [b'-' | b'0'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn canonicalize(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), ScanError> {
    match scanner.peek() {
        Some(b'"') => write_string(out, &scanner.string()?),
        Some(b'-' | b'0'..=b'9') => write_number(scanner.number()?, out),
        Some(b'[') => {
            scanner.enter()?;
            scanner.take(b'[');
            out.push(b'[');
            if !scanner.take(b']') {
                loop {
                    canonicalize(scanner, out)?;
                    if !scanner.take(b',') {
                        scanner.expect(b']', "expected `,` or `]`")?;
                        break;
                    }
                    out.push(b',');
                }
            }
            scanner.leave();
            out.push(b']');
        }
        Some(b'{') => {
            let mut entries = BTreeMap::new();
            scanner.object(|scanner, key, _| {
                let mut value = Vec::new();
                canonicalize(scanner, &mut value)?;
                entries.insert(key, value);
                Ok::<(), ScanError>(())
            })?;
            out.push(b'{');
            for (number, (key, value)) in entries.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                write_string(out, key);
                out.push(b':');
                out.extend_from_slice(value);
            }
            out.push(b'}');
        }
        _ => out.extend_from_slice(scanner.value()?.as_bytes()),
    }
    Ok(())
}

fn write_number(text: &str, out: &mut Vec<u8>) {
    let is_integer = text.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9'));
    if is_integer {
        out.extend_from_slice(if text == "-0" { b"0" } else { text.as_bytes() });
        return;
    }
    match text.parse::<f64>() {
        Ok(0.0) => out.extend_from_slice(b"0.0"),
        // Serde's numbers are the shortest that read back the same, and keep their `.0`.
        Ok(float) if float.is_finite() => match serde_json::to_string(&float) {
            Ok(shortest) => out.extend_from_slice(shortest.as_bytes()),
            Err(_) => out.extend_from_slice(text.as_bytes()),
        },
        _ => out.extend_from_slice(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::DEPTH_MAX;

    fn canonical(json: &str) -> String {
        Datum::parse(json).expect(json).text().to_owned()
    }

    #[test]
    fn equal_values_have_equal_texts() {
        for (a, b, equal) in [
            ("1", "1", true),
            ("1", "1.0", false),
            ("1.0", "1.00", true),
            ("1.0", "1e0", true),
            ("0.0", "-0.0", true),
            ("0", "-0", true),
            ("18446744073709551616", "18446744073709551617", false),
            ("1", "\"1\"", false),
            (r#""a""#, r#""\u0061""#, true),
            (r#""é""#, r#""\u00e9""#, true),
            ("null", "false", false),
            (r#"{"a":1,"b":2}"#, r#"{ "b" : 2, "a" : 1 }"#, true),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
            (r#"{"a":null}"#, "{}", false),
            ("[1,2]", "[ 1 , 2 ]", true),
            ("[1,2]", "[2,1]", false),
            ("[]", "{}", false),
            (r#"[{"b":[1.50],"a":{}}]"#, r#"[{"a":{},"b":[1.5]}]"#, true),
        ] {
            assert_eq!(canonical(a) == canonical(b), equal, "{a} {b}");
        }
    }

    #[test]
    fn canonical_text_is_the_same_json() {
        for json in [
            "null",
            "-12",
            "1e300",
            "1e-7",
            r#""tab\tquote\"back\\slash""#,
            r#"{"x":[1,2,{"y":[]}],"z":"\u0001"}"#,
        ] {
            let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
            let text = canonical(json);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
            assert_eq!(canonical(&text), text, "canonical text stays as it is");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested =
                |levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
            assert!(Datum::parse(&nested(DEPTH_MAX)).is_ok());
            assert!(Datum::parse(&nested(DEPTH_MAX + 1)).is_err());
            assert!(Datum::parse(&open.repeat(200_000)).is_err());
        }
    }

    #[test]
    fn what_is_no_text_is_no_value() {
        assert!(Datum::parse(r#""\ud800""#).is_err());
    }
}
