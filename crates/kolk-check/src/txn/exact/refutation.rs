//! Why no order can be: for every way to order the writes, a cycle.

use crate::txn::graph::Kinds;

use super::Shape;
use super::problem::Problem;

/// Up to how many cases are told apart.
const CASES_MAX: usize = 1 << 10;

/// A step of a cycle, from this event to that of the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub from: u32,
    pub kind: Kinds,
    /// For an edge that follows from an order of writes, the earlier and the later.
    pub because: Option<(u32, u32)>,
}

/// A proof that no order can be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refutation {
    /// What is known or supposed comes before itself.
    Cycle(Vec<Step>),
    /// Whichever of two elements was written first.
    Either(u32, u32, Box<[Refutation; 2]>),
}

impl Refutation {
    /// A proof for a problem that has one; nothing if it takes too many cases.
    pub(super) fn find(problem: &Problem<'_>) -> Option<Refutation> {
        Finder { problem, supposed: Vec::new(), cases: 0 }.find()
    }

    /// Whether every case is one of two that are all there are, and ends in a cycle of events each
    /// of which must come before the next.
    pub(super) fn is_sound(&self, problem: &Problem<'_>) -> bool {
        self.is_sound_with(problem, &mut Vec::new())
    }

    fn is_sound_with(&self, problem: &Problem<'_>, supposed: &mut Vec<(u32, u32)>) -> bool {
        match self {
            // Of parallel snapshots, one that does not see another stands on a cycle once.
            Refutation::Cycle(steps)
                if problem.shape == Shape::Parallel
                    && steps.iter().filter(|step| step.kind == Kinds::RW).count() > 1 =>
            {
                false
            }
            Refutation::Cycle(steps) if steps.is_empty() => false,
            Refutation::Cycle(steps) => steps.iter().enumerate().all(|(at, step)| {
                let to = steps[(at + 1) % steps.len()].from;
                let mut holds = false;
                match step.because {
                    None if problem.shape == Shape::Parallel && step.kind == Kinds::RW => {
                        holds = problem.unseen().contains(&(step.from, to));
                    }
                    None => {
                        let edges = problem.known.edges(step.from).iter();
                        holds = edges.into_iter().any(|edge| edge.to() == to);
                    }
                    Some((first, second)) if supposed.contains(&(first, second)) => {
                        problem.if_before(first, second, |from, end, kind| {
                            holds |= (from, end, kind) == (step.from, to, step.kind);
                        });
                    }
                    Some(_) => {}
                }
                holds
            }),
            Refutation::Either(one, other, cases) => {
                let facts = problem.facts;
                let same_key = facts.table.elements.key(*one) == facts.table.elements.key(*other);
                let pairs = [(*one, *other), (*other, *one)];
                same_key
                    && pairs.iter().zip(cases.iter()).all(|(pair, case)| {
                        supposed.push(*pair);
                        let is_sound = case.is_sound_with(problem, supposed);
                        supposed.pop();
                        is_sound
                    })
            }
        }
    }

    fn rests_on(&self, pair: (u32, u32)) -> bool {
        match self {
            Refutation::Cycle(steps) => steps.iter().any(|step| step.because == Some(pair)),
            Refutation::Either(_, _, cases) => cases.iter().any(|case| case.rests_on(pair)),
        }
    }
}

struct Finder<'a> {
    problem: &'a Problem<'a>,
    supposed: Vec<(u32, u32)>,
    cases: usize,
}

impl Finder<'_> {
    fn find(&mut self) -> Option<Refutation> {
        self.cases += 1;
        if self.cases > CASES_MAX {
            return None;
        }
        if let Some(cycle) = self.cycle() {
            return Some(Refutation::Cycle(cycle));
        }
        let pair = self.pair()?;
        let mut cases = Vec::new();
        for (first, second) in [pair, (pair.1, pair.0)] {
            self.supposed.push((first, second));
            let found = self.find();
            self.supposed.pop();
            let found = found?;
            if !found.rests_on((first, second)) {
                return Some(found);
            }
            cases.push(found);
        }
        let cases: [Refutation; 2] = cases.try_into().ok()?;
        Some(Refutation::Either(pair.0, pair.1, Box::new(cases)))
    }

    /// Two elements whose order is open: such that one way ends at once, if there are any.
    fn pair(&mut self) -> Option<(u32, u32)> {
        let facts = self.problem.facts;
        let mut first = None;
        for key in 0..facts.table.keys.len() as u32 {
            let elements = facts.elements(key);
            for (at, one) in elements.iter().enumerate() {
                for other in &elements[at + 1..] {
                    let is_open = !self.supposed.contains(&(*one, *other))
                        && !self.supposed.contains(&(*other, *one));
                    if !is_open {
                        continue;
                    }
                    for pair in [(*one, *other), (*other, *one)] {
                        self.supposed.push(pair);
                        let ends = self.cycle().is_some();
                        self.supposed.pop();
                        if ends {
                            return Some(pair);
                        }
                        first.get_or_insert(pair);
                    }
                }
            }
        }
        first
    }

    /// A shortest cycle of what is known and supposed.
    fn cycle(&self) -> Option<Vec<Step>> {
        let known = &self.problem.known;
        let size = known.len();
        let mut edges: Vec<Vec<(u32, Step)>> = vec![Vec::new(); size];
        for from in 0..size as u32 {
            let steps = known
                .edges(from)
                .iter()
                .map(|edge| (edge.to(), Step { from, kind: edge.kind(), because: None }));
            edges[from as usize].extend(steps);
        }
        for (reader, writer) in self.problem.unseen() {
            let step = Step { from: reader, kind: Kinds::RW, because: None };
            edges[reader as usize].push((writer, step));
        }
        for (first, second) in &self.supposed {
            self.problem.if_before(*first, *second, |from, to, kind| {
                let because = Some((*first, *second));
                edges[from as usize].push((to, Step { from, kind, because }));
            });
        }
        // Of parallel snapshots a cycle has one that does not see another at most: whether there
        // was one already doubles the vertices.
        let layers = if self.problem.shape == Shape::Parallel { 2 } else { 1 };
        let number = |(vertex, used): (u32, usize)| vertex as usize * layers + used;
        let mut shortest: Option<Vec<Step>> = None;
        for start in 0..size as u32 {
            let mut before: Vec<Option<(Step, usize)>> = vec![None; size * layers];
            let mut open = std::collections::VecDeque::from([(start, 0)]);
            while let Some((vertex, used)) = open.pop_front() {
                for (to, step) in &edges[vertex as usize] {
                    let more = usize::from(layers == 2 && step.kind == Kinds::RW);
                    let next = (*to, used + more);
                    if next.1 < layers && before[number(next)].is_none() {
                        before[number(next)] = Some((*step, used));
                        open.push_back(next);
                    }
                }
            }
            for end in 0..layers {
                let mut path = Vec::new();
                let mut at = (start, end);
                while let Some((step, used)) = before[number(at)] {
                    path.push(step);
                    at = (step.from, used);
                    if at == (start, 0) {
                        break;
                    }
                }
                let is_cycle = !path.is_empty() && at == (start, 0);
                if is_cycle && shortest.as_ref().is_none_or(|known| path.len() < known.len()) {
                    path.reverse();
                    shortest = Some(path);
                }
            }
        }
        shortest
    }
}
