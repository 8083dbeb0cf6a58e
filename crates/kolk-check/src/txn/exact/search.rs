//! The search for an order that breaks no read.
//!
//! An order of all events breaks a read if somebody writes the key between the write and the read
//! of it; for snapshots it also breaks two writers of a key that overlap. Each such break names two
//! writers of a key, and is mended by deciding which of them comes first. A decision adds edges;
//! what closes a cycle is a conflict, from which a clause over decisions is learned
//! (conflict-driven clause learning: Marques-Silva & Sakallah, IEEE Transactions on Computers 1999)
//! before as much is taken back as the clause says. What did not move need not be looked at again.

mod clauses;
mod parallel;
mod places;

use rustc_hash::FxHashMap;
use std::fmt;

use crate::txn::graph::Kinds;

use super::Shape;
use super::first;
use super::order::{Link, Order};
use super::problem::Problem;
use clauses::{Clauses, Literal};
use places::Places;

/// What came of a search.
#[derive(Debug)]
pub(super) enum Answer {
    /// The model holds; all vertices in an order that shows it.
    Holds(Vec<u32>),
    /// It does not, and these transactions show it.
    Fails(Vec<u32>),
    /// All steps were taken before anything was decided.
    Stopped(Stopped),
}

/// Where a search stood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped {
    steps: u64,
    decided: usize,
    conflicts: u64,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stopped { steps, decided, conflicts } = self;
        write!(
            f,
            "stopped after {steps} steps, with {decided} pairs of writes put in order and \
             {conflicts} contradictions met"
        )
    }
}

/// How a search ends.
enum End {
    /// The order is the answer.
    Order,
    /// The last conflict leaves nothing to take back.
    Contradiction,
    /// More steps than there may be.
    Stopped,
}

/// Two elements of a key, of which one or the other was written first.
type Pair = (u32, u32);

pub(super) struct Search<'a> {
    problem: &'a Problem<'a>,
    work_max: u64,
    pairs: Vec<Pair>,
    numbers: FxHashMap<Pair, u32>,
    clauses: Clauses,
    /// By decision that is in force: how many edges there were before.
    marks: Vec<usize>,
    times: Vec<u32>,
    places: Places,
    /// Keys of which something has to be looked at, each once.
    open: Vec<u32>,
}

