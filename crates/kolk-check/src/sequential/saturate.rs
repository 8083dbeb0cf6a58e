//! What every order must keep.
//!
//! Beside what is given, a read comes after the write of the value that it saw, if only one wrote
//! that. Every other write of the key is before that write or after the read; so if it is known to
//! be before the read it is before the write, and if it is known to be after the write it is after
//! the read. Again and again, until nothing new follows or something comes before itself. (Gibbons
//! & Korach 1997 have these rules for single keys; Zennou et al., *Gradual consistency checking*,
//! CAV 2019, for what is known of all.)
//!
//! What is known to be before a step is one number for each chain: how many of its steps.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use crate::search::{Effect, Problem};

/// Above so many numbers (half a gigabyte) nothing is derived.
const CLOCKS_MAX: usize = 1 << 27;

/// Beyond so many orders of two steps (about as much again) no more are derived.
const EDGES_MAX: usize = 1 << 24;

/// Why one step comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// They are in the same chain.
    Process,
    /// The problem says so.
    Given,
    /// The second saw what the first set.
    SeenFrom,
    /// The second replaced what the first saw.
    Overwritten,
    /// This one comes after the first, and saw what the second set.
    Hidden { read: u32 },
}

/// Steps that would have to come before themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cycle(Vec<(u32, Why, u32)>);

impl Cycle {
    /// The parts of the cycle between steps that do something.
    pub(super) fn without_marks(&self, problem: &Problem) -> Vec<(u32, Why, u32)> {
        let is_mark = |step: u32| problem.steps[step as usize].effect == Effect::Nothing;
        let Some(first) = self.0.iter().position(|(from, ..)| !is_mark(*from)) else {
            return self.0.clone();
        };
        let mut parts: Vec<(u32, Why, u32)> = Vec::new();
        for (from, why, to) in self.0[first..].iter().chain(&self.0[..first]) {
            match parts.last_mut() {
                Some(last) if is_mark(last.2) => (last.1, last.2) = (Why::Given, *to),
                // One process's steps from first to last, not one by one.
                Some(last) if last.1 == Why::Process && *why == Why::Process => last.2 = *to,
                _ => parts.push((*from, *why, *to)),
            }
        }
        parts
    }
}

/// The problem's `after`, with all that follows.
///
/// # Errors
///
/// A contradiction.
pub(super) fn saturate(problem: &Problem) -> Result<Vec<Vec<u32>>, Cycle> {
    if problem.steps.len().saturating_mul(problem.chains.len()) > CLOCKS_MAX {
        return Ok(problem.after.clone());
    }
    let mut order = Order::new(problem);
    loop {
        order.tell_time()?;
        if order.known.len() > EDGES_MAX || !order.derive() {
            break;
        }
    }
    let mut after = vec![Vec::new(); problem.steps.len()];
    for (from, edges) in (0..).zip(&order.edges) {
        for (to, _) in edges {
            after[*to as usize].push(from);
        }
    }
    Ok(after)
}

/// The writes of one key in one chain.
struct Writes {
    chain: u32,
    /// In their order.
    steps: Vec<u32>,
}

struct Order<'a> {
    problem: &'a Problem,
    /// Each step's chain, and place in it.
    place: Vec<(u32, u32)>,
    /// What comes after each step, beside its chain.
    edges: Vec<Vec<(u32, Why)>>,
    known: FxHashSet<(u32, u32)>,
    /// By key.
    writes: Vec<Vec<Writes>>,
    /// The reads whose value only one wrote, each with that one; none if it is the key's first.
    reads: Vec<(u32, Option<u32>)>,
    /// For each step and chain, how many of the chain's steps are known to be before it, or are it.
    clocks: Vec<u32>,
}

