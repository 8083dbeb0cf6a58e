//! A strongly connected part of a graph, with vertices numbered anew.

use crate::txn::graph::{Edge, Graph, Kinds};

/// A strongly connected part of a graph. Its vertices keep their order.
#[derive(Debug)]
pub(super) struct Knot {
    pub(super) graph: Graph,
    globals: Vec<u32>,
}

const OUTSIDE: u32 = u32::MAX;

impl Knot {
    /// The part of a graph that these vertices are, in ascending order. `numbers` is memory that
    /// knots after one another share.
    pub(super) fn new(graph: &Graph, members: &[u32], numbers: &mut Vec<u32>) -> Knot {
        Knot { graph: part(graph, members, Kinds::ALL, numbers), globals: members.to_vec() }
    }

    /// A part of this knot, with edges of these kinds only.
    pub(super) fn part(&self, members: &[u32], kinds: Kinds, numbers: &mut Vec<u32>) -> Knot {
        let globals = members.iter().map(|member| self.globals[*member as usize]).collect();
        Knot { graph: part(&self.graph, members, kinds, numbers), globals }
    }

    /// The number that a vertex has in the whole graph.
    pub(super) fn global(&self, vertex: u32) -> u32 {
        self.globals[vertex as usize]
    }

    /// The number here of a vertex of the whole graph that is in this part.
    pub(super) fn local(&self, vertex: u32) -> u32 {
        self.globals.partition_point(|global| *global < vertex) as u32
    }
}

fn part(graph: &Graph, members: &[u32], kinds: Kinds, numbers: &mut Vec<u32>) -> Graph {
    numbers.resize(numbers.len().max(graph.len()), OUTSIDE);
    for (number, member) in members.iter().enumerate() {
        numbers[*member as usize] = number as u32;
    }
    let mut edges = Vec::new();
    for (from, member) in members.iter().enumerate() {
        for edge in graph.edges_of(*member, kinds) {
            let to = numbers[edge.to() as usize];
            if to != OUTSIDE {
                edges.push((from as u32, Edge::new(to, edge.kind())));
            }
        }
    }
    for member in members {
        numbers[*member as usize] = OUTSIDE;
    }
    let transactions = members.partition_point(|member| !graph.is_hub(*member));
    Graph::new(transactions as u32, members.len() as u32, &edges)
}
