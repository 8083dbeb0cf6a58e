//! When faults were open, and in words what they did.
//!
//! A plan says when each fault begins and ends, counted from the start of the load; here they stand
//! in the run's own time, and end with the run at the latest.

use std::collections::BTreeMap;
use std::time::Duration;

use kolk_history::Plan;
use kolk_history::plan::{ClockChange, DiskHarm, Fault, FaultKind};
use kolk_protocol::Time;

use crate::facts::Facts;
use crate::numbers::{counted, duration};
use crate::sanitize::sanitize;

/// How many nodes are named before the others are only counted.
const NAMES_MAX: usize = 6;

/// How many nodes that heard nothing from some are listed one by one.
const DEAF_MAX: usize = 3;

/// A fault while it was open.
#[derive(Clone, Copy, Debug)]
pub struct Period<'a> {
    /// When it began.
    pub begin: Time,
    /// When it ended, or the run did.
    pub end: Time,
    /// What it was.
    pub fault: &'a FaultKind,
}

/// The faults of a run, in the order in which they began. One that the run did not live to see is
/// not among them, nor is one that does nothing: a third of three nodes, taken away as Jepsen takes
/// it, is none.
pub fn periods<'a>(plan: &'a Plan, facts: &'a Facts) -> Vec<Period<'a>> {
    let ended = Time::from_nanos(facts.ended);
    let in_run = |since_load: u64| Time::from_nanos(facts.load_began.saturating_add(since_load));
    let period = |fault: &'a Fault| Period {
        begin: in_run(fault.begin),
        end: in_run(fault.end).min(ended),
        fault: &fault.kind,
    };
    let came = facts.triggered.iter().map(|came| Period {
        begin: Time::from_nanos(came.begin),
        end: Time::from_nanos(came.end).min(ended),
        fault: &came.kind,
    });
    // Of those that wait for something only what came counts.
    let with_time = plan.faults.iter().filter(|fault| fault.on.is_none());
    let mut periods: Vec<Period<'a>> = with_time.map(period).chain(came).collect();
    periods.retain(|period| period.begin < ended && period.does_something());
    periods.sort_by_key(|period| (period.begin, period.end));
    periods
}

impl Period<'_> {
    /// True if it was open at some time from `from` to `to`.
    pub fn was_open(&self, from: Time, to: Time) -> bool {
        from < self.end && self.begin <= to
    }

    /// True unless it touches no link, or is meant for nobody.
    fn does_something(&self) -> bool {
        match (self.fault.links(), self.fault.nodes()) {
            (None, None) => true,
            (Some(links), _) => links.values().any(|from| !from.is_empty()),
            (None, Some(nodes)) => !nodes.is_empty(),
        }
    }

    /// `partition`, `kill` and so on.
    pub fn name(&self) -> &'static str {
        self.fault.name()
    }

    /// Who was on which side, if the fault cleaved the nodes into sides that heard nothing of each
    /// other: the smaller sides first. Empty if it did not.
    pub fn sides<'n>(&self, nodes: &'n [String]) -> Vec<Vec<&'n str>> {
        self.fault.blocked().map_or_else(Vec::new, |blocked| sides(blocked, nodes))
    }

    /// True if the fault had anything to do with this node.
    pub fn touches(&self, node: &str) -> bool {
        let of_links = self.fault.links().is_some_and(|links| {
            links.contains_key(node) || links.values().flatten().any(|sender| sender == node)
        });
        let is_whole = self.fault.links().is_none() && self.fault.nodes().is_none();
        of_links
            || is_whole
            || self.fault.nodes().is_some_and(|nodes| nodes.iter().any(|target| target == node))
    }

    /// `n2 cut off from n0, n1 and n3`, `n1 down`.
    pub fn words(&self, nodes: &[String]) -> String {
        let blocked = match self.fault {
            FaultKind::Partition { blocked, .. } => blocked,
            FaultKind::Kill(targets) => return format!("{} down", whom(&targets.nodes, nodes)),
            FaultKind::Pause(targets) => {
                return format!("{} standing still", whom(&targets.nodes, nodes));
            }
            FaultKind::Power(targets) => {
                return format!("{} without power", whom(&targets.nodes, nodes));
            }
            FaultKind::Slow { links, factor } => return slow(links, *factor),
            FaultKind::Loss { probability } => {
                return format!("messages lost with probability {probability}");
            }
            FaultKind::Duplication { probability } => {
                return format!("messages doubled with probability {probability}");
            }
            FaultKind::Clog { links, every } => return clogged(links, *every),
            FaultKind::Clock { targets, change } => {
                return skewed(&whom(&targets.nodes, nodes), *change);
            }
            FaultKind::Disk { targets, harm } => {
                let what = match harm {
                    DiskHarm::Failing => "every other write fails on the disk of",
                    DiskHarm::Full => "no room on the disk of",
                    DiskHarm::Corrupt => "a sector overwritten on the disk of",
                };
                return format!("{what} {}", whom(&targets.nodes, nodes));
            }
        };
        match self.sides(nodes).as_slice() {
            [few, many] => {
                // Of many the few were cut off; whom from needs no names then.
                let whom = if many.len() > NAMES_MAX {
                    format!("the other {}", many.len())
                } else {
                    names(many)
                };
                format!("{} cut off from {whom}", names(few))
            }
            [] if blocked.len() > DEAF_MAX => {
                let one = blocked.iter().next().map(deaf).unwrap_or_default();
                format!("no clean cut: each node heard only some of the others; {one}, for one")
            }
            [] => blocked.iter().map(deaf).collect::<Vec<_>>().join(", "),
            sides => {
                let sides: Vec<String> = sides.iter().map(|side| names(side)).collect();
                format!("cut apart: {}", sides.join(" | "))
            }
        }
    }
}

