//! Operations in one line each.

use kolk_history::{History, Operation, Value};
use unicode_width::UnicodeWidthStr;

use crate::numbers::grouped;
use crate::sanitize::{excerpt, sanitize};
use crate::style::{Role, Style};
use crate::table::{self, Cell};

/// How many columns a value gets before it is cut short.
const VALUE_WIDTH: usize = 40;

/// The operation whose invocation has this event index, or whose completion has.
pub fn find(history: &History, index: u32) -> Option<&Operation> {
    let operations = &history.operations;
    match operations.binary_search_by_key(&index, |operation| operation.index) {
        Ok(at) => Some(&operations[at]),
        Err(_) => operations.iter().find(|operation| {
            operation.completion_index.is_some_and(|completion| completion.get() == index)
        }),
    }
}

/// Operations as a table, each on a line:
/// `op 418  process 5 → n2  write 7  ok  11.102 … 11.310 s`.
pub fn table(history: &History, operations: &[&Operation], indent: usize, style: Style) -> String {
    let rows: Vec<Vec<Cell>> = operations
        .iter()
        .map(|operation| {
            let role = match operation.outcome {
                kolk_history::Outcome::Ok => Role::Faint,
                kolk_history::Outcome::Fail => Role::Bad,
                kolk_history::Outcome::Info => Role::Doubtful,
            };
            vec![
                Cell::left(format!("op {}", operation.index)),
                Cell::left(who(history, operation)),
                Cell::left(what(operation)).role(Role::Strong),
                Cell::left(operation.outcome.name()).role(role),
                Cell::left(when(operation)).role(Role::Faint),
            ]
        })
        .collect();
    table::draw(&rows, indent, style)
}

/// One operation as a line.
pub fn line(history: &History, operation: &Operation) -> String {
    format!(
        "op {}, {}: {}, {}, {}",
        operation.index,
        who(history, operation),
        what(operation),
        operation.outcome.name(),
        when(operation)
    )
}

/// `process 5 → n2`.
fn who(history: &History, operation: &Operation) -> String {
    match history.node_name(operation) {
        Some(node) => format!("process {} → {}", operation.process, sanitize(node)),
        None => format!("process {}", operation.process),
    }
}

/// `write 7`, `read → [1,2,3]`, `cas [1,2]: 22 (precondition-failed)`.
fn what(operation: &Operation) -> String {
    let mut text = operation.function.name().to_owned();
    if !operation.value.is_null() {
        text.push(' ');
        text.push_str(&value(&operation.value));
    }
    if operation.result.is_null() || (operation.is_ok() && operation.result == operation.value) {
        return text;
    }
    text.push_str(if operation.is_ok() { " → " } else { ": " });
    text.push_str(&value(&operation.result));
    text
}

/// A value in few columns: what is long is counted instead of shown.
pub fn value(value: &Value) -> String {
    let count = match value {
        Value::Ints(ints) => ints.len(),
        Value::Pairs(pairs) => pairs.len(),
        Value::List(list) => list.len(),
        Value::MicroOps(micro_ops) => micro_ops.len(),
        Value::Map(map) => map.len(),
        _ => 0,
    };
    // Long lists are not even written out: a read may hold a million elements.
    if count > VALUE_WIDTH {
        return format!("{} values", grouped(count as u64));
    }
    let text = value.to_string();
    if count > 0 && text.width() > VALUE_WIDTH {
        return format!("{count} values");
    }
    excerpt(&text, None, VALUE_WIDTH).text
}

/// `11.102 … 11.310 s`.
fn when(operation: &Operation) -> String {
    let begin = operation.invoked.to_string();
    if operation.completion_index.is_none() {
        return format!("{begin} … never");
    }
    format!("{} … {}", begin.trim_end_matches(" s"), operation.completed)
}
