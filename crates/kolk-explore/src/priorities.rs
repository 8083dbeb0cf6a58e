//! Priorities: messages are delivered by random priorities, so that every order of a few deliveries
//! comes with a probability that is known.
//!
//! After Ozkan et al., "Randomized Testing of Distributed Systems with Probabilistic Guarantees"
//! (OOPSLA 2018). The deliveries of a run are ordered by their causes: a message cannot come before
//! the one whose handling sent it. They are parted into chains of such messages. Each chain draws
//! a priority, and `d - 1` deliveries are drawn that lower their chain's below all others; of all
//! that can be delivered next, what is in the chain of the highest priority comes first. Any `d`
//! deliveries then come in any order that their causes allow, as late as they can, with a
//! probability of at least `1 / (w · n^(d - 1))`, for `w` chains and `n` deliveries: the first of
//! them is in the lowest chain, and the others are those drawn, in their order. As a delivery has
//! one cause at most, there are no more chains than the most deliveries of which none hangs on
//! another.
//!
//! What is ordered are the deliveries of a quiet run, by giving each message its latency. That is
//! exact as long as their order does not change what is sent; what a run sends beside takes its
//! usual time. After some runs the next quiet run is taken, with other operations.

use kolk_history::Plan;
use kolk_history::plan::FateOverride;
use kolk_protocol::{Key, Random};
use kolk_workload::plan;
use kolk_workload::planner::{PlanError, Settings};

use crate::strategy::Given;
use crate::{Candidate, Messages, Observation, Open, Strategy, quiet};

/// How many runs are made of a quiet run's deliveries.
const RUNS_EACH: u64 = 96;

/// Operations a second, where that is open: so many that they are under way at once.
const RATE: f64 = 100.0;

/// The most deliveries whose order is drawn.
const DEPTH_MAX: u32 = 3;

/// How long a message is on its way at least, and how long after the last one it comes, in
/// nanoseconds.
const STEP: u64 = 1_000;

/// A message that a quiet run delivered.
#[derive(Clone, Debug)]
struct Delivery {
    fate: FateOverride,
    /// The delivery that caused it, by its place; always an earlier one.
    cause: Option<usize>,
    /// When it was sent, in nanoseconds: after its cause came, or from the start of the run.
    sent: u64,
}

/// The deliveries of a quiet run.
#[derive(Clone, Debug)]
struct Deliveries {
    plan: Plan,
    all: Vec<Delivery>,
    /// The chains: places in the order of their causes.
    chains: Vec<Vec<usize>>,
}

/// The strategy.
pub struct Priorities {
    asked: Settings,
    open: Open,
    depths: Vec<u32>,
    /// How many quiet runs were taken.
    rounds: u64,
    current: Option<Deliveries>,
    /// How many runs there were of the present quiet run's deliveries, and of all.
    of_current: u64,
    drawn: u64,
    /// True if the run is the quiet one.
    given: Given<bool>,
    /// Runs for each depth, from 1 on, that were carried out.
    runs: [u64; DEPTH_MAX as usize],
    /// The most chains, and the most deliveries, that there were.
    chains_max: usize,
    deliveries_max: usize,
}

impl Priorities {
    /// Orders of so many deliveries, from 1 to 3; of each number in turns if none is
    /// given.
    ///
    /// # Errors
    ///
    /// If what was asked for makes no plan.
    pub fn new(asked: Settings, open: Open, depth: Option<u32>) -> Result<Priorities, PlanError> {
        let depths = match depth {
            Some(depth) => vec![depth.clamp(1, DEPTH_MAX)],
            None => (1..=DEPTH_MAX).collect(),
        };
        let priorities = Priorities {
            asked,
            open,
            depths,
            rounds: 0,
            current: None,
            of_current: 0,
            drawn: 0,
            given: Given::new(),
            runs: [0; DEPTH_MAX as usize],
            chains_max: 0,
            deliveries_max: 0,
        };
        priorities.quiet()?;
        Ok(priorities)
    }

