//! JSON for people: one entry a line, short things on one line.

use kolk_history::Value;

/// How many columns a list or a map may take on one line.
const WIDTH: usize = 100;

/// Appends a value, indented, with a line end behind it. Keywords lose their question mark.
pub fn write_pretty(out: &mut Vec<u8>, value: &Value) {
    write(out, value, 0);
    out.push(b'\n');
}

fn write(out: &mut Vec<u8>, value: &Value, indent: usize) {
    match value {
        Value::Map(entries) if !fits(value, indent) => {
            out.push(b'{');
            for (number, (key, value)) in entries.iter().enumerate() {
                begin_line(out, number, indent + 2);
                kolk_history::value::write_json(out, &key_text(key));
                out.extend_from_slice(b": ");
                write(out, value, indent + 2);
            }
            end_lines(out, b'}', indent);
        }
        Value::List(values) if !fits(value, indent) => {
            out.push(b'[');
            for (number, value) in values.iter().enumerate() {
                begin_line(out, number, indent + 2);
                write(out, value, indent + 2);
            }
            end_lines(out, b']', indent);
        }
        value => write_line(out, value),
    }
}

/// A value on one line, with spaces. Long lists of integers stay there too: nobody reads them,
/// programs do.
fn write_line(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Map(entries) => {
            out.push(b'{');
            for (number, (key, value)) in entries.iter().enumerate() {
                out.extend_from_slice(if number > 0 { b", " } else { b"" });
                kolk_history::value::write_json(out, &key_text(key));
                out.extend_from_slice(b": ");
                write_line(out, value);
            }
            out.push(b'}');
        }
        Value::List(values) => {
            out.push(b'[');
            for (number, value) in values.iter().enumerate() {
                out.extend_from_slice(if number > 0 { b", " } else { b"" });
                write_line(out, value);
            }
            out.push(b']');
        }
        // Many a reader of JSON refuses a whole text for one number that no float holds.
        Value::Float(float) if float.is_infinite() => {
            kolk_history::value::write_json(out, &Value::text(value.to_string()));
        }
        value => kolk_history::value::write_json(out, value),
    }
}

fn fits(value: &Value, indent: usize) -> bool {
    let mut text = Vec::new();
    match value {
        Value::Map(entries) if entries.len() > 12 => false,
        Value::List(values) if values.len() > 40 => false,
        value => {
            write_line(&mut text, value);
            indent + text.len() <= WIDTH
        }
    }
}

fn begin_line(out: &mut Vec<u8>, number: usize, indent: usize) {
    if number > 0 {
        out.push(b',');
    }
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', indent));
}

fn end_lines(out: &mut Vec<u8>, close: u8, indent: usize) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', indent));
    out.push(close);
}

/// A key as text: JSON has no others.
fn key_text(key: &Value) -> Value {
    match key {
        Value::Text(_) | Value::Keyword(_) => key.clone(),
        other => Value::text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_pretty_and_still_json() {
        let long: Vec<String> = (0..30).map(|n| format!("\"value {n}\"")).collect();
        let json =
            format!("{{\"a\":[1,2],\"b\":{{\"c\":[{}]}},\"d\":[],\"e\":{{}}}}", long.join(","));
        let value = Value::from_json(&json).unwrap();
        let mut out = Vec::new();
        write_pretty(&mut out, &value);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("{\n  \"a\": [1,2],\n  \"b\": {\n    \"c\": [\n      \"value 0\",\n"),
            "{text}"
        );
        assert!(text.ends_with("    ]\n  },\n  \"d\": [],\n  \"e\": {}\n}\n"), "{text}");
        assert_eq!(Value::from_json(text.trim()).unwrap(), value);
    }

    #[test]
    fn keys_lose_their_question_mark() {
        let value = Value::map(vec![(Value::Keyword(&"valid?"), Value::Bool(true))]);
        let mut out = Vec::new();
        write_pretty(&mut out, &value);
        assert_eq!(String::from_utf8(out).unwrap(), "{\"valid\": true}\n");
    }
}
