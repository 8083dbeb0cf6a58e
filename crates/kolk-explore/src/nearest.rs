//! The nearest run that holds: a small run that fails, but for one thing.
//!
//! What a small run still has is all needed for its failure, so most runs with one thing less hold.
//! Of these the first is taken: without a single message's fate, without a fault, without a chance
//! of loss or duplication, with a constant latency, without an operation, the last ones first. It
//! shows what makes the difference, and what else became different.

use std::collections::{BTreeMap, BTreeSet};

use kolk_check::Validity;
use kolk_history::Plan;
use kolk_history::plan::LatencyDistribution;
use kolk_protocol::Time;
use serde::Serialize;

use crate::messages::{Message, Messages};
use crate::{Lab, Observation, faults, run_all};

/// How many differences are listed.
const DIFFERENCES_MAX: usize = 100;

/// How many operations are left out, each by itself, until one makes it hold.
const OPERATIONS_MAX: usize = 40;

/// The nearest run that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// Its plan.
    pub plan: Plan,
    /// What it goes without.
    pub without: Without,
    /// The messages whose fate is another one, in the order in which they were sent; at most 100.
    pub differences: Vec<Difference>,
    /// How many more there are.
    pub more: usize,
}

/// What a run goes without that the small run has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Without {
    /// The fate that was set for a message between servers.
    Message {
        /// The sender.
        src: String,
        /// The receiver.
        dest: String,
        /// The how-many-th message on that link, from 0.
        nth: u64,
        /// Its number in the small run, if it was sent there.
        id: Option<u64>,
        /// Its type, likewise.
        #[serde(rename = "type")]
        kind: Option<String>,
        /// `lost`, `twice` or `late`.
        fate: &'static str,
    },
    /// A fault.
    Fault {
        /// Its place in the small run's plan.
        number: usize,
        /// What it is called.
        name: String,
    },
    /// The chance that messages are lost.
    Loss,
    /// The chance that messages arrive twice.
    Duplication,
    /// Latencies that differ.
    Latency,
    /// Faults and messages' fates, all of them.
    All,
    /// An operation.
    Operation {
        /// Its number among all that the load has, as plans name it.
        number: u64,
        /// The index of its invocation in the small run's history.
        index: u32,
    },
}

impl Without {
    /// A sentence, without its full stop.
    pub fn text(&self) -> String {
        match self {
            Without::Message { src, dest, nth, kind, fate, .. } => {
                let what = match *fate {
                    "lost" => "was not lost",
                    "twice" => "did not arrive twice",
                    _ => "had its usual latency",
                };
                let kind = kind.as_ref().map_or_else(String::new, |kind| format!(" `{kind}`"));
                format!("if message{kind} {src} → {dest} (#{nth} there) {what}, the run would hold")
            }
            Without::Fault { name, .. } => format!("without the {name}, the run holds"),
            Without::Loss => "without loss of messages, the run holds".to_owned(),
            Without::Duplication => "without duplicated messages, the run holds".to_owned(),
            Without::Latency => "with a constant latency, the run holds".to_owned(),
            Without::All => "without any fault, the run holds".to_owned(),
            Without::Operation { index, .. } => {
                format!("without operation {index}, the run holds")
            }
        }
    }
}

/// A message between servers whose fate is another one in the run that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// The sender.
    pub src: String,
    /// The receiver.
    pub dest: String,
    /// The how-many-th message on that link, from 0.
    pub nth: u64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What became of it in the small run; `None` if it was not sent there.
    pub small: Option<Fate>,
    /// And in the run that holds.
    pub holds: Option<Fate>,
}

/// What became of a message; times in nanoseconds from the start of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fate {
    /// Its number in that run.
    pub id: u64,
    /// When it was sent.
    pub sent: u64,
    /// When it arrived.
    pub arrived: Vec<u64>,
    /// `arrived`, `lost`, `stopped` by a fault or since its receiver was down, or `on-its-way` when
    /// the run ended.
    pub end: &'static str,
}

/// The nearest run that holds, if a run with one thing less does.
///
/// # Errors
///
/// If a plan could not be carried out.
pub fn nearest<L: Lab>(
    lab: &L,
    small: &Plan,
    seen: &Observation,
) -> Result<Option<Nearest>, L::Error> {
    let (without, plans): (Vec<Without>, Vec<Plan>) = neighbours(small, seen).into_iter().unzip();
    let holds = |seen: &Observation| seen.validity == Validity::Valid && seen.classes.is_empty();
    let ran = run_all(lab, &plans, true, holds)?;
    let Some((place, other)) = ran.into_iter().find(|(_, seen)| holds(seen)) else {
        return Ok(None);
    };
    let (mut differences, mut more) = (Vec::new(), 0);
    if let (Some(small), Some(other)) = (&seen.detail, &other.detail) {
        differences = compare(small, other);
        more = differences.len().saturating_sub(DIFFERENCES_MAX);
        differences.truncate(DIFFERENCES_MAX);
    }
    let (plan, without) = (plans[place].clone(), without[place].clone());
    Ok(Some(Nearest { plan, without, differences, more }))
}

