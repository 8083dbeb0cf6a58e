//! Cycles of dependencies: which there are, what they are called, and a shortest one of each.
//!
//! | type | edges |
//! |---|---|
//! | G0 | write–write |
//! | G1c | write–write and write–read, one of these at least |
//! | G-single | these, and exactly one read–write |
//! | G-nonadjacent | two read–write or more, no two of them adjacent |
//! | G2 | two read–write or more, some adjacent |
//! | …-process, …-realtime | the same with an edge of the order of a process, or of real time |
//!
//! A read–write edge counts as one only where nothing more severe of the same scope runs between
//! the same transactions. Each knot (strongly connected component) of the edges in question is
//! reported by the types that no other type found in it implies, each with a shortest cycle; of
//! several, the one with the transaction completed first.
//!
//! # Exactness and cost
//!
//! No search is limited by the clock. That a knot has cycles of *G0* and *G1c* is linear (Tarjan).
//! For *G-single*, each read–write edge is asked whether its end reaches its beginning over the
//! other edges, 64 edges at a time over the part of the condensed order that lies between: with *r*
//! read–write edges and *m* edges in the knot, at most *r·m*/64 steps. *G-nonadjacent* asks for a
//! closed walk in the graph of (transaction, whether the last edge was a read–write): linear. In a
//! knot without *G1c* such a walk contains a simple cycle of the type. In a knot with *G1c* to tell
//! whether one of the cycles is simple is NP-hard in general, and there a *G-nonadjacent* may go by
//! the name of *G2*, or be missed; no verdict changes, since *G1c* rules out all that these do.
//!
//! Shortest cycles are looked for breadth first from every vertex, or every read–write edge, until
//! [`WORK_MAX`] edges have been followed for one type in one knot: beyond that the shortest cycle
//! so far stands, which is the only thing that is not exact.

mod kind;
mod knot;
mod path;
mod reach;

pub use kind::{CycleType, Scope, Shape};

use super::components::Components;
use super::graph::{Graph, Kinds};
use super::order;
use super::table::Table;
use knot::Knot;
use path::{Paths, State};

/// How many edges are followed in search of a shorter cycle than the first.
pub const WORK_MAX: u64 = 1 << 26;

/// One edge of a cycle, from this transaction to that of the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub from: u32,
    pub kind: Kinds,
}

/// A cycle that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    pub kind: CycleType,
    /// The transaction completed first begins.
    pub steps: Vec<Step>,
}

/// All types of cycles in a graph, a cycle for each type in each knot.
pub(crate) fn search(table: &Table, graph: &Graph) -> Vec<Cycle> {
    let mut found = Vec::new();
    let knots = Components::new(graph, Kinds::ALL).large();
    let mut numbers = Vec::new();
    for members in knots {
        let whole = Knot::new(graph, &members, &mut numbers);
        search_knot(table, &whole, &mut found);
    }
    found
}

/// All types in a knot of all edges: first from the data alone, then with each order.
fn search_knot(table: &Table, whole: &Knot, found: &mut Vec<Cycle>) {
    let first = found.len();
    let mut numbers = Vec::new();
    for scope in Scope::ALL {
        let kinds = Kinds::DATA.with(Kinds::FREE).with(scope.kinds());
        let components = Components::new(&whole.graph, kinds);
        for members in components.large() {
            let knot = whole.part(&members, kinds, &mut numbers);
            let inside = |cycle: &&Cycle| {
                let place = whole.local(cycle.steps[0].from);
                components.of[place as usize] == components.of[members[0] as usize]
            };
            // What the data alone shows need not be shown again with an order's help.
            let known = found[first..]
                .iter()
                .filter(|cycle| cycle.kind.scope == Scope::Data)
                .filter(inside)
                .map(|cycle| cycle.kind)
                .collect();
            let mut search = Search { table, knot: &knot, scope, known, found: Vec::new() };
            search.run();
            found.append(&mut search.found);
        }
    }
}

/// The search for all types of one scope in one knot of it.
struct Search<'a> {
    table: &'a Table,
    knot: &'a Knot,
    scope: Scope,
    known: Vec<CycleType>,
    found: Vec<Cycle>,
}

