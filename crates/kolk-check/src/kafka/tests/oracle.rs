//! The definitions carried out naively, on small random histories: every kind is found as often.

use std::collections::{BTreeMap, BTreeSet};

use kolk_protocol::{Key, Random};

use super::*;

/// An operation, as its text says it.
#[derive(Clone, Debug)]
struct Plain {
    process: u32,
    outcome: Outcome,
    /// Keys, if it assigns.
    assigned: Option<Vec<String>>,
    reads: Vec<(String, Option<i64>, i64)>,
    sends: Vec<(String, Option<i64>, i64)>,
    invoked: u32,
    completed: u32,
}

/// Reads a history back, operation by operation.
fn plain(history: &History) -> Vec<Plain> {
    let triple = |key: &Value, pair: &Value| {
        let pair = pair.as_list().expect("a pair");
        let key = key.as_str().expect("a key").to_owned();
        (key, pair[0].as_int(), pair[1].as_int().expect("an integer"))
    };
    let read = |operation: &Operation| {
        let value = if operation.is_ok() { &operation.result } else { &operation.value };
        let assigned = (operation.function == Function::Assign).then(|| {
            let keys = value.as_list().unwrap_or_default();
            keys.iter().map(|key| key.as_str().expect("a key").to_owned()).collect()
        });
        let (mut reads, mut sends) = (Vec::new(), Vec::new());
        let micros = if assigned.is_some() { None } else { value.as_list() };
        for micro in micros.unwrap_or_default().iter() {
            let micro = micro.as_list().expect("a micro-operation");
            match &micro[..] {
                [_, Value::Map(logs)] => {
                    for (key, pairs) in logs.iter() {
                        let pairs = pairs.as_list().expect("pairs");
                        reads.extend(pairs.iter().map(|pair| triple(key, pair)));
                    }
                }
                [_, key, Value::Int(value)] => {
                    sends.push((key.as_str().expect("a key").to_owned(), None, *value));
                }
                [_, key, pair] => sends.push(triple(key, pair)),
                _ => {}
            }
        }
        Plain {
            process: operation.process,
            outcome: operation.outcome,
            assigned,
            reads,
            sends,
            invoked: operation.index,
            completed: operation.completion_or_end(),
        }
    };
    history.operations.iter().map(read).collect()
}

type Logs = BTreeMap<String, BTreeMap<i64, Vec<i64>>>;

struct Oracle {
    operations: Vec<Plain>,
    logs: Logs,
    counts: BTreeMap<&'static str, u64>,
}

impl Oracle {
    fn new(history: &History) -> Oracle {
        let operations = plain(history);
        let mut oracle = Oracle { operations, logs: Logs::new(), counts: BTreeMap::new() };
        // The first value heard of at an offset comes first, whoever told it: the one with the
        // earliest mention anywhere.
        let mut mentioned: Vec<(String, i64)> = Vec::new();
        for operation in &oracle.operations {
            for (key, _, value) in operation.reads.iter().chain(&operation.sends) {
                mentioned.push((key.clone(), *value));
            }
        }
        let rank = |key: &str, value: i64| {
            mentioned.iter().position(|(k, v)| k == key && *v == value).expect("mentioned")
        };
        let mut logs = Logs::new();
        for operation in &oracle.operations {
            let sends = oracle.happened(operation).then_some(&operation.sends);
            for (key, offset, value) in operation.reads.iter().chain(sends.into_iter().flatten()) {
                let Some(offset) = offset else { continue };
                let values = logs.entry(key.clone()).or_default().entry(*offset).or_default();
                if !values.contains(value) {
                    values.push(*value);
                    values.sort_by_key(|value| rank(key, *value));
                }
            }
        }
        oracle.logs = logs;
        oracle
    }

    fn found(&mut self, kind: &'static str) {
        *self.counts.entry(kind).or_default() += 1;
    }

    fn ok_read(&self, key: &str, value: i64) -> bool {
        self.operations.iter().any(|operation| {
            operation.outcome == Outcome::Ok
                && operation.reads.iter().any(|(k, _, v)| k == key && *v == value)
        })
    }

    fn happened(&self, operation: &Plain) -> bool {
        operation.outcome == Outcome::Ok
            || (operation.outcome == Outcome::Info
                && operation.sends.iter().any(|(key, _, value)| self.ok_read(key, *value)))
    }

    fn writer(&self, key: &str, value: i64) -> Option<&Plain> {
        let sent =
            |operation: &&Plain| operation.sends.iter().any(|(k, _, v)| k == key && *v == value);
        self.operations.iter().rfind(sent)
    }

    /// The values of a log that stand for its places.
    fn by_index(&self, key: &str) -> Vec<i64> {
        let log = self.logs.get(key).into_iter().flatten();
        log.map(|(_, values)| values[0]).collect()
    }

    fn delta(&self, key: &str, first: i64, second: i64) -> i64 {
        let order = self.by_index(key);
        let index = |value: i64| order.iter().rposition(|other| *other == value);
        match (index(first), index(second)) {
            (Some(first), Some(second)) => second as i64 - first as i64,
            _ => 1,
        }
    }

