//! Graphs of dependencies, compressed.
//!
//! Vertices are transactions, numbered as in their table, and after them *hubs*. A hub stands for
//! all edges from those who lead to it to those it leads to, so that orders in which many come
//! before many (real time; all who read nothing, before all who wrote) take as much memory as there
//! are transactions, not pairs. An edge into a hub bears the kind of the edges it stands for; those
//! out of it are [`Kinds::FREE`].

use std::fmt;

/// What an edge says, or a set of that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) const NONE: Kinds = Kinds(0);
    /// Write to write: the second overwrote, or appended to, what the first had written.
    pub(crate) const WW: Kinds = Kinds(1);
    /// Write to read: the second saw what the first had written.
    pub(crate) const WR: Kinds = Kinds(2);
    /// Read to write: the second overwrote, or appended to, what the first had seen.
    pub(crate) const RW: Kinds = Kinds(4);
    /// The same process ran the first before the second.
    pub(crate) const PROCESS: Kinds = Kinds(8);
    /// The first was acknowledged before the second was invoked.
    pub(crate) const REALTIME: Kinds = Kinds(16);
    /// From a hub: part of an edge that began elsewhere.
    pub(crate) const FREE: Kinds = Kinds(32);
    /// The first must have come before the second, or somebody could not have seen what they saw.
    pub(crate) const COMMIT: Kinds = Kinds(64);
    /// All edges.
    pub(crate) const ALL: Kinds = Kinds(127);
    /// What follows from the data alone.
    pub(crate) const DATA: Kinds = Kinds(7);

    #[must_use]
    pub(crate) const fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    pub(crate) const fn overlaps(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }

    /// The kind that `number` stands for in an edge.
    const fn of_number(number: u32) -> Kinds {
        Kinds(1 << number)
    }

    /// The number of this single kind.
    const fn number(self) -> u32 {
        self.0.trailing_zeros()
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["ww", "wr", "rw", "process", "realtime", "free", "commit"];
        let kinds = names.iter().enumerate().filter(|(number, _)| self.0 >> number & 1 == 1);
        f.write_str(&kinds.map(|(_, name)| *name).collect::<Vec<_>>().join("+"))
    }
}

/// An edge's end: the vertex it leads to, and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge(u32);

/// The most vertices a graph can have: three bits of an edge say its kind.
pub(crate) const VERTICES_MAX: usize = 1 << 29;

impl Edge {
    pub(crate) const fn new(to: u32, kind: Kinds) -> Edge {
        Edge(to << 3 | kind.number())
    }

    #[inline]
    pub(crate) const fn to(self) -> u32 {
        self.0 >> 3
    }

    #[inline]
    pub(crate) const fn kind(self) -> Kinds {
        Kinds::of_number(self.0 & 7)
    }
}

/// Collects edges.
#[derive(Clone, Debug)]
pub(crate) struct Builder {
    transactions: u32,
    vertices: u32,
    edges: Vec<(u32, Edge)>,
    kinds: Kinds,
}

impl Builder {
    /// No edges yet between so many transactions.
    pub(crate) fn new(transactions: usize) -> Builder {
        let transactions = transactions as u32;
        Builder { transactions, vertices: transactions, edges: Vec::new(), kinds: Kinds::NONE }
    }

    /// A new hub.
    pub(crate) fn hub(&mut self) -> u32 {
        self.vertices += 1;
        self.vertices - 1
    }

    /// Adds an edge, unless it leads back to where it began.
    #[inline]
    pub(crate) fn edge(&mut self, from: u32, to: u32, kind: Kinds) {
        if from != to {
            self.kinds = self.kinds.with(kind);
            self.edges.push((from, Edge::new(to, kind)));
        }
    }

    /// Adds edges from each source to each target, but from none to itself. `targets` are
    /// transactions in ascending order, without repetition; `sources` too, where many of them are
    /// targets.
    pub(crate) fn all_to_all(&mut self, sources: &[u32], targets: &[u32], kind: Kinds) {
        const FEW: usize = 16;
        if sources.len().saturating_mul(targets.len()) <= FEW.max(sources.len() + targets.len()) {
            for source in sources {
                for target in targets {
                    self.edge(*source, *target, kind);
                }
            }
            return;
        }
        // Two chains of hubs over the targets: one leads to a target and all before it, one to a
        // target and all after it. A source that is a target enters the first just before itself
        // and the second just after.
        let is_target = |source: &u32| targets.binary_search(source).is_ok();
        let before = match sources.iter().any(is_target) {
            true => self.chain(targets.iter()),
            false => Vec::new(),
        };
        let mut after = self.chain(targets.iter().rev());
        after.reverse();
        for source in sources {
            match targets.binary_search(source) {
                Ok(at) => {
                    if let Some(hub) = at.checked_sub(1).map(|at| before[at]) {
                        self.edge(*source, hub, kind);
                    }
                    if let Some(hub) = after.get(at + 1) {
                        self.edge(*source, *hub, kind);
                    }
                }
                Err(_) => self.edge(*source, after[0], kind),
            }
        }
    }

