//! The order that a search begins with: as a store may have run the transactions.
//!
//! Of the events that nothing known stands before, that which was acknowledged first comes first;
//! but a transaction waits as long as somebody has still to read what it overwrites, or holds what
//! it writes. If all wait, the first goes on nevertheless.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::txn::table::{NONE, Table};

use super::Shape;
use super::problem::Problem;

/// All vertices, each before those it is known to lead to. If there is a circle, the transactions
/// on one.
pub(super) fn order(problem: &Problem<'_>) -> Result<Vec<u32>, Vec<u32>> {
    let graph = &problem.known;
    let mut waiting_for = vec![0u32; graph.len()];
    for vertex in 0..graph.len() as u32 {
        for edge in graph.edges(vertex) {
            waiting_for[edge.to() as usize] += 1;
        }
    }
    let mut run = Run {
        problem,
        times: times(problem.facts.table),
        ready: BinaryHeap::new(),
        hubs: VecDeque::new(),
        parked: BinaryHeap::new(),
        parked_at: vec![Vec::new(); problem.facts.table.keys.len()],
        is_parked: vec![false; graph.len()],
        current: vec![NONE; problem.facts.table.keys.len()],
        unread: vec![0; problem.facts.table.elements.len()],
        held_by: vec![NONE; problem.facts.table.keys.len()],
    };
    run.count_readers();
    for vertex in 0..graph.len() as u32 {
        if waiting_for[vertex as usize] == 0 {
            run.is_ready(vertex);
        }
    }
    let mut order = Vec::with_capacity(graph.len());
    while let Some(vertex) = run.next() {
        order.push(vertex);
        run.done(vertex);
        for edge in graph.edges(vertex) {
            let left = &mut waiting_for[edge.to() as usize];
            *left -= 1;
            if *left == 0 {
                run.is_ready(edge.to());
            }
        }
    }
    if order.len() == graph.len() {
        return Ok(order);
    }
    let mut left = circle(problem, |vertex| waiting_for[vertex as usize] > 0);
    left.sort_unstable();
    left.dedup();
    Err(left)
}

/// The transactions on a circle of vertices each of which another of them leads to.
fn circle(problem: &Problem<'_>, is_left: impl Fn(u32) -> bool) -> Vec<u32> {
    let graph = &problem.known;
    let mut before = vec![NONE; graph.len()];
    let left = || (0..graph.len() as u32).filter(|vertex| is_left(*vertex));
    for from in left() {
        for edge in graph.edges(from).iter().filter(|edge| is_left(edge.to())) {
            before[edge.to() as usize] = from;
        }
    }
    let mut vertex = left().next().unwrap_or(NONE);
    let mut walked = vec![false; graph.len()];
    while !std::mem::replace(&mut walked[vertex as usize], true) {
        vertex = before[vertex as usize];
    }
    let end = vertex;
    let mut members = Vec::new();
    loop {
        members.extend(problem.transaction(vertex));
        vertex = before[vertex as usize];
        if vertex == end {
            return members;
        }
    }
}

/// When each transaction was over, as a number of completions: where nobody knows, when it was
/// invoked.
pub(super) fn times(table: &Table) -> Vec<u32> {
    let completions: Vec<u32> = table.transactions.iter().map(|t| t.completion).collect();
    let time = |number: u32| match table.is_ok(number) {
        true => number,
        false => {
            let index = table.index(number);
            completions.partition_point(|completion| *completion < index) as u32
        }
    };
    (0..table.len() as u32).map(time).collect()
}

struct Run<'a> {
    problem: &'a Problem<'a>,
    times: Vec<u32>,
    ready: BinaryHeap<Reverse<(u32, u32)>>,
    hubs: VecDeque<u32>,
    parked: BinaryHeap<Reverse<(u32, u32)>>,
    /// By key, who waits for it.
    parked_at: Vec<Vec<u32>>,
    is_parked: Vec<bool>,
    /// By key, the element that is there.
    current: Vec<u32>,
    /// By element, how many have still to read it.
    unread: Vec<u32>,
    /// By key, who has begun and will write it.
    held_by: Vec<u32>,
}

