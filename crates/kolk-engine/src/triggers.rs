//! Faults that wait for an event: a message, a line on a node's stderr, a sync of a disk; and who
//! leads, as nodes themselves say on their stderr.

use std::collections::BTreeMap;

use kolk_history::plan::{FaultKind, Targets, Trigger, TriggerEvent};
use kolk_history::summary::Triggered;
use kolk_history::{NodeState, Plan};
use kolk_protocol::Time;
use regex::bytes::Regex;

use crate::faults::{Group, isolated};

/// What a node writes to its stderr in words that leads from now on. It may also say so as its
/// state.
const LEADS: &str = r"(?i)\b(became|becomes|becoming|elected|am|is now)\b.*\bleader\b";

fn says_that_it_leads(leads: &Regex, line: &[u8]) -> bool {
    leads.is_match(line) || NodeState::read(line).is_some_and(|state| state.leads())
}

/// True for what is meant for the node that leads.
pub(crate) fn is_for_leader(kind: &FaultKind) -> bool {
    kind.targets().is_some_and(|targets| targets.targets == Group::Leader.name())
}

/// As much of a line is kept whose end has not come.
const LINE_MAX: usize = 1 << 16;

/// What a plan's faults wait for.
#[derive(Debug)]
pub(crate) struct Triggers {
    waiting: Vec<Waiting>,
    /// If a fault is meant for the leader: what it says, and who said so last.
    leads: Option<Regex>,
    leader: Option<u16>,
    /// For each node the line on its stderr that has not ended.
    lines: Vec<Vec<u8>>,
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
        let leads = plan.faults.iter().any(|fault| is_for_leader(&fault.kind));
        Ok(Triggers {
            waiting,
            leads: leads.then(|| Regex::new(LEADS).expect("it is one")),
            leader: None,
            lines: vec![Vec::new(); plan.nodes.len()],
            syncs: vec![0; plan.nodes.len()],
            came: BTreeMap::new(),
        })
    }

    /// True if what nodes write to stderr must be read.
    pub(crate) fn wants_lines(&self) -> bool {
        self.leads.is_some() || self.waiting.iter().any(|waiting| waiting.pattern.is_some())
    }

    /// True if syncs must be counted.
    pub(crate) fn wants_syncs(&self) -> bool {
        self.waiting.iter().any(|waiting| matches!(waiting.event, TriggerEvent::Sync { .. }))
    }

    /// True if nothing is waited for.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    fn fire(&mut self, is_one: impl Fn(&Waiting) -> bool) -> Fired {
        let mut fired = Vec::new();
        self.waiting.retain_mut(|waiting| {
            let is_one = is_one(waiting);
            let fires = waiting.count(is_one);
            fired.extend(fires.then_some(waiting.number));
            !fires
        });
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

    /// A node has written this to its stderr.
    pub(crate) fn written(&mut self, node: u16, name: &str, text: &[u8]) -> Fired {
        let mut fired = Vec::new();
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            let line = &mut self.lines[usize::from(node)];
            line.extend_from_slice(&part[..part.len().min(LINE_MAX.saturating_sub(line.len()))]);
            if !part.ends_with(b"\n") {
                continue;
            }
            let line = std::mem::take(line);
            if self.leads.as_ref().is_some_and(|leads| says_that_it_leads(leads, &line)) {
                self.leader = Some(node);
            }
            fired.extend(self.fire(|waiting| match (&waiting.event, &waiting.pattern) {
                (TriggerEvent::Stderr { node, .. }, Some(pattern)) => {
                    node.as_ref().is_none_or(|node| node == name) && pattern.is_match(&line)
                }
                _ => false,
            }));
        }
        fired
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

    /// Who said last that it leads.
    pub(crate) fn leader(&self) -> Option<u16> {
        self.leader
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
            if targets.nodes.is_empty() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_says_that_it_leads_in_words_or_as_its_state() {
        let leads = Regex::new(LEADS).expect("it is one");
        for (line, expected) in [
            ("n1 became leader of term 3", true),
            ("I am the Leader", true),
            (r#"state {"term":3,"role":"leader","leader":"n1","commit":7,"log":[1,9]}"#, true),
            (r#"state {"term":3,"role":"follower","leader":"n1","commit":7,"log":[1,9]}"#, false),
            ("state {\"role\": \"leader\", \"term\": 3}\n", true),
            (r#"in state {"role":"leader"}"#, false),
            ("the leader is n2", false),
        ] {
            assert_eq!(says_that_it_leads(&leads, line.as_bytes()), expected, "{line}");
        }
    }
}
