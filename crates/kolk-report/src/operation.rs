//! Operations in one line each.

use kolk_history::{Function, History, Operation, Value};
use unicode_width::UnicodeWidthStr;

use crate::numbers::grouped;
use crate::sanitize::{excerpt, sanitize};
use crate::style::{Role, Style};
use crate::table::{self, Cell};

/// How many columns a value gets before it is cut short.
const VALUE_WIDTH: usize = 40;

/// How many columns a transaction gets before its further micro-operations are only counted.
const TRANSACTION_WIDTH: usize = 60;

/// How many elements of a list a transaction shows: the last ones.
const ELEMENTS_MAX: usize = 5;

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

/// `write 7`, `read → [1,2,3]`, `cas [1,2]: 22 (precondition-failed)`, `txn r 9 nothing, w 9 1`.
pub fn what(operation: &Operation) -> String {
    // What a transaction did says what it was asked to do.
    let name = operation.function.name();
    let is_transaction = operation.function == Function::Txn;
    if is_transaction
        && operation.is_ok()
        && let Some(done) = transaction(&operation.result, "nothing")
    {
        return format!("{name} {done}");
    }
    let mut text = name.to_owned();
    if !operation.value.is_null() {
        let asked = if is_transaction { transaction(&operation.value, "") } else { None };
        text.push(' ');
        text.push_str(&asked.unwrap_or_else(|| value(&operation.value)));
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

/// `append 9 3, r 8 [1 2]`, with what stands for a value that is not there; `None` if these are no
/// micro-operations.
fn transaction(micro_ops: &Value, none: &str) -> Option<String> {
    let micro_ops = micro_ops.as_list()?;
    let mut text = String::new();
    for (shown, micro_op) in micro_ops.iter().enumerate() {
        let micro_op = micro_op.as_list()?;
        let parts: Vec<String> = micro_op.iter().map(|part| part_text(part, none)).collect();
        let next = parts.join(" ");
        if shown > 0 && text.width() + next.width() > TRANSACTION_WIDTH {
            text += &format!(", and {} more", micro_ops.len() - shown);
            break;
        }
        text += if shown > 0 { ", " } else { "" };
        text += next.trim_end();
    }
    Some(text)
}

/// A function, a key, what was written or read: `r`, `9`, `[1 2]`.
fn part_text(part: &Value, none: &str) -> String {
    if part.is_null() {
        return none.to_owned();
    }
    if let Some(items) = part.as_list() {
        let hidden = items.len().saturating_sub(ELEMENTS_MAX);
        let last: Vec<String> = items[hidden..].iter().map(value).collect();
        let hidden = if hidden > 0 { format!("({hidden} more) ") } else { String::new() };
        return format!("[{hidden}{}]", last.join(" "));
    }
    part.as_str().map_or_else(|| value(part), |text| excerpt(text, None, VALUE_WIDTH).text)
}

/// `11.102 … 11.310 s`.
fn when(operation: &Operation) -> String {
    let begin = operation.invoked.to_string();
    if operation.completion_index.is_none() {
        return format!("{begin} … never");
    }
    format!("{} … {}", begin.trim_end_matches(" s"), operation.completed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(completion: &str) -> String {
        let invoked = r#"[["r",9,null],["append",8,3]]"#;
        let history = format!(
            "{{\"index\":0,\"time\":0,\"type\":\"invoke\",\"process\":0,\"f\":\"txn\",\"value\":{invoked}}}\n\
             {{\"index\":1,\"time\":1,\"process\":0,\"f\":\"txn\",{completion}}}\n"
        );
        let history = kolk_history::read(history.as_bytes(), Vec::new()).expect("a history");
        what(&history.operations[0])
    }

    #[test]
    fn transactions_are_shown_by_what_they_did() {
        let many = format!("[{}]", [r#"["append",1000000,1000000]"#; 7].join(","));
        for (completion, expected) in [
            (r#""type":"ok","value":[["r",9,null],["append",8,3]]"#, "txn r 9 nothing, append 8 3"),
            (
                r#""type":"ok","value":[["r",9,[1,2,3,4,5,6,7]],["append",8,3]]"#,
                "txn r 9 [(2 more) 3 4 5 6 7], append 8 3",
            ),
            (
                &format!(r#""type":"ok","value":{many}"#),
                "txn append 1000000 1000000, append 1000000 1000000, and 5 more",
            ),
            (r#""type":"info","value":[["r",9,null],["append",8,3]]"#, "txn r 9, append 8 3"),
        ] {
            assert_eq!(shown(completion), expected, "{completion}");
        }
    }
}