impl Search<'_> {
    fn run(&mut self) {
        let order = self.scope.kinds().with(Kinds::FREE);
        let base = Kinds::WW.with(Kinds::WR).with(order);
        if self.is_open(Shape::G0) {
            self.shortest_cycle(Kinds::WW.with(order));
        }
        if self.is_open(Shape::G1c) {
            self.shortest_cycle(base);
        }
        if !self.is_open(Shape::GSingle) {
            return;
        }
        let candidates = self.candidates(base);
        let components = Components::new(&self.knot.graph, base);
        let backward = reach::backward(&self.knot.graph, base, &components, &candidates);
        self.shortest_through(&backward, base, false);
        if self.is_open(Shape::GNonadjacent) {
            let backward = reach::alternating(&self.knot.graph, base, &candidates);
            self.shortest_through(&backward, base, true);
        }
        if self.is_open(Shape::G2) {
            self.shortest_through(&candidates, base.with(Kinds::RW), false);
        }
    }

    /// True if nothing found so far implies this shape.
    fn is_open(&self, shape: Shape) -> bool {
        let wanted = CycleType { shape, scope: self.scope };
        let found = self.found.iter().map(|cycle| &cycle.kind);
        !self.known.iter().chain(found).any(|kind| kind.implies(wanted))
    }

    /// The read–write edges that are nothing more severe: from a transaction to a transaction or
    /// hub.
    fn candidates(&self, base: Kinds) -> Vec<(u32, u32)> {
        let graph = &self.knot.graph;
        let mut candidates = Vec::new();
        for from in 0..graph.transactions() {
            for edge in graph.edges_of(from, Kinds::RW) {
                let to = edge.to();
                if graph.is_hub(to) || self.label(from, to, Kinds::RW, base) == Kinds::RW {
                    candidates.push((from, to));
                }
            }
        }
        candidates
    }

    /// The most severe kind of `base` that runs between two transactions, or else `kind`.
    fn label(&self, from: u32, to: u32, kind: Kinds, base: Kinds) -> Kinds {
        let direct = self.knot.graph.edges(from).iter().filter(|edge| edge.to() == to);
        let best = direct.map(|edge| edge.kind()).filter(|kind| kind.overlaps(base)).min();
        let (a, b) = (self.knot.global(from), self.knot.global(to));
        match best.filter(|best| best.overlaps(Kinds::DATA)) {
            Some(best) => best,
            None if kind != Kinds::RW => kind,
            None if best.is_some() => best.unwrap_or(kind),
            None if base.overlaps(Kinds::REALTIME) && order::is_before(self.table, a, b) => {
                Kinds::REALTIME
            }
            None => kind,
        }
    }

    /// Looks for a shortest cycle of edges of these kinds.
    fn shortest_cycle(&mut self, kinds: Kinds) {
        if let Some(steps) = shortest(&self.knot.graph, kinds) {
            self.add(&steps, kinds);
        }
    }

    /// Looks for a shortest cycle that begins with one of these read–write edges and goes on over
    /// edges of these kinds; if `alternating`, over read–write edges too, but no two in a row.
    fn shortest_through(&mut self, through: &[(u32, u32)], kinds: Kinds, alternating: bool) {
        let graph = &self.knot.graph;
        let mut paths = Paths::new(graph, kinds, alternating);
        let components = (!alternating).then(|| Components::new(graph, kinds));
        let mut best: Option<Vec<Step>> = None;
        for (from, to) in through {
            let limit = best.as_ref().map_or(u32::MAX, |best| best.len() as u32 - 2);
            if best.is_some() && (limit < 1 || paths.work > WORK_MAX) {
                break;
            }
            let (start, target) = if alternating {
                (State::after_read_write(*to), State::plain(*from))
            } else {
                (State::plain(*to), State::plain(*from))
            };
            // Edges lead to components of lower numbers only.
            let towards = |vertex: u32| {
                components.as_ref().is_none_or(|components| {
                    components.of[vertex as usize] >= components.of[*from as usize]
                })
            };
            if paths.search(start, target, limit, towards) {
                let steps = steps(graph, &paths, *from, Kinds::RW, target);
                best = self.simple(steps, alternating).or(best);
            }
        }
        if let Some(steps) = best {
            self.add(&steps, Kinds::WW.with(Kinds::WR).with(self.scope.kinds()));
        }
    }

    /// A closed walk if it is a simple cycle; else, of a walk in which read–writes are not
    /// adjacent, a simple cycle in it that has two of them too.
    fn simple(&self, steps: Vec<Step>, alternating: bool) -> Option<Vec<Step>> {
        let mut open: Vec<Step> = Vec::new();
        let mut cycles = Vec::new();
        for step in steps {
            if let Some(at) = open.iter().position(|earlier| earlier.from == step.from) {
                cycles.push(open.split_off(at));
            }
            open.push(step);
        }
        if cycles.is_empty() || !alternating {
            return Some(open);
        }
        cycles.push(open);
        let base = Kinds::WW.with(Kinds::WR).with(self.scope.kinds());
        let wanted = |cycle: &Vec<Step>| self.classify(cycle, base).1.shape == Shape::GNonadjacent;
        cycles.into_iter().filter(wanted).min_by_key(Vec::len)
    }

    /// A cycle's steps with their most severe labels of these kinds, and its type.
    fn classify(&self, steps: &[Step], base: Kinds) -> (Vec<Step>, CycleType) {
        let next = |at: usize| steps[(at + 1) % steps.len()].from;
        let label = |(at, step): (usize, &Step)| Step {
            kind: self.label(step.from, next(at), step.kind, base),
            ..*step
        };
        let steps: Vec<Step> = steps.iter().enumerate().map(label).collect();
        let kinds: Vec<Kinds> = steps.iter().map(|step| step.kind).collect();
        (steps, CycleType::of(&kinds))
    }

    /// Keeps a cycle, by its own name, unless something found implies it.
    fn add(&mut self, steps: &[Step], base: Kinds) {
        let (mut steps, kind) = self.classify(steps, base);
        let found = self.found.iter().map(|cycle| &cycle.kind);
        if self.known.iter().chain(found).any(|known| known.implies(kind)) {
            return;
        }
        let first = (0..steps.len()).min_by_key(|at| steps[*at].from).unwrap_or(0);
        steps.rotate_left(first);
        for step in &mut steps {
            step.from = self.knot.global(step.from);
        }
        self.found.push(Cycle { kind, steps });
    }
}