    /// The next quiet run.
    fn quiet(&self) -> Result<Plan, PlanError> {
        let seed = self.asked.seed.wrapping_add(self.rounds);
        let mut asked = Settings { seed, ..self.asked.clone() };
        if self.open.rate {
            asked.rate = RATE;
        }
        plan(&quiet(&asked, Open { rate: false, ..self.open }))
    }

    /// How many deliveries are drawn for a run.
    fn depth(&self, number: u64) -> u32 {
        self.depths[(number % self.depths.len() as u64) as usize]
    }
}

impl Strategy for Priorities {
    fn next(&mut self, most: usize) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        if self.of_current >= RUNS_EACH {
            self.current = None;
        }
        let Some(current) = &self.current else {
            self.of_current = 0;
            // What was asked for makes plans, whatever the seed is.
            let plan = self.quiet();
            self.rounds += 1;
            candidates.extend(plan.ok().map(|plan| self.given.give(plan, true)));
            return candidates;
        };
        while candidates.len() < most && self.of_current < RUNS_EACH {
            let mut random =
                Key::new(self.asked.seed).with_name("priorities").with(self.drawn).random();
            let order = current.order(self.depth(self.drawn) as usize, &mut random);
            candidates.push(self.given.give(current.delivered(&order), false));
            self.of_current += 1;
            self.drawn += 1;
        }
        candidates
    }

    fn learn(&mut self, candidate: &Candidate, seen: &Observation) {
        let Some(is_quiet) = self.given.take(candidate) else { return };
        if !is_quiet {
            if seen.error.is_none() {
                let done: u64 = self.runs.iter().sum();
                self.runs[self.depth(done) as usize - 1] += 1;
            }
            return;
        }
        let Some(messages) = &seen.detail else { return };
        let deliveries = Deliveries::of(&candidate.plan, messages);
        if !deliveries.all.is_empty() {
            self.chains_max = self.chains_max.max(deliveries.chains.len());
            self.deliveries_max = self.deliveries_max.max(deliveries.all.len());
            self.current = Some(deliveries);
        }
    }

    fn wants_detail(&self) -> bool {
        true
    }

    fn chance(&self) -> Option<String> {
        let (chains, all) = (self.chains_max as u64, self.deliveries_max as u64);
        if chains == 0 {
            return None;
        }
        let of_depth = |depth: u32| {
            let one_in = chains.saturating_mul(all.saturating_pow(depth - 1));
            let runs = self.runs[depth as usize - 1];
            let never = (1.0 - 1.0 / one_in as f64).powf(runs as f64);
            let all_runs = (1.0 - never) * 100.0;
            format!("of {depth}: 1 in {one_in} a run, {all_runs:.1} % after {runs}")
        };
        let of_depths = self.depths.iter().map(|depth| of_depth(*depth)).collect::<Vec<_>>();
        Some(format!(
            "an order of deliveries comes at least with this probability, {}, with up to {all} \
             deliveries in {chains} chains",
            of_depths.join("; ")
        ))
    }
}

impl Deliveries {
    /// Those of a quiet run's load.
    fn of(plan: &Plan, messages: &Messages) -> Deliveries {
        let mut all: Vec<Delivery> = Vec::new();
        // The numbers of their messages, which go up, and when each came.
        let mut numbers: Vec<(u64, u64)> = Vec::new();
        for message in &messages.servers {
            let Some(first) = message.arrived.first().filter(|_| !message.stopped) else {
                continue;
            };
            if message.sent < messages.load_began {
                continue;
            }
            let cause = cause(messages, message.cause, &numbers);
            let sent = message.sent.as_nanos();
            let since = cause.map_or(0, |place| numbers[place].1);
            numbers.push((message.id, first.as_nanos()));
            let fate = FateOverride {
                src: message.src.clone(),
                dest: message.dest.clone(),
                nth: message.nth,
                lost: false,
                latency: first.as_nanos() - sent,
                duplicate: None,
            };
            all.push(Delivery { fate, cause, sent: sent.saturating_sub(since) });
        }
        let causes: Vec<Option<usize>> = all.iter().map(|delivery| delivery.cause).collect();
        Deliveries { plan: plan.clone(), chains: chains(&causes), all }
    }

