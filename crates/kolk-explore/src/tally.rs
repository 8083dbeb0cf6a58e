//! What many runs showed.

use std::collections::{BTreeMap, BTreeSet};

use kolk_check::Validity;
use kolk_history::Plan;

use crate::{Class, Observation};

/// What many runs showed together.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many runs there were.
    pub runs: u64,
    /// How many of them hold.
    pub valid: u64,
    /// How many could not be judged: nothing was read, or too little happened.
    pub unknown: u64,
    /// How many could not be carried out.
    pub errors: u64,
    /// The seed of the first of those, and why.
    pub first_error: Option<(u64, String)>,
    /// Operations, in all runs.
    pub operations: u64,
    /// Messages between nodes and services, in all runs.
    pub messages: u64,
    timelines: BTreeSet<u64>,
    /// The number of the run, from 1, whose timeline was the last new one.
    pub last_new: u64,
    /// Types of message that came one after the other at a node.
    pub pairs: BTreeSet<(String, String)>,
    /// Types of message that came to a node.
    pub kinds: BTreeSet<String>,
    /// For each kind of trouble in how many runs it was in store, and in how many it struck.
    pub troubles: BTreeMap<String, (u64, u64)>,
    /// Failures by the class that explains most of each run.
    pub failures: BTreeMap<Class, Failure>,
}

/// The failures of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// How many runs failed so.
    pub count: u64,
    /// The plan of the one with the smallest seed.
    pub plan: Plan,
    /// That one's number among all runs, from 1.
    pub run: u64,
    /// What is wrong with it, in words.
    pub claim: String,
}

impl Tally {
    /// Takes one more run.
    pub fn add(&mut self, plan: &Plan, seen: &Observation) {
        self.runs += 1;
        if let Some(why) = &seen.error {
            self.errors += 1;
            self.first_error.get_or_insert_with(|| (plan.seed, why.clone()));
            return;
        }
        self.operations += seen.operations;
        self.messages += seen.messages;
        match seen.validity {
            Validity::Valid => self.valid += 1,
            Validity::Unknown => self.unknown += 1,
            Validity::Invalid => {}
        }
        if self.timelines.insert(seen.timeline) {
            self.last_new = self.runs;
        }
        for pair in &seen.pairs {
            if !self.pairs.contains(pair) {
                self.pairs.insert(pair.clone());
            }
        }
        for kind in &seen.kinds {
            if !self.kinds.contains(kind) {
                self.kinds.insert(kind.clone());
            }
        }
        for trouble in &seen.troubles {
            let (planned, struck) = self.troubles.entry(trouble.name.clone()).or_default();
            *planned += 1;
            *struck += u64::from(trouble.struck);
        }
        let Some(class) = seen.classes.first().filter(|_| seen.fails()) else { return };
        let fresh =
            || Failure { count: 0, plan: plan.clone(), run: self.runs, claim: seen.claim.clone() };
        let failure = self.failures.entry(class.clone()).or_insert_with(fresh);
        if plan.seed < failure.plan.seed {
            *failure = Failure { count: failure.count, ..fresh() };
        }
        failure.count += 1;
    }

    /// How many orders of deliveries there were.
    pub fn timelines(&self) -> u64 {
        self.timelines.len() as u64
    }

    /// The pairs of types that could come one after the other and never did.
    pub fn unseen_pairs(&self) -> Vec<(String, String)> {
        unseen(&self.kinds, &self.pairs)
    }

    /// The kinds of trouble that were in store and never touched a message.
    pub fn never_struck(&self) -> Vec<&str> {
        let never = self.troubles.iter().filter(|(_, (_, struck))| *struck == 0);
        never.map(|(name, _)| name.as_str()).collect()
    }

    /// How many runs failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().map(|failure| failure.count).sum()
    }
}

/// The pairs of these types that were never seen.
pub(crate) fn unseen(
    kinds: &BTreeSet<String>,
    pairs: &BTreeSet<(String, String)>,
) -> Vec<(String, String)> {
    let all = kinds.iter().flat_map(|a| kinds.iter().map(move |b| (a.clone(), b.clone())));
    all.filter(|pair| !pairs.contains(pair)).collect()
}