/// A shortest cycle of edges of these kinds, as far as [`WORK_MAX`] reaches; its transactions are
/// numbered as in the graph.
pub(crate) fn shortest(graph: &Graph, kinds: Kinds) -> Option<Vec<Step>> {
    let components = Components::new(graph, kinds);
    let mut paths = None;
    let mut best: Option<Vec<Step>> = None;
    for members in components.large() {
        let component = components.of[members[0] as usize];
        let paths = paths.get_or_insert_with(|| Paths::new(graph, kinds, false));
        for start in members.into_iter().filter(|member| !graph.is_hub(*member)) {
            let limit = best.as_ref().map_or(u32::MAX, |best| best.len() as u32 - 1);
            if best.is_some() && (limit < 2 || paths.work > WORK_MAX) {
                break;
            }
            let state = State::plain(start);
            let inside = |vertex: u32| components.of[vertex as usize] == component;
            if paths.search(state, state, limit, inside) {
                best = Some(steps(graph, paths, start, Kinds::FREE, state));
            }
        }
    }
    best
}

/// A shortest cycle of each strongly connected component, the least transaction first.
pub(crate) fn shortest_of_each(graph: &Graph) -> Vec<Vec<Step>> {
    let mut numbers = Vec::new();
    let mut found = Vec::new();
    for members in Components::new(graph, Kinds::ALL).large() {
        let knot = Knot::new(graph, &members, &mut numbers);
        let Some(mut steps) = shortest(&knot.graph, Kinds::ALL) else { continue };
        let first = (0..steps.len()).min_by_key(|at| steps[*at].from).unwrap_or(0);
        steps.rotate_left(first);
        for step in &mut steps {
            step.from = knot.global(step.from);
        }
        found.push(steps);
    }
    found
}

/// The steps of the cycle that begins at `from` with an edge of kind `first` (free if the path
/// begins there) and goes on along the path found to `target`.
fn steps(graph: &Graph, paths: &Paths<'_>, from: u32, first: Kinds, target: State) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut last, mut kind) = (from, first);
    for (vertex, entered) in paths.path(target) {
        if entered != Kinds::FREE {
            kind = entered;
        }
        if !graph.is_hub(vertex) && kind != Kinds::FREE {
            steps.push(Step { from: last, kind });
            (last, kind) = (vertex, Kinds::FREE);
        }
    }
    steps
}

#[cfg(test)]
mod tests;
