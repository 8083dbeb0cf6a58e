//! Links that are cut in one direction, or slow: drawn, or asked for.

use std::time::Duration;

use kolk_history::plan::{Fault, FaultKind};
use kolk_protocol::{Key, Random};

use super::{Blocked, drawn, partition};

/// What a partition is called that is a cut in one direction.
pub(super) const ONE_WAY: &str = "one-way";

/// What becomes of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Nothing comes through in one direction.
    OneWay,
    /// Messages take longer.
    Slow,
}

/// How many times longer messages take on a slow link that is drawn.
const FACTORS: [u32; 5] = [2, 5, 10, 20, 50];

/// Draws cuts in one direction, or slow links, of a whole run whose load lasts `load`: after gaps
/// as [`super::partitions`] has them. A cut has some nodes hear nothing from the others, who hear
/// them; slow is a single link, or all to a node, or all from it.
pub fn link_faults(
    seed: u64,
    nodes: &[String],
    interval: Duration,
    load: Duration,
    kind: LinkKind,
) -> Vec<Fault> {
    if nodes.len() < 2 {
        return Vec::new();
    }
    let domain = Key::new(seed);
    match kind {
        LinkKind::OneWay => {
            drawn(domain.with_name(ONE_WAY), interval, load, |begin, end, random| {
                partition(begin, end, ONE_WAY, one_way(nodes, random))
            })
        }
        LinkKind::Slow => drawn(domain.with_name("slow"), interval, load, |begin, end, random| {
            let (links, factor) = slow(nodes, random);
            Fault::new(begin, end, FaultKind::Slow { links, factor })
        }),
    }
}

/// All links from one set of nodes to another; from a node to itself there is none.
pub(super) fn between(src: &[String], dest: &[String]) -> Blocked {
    let links = dest.iter().map(|receiver| {
        let senders = src.iter().filter(|sender| *sender != receiver).cloned().collect();
        (receiver.clone(), senders)
    });
    links.filter(|(_, senders): &(String, Vec<String>)| !senders.is_empty()).collect()
}

fn one_way(nodes: &[String], random: &mut Random) -> Blocked {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    random.shuffle(&mut order);
    let deaf = &order[..1 + random.index(nodes.len() - 1)];
    let (deaf, others): (Vec<usize>, Vec<usize>) =
        (0..nodes.len()).partition(|node| deaf.contains(node));
    let names = |places: &[usize]| -> Vec<String> {
        places.iter().map(|place| nodes[*place].clone()).collect()
    };
    between(&names(&others), &names(&deaf))
}

fn slow(nodes: &[String], random: &mut Random) -> (Blocked, u32) {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    random.shuffle(&mut order);
    let [one, other] = [order[0], order[1]].map(|place| std::slice::from_ref(&nodes[place]));
    let links = match random.index(3) {
        0 => between(one, other),
        1 => between(one, nodes),
        _ => between(nodes, one),
    };
    (links, FACTORS[random.index(FACTORS.len())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::LinkFault;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("n{n}")).collect()
    }

    fn shown(fault: &Fault) -> String {
        let links = fault.kind.links().expect("links");
        let links: Vec<String> =
            links.iter().map(|(dest, src)| format!("{}>{dest}", src.join("+"))).collect();
        let what = match &fault.kind {
            FaultKind::Slow { factor, .. } => format!("*{factor}"),
            FaultKind::Partition { shape, .. } => format!(" {shape}"),
            _ => panic!("no fault of links"),
        };
        format!("{}{what}@{}..{}", links.join(" "), fault.begin, fault.end)
    }

    #[test]
    fn cuts_are_in_one_direction_and_all_faults_bite() {
        let (interval, load) = (Duration::from_secs(2), Duration::from_secs(60));
        for count in 1..=6 {
            let nodes = names(count);
            for seed in 0..50 {
                for kind in [LinkKind::OneWay, LinkKind::Slow] {
                    let faults = link_faults(seed, &nodes, interval, load, kind);
                    assert_eq!(faults.is_empty(), count == 1);
                    for fault in &faults {
                        let links = fault.kind.links().expect("links");
                        assert!(!links.is_empty());
                        let is_link = |src: &String, dest: &String| {
                            links.get(dest).is_some_and(|senders| senders.contains(src))
                        };
                        for (dest, senders) in links {
                            for src in senders {
                                assert_ne!(src, dest);
                                assert!(kind == LinkKind::Slow || !is_link(dest, src));
                            }
                        }
                    }
                }
            }
        }
    }

    /// What a seed means is part of the format of a plan: this may never change.
    #[test]
    fn draws_are_frozen() {
        let draw = |kind| {
            let faults =
                link_faults(1, &names(3), Duration::from_secs(3), Duration::from_secs(12), kind);
            faults.iter().map(shown).collect::<Vec<_>>()
        };
        assert_eq!(draw(LinkKind::OneWay), FROZEN_CUTS);
        assert_eq!(draw(LinkKind::Slow), FROZEN_SLOW);
    }

    const FROZEN_CUTS: [&str; 3] = [
        "n1>n0 n1>n2 one-way@0..5839916332",
        "n1>n0 n1>n2 one-way@8097270440..8802623816",
        "n0+n2>n1 one-way@10820018125..12000000000",
    ];
    const FROZEN_SLOW: [&str; 3] = [
        "n2>n0*50@0..2309852709",
        "n1>n0*50@2800438347..5436152342",
        "n1>n0*20@8079606207..11010287221",
    ];

    #[test]
    fn faults_of_links_are_read() {
        let read = |kind, text: &str| match LinkFault::read(kind, text) {
            Ok(fault) => match fault.fault(&names(4), Duration::from_secs(20)) {
                Ok(fault) => shown(&fault),
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        for (kind, text, expected) in [
            (LinkKind::OneWay, "n1>n2@5..7", "n1>n2 one-way@5000000000..7000000000"),
            (LinkKind::OneWay, "n1+n0>n2+n0@5..", "n1>n0 n0+n1>n2 one-way@5000000000..20000000000"),
            (LinkKind::Slow, "n1>n2*10@0..2.5", "n1>n2*10@0..2500000000"),
            (
                LinkKind::OneWay,
                "n1>n1@1..2",
                "there is no link in `n1>n1`: it needs two nodes that differ",
            ),
            (
                LinkKind::OneWay,
                "n1>n7@1..2",
                "the cut names `n7`, which is no node; nodes are n0, n1, n2, n3",
            ),
            (
                LinkKind::Slow,
                "n1>n2*2@1..30",
                "the slow link ends at 30 s, but the load is over after 20 s",
            ),
            (
                LinkKind::Slow,
                "n1>n2@1..2",
                "`n1>n2@1..2` is no slow link (there is no `*`): write it like n1>n2*10@0..20, in \
                 seconds from the start of the load",
            ),
            (
                LinkKind::Slow,
                "n1>n2*1@1..2",
                "`n1>n2*1@1..2` is no slow link (how many times slower is a whole number of 2 or \
                 more): write it like n1>n2*10@0..20, in seconds from the start of the load",
            ),
        ] {
            assert_eq!(read(kind, text), expected, "{text}");
        }
    }
}
