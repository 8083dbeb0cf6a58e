//! Operations in one line each.

mod log;

use kolk_check::Anomaly;
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

/// What of an operation matters where it is proof of an anomaly.
#[derive(Clone, Copy, Debug, Default)]
pub struct Focus<'a> {
    key: Option<&'a str>,
    values: &'a [Value],
}

impl<'a> From<&'a Anomaly> for Focus<'a> {
    fn from(anomaly: &'a Anomaly) -> Focus<'a> {
        Focus { key: anomaly.key.as_deref(), values: &anomaly.values }
    }
}

impl Focus<'_> {
    /// True for the key that is at fault.
    fn is_key(&self, key: &Value) -> bool {
        let is_it = |wanted: &str| match key.as_str() {
            Some(text) => text == wanted,
            None => key.to_string() == wanted,
        };
        self.key.is_some_and(is_it)
    }
}

/// The places of a list of this length that are worth showing: all if it is short, else those that
/// are wanted, with their neighbours, and the last ones.
fn shown_places(length: usize, last: usize, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    let is_near = |at: usize| {
        at + last >= length
            || wanted(at)
            || (at > 0 && wanted(at - 1))
            || (at + 1 < length && wanted(at + 1))
    };
    (0..length).filter(|at| is_near(*at)).collect()
}

/// Texts of these places, with how many are left out between them: `1 2 (40 more) 43`.
fn with_gaps(places: &[usize], length: usize, text: impl Fn(usize) -> String) -> String {
    let mut parts = Vec::new();
    let mut next = 0;
    for place in places.iter().copied().chain([length]) {
        if let Some(hidden @ 1..) = place.checked_sub(next) {
            parts.push(format!("({hidden} more)"));
        }
        if place < length {
            parts.push(text(place));
        }
        next = place + 1;
    }
    parts.join(" ")
}

