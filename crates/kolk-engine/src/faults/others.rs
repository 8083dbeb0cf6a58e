//! Faults of the network as a whole, clogged links, wrong clocks and disks at fault: drawn from a
//! seed.

use std::ops::RangeInclusive;
use std::time::Duration;

use kolk_history::plan::{ClockChange, DiskHarm, Fault, FaultKind, Millionths, Targets};
use kolk_protocol::{Key, Random};

use super::links::between;
use super::{Blocked, Group, drawn};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Messages between servers are lost.
    Loss,
    /// Messages between servers arrive twice.
    Duplication,
    /// Links of some nodes stand still, and what is on them comes in waves.
    Clog,
    /// Clocks of some nodes jump, or run too fast or too slowly.
    Clock,
    /// Disks of some nodes fail, are full, or lose a sector: if it is drawn, always of the same
    /// nodes, fewer than a half, so that a majority has what it stored.
    Disk,
}

/// How likely messages are lost or come twice.
const PROBABILITIES: [u32; 4] = [50_000, 100_000, 200_000, 500_000];

/// How fast clocks run, in millionths of how fast they should.
const SPEEDS: [u32; 6] = [500_000, 800_000, 950_000, 1_050_000, 1_250_000, 2_000_000];

/// How fast a clock may run, by a fault that is asked for or stands in a plan: slower or faster
/// ones would stop time for the node, or for the others.
pub const CLOCK_SPEEDS: RangeInclusive<Millionths> = Millionths(10_000)..=Millionths(100_000_000);

/// How far clocks jump, at least and at most, in milliseconds.
const JUMP: (u64, u64) = (10, 5000);

/// The most waves of a clog.
const WAVES_MAX: u64 = 4;

impl Other {
    const fn name(self) -> &'static str {
        match self {
            Other::Loss => "loss",
            Other::Duplication => "duplication",
            Other::Clog => "clog",
            Other::Clock => "clock",
            Other::Disk => "disk",
        }
    }
}

/// Draws the faults of one kind of a whole run whose load lasts `load`, after gaps as
/// [`super::partitions`] has them. A clog needs two nodes, and faults of disks three.
pub fn others(
    seed: u64,
    nodes: &[String],
    interval: Duration,
    load: Duration,
    kind: Other,
) -> Vec<Fault> {
    if kind == Other::Clog && nodes.len() < 2 {
        return Vec::new();
    }
    let victims =
        some(nodes, (nodes.len().max(1) - 1) / 2, &mut Key::new(seed).with_name("disks").random());
    if kind == Other::Disk && victims.is_empty() {
        return Vec::new();
    }
    drawn(Key::new(seed).with_name(kind.name()), interval, load, |begin, end, random| {
        let kind = match kind {
            Other::Loss => FaultKind::Loss { probability: probability(random) },
            Other::Duplication => FaultKind::Duplication { probability: probability(random) },
            Other::Clog => {
                // As many as leave somebody on the other side.
                let links = around(nodes, &some(nodes, 1 + random.index(nodes.len() - 1), random));
                FaultKind::Clog {
                    links,
                    every: ((end - begin) / (1 + random.below(WAVES_MAX))).max(1),
                }
            }
            Other::Clock => {
                let hit = some(nodes, 1 + random.index(nodes.len()), random);
                FaultKind::Clock {
                    targets: Targets::new(Group::Some.name(), hit),
                    change: change(random),
                }
            }
            Other::Disk => {
                let hit = some(&victims, 1 + random.index(victims.len()), random);
                let harm = DiskHarm::ALL[random.index(DiskHarm::ALL.len())];
                FaultKind::Disk { targets: Targets::new(Group::Some.name(), hit), harm }
            }
        };
        Fault::new(begin, end, kind)
    })
}

fn probability(random: &mut Random) -> Millionths {
    Millionths(PROBABILITIES[random.index(PROBABILITIES.len())])
}