impl<'a> Search<'a> {
    pub(super) fn new(problem: &'a Problem<'a>, work_max: u64) -> Search<'a> {
        let keys = problem.facts.table.keys.len();
        Search {
            problem,
            work_max,
            pairs: Vec::new(),
            numbers: FxHashMap::default(),
            clauses: Clauses::default(),
            marks: Vec::new(),
            times: first::times(problem.facts.table),
            places: Places::new(problem.facts),
            open: (0..keys as u32).rev().collect(),
        }
    }

    pub(super) fn run(mut self) -> Answer {
        let order = match first::order(self.problem) {
            Ok(order) => order,
            Err(circle) => return Answer::Fails(circle),
        };
        let mut order = Order::new(&self.problem.known, &order);
        let end = match self.problem.shape {
            Shape::Parallel => self.see(&mut order),
            Shape::Serial | Shape::Snapshot | Shape::Prefix => self.mend_all(&mut order),
            Shape::Committed => End::Order,
        };
        match end {
            End::Order => {
                let mut vertices: Vec<u32> = (0..self.problem.known.len() as u32).collect();
                vertices.sort_unstable_by_key(|vertex| order.position[*vertex as usize]);
                Answer::Holds(vertices)
            }
            End::Contradiction => Answer::Fails(self.clauses.core()),
            End::Stopped => Answer::Stopped(Stopped {
                steps: order.work,
                decided: self.clauses.trail.len(),
                conflicts: self.clauses.conflicts,
            }),
        }
    }

    /// Mends what is broken until nothing is.
    fn mend_all(&mut self, order: &mut Order<'_>) -> End {
        while let Some(key) = self.open.pop() {
            for pair in self.places.look(self.problem, order, key) {
                if !self.is_broken(order, pair) {
                    continue;
                }
                let literal = self.mend(pair);
                self.clauses.decide(literal);
                if !self.propagate(order) {
                    return End::Contradiction;
                }
                if order.work > self.work_max {
                    return End::Stopped;
                }
                // What was decided may have been taken back, and nothing moved: one of the two is
                // enough to look at both.
                self.touch(pair.0);
            }
            self.touch_moved(order);
        }
        End::Order
    }

    fn touch(&mut self, element: u32) {
        let key = self.problem.facts.table.elements.key(element);
        if self.places.touch(element, key) {
            self.open.push(key);
        }
    }

    /// Lets all be looked at that transactions wrote or read of which an event moved.
    fn touch_moved(&mut self, order: &mut Order<'_>) {
        for vertex in std::mem::take(&mut order.moved) {
            let Some(transaction) = self.problem.transaction(vertex) else { continue };
            let mut number = 0;
            while let Some(element) = self.places.of(transaction, number) {
                self.touch(element);
                number += 1;
            }
        }
    }

    fn commit(&self, element: u32) -> u32 {
        self.problem.commit(self.problem.facts.writer(element))
    }

    /// Whether the first is written before the second, and not all that then follows is so.
    fn is_broken(&self, order: &Order<'_>, (first, second): Pair) -> bool {
        let place = |vertex: u32| order.position[vertex as usize];
        let mut breaks = false;
        if place(self.commit(first)) < place(self.commit(second)) {
            self.problem.if_before(first, second, |from, to, _| breaks |= place(from) > place(to));
        }
        breaks
    }

    /// The decision to try first: who was acknowledged first wrote first.
    fn mend(&mut self, (first, second): Pair) -> Literal {
        let time = |element: u32| self.times[self.problem.facts.writer(element) as usize];
        let is_first = time(first) <= time(second);
        if is_first { self.literal(first, second) } else { self.literal(second, first) }
    }

    /// That the first was written before the second.
    fn literal(&mut self, first: u32, second: u32) -> Literal {
        let (one, other) = (first.min(second), first.max(second));
        let pairs = &mut self.pairs;
        let number = *self.numbers.entry((one, other)).or_insert_with(|| {
            pairs.push((one, other));
            pairs.len() as u32 - 1
        });
        self.clauses.know(number);
        Literal::new(number, one == first)
    }

    /// Lets everything follow that follows; false if there is nothing left to take back.
    fn propagate(&mut self, order: &mut Order<'_>) -> bool {
        loop {
            let conflict = match self.add_edges(order) {
                Some(conflict) => Some(conflict),
                None => self.clauses.units(),
            };
            match conflict {
                None if self.marks.len() == self.clauses.trail.len() => return true,
                None => {}
                Some(conflict) if !self.take_back(order, conflict) => return false,
                Some(_) => {}
            }
            order.work += self.clauses.take_work();
            if order.work > self.work_max {
                return true;
            }
        }
    }

    /// Learns from a clause that nothing fulfils, and takes back what it says; false if there is
    /// nothing to take back.
    fn take_back(&mut self, order: &mut Order<'_>, conflict: u32) -> bool {
        let Some(kept) = self.clauses.learn(conflict) else { return false };
        if let Some(mark) = self.marks.get(kept) {
            order.truncate(*mark);
        }
        self.marks.truncate(kept);
        self.clauses.assert_learned();
        true
    }

    /// The clause that these literals, all of which hold, cannot hold together.
    fn contradict(&mut self, literals: Vec<Literal>, members: Vec<u32>) -> u32 {
        let mut literals: Vec<Literal> = literals.into_iter().map(Literal::opposite).collect();
        literals.sort_unstable();
        literals.dedup();
        self.clauses.add_cycle(literals, members)
    }

    /// Adds the edges of decisions that have none yet; gives the clause of a cycle.
    fn add_edges(&mut self, order: &mut Order<'_>) -> Option<u32> {
        while let Some(literal) = self.clauses.trail.get(self.marks.len()).copied() {
            self.marks.push(order.len());
            let (one, other) = self.pairs[literal.variable() as usize];
            let (first, second) = if literal.is_true() { (one, other) } else { (other, one) };
            let mut cycle: Option<Vec<Link>> = None;
            let is_parallel = self.problem.shape == Shape::Parallel;
            self.problem.if_before(first, second, |from, to, kind| {
                // What a parallel snapshot does not see is looked at for itself.
                let is_edge = !(is_parallel && kind == Kinds::RW);
                if is_edge && cycle.is_none() {
                    cycle = order.add(from, to, kind, literal.number()).err();
                }
            });
            if let Some(cycle) = cycle {
                let members = cycle.iter().filter_map(|link| self.problem.transaction(link.from));
                let members = members.collect();
                let literals = cycle.iter().filter_map(|link| link.choice).map(Literal::of_number);
                return Some(self.contradict(literals.collect(), members));
            }
        }
        None
    }
}
