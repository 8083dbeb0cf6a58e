//! The writer, in the spacing of Clojure's printer.

use crate::Value;

/// Appends a value on one line: `{:valid? true, :lost [1 2]}`. Lists are written as vectors.
pub fn write(out: &mut Vec<u8>, value: &Value) {
    compact(out, value, [b'[', b']']);
}

/// Appends a value over as many lines as it takes to stay within `width` columns where that can be
/// done, lists in round brackets: the look of Jepsen's `results.edn`.
pub fn write_pretty(out: &mut Vec<u8>, value: &Value, width: usize) {
    pretty(out, value, width, 0);
}

const ROUND: [u8; 2] = [b'(', b')'];

fn compact(out: &mut Vec<u8>, value: &Value, brackets: [u8; 2]) {
    let mut digits = itoa::Buffer::new();
    match value {
        Value::Null => out.extend_from_slice(b"nil"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(int) => out.extend_from_slice(digits.format(*int).as_bytes()),
        Value::BigInt(int) => {
            out.extend_from_slice(int.as_bytes());
            out.push(b'N');
        }
        Value::Float(float) => write_float(out, *float),
        Value::Text(text) => write_string(out, text),
        Value::Keyword(word) => {
            out.push(b':');
            out.extend_from_slice(word.as_bytes());
        }
        Value::Ints(ints) => {
            out.push(brackets[0]);
            for (place, int) in ints.iter().enumerate() {
                if place > 0 {
                    out.push(b' ');
                }
                out.extend_from_slice(digits.format(*int).as_bytes());
            }
            out.push(brackets[1]);
        }
        Value::Pairs(pairs) => {
            out.push(brackets[0]);
            for (place, [first, second]) in pairs.iter().enumerate() {
                out.extend_from_slice(if place > 0 { b" " } else { b"" });
                out.push(brackets[0]);
                out.extend_from_slice(digits.format(*first).as_bytes());
                out.push(b' ');
                out.extend_from_slice(digits.format(*second).as_bytes());
                out.push(brackets[1]);
            }
            out.push(brackets[1]);
        }
        Value::List(values) => {
            out.push(brackets[0]);
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    out.push(b' ');
                }
                compact(out, value, brackets);
            }
            out.push(brackets[1]);
        }
        Value::MicroOps(micro_ops) => {
            compact(out, &Value::list(micro_ops.to_list()), brackets);
        }
        Value::Map(entries) => {
            out.push(b'{');
            for (place, (key, value)) in entries.iter().enumerate() {
                if place > 0 {
                    out.extend_from_slice(b", ");
                }
                compact(out, key, brackets);
                out.push(b' ');
                compact(out, value, brackets);
            }
            out.push(b'}');
        }
    }
}

fn pretty(out: &mut Vec<u8>, value: &Value, width: usize, column: usize) {
    let start = out.len();
    compact(out, value, ROUND);
    if column + (out.len() - start) <= width {
        return;
    }
    match value {
        Value::Map(entries) if !entries.is_empty() => {
            out.truncate(start);
            out.push(b'{');
            for (place, (key, value)) in entries.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                    indent(out, column + 1);
                }
                let key_start = out.len();
                compact(out, key, ROUND);
                out.push(b' ');
                let column = column + 1 + (out.len() - key_start);
                pretty(out, value, width, column);
            }
            out.push(b'}');
        }
        Value::List(values) if !values.is_empty() => {
            out.truncate(start);
            out.push(b'(');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    indent(out, column + 1);
                }
                pretty(out, value, width, column + 1);
            }
            out.push(b')');
        }
        Value::MicroOps(micro_ops) => {
            out.truncate(start);
            pretty(out, &Value::list(micro_ops.to_list()), width, column);
        }
        // A long list of integers or of pairs reads best as one paragraph.
        _ => {}
    }
}

fn indent(out: &mut Vec<u8>, column: usize) {
    out.push(b'\n');
    out.resize(out.len() + column, b' ');
}

fn write_float(out: &mut Vec<u8>, float: f64) {
    if float.is_finite() {
        out.extend_from_slice(format!("{float:?}").as_bytes());
    } else if float.is_nan() {
        out.extend_from_slice(b"##NaN");
    } else if float > 0.0 {
        out.extend_from_slice(b"##Inf");
    } else {
        out.extend_from_slice(b"##-Inf");
    }
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\')) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        match rest.as_bytes()[at] {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}
