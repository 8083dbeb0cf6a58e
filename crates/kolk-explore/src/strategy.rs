//! Which runs to try next: what all ways of choosing have in common.

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
