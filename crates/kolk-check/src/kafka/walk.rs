//! The order in which processes see and send: inside an operation, and from one to the next.
//!
//! Positions in a log are dense indices, so holes in offsets do no harm. A process's memory of a
//! key ends when an assignment leaves the key out, and with the process: after a crash the worker
//! goes on as another one.

use kolk_history::{Function, Outcome, Value};
use rustc_hash::FxHashMap;

use super::facts::{Datum, Facts, NONE, UNKNOWN};
use super::findings::Findings;
use super::logs::{Orders, between, delta};
use crate::check::Anomaly;
use crate::kind::Kind;
use crate::tree::{count, key, list, some_of};

/// How many skipped values a sentence names, and how many of their sends are given as proof.
const NAMED_MAX: usize = 4;

/// How many skipped values the results list.
const SKIPPED_MAX: usize = 32;

/// The last message of a key that a process met, and in which operation.
#[derive(Clone, Copy)]
struct Last {
    message: u32,
    position: u32,
}

#[derive(Default)]
struct Process {
    polled: FxHashMap<u32, Last>,
    sent: FxHashMap<u32, Last>,
}

/// What one operation did so far with each key. Cleared by a new stamp, not by writing.
struct Inside {
    last: Vec<(u32, u32)>,
    keys: Vec<u32>,
}

impl Inside {
    fn new(keys: usize) -> Inside {
        Inside { last: vec![(NONE, NONE); keys], keys: Vec::new() }
    }

    /// Remembers a message of this operation, and returns the one before it of the same key.
    fn next(&mut self, position: u32, log: u32, message: u32) -> Option<u32> {
        let (stamp, before) = std::mem::replace(&mut self.last[log as usize], (position, message));
        if stamp == position {
            return Some(before);
        }
        self.keys.push(log);
        None
    }

    /// Moves what the operation did last to what its process did last.
    fn drain_to(&mut self, position: u32, lasts: Option<&mut FxHashMap<u32, Last>>) {
        if let Some(lasts) = lasts {
            let last = |log: &u32| (*log, Last { message: self.last[*log as usize].1, position });
            lasts.extend(self.keys.iter().map(last));
        }
        self.keys.clear();
    }
}

/// Finds skips and steps back, inside operations and between those of a process.
pub(super) fn check(facts: &Facts<'_>, orders: &Orders, findings: &mut Findings) {
    let mut processes: FxHashMap<u32, Process> = FxHashMap::default();
    let mut polls = Inside::new(facts.keys.len());
    let mut sends = Inside::new(facts.keys.len());
    for position in facts.positions() {
        let operation = facts.operation(position);
        let process = processes.entry(operation.process).or_default();
        match operation.function {
            Function::Assign | Function::Subscribe if operation.is_ok() => {
                process.polled = kept(&process.polled, facts.assigned(position));
                process.sent = kept(&process.sent, facts.assigned(position));
            }
            Function::Poll | Function::Send | Function::Txn => {
                let walk = Walk { facts, orders, position };
                walk.polls(process, &mut polls, findings);
                // What surely failed has no place among what the process sent.
                let sent = operation.outcome != Outcome::Fail;
                walk.sends(sent.then_some(&process.sent), &mut sends, findings);
                polls.drain_to(position, operation.is_ok().then_some(&mut process.polled));
                sends.drain_to(position, sent.then_some(&mut process.sent));
            }
            _ => {}
        }
        if operation.outcome == Outcome::Info {
            processes.remove(&operation.process);
        }
    }
}

/// What an assignment to these keys leaves.
fn kept(lasts: &FxHashMap<u32, Last>, assigned: &[u32]) -> FxHashMap<u32, Last> {
    assigned.iter().filter_map(|log| Some((*log, *lasts.get(log)?))).collect()
}

/// One operation.
struct Walk<'f, 'a> {
    facts: &'f Facts<'a>,
    orders: &'f Orders,
    position: u32,
}

impl Walk<'_, '_> {
    fn polls(&self, process: &Process, inside: &mut Inside, findings: &mut Findings) {
        for pair in self.facts.reads(self.position) {
            let log = self.facts.of(*pair).key;
            match inside.next(self.position, log, pair.message) {
                Some(before) => {
                    let last = Last { message: before, position: self.position };
                    let kinds = (Kind::IntPollSkip, Kind::IntNonmonotonicPoll);
                    self.step(last, pair.message, kinds, findings);
                }
                None => {
                    if let Some(last) = process.polled.get(&log) {
                        let kinds = (Kind::PollSkip, Kind::NonmonotonicPoll);
                        self.step(*last, pair.message, kinds, findings);
                    }
                }
            }
        }
    }

    fn step(&self, last: Last, message: u32, (skip, back): (Kind, Kind), findings: &mut Findings) {
        let delta = delta(self.facts, last.message, message);
        if delta > 1 {
            findings.add(skip, || self.skipped(skip, last, message));
        } else if delta < 1 {
            findings.add(back, || self.stepped_back(back, "polled", last, message));
        }
    }

