//! What a log should keep beside what the original checks. Stronger findings, all of them.
//!
//! - `nonmonotonic-commit`: a client that is newly assigned a key begins below an offset that the
//!   same node had acknowledged as committed before. Every `ok` poll has committed the greatest
//!   offsets it returned, and a fresh client's first poll of a key shows where it began.
//! - `diverged`: after the faults have healed, a client reads every key from the beginning at its
//!   node, for as long as the workload lets it, and still lacks acknowledged values.
//!
//! - `nonmonotonic-offset`: a send was acknowledged at a lower offset than one of the same key that
//!   had been acknowledged before it began, by whichever node: what comes later in time does not
//!   come later in the log, and whoever has read on will never see it.
//!
//! The first two need to know which node served what.

use std::collections::BTreeMap;

use kolk_history::{Function, Outcome, Phase};
use rustc_hash::FxHashMap;

use super::facts::{Facts, NONE, UNKNOWN};
use super::findings::Findings;
use crate::check::Anomaly;
use crate::tree::some_of;

/// How many missing values a sentence names, and how many of their sends are given as proof.
const NAMED_MAX: usize = 8;

pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings) {
    commits(facts, findings);
    offsets(facts, findings);
    convergence(facts, findings);
}

/// An offset that a node acknowledged as committed, by which poll.
#[derive(Clone, Copy)]
struct Committed {
    offset: i64,
    position: u32,
}

/// A key that a process holds; until its first poll of it, with what had been committed when it
/// was assigned, and by which operation.
type Held = Option<(Committed, u32)>;

fn commits(facts: &Facts<'_>, findings: &mut Findings) {
    let mut committed: FxHashMap<(u16, u32), Committed> = FxHashMap::default();
    let mut held: FxHashMap<u32, FxHashMap<u32, Held>> = FxHashMap::default();
    // What had been committed when an assignment began that is not over yet, by its process.
    let mut began: FxHashMap<u32, FxHashMap<u32, Held>> = FxHashMap::default();
    let mut completions = facts.completions().iter().copied().peekable();
    for position in facts.positions() {
        let index = facts.index(position);
        let earlier = |at: &u32| facts.operation(*at).completion_or_end() < index;
        while let Some(over) = completions.next_if(earlier) {
            completed(facts, over, &mut committed, &mut held, &mut began, findings);
        }
        let operation = facts.operation(position);
        if let (Function::Assign, Some(node)) = (operation.function, operation.node) {
            // A final assignment goes to the beginning, whatever is committed.
            let seeks = operation.phase == Phase::Final;
            let log = |log: &u32| {
                let known = committed.get(&(node, *log)).filter(|_| !seeks);
                (*log, known.map(|known| (*known, position)))
            };
            let logs = facts.assigned(position).iter().map(log).collect();
            began.insert(operation.process, logs);
        }
    }
    for over in completions {
        completed(facts, over, &mut committed, &mut held, &mut began, findings);
    }
}

fn completed(
    facts: &Facts<'_>,
    position: u32,
    committed: &mut FxHashMap<(u16, u32), Committed>,
    held: &mut FxHashMap<u32, FxHashMap<u32, Held>>,
    began: &mut FxHashMap<u32, FxHashMap<u32, Held>>,
    findings: &mut Findings,
) {
    let operation = facts.operation(position);
    if operation.outcome == Outcome::Info {
        held.remove(&operation.process);
        began.remove(&operation.process);
        return;
    }
    let (Some(node), true) = (operation.node, operation.is_ok()) else { return };
    match operation.function {
        Function::Assign => {
            let mut logs = began.remove(&operation.process).unwrap_or_default();
            let before = held.entry(operation.process).or_default();
            for (log, fresh) in &mut logs {
                if let Some(known) = before.get(log) {
                    *fresh = *known;
                }
            }
            *before = logs;
        }
        Function::Poll => {
            let holds = held.entry(operation.process).or_default();
            let mut last = NONE;
            for pair in facts.reads(position).iter().filter(|pair| pair.offset != UNKNOWN) {
                let log = facts.of(*pair).key;
                if log != last
                    && let Some((bound, assign)) = holds.get_mut(&log).and_then(Option::take)
                    && pair.offset < bound.offset
                {
                    let shown = Regression { log, began: pair.offset, bound, assign, position };
                    let check = &mut findings.check;
                    check.stronger("nonmonotonic-commit", || shown.anomaly(facts));
                }
                last = log;
                let known = committed
                    .entry((node, log))
                    .or_insert(Committed { offset: pair.offset, position });
                if known.offset < pair.offset {
                    *known = Committed { offset: pair.offset, position };
                }
            }
        }
        _ => {}
    }
}

struct Regression {
    log: u32,
    began: i64,
    bound: Committed,
    assign: u32,
    position: u32,
}

impl Regression {
    fn anomaly(&self, facts: &Facts<'_>) -> Anomaly {
        let node = facts.node(self.position);
        let name = node.as_deref().unwrap_or("the node");
        let claim = format!(
            "key {}: {name} had acknowledged offset {} as committed, and then let a new client begin at {}",
            facts.keys[self.log as usize], self.bound.offset, self.began,
        );
        let operations = [self.bound.position, self.assign, self.position];
        let operations = operations.map(|at| facts.index(at)).to_vec();
        Anomaly { node, ..Anomaly::new("nonmonotonic-commit", claim, operations) }
    }
}

