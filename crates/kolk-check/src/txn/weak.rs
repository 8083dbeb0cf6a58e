//! Read committed, read atomic and causal, decided exactly.
//!
//! The three levels as Biswas & Enea define them (*On the Complexity of Checking Transactional
//! Consistency*, OOPSLA 2019), sessions included: there is one order in which transactions commit,
//! which agrees with the order of each session (a process) and has every writer before its readers,
//! and in which, whenever T3 reads a key from T1 and *sees* T2, which writes the key too, T2 comes
//! before T1. What T3 sees is
//!
//! - *read committed*: what it read from before, in its own order;
//! - *read atomic*: what it reads from, and what came before it in its session;
//! - *causal*: whatever leads to it over reads and sessions.
//!
//! Besides, at every level, reads see what was committed: no value that nobody wrote, that failed
//! or that its writer overwrote, and of a key that the transaction wrote itself, what it wrote.
//!
//! With unique values this is decided in polynomial time: all that must come before something else
//! is a relation, and the level holds iff that has no cycle. We infer what AWDIT infers (Møldrup &
//! Pavlogiannis, *AWDIT: An Optimal Weak Database Isolation Tester*, PLDI 2025): of the
//! transactions that a read tells to come before another only those that no others stand for. That
//! is O(n^1.5) for the first two levels and O(n·k) with k sessions for the third, in the number of
//! micro-operations.
//!
//! The levels are not quite Adya's (*PL-2* forbids less than read committed here, and knows no
//! sessions), nor those of the lattice of [models](crate::models), where serializability implies
//! read atomic without a word about sessions. So a violation bears the suffix `-process` if it
//! needs the order of sessions; it then counts against models that know sessions, and against the
//! others only in histories in which sessions belong to every level, as in AWDIT's format.

mod causal;
mod explain;
mod facts;
mod reads;
#[cfg(test)]
mod tests;

use crate::check::Anomaly;
use crate::models::{Model, Models};

use super::components::Components;
use super::cycles::{self, Step};
use super::findings::Findings;
use super::graph::{Builder, Graph, Kinds};
pub(crate) use super::level::Level;
use super::table::{NONE, Table};
use facts::Facts;

/// Why a level does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Each comes before the next, and the last before the first.
    Cycle(Vec<Step>),
    /// Somebody read nothing there, though it saw a transaction that writes the key.
    Nothing(ReadOfNothing),
}

/// A read of nothing by one who sees a writer of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReadOfNothing {
    pub reader: u32,
    pub writer: u32,
    pub key: u32,
}

/// What must come before what for a level to hold, beyond sessions, reads and known versions.
#[derive(Debug, Default)]
struct Inferred {
    edges: Vec<(u32, u32)>,
    nothing: Option<ReadOfNothing>,
}

impl Inferred {
    /// Takes note that `before`, which `reader` sees and which writes the key, comes before the one
    /// whose value it read; `source` is [`NONE`] if it read nothing.
    fn add(&mut self, reader: u32, key: u32, before: u32, source: u32) {
        if source == NONE {
            let found = ReadOfNothing { reader, writer: before, key };
            self.nothing = Some(self.nothing.map_or(found, |known| known.min(found)));
        } else if before != source {
            self.edges.push((before, source));
        }
    }
}

/// What was decided about all three levels.
#[derive(Debug)]
pub(crate) struct Decision {
    /// What speaks against them.
    violations: Vec<Anomaly>,
    /// Whether each that was looked at holds.
    levels: Vec<(&'static str, bool)>,
}

impl Decision {
    /// That all hold.
    pub(crate) fn all_hold() -> Decision {
        let levels = Level::ALL.map(|level| (level.name(), true));
        Decision { violations: Vec::new(), levels: levels.to_vec() }
    }

    /// That those hold that there is a reason to look at.
    pub(crate) fn requested_hold(requested: Models) -> Decision {
        let looked_at = Level::ALL.into_iter().filter(|level| *level <= strongest(requested));
        let levels = looked_at.map(|level| (level.name(), true)).collect();
        Decision { violations: Vec::new(), levels }
    }

