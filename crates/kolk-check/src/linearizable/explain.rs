//! Why a history is not linearizable, in the words of its operations.

use kolk_history::{Function, History, Operation, Value};
use kolk_protocol::Time;

use super::frontier::{self, Limits, Searched, Stuck};
use super::problem::{Effect, INITIAL, NEVER, Op, Problem, UNSEEN};
use super::shrink::shrink;
use super::zones::{self, Zoned};
use super::{Counterexample, Decision, Key, decide_part, indices};
use crate::check::{Anomaly, Check};
use crate::kind::Kind;
use crate::said;
use crate::tree::some_of;

mod rest;

pub(super) use rest::tree;

/// How many operations a sentence lists, and how many the steps show one by one.
const LISTED_MAX: usize = 8;
const SHOWN_MAX: usize = 24;

/// How many bytes of a text are shown.
const TEXT_MAX: usize = 40;

/// The counterexample of a problem that has no order, and what it says.
pub(super) fn explain(
    history: &History,
    key: &Key,
    problem: &Problem,
    stuck: Option<Stuck>,
    limits: Limits,
) -> (Counterexample, Anomaly) {
    let stuck = stuck.unwrap_or_else(|| first_break(problem, limits));
    let breaking = problem.ops[stuck.op as usize];
    let mut beginning = problem.until(breaking.ret);
    beginning.prune();
    let proof = match zones::decide(&beginning) {
        Zoned::None { proof } => Some(proof),
        Zoned::Order(_) | Zoned::Ambiguous => None,
    };
    let minimal = shrink(&beginning, proof, limits);
    let words = Words { history, key, whole: problem, minimal: &minimal };
    let counterexample = Counterexample {
        operation: breaking.call,
        longest: indices(problem, &stuck.longest),
        states: states(problem, &stuck),
        values: words.values(&stuck),
        remaining: words.remaining(&stuck),
        minimal: minimal.ops.iter().map(|op| op.call).collect(),
    };
    (counterexample, words.anomaly(breaking, &stuck, limits))
}

fn states(problem: &Problem, stuck: &Stuck) -> Vec<Option<u32>> {
    let index = |state: &Option<u32>| state.map(|op| problem.ops[op as usize].call);
    stuck.states.iter().map(index).collect()
}

/// Where a problem breaks that has no order.
fn first_break(problem: &Problem, limits: Limits) -> Stuck {
    if let Searched::Stuck(stuck) = frontier::search(problem, limits) {
        return stuck;
    }
    // Too wide for the search: the least beginning that is broken.
    let mut ends: Vec<(u32, u32)> = (0..)
        .zip(&problem.ops)
        .filter(|(_, op)| !op.is_pending())
        .map(|(at, op)| (op.ret, at))
        .collect();
    ends.sort_unstable();
    let is_whole = |end: &(u32, u32)| {
        !matches!(decide_part(problem.until(end.0), limits), Decision::Broken { .. })
    };
    let first = ends.partition_point(is_whole).min(ends.len().saturating_sub(1));
    Stuck { op: ends[first].1, longest: Vec::new(), states: Vec::new() }
}

/// A key in a sentence.
pub(super) fn key_text(key: &Key) -> String {
    if key.is_bare { "the register".to_owned() } else { format!("key {}", key.name) }
}

/// Adds what saw a value that nobody set.
pub(super) fn impossible(
    check: &mut Check,
    history: &History,
    key: &Key,
    at: u32,
    by: Option<u32>,
) {
    let words = Words { history, key, whole: &key.problem, minimal: &key.problem };
    let (who, operation) = (words.who(at), &history.operations[at as usize]);
    let place = key_text(key);
    match by.map(|by| (by, &history.operations[by as usize])) {
        Some((by, write)) if write.index > operation.completion_or_end() => {
            check.anomaly(Kind::ReadBeforeWrite, || {
                let claim = format!(
                    "{place}: {who} saw what nobody had begun to set: {} came later, and failed",
                    words.who(by)
                );
                Anomaly::new(Kind::ReadBeforeWrite, claim, vec![write.index, operation.index])
            });
        }
        Some((by, write)) => check.anomaly(Kind::FailedWrite, || {
            let claim = format!("{place}: {who} saw what only {} set, which failed", words.who(by));
            Anomaly::new(Kind::FailedWrite, claim, vec![write.index, operation.index])
        }),
        None => check.anomaly(Kind::NeverWritten, || {
            let claim = format!("{place}: {who} saw what nobody set");
            Anomaly::new(Kind::NeverWritten, claim, vec![operation.index])
        }),
    }
}

