//! Operations on logs in a few words: `send 12 to key 7 → offset 3`, `poll → key 7: 12@3 13@4`, a
//! value and its offset each.

use kolk_history::{Function, Operation, Value};

use super::{Focus, shown_places, value, with_gaps};
use crate::numbers::{counted, grouped};

/// How many of a key's last messages are shown, and how many if there are no more.
const LAST: usize = 2;
const ALL_MAX: usize = 8;

/// How many keys an assignment names.
const KEYS_MAX: usize = 8;

/// What an operation on logs did, with what matters of it; `None` if it is none, or of no known
/// shape.
pub(super) fn what(operation: &Operation, focus: Focus<'_>) -> Option<String> {
    let done = if operation.is_ok() { &operation.result } else { &operation.value };
    let text = match operation.function {
        Function::Send => send(done)?,
        // Who polls in a run of kolk's or Maelstrom's commits what it polled, in the same
        // operation.
        Function::Poll if operation.is_ok() => poll(done, focus, operation.node.is_some())?,
        Function::Poll => "poll".to_owned(),
        Function::Assign => assign(done, focus)?,
        _ => return None,
    };
    if operation.is_ok() || operation.result.is_null() {
        return Some(text);
    }
    Some(format!("{text}: {}", super::error(&operation.result)))
}

fn send(micro_ops: &Value) -> Option<String> {
    let micro_ops = micro_ops.as_list()?;
    let [micro_op] = micro_ops.as_ref() else { return None };
    let parts = micro_op.as_list()?;
    let [_, key, sent] = parts.as_ref() else { return None };
    let (key, pair) = (plain(key), sent.as_list());
    match pair.as_deref() {
        Some([offset, sent]) => {
            Some(format!("send {} to key {key} → offset {offset}", value(sent)))
        }
        _ => Some(format!("send {} to key {key}", value(sent))),
    }
}

fn poll(micro_ops: &Value, focus: Focus<'_>, commits: bool) -> Option<String> {
    let micro_ops = micro_ops.as_list()?;
    let [micro_op] = micro_ops.as_ref() else { return None };
    let parts = micro_op.as_list()?;
    let [_, Value::Map(logs)] = parts.as_ref() else { return None };
    let (chosen, others) = match (focus.key, logs.as_slice()) {
        (Some(_), logs) => {
            let chosen = logs.iter().find(|(key, _)| focus.is_key(key));
            (chosen, logs.len() - usize::from(chosen.is_some()))
        }
        (None, []) => return Some("poll → nothing".to_owned()),
        (None, [log]) => (Some(log), 0),
        (None, logs) => {
            let lists = logs.iter().filter_map(|(_, messages)| messages.as_list());
            let count: usize = lists.map(|messages| messages.len()).sum();
            let (messages, keys) =
                (counted(count as u64, "message", "messages"), grouped(logs.len() as u64));
            return Some(format!("poll → {messages} of {keys} keys"));
        }
    };
    let mut text = match (chosen, focus.key) {
        (Some((key, messages)), wanted) => {
            let committed = greatest(messages).filter(|_| commits && wanted.is_some());
            let committed = committed.map_or(String::new(), |at| format!(", commits offset {at}"));
            format!("poll → key {}: {}{committed}", plain(key), messages_text(messages, focus)?)
        }
        (None, key) => format!("poll → nothing of key {}", key.unwrap_or_default()),
    };
    if others > 0 {
        text += &format!(", and {}", counted(others as u64, "more key", "more keys"));
    }
    Some(text)
}

/// The greatest offset of a key's messages.
fn greatest(messages: &Value) -> Option<i64> {
    let offset = |pair: &Value| pair.as_list()?.first()?.as_int();
    messages.as_list()?.iter().filter_map(offset).max()
}

/// A key's messages, each as value and offset: `12@3 13@4`.
fn messages_text(messages: &Value, focus: Focus<'_>) -> Option<String> {
    let messages = messages.as_list()?;
    if messages.is_empty() {
        return Some("nothing".to_owned());
    }
    let pair = |at: usize| match messages[at].as_list().as_deref() {
        Some([offset, sent]) => Some((offset.clone(), sent.clone())),
        _ => None,
    };
    let is_wanted = |at: usize| {
        at == 0
            || messages.len() <= ALL_MAX
            || pair(at).is_some_and(|(_, sent)| focus.values.contains(&sent))
    };
    // The first is shown, and not what follows it.
    let mut places = shown_places(messages.len(), LAST, |at| at > 0 && is_wanted(at));
    if places.first() != Some(&0) {
        places.insert(0, 0);
    }
    Some(with_gaps(&places, messages.len(), |at| match pair(at) {
        Some((offset, sent)) => format!("{}@{offset}", value(&sent)),
        None => value(&messages[at]),
    }))
}

fn assign(keys: &Value, focus: Focus<'_>) -> Option<String> {
    let keys = keys.as_list()?;
    let is_there = keys.iter().any(|key| focus.is_key(key));
    Some(match (focus.key, keys.len()) {
        (Some(key), 1) if is_there => format!("assign key {key}"),
        (Some(key), count) if is_there => format!("assign key {key} and {} more", count - 1),
        (Some(key), count) => {
            format!("assign {}, not key {key}", counted(count as u64, "key", "keys"))
        }
        (None, count @ 1..=KEYS_MAX) => {
            let names: Vec<String> = keys.iter().map(plain).collect();
            format!("assign {} {}", if count == 1 { "key" } else { "keys" }, names.join(", "))
        }
        (None, count) => format!("assign {}", counted(count as u64, "key", "keys")),
    })
}

/// A key's name, without quotes.
fn plain(key: &Value) -> String {
    key.as_str().map_or_else(|| value(key), |text| value(&Value::text(text)).replace('"', ""))
}