fn change(random: &mut Random) -> ClockChange {
    if random.chance(0.5) {
        let (least, most) = JUMP;
        return ClockChange::Jump((least + random.below(most - least + 1)) * 1_000_000);
    }
    ClockChange::Speed(Millionths(SPEEDS[random.index(SPEEDS.len())]))
}

/// So many nodes, in their order.
fn some(nodes: &[String], count: usize, random: &mut Random) -> Vec<String> {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    random.shuffle(&mut order);
    order.truncate(count);
    order.sort_unstable();
    order.into_iter().map(|place| nodes[place].clone()).collect()
}

/// All links between these nodes and the others, in both directions.
pub(super) fn around(nodes: &[String], some: &[String]) -> Blocked {
    let others: Vec<String> = nodes.iter().filter(|node| !some.contains(node)).cloned().collect();
    let mut links = between(some, &others);
    links.extend(between(&others, some));
    links
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("n{n}")).collect()
    }

    #[test]
    fn all_faults_bite() {
        let (interval, load) = (Duration::from_secs(2), Duration::from_secs(60));
        for count in 1..=6 {
            for seed in 0..30 {
                let draw = |kind| others(seed, &names(count), interval, load, kind);
                assert_eq!(draw(Other::Clog).is_empty(), count == 1);
                for fault in draw(Other::Clog) {
                    let FaultKind::Clog { links, every } = &fault.kind else { panic!("{fault:?}") };
                    let is_link = |src: &String, dest: &String| {
                        links.get(dest).is_some_and(|senders| senders.contains(src))
                    };
                    assert!(!links.is_empty() && *every > 0);
                    for (dest, senders) in links {
                        assert!(senders.iter().all(|src| src != dest && is_link(dest, src)));
                    }
                }
                for fault in draw(Other::Clock) {
                    assert!(fault.kind.nodes().is_some_and(|nodes| !nodes.is_empty()));
                }
                let hit: BTreeSet<String> = draw(Other::Disk)
                    .iter()
                    .flat_map(|fault| fault.kind.nodes().expect("nodes").to_vec())
                    .collect();
                assert!(hit.len() <= (count - 1) / 2 && hit.is_empty() == (count < 3), "{hit:?}");
                assert!(draw(Other::Loss).len() > 5 && draw(Other::Duplication).len() > 5);
            }
        }
    }

    const FROZEN: [&str; 8] = [
        r#"{"begin":0,"end":4796374689,"fault":"loss","probability":0.05}"#,
        r#"{"begin":7059662633,"end":9000000000,"fault":"loss","probability":0.5}"#,
        r#"{"begin":0,"end":2678063926,"fault":"duplication","probability":0.05}"#,
        r#"{"begin":8286580472,"end":9000000000,"fault":"duplication","probability":0.05}"#,
        r#"{"begin":0,"end":2360318960,"fault":"clog","links":{"n0":["n1","n2"],"n1":["n0"],"n2":["n0"]},"every":1180159480}"#,
        r#"{"begin":7587179880,"end":9000000000,"fault":"clog","links":{"n0":["n2"],"n1":["n2"],"n2":["n0","n1"]},"every":353205030}"#,
        r#"{"begin":0,"end":2854994694,"fault":"clock","targets":"some","nodes":["n0","n1","n2"],"change":{"jump":1283000000}}"#,
        r#"{"begin":7568198964,"end":7639996692,"fault":"clock","targets":"some","nodes":["n0","n1","n2"],"change":{"jump":1422000000}}"#,
    ];

    /// What a seed means is part of the format of a plan: this may never change.
    #[test]
    fn draws_are_frozen() {
        let shown: Vec<String> = [Other::Loss, Other::Duplication, Other::Clog, Other::Clock]
            .into_iter()
            .flat_map(|kind| {
                let (interval, load) = (Duration::from_secs(3), Duration::from_secs(9));
                others(1, &names(3), interval, load, kind)
            })
            .map(|fault| serde_json::to_string(&fault).expect("JSON"))
            .collect();
        assert_eq!(shown, FROZEN);
    }
}