    fn offsets(&mut self) {
        for log in self.logs.clone().values() {
            let mut places: BTreeMap<i64, u64> = BTreeMap::new();
            for values in log.values() {
                if values.len() > 1 {
                    self.found("inconsistent-offsets");
                }
                values.iter().for_each(|value| *places.entry(*value).or_default() += 1);
            }
            for _ in places.values().filter(|places| **places > 1) {
                self.found("duplicate");
            }
        }
    }

    fn messages(&self) -> BTreeSet<(String, i64)> {
        let all = self
            .operations
            .iter()
            .flat_map(|operation| operation.reads.iter().chain(&operation.sends));
        all.map(|(key, _, value)| (key.clone(), *value)).collect()
    }

    fn losses(&mut self) {
        let mut unseen: BTreeSet<String> = BTreeSet::new();
        for (key, value) in self.messages() {
            let writer = self.writer(&key, value).cloned();
            let read = self.ok_read(&key, value);
            let places: Vec<usize> = self.logs.get(&key).map_or(Vec::new(), |log| {
                let held = log.values().enumerate().filter(|(_, held)| held.contains(&value));
                held.map(|(index, _)| index).collect()
            });
            let bound = self.bound(&key);
            let acknowledged = self.operations.iter().any(|operation| {
                operation.outcome == Outcome::Ok
                    && operation.sends.iter().any(|(k, _, v)| *k == key && *v == value)
            });
            if acknowledged && !read {
                unseen.insert(key.clone());
            }
            match writer {
                None => self.found("garbage-read"),
                Some(writer) if !read && self.happened(&writer) => {
                    if places.last().is_some_and(|last| bound.is_some_and(|bound| *last <= bound)) {
                        self.found("lost-write");
                    }
                }
                Some(_) => {}
            }
        }
        unseen.iter().for_each(|_| self.found("unseen"));
    }

    /// The greatest first index of a value that was read.
    fn bound(&self, key: &str) -> Option<usize> {
        let log = self.logs.get(key)?;
        let values: BTreeSet<i64> = log.values().flatten().copied().collect();
        let first = |value: i64| log.values().position(|held| held.contains(&value));
        values.iter().filter(|value| self.ok_read(key, **value)).filter_map(|v| first(*v)).max()
    }

    fn reads(&mut self) {
        for operation in self.operations.clone() {
            for (key, _, value) in &operation.reads {
                let failed = self.operations.iter().any(|other| {
                    other.outcome == Outcome::Fail
                        && other.sends.iter().any(|(k, _, v)| k == key && v == value)
                });
                if operation.outcome == Outcome::Ok && failed {
                    self.found("G1a");
                }
            }
            for kinds in [
                (&operation.reads, "int-poll-skip", "int-nonmonotonic-poll"),
                (&operation.sends, "", "int-nonmonotonic-send"),
            ] {
                let (pairs, skip, back) = kinds;
                for (at, (key, _, value)) in pairs.iter().enumerate() {
                    let before = pairs[..at].iter().rfind(|(k, _, _)| k == key);
                    let Some((_, _, before)) = before else { continue };
                    match self.delta(key, *before, *value) {
                        2.. if !skip.is_empty() => self.found(skip),
                        ..=0 => self.found(back),
                        _ => {}
                    }
                }
            }
        }
    }

    fn processes(&mut self) {
        let processes: BTreeSet<u32> = self.operations.iter().map(|op| op.process).collect();
        for process in processes {
            let mut polled: BTreeMap<String, i64> = BTreeMap::new();
            let mut sent: BTreeMap<String, i64> = BTreeMap::new();
            for operation in self.operations.clone().iter().filter(|op| op.process == process) {
                if let (Some(assigned), Outcome::Ok) = (&operation.assigned, operation.outcome) {
                    polled.retain(|key, _| assigned.contains(key));
                    sent.retain(|key, _| assigned.contains(key));
                }
                for key in keys(&operation.reads) {
                    let of_key = operation.reads.iter().filter(|(k, _, _)| *k == key);
                    let values: Vec<i64> = of_key.map(|(_, _, value)| *value).collect();
                    if let Some(last) = polled.get(&key) {
                        match self.delta(&key, *last, values[0]) {
                            2.. => self.found("poll-skip"),
                            ..=0 => self.found("nonmonotonic-poll"),
                            _ => {}
                        }
                    }
                    if operation.outcome == Outcome::Ok {
                        polled.insert(key, values[values.len() - 1]);
                    }
                }
                if operation.outcome == Outcome::Fail {
                    continue;
                }
                for key in keys(&operation.sends) {
                    let of_key = operation.sends.iter().filter(|(k, _, _)| *k == key);
                    let values: Vec<i64> = of_key.map(|(_, _, value)| *value).collect();
                    if let Some(last) = sent.get(&key)
                        && self.delta(&key, *last, values[0]) < 1
                    {
                        self.found("nonmonotonic-send");
                    }
                    sent.insert(key, values[values.len() - 1]);
                }
            }
        }
    }