/// The plans with one thing less, those first that say most.
fn neighbours(small: &Plan, seen: &Observation) -> Vec<(Without, Plan)> {
    let mut found: Vec<(Without, Plan)> = Vec::new();
    let mut push = |without: Without, change: &dyn Fn(&mut Plan)| {
        let mut plan = small.clone();
        change(&mut plan);
        found.push((without, plan));
    };
    let messages = seen.detail.as_ref();
    for (place, fate) in small.exceptions.fates.iter().enumerate() {
        let is_it = |message: &&Message| {
            (&message.src, &message.dest, message.nth) == (&fate.src, &fate.dest, fate.nth)
        };
        let message = messages.and_then(|messages| messages.servers.iter().find(is_it));
        let without = Without::Message {
            src: fate.src.clone(),
            dest: fate.dest.clone(),
            nth: fate.nth,
            id: message.map(|message| message.id),
            kind: message.map(|message| message.kind.clone()),
            fate: match fate {
                fate if fate.lost => "lost",
                fate if fate.duplicate.is_some() => "twice",
                _ => "late",
            },
        };
        push(without, &|plan| drop(plan.exceptions.fates.remove(place)));
    }
    for (number, fault) in small.faults.iter().enumerate() {
        let without = Without::Fault { number, name: faults::name(fault) };
        push(without, &|plan| drop(plan.faults.remove(number)));
    }
    if small.network.loss > 0.0 {
        push(Without::Loss, &|plan| plan.network.loss = 0.0);
    }
    if small.network.duplication > 0.0 {
        push(Without::Duplication, &|plan| plan.network.duplication = 0.0);
    }
    if small.network.latency_dist != LatencyDistribution::Constant {
        push(Without::Latency, &|plan| plan.network.latency_dist = LatencyDistribution::Constant);
    }
    if small.faults.len() + small.exceptions.fates.len() > 1 {
        push(Without::All, &|plan| {
            plan.faults.clear();
            plan.exceptions.fates.clear();
        });
    }
    let invocations = messages.map_or(&[][..], |messages| &messages.invocations);
    let skipped = &small.exceptions.skipped_operations;
    let numbers = (0..).filter(|number| !skipped.contains(number));
    let left: Vec<(u64, u32)> = numbers.zip(invocations.iter().copied()).collect();
    for (number, index) in left.into_iter().rev().take(OPERATIONS_MAX) {
        push(Without::Operation { number, index }, &|plan| {
            let skipped = &mut plan.exceptions.skipped_operations;
            let place = skipped.partition_point(|known| *known < number);
            skipped.insert(place, number);
        });
    }
    found
}

/// The messages whose fates differ.
fn compare(small: &Messages, other: &Messages) -> Vec<Difference> {
    type Ends<'a> = (&'a str, &'a str, u64);
    fn by_ends(messages: &Messages) -> BTreeMap<Ends<'_>, &Message> {
        let servers = messages.servers.iter();
        servers.map(|message| ((&*message.src, &*message.dest, message.nth), message)).collect()
    }
    let (in_small, in_other) = (by_ends(small), by_ends(other));
    let mut found: Vec<(Time, Difference)> = Vec::new();
    let ends: BTreeSet<&Ends<'_>> = in_small.keys().chain(in_other.keys()).collect();
    for ends in ends {
        let pair = (in_small.get(ends), in_other.get(ends));
        let (Some(message), fates) = (pair.0.or(pair.1), [pair.0, pair.1]) else { continue };
        let [small, holds] = fates.map(|message| message.map(|message| fate(message)));
        // Numbers of messages shift with whatever was sent before them: that alone is none.
        let what = |fate: &Option<Fate>| fate.clone().map(|fate| Fate { id: 0, ..fate });
        if what(&small) == what(&holds) {
            continue;
        }
        let Message { src, dest, nth, kind, sent, .. } = (*message).clone();
        found.push((sent, Difference { src, dest, nth, kind, small, holds }));
    }
    found.sort_by_key(|(sent, _)| *sent);
    found.into_iter().map(|(_, difference)| difference).collect()
}

fn fate(message: &Message) -> Fate {
    Fate {
        id: message.id,
        sent: message.sent.as_nanos(),
        arrived: match message.stopped {
            true => Vec::new(),
            false => message.arrived.iter().map(|at| at.as_nanos()).collect(),
        },
        end: match message {
            message if message.lost => "lost",
            message if message.stopped => "stopped",
            message if message.arrived.is_empty() => "on-its-way",
            _ => "arrived",
        },
    }
}
