//! From a history that is not linearizable to as few of its operations as show that.
//!
//! Leaving out operations must not make a history wrong that was right: what is left must be wrong
//! *because* the whole is. Reads may always go. An update may go if nobody left can have seen what
//! it set: nobody saw that value, or each who did ended before it began, or came after another
//! update that is left and that came after it. (In an order of the whole, take it out: what follows
//! up to the next update saw its value, so nobody is there.)
//!
//! Then as in [delta debugging](crate::shrink) parts are left out as long as what is left is still
//! wrong. Before that, a beginning is made with the operations that the algorithm points at, or
//! with the last ones before the history breaks, twice as many each time, and whoever may have set
//! what they saw.

use super::frontier::Limits;
use super::problem::{Effect, Op, Problem};
use super::{Decision, decide_part};
use crate::shrink::{Tried, minimize};

/// How many operations are looked at in all, over all attempts, beside sixteen times the history's.
const LOOKED_AT_MAX: usize = 1 << 21;

/// The smallest part of a problem found that is not linearizable. `proof` says where to begin.
/// Deterministic, and bounded in work: what is too large to be made small stays larger.
pub(super) fn shrink(problem: &Problem, proof: Option<Vec<u32>>, limits: Limits) -> Problem {
    let mut shrinker = Shrinker {
        problem,
        setters: Setters::new(problem),
        limits,
        budget: LOOKED_AT_MAX + 16 * problem.ops.len(),
    };
    let start = shrinker.start(proof);
    let smallest = shrinker.minimize(start);
    let mut smallest = problem.with(smallest.iter().map(|at| problem.ops[*at as usize]).collect());
    smallest.prune();
    smallest
}

struct Shrinker<'a> {
    problem: &'a Problem,
    setters: Setters,
    limits: Limits,
    /// How many operations may still be looked at.
    budget: usize,
}

impl Shrinker<'_> {
    fn is_broken(&mut self, kept: &[u32]) -> bool {
        self.budget = self.budget.saturating_sub(kept.len() + 1);
        let ops: Vec<Op> = kept.iter().map(|at| self.op(*at)).collect();
        matches!(decide_part(self.problem.with(ops), self.limits), Decision::Broken { .. })
    }

    /// Some operations that are not linearizable, with all who may have set what they saw.
    fn start(&mut self, proof: Option<Vec<u32>>) -> Vec<u32> {
        if let Some(mut proof) = proof {
            proof.sort_unstable();
            proof.dedup();
            let proof = self.with_setters(proof);
            if self.is_broken(&proof) {
                return proof;
            }
        }
        // In the order of their ends.
        let mut by_end: Vec<u32> = (0..self.problem.ops.len() as u32).collect();
        by_end.sort_by_key(|at| {
            let op = self.op(*at);
            (op.ret, op.call)
        });
        let done = by_end.partition_point(|at| !self.op(*at).is_pending());
        let mut count = 8;
        while count < done && self.budget > 0 {
            let mut last = by_end[done - count..done].to_vec();
            last.sort_unstable();
            let last = self.with_setters(last);
            if self.is_broken(&last) {
                return last;
            }
            count *= 2;
        }
        (0..self.problem.ops.len() as u32).collect()
    }

    fn with_setters(&self, mut kept: Vec<u32>) -> Vec<u32> {
        loop {
            let missing = self.setters.missing(self.problem, &kept, usize::MAX);
            if missing.is_empty() {
                return kept;
            }
            kept.extend(missing);
            kept.sort_unstable();
            kept.dedup();
        }
    }

    /// Without pending operations that are of no use to the rest.
    fn pruned(&self, kept: Vec<u32>) -> Vec<u32> {
        let mut part = self.problem.with(kept.iter().map(|at| self.op(*at)).collect());
        part.prune();
        let mut left = part.ops.iter().map(|op| op.call).peekable();
        kept.into_iter().filter(|at| left.next_if_eq(&self.op(*at).call).is_some()).collect()
    }

    fn op(&self, at: u32) -> Op {
        self.problem.ops[at as usize]
    }

    fn minimize(&mut self, kept: Vec<u32>) -> Vec<u32> {
        minimize(kept, |part| {
            if self.budget == 0 {
                return Tried::Spent;
            }
            let rest = self.pruned(part);
            let is_closed = self.setters.missing(self.problem, &rest, 1).is_empty();
            if is_closed && self.is_broken(&rest) { Tried::Shows(rest) } else { Tried::Not }
        })
    }
}

/// Who sets each value.
pub(super) struct Setters {
    /// For each value, in the order of their invocations: the operation, and the latest end of
    /// those up to it.
    of: Vec<Vec<(u32, u32)>>,
}

impl Setters {
    pub(super) fn new(problem: &Problem) -> Setters {
        let mut of: Vec<Vec<(u32, u32)>> = vec![Vec::new(); problem.values as usize];
        for (at, op) in (0..).zip(&problem.ops) {
            let mut add = |value: u32| {
                let setters = &mut of[value as usize];
                let latest = setters.last().map_or(op.ret, |last| last.1.max(op.ret));
                setters.push((at, latest));
            };
            op.effect.set().into_iter().for_each(&mut add);
            if let Effect::Append(piece) = op.effect {
                problem.appends[piece as usize].iter().for_each(|pair| add(pair.1));
            }
        }
        Setters { of }
    }

    /// Up to so many operations that are not kept and may have set what somebody kept saw.
    pub(super) fn missing(&self, problem: &Problem, kept: &[u32], most: usize) -> Vec<u32> {
        let op = |at: u32| problem.ops[at as usize];
        // Updates that surely happened, by their ends, with the latest beginning so far.
        let mut updates: Vec<(u32, u32)> = kept
            .iter()
            .map(|at| op(*at))
            .filter(|op| !op.is_pending() && !matches!(op.effect, Effect::Read(_)))
            .map(|op| (op.ret, op.call))
            .collect();
        updates.sort_unstable();
        let mut latest = 0;
        for update in &mut updates {
            latest = latest.max(update.1);
            update.1 = latest;
        }
        let mut missing = Vec::new();
        for observer in kept.iter().map(|at| op(*at)) {
            // Who ended before this cannot be the one: another came after it.
            let before = updates.partition_point(|update| update.0 < observer.call);
            let cover = before.checked_sub(1).map_or(0, |last| updates[last].1);
            let pairs = match observer.effect {
                Effect::Append(piece) => problem.appends[piece as usize].as_slice(),
                _ => &[],
            };
            let froms = pairs.iter().map(|pair| pair.0);
            for value in observer.effect.seen().into_iter().chain(froms) {
                let setters = &self.of[value as usize];
                let begun = setters.partition_point(|(at, _)| op(*at).call < observer.ret);
                for (at, latest) in setters[..begun].iter().rev() {
                    if *latest < cover {
                        break;
                    }
                    if op(*at).ret >= cover && kept.binary_search(at).is_err() {
                        missing.push(*at);
                        if missing.len() >= most {
                            return missing;
                        }
                    }
                }
            }
        }
        missing
    }
}
