//! Swarm: every run draws for itself what the flags leave open, small and short ones first.
//!
//! A run with all faults at once often dies of the first and hides the rest; runs that each leave
//! out some find more (Groce et al., "Swarm Testing", ISSTA 2012). A run that showed two types of
//! message one after the other that never came so before is varied further, as in coverage-guided
//! fuzzing of protocols: types, never payloads.

use std::collections::{BTreeSet, VecDeque};

use kolk_check::Validity;
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

/// So many runs must have been judged before it is decided whether they are too short.
const JUDGED_MIN: usize = 16;

/// And so many if none has told anything so far. They become longer in larger steps then: each run
/// of a slow program costs a good part of a second, and there may be a minute for all of them.
const JUDGED_IN_VAIN: usize = 8;

/// How many times longer runs become if most of the last ones told nothing, and if all did.
const LONGER: f64 = 2.0;
const MUCH_LONGER: f64 = 8.0;

/// The most operations that a drawn length makes for.
const OPERATIONS_MAX: f64 = 200.0;

/// How close together faults come at the closest in a run of many, in seconds: as long as a message
/// may take.
const DENSE: f64 = 0.02;

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
/// smallest and shortest runs to 1. A drawn length is at least `seconds_min`.
pub fn draw(asked: &Settings, open: Open, seed: u64, size: f64, seconds_min: f64) -> Settings {
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
        let longest = longest(asked, open);
        let least = seconds_min.clamp(0.1, longest);
        settings.time_limit = round((operations / settings.rate.max(0.1)).clamp(least, longest));
        // As many operations, in more time.
        if open.rate && seconds_min > 0.0 {
            settings.rate = settings.rate.min(round(operations / settings.time_limit).max(1.0));
        }
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
        let mut interval = (settings.time_limit * part).max(0.01);
        // Most runs have a few faults, and time between them. What needs a node to be down and back
        // within one election, or the power to fail during a write, needs them close together.
        let mut dense = random("dense");
        if dense.chance(0.25) && interval > DENSE {
            interval = DENSE * (interval / DENSE).powf(dense.unit());
        }
        settings.nemesis_interval = round(interval);
    }
    settings
}

/// The longest length that is drawn, in seconds.
fn longest(asked: &Settings, open: Open) -> f64 {
    if open.rate { 30.0 } else { asked.time_limit }
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
    /// How long runs are at least, in seconds: shorter ones told too little.
    seconds_min: f64,
    /// How long the runs were that told nothing, and how many told something, since it was set.
    too_short: Vec<f64>,
    told: usize,
    /// True if any run told something.
    has_told: bool,
}

impl Swarm {
    /// Runs from the seed asked for on, each with the next seed.
    ///
    /// # Errors
    ///
    /// If what was asked for makes no plan.
    pub fn new(asked: Settings, open: Open) -> Result<Swarm, PlanError> {
        plan(&draw(&asked, open, asked.seed, 0.0, 0.0))?;
        Ok(Swarm {
            asked,
            open,
            number: 0,
            given: Given::new(),
            pairs: BTreeSet::new(),
            fruitful: VecDeque::new(),
            seconds_min: 0.0,
            too_short: Vec::new(),
            told: 0,
            has_told: false,
        })
    }

    /// Makes runs longer if most of the last ones told nothing: a cluster may need time to elect a
    /// leader before it can answer anybody.
    fn lengthen(&mut self) {
        let (judged_min, longer) = match self.has_told {
            true => (JUDGED_MIN, LONGER),
            false => (JUDGED_IN_VAIN, MUCH_LONGER),
        };
        if self.too_short.len() + self.told < judged_min {
            return;
        }
        if self.open.time_limit && self.too_short.len() > self.told {
            let mean = self.too_short.iter().sum::<f64>() / self.too_short.len() as f64;
            let longer = longer * mean.max(self.seconds_min);
            self.seconds_min = longer.min(longest(&self.asked, self.open));
        }
        self.too_short.clear();
        self.told = 0;
    }

    fn settings(&mut self) -> Settings {
        let seed = self.asked.seed.wrapping_add(self.number);
        let size = (self.number as f64 / GROWN_AFTER as f64).min(1.0);
        self.number += 1;
        // Every other run tries something else altogether.
        if self.number.is_multiple_of(2)
            && let Some(fruitful) = self.fruitful.pop_front()
        {
            let fresh = draw(&self.asked, self.open, seed, size, self.seconds_min);
            let mut settings = vary(&fruitful, fresh);
            if self.open.time_limit {
                settings.time_limit = settings.time_limit.max(self.seconds_min);
            }
            return settings;
        }
        draw(&self.asked, self.open, seed, size, self.seconds_min)
    }
}

/// Settings like these, under the seed of `fresh` and with one thing taken from there.
fn vary(like: &Settings, fresh: Settings) -> Settings {
    let mut settings = Settings { seed: fresh.seed, ..like.clone() };
    match Key::new(fresh.seed).with_name("vary").random().below(6) {
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
        self.lengthen();
        // When a whole batch has told nothing, only as many follow as show whether longer ones do.
        let in_vain = !self.has_told && self.number > 0;
        let most = if in_vain { most.min(JUDGED_IN_VAIN) } else { most };
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
        match (seen.validity, &seen.error) {
            (Validity::Unknown, None) => self.too_short.push(settings.time_limit),
            _ => {
                self.told += 1;
                self.has_told = true;
            }
        }
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
    plan(&draw(asked, open, seed, size, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::asked;

    /// Of a cluster that answers nobody for its first two seconds, only longer runs tell anything.
    #[test]
    fn runs_that_tell_nothing_become_longer() {
        const ANSWERS_AFTER: f64 = 2.0;
        let longer = |open: Open| {
            let mut asked = asked(1);
            (asked.time_limit, asked.rate) = (20.0, 50.0);
            let mut swarm = Swarm::new(asked, open).expect("a plan");
            let mut told = Vec::new();
            for _ in 0..8 {
                let batch = swarm.next(64);
                let seconds = |one: &Candidate| one.plan.time_limit as f64 / 1e9;
                let tells = |one: &Candidate| seconds(one) >= ANSWERS_AFTER;
                told.push((batch.iter().filter(|one| tells(one)).count(), batch.len()));
                for one in &batch {
                    let validity = if tells(one) { Validity::Valid } else { Validity::Unknown };
                    swarm.learn(
                        one,
                        &Observation { validity, error: None, ..Observation::error(String::new()) },
                    );
                }
            }
            told
        };
        let told = longer(Open::ALL);
        assert!(told[0].0 < told[0].1 / 2, "the first are short: {told:?}");
        let most = |(told, of): &(usize, usize)| *told > of / 2;
        assert!(told[4..].iter().all(most), "then most tell something: {told:?}");
        // Where none of the first does, few runs go by before one does.
        let soon = longer(Open::CHALLENGE);
        assert_eq!((soon[0], soon[1].1), ((0, 64), JUDGED_IN_VAIN), "{soon:?}");
        assert!(soon[3..].iter().all(most), "{soon:?}");
        let fixed = longer(Open { time_limit: false, ..Open::ALL });
        assert_eq!(fixed, [(64, 64); 8], "what was asked for is kept");
    }
}
