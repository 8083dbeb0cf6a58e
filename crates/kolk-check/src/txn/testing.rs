//! Histories of transactions in a few letters, for tests.

use kolk_history::{Function, History, Outcome, Story, Value};

use crate::check::{Check, Validity};

/// A history from transactions with spaces between, all at once but where a `/` says that what
/// comes before it is acknowledged first.
///
/// `ax1` appends 1 to x, `wx1` sets it, `rx12` reads the list [1 2], `rx2` a register or a list of
/// one, `rx_` nothing. Digits are values. After it, `!` says that the transaction failed, `?` that
/// nobody knows, `~` that it is acknowledged after all others. `3:ax1` is of process 3; without a
/// number each is of a process of its own.
pub(super) fn history(text: &str) -> History {
    let mut story = Story::new(0);
    // An event a millisecond.
    let mut times = 0..;
    let mut time = || times.next().expect("there is no last one");
    let mut late = Vec::new();
    let groups: Vec<&str> = text.split('/').collect();
    for (group, part) in groups.iter().enumerate() {
        let mut opened: Vec<_> = part
            .split_whitespace()
            .enumerate()
            .map(|(number, word)| {
                let (process, word) = word.split_once(':').map_or_else(
                    || ((100 * (group + 1) + number) as u32, word),
                    |(process, word)| (process.parse().expect("a process"), word),
                );
                let outcome = match word.as_bytes().last() {
                    Some(b'!') => Outcome::Fail,
                    Some(b'?') => Outcome::Info,
                    _ => Outcome::Ok,
                };
                let is_late = word.ends_with('~');
                let word = word.trim_end_matches(['!', '?', '~']);
                let asked = transaction(word, false);
                let position = story.invoke(time(), process, Function::Txn, asked);
                (position, outcome, transaction(word, true), is_late)
            })
            .collect();
        late.extend(opened.extract_if(.., |(.., is_late)| *is_late));
        if group + 1 == groups.len() {
            opened.append(&mut late);
        }
        for (position, outcome, result, _) in opened {
            let result = if outcome == Outcome::Ok { result } else { Value::Null };
            story.end(time(), position, outcome, result);
        }
    }
    story.history
}

/// A story with much that is right before and after it: transactions on other keys, run one at a
/// time on a store, in groups that overlap. `write` is the letter of what writes.
pub(super) fn among_others(text: &str, write: char) -> String {
    let mut random = kolk_protocol::Key::new(text.len() as u64).random();
    let mut noise = |first: u32| {
        let mut key = first;
        let mut written = [0; 3];
        let mut groups: Vec<String> = Vec::new();
        for _ in 0..60 {
            let mut group = Vec::new();
            for _ in 0..3 {
                let mut word = String::new();
                for _ in 0..1 + random.index(3) {
                    let at = random.index(3);
                    let name = char::from_u32(key + at as u32).expect("a letter");
                    let last: &mut u32 = &mut written[at];
                    if random.chance(0.5) && *last < 9 {
                        *last += 1;
                        word += &format!("{write}{name}{last}");
                    } else if *last == 0 {
                        word += &format!("r{name}_");
                    } else {
                        let from = if write == 'a' { 1 } else { *last };
                        let list: String = (from..=*last).map(|value| value.to_string()).collect();
                        word += &format!("r{name}{list}");
                    }
                }
                group.push(word);
            }
            groups.push(group.join(" "));
            if written.iter().all(|last| *last == 9) {
                (key, written) = (key + 3, [0; 3]);
            }
        }
        groups.join(" / ")
    };
    format!("{} / {text} / {}", noise(0x4e00), noise(0x6e00))
}

fn transaction(text: &str, completed: bool) -> Value {
    let mut micro_ops = Vec::new();
    let mut letters = text.chars().peekable();
    let is_list = !text.contains('w');
    while let Some(function) = letters.next() {
        let key = letters.next().expect("a key").to_string();
        let mut values = Vec::new();
        while let Some(letter) = letters.next_if(|letter| letter.is_ascii_digit() || *letter == '_')
        {
            values.extend(letter.to_digit(10).map(i64::from));
        }
        let (function, value) = match function {
            'a' => ("append", Value::Int(values[0])),
            'w' => ("w", Value::Int(values[0])),
            'r' if !completed || values.is_empty() => ("r", Value::Null),
            'r' if is_list => ("r", Value::ints(values)),
            _ => ("r", Value::Int(values[0])),
        };
        let parts = vec![Value::from(function), Value::from(key.as_str()), value];
        micro_ops.push(Value::list(parts));
    }
    Value::list(micro_ops)
}

/// The same for registers: a read gives a single value.
pub(super) fn register_history(text: &str) -> History {
    let mut history = history(text);
    for operation in &mut history.operations {
        let Some(micro_ops) = operation.result.as_list() else { continue };
        let single = |micro_op: &Value| {
            let mut parts = micro_op.as_list().expect("a micro-operation").to_vec();
            if let Value::Ints(ints) = &parts[2] {
                parts[2] = Value::Int(ints[0]);
            }
            Value::list(parts)
        };
        operation.result = Value::list(micro_ops.iter().map(single).collect());
    }
    history
}

/// The verdict in one line: `invalid G1a G1b; not read-committed`.
pub(super) fn summary(check: &Check) -> String {
    let names = |word: &str| -> Vec<String> {
        let found = check.results.iter().find(|(key, _)| key.as_str() == Some(word));
        let list = found.and_then(|(_, value)| value.as_list()).unwrap_or_default();
        list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let mut line = check.validity.name().to_owned();
    for kind in names("anomaly-types") {
        line += &format!(" {kind}");
    }
    let stronger: std::collections::BTreeSet<&str> =
        check.stronger.iter().map(|anomaly| anomaly.kind.as_str()).collect();
    for kind in stronger {
        line += &format!(" +{kind}");
    }
    let not = names("not");
    if !not.is_empty() {
        line += &format!("; not {}", not.join(" "));
    }
    assert_eq!(
        check.validity == Validity::Invalid,
        !check.anomalies.is_empty(),
        "{line} without a reason"
    );
    line
}