struct Words<'a> {
    history: &'a History,
    key: &'a Key,
    whole: &'a Problem,
    minimal: &'a Problem,
}

impl Words<'_> {
    fn operation(&self, at: u32) -> &Operation {
        &self.history.operations[at as usize]
    }

    /// What an operation says, without its key: `read 3`, `cas 1 to 2`.
    fn what(&self, at: u32) -> String {
        let operation = self.operation(at);
        let bare = |value: &Value| match said::pair(value) {
            Some((_, value)) if !self.key.is_bare => value,
            _ => value.clone(),
        };
        let function = operation.function;
        match function {
            Function::Read if operation.is_ok() => {
                format!("read {}", short(&bare(&operation.result)))
            }
            Function::Cas => match said::pair(&bare(self.told(operation))) {
                Some((from, to)) if !said::said_no_such_key(operation) => {
                    format!("cas {from} to {to}")
                }
                _ => "cas (no such key)".to_owned(),
            },
            Function::Read => "read (no such key)".to_owned(),
            _ => format!("{function} {}", short(&bare(self.told(operation)))),
        }
    }

    /// What an update did.
    fn told<'o>(&self, operation: &'o Operation) -> &'o Value {
        if self.key.is_bare { said::told_bare(operation) } else { said::told(operation) }
    }

    /// An operation in a sentence.
    fn who(&self, at: u32) -> String {
        let operation = self.operation(at);
        let node = self.history.node_name(operation);
        let node = node.map_or(String::new(), |node| format!(" at {node}"));
        let Operation { process, index, .. } = operation;
        format!("{} of process {process}{node} (operation {index})", self.what(at))
    }

    /// The value that an update leaves, or that is there in the beginning.
    fn left_by(&self, op: Option<&Op>) -> String {
        let Some(op) = op else { return self.key.initial.clone() };
        let operation = self.operation(op.at);
        let value = self.told(operation);
        let value = match said::pair(value) {
            Some((_, value)) if !self.key.is_bare => value,
            _ => value.clone(),
        };
        match (op.effect, said::pair(&value)) {
            (Effect::Swap { .. }, Some((_, to))) if operation.function == Function::Cas => {
                to.to_string()
            }
            _ if operation.function == Function::Append => {
                format!("a text with {value} at its end")
            }
            _ => short(&value),
        }
    }

    fn anomaly(&self, breaking: Op, stuck: &Stuck, limits: Limits) -> Anomaly {
        let Searched::Stuck(end) = frontier::search(self.minimal, limits) else {
            let claim = format!(
                "{} is not linearizable: it breaks when {} ends",
                key_text(self.key),
                self.who(breaking.at)
            );
            let operations = self.minimal.ops.iter().take(LISTED_MAX).map(|op| op.call);
            return Anomaly::new(Kind::NotLinearizable, claim, operations.collect());
        };
        let (kind, reason) = self.name(&end, limits);
        let claim = format!("{} is not linearizable: {reason}", key_text(self.key));
        let mut operations = vec![breaking.call];
        operations.extend(self.minimal.ops.iter().map(|op| op.call));
        operations.dedup();
        let rest = operations.split_off(1);
        let others = rest.into_iter().filter(|index| *index != breaking.call);
        operations.extend(others);
        let mut steps: Vec<String> =
            self.minimal.ops.iter().take(SHOWN_MAX).map(|op| self.span(op)).collect();
        if self.minimal.ops.len() > SHOWN_MAX {
            steps.push(format!("and {} more operations", self.minimal.ops.len() - SHOWN_MAX));
        }
        steps.extend(self.why(&end));
        if self.whole.ops.len() > self.minimal.ops.len() {
            let done = self.whole.ops.iter().filter(|op| op.ret < breaking.ret).count();
            let of = self.whole.ops.len();
            let states = stuck.states.iter();
            let states = states.map(|op| self.left_by(op.map(|op| &self.whole.ops[op as usize])));
            let states = either(states.collect());
            let there =
                if states.is_empty() { states } else { format!("; then {states} is there") };
            steps.push(format!(
                "of all {of} operations here, the {done} that ended before operation {} did can be \
                 put in order{there}",
                breaking.call
            ));
        }
        let smallest = self.minimal.ops.iter().map(|op| op.call).collect();
        Anomaly { steps, smallest, ..Anomaly::new(kind, claim, operations) }
    }

    /// An operation and its time.
    fn span(&self, op: &Op) -> String {
        let operation = self.operation(op.at);
        let end = match op.ret {
            NEVER if operation.completion_index.is_some() && operation.is_ok() => {
                "; still open".to_owned()
            }
            NEVER => "; nobody knows what came of it".to_owned(),
            _ => format!(", until {}", moment(operation.completed, op.ret)),
        };
        format!("{}: from {}{end}", self.who(op.at), moment(operation.invoked, op.call))
    }

    /// Why nothing fits where the smallest part ends.
    fn why(&self, end: &Stuck) -> Vec<String> {
        let ops = &self.minimal.ops;
        let stuck = ops[end.op as usize];
        let mut steps = Vec::new();
        let numbers = |order: &[u32]| -> Vec<u32> { indices(self.minimal, order) };
        if !end.longest.is_empty() {
            let longest = numbers(&end.longest);
            steps.push(format!(
                "what comes before operation {} can be in this order: {}",
                stuck.call,
                some_of(longest.iter(), SHOWN_MAX)
            ));
        }
        let states = end.states.iter();
        let states = states.map(|op| self.left_by(op.map(|op| &ops[op as usize])));
        steps.push(format!(
            "what is there then is {}, and {} needs something else",
            either(states.collect()),
            self.what(stuck.at)
        ));
        if let Some((setter, newer)) = self.overwritten(&stuck) {
            steps.push(format!(
                "{} was the last to set that; it had ended before operation {} began",
                self.who(setter.at),
                newer.call
            ));
        }
        for (at, op) in (0..).zip(ops) {
            if at == end.op || end.longest.contains(&at) {
                continue;
            }
            let number = op.call;
            steps.push(match op.effect {
                Effect::Read(_) | Effect::Swap { .. } if !end.states.is_empty() => {
                    format!(
                        "operation {number} ({}) does not help: it changes nothing that fits",
                        self.what(op.at)
                    )
                }
                _ => format!(
                    "operation {number} ({}) does not help: it leaves {}",
                    self.what(op.at),
                    self.left_by(Some(op))
                ),
            });
        }
        steps
    }

    /// Who set what an operation saw, if that is not part of the proof, and the update after it.
    fn overwritten(&self, stuck: &Op) -> Option<(Op, Op)> {
        let seen = stuck.effect.seen()?;
        let ops = &self.minimal.ops;
        let sets = |op: &&Op| op.effect.set() == Some(seen) && op.call < stuck.ret;
        let setter = self.whole.ops.iter().rfind(sets)?;
        let is_update = |op: &&Op| !matches!(op.effect, Effect::Read(_));
        let is_after = |op: &&Op| setter.ret < op.call && op.ret < stuck.call;
        let newer = ops.iter().filter(is_update).find(is_after)?;
        let is_left = ops.iter().any(|op| op.call == setter.call);
        (!is_left).then_some((*setter, *newer))
    }

    /// What kind of anomaly the smallest part shows, and the sentence for it.
    fn name(&self, end: &Stuck, limits: Limits) -> (Kind, String) {
        let ops = &self.minimal.ops;
        let stuck = ops[end.op as usize];
        let who = self.who(stuck.at);
        let Some(seen) = stuck.effect.seen() else {
            return (Kind::NotLinearizable, format!("there is no place for {who}"));
        };
        if let Some(failed) = self.failed_that_fits(&stuck, limits) {
            let failed = self.who(failed.at);
            return (
                Kind::FailedWrite,
                format!("{who} fits only if {failed} took effect, which failed"),
            );
        }
        let sets = |op: &&Op| op.effect.set() == Some(seen) && op.call < stuck.ret;
        let is_set = seen == INITIAL || self.whole.ops.iter().any(|op| sets(&op));
        let appends = self.minimal.appends.iter().flatten().any(|pair| pair.1 == seen);
        if !is_set && !appends {
            return (Kind::ReadBeforeWrite, format!("{who} saw what nobody had begun to set"));
        }
        let is_cas = matches!(stuck.effect, Effect::Swap { .. });
        if is_cas {
            let other = ops.iter().find(|op| {
                op.call != stuck.call
                    && matches!(op.effect, Effect::Swap { from, .. } if from == seen)
            });
            if let Some(other) = other {
                let other = self.who(other.at);
                let reason = format!("{other} and {who} both replaced the same value");
                return (Kind::NonAtomicCas, reason);
            }
        }
        self.name_stale(end, &who, is_cas)
    }

    /// Of an operation that should have seen another update.
    fn name_stale(&self, end: &Stuck, who: &str, is_cas: bool) -> (Kind, String) {
        let ops = &self.minimal.ops;
        let stuck = &ops[end.op as usize];
        let seen = stuck.effect.seen();
        // What took the place of what it saw.
        let order = end.longest.iter().map(|at| &ops[*at as usize]);
        let order: Vec<&Op> = order.filter(|op| !matches!(op.effect, Effect::Read(_))).collect();
        let last = order.iter().rposition(|op| op.effect.set() == seen).map_or(0, |at| at + 1);
        let newer = || order[last..].iter().rev();
        let value = |op: &Op| op.effect.set().filter(|value| *value != UNSEEN);
        let sees = |op: &Op, newer: &Op| value(newer).is_some() && op.effect.seen() == value(newer);
        let observers = |newer: &Op| -> Vec<&Op> {
            self.whole.ops.iter().filter(|op| sees(op, newer)).collect()
        };
        let before = |op: &&Op| op.ret < stuck.call;
        let acknowledged = newer().find(|op| before(op));
        let met =
            newer().find_map(|newer| Some((newer, observers(newer).into_iter().find(before)?)));
        let since = match (acknowledged, met) {
            (Some(newer), _) => {
                format!("{} had been acknowledged before it began", self.who(newer.at))
            }
            (None, Some((newer, observer))) => format!(
                "{} had been seen by {} before it began",
                self.who(newer.at),
                self.who(observer.at)
            ),
            (None, None) => {
                let kind = if is_cas { Kind::StaleCas } else { Kind::NotLinearizable };
                return (kind, format!("there is no place for {who}"));
            }
        };
        if is_cas {
            return (Kind::StaleCas, format!("{who} saw what was not there any more: {since}"));
        }
        if let Some((newer, observer)) = met {
            if observers(newer).iter().all(|op| op.call < stuck.ret) {
                let (newer, observer) = (self.who(newer.at), self.who(observer.at));
                let reason =
                    format!("{who} saw an older value again: {observer} had seen what {newer} set");
                return (Kind::ResurrectedValue, reason);
            }
        } else if let Some(newer) = acknowledged.filter(|newer| observers(newer).is_empty()) {
            let newer = self.who(newer.at);
            let reason =
                format!("{newer} was acknowledged, and nobody ever saw it: {who} began after that");
            return (Kind::LostWrite, reason);
        }
        (Kind::StaleRead, format!("{who} is stale: {since}"))
    }

    /// An update that failed, with which the operation would fit.
    fn failed_that_fits(&self, stuck: &Op, limits: Limits) -> Option<Op> {
        let end = stuck.ret;
        let original = self.whole.until(end);
        let seen = stuck.effect.seen();
        let mut tries = 0;
        let mut likely =
            self.key.failed.iter().rev().filter(|op| op.call < end && op.effect.set() == seen);
        likely
            .find(|failed| {
                tries += 1;
                let mut ops = original.ops.clone();
                let place = ops.partition_point(|op| op.call < failed.call);
                let ret = if failed.ret <= end { failed.ret } else { NEVER };
                ops.insert(place, Op { ret, ..**failed });
                let decision = decide_part(original.with(ops), limits);
                tries <= LISTED_MAX && matches!(decision, Decision::Order(_))
            })
            .copied()
    }
}

/// A value in a sentence: of a long text its end.
fn short(value: &Value) -> String {
    match value.as_str() {
        Some(text) if text.len() > TEXT_MAX => {
            let least = text.len() - TEXT_MAX;
            let cut = (least..).find(|at| text.is_char_boundary(*at)).unwrap_or(least);
            let hidden = text[..cut].chars().count();
            format!("({hidden} characters and) {}", Value::text(&text[cut..]))
        }
        _ => value.to_string(),
    }
}

/// When something happened: a history without times has its events.
fn moment(time: Time, event: u32) -> String {
    if time == Time::default() { format!("event {event}") } else { time.to_string() }
}

/// `1`, `1 or 2`, …
fn either(mut texts: Vec<String>) -> String {
    texts.dedup();
    let more = texts.len().saturating_sub(LISTED_MAX);
    texts.truncate(LISTED_MAX);
    if more > 0 {
        texts.push(format!("{more} others"));
    }
    texts.join(" or ")
}