/// Operations as a table, each on a line:
/// `op 418  process 5 → n2  write 7  ok  11.102 … 11.310 s`.
/// What of them matters is shown whatever else there is.
pub fn table(
    history: &History,
    operations: &[&Operation],
    focus: Focus<'_>,
    indent: usize,
    style: Style,
) -> String {
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
                Cell::left(what_of(operation, focus)).role(Role::Strong),
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

/// `write 7`, `read → [1,2,3]`, `cas [1,2]: 22 (precondition-failed)`, `txn r 9 nothing, w 9 1`,
/// `send 12 to key 7 → offset 3`.
pub fn what(operation: &Operation) -> String {
    what_of(operation, Focus::default())
}

/// The same, with what matters of it.
pub fn what_of(operation: &Operation, focus: Focus<'_>) -> String {
    if let Some(text) = log::what(operation, focus) {
        return text;
    }
    // What a transaction did says what it was asked to do.
    let name = operation.function.name();
    let is_transaction = operation.function == Function::Txn;
    if is_transaction
        && operation.is_ok()
        && let Some(done) = transaction(&operation.result, "nothing", focus)
    {
        return format!("{name} {done}");
    }
    let mut text = name.to_owned();
    if !operation.value.is_null() {
        let asked = if is_transaction { transaction(&operation.value, "", focus) } else { None };
        text.push(' ');
        text.push_str(&asked.unwrap_or_else(|| value(&operation.value)));
    }
    if operation.result.is_null() || (operation.is_ok() && operation.result == operation.value) {
        return text;
    }
    if !operation.is_ok() {
        return format!("{text}: {}", error(&operation.result));
    }
    text.push_str(" → ");
    text.push_str(&value(&operation.result));
    if operation.is_ok() && operation.function == Function::Read {
        text.push_str(&membership(&operation.result, focus.values));
    }
    text
}

/// Why an operation did not end well.
fn error(result: &Value) -> String {
    result.as_str().map_or_else(|| value(result), |text| excerpt(text, None, VALUE_WIDTH).text)
}

/// Which of these values a list that is too long to be shown holds, and which it does not.
fn membership(list: &Value, wanted: &[Value]) -> String {
    let Some(items) = list.as_list() else { return String::new() };
    if wanted.is_empty() || !value(list).ends_with(" values") {
        return String::new();
    }
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for value in wanted {
        match items.iter().filter(|item| *item == value).count() {
            0 => missing.push(self::value(value)),
            1 => there.push(self::value(value)),
            count => there.push(format!("{} {count} times", self::value(value))),
        }
    }
    let part = |word: &str, values: Vec<String>| match values.len() {
        0 => String::new(),
        _ => format!(", {word} {}", values.join(" ")),
    };
    part("with", there) + &part("without", missing)
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
/// micro-operations. If a key matters, what is done to it comes first.
fn transaction(micro_ops: &Value, none: &str, focus: Focus<'_>) -> Option<String> {
    let micro_ops = micro_ops.as_list()?;
    let lists = micro_ops.iter().map(|micro_op| micro_op.as_list());
    let lists: Vec<_> = lists.collect::<Option<_>>()?;
    let matters = |micro_op: &[Value]| micro_op.get(1).is_some_and(|key| focus.is_key(key));
    let (first, rest): (Vec<_>, Vec<_>) =
        lists.iter().partition(|micro_op| micro_ops.len() > 4 && matters(micro_op));
    let mut text = String::new();
    for (shown, micro_op) in first.iter().chain(&rest).enumerate() {
        let focus = if matters(micro_op) { focus } else { Focus::default() };
        let parts: Vec<String> = micro_op.iter().map(|part| part_text(part, none, focus)).collect();
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
fn part_text(part: &Value, none: &str, focus: Focus<'_>) -> String {
    if part.is_null() {
        return none.to_owned();
    }
    if let Some(items) = part.as_list() {
        let is_wanted = |at: usize| focus.values.contains(&items[at]);
        let places = shown_places(items.len(), ELEMENTS_MAX, is_wanted);
        return format!("[{}]", with_gaps(&places, items.len(), |at| value(&items[at])));
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
            "{{\"index\":0,\"time\":0,\"type\":\"invoke\",\"process\":0,\"f\":\"txn\",\
             \"value\":{invoked}}}\n\
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

    /// An operation of a function, with what was asked for and what came back.
    fn operation(function: &str, asked: &str, answered: &str) -> Operation {
        let history = format!(
            "{{\"index\":0,\"time\":0,\"type\":\"invoke\",\"process\":0,\"f\":\"{function}\",\
             \"value\":{asked}}}\n\
             {{\"index\":1,\"time\":1,\"process\":0,\"f\":\"{function}\",{answered}}}\n"
        );
        let history = kolk_history::read(history.as_bytes(), Vec::new()).expect("a history");
        history.operations[0].clone()
    }

    #[test]
    fn what_is_at_fault_is_shown_whatever_else_there_is() {
        let ok = |value: &str| format!(r#""type":"ok","value":{value}"#);
        let many: Vec<String> = (0..90).map(|n| n.to_string()).collect();
        let many = format!("[{},7]", many.join(","));
        let keys: Vec<String> = (0..40).map(|n| format!(r#"["r",{n},{}]"#, n * 10)).collect();
        let keys = format!("[{}]", keys.join(","));
        let pairs = |from: i64, to: i64| {
            let pairs: Vec<String> = (from..to).map(|n| format!("[{n},{}]", n + 100)).collect();
            format!("[{}]", pairs.join(","))
        };
        let polled = format!(r#"[["poll",{{"1":{},"7":{},"9":[]}}]]"#, pairs(0, 3), pairs(10, 40));
        for (function, asked, answered, key, values, expected) in [
            (
                "read",
                "null",
                ok(&many),
                None,
                vec![7, 99, 3],
                "read → 91 values, with 7 2 times 3, without 99",
            ),
            ("read", "null", ok("[1,2]"), None, vec![7], "read → [1,2]"),
            (
                "txn",
                "[]",
                ok(&keys),
                Some("31"),
                vec![],
                "txn r 31 310, r 0 0, r 1 10, r 2 20, r 3 30, r 4 40, r 5 50, and 33 more",
            ),
            (
                "txn",
                "[]",
                ok(&format!(r#"[["r",8,{many}]]"#)),
                Some("8"),
                vec![50],
                "txn r 8 [(49 more) 49 50 51 (34 more) 86 87 88 89 7]",
            ),
            (
                "send",
                r#"[["send","7",12]]"#,
                ok(r#"[["send","7",[3,12]]]"#),
                None,
                vec![],
                "send 12 to key 7 → offset 3",
            ),
            (
                "send",
                r#"[["send","7",12]]"#,
                r#""type":"info","value":[["send","7",12]],"error":"timeout""#.to_owned(),
                None,
                vec![],
                "send 12 to key 7: timeout",
            ),
            (
                "poll",
                r#"[["poll"]]"#,
                ok(&polled),
                Some("7"),
                vec![120],
                "poll → key 7: 110@10 (8 more) 119@19 120@20 121@21 (16 more) 138@38 139@39, and 2 \
                 more keys",
            ),
            (
                "poll",
                r#"[["poll"]]"#,
                ok(&polled),
                Some("9"),
                vec![120],
                "poll → key 9: nothing, and 2 more keys",
            ),
            (
                "poll",
                r#"[["poll"]]"#,
                ok(&polled),
                Some("5"),
                vec![],
                "poll → nothing of key 5, and 3 more keys",
            ),
            ("poll", r#"[["poll"]]"#, ok(&polled), None, vec![], "poll → 33 messages of 3 keys"),
            (
                "poll",
                r#"[["poll"]]"#,
                ok(r#"[["poll",{"7":[[0,5],[1,6]]}]]"#),
                None,
                vec![],
                "poll → key 7: 5@0 6@1",
            ),
            ("poll", r#"[["poll"]]"#, ok(r#"[["poll",{}]]"#), None, vec![], "poll → nothing"),
            (
                "assign",
                r#"["3","7"]"#,
                ok(r#"["3","7"]"#),
                Some("7"),
                vec![],
                "assign key 7 and 1 more",
            ),
            (
                "assign",
                r#"["3","7"]"#,
                ok(r#"["3","7"]"#),
                Some("8"),
                vec![],
                "assign 2 keys, not key 8",
            ),
            ("assign", r#"["3","7"]"#, ok(r#"["3","7"]"#), None, vec![], "assign keys 3, 7"),
            ("crash", "null", r#""type":"info","value":null"#.to_owned(), None, vec![], "crash"),
        ] {
            let values: Vec<Value> = values.into_iter().map(Value::Int).collect();
            let focus = Focus { key, values: &values };
            let operation = operation(function, asked, &answered);
            assert_eq!(what_of(&operation, focus), expected, "{function}");
        }
    }
}
