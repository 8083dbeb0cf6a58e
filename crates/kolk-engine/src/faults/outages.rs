//! Nodes that are killed and started again, or stand still for a while: drawn as Jepsen's combined
//! nemesis draws them, or asked for.
//!
//! Jepsen's package for both has one clock: after gaps that are uniform on `[0, 2 × interval]`, the
//! first at once, it takes one of the kinds that were asked for, and does what is next in that
//! kind: a kill or the start of all nodes, a pause or the resumption of all. So a kill can begin
//! while nodes stand still, and the other way round. Each step is drawn by its number alone.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use kolk_history::plan::{Fault, FaultKind, Targets};
use kolk_protocol::{Key, Random};

use super::nanoseconds;

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is killed, and started again.
    Kill,
    /// It stands still.
    Pause,
    /// It is killed and loses what it has not synced, and is started again.
    Power,
}

impl Kind {
    /// All, in the order of their numbers.
    const ALL: [Kind; 3] = [Kind::Pause, Kind::Kill, Kind::Power];

    /// `kill`, `pause` or `power`.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Kill => "kill",
            Kind::Pause => "pause",
            Kind::Power => "power",
        }
    }

    pub(super) fn fault(self, begin: u64, end: u64, targets: Targets) -> Fault {
        let kind = match self {
            Kind::Kill => FaultKind::Kill(targets),
            Kind::Pause => FaultKind::Pause(targets),
            Kind::Power => FaultKind::Power(targets),
        };
        Fault::new(begin, end, kind)
    }
}

/// Which nodes are hit: Jepsen's node specifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// A random set that is not empty, of each size as likely.
    Some,
    /// One.
    One,
    /// As many as are less than a third: none of three.
    MinorityThird,
    /// The most that are no majority: none of one.
    Minority,
    /// The fewest that are a majority.
    Majority,
    /// All.
    All,
    /// The node that last said on its stderr that it leads, when the fault begins.
    Leader,
}

impl Group {
    /// All but the leader, in the order of their numbers.
    pub const ALL: [Group; 6] = [
        Group::Some,
        Group::One,
        Group::MinorityThird,
        Group::Minority,
        Group::Majority,
        Group::All,
    ];

    /// All that can be asked for: those, and the leader.
    pub fn asked() -> impl Iterator<Item = Group> {
        Group::ALL.into_iter().chain([Group::Leader])
    }

    /// The name in plans and in `--nemesis-targets`.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Some => "some",
            Group::One => "one",
            Group::MinorityThird => "minority-third",
            Group::Minority => "minority",
            Group::Majority => "majority",
            Group::All => "all",
            Group::Leader => "leader",
        }
    }

    /// True if there are so many nodes that one of them is hit.
    pub const fn hits_any(self, count: usize) -> bool {
        match self {
            Group::Some | Group::One | Group::Majority | Group::All | Group::Leader => count > 0,
            Group::MinorityThird => count.saturating_sub(1) / 3 > 0,
            Group::Minority => count / 2 + 1 > 1 && count > 1,
        }
    }

    fn draw(self, nodes: &[String], random: &mut Random) -> Vec<usize> {
        let count = nodes.len();
        let mut order: Vec<usize> = (0..count).collect();
        random.shuffle(&mut order);
        let majority = count / 2 + 1;
        order.truncate(match self {
            Group::Some => 1 + random.index(count),
            Group::One => 1,
            Group::MinorityThird => count.saturating_sub(1) / 3,
            Group::Minority => majority - 1,
            Group::Majority => majority,
            Group::All => count,
            // Nobody knows yet.
            Group::Leader => 0,
        });
        order.sort_unstable();
        order
    }
}

impl FromStr for Group {
    type Err = String;