/// The nodes that a fault was meant for.
fn whom(targets: &[String], nodes: &[String]) -> String {
    if targets.len() == nodes.len() && nodes.len() > 1 {
        return format!("all {} nodes", nodes.len());
    }
    names(&targets.iter().map(String::as_str).collect::<Vec<_>>())
}

/// `6 links clogged, with a wave every 0.5 s`.
fn clogged(links: &BTreeMap<String, Vec<String>>, every: u64) -> String {
    let count = links.values().map(|senders| senders.len() as u64).sum();
    let (links, every) = (counted(count, "link", "links"), Duration::from_nanos(every));
    format!("{links} clogged, with a wave every {}", duration(every))
}

/// `clock of n1 2.5 s ahead`, `clocks of n1 and n2 0.5 times as fast as time`.
fn skewed(whom: &str, change: ClockChange) -> String {
    match change {
        ClockChange::Jump(ahead) => {
            format!("clock of {whom} {} ahead", duration(Duration::from_nanos(ahead)))
        }
        ClockChange::Speed(speed) => format!("clock of {whom} {speed} times as fast as time"),
    }
}

/// `n1 to n2 10 times slower`.
fn slow(links: &BTreeMap<String, Vec<String>>, factor: u32) -> String {
    let pairs = links.iter().flat_map(|(receiver, senders)| {
        senders.iter().map(move |sender| (receiver.as_str(), sender.as_str()))
    });
    let pairs: Vec<(&str, &str)> = pairs.collect();
    match pairs.as_slice() {
        [(receiver, sender)] => {
            format!("{} to {} {factor} times slower", sanitize(sender), sanitize(receiver))
        }
        pairs => format!("{} {factor} times slower", counted(pairs.len() as u64, "link", "links")),
    }
}

/// `n2 heard nothing from n0 and n1`.
fn deaf((receiver, senders): (&String, &Vec<String>)) -> String {
    let senders: Vec<&str> = senders.iter().map(String::as_str).collect();
    format!("{} heard nothing from {}", sanitize(receiver), names(&senders))
}

/// `n0, n1 and n2`; of many the first, and how many more.
fn names(nodes: &[&str]) -> String {
    let shown = if nodes.len() > NAMES_MAX { NAMES_MAX - 1 } else { nodes.len() };
    let mut parts: Vec<String> =
        nodes[..shown].iter().map(|name| sanitize(name).into_owned()).collect();
    if let Some(more @ 1..) = nodes.len().checked_sub(shown) {
        parts.push(counted(more as u64, "other", "others"));
    }
    match parts.pop() {
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
        None => String::new(),
    }
}

