//! What follows for the order of values if each key is assumed to be sequential, or linearizable.
//!
//! Elle's `:sequential-keys?` and `:linearizable-keys?` (Kingsbury & Alvaro, VLDB 2020): where two
//! transactions touch a key, and a process or real time puts one before the other, the value that
//! the first [ended](touched) with comes before the one that the second began with, or is the same.
//!
//! Each assumption is a source of its own. One that makes a key cyclic, together with the sources
//! before it, is contradicted by the history: it is reported as `cyclic-versions`, and dropped for
//! that key.

mod times;
mod touched;
mod words;

use super::versions::Versions;
use crate::kind::Kind;
use crate::txn::cycles;
use crate::txn::findings::Findings;
use crate::txn::graph::{Builder, Kinds};
use crate::txn::table::Table;
use times::Times;
use touched::{Told, Touched};

/// What each key is assumed to be, taken by itself.
///
/// With unique values alone little is known of the order in which they were written. An assumption
/// tells more of it; where the history contradicts an assumption, that is an anomaly
/// (`cyclic-versions`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssumedKeys {
    /// Sequentially consistent: each process meets the values of a key in the order in which they
    /// were written.
    pub sequential: bool,
    /// Linearizable: a transaction meets a value at least as new as any that another met which was
    /// acknowledged before it was invoked. Where a history tells no times, nothing follows.
    pub linearizable: bool,
}

impl AssumedKeys {
    /// True if nothing is assumed.
    pub const fn is_none(self) -> bool {
        !self.sequential && !self.linearizable
    }
}

/// Why one version of a key comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Because {
    /// It is that nothing is there.
    Nothing,
    /// This transaction read the one and wrote the other.
    Update(u32),
    /// A process had the one at the end of the first, and the other at the beginning of the second.
    Process(u32, u32),
    /// The first ended with the one before the second was invoked, which began with the other.
    Realtime(u32, u32),
}

/// Versions of a key that come before themselves.
#[derive(Debug)]
struct Circle {
    key: u32,
    /// What the key would have to be.
    assumption: &'static str,
    /// Each comes before the next, and the last before the first.
    versions: Vec<(u32, Because)>,
}

/// The order of versions that the assumptions tell.
#[derive(Debug)]
pub(super) struct Assumed {
    touched: Touched,
    told: Vec<Told>,
    times: Times,
    circles: Vec<Circle>,
}

impl Assumed {
    /// What follows from the assumptions, beside what is known of the order of versions.
    pub(super) fn new(table: &Table, known: &Versions, keys: AssumedKeys) -> Assumed {
        let (touched, told) = Touched::new(table, keys.sequential);
        let mut all = Assumed { touched, told, times: Times::default(), circles: Vec::new() };
        if keys.sequential {
            let cyclic = all.cyclic(table, known, "sequential");
            let is_kept =
                |told: &Told| cyclic.binary_search(&all.touched.key(table, told.before)).is_err();
            all.told.retain(is_kept);
        }
        if keys.linearizable && !table.untimed {
            let (times, conflicts) = Times::new(table, &all.touched);
            all.times = times;
            for (key, [one, other]) in conflicts {
                let versions = [(one, other), (other, one)]
                    .map(|pair| (pair.0, all.because(known, table, pair, Kinds::REALTIME)));
                all.circles.push(Circle {
                    key,
                    assumption: "linearizable",
                    versions: versions.to_vec(),
                });
            }
            let cyclic = all.cyclic(table, known, "linearizable");
            all.times.forget(&cyclic);
        }
        all
    }

    /// Finds versions that come before themselves. Gives their keys in ascending order.
    fn cyclic(&mut self, table: &Table, known: &Versions, assumption: &'static str) -> Vec<u32> {
        let mut graph = Builder::new(self.touched.len());
        for element in table.elements.all() {
            if let Some(before) = known.before(element) {
                graph.edge(before, element, Kinds::WW);
            }
        }
        for told in &self.told {
            graph.edge(told.before, told.after, Kinds::PROCESS);
            if self.touched.is_nothing(told.after) {
                graph.edge(told.after, told.before, Kinds::WR);
            }
        }
        self.times.order(&mut graph);
        let mut keys = Vec::new();
        for steps in cycles::shortest_of_each(&graph.finish()) {
            let next = |at: usize| steps[(at + 1) % steps.len()].from;
            let versions = steps.iter().enumerate().map(|(at, step)| {
                (step.from, self.because(known, table, (step.from, next(at)), step.kind))
            });
            let versions = versions.collect();
            let key = self.touched.key(table, steps[0].from);
            keys.push(key);
            self.circles.push(Circle { key, assumption, versions });
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Why one version comes before another, as an edge of this kind says.
    fn because(
        &self,
        known: &Versions,
        table: &Table,
        (before, after): (u32, u32),
        kind: Kinds,
    ) -> Because {
        match kind {
            Kinds::PROCESS => self
                .told(before, after)
                .map_or(Because::Nothing, |told| Because::Process(told.first, told.second)),
            Kinds::REALTIME => {
                let touched = &self.touched;
                if touched.is_nothing(before) {
                    return Because::Nothing;
                }
                Because::Realtime(touched.ended[before as usize], touched.begun[after as usize])
            }
            Kinds::WW => {
                debug_assert_eq!(known.before(after), Some(before));
                Because::Update(table.elements.writer(after))
            }
            _ => Because::Nothing,
        }
    }

    fn told(&self, before: u32, after: u32) -> Option<&Told> {
        let key = |told: &Told| (told.before, told.after);
        self.told.binary_search_by_key(&(before, after), key).ok().map(|at| &self.told[at])
    }

    /// Adds to a graph of transactions who overwrote what others had written or read.
    pub(super) fn edges(&self, table: &Table, versions: &Versions, graph: &mut Builder) {
        let mut next: Vec<u32> = Vec::new();
        for told in self.told.chunk_by(|a, b| a.before == b.before) {
            let before = told[0].before;
            next.clear();
            next.extend(told.iter().filter_map(|told| versions.writer(table, told.after)));
            next.sort_unstable();
            if let Some(writer) = versions.writer(table, before) {
                for next in &next {
                    graph.edge(writer, *next, Kinds::WW);
                }
            }
            graph.all_to_all(versions.readers(before), &next, Kinds::RW);
        }
        self.times.edges(table, &self.touched, versions, graph);
    }

    /// Reports what contradicts the assumptions.
    pub(super) fn report(&self, findings: &mut Findings<'_>) {
        for circle in &self.circles {
            let table = findings.table;
            findings.anomaly(Kind::CyclicVersions, || words::circle(table, &self.touched, circle));
        }
    }

    /// Why one value of a key comes before another, if that follows from an assumption. The
    /// transactions named are called by these names.
    pub(super) fn reason(
        &self,
        table: &Table,
        (before, after): (u32, u32),
        names: &[(u32, &str)],
    ) -> Option<String> {
        let because = match self.told(before, after) {
            Some(told) => Because::Process(told.first, told.second),
            None if self.times.is_before(table, &self.touched, before, after) => Because::Realtime(
                self.touched.ended[before as usize],
                self.touched.begun[after as usize],
            ),
            None => return None,
        };
        Some(words::because(table, &self.touched, (before, after), because, names))
    }
}

#[cfg(test)]
mod tests;