    /// # Errors
    ///
    /// The text itself, if it is no group.
    fn from_str(text: &str) -> Result<Group, String> {
        Group::asked().find(|group| group.name() == text).ok_or_else(|| text.to_owned())
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whom drawn faults may hit, by their kinds; one that may hit nobody does not happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// By kills.
    pub kill: Vec<Group>,
    /// By pauses.
    pub pause: Vec<Group>,
    /// By losses of power.
    pub power: Vec<Group>,
}

impl Groups {
    fn of(&self, kind: Kind) -> &[Group] {
        match kind {
            Kind::Kill => &self.kill,
            Kind::Pause => &self.pause,
            Kind::Power => &self.power,
        }
    }
}

/// How often targets are drawn again that are down already.
const TRIES: usize = 16;

/// Draws the kills, pauses and losses of power of a whole run whose load lasts `load`. What is
/// still open then ends with the load. Groups that hit nobody among so many nodes are left aside,
/// and what would hit only nodes that are down is drawn again.
pub fn outages(
    seed: u64,
    nodes: &[String],
    interval: Duration,
    load: Duration,
    groups: &Groups,
) -> Vec<Fault> {
    let domain = Key::new(seed).with_name("outage");
    let (load, gap_max) = (nanoseconds(load), nanoseconds(interval).saturating_mul(2));
    let groups = |kind: Kind| -> Vec<Group> {
        let groups = groups.of(kind).iter().copied();
        groups.filter(|group| group.hits_any(nodes.len())).collect()
    };
    let kinds: Vec<(Kind, Vec<Group>)> = Kind::ALL
        .into_iter()
        .map(|kind| (kind, groups(kind)))
        .filter(|(_, groups)| !groups.is_empty())
        .collect();
    let mut faults: Vec<Fault> = Vec::new();
    if kinds.is_empty() || interval.is_zero() {
        return faults;
    }
    // For each kind the open one: its place, and whom it hits.
    let mut open: [Option<(usize, Vec<usize>)>; 3] = [None, None, None];
    let mut at: u64 = 0;
    for number in 0.. {
        let mut random = domain.with(number).random();
        let gap = random.below(gap_max.saturating_add(1));
        at = if number == 0 { 0 } else { at.saturating_add(gap) };
        if at >= load {
            break;
        }
        let (kind, groups) = &kinds[random.index(kinds.len())];
        if let Some((place, _)) = open[*kind as usize].take() {
            faults[place].end = at;
            continue;
        }
        let is_down = |node: &usize| {
            [Kind::Kill, Kind::Power].iter().any(|down_by| {
                open[*down_by as usize].as_ref().is_some_and(|(_, down)| down.contains(node))
            })
        };
        let drawn = (0..TRIES).find_map(|_| {
            let group = groups[random.index(groups.len())];
            let hit = group.draw(nodes, &mut random);
            let bites = group == Group::Leader || !hit.iter().all(is_down);
            bites.then_some((group, hit))
        });
        // Everybody is down: there is nobody left.
        let Some((group, hit)) = drawn else { continue };
        let names = hit.iter().map(|node| nodes[*node].clone()).collect();
        let targets = Targets::new(group.name(), names);
        open[*kind as usize] = Some((faults.len(), hit));
        faults.push(kind.fault(at, load, targets));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Outage;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("n{n}")).collect()
    }

    fn parts(fault: &Fault) -> (Kind, &Targets) {
        match &fault.kind {
            FaultKind::Kill(targets) => (Kind::Kill, targets),
            FaultKind::Pause(targets) => (Kind::Pause, targets),
            FaultKind::Power(targets) => (Kind::Power, targets),
            _ => panic!("no outage"),
        }
    }

    fn drawn(seed: u64, count: usize, load: u64, groups: (&[Group], &[Group])) -> Vec<Fault> {
        let second = Duration::from_secs(1);
        let (kill, pause) = (groups.0.to_vec(), groups.1.to_vec());
        let groups = Groups { kill, pause, power: Vec::new() };
        outages(seed, &names(count), 3 * second, Duration::from_secs(load), &groups)
    }

    #[test]
    fn groups_have_the_sizes_they_promise() {
        for count in 1..=40 {
            for group in Group::ALL {
                let mut sizes = std::collections::BTreeSet::new();
                for seed in 0..200 {
                    sizes.insert(group.draw(&names(count), &mut Key::new(seed).random()).len());
                }
                let (least, most) = match group {
                    Group::Some => (1, count),
                    Group::One => (1, 1),
                    Group::MinorityThird => ((count - 1) / 3, (count - 1) / 3),
                    Group::Minority => (count / 2, count / 2),
                    Group::Majority => (count / 2 + 1, count / 2 + 1),
                    Group::All => (count, count),
                    Group::Leader => (0, 0),
                };
                let found = (sizes.first().copied(), sizes.last().copied());
                // Few draws need not find the extremes among many.
                if count <= 10 || group != Group::Some {
                    assert_eq!(found, (Some(least), Some(most)), "{group} of {count}");
                }
                assert_eq!(group.hits_any(count), least > 0, "{group} of {count}");
            }
        }
    }

