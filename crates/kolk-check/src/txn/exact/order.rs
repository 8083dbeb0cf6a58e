//! A graph without cycles, in an order of its vertices that every edge agrees with.
//!
//! Edges are added one by one and taken back last first. The order is mended as Pearce & Kelly do
//! (*A dynamic topological sort algorithm for directed acyclic graphs*, JEA 2007): only what stands
//! between the two ends of a new edge is looked at. To take an edge back leaves the order as it is.

use crate::txn::graph::{Graph, Kinds};

/// No edge.
const NONE: u32 = u32::MAX;

/// Why an edge is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Added {
    pub from: u32,
    pub to: u32,
    pub kind: Kinds,
    /// The choice it follows from.
    pub choice: u32,
    next_out: u32,
    next_in: u32,
}

/// One step of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub from: u32,
    /// The choice it follows from; none for what is known.
    pub choice: Option<u32>,
}

#[derive(Debug)]
pub(super) struct Order<'a> {
    known: &'a Graph,
    /// The other way round.
    known_in: Graph,
    pub position: Vec<u32>,
    added: Vec<Added>,
    last_out: Vec<u32>,
    last_in: Vec<u32>,
    /// Of each vertex, when it was last reached, and from where.
    reached: Vec<u32>,
    parents: Vec<(u32, u32)>,
    round: u32,
    /// Vertices that moved since this was last emptied.
    pub moved: Vec<u32>,
    /// Edges followed.
    pub work: u64,
}

impl<'a> Order<'a> {
    /// Of a graph whose vertices stand in this order already.
    pub(super) fn new(known: &'a Graph, order: &[u32]) -> Order<'a> {
        let size = known.len();
        let mut reversed = Vec::new();
        for from in 0..size as u32 {
            for edge in known.edges(from) {
                let back = crate::txn::graph::Edge::new(from, edge.kind());
                reversed.push((edge.to(), back));
            }
        }
        let known_in = Graph::new(known.transactions(), size as u32, &reversed);
        let mut position = vec![0; size];
        for (place, vertex) in order.iter().enumerate() {
            position[*vertex as usize] = place as u32;
        }
        Order {
            known,
            known_in,
            position,
            added: Vec::new(),
            last_out: vec![NONE; size],
            last_in: vec![NONE; size],
            reached: vec![0; size],
            parents: vec![(NONE, NONE); size],
            round: 0,
            moved: Vec::new(),
            work: 0,
        }
    }

    /// How many edges were added.
    pub(super) fn len(&self) -> usize {
        self.added.len()
    }

    /// Takes back all edges but so many.
    pub(super) fn truncate(&mut self, length: usize) {
        while self.added.len() > length {
            if let Some(edge) = self.added.pop() {
                self.last_out[edge.from as usize] = edge.next_out;
                self.last_in[edge.to as usize] = edge.next_in;
            }
        }
    }

    /// Adds an edge; or gives the cycle that it would close, its own step last.
    pub(super) fn add(
        &mut self,
        from: u32,
        to: u32,
        kind: Kinds,
        choice: u32,
    ) -> Result<(), Vec<Link>> {
        let (lower, upper) = (self.position[to as usize], self.position[from as usize]);
        if lower <= upper {
            let Some(mut after) = self.forward(to, from) else {
                let mut cycle = self.path(to, from);
                cycle.push(Link { from, choice: Some(choice) });
                return Err(cycle);
            };
            let mut before = self.backward(from, lower);
            self.mend(&mut before, &mut after);
        }
        let next_out =
            std::mem::replace(&mut self.last_out[from as usize], self.added.len() as u32);
        let next_in = std::mem::replace(&mut self.last_in[to as usize], self.added.len() as u32);
        self.added.push(Added { from, to, kind, choice, next_out, next_in });
        Ok(())
    }

    /// The steps from one vertex to another, if the first leads to the second.
    pub(super) fn path_between(&mut self, from: u32, to: u32) -> Option<Vec<Link>> {
        let is_before = self.position[from as usize] < self.position[to as usize];
        (is_before && self.forward(from, to).is_none()).then(|| self.path(from, to))
    }

    /// All that `from` leads to and that does not stand after `target`; none if that is `target`.
    fn forward(&mut self, from: u32, target: u32) -> Option<Vec<u32>> {
        let upper = self.position[target as usize];
        self.round += 1;
        self.reached[from as usize] = self.round;
        let mut open = vec![from];
        let mut at = 0;
        if from == target {
            return None;
        }
        while at < open.len() {
            let vertex = open[at];
            at += 1;
            self.work += 1;
            let mut next = self.last_out[vertex as usize];
            while next != NONE {
                let edge = self.added[next as usize];
                if self.reach(edge.to, (vertex, next), upper, &mut open) == Some(target) {
                    return None;
                }
                next = edge.next_out;
            }
            for edge in self.known.edges(vertex) {
                if self.reach(edge.to(), (vertex, NONE), upper, &mut open) == Some(target) {
                    return None;
                }
            }
        }
        Some(open)
    }

    fn reach(
        &mut self,
        vertex: u32,
        parent: (u32, u32),
        upper: u32,
        open: &mut Vec<u32>,
    ) -> Option<u32> {
        self.work += 1;
        let at = vertex as usize;
        if self.position[at] <= upper && self.reached[at] != self.round {
            self.reached[at] = self.round;
            self.parents[at] = parent;
            open.push(vertex);
            return Some(vertex);
        }
        None
    }

    /// All that leads to a vertex and does not stand before the place `lower`.
    fn backward(&mut self, to: u32, lower: u32) -> Vec<u32> {
        self.round += 1;
        self.reached[to as usize] = self.round;
        let mut open = vec![to];
        let mut at = 0;
        while at < open.len() {
            let vertex = open[at];
            at += 1;
            let mut next = self.last_in[vertex as usize];
            let added = std::iter::from_fn(|| {
                let edge = (next != NONE).then(|| self.added[next as usize])?;
                next = edge.next_in;
                Some(edge.from)
            });
            let known = self.known_in.edges(vertex).iter().map(|edge| edge.to());
            for from in added.chain(known) {
                self.work += 1;
                let place = from as usize;
                if self.position[place] >= lower && self.reached[place] != self.round {
                    self.reached[place] = self.round;
                    open.push(from);
                }
            }
        }
        open
    }

    /// Puts the first before the second, on the places that both have.
    fn mend(&mut self, before: &mut [u32], after: &mut [u32]) {
        let position = &self.position;
        before.sort_unstable_by_key(|vertex| position[*vertex as usize]);
        after.sort_unstable_by_key(|vertex| position[*vertex as usize]);
        let all = || before.iter().chain(after.iter()).copied();
        let mut places: Vec<u32> = all().map(|vertex| position[vertex as usize]).collect();
        places.sort_unstable();
        self.work += 4 * places.len() as u64;
        for (vertex, place) in all().zip(places) {
            self.position[vertex as usize] = place;
        }
        self.moved.extend(before.iter().chain(after.iter()));
    }

    /// The steps that the last search forward took to a vertex.
    fn path(&self, from: u32, to: u32) -> Vec<Link> {
        let mut path = Vec::new();
        let mut vertex = to;
        while vertex != from {
            let (parent, edge) = self.parents[vertex as usize];
            let choice = self.added.get(edge as usize).map(|edge| edge.choice);
            path.push(Link { from: parent, choice });
            vertex = parent;
        }
        path.reverse();
        path
    }
}