impl<'a> Order<'a> {
    fn new(problem: &'a Problem) -> Order<'a> {
        let size = problem.steps.len();
        let mut place = vec![(0, 0); size];
        let mut writes: Vec<Vec<Writes>> = problem.initial.iter().map(|_| Vec::new()).collect();
        for (chain, steps) in (0..).zip(&problem.chains) {
            for (position, step) in (0..).zip(steps) {
                place[*step as usize] = (chain, position);
                let (what, optional) =
                    (problem.steps[*step as usize], problem.optional[*step as usize]);
                if what.set().is_some() && !optional {
                    let writes = &mut writes[what.key as usize];
                    match writes.last_mut() {
                        Some(last) if last.chain == chain => last.steps.push(*step),
                        _ => writes.push(Writes { chain, steps: vec![*step] }),
                    }
                }
            }
        }
        let mut order = Order {
            problem,
            place,
            edges: vec![Vec::new(); size],
            known: FxHashSet::default(),
            writes,
            reads: Vec::new(),
            clocks: Vec::new(),
        };
        for (to, before) in (0..).zip(&problem.after) {
            for from in before {
                order.add(*from, Why::Given, to);
            }
        }
        order.find_writers();
        order
    }

    fn find_writers(&mut self) {
        let problem = self.problem;
        let mut writers: Vec<(u32, Option<u32>)> = vec![(0, None); problem.values];
        for (step, what) in (0..).zip(&problem.steps) {
            if let Some(value) = what.set() {
                let (count, writer) = &mut writers[value as usize];
                *count += 1;
                *writer = Some(step);
            }
        }
        for (step, what) in (0..).zip(&problem.steps) {
            let Some(value) = what.seen().filter(|_| !problem.optional[step as usize]) else {
                continue;
            };
            let is_initial = problem.initial[what.key as usize] == value;
            match writers[value as usize] {
                (0, _) if is_initial => self.reads.push((step, None)),
                (1, Some(writer))
                    if !is_initial && writer != step && !problem.optional[writer as usize] =>
                {
                    self.add(writer, Why::SeenFrom, step);
                    self.reads.push((step, Some(writer)));
                }
                _ => {}
            }
        }
    }

    /// True if that is new.
    fn add(&mut self, from: u32, why: Why, to: u32) -> bool {
        let is_new = self.known.insert((from, to));
        if is_new {
            self.edges[from as usize].push((to, why));
        }
        is_new
    }

    fn next_in_chain(&self, step: u32) -> Option<u32> {
        let (chain, position) = self.place[step as usize];
        self.problem.chains[chain as usize].get(position as usize + 1).copied()
    }

    /// Everything that comes right after a step.
    fn successors(&self, step: u32) -> impl Iterator<Item = (u32, Why)> {
        let next = self.next_in_chain(step).map(|next| (next, Why::Process));
        next.into_iter().chain(self.edges[step as usize].iter().copied())
    }

    /// Sets all clocks, from the front (Kahn, *Topological sorting of large networks*, 1962).
    fn tell_time(&mut self) -> Result<(), Cycle> {
        let (size, width) = (self.problem.steps.len(), self.problem.chains.len());
        let mut waits = vec![0_u32; size];
        for step in 0..size as u32 {
            self.successors(step).for_each(|(next, _)| waits[next as usize] += 1);
        }
        let mut clocks = std::mem::take(&mut self.clocks);
        clocks.clear();
        clocks.resize(size * width, 0);
        let mut ready: Vec<u32> =
            (0..size as u32).filter(|step| waits[*step as usize] == 0).collect();
        let mut done = 0;
        while let Some(step) = ready.pop() {
            done += 1;
            let (chain, position) = self.place[step as usize];
            let own = step as usize * width;
            clocks[own + chain as usize] = position + 1;
            for (next, _) in self.successors(step) {
                let other = next as usize * width;
                for at in 0..width {
                    clocks[other + at] = clocks[other + at].max(clocks[own + at]);
                }
                waits[next as usize] -= 1;
                if waits[next as usize] == 0 {
                    ready.push(next);
                }
            }
        }
        self.clocks = clocks;
        if done == size { Ok(()) } else { Err(self.shortest_cycle(&waits)) }
    }

    /// How many steps of a chain are before a step, or are it.
    fn clock(&self, step: u32, chain: u32) -> u32 {
        self.clocks[step as usize * self.problem.chains.len() + chain as usize]
    }

    fn is_before(&self, first: u32, second: u32) -> bool {
        let (chain, position) = self.place[first as usize];
        first != second && self.clock(second, chain) > position
    }

    /// Adds what follows; false if nothing does that was not known.
    fn derive(&mut self) -> bool {
        let mut found = Vec::new();
        for &(read, writer) in &self.reads {
            let key = self.problem.steps[read as usize].key as usize;
            for writes in &self.writes[key] {
                self.derive_from(read, writer, writes, &mut found);
            }
        }
        let mut is_more = false;
        for (from, why, to) in found {
            is_more |= self.add(from, why, to);
        }
        is_more
    }

    /// Of a chain's writes only the last before the read and the first after the writer matter: the
    /// others are beyond them.
    fn derive_from(
        &self,
        read: u32,
        writer: Option<u32>,
        writes: &Writes,
        found: &mut Vec<(u32, Why, u32)>,
    ) {
        let is_other = |step: &&u32| **step != read && Some(**step) != writer;
        let before =
            writes.steps.partition_point(|write| *write == read || self.is_before(*write, read));
        let last = writes.steps[..before].iter().rev().find(|step| **step != read);
        let behind = match writer {
            Some(writer) => writes
                .steps
                .partition_point(|write| !(*write == writer || self.is_before(writer, *write))),
            None => 0,
        };
        let next = writes.steps[behind..].iter().find(is_other);
        if let (Some(writer), Some(last)) = (writer, last)
            && *last != writer
            && !self.is_before(*last, writer)
        {
            found.push((*last, Why::Hidden { read }, writer));
        }
        if let Some(next) = next
            && !self.is_before(read, *next)
        {
            found.push((read, Why::Overwritten, *next));
        }
    }

    /// The cycle with the fewest parts that are not a process's own order, among those that wait
    /// for each other.
    fn shortest_cycle(&self, waits: &[u32]) -> Cycle {
        /// So many beginnings are tried: a cycle that is not the shortest proves as much.
        const BEGINNINGS_MAX: usize = 256;
        let waiting = (0..waits.len() as u32).filter(|step| waits[*step as usize] > 0);
        let cycles =
            waiting.take(BEGINNINGS_MAX).filter_map(|step| self.cycle_through(step, waits));
        let is_part = |(_, why, _): &&(u32, Why, u32)| *why != Why::Process;
        let shortest = cycles.min_by_key(|cycle| cycle.iter().filter(is_part).count());
        // Some cycle there is, or nobody would wait; the first steps may only wait for it.
        let any = || {
            let waiting = (0..waits.len() as u32).filter(|step| waits[*step as usize] > 0);
            waiting.skip(BEGINNINGS_MAX).find_map(|step| self.cycle_through(step, waits))
        };
        Cycle(shortest.or_else(any).unwrap_or_default())
    }

    /// The cheapest way from a step to itself; a step within a chain costs nothing.
    fn cycle_through(&self, start: u32, waits: &[u32]) -> Option<Vec<(u32, Why, u32)>> {
        let mut came_from: Vec<Option<(u32, Why)>> = vec![None; waits.len()];
        let mut settled = vec![false; waits.len()];
        let mut cost = vec![u32::MAX; waits.len()];
        let mut queue = VecDeque::from([(0, start)]);
        let mut is_back = false;
        while let Some((so_far, step)) = queue.pop_front() {
            if step == start && is_back {
                break;
            }
            if std::mem::replace(&mut settled[step as usize], true) {
                continue;
            }
            for (next, why) in self.successors(step).filter(|(next, _)| waits[*next as usize] > 0) {
                let price = so_far + u32::from(why != Why::Process);
                if price < cost[next as usize] {
                    cost[next as usize] = price;
                    came_from[next as usize] = Some((step, why));
                    is_back |= next == start;
                    if next == start {
                        // It is met again when it is the cheapest that is left.
                        settled[next as usize] = false;
                    }
                    if why == Why::Process {
                        queue.push_front((price, next));
                    } else {
                        queue.push_back((price, next));
                    }
                }
            }
        }
        let mut cycle = Vec::new();
        let mut at = start;
        loop {
            let (from, why) = came_from[at as usize]?;
            cycle.push((from, why, at));
            at = from;
            if at == start {
                break;
            }
        }
        cycle.reverse();
        Some(cycle)
    }
}