    fn sends(
        &self,
        lasts: Option<&FxHashMap<u32, Last>>,
        inside: &mut Inside,
        findings: &mut Findings,
    ) {
        for pair in self.facts.sends(self.position) {
            let log = self.facts.of(*pair).key;
            if let Some(before) = inside.next(self.position, log, pair.message) {
                self.sent_after(before, pair.message, findings);
            } else if let Some(last) = lasts.and_then(|lasts| lasts.get(&log))
                && delta(self.facts, last.message, pair.message) < 1
            {
                let kind = Kind::NonmonotonicSend;
                findings.add(kind, || self.stepped_back(kind, "sent", *last, pair.message));
            }
        }
    }

    fn sent_after(&self, before: u32, message: u32, findings: &mut Findings) {
        let last = Last { message: before, position: self.position };
        let delta = delta(self.facts, before, message);
        if delta > 1 {
            findings.add(Kind::IntSendSkip, || self.skipped(Kind::IntSendSkip, last, message));
        } else if delta < 1 {
            let kind = Kind::IntNonmonotonicSend;
            findings.add(kind, || self.stepped_back(kind, "sent", last, message));
        }
    }

    /// The operations of a step, the earlier one first.
    fn steps(&self, last: Last) -> Vec<u32> {
        let mut operations = vec![self.facts.index(self.position)];
        if last.position != self.position {
            operations.insert(0, self.facts.index(last.position));
        }
        operations
    }

    fn entry(&self, last: Last, message: u32) -> Vec<(Value, Value)> {
        let (from, to) = (&self.facts.messages[last.message as usize], message);
        let to = &self.facts.messages[to as usize];
        vec![
            (key(&"key"), Value::text(self.facts.keys[to.key as usize].as_ref())),
            (key(&"values"), list([from.value.value(), to.value.value()])),
            (key(&"delta"), Value::Int(delta(self.facts, last.message, message))),
            (key(&"ops"), list(self.steps(last).into_iter().map(count))),
        ]
    }

    fn skipped(&self, kind: Kind, last: Last, message: u32) -> (Anomaly, Value) {
        let facts = self.facts;
        let index = |message: u32| facts.messages[message as usize].index;
        let skipped = between(self.orders, index(last.message), index(message));
        let value = |message: &u32| facts.messages[*message as usize].value;
        let values = some_of(skipped.iter().map(value), NAMED_MAX);
        let from = &facts.messages[last.message as usize];
        let to = &facts.messages[message as usize];
        let log = &facts.keys[to.key as usize];
        let by = facts.by(self.position);
        let (before, after) = (at(from.value, from.offset), at(to.value, to.offset));
        let claim = match kind {
            Kind::PollSkip => format!(
                "a poll{by} of key {log} begins with {after}, though the process's last one ended \
                 with {before}: it skipped {values}"
            ),
            Kind::IntPollSkip => format!(
                "a poll{by} of key {log} goes from {before} straight to {after}: it skipped \
                 {values}"
            ),
            _ => format!(
                "an operation sent {before} and then {after} to key {log}; between them is {values}"
            ),
        };
        let mut operations = self.steps(last);
        let writers = skipped.iter().map(|message| facts.messages[*message as usize].writer);
        let writers = writers.filter(|writer| *writer != NONE).take(NAMED_MAX);
        operations.extend(writers.map(|writer| facts.index(writer)));
        let node = facts.node(self.position);
        let mut entry = self.entry(last, message);
        let listed = skipped.iter().take(SKIPPED_MAX).map(|message| value(message).value());
        entry.push((key(&"skipped"), list(listed)));
        let anomaly = Anomaly { node, ..Anomaly::new(kind, claim, operations) };
        let messages = [&[last.message, message], skipped].concat();
        (facts.about(anomaly, &messages), Value::map(entry))
    }

    fn stepped_back(&self, kind: Kind, did: &str, last: Last, message: u32) -> (Anomaly, Value) {
        let facts = self.facts;
        let from = &facts.messages[last.message as usize];
        let to = &facts.messages[message as usize];
        let log = &facts.keys[to.key as usize];
        let by = facts.by(self.position);
        let (before, after) = (at(from.value, from.offset), at(to.value, to.offset));
        let claim = if last.message == message {
            format!("key {log}: {after} is {did}{by} again, right after itself")
        } else {
            format!("key {log}: {after} is {did}{by} after {before}")
        };
        let node = facts.node(self.position);
        let operations = self.steps(last);
        let entry = Value::map(self.entry(last, message));
        let anomaly = Anomaly { node, ..Anomaly::new(kind, claim, operations) };
        (facts.about(anomaly, &[last.message, message]), entry)
    }
}

/// A value and its offset.
fn at(value: Datum<'_>, offset: i64) -> String {
    if offset == UNKNOWN {
        format!("value {value}")
    } else {
        format!("value {value} (offset {offset})")
    }
}
