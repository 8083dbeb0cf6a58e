//! Operations as columns, and what they asked for and got as texts.

use std::io;

use kolk_history::{Function, History, Operation, Outcome, Phase, Value, value};

use super::columns::{Columns, or_zero};
use super::pack::Sections;
use super::texts::Texts;

/// How many bytes of a value are kept. The whole of it stands in the message that carried it.
const VALUE_BYTES_MAX: usize = 1 << 11;

/// The table of operations.
#[derive(Debug)]
pub struct Operations {
    /// How many there are.
    pub count: usize,
    /// Their columns.
    pub columns: Columns,
    /// With which operation each chunk of values begins.
    pub value_starts: Vec<u64>,
}

/// Writes the operations' texts, and makes their columns.
pub fn write(history: &History, sections: &mut Sections<'_>) -> io::Result<Operations> {
    let operations = &history.operations;
    let mut texts = Texts::new("values");
    let mut text = Vec::new();
    for operation in operations {
        text.clear();
        write_value(&mut text, &operation.value);
        text.push(b'\n');
        write_value(&mut text, &operation.result);
        let node = operation.node.map_or(0, |node| 1 + u64::from(node));
        texts.push_like(node << 8 | function_number(operation.function), &text, sections)?;
    }
    Ok(Operations {
        count: operations.len(),
        columns: columns(operations),
        value_starts: texts.finish(sections)?,
    })
}

fn columns(operations: &[Operation]) -> Columns {
    let mut columns = Columns::default();
    let all = || operations.iter();
    columns.differences(all().map(|operation| u64::from(operation.index)));
    columns.differences(all().map(|operation| operation.invoked.as_nanos()));
    columns.plain(all().map(|operation| match operation.completion_index {
        Some(_) => 1 + (operation.completed - operation.invoked).as_nanos() as u64,
        None => 0,
    }));
    columns.plain(all().map(|operation| u64::from(operation.process)));
    columns.plain(all().map(|operation| or_zero(operation.node.map(u32::from))));
    columns.plain(all().map(|operation| function_number(operation.function)));
    columns.plain(all().map(|operation| match operation.outcome {
        Outcome::Ok => 0,
        Outcome::Fail => 1,
        Outcome::Info => 2,
    }));
    columns.plain(all().map(|operation| match operation.phase {
        Phase::Load => 0,
        Phase::Final => 1,
        Phase::Convergence => 2,
    }));
    columns
}

/// A function's place among [`Function::ALL`], whose names the page knows.
fn function_number(function: Function) -> u64 {
    Function::ALL.iter().position(|known| *known == function).unwrap_or_default() as u64
}

/// A value as JSON; of a long one the beginning, and how long it is.
fn write_value(out: &mut Vec<u8>, value: &Value) {
    let begin = out.len();
    // Each number of a list takes two bytes at least: more of them need not be written to be cut.
    if let Value::Ints(ints) = value
        && ints.len() > VALUE_BYTES_MAX / 2
    {
        value::write_json(out, &Value::ints(ints[..VALUE_BYTES_MAX / 2].to_vec()));
        out.truncate(begin + VALUE_BYTES_MAX);
        out.extend_from_slice(format!("… ({} numbers in all)", ints.len()).as_bytes());
        return;
    }
    value::write_json(out, value);
    let bytes = out.len() - begin;
    if bytes > VALUE_BYTES_MAX {
        let mut end = begin + VALUE_BYTES_MAX;
        while !is_boundary(out[end]) {
            end -= 1;
        }
        out.truncate(end);
        out.extend_from_slice(format!("… ({bytes} bytes in all)").as_bytes());
    }
}

/// True for a byte with which a character of UTF-8 begins.
fn is_boundary(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}
