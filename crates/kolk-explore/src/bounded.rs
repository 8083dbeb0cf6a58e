//! Bounded: all runs with at most so many deviations from a quiet one.
//!
//! Level by level: the quiet run, all with one deviation, all with two, and so on. Every set of
//! deviations is tried once, in whatever order it comes together. Nothing is left out because an
//! order of deliveries was seen before: deviations are set in times, and where two runs agree in
//! their orders a further deviation can still tell them apart.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};

use kolk_history::Plan;

use crate::deviation::{Deviation, Deviations, beside};
use crate::quiet::QuietRuns;
use crate::{Candidate, Observation, Strategy};

/// The strategy.
pub struct Bounded {
    quiet: QuietRuns,
    deviations_max: usize,
    /// How many deviations the runs have that are tried now.
    level: usize,
    /// Runs that are varied now: their deviations, and those that can be added to them.
    parents: VecDeque<(Vec<Deviation>, Vec<Deviation>)>,
    /// Runs of this level, to be varied on the next one.
    next: VecDeque<(Vec<Deviation>, Vec<Deviation>)>,
    /// Sets of deviations that were given out, in short.
    tried: BTreeSet<u64>,
    timelines: BTreeSet<u64>,
    /// The number of deviations up to which everything was tried, and the runs that took.
    complete: Option<(usize, u64)>,
    /// The timelines of the quiet runs before this one of which everything was tried.
    whole: BTreeSet<u64>,
}

impl Bounded {
    /// All runs with at most `deviations_max` deviations of these kinds from the quiet plan.
    pub fn new(quiet: Plan, kinds: Deviations, deviations_max: usize) -> Bounded {
        Bounded {
            quiet: QuietRuns::new(quiet, kinds),
            deviations_max,
            level: 0,
            parents: VecDeque::new(),
            next: VecDeque::new(),
            tried: BTreeSet::new(),
            timelines: BTreeSet::new(),
            complete: None,
            whole: BTreeSet::new(),
        }
    }

    /// When everything was tried that is near the quiet run, goes on with the next one of these.
    #[must_use]
    pub fn then(mut self, more: impl Iterator<Item = Plan> + 'static) -> Bounded {
        self.quiet.more = Box::new(more);
        self
    }

    /// Goes over to the next quiet run, if there is one.
    fn go_on(&mut self) -> bool {
        let Some(is_known) = self.quiet.go_on() else { return false };
        let timelines = std::mem::take(&mut self.timelines);
        if is_known {
            self.whole.extend(timelines);
        }
        self.tried.clear();
        (self.level, self.complete) = (0, None);
        true
    }

    /// The next set of deviations of this level.
    fn next_set(&mut self) -> Option<Vec<Deviation>> {
        if self.quiet.begins() {
            return Some(Vec::new());
        }
        loop {
            let (present, more) = self.parents.front_mut()?;
            let Some(fresh) = more.pop() else {
                self.parents.pop_front();
                continue;
            };
            let mut set = present.clone();
            let place = set.partition_point(|known| *known < fresh);
            set.insert(place, fresh);
            let mut hasher = rustc_hash::FxHasher::default();
            set.hash(&mut hasher);
            if self.tried.insert(hasher.finish()) {
                return Some(set);
            }
        }
    }
}

impl Strategy for Bounded {
    fn next(&mut self, most: usize) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        while candidates.len() < most {
            let Some(set) = self.next_set() else {
                // What is out must be learned of before a level is over.
                if !candidates.is_empty() {
                    break;
                }
                if self.level < self.deviations_max && !self.next.is_empty() {
                    self.level += 1;
                    self.parents = std::mem::take(&mut self.next);
                    continue;
                }
                self.level = self.deviations_max;
                if !self.go_on() {
                    break;
                }
                continue;
            };
            candidates.push(self.quiet.give(set));
        }
        candidates
    }

    fn learn(&mut self, candidate: &Candidate, seen: &Observation) {
        let Some(set) = self.quiet.take(candidate, seen) else { return };
        if seen.error.is_none() {
            self.timelines.insert(seen.timeline);
        }
        if self.level < self.deviations_max
            && let Some(messages) = &seen.detail
        {
            let mut more = beside(&candidate.plan, messages, &set, self.quiet.kinds);
            // Given out from the back.
            more.reverse();
            self.next.push_back((set, more));
        }
        let is_over =
            self.quiet.given.is_empty() && self.parents.iter().all(|(_, more)| more.is_empty());
        if is_over && self.quiet.errors == 0 {
            // Where no run leaves room for more, there are none with more.
            let level = if self.next.is_empty() { self.deviations_max } else { self.level };
            self.complete = Some((level, self.quiet.runs));
        }
    }

    fn wants_detail(&self) -> bool {
        true
    }

    fn proved(&self) -> Option<String> {
        let all = |level: usize| match level {
            0 => "complete without deviations".to_owned(),
            1 => "complete for one deviation".to_owned(),
            level => format!("complete for {level} deviations"),
        };
        if self.quiet.varied(false).0 == 0 {
            let (level, runs) = self.complete?;
            let orders = self.timelines.len();
            return Some(format!("{}: {runs} runs, {orders} orders of deliveries", all(level)));
        }
        // The one that is under way may be through, too.
        let is_through = self.complete.is_some_and(|(level, _)| level == self.deviations_max);
        let (quiet, runs) = self.quiet.varied(is_through);
        let mut orders = self.whole.len();
        if is_through {
            orders += self.timelines.difference(&self.whole).count();
        }
        let from =
            if quiet == 1 { "one quiet run" } else { &format!("each of {quiet} quiet runs") };
        let all = all(self.deviations_max);
        Some(format!("{all} from {from}: {runs} runs, {orders} orders of deliveries"))
    }
}

#[cfg(test)]
mod tests;
