//! Which read–write edges close a cycle, without looking for the cycle.

use crate::txn::components::Components;
use crate::txn::graph::{Edge, Graph, Kinds};

/// The candidates whose end reaches their beginning over edges of the kinds in `base`, whose
/// components these are. 64 candidates are followed at once, through the components that lie
/// between their ends and beginnings.
pub(super) fn backward(
    graph: &Graph,
    base: Kinds,
    components: &Components,
    candidates: &[(u32, u32)],
) -> Vec<(u32, u32)> {
    let component = |vertex: u32| components.of[vertex as usize];
    let mut open: Vec<usize> = Vec::new();
    let mut closes = vec![false; candidates.len()];
    for (at, (from, to)) in candidates.iter().enumerate() {
        // Edges lead to lower numbers only.
        match component(*to).cmp(&component(*from)) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => closes[at] = true,
            std::cmp::Ordering::Greater => open.push(at),
        }
    }
    open.sort_by_key(|at| std::cmp::Reverse(component(candidates[*at].1)));
    let vertices = by_component(components);
    let mut bits = vec![0u64; components.count as usize];
    for batch in open.chunks(64) {
        let ends = batch.iter().map(|at| candidates[*at]);
        let low = ends.clone().map(|(from, _)| component(from)).min().unwrap_or(0);
        let high = ends.clone().map(|(_, to)| component(to)).max().unwrap_or(0);
        for (bit, (_, to)) in ends.clone().enumerate() {
            bits[component(to) as usize] |= 1 << bit;
        }
        for number in (low..=high).rev() {
            let mask = bits[number as usize];
            if mask == 0 {
                continue;
            }
            for vertex in vertices.of(number) {
                for edge in graph.edges_of(*vertex, base) {
                    let next = component(edge.to());
                    if next >= low {
                        bits[next as usize] |= mask;
                    }
                }
            }
        }
        for (bit, (at, (from, _))) in batch.iter().zip(ends).enumerate() {
            closes[*at] = bits[component(from) as usize] >> bit & 1 == 1;
        }
        bits[low as usize..=high as usize].fill(0);
    }
    candidates.iter().zip(closes).filter(|(_, closes)| *closes).map(|(edge, _)| *edge).collect()
}

/// Vertices by their components.
struct ByComponent {
    starts: Vec<u32>,
    vertices: Vec<u32>,
}

fn by_component(components: &Components) -> ByComponent {
    let mut starts = vec![0u32; components.count as usize + 1];
    for component in &components.of {
        starts[*component as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut vertices = vec![0u32; components.of.len()];
    for (vertex, component) in components.of.iter().enumerate() {
        let place = &mut next[*component as usize];
        vertices[*place as usize] = vertex as u32;
        *place += 1;
    }
    ByComponent { starts, vertices }
}

impl ByComponent {
    fn of(&self, component: u32) -> &[u32] {
        let at = component as usize;
        &self.vertices[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// The candidates that lie on a closed walk in which no two read–write edges follow one another.
pub(super) fn alternating(
    graph: &Graph,
    base: Kinds,
    candidates: &[(u32, u32)],
) -> Vec<(u32, u32)> {
    let state = |vertex: u32, after: bool| vertex << 1 | u32::from(after);
    let mut edges = Vec::new();
    for from in 0..graph.len() as u32 {
        for edge in graph.edges_of(from, base) {
            let stays = edge.kind() == Kinds::FREE;
            edges.push((state(from, false), Edge::new(state(edge.to(), false), Kinds::WW)));
            edges.push((state(from, true), Edge::new(state(edge.to(), stays), Kinds::WW)));
        }
    }
    for (from, to) in candidates {
        edges.push((state(*from, false), Edge::new(state(*to, true), Kinds::WW)));
    }
    let size = graph.len() as u32 * 2;
    let components = Components::new(&Graph::new(size, size, &edges), Kinds::ALL);
    let on_walk = |(from, to): &&(u32, u32)| {
        components.of[state(*from, false) as usize] == components.of[state(*to, true) as usize]
    };
    candidates.iter().filter(on_walk).copied().collect()
}
