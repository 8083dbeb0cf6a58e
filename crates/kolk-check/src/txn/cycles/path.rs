//! Shortest paths, breadth first. A path's length is how many transactions it visits: the edges out
//! of hubs cost nothing.

use crate::txn::graph::{Graph, Kinds};

/// A place on a path: a vertex, and whether the last edge was a read–write, where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State(u32);

impl State {
    pub(super) const fn plain(vertex: u32) -> State {
        State(vertex << 1)
    }

    pub(super) const fn after_read_write(vertex: u32) -> State {
        State(vertex << 1 | 1)
    }

    pub(super) const fn vertex(self) -> u32 {
        self.0 >> 1
    }

    pub(super) const fn is_after_read_write(self) -> bool {
        self.0 & 1 == 1
    }

    const fn at(self) -> usize {
        self.0 as usize
    }
}

/// How a state was reached, and in which search.
#[derive(Clone, Copy, Debug)]
struct Reached {
    search: u32,
    from: State,
    kind: Kinds,
}

/// Searches in one graph, one after another.
#[derive(Debug)]
pub(super) struct Paths<'a> {
    graph: &'a Graph,
    kinds: Kinds,
    alternating: bool,
    reached: Vec<Reached>,
    search: u32,
    start: State,
    level: Vec<State>,
    next: Vec<State>,
    /// How many edges all searches have followed.
    pub(super) work: u64,
}

impl<'a> Paths<'a> {
    /// Searches over edges of these kinds; if `alternating`, over read–write edges too, but no two
    /// in a row.
    pub(super) fn new(graph: &'a Graph, kinds: Kinds, alternating: bool) -> Paths<'a> {
        let start = State::plain(0);
        let nowhere = Reached { search: 0, from: start, kind: Kinds::NONE };
        Paths {
            graph,
            kinds: if alternating { kinds.with(Kinds::RW) } else { kinds },
            alternating,
            reached: vec![nowhere; graph.len() * 2],
            search: 0,
            start,
            level: Vec::new(),
            next: Vec::new(),
            work: 0,
        }
    }

    /// Looks for a path of `limit` edges at most, and one at least, through vertices that may be
    /// used.
    pub(super) fn search(
        &mut self,
        start: State,
        target: State,
        limit: u32,
        may_use: impl Fn(u32) -> bool,
    ) -> bool {
        self.search += 1;
        self.start = start;
        self.level.clear();
        self.level.push(start);
        for length in 0..=limit {
            if self.through_hubs(target, &may_use) {
                return true;
            }
            if self.level.is_empty() || length == limit {
                return false;
            }
            if self.ahead(target, &may_use) {
                return true;
            }
            std::mem::swap(&mut self.level, &mut self.next);
        }
        false
    }

    /// Adds to the level what its hubs lead to; true if the target is there.
    fn through_hubs(&mut self, target: State, may_use: &impl Fn(u32) -> bool) -> bool {
        let mut at = 0;
        while let Some(state) = self.level.get(at).copied() {
            at += 1;
            if !self.graph.is_hub(state.vertex()) {
                continue;
            }
            let edges = self.graph.edges(state.vertex());
            self.work += edges.len() as u64;
            for edge in edges {
                let to = State(edge.to() << 1 | state.0 & 1);
                if may_use(edge.to()) && self.reach(state, to, Kinds::FREE) {
                    if to == target {
                        return true;
                    }
                    self.level.push(to);
                }
            }
        }
        false
    }

    /// Finds what is one edge further; true if the target is there.
    fn ahead(&mut self, target: State, may_use: &impl Fn(u32) -> bool) -> bool {
        self.next.clear();
        for at in 0..self.level.len() {
            let state = self.level[at];
            if self.graph.is_hub(state.vertex()) {
                continue;
            }
            let edges = self.graph.edges(state.vertex());
            self.work += edges.len() as u64;
            for edge in edges {
                let kind = edge.kind();
                if !kind.overlaps(self.kinds) || !may_use(edge.to()) {
                    continue;
                }
                let to = match (self.alternating, kind == Kinds::RW) {
                    (true, true) if state.is_after_read_write() => continue,
                    (true, true) => State::after_read_write(edge.to()),
                    _ => State::plain(edge.to()),
                };
                if self.reach(state, to, kind) {
                    if to == target {
                        return true;
                    }
                    self.next.push(to);
                }
            }
        }
        false
    }

    /// Notes how a state was reached; false if it had been before.
    fn reach(&mut self, from: State, to: State, kind: Kinds) -> bool {
        let reached = &mut self.reached[to.at()];
        let is_new = reached.search != self.search;
        if is_new {
            *reached = Reached { search: self.search, from, kind };
        }
        is_new
    }

    /// The path that the last search found to its target: the start, and then each vertex with the
    /// kind of the edge that leads to it.
    pub(super) fn path(&self, target: State) -> Vec<(u32, Kinds)> {
        let mut path = Vec::new();
        let mut state = target;
        loop {
            let reached = self.reached[state.at()];
            path.push((state.vertex(), reached.kind));
            state = reached.from;
            if state == self.start {
                break;
            }
        }
        path.push((self.start.vertex(), Kinds::FREE));
        path.reverse();
        path
    }
}
