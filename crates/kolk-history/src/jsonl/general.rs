//! Any record in JSON, read with care: all of JSON, no digit of an integer lost, and errors that
//! say what is wrong and where.

use std::borrow::Cow;

use kolk_protocol::scan::{ScanError, Scanner};

use crate::Value;
use crate::fields::{Fields, Process};
use crate::value::scan;

/// Why a text is not a record.
#[derive(Debug)]
pub(crate) struct RecordError {
    /// Where, in bytes from the beginning of the text.
    pub offset: usize,
    /// What is wrong.
    pub problem: Cow<'static, str>,
}

impl From<ScanError> for RecordError {
    fn from(error: ScanError) -> RecordError {
        RecordError { offset: error.offset, problem: error.reason.into() }
    }
}

/// The names of the fields, each of which may come once.
const NAMES: [&str; 11] = [
    "index",
    "time",
    "type",
    "process",
    "f",
    "key",
    "value",
    "final",
    "convergence",
    "node",
    "error",
];

/// Reads one record; keys that are not known are passed over.
pub(crate) fn record(text: &str) -> Result<Fields<'_>, RecordError> {
    let mut scanner = Scanner::new(text);
    if scanner.peek() != Some(b'{') {
        let problem = "expected an event: an object".into();
        return Err(RecordError { offset: scanner.offset(), problem });
    }
    let mut fields = Fields::default();
    let mut seen = 0_u32;
    scanner.object(|scanner, key, key_at| {
        let Some(number) = NAMES.iter().position(|name| *name == key) else {
            scanner.value()?;
            return Ok(());
        };
        if seen >> number & 1 == 1 {
            let problem = format!("the key `{key}` comes twice").into();
            return Err(RecordError { offset: key_at, problem });
        }
        seen |= 1 << number;
        field(&mut fields, NAMES[number], scanner)
    })?;
    scanner.end()?;
    Ok(fields)
}

fn field<'a>(
    fields: &mut Fields<'a>,
    name: &str,
    scanner: &mut Scanner<'a>,
) -> Result<(), RecordError> {
    let offset = scanner.offset();
    let wrong = |value: &Value, what: &str| RecordError {
        offset,
        problem: format!("`{name}` is {value}, which is not {what}").into(),
    };
    match name {
        "type" => fields.kind = text(scanner, wrong)?,
        "f" => fields.function = text(scanner, wrong)?,
        "node" => fields.node = text(scanner, wrong)?,
        "key" => fields.key = Some(scan(scanner)?),
        "value" => fields.value = scan(scanner)?,
        "error" => fields.error = scan(scanner)?,
        "index" => match scan(scanner)? {
            Value::Null => {}
            Value::Int(int) => fields.index = Some(int),
            other => return Err(wrong(&other, "an integer of 64 bits")),
        },
        "time" => match scan(scanner)? {
            Value::Null => {}
            Value::Int(int) => fields.time = Some(u64::try_from(int).unwrap_or(0)),
            other => {
                let time = other.to_string().parse();
                fields.time = Some(time.map_err(|_| wrong(&other, "a time in nanoseconds"))?);
            }
        },
        "process" => match scan(scanner)? {
            Value::Null => {}
            Value::Int(int) => fields.process = Some(Process::Client(int)),
            Value::Text(name) => fields.process = Some(Process::named(&name)),
            other => return Err(wrong(&other, "an integer of 32 bits or a name")),
        },
        mark => match (mark, scan(scanner)?) {
            (_, Value::Null) => {}
            ("final", Value::Bool(truth)) => fields.is_final = truth,
            (_, Value::Bool(truth)) => fields.convergence = truth,
            (_, other) => return Err(wrong(&other, "true or false")),
        },
    }
    Ok(())
}

/// Takes a string, or null.
fn text<'a>(
    scanner: &mut Scanner<'a>,
    wrong: impl Fn(&Value, &str) -> RecordError,
) -> Result<Option<Cow<'a, str>>, RecordError> {
    if scanner.peek() == Some(b'"') {
        return Ok(Some(scanner.string()?));
    }
    match scan(scanner)? {
        Value::Null => Ok(None),
        other => Err(wrong(&other, "a string")),
    }
}
