//! Faults that wait for an event: a message, a line on a node's stderr, that a node begins to lead,
//! a sync of a disk.

use std::collections::BTreeMap;

use kolk_history::Plan;
use kolk_history::plan::{FaultKind, Targets, Trigger, TriggerEvent};
use kolk_history::summary::Triggered;
use kolk_protocol::Time;
use regex::bytes::Regex;

use crate::faults::{Group, isolated};

/// True for what is meant for the node that leads.
pub(crate) fn is_for_leader(kind: &FaultKind) -> bool {
    kind.targets().is_some_and(|targets| targets.targets == Group::Leader.name())
}

/// True if somebody wants to know who says in words that it leads.
pub(crate) fn are_of_leaders(plan: &Plan) -> bool {
    plan.faults.iter().any(|fault| is_for_leader(&fault.kind) || fault.waits_for_leader())
}

/// What a plan's faults wait for.
#[derive(Debug)]
pub(crate) struct Triggers {
    waiting: Vec<Waiting>,
    /// Of how many of these the event is a message: thousands are sent in a moment.
    of_messages: usize,
    /// Of how many it is a sync.
    of_syncs: usize,
    /// For each node how many syncs were seen.
    syncs: Vec<u64>,
    came: BTreeMap<u32, Triggered>,
}

#[derive(Debug)]
struct Waiting {
    number: u32,
    event: TriggerEvent,
    pattern: Option<Regex>,
    left: u64,
}

impl Waiting {
    /// Counts an event; true if it was the one.
    fn count(&mut self, is_one: bool) -> bool {
        self.left -= u64::from(is_one);
        self.left == 0
    }
}

/// Which fault an event sets off.
pub(crate) type Fired = Vec<u32>;

impl Triggers {
    pub(crate) fn new(plan: &Plan) -> Result<Triggers, String> {
        let mut waiting = Vec::new();
        for (number, fault) in plan.faults.iter().enumerate() {
            let Some(Trigger { event, nth }) = &fault.on else { continue };
            let pattern = match event {
                TriggerEvent::Stderr { pattern, .. } => {
                    let problem = |error| format!("the plan waits for `{pattern}`: {error}");
                    Some(Regex::new(pattern).map_err(problem)?)
                }
                _ => None,
            };
            let (number, event, left) = (number as u32, event.clone(), (*nth).max(1));
            waiting.push(Waiting { number, event, pattern, left });
        }
        let syncs = vec![0; plan.nodes.len()];
        let mut triggers =
            Triggers { waiting, of_messages: 0, of_syncs: 0, syncs, came: BTreeMap::new() };
        triggers.count();
        Ok(triggers)
    }

    /// Counts what is waited for.
    fn count(&mut self) {
        let count = |is_one: fn(&TriggerEvent) -> bool| {
            self.waiting.iter().filter(|waiting| is_one(&waiting.event)).count()
        };
        self.of_messages = count(|event| matches!(event, TriggerEvent::Message { .. }));
        self.of_syncs = count(|event| matches!(event, TriggerEvent::Sync { .. }));
    }

    /// True if syncs must be counted.
    pub(crate) fn wants_syncs(&self) -> bool {
        self.of_syncs > 0
    }

    /// True if messages must be counted.
    pub(crate) fn wants_messages(&self) -> bool {
        self.of_messages > 0
    }

    fn fire(&mut self, is_one: impl Fn(&Waiting) -> bool) -> Fired {
        let mut fired = Vec::new();
        self.waiting.retain_mut(|waiting| {
            let is_one = is_one(waiting);
            let fires = waiting.count(is_one);
            fired.extend(fires.then_some(waiting.number));
            !fires
        });
        if !fired.is_empty() {
            self.count();
        }
        fired
    }

    /// A message is sent.
    pub(crate) fn message(&mut self, src: &str, dest: &str, kind: &str) -> Fired {
        self.fire(|waiting| match &waiting.event {
            TriggerEvent::Message { message, from, to } => {
                message == kind
                    && from.as_ref().is_none_or(|from| from == src)
                    && to.as_ref().is_none_or(|to| to == dest)
            }
            _ => false,
        })
    }

    /// A node has written this line to its stderr, without its end.
    pub(crate) fn written(&mut self, name: &str, line: &[u8]) -> Fired {
        self.fire(|waiting| match (&waiting.event, &waiting.pattern) {
            (TriggerEvent::Stderr { node, .. }, Some(pattern)) => {
                node.as_ref().is_none_or(|node| node == name) && pattern.is_match(line)
            }
            _ => false,
        })
    }

    /// A node says that it leads from now on.
    pub(crate) fn leads(&mut self, name: &str) -> Fired {
        self.fire(|waiting| match &waiting.event {
            TriggerEvent::Leader { node } => node.as_ref().is_none_or(|node| node == name),
            _ => false,
        })
    }

    /// So many syncs of a node's disk have ended.
    pub(crate) fn synced(&mut self, node: u16, name: &str, count: u64) -> Fired {
        let mut fired = Vec::new();
        let known = std::mem::replace(&mut self.syncs[usize::from(node)], count);
        for _ in known..count {
            fired.extend(self.fire(|waiting| match &waiting.event {
                TriggerEvent::Sync { node } => node.as_ref().is_none_or(|node| node == name),
                _ => false,
            }));
        }
        fired
    }

    /// What is known of a fault that came.
    pub(crate) fn came(&self, number: u32) -> Option<&Triggered> {
        self.came.get(&number)
    }

    /// A fault comes: what it is that hits this node, if it is meant for the node of the event, and
    /// the times between which it is open.
    pub(crate) fn come(
        &mut self,
        plan: &Plan,
        number: u32,
        node: &str,
        (begin, end): (Time, Time),
    ) {
        let mut kind = plan.faults[number as usize].kind.clone();
        let hit = |targets: &mut Targets| {
            if targets.targets == Targets::OTHERS {
                let others = plan.nodes.iter().filter(|other| *other != node);
                targets.nodes = others.cloned().collect();
            } else if targets.nodes.is_empty() {
                targets.nodes.push(node.to_owned());
            }
        };
        match &mut kind {
            FaultKind::Kill(targets) | FaultKind::Pause(targets) | FaultKind::Power(targets) => {
                hit(targets);
            }
            FaultKind::Partition { blocked, .. } if blocked.is_empty() => {
                *blocked = isolated(&plan.nodes, node);
            }
            _ => {}
        }
        let (begin, end) = (begin.as_nanos(), end.as_nanos());
        self.came.insert(number, Triggered { number, begin, end, kind });
    }

    /// The faults that came, none of which went on after the run.
    pub(crate) fn into_came(self, ended: Time) -> Vec<Triggered> {
        let end = |mut fault: Triggered| {
            fault.end = fault.end.min(ended.as_nanos());
            fault
        };
        self.came.into_values().filter(|fault| fault.begin < ended.as_nanos()).map(end).collect()
    }
}
