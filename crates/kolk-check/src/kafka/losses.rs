//! What was sent and not seen, and what was seen and not sent.

use std::collections::BTreeMap;

use kolk_history::{Outcome, Value};

use super::facts::{Facts, NONE, UNKNOWN};
use super::findings::Findings;
use crate::check::Anomaly;
use crate::kind::Kind;
use crate::tree::{count, key, list, some_of};

/// How many values a sentence names, and how many of their sends are given as proof.
const NAMED_MAX: usize = 4;

/// How many unseen values of a key the results list.
const UNSEEN_MAX: usize = 32;

/// All of them.
pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings) {
    lost_writes(facts, findings);
    unseen(facts, findings);
    aborted_reads(facts, findings);
    garbage(facts, findings);
    precommitted_reads(facts, findings);
}

/// What was seen of a key reaches at least up to here.
#[derive(Clone, Copy)]
struct Bound {
    index: u32,
    message: u32,
}

fn lost_writes(facts: &Facts<'_>, findings: &mut Findings) {
    let mut bounds: Vec<Option<Bound>> = vec![None; facts.keys.len()];
    for (number, message) in (0..).zip(&facts.messages) {
        if message.reader != NONE && message.first_index != NONE {
            let bound = &mut bounds[message.key as usize];
            if bound.is_none_or(|bound| bound.index < message.first_index) {
                *bound = Some(Bound { index: message.first_index, message: number });
            }
        }
    }
    for (number, message) in (0..).zip(&facts.messages) {
        let Some(bound) = bounds[message.key as usize] else { continue };
        let lost = message.reader == NONE
            && message.writer != NONE
            && message.last_index <= bound.index
            && facts.has_happened(message.writer);
        if lost {
            findings.add(Kind::LostWrite, || lost_write(facts, number, bound));
        }
    }
}

fn lost_write(facts: &Facts<'_>, number: u32, bound: Bound) -> (Anomaly, Value) {
    let message = &facts.messages[number as usize];
    let further = &facts.messages[bound.message as usize];
    let acknowledged = facts.operation(message.writer).is_ok();
    let sent = if acknowledged { "acknowledged" } else { "surely sent" };
    let by = facts.by(message.writer);
    let claim = format!(
        "{} was {sent}{by} at offset {} and never polled, though value {} at offset {} was",
        facts.text(number),
        message.offset,
        further.value,
        further.offset,
    );
    let operations = vec![facts.index(message.writer), facts.index(further.reader)];
    let error = Value::map(vec![
        (key(&"key"), Value::text(facts.keys[message.key as usize].as_ref())),
        (key(&"value"), message.value.value()),
        (key(&"index"), count(message.first_index)),
        (key(&"max-read-index"), count(bound.index)),
        (key(&"writer"), count(facts.index(message.writer))),
        (key(&"max-read"), count(facts.index(further.reader))),
    ]);
    let node = facts.node(message.writer);
    let anomaly = Anomaly { node, ..Anomaly::new(Kind::LostWrite, claim, operations) };
    (facts.about(anomaly, &[number, bound.message]), error)
}

fn unseen(facts: &Facts<'_>, findings: &mut Findings) {
    let mut logs: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (number, message) in (0..).zip(&facts.messages) {
        if message.sent_ok && message.reader == NONE {
            logs.entry(message.key).or_default().push(number);
        }
    }
    if logs.is_empty() {
        return;
    }
    let value = |number: &u32| facts.messages[*number as usize].value;
    for (log, numbers) in &logs {
        findings.add(Kind::Unseen, || {
            let values = some_of(numbers.iter().map(value), NAMED_MAX);
            let what = if numbers.len() == 1 { "value" } else { "values" };
            let log = &facts.keys[*log as usize];
            let claim =
                format!("key {log}: no poll ever returned the acknowledged {what} {values}");
            let writers = numbers.iter().take(NAMED_MAX);
            let writers = writers.map(|number| facts.messages[*number as usize].writer);
            let operations = writers.map(|writer| facts.index(writer)).collect();
            (facts.about(Anomaly::new(Kind::Unseen, claim, operations), numbers), Value::Null)
        });
    }
    let by_log = |of: &dyn Fn(&Vec<u32>) -> Value| {
        let entries = logs
            .iter()
            .map(|(log, numbers)| (Value::text(facts.keys[*log as usize].as_ref()), of(numbers)));
        Value::map(entries.collect())
    };
    let listed = |numbers: &Vec<u32>| {
        list(numbers.iter().take(UNSEEN_MAX).map(|number| value(number).value()))
    };
    findings.describe(
        Kind::Unseen,
        vec![
            (key(&"unseen"), by_log(&|numbers| count(numbers.len()))),
            (key(&"messages"), by_log(&listed)),
        ],
    );
}

