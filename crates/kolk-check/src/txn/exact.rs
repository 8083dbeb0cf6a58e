//! Serializability, snapshot isolation, parallel snapshot isolation and prefix consistency, decided
//! exactly.
//!
//! Each of these, [parallel snapshots](parallel) aside, holds if there is one order of all events
//! (a transaction's begin and its commit, which for serializability are one) that agrees with what
//! is [known](problem) and in which nobody writes a key between a write of it and a read of that
//! write. Which of two transactions wrote a key first is mostly not known: it is a choice. That to
//! decide this is NP-complete (Papadimitriou, *The serializability of concurrent database updates*,
//! JACM 1979; Biswas & Enea, OOPSLA 2019) does not mean that it is hard for what databases do: as
//! in Cobra (Tan et al., OSDI 2020), PolySI (Huang et al., VLDB 2023) and Viper (Zhang et al.,
//! EuroSys 2023), choices are made by a search that learns from its conflicts, over a graph that
//! must stay without cycles (MonoSAT: Bayless et al., AAAI 2015). Here the graph is kept in one
//! [order](order) of all its vertices (Pearce & Kelly, *A dynamic topological sort algorithm for
//! directed acyclic graphs*, JEA 2007), and choices are made only where that order [breaks](search)
//! a read. Where it breaks none it is the proof; and it [begins](first) as a store may well have
//! run the transactions, so that most often little is left to choose.
//!
//! Of registers it is tried first, before any graph is made, whether [instants](instants) of all
//! transactions show at once that all models hold.
//!
//! Of lists, reads tell in which order elements were appended; only those that nobody read leave a
//! choice. What they tell is known like all else, and a list is a register of its last element.
//!
//! A transaction whose outcome is not known, and of which nobody read, need not have happened: the
//! history fits a model if it does without it.
//!
//! The work is bounded by a number of steps that depends on nothing but the history. Beyond it the
//! answer is unknown.

mod explain;
mod first;
mod instants;
mod order;
mod parallel;
mod problem;
mod proof;
mod refutation;
mod search;
#[cfg(test)]
mod tests;

use crate::check::Anomaly;
use crate::kind::Kind;
use crate::models::{self, Model, Models};

use super::cycles;
use super::findings::Findings;
use super::table::{Datatype, Table};
use problem::{Facts, Problem};
use search::{Answer, Search};

/// What of a transaction must stand where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// It happens at one instant.
    Serial,
    /// It reads where it begins and writes where it commits, and nobody writes what it writes
    /// between.
    Snapshot,
    /// It reads where it begins and writes where it commits.
    Prefix,
    /// It comes after whom it read from, with whatever read, and whose writes it overwrote.
    Committed,
    /// It reads what it [sees](parallel), which need not be what others saw before; of two that
    /// write the same, one sees the other.
    Parallel,
}

impl Shape {
    /// Whether a transaction begins at another moment than it commits.
    const fn has_commits(self) -> bool {
        matches!(self, Shape::Snapshot | Shape::Prefix)
    }

    /// Whether the order of writes that is not known leaves nothing to choose: any will do.
    const fn is_known(self) -> bool {
        matches!(self, Shape::Committed)
    }
}

/// Which order of the clients' must be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clients {
    Any,
    Sessions,
    RealTime,
}

/// A model that is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    model: Model,
    shape: Shape,
    clients: Clients,
    violation: Kind,
}

const fn goal(model: Model, shape: Shape, clients: Clients, violation: Kind) -> Goal {
    Goal { model, shape, clients, violation }
}

