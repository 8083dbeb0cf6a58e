//! Single ways in which a run differs from a quiet one.

use std::time::Duration;

use kolk_engine::faults::{Cut, Window};
use kolk_history::Plan;
use kolk_history::plan::FateOverride;

use crate::messages::Messages;

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
            Deviation::CutOff(..) => None,
        }
    }

    /// True if a plan cannot have both: one message has one fate, and a node is cut off once.
    fn excludes(&self, other: &Deviation) -> bool {
        match (self, other) {
            (Deviation::CutOff(node, _), Deviation::CutOff(other, _)) => node == other,
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
        };
        plan.exceptions.fates.push(fate);
    }
    plan.faults.sort_by_key(|fault| fault.begin);
    plan
}

/// All single deviations that a run leaves room for, beside those that it has.
pub(crate) fn beside(plan: &Plan, messages: &Messages, present: &[Deviation]) -> Vec<Deviation> {
    let mut found = Vec::new();
    for message in &messages.servers {
        let Some(first) = message.arrived.first().filter(|_| !message.stopped) else { continue };
        if message.sent < messages.load_began {
            continue;
        }
        let link = Link { src: message.src.clone(), dest: message.dest.clone(), nth: message.nth };
        let latency = first.as_nanos() - message.sent.as_nanos();
        found.push(Deviation::Lost(link.clone()));
        // A copy that nothing comes before is there at once.
        let behind = messages
            .behind(&message.dest, *first)
            .map(|at| at.as_nanos() - message.sent.as_nanos());
        found.extend(behind.map(|behind| Deviation::Late(link.clone(), behind)));
        found.push(Deviation::Twice(link, latency, behind.unwrap_or(latency)));
    }
    if plan.nodes.len() > 1 {
        for node in plan.nodes.iter() {
            let arrivals = messages.arrivals.iter().filter(|(name, _)| name == node);
            let times = arrivals.map(|(_, at)| at + 1);
            let times = std::iter::once(0).chain(times).filter(|at| *at < plan.time_limit);
            found.extend(times.map(|at| Deviation::CutOff(node.clone(), at)));
        }
    }
    found.retain(|fresh| !present.iter().any(|known| known.excludes(fresh)));
    found
}
