//! Strongly connected components.
//!
//! Tarjan's algorithm (*Depth-first search and linear graph algorithms*, SIAM J. Comput. 1972), on
//! a stack of its own, since a component can be as long as the history.

use super::graph::{Graph, Kinds};

/// The components of a graph.
#[derive(Clone, Debug)]
pub(crate) struct Components {
    /// Each vertex's component. Every edge between different components leads to the lower number.
    pub of: Vec<u32>,
    /// The number of components.
    pub count: u32,
}

const UNSEEN: u32 = u32::MAX;

impl Components {
    /// The components of the graph that has the edges of these kinds only.
    pub(crate) fn new(graph: &Graph, kinds: Kinds) -> Components {
        let size = graph.len();
        let mut search = Search {
            graph,
            kinds,
            low: vec![UNSEEN; size],
            of: vec![UNSEEN; size],
            path: Vec::new(),
            pending: Vec::new(),
            next: 0,
            count: 0,
        };
        for root in 0..size as u32 {
            if search.low[root as usize] == UNSEEN {
                search.from(root);
            }
        }
        Components { of: search.of, count: search.count }
    }

    /// The vertices of each component that has two or more, each in ascending order.
    pub(crate) fn large(&self) -> Vec<Vec<u32>> {
        let mut sizes = vec![0u32; self.count as usize];
        for component in &self.of {
            sizes[*component as usize] += 1;
        }
        let mut places = vec![UNSEEN; self.count as usize];
        let mut large: Vec<Vec<u32>> = Vec::new();
        for (vertex, component) in self.of.iter().enumerate() {
            let component = *component as usize;
            if sizes[component] > 1 {
                if places[component] == UNSEEN {
                    places[component] = large.len() as u32;
                    large.push(Vec::with_capacity(sizes[component] as usize));
                }
                large[places[component] as usize].push(vertex as u32);
            }
        }
        large
    }
}

struct Search<'a> {
    graph: &'a Graph,
    kinds: Kinds,
    /// The least number, in the order of discovery, known to be reachable within the component.
    low: Vec<u32>,
    of: Vec<u32>,
    /// The vertices being explored: each with how many of its edges were, and its own number.
    path: Vec<(u32, u32, u32)>,
    /// Vertices discovered whose component is not closed.
    pending: Vec<u32>,
    next: u32,
    count: u32,
}

impl Search<'_> {
    fn discover(&mut self, vertex: u32) {
        self.low[vertex as usize] = self.next;
        self.path.push((vertex, 0, self.next));
        self.pending.push(vertex);
        self.next += 1;
    }

    fn from(&mut self, root: u32) {
        self.discover(root);
        while let Some((vertex, explored, number)) = self.path.last_mut() {
            let (vertex, number) = (*vertex, *number);
            let edges = self.graph.edges(vertex);
            let Some(edge) = edges.get(*explored as usize) else {
                self.path.pop();
                self.close(vertex, number);
                continue;
            };
            *explored += 1;
            if !edge.kind().overlaps(self.kinds) {
                continue;
            }
            let to = edge.to() as usize;
            if self.low[to] == UNSEEN {
                self.discover(edge.to());
            } else if self.of[to] == UNSEEN {
                let low = self.low[to];
                let own = &mut self.low[vertex as usize];
                *own = low.min(*own);
            }
        }
    }

    /// All edges of a vertex are explored.
    fn close(&mut self, vertex: u32, number: u32) {
        let low = self.low[vertex as usize];
        if low == number {
            while let Some(member) = self.pending.pop() {
                self.of[member as usize] = self.count;
                if member == vertex {
                    break;
                }
            }
            self.count += 1;
        }
        if let Some((parent, ..)) = self.path.last() {
            let parent = &mut self.low[*parent as usize];
            *parent = low.min(*parent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::graph::Builder;
    use kolk_protocol::Key;

    /// Which vertices reach which, by Warshall's algorithm.
    fn reachability(size: usize, edges: &[(u32, u32)]) -> Vec<Vec<bool>> {
        let mut reaches = vec![vec![false; size]; size];
        for (from, to) in edges {
            reaches[*from as usize][*to as usize] = true;
        }
        for middle in 0..size {
            for from in 0..size {
                for to in 0..size {
                    reaches[from][to] |= reaches[from][middle] && reaches[middle][to];
                }
            }
        }
        reaches
    }

    #[test]
    fn components_are_those_who_reach_each_other() {
        for seed in 0..500 {
            let mut random = Key::new(seed).random();
            let size = 2 + random.index(12);
            let mut builder = Builder::new(size);
            let mut edges = Vec::new();
            for _ in 0..random.index(2 * size) {
                let (from, to) = (random.index(size) as u32, random.index(size) as u32);
                let kind = if random.chance(0.8) { Kinds::WW } else { Kinds::RW };
                builder.edge(from, to, kind);
                if kind == Kinds::WW {
                    edges.push((from, to));
                }
            }
            let components = Components::new(&builder.finish(), Kinds::WW);
            let reaches = reachability(size, &edges);
            for a in 0..size {
                for b in 0..size {
                    let mutual = a == b || reaches[a][b] && reaches[b][a];
                    assert_eq!(components.of[a] == components.of[b], mutual, "seed {seed}");
                    if reaches[a][b] {
                        assert!(components.of[a] >= components.of[b], "seed {seed}");
                    }
                }
            }
            let large = components.large();
            assert!(large.iter().all(|members| members.len() > 1 && members.is_sorted()));
        }
    }

    #[test]
    fn a_ring_as_long_as_a_history_is_one_component() {
        let size = 300_000;
        let mut builder = Builder::new(size);
        for vertex in 0..size as u32 {
            builder.edge(vertex, (vertex + 1) % size as u32, Kinds::WR);
        }
        let graph = builder.finish();
        assert_eq!(Components::new(&graph, Kinds::ALL).large().len(), 1);
        assert!(Components::new(&graph, Kinds::WW).large().is_empty());
    }
}
