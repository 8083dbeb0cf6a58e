//! What a log should keep beside what Maelstrom checks. Stronger findings, all of them.
//!
//! - `nonmonotonic-commit`: see `commits`.
//! - `diverged`: after the faults have healed, a client reads every key from the beginning at its
//!   node, for as long as the workload lets it, and still lacks acknowledged values.
//! - `silent`: a node answers none of those polls at the end.
//! - `nonmonotonic-offset`: a send was acknowledged at a lower offset than one of the same key that
//!   had been acknowledged before it began, by whichever node: what comes later in time does not
//!   come later in the log, and whoever has read on will never see it.
//!
//! The first two need to know which node served what.

use std::collections::BTreeMap;

use kolk_history::{Function, Phase};

use super::commits;
use super::facts::{Facts, UNKNOWN};
use super::findings::Findings;
use crate::check::Anomaly;
use crate::convergence::at_the_end;
use crate::kind::Kind;
use crate::tree::some_of;

/// How many missing values a sentence names, and how many of their sends are given as proof.
const NAMED_MAX: usize = 8;

pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings) {
    commits::check(facts, findings);
    offsets(facts, findings);
    convergence(facts, findings);
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
                findings.check.stronger(Kind::NonmonotonicOffset, || {
                    let claim = format!(
                        "{} was acknowledged{} at offset {}, though offset {} had been \
                         acknowledged{} before it was sent",
                        facts.text(pair.message),
                        facts.by(position),
                        pair.offset,
                        bound.offset,
                        facts.by(bound.position),
                    );
                    let operations = vec![facts.index(bound.position), began];
                    let node = facts.node(position);
                    let anomaly = Anomaly::new(Kind::NonmonotonicOffset, claim, operations);
                    facts.about(Anomaly { node, ..anomaly }, &[pair.message])
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
    silent(facts, findings);
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

/// Nodes that answer no poll at the end.
fn silent(facts: &Facts<'_>, findings: &mut Findings) {
    let mut nodes: BTreeMap<u16, (bool, u32)> = BTreeMap::new();
    for position in facts.positions() {
        let poll = facts.operation(position);
        if let (Phase::Final, Function::Poll, Some(node)) = (poll.phase, poll.function, poll.node) {
            let (answers, last) = nodes.entry(node).or_default();
            *answers |= poll.is_ok();
            *last = position;
        }
    }
    for (_, position) in nodes.into_values().filter(|(answers, _)| !answers) {
        findings.check.stronger(Kind::Silent, || {
            let node = facts.node(position);
            let name = node.as_deref().unwrap_or("a node");
            let claim = format!("{name} answers no poll {}", at_the_end(facts.history));
            let anomaly = Anomaly::new(Kind::Silent, claim, vec![facts.index(position)]);
            Anomaly { node, ..anomaly }
        });
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
    findings.check.stronger(Kind::Diverged, || {
        let node = facts.node(look.assign);
        let name = node.as_deref().unwrap_or("a node");
        let texts = missing.iter().map(|number| facts.text(*number));
        let claim = format!(
            "{}, {name} read from the beginning lacks {} acknowledged values: {}",
            at_the_end(facts.history),
            missing.len(),
            some_of(texts, NAMED_MAX),
        );
        let mut operations = vec![facts.index(last_poll)];
        let writers = missing.iter().take(NAMED_MAX);
        operations.extend(writers.map(|at| facts.index(facts.messages[*at as usize].writer)));
        let anomaly = Anomaly { node, ..Anomaly::new(Kind::Diverged, claim, operations) };
        // The last poll shows one key: that of the first value that is missing.
        let of_key = |message: u32| facts.messages[message as usize].key;
        let same = |message: &u32| of_key(*message) == of_key(missing[0]);
        facts.about(anomaly, &missing.iter().copied().filter(same).collect::<Vec<_>>())
    });
}