    fn acknowledged(&mut self) {
        let ok: Vec<Plain> = self.operations.clone();
        let ok: Vec<&Plain> = ok.iter().filter(|op| op.outcome == Outcome::Ok).collect();
        for later in &ok {
            for (key, offset, _) in &later.sends {
                let Some(offset) = offset else { continue };
                let before = ok.iter().filter(|earlier| earlier.completed < later.invoked);
                let mut sent = before.flat_map(|earlier| &earlier.sends);
                let above = |other: &Option<i64>| other.is_some_and(|other| other > *offset);
                if sent.any(|(other, at, _)| other == key && above(at)) {
                    self.found("nonmonotonic-offset");
                }
            }
        }
    }

    /// Whether there is a cycle of sends to polls, processes and real time at all.
    fn has_cycle(&self) -> bool {
        let takes_part = |operation: &Plain| {
            operation.outcome != Outcome::Fail
                && !(operation.reads.is_empty() && operation.sends.is_empty())
        };
        let size = self.operations.len();
        let mut reach = vec![vec![false; size]; size];
        for (a, from) in self.operations.iter().enumerate().filter(|(_, op)| takes_part(op)) {
            for (b, to) in self.operations.iter().enumerate().filter(|(_, op)| takes_part(op)) {
                let passed = to.reads.iter().any(|(key, _, value)| {
                    let writer = self.writer(key, *value);
                    writer.is_some_and(|writer| writer.invoked == from.invoked)
                });
                let before = from.outcome == Outcome::Ok && from.completed < to.invoked;
                let same = from.process == to.process && from.invoked < to.invoked;
                reach[a][b] = a != b && (passed || before || same);
            }
        }
        for middle in 0..size {
            for a in 0..size {
                for b in 0..size {
                    reach[a][b] |= reach[a][middle] && reach[middle][b];
                }
            }
        }
        (0..size).any(|a| reach[a][a])
    }
}

fn keys(pairs: &[(String, Option<i64>, i64)]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (key, _, _) in pairs {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// A small history in which much goes wrong: values are few, so that they meet.
fn story(random: &mut Random) -> String {
    let mut lines = Vec::new();
    let mut open: Vec<u64> = Vec::new();
    let mut crashed: u64 = 0;
    let mut value = 0;
    for _ in 0..random.below(14) {
        let process = random.below(3) + crashed * 10;
        if let Some(at) = open.iter().position(|other| *other == process) {
            lines.push(format!("> {}", open.remove(at)));
            continue;
        }
        let key = ["x", "y"][random.index(2)];
        let outcome = ["", "", "", "", " !", " ?"][random.index(6)];
        let mut sometimes = |value: String| if random.chance(0.8) { value } else { String::new() };
        let offset = sometimes(" @OFFSET".to_owned());
        let mut text = match random.below(8) {
            0..=3 => {
                value += 1;
                format!("send {key} {value}{offset}")
            }
            4..=6 => {
                let mut text = format!("poll {key}");
                for _ in 0..random.below(4) {
                    text += &format!(" {}={}", random.below(5), 1 + random.below(value + 1));
                }
                text
            }
            _ if random.chance(0.5) => format!("assign {key}"),
            _ => {
                value += 2;
                let (first, seen) = (value - 1, 1 + random.below(value));
                format!(
                    "txn poll {key} 0={seen} send {key} {first}{offset} send {key} {value}{offset}"
                )
            }
        };
        while text.contains("OFFSET") {
            text = text.replacen("OFFSET", &random.below(5).to_string(), 1);
        }
        text = format!("{process} {text}{outcome}");
        if random.chance(0.3) {
            text = format!("< {text}");
            open.push(process);
        }
        lines.push(text);
        crashed += u64::from(outcome == " ?" || random.chance(0.02));
    }
    lines.join("\n")
}

#[test]
fn agrees_with_the_definitions() {
    // In a transaction of these stories polls come before sends, as in `mentioned`.
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..20_000 {
        let text = story(&mut Key::new(seed).random());
        let tale = Tale::new(&text);
        let check = check(&tale.history);
        let mut oracle = Oracle::new(&tale.history);
        oracle.offsets();
        oracle.losses();
        oracle.reads();
        oracle.processes();
        oracle.acknowledged();
        let skipped = ["G1c", "G1c-process", "G1c-realtime", "precommitted-read"];
        let counts: BTreeMap<&str, u64> = check
            .counts
            .iter()
            .map(|(kind, count)| (kind.as_str(), *count))
            .filter(|(kind, _)| !skipped.contains(kind) && *kind != "nonmonotonic-commit")
            .collect();
        assert_eq!(counts, oracle.counts, "seed {seed}:\n{text}");
        let cycles = check.anomalies.iter().any(|anomaly| anomaly.kind.as_str().starts_with("G1c"));
        assert_eq!(cycles, oracle.has_cycle(), "seed {seed}:\n{text}");
        for kind in counts.keys().chain(cycles.then_some(&"a cycle")) {
            *found.entry(kind).or_default() += 1;
        }
    }
    // The stories are wild enough for every kind to be met.
    assert!(found.len() == 14 && found.values().all(|count| *count > 100), "{found:?}");
}
