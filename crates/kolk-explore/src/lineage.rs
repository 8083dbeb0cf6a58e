//! Lineage: from a good run, lose just what its good result hung on.
//!
//! After Alvaro, Rosen & Hellerstein, "Lineage-driven Fault Injection" (SIGMOD 2015). An
//! acknowledged update is to reach every node; the messages that brought it there first are its
//! lineage. One of them at least must be lost for it not to come. If it comes all the same, the run
//! shows another way, and one of that way's messages must be lost too: a tree of hitting sets
//! (Reiter, 1987), the smallest sets first. Beside messages, each node is cut off from the moment
//! of each update; and, if that is asked for, killed right after the update came to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kolk_history::Plan;

use crate::deviation::{Deviation, Deviations, Link};
use crate::messages::{Messages, Update};
use crate::quiet::QuietRuns;
use crate::{Candidate, Observation, Strategy};

/// How many messages are lost together, at most.
const LOST_MAX: usize = 5;

/// What is to come true: an update, by its number among all operations, reaches a node.
type Goal = (usize, String);

/// The strategy.
pub struct Lineage {
    quiet: QuietRuns,
    /// Sets of deviations to try, by their size.
    queue: Vec<VecDeque<Vec<Deviation>>>,
    /// For whose sake a set is tried.
    goals: BTreeMap<Vec<Deviation>, BTreeSet<Goal>>,
}

impl Lineage {
    /// Starts from this plan, which should hold.
    pub fn new(quiet: Plan, kinds: Deviations) -> Lineage {
        Lineage {
            quiet: QuietRuns::new(quiet, kinds),
            queue: vec![VecDeque::new(); LOST_MAX + 1],
            goals: BTreeMap::new(),
        }
    }

    /// When nothing is left to try of the run that holds, goes on with the next one of these.
    #[must_use]
    pub fn then(mut self, more: impl Iterator<Item = Plan> + 'static) -> Lineage {
        self.quiet.more = Box::new(more);
        self
    }

    /// True if nothing is left to try of the quiet run.
    fn is_through(&self) -> bool {
        self.queue.iter().all(VecDeque::is_empty)
    }

    fn want(&mut self, set: Vec<Deviation>, goal: Goal) {
        let size = set.len();
        if size > LOST_MAX {
            return;
        }
        let goals = self.goals.entry(set.clone()).or_default();
        if goals.is_empty() {
            self.queue[size].push_back(set);
        }
        goals.insert(goal);
    }

    /// What to lose so that the update does not come this way.
    fn branch(&mut self, set: &[Deviation], goal: &Goal, way: &[Link]) {
        if !self.quiet.kinds.lost {
            return;
        }
        for link in way {
            let fresh = Deviation::Lost(link.clone());
            if set.contains(&fresh) {
                continue;
            }
            let mut larger = set.to_vec();
            larger.push(fresh);
            larger.sort();
            self.want(larger, goal.clone());
        }
    }
}

