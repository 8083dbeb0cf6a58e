//! Which runs to try next: what all ways of choosing have in common.

use std::collections::VecDeque;

use kolk_history::Plan;

use crate::{Lab, Observation, Tally, run_all};

/// How many runs are chosen before what they showed is looked at. Fixed, so that what is explored
/// does not depend on the machine.
const BATCH: usize = 64;

/// A plan worth trying.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The plan.
    pub plan: Plan,
    /// What the strategy wants to know it by.
    pub tag: usize,
}

/// What a strategy knows of the plans that it gave out, until it learns what came of them.
pub(crate) struct Given<T> {
    waiting: VecDeque<(usize, T)>,
    tags: usize,
}

impl<T> Given<T> {
    pub(crate) fn new() -> Given<T> {
        Given { waiting: VecDeque::new(), tags: 0 }
    }

    /// A plan to try, and what is to be known of it when it was tried.
    pub(crate) fn give(&mut self, plan: Plan, known: T) -> Candidate {
        let tag = self.tags;
        self.tags += 1;
        self.waiting.push_back((tag, known));
        Candidate { plan, tag }
    }

    /// What is known of a candidate that was tried. They come in the order in which they were
    /// given; those passed over were not tried and are forgotten.
    pub(crate) fn take(&mut self, candidate: &Candidate) -> Option<T> {
        while self.waiting.front().is_some_and(|(tag, _)| *tag < candidate.tag) {
            self.waiting.pop_front();
        }
        self.waiting.pop_front().map(|(_, known)| known)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// A way to choose runs.
pub trait Strategy {
    /// At most so many more plans; none if there are no more.
    fn next(&mut self, most: usize) -> Vec<Candidate>;

    /// Is told what came of a plan, in the order in which they were given.
    fn learn(&mut self, candidate: &Candidate, seen: &Observation);

    /// True if it wants to see messages.
    fn wants_detail(&self) -> bool {
        false
    }

    /// What was proved, in words, once [`Strategy::next`] has nothing more to give.
    fn proved(&self) -> Option<String> {
        None
    }

    /// How likely its runs show what they were chosen for, in words, if that is known.
    fn chance(&self) -> Option<String> {
        None
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Go on after a failure.
    pub keep_going: bool,
    /// After so many runs.
    pub runs_max: Option<u64>,
}

/// Why it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A run failed.
    Failure,
    /// The budget is used up.
    Budget,
    /// There is nothing left to try: what that proves, if anything.
    Complete(Option<String>),
}

/// Tries what a strategy chooses, until a run fails, the budget is used up, or nothing is left.
///
/// # Errors
///
/// If a plan could not be carried out.
pub fn explore<L: Lab>(
    lab: &L,
    strategy: &mut dyn Strategy,
    tally: &mut Tally,
    options: Options,
) -> Result<Ended, L::Error> {
    loop {
        let left = options.runs_max.map_or(u64::MAX, |most| most.saturating_sub(tally.runs));
        if left == 0 || lab.is_over() {
            return Ok(Ended::Budget);
        }
        let most = BATCH.min(usize::try_from(left).unwrap_or(BATCH));
        let candidates = strategy.next(most);
        if candidates.is_empty() {
            return Ok(Ended::Complete(strategy.proved()));
        }
        let plans: Vec<Plan> = candidates.iter().map(|candidate| candidate.plan.clone()).collect();
        let enough = |seen: &Observation| !options.keep_going && seen.fails();
        let seen = run_all(lab, &plans, strategy.wants_detail(), enough)?;
        let is_whole = seen.len() == plans.len();
        let mut failed = false;
        for (place, seen) in &seen {
            tally.add(&plans[*place], seen);
            strategy.learn(&candidates[*place], seen);
            failed |= seen.fails();
        }
        if failed && !options.keep_going {
            return Ok(Ended::Failure);
        }
        if !is_whole {
            return Ok(Ended::Budget);
        }
    }
}
