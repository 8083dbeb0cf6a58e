//! Swarm: every run draws for itself what the flags leave open, small and short ones first.
//!
//! A run with all faults at once often dies of the first and hides the rest; runs that each leave
//! out some find more (Groce et al., "Swarm Testing", ISSTA 2012). A run that showed two types of
//! message one after the other that never came so before is varied further, as in coverage-guided
//! fuzzing of protocols: types, never payloads.

use std::collections::{BTreeSet, VecDeque};

use kolk_history::Plan;
use kolk_history::plan::LatencyDistribution;
use kolk_protocol::{Key, Random};
use kolk_workload::planner::{Concurrency, Nemesis, Nodes, PlanError, Settings};
use kolk_workload::{plan, registry};

use crate::strategy::Given;
use crate::{Candidate, Observation, Strategy};

/// After how many runs they are as large as they get.
const GROWN_AFTER: u64 = 400;

/// How often a run that showed something new is varied.
const VARIATIONS: usize = 4;

/// The most operations that a drawn length makes for.
const OPERATIONS_MAX: f64 = 200.0;

/// What the flags leave open, and every run draws for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// How many nodes.
    pub nodes: bool,
    /// How many workers.
    pub concurrency: bool,
    /// Operations a second.
    pub rate: bool,
    /// How long the load lasts.
    pub time_limit: bool,
    /// The mean latency.
    pub latency: bool,
    /// How latencies are spread.
    pub latency_dist: bool,
    /// Whether messages are lost, and how many.
    pub loss: bool,
    /// Whether messages arrive twice, and how many.
    pub duplication: bool,
    /// Whether there are partitions.
    pub nemesis: bool,
    /// How long faults last.
    pub nemesis_interval: bool,
}

impl Open {
    /// Everything.
    pub const ALL: Open = Open {
        nodes: true,
        concurrency: true,
        rate: true,
        time_limit: true,
        latency: true,
        latency_dist: true,
        loss: true,
        duplication: true,
        nemesis: true,
        nemesis_interval: true,
    };

    /// What a challenge leaves open: how long it lasts, and how long faults do.
    pub const CHALLENGE: Open = Open {
        nodes: false,
        concurrency: false,
        rate: false,
        time_limit: true,
        latency: false,
        latency_dist: false,
        loss: false,
        duplication: false,
        nemesis: false,
        nemesis_interval: true,
    };
}

/// Draws what is open. A function of what was asked for, the seed, and the size, from 0 for the
/// smallest and shortest runs to 1.
pub fn draw(asked: &Settings, open: Open, seed: u64, size: f64) -> Settings {
    let mut settings = Settings { seed, ..asked.clone() };
    let key = Key::new(seed).with_name("swarm");
    let random = |name: &str| key.with_name(name).random();
    if open.nodes {
        let most = 3 + (size * 2.99) as usize;
        settings.nodes = Nodes::Count(2 + random("nodes").index(most - 1));
    }
    let nodes = settings.nodes.names().map_or(1, |names| names.len());
    if open.concurrency {
        let least = registry::info(&settings.workload).map_or(1, |info| info.workers_per_node());
        let times = 1 + random("concurrency").below(2) as u32;
        settings.concurrency = Concurrency::PerNode(least * times);
    }
    if open.rate {
        settings.rate = pick(&mut random("rate"), &[5.0, 10.0, 20.0, 50.0, 100.0]);
    }
    if open.time_limit {
        let most = 5.0 + size * size * (OPERATIONS_MAX - 5.0);
        let operations = 4.0 + random("operations").unit() * most;
        let seconds = operations / settings.rate.max(0.1);
        let longest = if open.rate { 30.0 } else { asked.time_limit };
        settings.time_limit = round(seconds.clamp(0.1, longest));
    }
    if open.latency {
        settings.latency = pick(&mut random("latency"), &[0.0, 1.0, 5.0, 20.0, 100.0]);
    }
    if open.latency_dist {
        use LatencyDistribution::{Constant, Exponential, Uniform};
        let mut random = random("latency-dist");
        settings.latency_dist = *random.choose(&[Constant, Uniform, Exponential]).expect("three");
    }
    if open.loss && random("loss").chance(0.5) {
        settings.loss = pick(&mut random("loss-rate"), &[0.01, 0.05, 0.1, 0.3]);
    }
    if open.duplication && random("duplication").chance(0.5) {
        settings.duplication = pick(&mut random("duplication-rate"), &[0.01, 0.05, 0.2, 0.5]);
    }
    if open.nemesis && nodes > 1 && random("partition").chance(0.5) {
        settings.nemesis = vec![Nemesis::Partition];
    }
    if open.nemesis_interval {
        let part = 0.05 + random("interval").unit() * 0.5;
        settings.nemesis_interval = round((settings.time_limit * part).max(0.01));
    }
    settings
}