    /// Adds it to what was found.
    pub(crate) fn report(self, findings: &mut Findings<'_>) {
        for violation in self.violations {
            findings.violation(violation.kind, || violation);
        }
        findings.decided(self.levels);
    }
}

/// The strongest level that there is a reason to look at: causal, which is the costliest, only if
/// more is asked for than the levels below it.
fn strongest(requested: Models) -> Level {
    let within = |models: &[Model]| requested.without(Models::new(models)).is_empty();
    if within(&[Model::ReadUncommitted, Model::ReadCommitted]) {
        Level::ReadCommitted
    } else if within(&[Model::ReadUncommitted, Model::ReadCommitted, Model::ReadAtomic]) {
        Level::ReadAtomic
    } else {
        Level::Causal
    }
}

/// Decides the levels that there is a reason to look at. `versions` are edges between the writers
/// of versions whose order is known.
pub(crate) fn decide(
    table: &Table,
    requested: Models,
    versions: impl Fn(&mut Builder),
) -> Decision {
    let strongest = strongest(requested);
    let is_cerone_asked = requested.contains(Model::CausalCerone);
    let mut facts = Facts::new(table, true);
    let foul = std::mem::take(&mut facts.foul);
    let mut violations: Vec<Anomaly> = foul
        .not_its_own
        .iter()
        .map(|(reader, operation)| explain::not_its_own(table, *reader, *operation))
        .collect();
    // From the strongest to the weakest: each implies the next, so mostly one is enough.
    let mut broken: Vec<(Level, Violation)> = Vec::new();
    let looked_at = || Level::ALL.into_iter().filter(|level| *level <= strongest);
    let mut alone = None;
    for level in looked_at().rev() {
        match violation(&facts, level, &versions) {
            Some(violation) => broken.push((level, violation)),
            None => break,
        }
    }
    let holds =
        |level: Level| foul.is_clean() && broken.last().is_none_or(|(weakest, _)| level < *weakest);
    let mut levels: Vec<_> = looked_at().map(|level| (level.name(), holds(level))).collect();
    if let Some((level, found)) = broken.pop() {
        let bare = (!uses_sessions(&facts, level, &found)).then(|| (level, found.clone()));
        let bare = bare.or_else(|| without_sessions(table, level, &versions));
        if bare.as_ref().is_none_or(|(bare, _)| *bare != level) {
            violations.push(explain::violation(&facts, level, true, &found));
        }
        if let Some((level, found)) = bare {
            violations.push(explain::violation(&facts, level, false, &found));
        } else if is_cerone_asked {
            alone = Some(Facts::in_chains(table)).filter(Facts::are_few_sessions);
        }
    }
    if let Some(facts) = alone {
        let found = violation(&facts, Level::Causal, &versions);
        levels.push((Model::CausalCerone.name(), foul.is_clean() && found.is_none()));
        violations
            .extend(found.map(|found| explain::violation(&facts, Level::Causal, false, &found)));
    }
    Decision { violations, levels }
}

/// Whether a level's violation needs the order of sessions as it was found.
fn uses_sessions(facts: &Facts<'_>, level: Level, violation: &Violation) -> bool {
    match violation {
        Violation::Nothing(read) => explain::sight(facts, level, read.writer, read.reader, None)
            .is_none_or(|path| path.iter().any(|step| step.kind == Kinds::PROCESS)),
        Violation::Cycle(steps) => {
            let next = |at: usize| steps[(at + 1) % steps.len()].from;
            steps.iter().enumerate().any(|(at, step)| match step.kind {
                Kinds::PROCESS => true,
                Kinds::COMMIT => explain::witness(facts, level, step.from, next(at))
                    .is_none_or(|(_, _, path)| path.iter().any(|s| s.kind == Kinds::PROCESS)),
                _ => false,
            })
        }
    }
}

/// The weakest level that does not hold whatever the sessions, causal aside: that is looked at for
/// itself if it is asked for, as without sessions there is no bound to how many may come before
/// one.
fn without_sessions(
    table: &Table,
    from: Level,
    versions: &impl Fn(&mut Builder),
) -> Option<(Level, Violation)> {
    let facts = Facts::new(table, false);
    [Level::ReadCommitted, Level::ReadAtomic]
        .into_iter()
        .filter(|level| *level >= from)
        .find_map(|level| Some((level, violation(&facts, level, versions)?)))
}

/// Why a level does not hold, if it does not: foul reads aside.
fn violation(
    facts: &Facts<'_>,
    level: Level,
    versions: &impl Fn(&mut Builder),
) -> Option<Violation> {
    let mut graph = Builder::new(facts.table.len());
    facts.known_order(&mut graph);
    let mut inferred = Inferred::default();
    match level {
        Level::ReadCommitted => reads::committed(facts, &mut inferred),
        Level::ReadAtomic => reads::atomic(facts, &mut inferred),
        Level::Causal => {
            let known = facts.known_graph();
            let components = Components::new(known, Kinds::ALL);
            if components.count as usize != known.len() {
                return cycle(known);
            }
            causal::infer(facts, &components, &mut inferred);
        }
    }
    if let Some(read) = inferred.nothing {
        return Some(Violation::Nothing(read));
    }
    versions(&mut graph);
    for (before, after) in inferred.edges {
        graph.edge(before, after, Kinds::COMMIT);
    }
    cycle(&graph.finish())
}

fn cycle(graph: &Graph) -> Option<Violation> {
    let mut steps = cycles::shortest(graph, Kinds::ALL)?;
    let first = (0..steps.len()).min_by_key(|at| steps[*at].from).unwrap_or(0);
    steps.rotate_left(first);
    Some(Violation::Cycle(steps))
}
