//! Edges to whole runs of a list, by hubs over it.

use std::ops::Range;

use super::graph::{Builder, Kinds};

/// Up to so many targets are led to one by one.
const FEW: usize = 16;

/// A list of transactions, and hubs over it that are made when first needed: a tree over the list,
/// so that any run of it is a logarithmic number of subtrees.
#[derive(Debug)]
pub(crate) struct Runs {
    targets: Vec<u32>,
    /// Vertex `n` leads to `2 n` and `2 n + 1`; the last half are the targets.
    tree: Vec<u32>,
}

impl Runs {
    /// Runs of this list.
    pub(crate) fn new(targets: Vec<u32>) -> Runs {
        Runs { targets, tree: Vec::new() }
    }

    /// Adds edges to all targets at these places.
    pub(crate) fn lead(&mut self, graph: &mut Builder, from: u32, run: Range<usize>, kind: Kinds) {
        if run.len() <= FEW {
            for target in &self.targets[run] {
                graph.edge(from, *target, kind);
            }
            return;
        }
        self.grow(graph);
        let size = self.targets.len();
        let (mut begin, mut end) = (run.start + size, run.end + size);
        while begin < end {
            if begin % 2 == 1 {
                graph.edge(from, self.tree[begin], kind);
                begin += 1;
            }
            if end % 2 == 1 {
                end -= 1;
                graph.edge(from, self.tree[end], kind);
            }
            begin /= 2;
            end /= 2;
        }
    }

    fn grow(&mut self, graph: &mut Builder) {
        if !self.tree.is_empty() {
            return;
        }
        let size = self.targets.len();
        // The place 0 is none of the tree's, and leads nowhere.
        self.tree.extend((0..size).map(|_| graph.hub()));
        self.tree.extend(&self.targets);
        for at in 1..size {
            for below in [2 * at, 2 * at + 1] {
                graph.edge(self.tree[at], self.tree[below], Kinds::FREE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txn::graph::Edge;

    #[test]
    fn leads_to_the_run_and_nothing_else() {
        for size in [1, 16, 17, 18, 31, 32, 33, 50] {
            for run in [0..size, 0..size - 1, 1..size, size / 3..size / 3 + 17, 3..20, 5..5] {
                if run.end > size {
                    continue;
                }
                let mut graph = Builder::new(size + 1);
                let mut runs = Runs::new((0..size as u32).collect());
                runs.lead(&mut graph, size as u32, run.clone(), Kinds::RW);
                let graph = graph.finish();
                let mut open: Vec<u32> = graph.edges(size as u32).iter().map(|e| e.to()).collect();
                let mut found = Vec::new();
                while let Some(vertex) = open.pop() {
                    match graph.is_hub(vertex) {
                        true => open.extend(graph.edges_of(vertex, Kinds::FREE).map(Edge::to)),
                        false => found.push(vertex as usize),
                    }
                }
                found.sort_unstable();
                assert_eq!(found, run.clone().collect::<Vec<_>>(), "{run:?} of {size}");
                assert!(graph.edges(size as u32).len() <= FEW);
            }
        }
    }
}