/// The nodes that hear the same, together; nothing unless no side hears anything of another and
/// everybody hears all of the own.
fn sides<'n>(blocked: &BTreeMap<String, Vec<String>>, nodes: &'n [String]) -> Vec<Vec<&'n str>> {
    let hears = |receiver: &str, sender: &str| {
        blocked.get(receiver).is_none_or(|deaf_to| !deaf_to.iter().any(|other| other == sender))
    };
    let mutual = |one: &str, other: &str| hears(one, other) && hears(other, one);
    let mut sides: Vec<Vec<&'n str>> = Vec::new();
    for node in nodes {
        match sides.iter_mut().find(|side| mutual(side[0], node)) {
            Some(side) => side.push(node),
            None => sides.push(vec![node]),
        }
    }
    let side_of = |node: &str| sides.iter().position(|side| side.contains(&node));
    let is_clean = nodes.iter().all(|receiver| {
        nodes.iter().all(|sender| hears(receiver, sender) == (side_of(receiver) == side_of(sender)))
    });
    if !is_clean || sides.len() < 2 {
        return Vec::new();
    }
    sides.sort_by_key(Vec::len);
    sides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("n{number}")).collect()
    }

    /// Each receiver is deaf to the senders that `hears` denies it.
    fn partition(count: usize, hears: impl Fn(usize, usize) -> bool) -> FaultKind {
        let deaf_to = |receiver: usize| -> Vec<String> {
            let unheard = (0..count).filter(|sender| *sender != receiver);
            unheard.filter(|s| !hears(receiver, *s)).map(|sender| format!("n{sender}")).collect()
        };
        let blocked = (0..count).map(|receiver| (format!("n{receiver}"), deaf_to(receiver)));
        let blocked = blocked.filter(|(_, senders)| !senders.is_empty()).collect();
        FaultKind::Partition { shape: "cut".to_owned(), blocked }
    }

    #[test]
    fn partitions_in_words() {
        let split = |sizes: &'static [usize]| {
            move |a: usize, b: usize| {
                let side = |node: usize| sizes.iter().position(|end| node < *end);
                side(a) == side(b)
            }
        };
        for (count, fault, words) in [
            (5, partition(5, split(&[4])), "n4 cut off from n0, n1, n2 and n3"),
            (2, partition(2, split(&[1])), "n0 cut off from n1"),
            (5, partition(5, split(&[2])), "n0 and n1 cut off from n2, n3 and n4"),
            (
                25,
                partition(25, split(&[12])),
                "n0, n1, n2, n3, n4 and 7 others cut off from the other 13",
            ),
            (6, partition(6, split(&[1, 3])), "cut apart: n0 | n1 and n2 | n3, n4 and n5"),
            (
                3,
                partition(3, |receiver, sender| (sender + 1) % 3 == receiver),
                "n0 heard nothing from n1, n1 heard nothing from n2, n2 heard nothing from n0",
            ),
            (
                5,
                partition(5, |receiver, sender| matches!((receiver + 5 - sender) % 5, 1 | 4)),
                "no clean cut: each node heard only some of the others; n0 heard nothing from n2 \
                 and n3, for one",
            ),
            (
                3,
                partition(3, |receiver, sender| (receiver, sender) != (0, 1)),
                "n0 heard nothing from n1",
            ),
        ] {
            let period = Period { begin: Time::ZERO, end: Time::MAX, fault: &fault };
            assert_eq!(period.words(&nodes(count)), words);
            assert!(period.touches("n0") && !period.touches("n99"), "{words}");
        }
    }

    #[test]
    fn other_faults_in_words() {
        let fault = |json: &str| serde_json::from_str::<FaultKind>(json).expect("a fault");
        for (json, words) in [
            (r#"{"fault":"loss","probability":0.25}"#, "messages lost with probability 0.25"),
            (r#"{"fault":"duplication","probability":1}"#, "messages doubled with probability 1"),
            (
                r#"{"fault":"clog","links":{"n0":["n1"],"n1":["n0"]},"every":500000000}"#,
                "2 links clogged, with a wave every 0.5 s",
            ),
            (
                r#"{"fault":"disk","targets":"asked","nodes":["n0"],"harm":"full"}"#,
                "no room on the disk of n0",
            ),
            (
                r#"{"fault":"clock","targets":"asked","nodes":["n0"],"change":{"jump":2500000000}}"#,
                "clock of n0 2.5 s ahead",
            ),
            (
                r#"{"fault":"clock","targets":"some","nodes":["n0","n1"],"change":{"speed":0.5}}"#,
                "clock of all 2 nodes 0.5 times as fast as time",
            ),
        ] {
            let fault = fault(json);
            let period = Period { begin: Time::ZERO, end: Time::MAX, fault: &fault };
            assert_eq!(period.words(&nodes(2)), words);
            assert!(period.touches("n0") && period.does_something(), "{words}");
        }
    }

    /// Nothing may be said of a fault that cut nobody off.
    #[test]
    fn that_do_nothing_are_none() {
        for (fault, does) in [
            (partition(3, |_, _| true), false),
            (partition(3, |receiver, _| receiver != 0), true),
            (
                FaultKind::Partition {
                    shape: "third".to_owned(),
                    blocked: [("n0".to_owned(), Vec::new())].into(),
                },
                false,
            ),
        ] {
            let period = Period { begin: Time::ZERO, end: Time::MAX, fault: &fault };
            assert_eq!(period.does_something(), does, "{fault:?}");
        }
    }

    #[test]
    fn are_open_from_their_beginning_to_just_before_their_end() {
        let fault = partition(2, |_, _| false);
        let at = Time::from_secs;
        let period = Period { begin: at(2), end: at(4), fault: &fault };
        for (from, to, open) in
            [(0, 1, false), (0, 2, true), (3, 3, true), (3, 9, true), (4, 9, false), (0, 9, true)]
        {
            assert_eq!(period.was_open(at(from), at(to)), open, "{from} to {to}");
        }
    }
}
