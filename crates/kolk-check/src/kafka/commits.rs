//! Committed offsets that went back. A stronger finding, `nonmonotonic-commit`.
//!
//! Every `ok` poll has committed the greatest offsets that it returned, and the first poll of a
//! client that is newly assigned a key shows where it began: at what the node said was committed.
//!
//! Maelstrom's text lets a node keep the last offset it was told, or the greatest, or any mixture:
//! after each commit a key's offset is the new one, or, if that is lower, perhaps still the old
//! one. A client may so begin at an offset if some commit of it, by whichever node, is not
//! *surpassed*: no greater one was begun at the client's node after it had ended, and acknowledged
//! before the assignment began. A poll of unknown outcome may have committed anything at any time.
//!
//! It needs to know which node served what.

use kolk_history::{Function, Outcome, Phase};
use rustc_hash::FxHashMap;

use super::facts::{Facts, NONE, UNKNOWN};
use super::findings::Findings;
use crate::check::Anomaly;
use crate::kind::Kind;

/// An offset that a poll committed: acknowledged, or of unknown outcome with any offset.
#[derive(Clone, Copy, Debug)]
struct Commit {
    offset: i64,
    /// The event indices of the poll's invocation and completion.
    began: u32,
    ended: u32,
    node: u16,
    position: u32,
}

/// All commits of a log.
#[derive(Default)]
struct Commits {
    /// In the order in which they were acknowledged.
    acknowledged: Vec<Commit>,
    /// By offset, the places of those that committed it, in the same order.
    by_offset: FxHashMap<i64, Vec<u32>>,
    /// By node, the places of those that were greater than all before, in the same order.
    records: FxHashMap<u16, Vec<u32>>,
    /// Polls of unknown outcome: when each began, and what it committed is greater than, if it
    /// committed anything.
    unknown: Vec<(u32, i64)>,
}

impl Commits {
    fn add(&mut self, commit: Commit) {
        let place = self.acknowledged.len() as u32;
        self.by_offset.entry(commit.offset).or_default().push(place);
        let records = self.records.entry(commit.node).or_default();
        let greatest = records.last().map(|record| self.acknowledged[*record as usize].offset);
        if greatest.is_none_or(|greatest| greatest < commit.offset) {
            records.push(place);
        }
        self.acknowledged.push(commit);
    }

    /// The greatest commit that shows that a client of a node cannot begin at `offset` by an
    /// assignment that took from `began` to `ended`; `None` if it can.
    fn surpassing(&self, offset: i64, node: u16, began: u32, ended: u32) -> Option<&Commit> {
        let at = |place: &u32| &self.acknowledged[*place as usize];
        let records = self.records.get(&node)?;
        let before = records.partition_point(|record| at(record).ended < began);
        let greatest = records[..before].last().map(at)?;
        let is_explained = |(since, above): &(u32, i64)| *since < ended && *above < offset;
        if greatest.offset <= offset || self.unknown.iter().any(is_explained) {
            return None;
        }
        // If one of this offset is not surpassed, then the one that ended last is not.
        let places = self.by_offset.get(&offset).map_or(&[][..], Vec::as_slice);
        let Some(last) = places.iter().rev().map(at).find(|commit| commit.began < ended) else {
            return Some(greatest);
        };
        let before = self.acknowledged.partition_point(|commit| commit.ended < began);
        let later = self.acknowledged[..before].iter().rev();
        later
            .take_while(|commit| commit.ended > last.ended)
            .filter(|commit| commit.node == node && commit.offset > offset)
            .filter(|commit| commit.began > last.ended)
            .max_by_key(|commit| commit.offset)
    }
}

/// What a process holds.
#[derive(Default)]
struct Held {
    /// By log: the assignment after which it has not been polled yet.
    logs: FxHashMap<u32, Option<u32>>,
}

pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings) {
    let commits = commits(facts);
    let mut held: FxHashMap<u32, Held> = FxHashMap::default();
    for position in facts.completions().iter().copied() {
        let operation = facts.operation(position);
        if operation.outcome == Outcome::Info {
            held.remove(&operation.process);
            continue;
        }
        let (Some(node), true) = (operation.node, operation.is_ok()) else { continue };
        let holds = held.entry(operation.process).or_default();
        match operation.function {
            Function::Assign => {
                // A final assignment goes to the beginning, whatever is committed.
                let fresh = (operation.phase != Phase::Final).then_some(position);
                let before = std::mem::take(&mut holds.logs);
                let logs = facts.assigned(position).iter();
                holds.logs =
                    logs.map(|log| (*log, before.get(log).copied().unwrap_or(fresh))).collect();
            }
            Function::Poll => {
                let mut last = NONE;
                for pair in facts.reads(position).iter().filter(|pair| pair.offset != UNKNOWN) {
                    let log = facts.of(*pair).key;
                    if log != last
                        && let Some(assign) = holds.logs.get_mut(&log).and_then(Option::take)
                    {
                        let assignment = facts.operation(assign);
                        let (began, ended) = (assignment.index, assignment.completion_or_end());
                        let log_commits = &commits[log as usize];
                        let bound = log_commits.surpassing(pair.offset, node, began, ended);
                        if let Some(bound) = bound {
                            let shown =
                                Regression { log, began: pair.offset, bound, assign, position };
                            let check = &mut findings.check;
                            check.stronger(Kind::NonmonotonicCommit, || shown.anomaly(facts));
                        }
                    }
                    last = log;
                }
            }
            _ => {}
        }
    }
}

/// What was committed, by log.
fn commits(facts: &Facts<'_>) -> Vec<Commits> {
    let mut commits: Vec<Commits> = Vec::new();
    commits.resize_with(facts.keys.len(), Commits::default);
    // What each process has been assigned, and how far it has polled: a poll of unknown outcome
    // may have committed something greater.
    let mut assigned: FxHashMap<u32, FxHashMap<u32, i64>> = FxHashMap::default();
    for position in facts.positions() {
        let operation = facts.operation(position);
        let holds = assigned.entry(operation.process).or_default();
        match operation.function {
            Function::Assign => {
                let logs = facts.assigned(position).iter();
                *holds =
                    logs.map(|log| (*log, holds.get(log).copied().unwrap_or(UNKNOWN))).collect();
            }
            Function::Poll if operation.outcome == Outcome::Info => {
                for (log, above) in holds.iter() {
                    commits[*log as usize].unknown.push((operation.index, *above));
                }
            }
            Function::Poll => {
                for pair in facts.reads(position) {
                    if let Some(above) = holds.get_mut(&facts.of(*pair).key) {
                        *above = pair.offset.max(*above);
                    }
                }
            }
            _ => {}
        }
    }
    let mut greatest: FxHashMap<u32, i64> = FxHashMap::default();
    for position in facts.completions().iter().copied() {
        let operation = facts.operation(position);
        let (Some(node), true) = (operation.node, operation.is_ok()) else { continue };
        if operation.function != Function::Poll {
            continue;
        }
        greatest.clear();
        for pair in facts.reads(position).iter().filter(|pair| pair.offset != UNKNOWN) {
            let offset = greatest.entry(facts.of(*pair).key).or_insert(pair.offset);
            *offset = pair.offset.max(*offset);
        }
        for (log, offset) in &greatest {
            let (began, ended) = (operation.index, operation.completion_or_end());
            commits[*log as usize].add(Commit { offset: *offset, began, ended, node, position });
        }
    }
    commits
}

struct Regression<'a> {
    log: u32,
    began: i64,
    bound: &'a Commit,
    assign: u32,
    position: u32,
}

impl Regression<'_> {
    fn anomaly(&self, facts: &Facts<'_>) -> Anomaly {
        let node = facts.node(self.position);
        let name = node.as_deref().unwrap_or("the node");
        let claim = format!(
            "key {}: {name} had acknowledged offset {} as committed, and then let a new client \
             begin at {}, which nobody had committed since",
            facts.keys[self.log as usize], self.bound.offset, self.began,
        );
        let operations = [self.bound.position, self.assign, self.position];
        let operations = operations.map(|at| facts.index(at)).to_vec();
        // A history holds no commits and no answers to who asks for them; polls tell of both.
        let [polled, asked, began] = operations[..] else { unreachable!("three") };
        let steps = vec![
            format!(
                "operation {polled} polled up to offset {} and committed that: {name} acknowledged \
                 it",
                self.bound.offset
            ),
            format!("operation {asked} then asked {name} what was committed, for a new client"),
            format!("operation {began}, its first poll, began at offset {}", self.began),
        ];
        let anomaly = Anomaly::new(Kind::NonmonotonicCommit, claim, operations);
        let anomaly = Anomaly { node, steps, ..anomaly };
        anomaly.of_key(facts.keys[self.log as usize].as_ref())
    }
}

#[cfg(test)]
mod tests;
