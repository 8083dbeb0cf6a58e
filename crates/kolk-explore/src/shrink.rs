//! Making a failing run small.
//!
//! A plan that fails is made less: fewer faults and shorter ones, less load, fewer nodes, clients
//! and keys, operations left out, a constant latency, and of what the network does to single
//! messages only what matters. Where many operations are left, other seeds are tried with fewer.
//! Every step is kept only if a run of the smaller plan still shows the class of anomaly that the
//! first one showed, and no class that it did not show. Sets are made small by delta debugging
//! (Zeller & Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", TSE 2002).
//!
//! Smaller plans are tried side by side, and the first in their order that still fails is taken:
//! what comes out does not depend on how many are tried at once.

mod ddmin;
mod steps;

use std::collections::BTreeSet;

use kolk_history::Plan;
use kolk_workload::planner;

use crate::messages::Messages;
use crate::{Class, Lab, Observation, run_all};
use ddmin::minimize;

/// A run made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The plan.
    pub plan: Plan,
    /// What its run showed.
    pub seen: Observation,
    /// How large it was.
    pub before: Size,
    /// The steps that were kept, in words.
    pub steps: Vec<String>,
    /// How many runs it took.
    pub runs: u64,
    /// True if nothing smaller was found in the end; false if there was no more time.
    pub is_least: bool,
}

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Nodes.
    pub nodes: u64,
    /// Workers.
    pub workers: u64,
    /// Operations of the load.
    pub operations: u64,
    /// Faults, and single messages whose fate is set. Loss and duplication count as one each.
    pub faults: u64,
    /// Messages between nodes and services.
    pub messages: u64,
}

impl Size {
    /// That of a run.
    pub fn of(plan: &Plan, seen: &Observation) -> Size {
        let drawn = [plan.network.loss, plan.network.duplication];
        let drawn = drawn.iter().filter(|chance| **chance > 0.0).count();
        Size {
            nodes: plan.nodes.len() as u64,
            workers: u64::from(plan.concurrency),
            operations: seen.operations,
            faults: (plan.faults.len() + plan.exceptions.fates.len() + drawn) as u64,
            messages: seen.messages,
        }
    }
}

/// Makes a failing run small. `tell` is told every step that is kept.
///
/// `None` if the run does not fail in this class when it is run again.
///
/// # Errors
///
/// If a plan could not be carried out.
pub fn shrink<L: Lab>(
    lab: &L,
    plan: &Plan,
    class: &Class,
    tell: &mut dyn FnMut(&str, &Size),
) -> Result<Option<Shrunk>, L::Error> {
    let again = run_all(lab, std::slice::from_ref(plan), true, |_| true)?;
    let Some((_, seen)) = again.into_iter().next() else { return Ok(None) };
    if !seen.classes.contains(class) {
        return Ok(None);
    }
    let before = Size::of(plan, &seen);
    let mut shrinker = Shrinker {
        lab,
        class,
        allowed: seen.classes.iter().cloned().collect(),
        plan: plan.clone(),
        seen,
        tried: BTreeSet::new(),
        steps: Vec::new(),
        runs: 1,
        tell,
    };
    loop {
        let known = shrinker.plan.clone();
        shrinker.round()?;
        if shrinker.plan == known || lab.is_over() {
            break;
        }
    }
    let Shrinker { plan, seen, steps, runs, .. } = shrinker;
    Ok(Some(Shrunk { plan, seen, before, steps, runs, is_least: !lab.is_over() }))
}

struct Shrinker<'a, L> {
    lab: &'a L,
    class: &'a Class,
    /// The classes that the first run showed.
    allowed: BTreeSet<Class>,
    /// The smallest plan so far, and what its run showed.
    plan: Plan,
    seen: Observation,
    /// Plans that do not fail so, or cannot be run, as they are stored.
    tried: BTreeSet<u64>,
    steps: Vec<String>,
    runs: u64,
    tell: &'a mut dyn FnMut(&str, &Size),
}

impl<L: Lab> Shrinker<'_, L> {
    /// All reductions, the coarse ones first.
    fn round(&mut self) -> Result<(), L::Error> {
        self.end_sooner()?;
        self.nodes()?;
        self.workers()?;
        self.keys()?;
        self.operations()?;
        self.faults()?;
        self.chances()?;
        self.latencies()?;
        self.fates()?;
        self.fault_times()?;
        self.seeds()
    }

    /// Takes the first of these plans whose run still fails so; its place.
    fn first(&mut self, what: &str, plans: Vec<Plan>) -> Result<Option<usize>, L::Error> {
        self.first_within(what, plans, u64::MAX)
    }

    /// The same, of those whose run has at most so many operations.
    fn first_within(
        &mut self,
        what: &str,
        plans: Vec<Plan>,
        operations_max: u64,
    ) -> Result<Option<usize>, L::Error> {
        let mut places = Vec::new();
        let mut fresh = Vec::new();
        for (place, plan) in plans.into_iter().enumerate() {
            let is_news = plan != self.plan
                && !self.tried.contains(&digest(&plan))
                && planner::check(&plan).is_ok();
            if is_news {
                places.push(place);
                fresh.push(plan);
            }
        }
        let (class, allowed) = (self.class, &self.allowed);
        let fails = |seen: &Observation| {
            seen.operations <= operations_max
                && seen.classes.contains(class)
                && seen.classes.iter().all(|class| allowed.contains(class))
        };
        let mut kept = None;
        for (place, seen) in run_all(self.lab, &fresh, true, fails)? {
            self.runs += 1;
            if fails(&seen) {
                kept = Some((place, seen));
                break;
            }
            self.tried.insert(digest(&fresh[place]));
        }
        let Some((place, seen)) = kept else { return Ok(None) };
        self.plan = fresh.swap_remove(place);
        self.seen = seen;
        if !what.is_empty() {
            self.steps.push(what.to_owned());
        }
        (self.tell)(what, &Size::of(&self.plan, &self.seen));
        Ok(Some(places[place]))
    }

    /// Makes a list small whose parts can be left out one by one.
    fn subset<T: Clone + PartialEq>(
        &mut self,
        what: &str,
        items: Vec<T>,
        build: impl Fn(&Plan, Option<&Messages>, &[T]) -> Option<Plan>,
    ) -> Result<(), L::Error> {
        let count = items.len();
        let left = minimize(items, |lists| {
            if self.lab.is_over() {
                return Ok(None);
            }
            let mut places = Vec::new();
            let mut plans = Vec::new();
            for (place, list) in lists.iter().enumerate() {
                let plan = build(&self.plan, self.messages(), list);
                places.extend(plan.is_some().then_some(place));
                plans.extend(plan);
            }
            Ok(self.first("", plans)?.map(|place| places[place]))
        })?;
        if left.len() < count {
            self.steps.push(format!("{what}: {} of {count} are left", left.len()));
        }
        Ok(())
    }

    fn messages(&self) -> Option<&Messages> {
        self.seen.detail.as_ref()
    }
}

/// A plan in short.
fn digest(plan: &Plan) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = rustc_hash::FxHasher::default();
    serde_json::to_string(plan).expect("a plan can be stored").hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
