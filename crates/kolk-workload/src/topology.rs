//! The topologies that the broadcast workload suggests to nodes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Who is whose neighbour. The shapes are those of Maelstrom's `--topology`; nodes are taken in
/// the order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// Rows of a square as large as needed; each node knows those beside, above and below it.
    #[default]
    Grid,
    /// A chain. A single node is told nothing at all, not even that it has no neighbours.
    Line,
    /// Everybody knows everybody.
    Total,
    /// A tree filled level by level, in which a node has at most so many children.
    Tree(usize),
}

impl Topology {
    /// What `--topology` accepts.
    pub const NAMES: &'static [&'static str] =
        &["grid", "line", "total", "tree", "tree2", "tree3", "tree4"];

    /// Each node's neighbours.
    pub fn neighbours(self, nodes: &[String]) -> BTreeMap<String, Vec<String>> {
        if self == Topology::Line && nodes.len() < 2 {
            return BTreeMap::new();
        }
        let names = |places: Vec<usize>| places.into_iter().map(|at| nodes[at].clone()).collect();
        (0..nodes.len())
            .map(|at| (nodes[at].clone(), names(self.places(at, nodes.len()))))
            .collect()
    }

    /// The neighbours of the node at `at` among `count`.
    fn places(self, at: usize, count: usize) -> Vec<usize> {
        let mut places = Vec::new();
        match self {
            Topology::Grid => {
                let side = (1..).find(|side| side * side >= count).unwrap_or(1);
                places.extend(Some(at + side).filter(|below| *below < count));
                places.extend(at.checked_sub(side));
                places.extend(
                    Some(at + 1).filter(|next| *next < count && !next.is_multiple_of(side)),
                );
                places.extend(at.checked_sub(1).filter(|_| !at.is_multiple_of(side)));
            }
            Topology::Line => {
                places.extend(at.checked_sub(1));
                places.extend(Some(at + 1).filter(|next| *next < count));
            }
            Topology::Total => places.extend((0..count).filter(|other| *other != at)),
            Topology::Tree(branches) => {
                places.extend(at.checked_sub(1).map(|before| before / branches));
                let first = at * branches + 1;
                places.extend(first.min(count)..(first + branches).min(count));
            }
        }
        places
    }
}

/// The name that `--topology` accepts.
impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Topology::Grid => f.write_str("grid"),
            Topology::Line => f.write_str("line"),
            Topology::Total => f.write_str("total"),
            Topology::Tree(branches) => write!(f, "tree{branches}"),
        }
    }
}

/// No such topology.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown topology `{0}`; known are {known}", known = Topology::NAMES.join(", "))]
pub struct UnknownTopology(pub String);

impl FromStr for Topology {
    type Err = UnknownTopology;

    fn from_str(text: &str) -> Result<Topology, UnknownTopology> {
        match text {
            "grid" => Ok(Topology::Grid),
            "line" => Ok(Topology::Line),
            "total" => Ok(Topology::Total),
            "tree" | "tree2" => Ok(Topology::Tree(2)),
            "tree3" => Ok(Topology::Tree(3)),
            "tree4" => Ok(Topology::Tree(4)),
            _ => Err(UnknownTopology(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n0: n1 n2; n1: n0; …`
    fn shown(name: &str, count: usize) -> String {
        let nodes: Vec<String> = (0..count).map(|n| format!("n{n}")).collect();
        let topology: Topology = name.parse().expect("known");
        let neighbours = topology.neighbours(&nodes);
        let lines = nodes.iter().filter_map(|node| {
            neighbours.get(node).map(|others| format!("{node}: {}", others.join(" ")))
        });
        lines.collect::<Vec<_>>().join("; ")
    }

    /// By hand, from the shapes in Maelstrom's source.
    #[test]
    fn shapes() {
        for (name, count, expected) in [
            ("grid", 1, "n0: "),
            ("grid", 2, "n0: n1; n1: n0"),
            ("grid", 5, "n0: n3 n1; n1: n4 n2 n0; n2: n1; n3: n0 n4; n4: n1 n3"),
            ("line", 1, ""),
            ("line", 3, "n0: n1; n1: n0 n2; n2: n1"),
            ("total", 1, "n0: "),
            ("total", 3, "n0: n1 n2; n1: n0 n2; n2: n0 n1"),
            ("tree", 1, "n0: "),
            ("tree", 6, "n0: n1 n2; n1: n0 n3 n4; n2: n0 n5; n3: n1; n4: n1; n5: n2"),
            ("tree3", 5, "n0: n1 n2 n3; n1: n0 n4; n2: n0; n3: n0; n4: n1"),
            ("tree4", 6, "n0: n1 n2 n3 n4; n1: n0 n5; n2: n0; n3: n0; n4: n0; n5: n1"),
        ] {
            assert_eq!(shown(name, count), expected, "{name} of {count}");
        }
    }

    #[test]
    fn neighbours_are_mutual_and_all_are_reached() {
        for name in Topology::NAMES {
            for count in 2..40 {
                let nodes: Vec<String> = (0..count).map(|n| format!("n{n}")).collect();
                let neighbours = name.parse::<Topology>().expect("known").neighbours(&nodes);
                let mut reached = vec!["n0"];
                let mut at = 0;
                while at < reached.len() {
                    for other in &neighbours[reached[at]] {
                        assert!(neighbours[other].iter().any(|back| back == reached[at]));
                        if !reached.contains(&other.as_str()) {
                            reached.push(other);
                        }
                    }
                    at += 1;
                }
                assert_eq!(reached.len(), count, "{name} of {count}");
            }
        }
    }

    #[test]
    fn names_read_back() {
        for name in Topology::NAMES {
            let topology: Topology = name.parse().expect("known");
            assert_eq!(topology.to_string().parse(), Ok(topology));
        }
        let error = "ring".parse::<Topology>().expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "unknown topology `ring`; known are grid, line, total, tree, tree2, tree3, tree4"
        );
    }
}