/// G1a: what surely was not sent is polled.
fn aborted_reads(facts: &Facts<'_>, findings: &mut Findings) {
    if !facts.messages.iter().any(|message| message.sent_fail) {
        return;
    }
    for position in facts.positions().filter(|at| facts.operation(*at).is_ok()) {
        for pair in facts.reads(position) {
            let message = facts.of(*pair);
            if message.sent_fail {
                findings.add(Kind::G1a, || {
                    let writer = message.writer;
                    let by = facts.by(position);
                    let text = facts.text(pair.message);
                    let failed = facts.operation(writer).outcome == Outcome::Fail;
                    let how = if failed {
                        "whose send had failed"
                    } else {
                        "one of whose sends had failed"
                    };
                    let claim = format!("a poll{by} returned {text}, {how}");
                    let operations = vec![facts.index(writer), facts.index(position)];
                    let error = Value::map(vec![
                        (key(&"key"), Value::text(facts.keys[message.key as usize].as_ref())),
                        (key(&"value"), message.value.value()),
                        (key(&"writer"), count(facts.index(writer))),
                        (key(&"reader"), count(facts.index(position))),
                    ]);
                    let node = facts.node(position);
                    let anomaly = Anomaly { node, ..Anomaly::new(Kind::G1a, claim, operations) };
                    (facts.about(anomaly, &[pair.message]), error)
                });
            }
        }
    }
}

/// Ours: Maelstrom ends with an exception when it meets a value that nobody sent.
fn garbage(facts: &Facts<'_>, findings: &mut Findings) {
    for (number, message) in (0..).zip(&facts.messages) {
        if message.writer == NONE && message.seen != NONE {
            findings.add(Kind::GarbageRead, || {
                let position = message.seen;
                let by = facts.by(position);
                let text = facts.text(number);
                let offset = match message.offset {
                    UNKNOWN => String::new(),
                    offset => format!(" at offset {offset}"),
                };
                let claim = format!("a poll{by} returned {text}{offset}, which nobody sent");
                let operations = vec![facts.index(position)];
                let node = facts.node(position);
                let anomaly =
                    Anomaly { node, ..Anomaly::new(Kind::GarbageRead, claim, operations) };
                (facts.about(anomaly, &[number]), Value::Null)
            });
        }
    }
}

/// Only a transaction can both send and poll.
fn precommitted_reads(facts: &Facts<'_>, findings: &mut Findings) {
    for position in facts.positions() {
        let sends = facts.sends(position);
        if sends.is_empty() || facts.reads(position).is_empty() {
            continue;
        }
        let mut sent: Vec<u32> = sends.iter().map(|pair| pair.message).collect();
        sent.sort_unstable();
        let own = |pair: &&super::facts::Pair| sent.binary_search(&pair.message).is_ok();
        if let Some(pair) = facts.reads(position).iter().find(own) {
            findings.add(Kind::PrecommittedRead, || {
                let text = facts.text(pair.message);
                let claim = format!("an operation polled {text}, which it sent itself");
                let message = facts.of(*pair);
                let error = Value::map(vec![
                    (key(&"key"), Value::text(facts.keys[message.key as usize].as_ref())),
                    (key(&"value"), message.value.value()),
                    (key(&"op"), count(facts.index(position))),
                ]);
                let operations = vec![facts.index(position)];
                let anomaly = Anomaly::new(Kind::PrecommittedRead, claim, operations);
                (facts.about(anomaly, &[pair.message]), error)
            });
        }
    }
}
