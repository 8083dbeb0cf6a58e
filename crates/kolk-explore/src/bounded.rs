//! Bounded: all runs with at most so many deviations from a quiet one.
//!
//! Level by level: the quiet run, all with one deviation, all with two, and so on. Every set of
//! deviations is tried once, in whatever order it comes together. Nothing is left out because an
//! order of deliveries was seen before: deviations are set in times, and where two runs agree in
//! their orders a further deviation can still tell them apart.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};

use kolk_history::Plan;

use crate::deviation::{Deviation, Deviations, apply, beside};
use crate::strategy::Given;
use crate::{Candidate, Observation, Strategy};

/// The strategy.
pub struct Bounded {
    quiet: Plan,
    kinds: Deviations,
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
    given: Given<Vec<Deviation>>,
    runs: u64,
    /// Runs that could not be carried out: what they would have shown is not known.
    errors: u64,
    began: bool,
    /// The number of deviations up to which everything was tried, and the runs that took.
    complete: Option<(usize, u64)>,
    /// The quiet runs that come when nothing is left of this one.
    more: Box<dyn Iterator<Item = Plan>>,
    /// What was tried of the quiet runs before this one of which everything was.
    whole: Whole,
}

/// Quiet runs of which everything was tried.
#[derive(Default)]
struct Whole {
    quiet: u64,
    runs: u64,
    timelines: BTreeSet<u64>,
}

impl Bounded {
    /// All runs with at most `deviations_max` deviations of these kinds from the quiet plan.
    pub fn new(quiet: Plan, kinds: Deviations, deviations_max: usize) -> Bounded {
        Bounded {
            quiet,
            kinds,
            deviations_max,
            level: 0,
            parents: VecDeque::new(),
            next: VecDeque::new(),
            tried: BTreeSet::new(),
            timelines: BTreeSet::new(),
            given: Given::new(),
            runs: 0,
            errors: 0,
            began: false,
            complete: None,
            more: Box::new(std::iter::empty()),
            whole: Whole::default(),
        }
    }

    /// When everything was tried that is near the quiet run, goes on with the next one of these.
    #[must_use]
    pub fn then(mut self, more: impl Iterator<Item = Plan> + 'static) -> Bounded {
        self.more = Box::new(more);
        self
    }

    /// Goes over to the next quiet run, if there is one.
    fn go_on(&mut self) -> bool {
        let Some(quiet) = self.more.next() else { return false };
        let more = std::mem::replace(&mut self.more, Box::new(std::iter::empty()));
        let mut whole = std::mem::take(&mut self.whole);
        if self.errors == 0 {
            whole.quiet += 1;
            whole.runs += self.runs;
            whole.timelines.append(&mut self.timelines);
        }
        let given = std::mem::replace(&mut self.given, Given::new());
        *self =
            Bounded { more, whole, given, ..Bounded::new(quiet, self.kinds, self.deviations_max) };
        true
    }

    /// The next set of deviations of this level.
    fn next_set(&mut self) -> Option<Vec<Deviation>> {
        if !self.began {
            self.began = true;
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
            let plan = apply(&self.quiet, &set);
            candidates.push(self.given.give(plan, set));
        }
        candidates
    }

    fn learn(&mut self, candidate: &Candidate, seen: &Observation) {
        let Some(set) = self.given.take(candidate) else { return };
        self.runs += 1;
        if seen.error.is_some() {
            self.errors += 1;
        } else {
            self.timelines.insert(seen.timeline);
        }
        if self.level < self.deviations_max
            && let Some(messages) = &seen.detail
        {
            let mut more = beside(&candidate.plan, messages, &set, self.kinds);
            // Given out from the back.
            more.reverse();
            self.next.push_back((set, more));
        }
        let is_over = self.given.is_empty() && self.parents.iter().all(|(_, more)| more.is_empty());
        if is_over && self.errors == 0 {
            // Where no run leaves room for more, there are none with more.
            let level = if self.next.is_empty() { self.deviations_max } else { self.level };
            self.complete = Some((level, self.runs));
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
        if self.whole.quiet == 0 {
            let (level, runs) = self.complete?;
            let orders = self.timelines.len();
            return Some(format!("{}: {runs} runs, {orders} orders of deliveries", all(level)));
        }
        // The one that is under way may be through, too.
        let last = self.complete.filter(|(level, _)| *level == self.deviations_max);
        let (quiet, runs) = last.map_or((0, 0), |(_, runs)| (1, runs));
        let (quiet, runs) = (self.whole.quiet + quiet, self.whole.runs + runs);
        let mut orders = self.whole.timelines.len();
        if last.is_some() {
            orders += self.timelines.difference(&self.whole.timelines).count();
        }
        let from =
            if quiet == 1 { "one quiet run" } else { &format!("each of {quiet} quiet runs") };
        let all = all(self.deviations_max);
        Some(format!("{all} from {from}: {runs} runs, {orders} orders of deliveries"))
    }
}

#[cfg(test)]
mod tests;