/// The models that are decided, none before one that implies it.
const GOALS: [Goal; 14] = {
    use Clients::{Any, RealTime, Sessions};
    use Model::{
        ParallelSnapshotIsolation, Prefix, Serializable, SnapshotIsolation, StrictSerializable,
        StrongParallelSnapshotIsolation, StrongPrefix, StrongReadCommitted,
        StrongSessionParallelSnapshotIsolation, StrongSessionPrefix, StrongSessionReadCommitted,
        StrongSessionSerializable, StrongSessionSnapshotIsolation, StrongSnapshotIsolation,
    };
    [
        goal(StrictSerializable, Shape::Serial, RealTime, Kind::StrictSerializableViolation),
        goal(
            StrongSessionSerializable,
            Shape::Serial,
            Sessions,
            Kind::StrongSessionSerializableViolation,
        ),
        goal(Serializable, Shape::Serial, Any, Kind::SerializableViolation),
        goal(
            StrongSnapshotIsolation,
            Shape::Snapshot,
            RealTime,
            Kind::StrongSnapshotIsolationViolation,
        ),
        goal(
            StrongSessionSnapshotIsolation,
            Shape::Snapshot,
            Sessions,
            Kind::StrongSessionSnapshotIsolationViolation,
        ),
        goal(SnapshotIsolation, Shape::Snapshot, Any, Kind::SnapshotIsolationViolation),
        goal(StrongPrefix, Shape::Prefix, RealTime, Kind::StrongPrefixViolation),
        goal(StrongSessionPrefix, Shape::Prefix, Sessions, Kind::StrongSessionPrefixViolation),
        goal(Prefix, Shape::Prefix, Any, Kind::PrefixViolation),
        goal(
            StrongParallelSnapshotIsolation,
            Shape::Parallel,
            RealTime,
            Kind::StrongParallelSnapshotIsolationViolation,
        ),
        goal(
            StrongSessionParallelSnapshotIsolation,
            Shape::Parallel,
            Sessions,
            Kind::StrongSessionParallelSnapshotIsolationViolation,
        ),
        goal(
            ParallelSnapshotIsolation,
            Shape::Parallel,
            Any,
            Kind::ParallelSnapshotIsolationViolation,
        ),
        goal(
            StrongReadCommitted,
            Shape::Committed,
            RealTime,
            Kind::cycle(cycles::Shape::G1c, cycles::Scope::Realtime),
        ),
        goal(
            StrongSessionReadCommitted,
            Shape::Committed,
            Sessions,
            Kind::StrongSessionReadCommittedViolation,
        ),
    ]
};

/// How many steps are taken at most for one model: some hundred for each micro-operation, and never
/// less than what small knots need.
fn work_max(table: &Table) -> u64 {
    const LEAST: u64 = 1 << 31;
    LEAST + 256 * table.operations.len() as u64
}

/// Whether instants are found at which all transactions on registers may have run, each between its
/// invocation and its completion: then they are strict serializable, and each process's are in its
/// order. If not, nothing is known.
pub(super) fn have_instants(table: &Table) -> bool {
    instants::order(table).is_some()
}

/// Adds what follows of models from the history's being strict serializable, if a model is asked
/// for that has to do with them.
pub(super) fn all_hold(findings: &mut Findings<'_>, requested: Models) {
    if !open(findings, requested).is_empty() {
        findings.proved(Models::new(&[Model::StrictSerializable]));
    }
}

/// The models that nothing found so far rules out; none if no model is asked for that has to do
/// with them.
fn open(findings: &Findings<'_>, requested: Models) -> Vec<Goal> {
    let table = findings.table;
    let told = findings.told();
    let is_open = |goal: &Goal| {
        let is_told = !(table.untimed && goal.clients == Clients::RealTime);
        // Cycles tell of these mostly, and the rest is of use only to who asks.
        let is_of_use = match goal.shape.is_known() {
            true => goal.model == Model::StrongSessionReadCommitted && !table.is_certain(),
            false => !models::unnamed().contains(goal.model),
        };
        let is_asked = is_of_use || requested.contains(goal.model);
        let is_known = told.contains(goal.model) || findings.is_settled(goal.model);
        is_told && is_asked && !is_known
    };
    let goals: Vec<Goal> = GOALS.into_iter().filter(is_open).collect();
    if needs_proof(requested, &goals) { goals } else { Vec::new() }
}

