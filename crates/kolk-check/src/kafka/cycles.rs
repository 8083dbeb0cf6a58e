//! Cycles among operations: a send comes before the polls that see its value, a process's operation
//! before its next one, and what has completed before what is invoked later.
//!
//! `G1c` is a cycle of sends and polls alone, `G1c-process` one that needs the order of a process,
//! `G1c-realtime` one that needs real time. As long as no operation both sends and polls there is a
//! cycle iff some poll completed before the send of a value it returned was invoked: along any
//! cycle each poll would otherwise end before the next one does. That is told in one pass, and only
//! when it happens, or when there are transactions, is the graph built.
//!
//! Real time is a chain of instants, one a completion: an operation leads to its completion's
//! instant, and the last instant before its invocation leads to it. So the order, quadratic in
//! edges, costs two edges an operation.

use std::collections::VecDeque;

use kolk_history::{Outcome, Value};

use super::facts::{Facts, NONE};
use super::findings::Findings;
use crate::check::Anomaly;
use crate::kind::Kind;
use crate::tree::{count, key, list};
use crate::txn::cycles::{Scope, Shape};

/// Finds all of them: one cycle for each strongly connected component.
pub(super) fn check(facts: &Facts<'_>, findings: &mut Findings) {
    if !facts.positions().any(|at| is_suspicious(facts, at)) {
        return;
    }
    let size = facts.history.operations.len();
    let instants = Instants::new(facts);
    let mut known = vec![false; size + instants.completed.len()];
    let sends: Vec<(u32, u32)> = write_read(facts).collect();
    let processes: Vec<(u32, u32)> = in_process(facts);
    for (kind, edges) in [
        (Kind::cycle(Shape::G1c, Scope::Data), sends.clone()),
        (Kind::cycle(Shape::G1c, Scope::Process), [&sends[..], &processes].concat()),
        (
            Kind::cycle(Shape::G1c, Scope::Realtime),
            [&sends[..], &processes, &instants.edges(facts)].concat(),
        ),
    ] {
        let graph = Graph::new(known.len(), &edges);
        for component in graph.components() {
            if component.iter().any(|vertex| known[*vertex as usize]) {
                continue;
            }
            component.iter().for_each(|vertex| known[*vertex as usize] = true);
            findings.add(kind, || {
                let first = component.iter().copied().min().unwrap_or_default();
                let cycle = graph.cycle(first);
                let cycle: Vec<u32> = cycle.into_iter().filter(|at| *at < size as u32).collect();
                describe(facts, kind, &cycle)
            });
        }
    }
}

/// True if an operation both sends and polls, or polled a value before it was sent.
fn is_suspicious(facts: &Facts<'_>, position: u32) -> bool {
    let reads = facts.reads(position);
    if reads.is_empty() {
        return false;
    }
    let completion = facts.operation(position).completion_or_end();
    let early = |writer: u32| writer != NONE && completion < facts.index(writer);
    !facts.sends(position).is_empty() || reads.iter().any(|pair| early(facts.of(*pair).writer))
}

/// True if an operation takes part: it may have happened, and did something.
fn takes_part(facts: &Facts<'_>, position: u32) -> bool {
    facts.operation(position).outcome != Outcome::Fail
        && !(facts.reads(position).is_empty() && facts.sends(position).is_empty())
}

/// From each send to the polls that saw it.
fn write_read(facts: &Facts<'_>) -> impl Iterator<Item = (u32, u32)> {
    facts.positions().filter(|at| takes_part(facts, *at)).flat_map(move |reader| {
        facts.reads(reader).iter().filter_map(move |pair| {
            let writer = facts.of(*pair).writer;
            let counts = writer != NONE && writer != reader && takes_part(facts, writer);
            counts.then_some((writer, reader))
        })
    })
}

/// From each operation of a process to its next one.
fn in_process(facts: &Facts<'_>) -> Vec<(u32, u32)> {
    let mut all: Vec<u32> = facts.positions().filter(|at| takes_part(facts, *at)).collect();
    all.sort_by_key(|at| facts.operation(*at).process);
    let process = |at: u32| facts.operation(at).process;
    let pairs = all.windows(2).filter(|pair| process(pair[0]) == process(pair[1]));
    pairs.map(|pair| (pair[0], pair[1])).collect()
}

/// The moments at which something was known to have happened.
struct Instants {
    /// Positions, in the order of their completions.
    completed: Vec<u32>,
}

impl Instants {
    fn new(facts: &Facts<'_>) -> Instants {
        let counts = |at: &u32| facts.operation(*at).is_ok() && takes_part(facts, *at);
        Instants { completed: facts.completions().iter().copied().filter(counts).collect() }
    }