impl Run<'_> {
    fn count_readers(&mut self) {
        let facts = self.problem.facts;
        for key in 0..facts.table.keys.len() as u32 {
            for element in facts.elements(key) {
                self.unread[*element as usize] = facts.readers(*element).count() as u32;
            }
        }
    }

    fn is_ready(&mut self, vertex: u32) {
        match self.problem.transaction(vertex) {
            None => self.hubs.push_back(vertex),
            Some(transaction) => {
                self.ready.push(Reverse((self.times[transaction as usize], vertex)));
            }
        }
    }

    fn next(&mut self) -> Option<u32> {
        if let Some(hub) = self.hubs.pop_front() {
            return Some(hub);
        }
        while let Some(Reverse((time, vertex))) = self.ready.pop() {
            let Some(key) = self.waits_at(vertex) else { return Some(vertex) };
            self.is_parked[vertex as usize] = true;
            self.parked_at[key as usize].push(vertex);
            self.parked.push(Reverse((time, vertex)));
        }
        while let Some(Reverse((_, vertex))) = self.parked.pop() {
            if std::mem::take(&mut self.is_parked[vertex as usize]) {
                return Some(vertex);
            }
        }
        None
    }

    /// The writes of a transaction that others can see.
    fn writes(&self, transaction: u32) -> impl Iterator<Item = u32> + use<'_> {
        let table = self.problem.facts.table;
        let happened = self.problem.facts.happened[transaction as usize];
        let writes = table.micro_ops(transaction).iter().filter(move |op| {
            happened && op.is_write() && op.origin().sound_writer() == Some(transaction)
        });
        writes.map(|op| op.element())
    }

    /// The first read of each key, as elements: only of others' writes.
    fn reads(&self, transaction: u32) -> Vec<u32> {
        let table = self.problem.facts.table;
        let mut keys: Vec<u32> = Vec::new();
        let mut reads = Vec::new();
        if table.is_ok(transaction) {
            for op in table.micro_ops(transaction) {
                if keys.contains(&op.key()) {
                    continue;
                }
                keys.push(op.key());
                if !op.is_write()
                    && let Some(Some(element)) = table.last_read(*op)
                    && op.origin().writer() != transaction
                {
                    reads.push(element);
                }
            }
        }
        reads
    }

    /// Whether a vertex is where a transaction begins, and where it commits.
    fn parts(&self, vertex: u32, transaction: u32) -> (bool, bool) {
        (vertex == transaction, vertex == self.problem.commit(transaction))
    }

    /// A key for which an event had better wait.
    fn waits_at(&self, vertex: u32) -> Option<u32> {
        let transaction = self.problem.transaction(vertex)?;
        let table = self.problem.facts.table;
        let (begins, commits) = self.parts(vertex, transaction);
        let own = match begins && commits {
            true => self.reads(transaction),
            false => Vec::new(),
        };
        self.writes(transaction).map(|element| table.elements.key(element)).find(|key| {
            let holder = self.held_by[*key as usize];
            let current = self.current[*key as usize];
            let is_held = begins && self.problem.shape == Shape::Snapshot && holder != NONE;
            let is_unread = commits && current != NONE && {
                let own = u32::from(own.contains(&current));
                self.unread[current as usize] > own
            };
            is_held || is_unread
        })
    }

    fn done(&mut self, vertex: u32) {
        let Some(transaction) = self.problem.transaction(vertex) else { return };
        let table = self.problem.facts.table;
        let (begins, commits) = self.parts(vertex, transaction);
        if begins {
            for element in self.reads(transaction) {
                let left = &mut self.unread[element as usize];
                *left = left.saturating_sub(1);
                if *left <= 1 {
                    self.wake(table.elements.key(element));
                }
            }
        }
        let writes: Vec<u32> = self.writes(transaction).collect();
        for element in writes {
            let key = table.elements.key(element);
            if commits {
                self.current[key as usize] = element;
                self.held_by[key as usize] = NONE;
                self.wake(key);
            } else {
                self.held_by[key as usize] = transaction;
            }
        }
    }

    fn wake(&mut self, key: u32) {
        for vertex in std::mem::take(&mut self.parked_at[key as usize]) {
            if std::mem::take(&mut self.is_parked[vertex as usize]) {
                self.is_ready(vertex);
            }
        }
    }
}
