//! What a history shows of each key's log, for those who want to look at it.

use kolk_history::{History, Value};

use super::facts::{Facts, NONE, UNKNOWN};

/// A key's log, as far as anybody saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyLog {
    /// The key.
    pub key: String,
    /// What was seen, by offset. An offset that held several values stands here several times, one
    /// that nobody was seen at does not.
    pub entries: Vec<Entry>,
}

/// A value at an offset. Operations are named by their positions in the history.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where it is.
    pub offset: i64,
    /// What was sent.
    pub value: Value,
    /// The last operation that sent it, if anybody did.
    pub writer: Option<u32>,
    /// The first `ok` operation that polled it.
    pub reader: Option<u32>,
    /// How many `ok` operations polled it.
    pub polls: u32,
}

/// The logs of all keys, in the order in which the keys first appear.
///
/// ```
/// let history = r#"
///     {:process 0 :type :invoke :f :send :value [[:send 9 5]]}
///     {:process 0 :type :ok :f :send :value [[:send 9 [3 5]]]}
/// "#;
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// let log = &kolk_check::kafka::logs(&history)[0];
/// assert_eq!((log.entries[0].offset, log.entries[0].reader), (3, None));
/// ```
pub fn logs(history: &History) -> Vec<KeyLog> {
    let facts = Facts::new(history);
    let mut polls = vec![0; facts.messages.len()];
    for position in facts.positions().filter(|at| facts.operation(*at).is_ok()) {
        let mut seen: Vec<u32> = facts.reads(position).iter().map(|pair| pair.message).collect();
        seen.sort_unstable();
        seen.dedup();
        for message in seen {
            polls[message as usize] += 1;
        }
    }
    let known = |position: u32| (position != NONE).then_some(position);
    let mut logs: Vec<KeyLog> = facts
        .keys
        .iter()
        .map(|key| KeyLog { key: key.clone().into_owned(), entries: Vec::new() })
        .collect();
    let first = (0..).zip(&facts.messages).map(|(number, message)| (number, message.offset));
    let elsewhere = facts.elsewhere.iter().map(|pair| (pair.message, pair.offset));
    for (number, offset) in first.filter(|(_, offset)| *offset != UNKNOWN).chain(elsewhere) {
        let message = &facts.messages[number as usize];
        logs[message.key as usize].entries.push(Entry {
            offset,
            value: message.value.value(),
            writer: known(message.writer),
            reader: known(message.reader),
            polls: polls[number as usize],
        });
    }
    for log in &mut logs {
        log.entries.sort_by_key(|entry| entry.offset);
    }
    logs
}
