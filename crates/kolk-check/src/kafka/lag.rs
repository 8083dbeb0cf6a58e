//! Realtime lag: how long ago what a process has seen of a log was surely no longer its end.
//!
//! Not an anomaly: a log promises no recency. The measure is the worst over all polls and all keys
//! that the polling process had assigned.

use kolk_history::{Function, Outcome};
use kolk_protocol::Time;
use rustc_hash::FxHashMap;

use super::facts::{Facts, UNKNOWN};

/// The worst lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lag {
    /// In nanoseconds.
    pub nanos: u64,
    /// When the poll began.
    pub invoked: Time,
    pub process: u32,
    pub key: u32,
}

/// When a log's greatest known offset grew, and to what.
type Growth = Vec<(i64, Time)>;

/// Where a process stands in a log.
#[derive(Clone, Copy)]
struct Place {
    /// The greatest offset seen; -1 for none.
    offset: i64,
    /// How many polls its process had made when it got there, that one included.
    since: u64,
}

#[derive(Default)]
struct Process {
    places: FxHashMap<u32, Place>,
    polls: u64,
    last_poll: Time,
}

/// The worst lag, if there was a poll of an assigned key.
pub(super) fn worst(facts: &Facts<'_>) -> Option<Lag> {
    let growth = growth(facts);
    let mut worst = Worst { growth: &growth, lag: None };
    let mut processes: FxHashMap<u32, Process> = FxHashMap::default();
    // By process in order, and processes one by one: the worst does not depend on the order.
    for position in facts.positions() {
        let operation = facts.operation(position);
        let number = operation.process;
        match operation.function {
            Function::Assign | Function::Subscribe if operation.is_ok() => {
                let process = processes.entry(number).or_default();
                let assigned = match operation.function {
                    Function::Assign => facts.assigned(position),
                    _ => &[],
                };
                let fresh = Place { offset: -1, since: process.polls + 1 };
                let places = assigned
                    .iter()
                    .map(|log| (*log, process.places.get(log).copied().unwrap_or(fresh)));
                let places: FxHashMap<u32, Place> = places.collect();
                let left = std::mem::replace(&mut process.places, places);
                let left = left.iter().filter(|(log, _)| !process.places.contains_key(log));
                for (log, place) in left {
                    worst.take(number, process.polls, process.last_poll, *log, *place);
                }
            }
            Function::Poll | Function::Txn if operation.is_ok() => {
                let process = processes.entry(number).or_default();
                let Process { places, polls, last_poll } = process;
                greatest(facts, position, |log, offset| {
                    let reached = Place { offset, since: *polls + 1 };
                    let place = places.entry(log).or_insert(reached);
                    if place.offset < offset {
                        let before = std::mem::replace(place, reached);
                        worst.take(number, *polls, *last_poll, log, before);
                    }
                });
                process.polls += 1;
                process.last_poll = operation.invoked;
            }
            _ => {}
        }
        if operation.outcome == Outcome::Info
            && let Some(process) = processes.remove(&number)
        {
            worst.end(number, &process);
        }
    }
    for (number, process) in &processes {
        worst.end(*number, process);
    }
    worst.lag
}

/// Calls `each` with the greatest offset of each key that an operation polled or sent, key after
/// key; a key may come twice.
fn greatest(facts: &Facts<'_>, position: u32, mut each: impl FnMut(u32, i64)) {
    let mut last: Option<(u32, i64)> = None;
    let pairs = facts.reads(position).iter().chain(facts.sends(position));
    for pair in pairs.filter(|pair| pair.offset != UNKNOWN) {
        let log = facts.of(*pair).key;
        match &mut last {
            Some((same, offset)) if *same == log => *offset = (*offset).max(pair.offset),
            _ => {
                if let Some((log, offset)) = last.replace((log, pair.offset)) {
                    each(log, offset);
                }
            }
        }
    }
    if let Some((log, offset)) = last {
        each(log, offset);
    }
}

/// Each log's growth, as operations of known outcome told of it.
fn growth(facts: &Facts<'_>) -> Vec<Growth> {
    let mut growth: Vec<Growth> = vec![Vec::new(); facts.keys.len()];
    for position in facts.completions() {
        let operation = facts.operation(*position);
        if operation.outcome == Outcome::Fail {
            continue;
        }
        greatest(facts, *position, |log, offset| {
            let log = &mut growth[log as usize];
            if log.last().is_none_or(|(known, _)| *known < offset) {
                log.push((offset, operation.completed));
            }
        });
    }
    growth
}

struct Worst<'g> {
    growth: &'g [Growth],
    lag: Option<Lag>,
}

impl Worst<'_> {
    /// A process stood at this place up to its last poll: lag grows with time, so that poll's is
    /// the worst of them.
    fn take(&mut self, process: u32, polls: u64, last_poll: Time, key: u32, place: Place) {
        if polls < place.since {
            return;
        }
        let growth = &self.growth[key as usize];
        let beyond = growth.partition_point(|(known, _)| *known <= place.offset);
        let expired = growth.get(beyond).map_or(last_poll, |(_, time)| *time);
        let nanos = last_poll.as_nanos().saturating_sub(expired.as_nanos());
        let lag = Lag { nanos, invoked: last_poll, process, key };
        // Ties go to the earliest, and then to the smallest process and key: hash tables have no
        // say.
        let rank = |lag: &Lag| (std::cmp::Reverse(lag.nanos), lag.invoked, lag.process, lag.key);
        if self.lag.as_ref().is_none_or(|worst| rank(&lag) < rank(worst)) {
            self.lag = Some(lag);
        }
    }

    fn end(&mut self, number: u32, process: &Process) {
        for (key, place) in &process.places {
            self.take(number, process.polls, process.last_poll, *key, *place);
        }
    }
}