    /// The places in the order in which they are delivered, where these many matter.
    fn order(&self, depth: usize, random: &mut Random) -> Vec<usize> {
        let causes: Vec<Option<usize>> = self.all.iter().map(|delivery| delivery.cause).collect();
        order(&causes, &self.chains, depth, random)
    }

    /// The plan in which they are delivered in this order.
    fn delivered(&self, order: &[usize]) -> Plan {
        let mut plan = self.plan.clone();
        let mut came = vec![0; self.all.len()];
        let mut last = 0;
        for place in order {
            let Delivery { fate, cause, sent } = &self.all[*place];
            let sent = sent + cause.map_or(0, |cause| came[cause]);
            let at = (sent + STEP).max(last + STEP);
            (came[*place], last) = (at, at);
            plan.exceptions.fates.push(FateOverride { latency: at - sent, ..fate.clone() });
        }
        plan
    }
}

/// The place of the delivery that a message hangs on: its cause, or that one's if it was a
/// client's, and so on.
fn cause(messages: &Messages, mut cause: Option<u64>, numbers: &[(u64, u64)]) -> Option<usize> {
    loop {
        let id = cause?;
        if let Ok(place) = numbers.binary_search_by_key(&id, |(id, _)| *id) {
            return Some(place);
        }
        cause = match messages.causes.get(&id) {
            Some(before) => *before,
            None => messages.find(id)?.cause,
        };
    }
}

/// Parts what hangs on each other into chains, as few as can be: where each hangs on one other at
/// most, a chain ends where nothing hangs on its last, so there are as many as there are such ends.
fn chains(causes: &[Option<usize>]) -> Vec<Vec<usize>> {
    let mut chains: Vec<Vec<usize>> = Vec::new();
    // Of each place the chain whose last it is.
    let mut ends: Vec<Option<usize>> = vec![None; causes.len()];
    for (place, cause) in causes.iter().enumerate() {
        let chain = match cause.and_then(|cause| ends[cause].take()) {
            Some(chain) => chain,
            None => {
                chains.push(Vec::new());
                chains.len() - 1
            }
        };
        chains[chain].push(place);
        ends[place] = Some(chain);
    }
    chains
}

/// The order of deliveries by random priorities.
fn order(
    causes: &[Option<usize>],
    chains: &[Vec<usize>],
    depth: usize,
    random: &mut Random,
) -> Vec<usize> {
    // The higher the sooner; those that were lowered are below 0.
    let mut priorities: Vec<i64> = (0..chains.len() as i64).collect();
    random.shuffle(&mut priorities);
    let mut drawn: Vec<usize> = (0..causes.len()).collect();
    random.shuffle(&mut drawn);
    drawn.truncate(depth.saturating_sub(1));
    let mut heads = vec![0; chains.len()];
    let mut is_delivered = vec![false; causes.len()];
    let mut order = Vec::with_capacity(causes.len());
    while order.len() < causes.len() {
        let mut next: Option<(i64, usize)> = None;
        for (number, chain) in chains.iter().enumerate() {
            let Some(place) = chain.get(heads[number]) else { continue };
            if let Some(rank) = drawn.iter().position(|one| one == place) {
                priorities[number] = -1 - rank as i64;
            }
            let can_be = causes[*place].is_none_or(|cause| is_delivered[cause]);
            if can_be && next.is_none_or(|(highest, _)| priorities[number] > highest) {
                next = Some((priorities[number], number));
            }
        }
        let (_, number) = next.expect("what has no cause that is left can be delivered");
        let place = chains[number][heads[number]];
        heads[number] += 1;
        is_delivered[place] = true;
        order.push(place);
    }
    order
}

#[cfg(test)]
mod tests;
