//! A quiet run: small, short, and nothing goes wrong; and how runs are made of it that deviate.

use kolk_history::Plan;
use kolk_history::plan::LatencyDistribution;
use kolk_workload::planner::{Concurrency, Nodes, Settings};
use kolk_workload::{plan, registry};

use crate::deviation::{Deviation, apply};
use crate::strategy::Given;
use crate::{Candidate, Deviations, Observation, Open};

/// How many operations a quiet run has, about.
const OPERATIONS: f64 = 8.0;

/// What was asked for, and of what it leaves open the least: three nodes, a few operations, ten
/// milliseconds of latency, no trouble. Faults that come as [`Deviations`] are none of its.
pub fn quiet(asked: &Settings, open: Open) -> Settings {
    let mut settings = asked.clone();
    if open.nodes {
        settings.nodes = Nodes::Count(3);
    }
    if open.concurrency {
        let least = registry::info(&settings.workload).map_or(1, |info| info.workers_per_node());
        settings.concurrency = Concurrency::PerNode(least);
    }
    if open.rate {
        settings.rate = 10.0;
    }
    if open.time_limit {
        let seconds = OPERATIONS / settings.rate.max(0.1);
        settings.time_limit = seconds.min(asked.time_limit.max(0.1));
    }
    if open.latency {
        settings.latency = 10.0;
    }
    if open.latency_dist {
        settings.latency_dist = LatencyDistribution::Constant;
    }
    settings.nemesis.retain(|nemesis| !Deviations::NEMESES.contains(nemesis));
    settings
}

/// The quiet runs of the seeds that follow, to be looked at when everything near the first one was
/// tried.
pub fn more_quiet(asked: &Settings, open: Open) -> impl Iterator<Item = Plan> + use<> {
    let first = quiet(asked, open);
    (1..).map_while(move |number| {
        let seed = first.seed.wrapping_add(number);
        plan(&Settings { seed, ..first.clone() }).ok()
    })
}

/// A quiet run that is varied by deviations, and those that come when nothing is left of it.
pub(crate) struct QuietRuns {
    /// The one that is varied now.
    pub(crate) plan: Plan,
    pub(crate) kinds: Deviations,
    pub(crate) more: Box<dyn Iterator<Item = Plan>>,
    pub(crate) given: Given<Vec<Deviation>>,
    began: bool,
    /// How many runs were made of it.
    pub(crate) runs: u64,
    /// Those that could not be carried out: what they would have shown is not known.
    pub(crate) errors: u64,
    /// How many were varied in all ways before it, and the runs that took.
    whole: (u64, u64),
}

impl QuietRuns {
    pub(crate) fn new(plan: Plan, kinds: Deviations) -> QuietRuns {
        let more = Box::new(std::iter::empty());
        let given = Given::new();
        QuietRuns { plan, kinds, more, given, began: false, runs: 0, errors: 0, whole: (0, 0) }
    }

    /// True once for each of them: its own run comes first.
    pub(crate) fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.began, true)
    }

    /// A run with these deviations.
    pub(crate) fn give(&mut self, set: Vec<Deviation>) -> Candidate {
        self.given.give(apply(&self.plan, &set), set)
    }

    /// The deviations of a run that was made.
    pub(crate) fn take(&mut self, of: &Candidate, seen: &Observation) -> Option<Vec<Deviation>> {
        let set = self.given.take(of)?;
        self.runs += 1;
        self.errors += u64::from(seen.error.is_some());
        Some(set)
    }

    /// Goes over to the next one, if there is one: true if all is known of the one before.
    pub(crate) fn go_on(&mut self) -> Option<bool> {
        self.plan = self.more.next()?;
        self.whole = self.varied(true);
        let is_known = self.errors == 0;
        (self.began, self.runs, self.errors) = (false, 0, 0);
        Some(is_known)
    }

    /// How many were varied in all ways, and the runs that took; `is_through` says whether nothing
    /// is left of this one.
    pub(crate) fn varied(&self, is_through: bool) -> (u64, u64) {
        let (count, runs) = self.whole;
        let is_whole = is_through && self.began && self.given.is_empty() && self.errors == 0;
        if is_whole { (count + 1, runs + self.runs) } else { (count, runs) }
    }
}
