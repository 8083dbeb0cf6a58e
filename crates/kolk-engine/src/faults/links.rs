//! Links that are cut in one direction, or slow: drawn, or asked for.

use std::time::Duration;

use kolk_history::plan::{Fault, FaultKind};
use kolk_protocol::{Key, Random};

use super::{Blocked, Window, drawn, end_within, nanoseconds, partition};

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
            Fault { begin, end, kind: FaultKind::Slow { links, factor } }
        }),
    }
}

/// All links from one set of nodes to another; from a node to itself there is none.
fn between(src: &[String], dest: &[String]) -> Blocked {
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

/// A fault of links that somebody asked for, in seconds from the start of the load: `n1>n2@5..7` is
/// a cut in that direction, `n1>n2+n3*10@0..20` has messages take ten times as long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFault {
    /// From whom.
    pub src: Vec<String>,
    /// To whom.
    pub dest: Vec<String>,
    /// How many times longer messages take; `None` if they do not come.
    pub factor: Option<u32>,
    /// From when.
    pub begin: Duration,
    /// Until when; without an end as long as the load.
    pub end: Option<Duration>,
}

/// Why a fault of links cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LinkFaultError {
    /// The text is none.
    #[error(
        "`{text}` is no fault of a link ({problem}): write it like {example}, in seconds from the start of the load"
    )]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
        /// One that is right.
        example: &'static str,
    },
    /// A node that is not there.
    #[error("`{text}` names `{node}`, which is no node; nodes are {nodes}")]
    UnknownNode {
        /// The text.
        text: String,
        /// The name.
        node: String,
        /// All that there are.
        nodes: String,
    },
    /// There is no link between these nodes.
    #[error("there is no link in `{0}`: it needs two nodes that differ")]
    NoLink(String),
    /// It goes on when the load is over, or begins after it.
    #[error("`{text}` ends at {end} s, but the load is over after {load} s")]
    TooLong {
        /// The text.
        text: String,
        /// When it ends.
        end: f64,
        /// When the load ends.
        load: f64,
    },
}

impl LinkFault {
    /// Reads what somebody asked for.
    ///
    /// # Errors
    ///
    /// [`LinkFaultError::Syntax`].
    pub fn read(kind: LinkKind, text: &str) -> Result<LinkFault, LinkFaultError> {
        let example = match kind {
            LinkKind::OneWay => "n1>n2@5..7",
            LinkKind::Slow => "n1>n2*10@0..20",
        };
        let error = |problem| LinkFaultError::Syntax { text: text.to_owned(), problem, example };
        let (ends, times) = text.split_once('@').ok_or(error("there is no `@`"))?;
        let (ends, factor) = match (kind, ends.split_once('*')) {
            (LinkKind::OneWay, None) => (ends, None),
            (LinkKind::OneWay, Some(_)) => return Err(error("a cut has no factor")),
            (LinkKind::Slow, None) => return Err(error("there is no `*`")),
            (LinkKind::Slow, Some((ends, factor))) => {
                let factor = factor.trim().parse().ok().filter(|factor| *factor >= 2);
                (
                    ends,
                    Some(
                        factor
                            .ok_or(error("how many times slower is a whole number of 2 or more"))?,
                    ),
                )
            }
        };
        let (src, dest) = ends.split_once('>').ok_or(error("there is no `>`"))?;
        let window = |nodes: &str| Window::read(&format!("{nodes}@{times}")).map_err(error);
        let (src, dest) = (window(src)?, window(dest)?);
        let Window { begin, end, nodes: dest } = dest;
        Ok(LinkFault { src: src.nodes, dest, factor, begin, end })
    }

    /// The fault, among these nodes and in a load this long.
    ///
    /// # Errors
    ///
    /// If it names a node that is not there or no link, or does not lie within the load.
    pub fn fault(&self, nodes: &[String], load: Duration) -> Result<Fault, LinkFaultError> {
        let text = || format!("{}>{}", self.src.join("+"), self.dest.join("+"));
        if let Some(node) = self.src.iter().chain(&self.dest).find(|node| !nodes.contains(node)) {
            let (node, nodes) = (node.clone(), nodes.join(", "));
            return Err(LinkFaultError::UnknownNode { text: text(), node, nodes });
        }
        let links = between(&self.src, &self.dest);
        if links.is_empty() {
            return Err(LinkFaultError::NoLink(text()));
        }
        let end = end_within(self.begin, self.end, load).map_err(|end| {
            LinkFaultError::TooLong { text: text(), end, load: load.as_secs_f64() }
        })?;
        let (begin, end) = (nanoseconds(self.begin), nanoseconds(end));
        Ok(match self.factor {
            None => partition(begin, end, ONE_WAY, links),
            Some(factor) => Fault { begin, end, kind: FaultKind::Slow { links, factor } },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                "`n1>n7` names `n7`, which is no node; nodes are n0, n1, n2, n3",
            ),
            (
                LinkKind::Slow,
                "n1>n2*2@1..30",
                "`n1>n2` ends at 30 s, but the load is over after 20 s",
            ),
            (
                LinkKind::Slow,
                "n1>n2@1..2",
                "`n1>n2@1..2` is no fault of a link (there is no `*`): write it like n1>n2*10@0..20, in \
                 seconds from the start of the load",
            ),
            (
                LinkKind::Slow,
                "n1>n2*1@1..2",
                "`n1>n2*1@1..2` is no fault of a link (how many times slower is a whole number of 2 or \
                 more): write it like n1>n2*10@0..20, in seconds from the start of the load",
            ),
        ] {
            assert_eq!(read(kind, text), expected, "{text}");
        }
    }
}