impl Strategy for Lineage {
    fn next(&mut self, most: usize) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        if self.quiet.begins()
            || (self.is_through() && self.quiet.go_on().is_some() && self.quiet.begins())
        {
            self.goals.clear();
            return vec![self.quiet.give(Vec::new())];
        }
        // Sets of one size at a time: what these show may make smaller ones than those that wait.
        let Some(queue) = self.queue.iter_mut().find(|queue| !queue.is_empty()) else {
            return candidates;
        };
        while candidates.len() < most
            && let Some(set) = queue.pop_front()
        {
            candidates.push(self.quiet.give(set));
        }
        candidates
    }

    fn learn(&mut self, candidate: &Candidate, seen: &Observation) {
        let Some(set) = self.quiet.take(candidate, seen) else { return };
        let Some(messages) = seen.detail.as_ref().filter(|_| !seen.fails()) else { return };
        if set.is_empty() {
            let nodes = self.quiet.plan.nodes.clone();
            for (number, update) in messages.updates.iter().enumerate() {
                for node in nodes.iter() {
                    let goal = (number, node.clone());
                    let way = way(messages, update, node);
                    if let Some(way) = &way {
                        self.branch(&set, &goal, way);
                    }
                    let from = update.invoked.saturating_sub(1);
                    let load = self.quiet.plan.time_limit;
                    if self.quiet.kinds.cut_off && nodes.len() > 1 && from < load {
                        self.want(vec![Deviation::CutOff(node.clone(), from)], goal.clone());
                    }
                    let came = came(messages, update, node, way.as_deref());
                    let Some(came) = came.filter(|came| came + 1 < load) else { continue };
                    for down in self.quiet.kinds.downs() {
                        self.want(
                            vec![Deviation::Down(node.clone(), came + 1, down)],
                            goal.clone(),
                        );
                    }
                }
            }
            return;
        }
        for goal in self.goals.remove(&set).unwrap_or_default() {
            let Some(update) = messages.updates.get(goal.0) else { continue };
            if let Some(way) = way(messages, update, &goal.1) {
                self.branch(&set, &goal, &way);
            }
            // Known, and not to be tried again.
            self.goals.entry(set.clone()).or_default().insert(goal);
        }
    }

    fn wants_detail(&self) -> bool {
        true
    }

    fn proved(&self) -> Option<String> {
        let (quiet, runs) = self.quiet.varied(self.is_through());
        let of = match quiet {
            0 => return None,
            1 => String::new(),
            quiet => format!(" of {quiet} quiet runs"),
        };
        Some(format!(
            "no result{of} breaks without the messages that it hung on, up to {LOST_MAX} of them \
             at a time: {runs} runs hold"
        ))
    }
}

/// When an update came to a node, in nanoseconds from the start of the load, if it did by then.
fn came(messages: &Messages, update: &Update, node: &str, way: Option<&[Link]>) -> Option<u64> {
    let Some(way) = way else {
        return (update.node.as_deref() == Some(node)).then_some(update.invoked);
    };
    // The last message of the way stands first in it.
    let last = way.first()?;
    let is_last = |message: &&crate::Message| {
        (&message.src, &message.dest, message.nth) == (&last.src, &last.dest, last.nth)
    };
    let at = messages.servers.iter().find(is_last)?.arrived.first()?;
    at.as_nanos().checked_sub(messages.load_began.as_nanos())
}

/// The messages that brought an update to a node first; `None` if none did, or it began there.
///
/// Messages that serve the update by their causes are believed before others. Where an update
/// travels on messages that nothing caused but time, as in gossip, every message counts that was
/// sent by whoever could know of it.
fn way(messages: &Messages, update: &Update, node: &str) -> Option<Vec<Link>> {
    let serves = |op: Option<u32>| op == Some(update.index);
    let exact = reach(messages, update, node, |message| serves(message.op));
    exact.or_else(|| reach(messages, update, node, |_| true))
}

/// The way by which whatever the update's node knew could come to a node first.
fn reach(
    messages: &Messages,
    update: &Update,
    node: &str,
    counts: impl Fn(&crate::Message) -> bool,
) -> Option<Vec<Link>> {
    let origin = update.node.as_deref()?;
    if origin == node {
        return None;
    }
    // Since when each place can know, and by which message.
    let began = messages.load_began.as_nanos() + update.invoked;
    let mut known: BTreeMap<&str, (u64, Option<usize>)> = BTreeMap::from([(origin, (began, None))]);
    // Arrivals in the order of time, so that each is looked at once.
    let mut arrivals: Vec<(u64, usize)> = Vec::new();
    for (place, message) in messages.servers.iter().enumerate() {
        if counts(message)
            && !message.stopped
            && let Some(at) = message.arrived.first()
        {
            arrivals.push((at.as_nanos(), place));
        }
    }
    arrivals.sort_unstable();
    for (at, place) in arrivals {
        let message = &messages.servers[place];
        let sender = known.get(message.src.as_str());
        let could_know = sender.is_some_and(|(since, _)| *since <= message.sent.as_nanos());
        if could_know && !known.contains_key(message.dest.as_str()) {
            known.insert(&message.dest, (at, Some(place)));
        }
    }
    let mut way = Vec::new();
    let mut place = node;
    while let Some((_, Some(number))) = known.get(place) {
        let message = &messages.servers[*number];
        let link = Link { src: message.src.clone(), dest: message.dest.clone(), nth: message.nth };
        way.push(link);
        place = &message.src;
    }
    (!way.is_empty()).then_some(way)
}

#[cfg(test)]
mod tests;