/// Decides all models that nothing found so far rules out, if a model is asked for that has to do
/// with them, and adds what it comes to.
pub(super) fn decide(findings: &mut Findings<'_>, requested: Models) {
    let table = findings.table;
    let goals = open(findings, requested);
    if goals.is_empty() {
        return;
    }
    let facts = Facts::new(table);
    let mut proved = Models::default();
    let mut failed = Vec::new();
    for goal in goals {
        if proved.contains(goal.model) {
            continue;
        }
        match solve(&facts, goal, work_max(table)) {
            Answer::Holds(_) => proved = proved.and(Models::new(&[goal.model]).implied()),
            Answer::Fails(core) => failed.push((goal, core)),
            Answer::Stopped(stopped) => findings.stopped(goal.model, &stopped.to_string()),
        }
    }
    findings.proved(proved);
    // What a weaker model forbids need not be told of those that imply it.
    let weakest = Models::from_iter(failed.iter().map(|(goal, _)| goal.model)).weakest();
    for (goal, core) in failed.into_iter().filter(|(goal, _)| weakest.contains(goal.model)) {
        findings.stronger(goal.violation, || violation(table, goal, core));
    }
}

/// Whether more is asked for than what is known without a search, or one of the models that are
/// open.
fn needs_proof(requested: Models, open: &[Goal]) -> bool {
    let weak = Models::new(&[
        Model::ReadAtomic,
        Model::StrongSessionReadAtomic,
        Model::StrongReadCommitted,
        Model::Causal,
    ]);
    !requested.without(weak.implied()).is_empty()
        || open.iter().any(|goal| requested.contains(goal.model))
}

fn solve(facts: &Facts<'_>, goal: Goal, work_max: u64) -> Answer {
    let problem = Problem::new(facts, goal.shape, goal.clients);
    let answer = Search::new(&problem, work_max).run();
    if let Answer::Holds(order) = &answer {
        debug_assert!(proof::shows(&problem, order), "an order that shows nothing");
    }
    answer
}

/// What proves that a model does not hold, told of as few transactions as show it.
fn violation(table: &Table, goal: Goal, core: Vec<u32>) -> Anomaly {
    let mut budget = SHRINK_WORK;
    let kept = super::shrink::least(table, enough(table, goal, core), &mut budget, |part| {
        fails(part, goal)
    });
    let mut part = super::shrink::part(table, &kept);
    part.name_as_in(table);
    let facts = Facts::new(&part);
    let problem = Problem::new(&facts, goal.shape, goal.clients);
    let refutation = refutation::Refutation::find(&problem);
    debug_assert!(refutation.as_ref().is_none_or(|refutation| refutation.is_sound(&problem)));
    explain::violation(&problem, goal, refutation.as_ref())
}

/// Whether a part of a history shows that a model does not hold.
fn fails(part: &Table, goal: Goal) -> bool {
    matches!(solve(&Facts::new(part), goal, SHRINK_WORK as u64), Answer::Fails(_))
}

/// As many transactions as show, without the others, what these show among them: of a list, what
/// somebody else appended may be needed to know what comes after what.
fn enough(table: &Table, goal: Goal, core: Vec<u32>) -> Vec<u32> {
    if table.kind == Datatype::List && !fails(&super::shrink::part(table, &core), goal) {
        on_keys_of(table, &core)
    } else {
        core
    }
}

/// All transactions that have to do with the keys of these.
fn on_keys_of(table: &Table, transactions: &[u32]) -> Vec<u32> {
    let mut is_one = vec![false; table.keys.len()];
    for transaction in transactions {
        for op in table.micro_ops(*transaction) {
            is_one[op.key() as usize] = true;
        }
    }
    let is_on_them = |transaction: &u32| {
        table.micro_ops(*transaction).iter().any(|op| is_one[op.key() as usize])
    };
    (0..table.len() as u32).filter(is_on_them).collect()
}

/// How many transactions are looked at, all trials together, to find fewer that show a violation.
const SHRINK_WORK: usize = 1 << 20;