    fn edges(&self, facts: &Facts<'_>) -> Vec<(u32, u32)> {
        let size = facts.history.operations.len() as u32;
        let mut edges = Vec::new();
        for (number, position) in (0..).zip(&self.completed) {
            edges.push((*position, size + number));
            if number > 0 {
                edges.push((size + number - 1, size + number));
            }
        }
        for position in facts.positions().filter(|at| takes_part(facts, *at)) {
            let began = facts.index(position);
            let before = |at: &u32| facts.operation(*at).completion_or_end() < began;
            let earlier = self.completed.partition_point(before) as u32;
            if earlier > 0 {
                edges.push((size + earlier - 1, position));
            }
        }
        edges
    }
}

/// A graph as one list of successors.
struct Graph {
    starts: Vec<u32>,
    successors: Vec<u32>,
}

impl Graph {
    fn new(size: usize, edges: &[(u32, u32)]) -> Graph {
        let mut starts = vec![0; size + 1];
        for (from, _) in edges {
            starts[*from as usize + 1] += 1;
        }
        for at in 0..size {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut successors = vec![0; edges.len()];
        for (from, to) in edges {
            let at = &mut next[*from as usize];
            successors[*at as usize] = *to;
            *at += 1;
        }
        Graph { starts, successors }
    }

    fn successors(&self, vertex: u32) -> &[u32] {
        let at = vertex as usize;
        &self.successors[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// Strongly connected components of two vertices or more. Tarjan, *Depth-first search and
    /// linear graph algorithms*, SIAM J. Comput. 1972, with a stack of our own: paths are as long
    /// as the history.
    fn components(&self) -> Vec<Vec<u32>> {
        let size = self.starts.len() - 1;
        let (mut number, mut low) = (vec![0u32; size], vec![0u32; size]);
        let mut on_stack = vec![false; size];
        let (mut count, mut stack, mut components) = (0, Vec::new(), Vec::new());
        let mut path: Vec<(u32, u32)> = Vec::new();
        for root in (0..size as u32).filter(|root| !self.successors(*root).is_empty()) {
            if number[root as usize] != 0 {
                continue;
            }
            path.push((root, 0));
            while let Some((vertex, next)) = path.pop() {
                let at = vertex as usize;
                if next == 0 {
                    count += 1;
                    (number[at], low[at]) = (count, count);
                    on_stack[at] = true;
                    stack.push(vertex);
                } else {
                    let child = self.successors(vertex)[next as usize - 1] as usize;
                    if on_stack[child] {
                        low[at] = low[at].min(low[child]);
                    }
                }
                if let Some(child) = self.successors(vertex).get(next as usize) {
                    path.push((vertex, next + 1));
                    if number[*child as usize] == 0 {
                        path.push((*child, 0));
                    }
                } else if low[at] == number[at] {
                    let from = stack.iter().rposition(|other| *other == vertex).unwrap_or(0);
                    let component: Vec<u32> = stack.drain(from..).collect();
                    component.iter().for_each(|member| on_stack[*member as usize] = false);
                    if component.len() > 1 {
                        components.push(component);
                    }
                }
            }
        }
        components
    }

    /// A shortest cycle through this vertex, which is on one.
    fn cycle(&self, start: u32) -> Vec<u32> {
        let mut parents = vec![NONE; self.starts.len() - 1];
        let mut queue = VecDeque::from([start]);
        while let Some(vertex) = queue.pop_front() {
            for successor in self.successors(vertex) {
                if *successor == start {
                    let mut cycle = vec![vertex];
                    while cycle[cycle.len() - 1] != start {
                        cycle.push(parents[cycle[cycle.len() - 1] as usize]);
                    }
                    cycle.reverse();
                    return cycle;
                }
                if parents[*successor as usize] == NONE {
                    parents[*successor as usize] = vertex;
                    queue.push_back(*successor);
                }
            }
        }
        vec![start]
    }
}

/// A value that the second operation polled and the first one sent.
fn passed(facts: &Facts<'_>, from: u32, to: u32) -> Option<u32> {
    let pair = facts.reads(to).iter().find(|pair| facts.of(**pair).writer == from)?;
    Some(pair.message)
}

fn describe(facts: &Facts<'_>, kind: Kind, cycle: &[u32]) -> (Anomaly, Value) {
    let next = |at: usize| cycle[(at + 1) % cycle.len()];
    let step = |(at, from): (usize, &u32)| {
        let to = next(at);
        let (a, b) = (facts.index(*from), facts.index(to));
        match passed(facts, *from, to) {
            Some(message) => format!("op {b} polled {}, which op {a} sent", facts.text(message)),
            None if facts.operation(*from).process == facts.operation(to).process => {
                format!("op {a} came before op {b} in the same process")
            }
            None => format!("op {a} was over before op {b} began"),
        }
    };
    let steps: Vec<String> = cycle.iter().enumerate().map(step).collect();
    let operations: Vec<u32> = cycle.iter().map(|at| facts.index(*at)).collect();
    let error = Value::map(vec![
        (key(&"cycle"), list(operations.iter().map(|index| count(*index)))),
        (key(&"steps"), list(steps.iter().map(|step| Value::text(step.as_str())))),
    ]);
    (Anomaly::new(kind, format!("a cycle: {}", steps.join("; ")), operations), error)
}