/// The greatest offset of a log acknowledged so far, from an event on.
struct Acknowledged {
    since: u32,
    offset: i64,
    position: u32,
}

fn offsets(facts: &Facts<'_>, findings: &mut Findings) {
    let mut logs: Vec<Vec<Acknowledged>> = Vec::new();
    logs.resize_with(facts.keys.len(), Vec::new);
    let known = |position: u32| {
        let ok = facts.operation(position).is_ok();
        let sends = if ok { facts.sends(position) } else { &[] };
        sends.iter().filter(|pair| pair.offset != UNKNOWN)
    };
    for position in facts.completions().iter().copied() {
        for pair in known(position) {
            let log = &mut logs[facts.of(*pair).key as usize];
            if log.last().is_none_or(|last| last.offset < pair.offset) {
                let since = facts.operation(position).completion_or_end();
                log.push(Acknowledged { since, offset: pair.offset, position });
            }
        }
    }
    for position in facts.positions() {
        let began = facts.index(position);
        for pair in known(position) {
            let log = &logs[facts.of(*pair).key as usize];
            let before = log.partition_point(|acknowledged| acknowledged.since < began);
            if let Some(bound) = before.checked_sub(1).map(|at| &log[at])
                && pair.offset < bound.offset
            {
                findings.check.stronger("nonmonotonic-offset", || {
                    let claim = format!(
                        "{} was acknowledged{} at offset {}, though offset {} had been acknowledged{} before it was sent",
                        facts.text(pair.message),
                        facts.by(position),
                        pair.offset,
                        bound.offset,
                        facts.by(bound.position),
                    );
                    let operations = vec![facts.index(bound.position), began];
                    let node = facts.node(position);
                    Anomaly { node, ..Anomaly::new("nonmonotonic-offset", claim, operations) }
                });
            }
        }
    }
}

/// A client's look at everything, after the faults have healed.
struct Look {
    assign: u32,
    last_poll: Option<u32>,
    /// One bit a message.
    seen: Vec<u64>,
    /// False if an operation did not end well: what it lacks then proves nothing.
    whole: bool,
}

fn convergence(facts: &Facts<'_>, findings: &mut Findings) {
    let mut looks: BTreeMap<u32, Look> = BTreeMap::new();
    let is_final = |at: &u32| facts.operation(*at).phase == Phase::Final;
    for position in facts.positions().filter(is_final) {
        let operation = facts.operation(position);
        match operation.function {
            Function::Assign if operation.is_ok() => {
                let seen = vec![0; facts.messages.len().div_ceil(64)];
                let look = Look { assign: position, last_poll: None, seen, whole: true };
                looks.insert(operation.process, look);
            }
            Function::Poll => {
                let Some(look) = looks.get_mut(&operation.process) else { continue };
                look.whole &= operation.is_ok();
                look.last_poll = Some(position);
                for pair in facts.reads(position) {
                    look.seen[pair.message as usize / 64] |= 1 << (pair.message % 64);
                }
            }
            _ => {}
        }
    }
    let mut looked: Vec<u16> = Vec::new();
    for look in looks.values().filter(|look| look.whole) {
        if let (Some(node), Some(last_poll)) = (facts.operation(look.assign).node, look.last_poll) {
            looked.push(node);
            compare(facts, look, last_poll, findings);
        }
    }
    let unread: Vec<&String> = (0..)
        .zip(&facts.history.nodes)
        .filter(|(node, _)| !looked.contains(node))
        .map(|(_, name)| name)
        .collect();
    let notes = &mut findings.check.notes;
    if looked.is_empty() {
        notes.push("convergence was not checked: no client read everything at the end".to_owned());
    } else if !unread.is_empty() {
        let unread = some_of(unread.iter(), NAMED_MAX);
        notes.push(format!(
            "convergence was not checked on nodes that no client read whole: {unread}"
        ));
    }
}

fn compare(facts: &Facts<'_>, look: &Look, last_poll: u32, findings: &mut Findings) {
    let began = facts.index(look.assign);
    let acknowledged = |message: &super::facts::Message<'_>| {
        message.sent_ok && facts.operation(message.writer).completion_or_end() < began
    };
    let missing: Vec<u32> = (0..)
        .zip(&facts.messages)
        .filter(|(_, message)| acknowledged(message))
        .map(|(number, _)| number)
        .filter(|number| look.seen[*number as usize / 64] & (1 << (number % 64)) == 0)
        .collect();
    if missing.is_empty() {
        return;
    }
    findings.check.stronger("diverged", || {
        let node = facts.node(look.assign);
        let name = node.as_deref().unwrap_or("a node");
        let texts = missing.iter().map(|number| facts.text(*number));
        let claim = format!(
            "after the faults have healed, {name} read from the beginning lacks {} acknowledged values: {}",
            missing.len(),
            some_of(texts, NAMED_MAX),
        );
        let mut operations = vec![facts.index(last_poll)];
        let writers = missing.iter().take(NAMED_MAX);
        operations.extend(writers.map(|at| facts.index(facts.messages[*at as usize].writer)));
        Anomaly { node, ..Anomaly::new("diverged", claim, operations) }
    });
}