    /// A hub for each target, which leads to it and to the hub before.
    fn chain<'a>(&mut self, targets: impl Iterator<Item = &'a u32>) -> Vec<u32> {
        let mut hubs: Vec<u32> = Vec::new();
        for target in targets {
            let hub = self.hub();
            self.edge(hub, *target, Kinds::FREE);
            if let Some(last) = hubs.last() {
                self.edge(hub, *last, Kinds::FREE);
            }
            hubs.push(hub);
        }
        hubs
    }

    /// What kinds of edges there are.
    pub(crate) fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// The graph.
    pub(crate) fn finish(self) -> Graph {
        Graph::new(self.transactions, self.vertices, &self.edges)
    }
}

/// A graph whose vertices know the edges that leave them.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    transactions: u32,
    starts: Vec<u32>,
    edges: Vec<Edge>,
}

impl Graph {
    /// A graph of these edges. Edges of a vertex keep their order.
    pub(crate) fn new(transactions: u32, vertices: u32, list: &[(u32, Edge)]) -> Graph {
        assert!((vertices as usize) < VERTICES_MAX, "a history of too many transactions");
        let mut starts = vec![0u32; vertices as usize + 1];
        for (from, _) in list {
            starts[*from as usize] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut edges = vec![Edge(0); list.len()];
        for (from, edge) in list.iter().rev() {
            let slot = &mut starts[*from as usize];
            *slot -= 1;
            edges[*slot as usize] = *edge;
        }
        Graph { transactions, starts, edges }
    }

    /// The number of transactions; vertices from there on are hubs.
    pub(crate) const fn transactions(&self) -> u32 {
        self.transactions
    }

    /// The number of vertices.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The edges that leave a vertex.
    #[inline]
    pub(crate) fn edges(&self, vertex: u32) -> &[Edge] {
        let at = vertex as usize;
        &self.edges[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// Those of the kinds asked for.
    #[inline]
    pub(crate) fn edges_of(&self, vertex: u32, kinds: Kinds) -> impl Iterator<Item = Edge> {
        self.edges(vertex).iter().copied().filter(move |edge| edge.kind().overlaps(kinds))
    }

    /// True for a vertex that is no transaction.
    #[inline]
    pub(crate) const fn is_hub(&self, vertex: u32) -> bool {
        vertex >= self.transactions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transactions that a transaction leads to by one edge, seen through hubs.
    fn successors(graph: &Graph, from: u32) -> Vec<(u32, Kinds)> {
        let mut found = Vec::new();
        for edge in graph.edges(from) {
            let mut open = vec![edge.to()];
            while let Some(vertex) = open.pop() {
                if graph.is_hub(vertex) {
                    open.extend(graph.edges_of(vertex, Kinds::FREE).map(Edge::to));
                } else {
                    found.push((vertex, edge.kind()));
                }
            }
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn edges_keep_their_ends_kinds_and_order() {
        let mut builder = Builder::new(3);
        builder.edge(2, 0, Kinds::RW);
        builder.edge(0, 1, Kinds::WW);
        builder.edge(0, 0, Kinds::WW);
        builder.edge(2, 1, Kinds::REALTIME);
        builder.edge(0, 2, Kinds::WR);
        assert_eq!(format!("{:?}", builder.kinds()), "ww+wr+rw+realtime");
        let graph = builder.finish();
        let ends = |from| graph.edges(from).iter().map(|edge| edge.to()).collect::<Vec<_>>();
        assert_eq!([ends(0), ends(1), ends(2)], [vec![1, 2], vec![], vec![0, 1]]);
        assert_eq!(graph.edges_of(2, Kinds::RW).map(Edge::to).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn hubs_stand_for_all_pairs_but_those_of_one() {
        for (sources, targets) in [(2, 3), (10, 10), (40, 7), (3, 50)] {
            let mut builder = Builder::new(60);
            // Some sources are targets: the first, the last, some between; some are none.
            let sources: Vec<u32> = (0..sources).map(|at| at * 59 / sources).collect();
            let targets: Vec<u32> = (0..targets).map(|at| at * 59 / targets).collect();
            builder.all_to_all(&sources, &targets, Kinds::RW);
            let graph = builder.finish();
            for from in 0..60 {
                let expected: Vec<(u32, Kinds)> = targets
                    .iter()
                    .filter(|to| sources.contains(&from) && **to != from)
                    .map(|to| (*to, Kinds::RW))
                    .collect();
                assert_eq!(successors(&graph, from), expected, "{from} of {sources:?}");
            }
            assert!(graph.edges.len() <= 16.max(4 * (sources.len() + targets.len())));
        }
    }
}