    #[test]
    fn each_kind_alternates_and_both_have_one_clock() {
        for seed in 0..100 {
            let faults = drawn(seed, 5, 100, (&Group::ALL, &Group::ALL));
            assert!(faults.is_sorted_by_key(|fault| fault.begin) && faults[0].begin == 0);
            for kind in [Kind::Kill, Kind::Pause] {
                let mut ended = 0;
                for fault in faults.iter().filter(|fault| parts(fault).0 == kind) {
                    assert!(ended <= fault.begin && fault.begin <= fault.end, "{faults:?}");
                    assert!(!parts(fault).1.nodes.is_empty());
                    ended = fault.end;
                }
            }
            // 100 s hold about 33 steps, every other of which begins something.
            assert!((8..28).contains(&faults.len()), "{}", faults.len());
            assert_eq!(faults, drawn(seed, 5, 100, (&Group::ALL, &Group::ALL)));
            assert!(
                drawn(seed, 5, 100, (&Group::ALL, &[]))
                    .iter()
                    .all(|fault| parts(fault).0 == Kind::Kill)
            );
        }
    }

    #[test]
    fn what_cannot_bite_is_not_drawn() {
        let mut overlaps = 0;
        for seed in 0..200 {
            for count in 1..=4 {
                let faults = drawn(seed, count, 100, (&Group::ALL, &Group::ALL));
                for pause in faults.iter().filter(|fault| parts(fault).0 == Kind::Pause) {
                    let is_over = |kill: &&Fault| {
                        parts(kill).0 == Kind::Kill && (kill.begin..kill.end).contains(&pause.begin)
                    };
                    for kill in faults.iter().filter(is_over) {
                        let is_up = |node: &String| !parts(kill).1.nodes.contains(node);
                        assert!(parts(pause).1.nodes.iter().any(is_up), "{faults:?}");
                        overlaps += 1;
                    }
                }
            }
        }
        assert!(overlaps > 100, "{overlaps}");
        assert!(drawn(1, 3, 100, (&[Group::MinorityThird], &[])).is_empty());
    }

    const FROZEN: [&str; 8] = [
        "kill 0..4758352878 majority n0+n3+n4",
        "pause 1600666050..3560064506 all n0+n1+n2+n3+n4",
        "pause 4977344734..7583097808 one n1",
        "pause 9375790760..12355468494 minority-third n2",
        "pause 17168928247..20130885575 majority n2+n3+n4",
        "kill 17293462516..26568405806 minority n1+n2",
        "pause 25422223535..30000000000 minority-third n3",
        "kill 29582367132..30000000000 minority-third n2",
    ];

    /// What a seed means is part of the format of a plan: this may never change.
    #[test]
    fn draws_are_frozen() {
        let shown: Vec<String> = drawn(1, 5, 30, (&Group::ALL, &Group::ALL))
            .iter()
            .map(|fault| {
                let (kind, Targets { targets, nodes }) = parts(fault);
                let (begin, end) = (fault.begin, fault.end);
                format!("{} {begin}..{end} {targets} {}", kind.name(), nodes.join("+"))
            })
            .collect();
        assert_eq!(shown, FROZEN);
    }

    #[test]
    fn outages_are_read_and_become_faults() {
        let nodes = names(4);
        let load = Duration::from_secs(20);
        let shown = |text: &str| {
            let mut all = Vec::new();
            for word in text.split(' ') {
                let (kind, text) = word.split_once('=').expect("a kind");
                let kind = if kind == "kill" { Kind::Kill } else { Kind::Pause };
                match Outage::read(kind, text) {
                    Ok(outage) => all.push(outage),
                    Err(error) => return error.to_string(),
                }
            }
            let last = all.last().expect("one");
            match last.fault(&nodes, load, &all) {
                Ok(fault) => {
                    let (kind, Targets { targets, nodes }) = parts(&fault);
                    let (begin, end) = (fault.begin, fault.end);
                    format!("{} {begin}..{end} {targets} {}", kind.name(), nodes.join("+"))
                }
                Err(error) => error.to_string(),
            }
        };
        for (text, expected) in [
            ("kill=n1@3..5", "kill 3000000000..5000000000 asked n1"),
            ("pause=n3+n2@1..", "pause 1000000000..20000000000 asked n2+n3"),
            (
                "kill=n1",
                "`n1` is no kill (there is no `@`): write it like n1@3..5 or n2+n3@1..2.5, in \
                 seconds from the start of the load",
            ),
            ("pause=n9@1..2", "the pause names `n9`, which is no node; nodes are n0, n1, n2, n3"),
            ("kill=n1@1..21", "the kill ends at 21 s, but the load is over after 20 s"),
            (
                "kill=n1+n2@0..9 pause=n0+n2@8..10",
                "the pause of n2 at 8 s would hit nothing: by then it has been killed, and does \
                 not run until 9 s",
            ),
            ("kill=n1@0..9 pause=n1@9..10", "pause 9000000000..10000000000 asked n1"),
            ("pause=n1@0..9 kill=n1@8..10", "kill 8000000000..10000000000 asked n1"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