fn pick(random: &mut Random, from: &[f64]) -> f64 {
    *random.choose(from).expect("there is something to choose from")
}

/// To the millisecond, so that people can read it.
fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round().max(1.0) / 1000.0
}

/// The strategy.
pub struct Swarm {
    asked: Settings,
    open: Open,
    /// The number of the next run.
    number: u64,
    given: Given<Settings>,
    pairs: BTreeSet<(String, String)>,
    /// Settings to vary further.
    fruitful: VecDeque<Settings>,
}

impl Swarm {
    /// Runs from the seed asked for on, each with the next seed.
    ///
    /// # Errors
    ///
    /// If what was asked for makes no plan.
    pub fn new(asked: Settings, open: Open) -> Result<Swarm, PlanError> {
        plan(&draw(&asked, open, asked.seed, 0.0))?;
        Ok(Swarm {
            asked,
            open,
            number: 0,
            given: Given::new(),
            pairs: BTreeSet::new(),
            fruitful: VecDeque::new(),
        })
    }

    fn settings(&mut self) -> Settings {
        let seed = self.asked.seed.wrapping_add(self.number);
        let size = (self.number as f64 / GROWN_AFTER as f64).min(1.0);
        self.number += 1;
        // Every other run tries something else altogether.
        if self.number.is_multiple_of(2)
            && let Some(fruitful) = self.fruitful.pop_front()
        {
            return vary(&self.asked, &fruitful, self.open, seed, size);
        }
        draw(&self.asked, self.open, seed, size)
    }
}

/// Settings like these, under another seed and with one thing drawn anew.
fn vary(asked: &Settings, like: &Settings, open: Open, seed: u64, size: f64) -> Settings {
    let fresh = draw(asked, open, seed, size);
    let mut settings = Settings { seed, ..like.clone() };
    match Key::new(seed).with_name("vary").random().below(6) {
        0 => settings.loss = fresh.loss,
        1 => settings.duplication = fresh.duplication,
        2 => (settings.latency, settings.latency_dist) = (fresh.latency, fresh.latency_dist),
        3 => settings.nemesis = fresh.nemesis,
        4 => settings.nemesis_interval = fresh.nemesis_interval,
        _ => (settings.rate, settings.time_limit) = (fresh.rate, fresh.time_limit),
    }
    settings
}

impl Strategy for Swarm {
    fn next(&mut self, most: usize) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::with_capacity(most);
        // What is drawn makes a plan wherever what was asked for does; a combination that does not
        // is passed over, and a long row of them ends it.
        let mut refused = 0;
        while candidates.len() < most && refused < 1000 {
            let settings = self.settings();
            let Ok(plan) = plan(&settings) else {
                refused += 1;
                continue;
            };
            candidates.push(self.given.give(plan, settings));
        }
        candidates
    }

    fn learn(&mut self, candidate: &Candidate, seen: &Observation) {
        let Some(settings) = self.given.take(candidate) else { return };
        let fresh: Vec<_> = seen.pairs.difference(&self.pairs).cloned().collect();
        if !fresh.is_empty() {
            self.pairs.extend(fresh);
            self.fruitful.extend(std::iter::repeat_n(settings, VARIATIONS));
        }
    }
}

/// The plan of one seed of a sweep: its size is drawn, too.
///
/// # Errors
///
/// If what is drawn makes no plan.
pub(crate) fn of_seed(asked: &Settings, open: Open, seed: u64) -> Result<Plan, PlanError> {
    let size = Key::new(seed).with_name("size").random().unit();
    plan(&draw(asked, open, seed, size))
}
