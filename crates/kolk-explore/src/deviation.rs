//! Single ways in which a run differs from a quiet one.

use std::time::Duration;

use kolk_engine::faults::{Cut, Window};
use kolk_history::Plan;
use kolk_history::plan::{FateOverride, Fault, FaultKind, Targets};
use kolk_workload::planner::{Nemesis, Settings};

use crate::Open;
use crate::messages::Messages;

/// Which deviations there are, beside messages that come behind their successors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviations {
    /// Messages are lost.
    pub lost: bool,
    /// Messages arrive twice.
    pub twice: bool,
    /// Nodes are cut off.
    pub cut_off: bool,
    /// Nodes are killed.
    pub kill: bool,
    /// Nodes lose their power.
    pub power: bool,
}

impl Deviations {
    /// All of them.
    pub const ALL: Deviations =
        Deviations { lost: true, twice: true, cut_off: true, kill: true, power: true };

    /// What the flags leave open or ask for. Nodes are killed only if that was asked for: many keep
    /// all in memory, and are not made for it.
    pub fn of(asked: &Settings, open: Open) -> Deviations {
        let asks = |nemesis| asked.nemesis.contains(&nemesis);
        Deviations {
            lost: open.loss || asked.loss > 0.0,
            twice: open.duplication || asked.duplication > 0.0,
            cut_off: open.nemesis || asks(Nemesis::Partition),
            kill: asks(Nemesis::Kill),
            power: asks(Nemesis::Power),
        }
    }

    /// The kinds of fault that come as deviations, and not at times of their own.
    pub(crate) const NEMESES: [Nemesis; 3] = [Nemesis::Partition, Nemesis::Kill, Nemesis::Power];

    /// How a node that goes down does so.
    pub(crate) fn downs(self) -> impl Iterator<Item = Down> {
        let downs = [(self.kill, false), (self.power, true)];
        let downs = downs.into_iter().filter(|(is_meant, _)| *is_meant);
        downs.flat_map(|(_, power)| [true, false].map(|back| Down { power, back }))
    }
}

/// One way in which a run differs from a quiet one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Deviation {
    /// A message is lost.
    Lost(Link),
    /// A message comes behind its successor at the receiver: its latency in nanoseconds.
    Late(Link, u64),
    /// A message comes twice: its latency, and that of the second copy, which comes behind its
    /// successor.
    Twice(Link, u64, u64),
    /// A node is cut off from then until the end of the load, in nanoseconds from its start.
    CutOff(String, u64),
    /// A node goes down then, likewise.
    Down(String, u64, Down),
}

/// How a node goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Down {
    /// It loses what it had stored and not synced.
    pub(crate) power: bool,
    /// It is started again at once, and else at the end of the load.
    pub(crate) back: bool,
}

/// A message: its sender, its receiver, and how many went before it between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Link {
    pub(crate) src: String,
    pub(crate) dest: String,
    pub(crate) nth: u64,
}

impl Deviation {
    /// The message that it is about.
    fn link(&self) -> Option<&Link> {
        match self {
            Deviation::Lost(link) | Deviation::Late(link, _) | Deviation::Twice(link, ..) => {
                Some(link)
            }
            Deviation::CutOff(..) | Deviation::Down(..) => None,
        }
    }

    /// True if a plan cannot have both: one message has one fate, and a node is cut off once, and
    /// goes down once.
    fn excludes(&self, other: &Deviation) -> bool {
        match (self, other) {
            (Deviation::CutOff(node, _), Deviation::CutOff(other, _))
            | (Deviation::Down(node, ..), Deviation::Down(other, ..)) => node == other,
            _ => self.link().is_some() && self.link() == other.link(),
        }
    }
}

/// The plan with these deviations.
pub(crate) fn apply(plan: &Plan, deviations: &[Deviation]) -> Plan {
    let mut plan = plan.clone();
    let load = Duration::from_nanos(plan.time_limit);
    for deviation in deviations {
        let fate = |link: &Link, lost, latency, duplicate| FateOverride {
            src: link.src.clone(),
            dest: link.dest.clone(),
            nth: link.nth,
            lost,
            latency,
            duplicate,
        };
        let fate = match deviation {
            Deviation::Lost(link) => fate(link, true, 0, None),
            Deviation::Late(link, latency) => fate(link, false, *latency, None),
            Deviation::Twice(link, first, second) => fate(link, false, *first, Some(*second)),
            Deviation::CutOff(node, from) => {
                let begin = Duration::from_nanos(*from);
                let cut = Cut { nodes: vec![node.clone()], when: Window { begin, end: None } };
                // Nobody is left to cut a single node off from, and a load that is over has no
                // faults.
                plan.faults.extend(cut.fault(&plan.nodes, load));
                continue;
            }
            Deviation::Down(node, from, Down { power, back }) => {
                let targets = Targets::new("asked", vec![node.clone()]);
                let kind =
                    if *power { FaultKind::Power(targets) } else { FaultKind::Kill(targets) };
                let end = if *back { from + 1 } else { plan.time_limit };
                plan.faults.push(Fault::new(*from, end, kind));
                continue;
            }
        };
        plan.exceptions.fates.push(fate);
    }
    plan.faults.sort_by_key(|fault| fault.begin);
    plan
}

/// All single deviations of these kinds that a run leaves room for, beside those that it has.
pub(crate) fn beside(
    plan: &Plan,
    messages: &Messages,
    present: &[Deviation],
    kinds: Deviations,
) -> Vec<Deviation> {
    let mut found = Vec::new();
    for message in &messages.servers {
        let Some(first) = message.arrived.first().filter(|_| !message.stopped) else { continue };
        if message.sent < messages.load_began {
            continue;
        }
        let link = Link { src: message.src.clone(), dest: message.dest.clone(), nth: message.nth };
        let latency = first.as_nanos() - message.sent.as_nanos();
        found.extend(kinds.lost.then(|| Deviation::Lost(link.clone())));
        // A copy that nothing comes before is there at once.
        let behind = messages
            .behind(&message.dest, *first)
            .map(|at| at.as_nanos() - message.sent.as_nanos());
        found.extend(behind.map(|behind| Deviation::Late(link.clone(), behind)));
        let twice = || Deviation::Twice(link.clone(), latency, behind.unwrap_or(latency));
        found.extend(kinds.twice.then(twice));
    }
    for node in plan.nodes.iter() {
        // What cuts off one of two nodes cuts off the other: it goes by the name of the first.
        let cut = if plan.nodes.len() == 2 { &plan.nodes[0] } else { node };
        // The event is whatever came to it.
        let arrivals = messages.arrivals.iter().filter(|(name, _)| name == node);
        let times = std::iter::once(0).chain(arrivals.map(|(_, at)| at + 1));
        for at in times.filter(|at| *at < plan.time_limit) {
            let cut_off = Deviation::CutOff(cut.clone(), at);
            let is_fresh = kinds.cut_off && plan.nodes.len() > 1 && !found.contains(&cut_off);
            found.extend(is_fresh.then_some(cut_off));
            found.extend(kinds.downs().map(|down| Deviation::Down(node.clone(), at, down)));
        }
    }
    found.retain(|fresh| !present.iter().any(|known| known.excludes(fresh)));
    found
}
