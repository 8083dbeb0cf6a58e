//! Circles of dependencies: which of them count, for what, and how each is told.

use crate::check::Anomaly;
use crate::kind::Kind;
use crate::models::Model;
use crate::txn::cycles::{Cycle, CycleType, Scope, Shape};
use crate::txn::graph::Kinds;
use crate::txn::order;
use crate::txn::overwrites::Overwrites;
use crate::txn::table::Table;

use super::Findings;

/// The sentence that justifies an edge of that kind between two transactions, each with the name
/// the sentence is to call it by.
pub(crate) type Explain<'a> = dyn Fn(Kinds, (u32, &str), (u32, &str)) -> Option<String> + 'a;

impl Findings<'_> {
    /// The most demanding order that the models asked for speak of: Elle looks at no other.
    pub(super) fn scope(&self) -> Scope {
        let speaks = |scope: Scope| {
            CycleType::all().any(|kind| kind.scope == scope && self.forbids(Kind::Cycle(kind)))
        };
        if speaks(Scope::Realtime) {
            Scope::Realtime
        } else if speaks(Scope::Process) {
            Scope::Process
        } else {
            Scope::Data
        }
    }

    /// Adds cycles. `explain` gives the sentence for an edge between two transactions that are
    /// called by these names.
    pub(crate) fn cycles(&mut self, cycles: &[Cycle], explain: &Explain<'_>) {
        cycles.iter().for_each(|cycle| self.cycle(cycle, explain, false));
    }

    /// Adds cycles that Elle overlooks.
    pub(crate) fn stronger_cycles(&mut self, cycles: &[Cycle], explain: &Explain<'_>) {
        cycles.iter().for_each(|cycle| self.cycle(cycle, explain, true));
    }

    /// Adds a cycle as what it surely is. That somebody read what a transaction wrote proves that
    /// it was committed only where reads of what was not are forbidden: if it was not, a cycle of
    /// writes through it is none, and those reads are *G1*, as is *G1c*.
    fn cycle(&mut self, cycle: &Cycle, explain: &Explain<'_>, is_stronger: bool) {
        if cycle.kind.shape != Shape::G0 || self.is_sure(cycle) {
            return self.add_cycle(cycle, cycle.kind, explain, is_stronger);
        }
        let claim = CycleType { shape: Shape::G1c, ..cycle.kind };
        match self.add_overwrites(cycle.kind.scope, is_stronger) {
            true => self.find(Kind::Cycle(claim)),
            false => self.add_cycle(cycle, claim, explain, is_stronger),
        }
    }

    /// Whether a cycle of writes needs no more proof: whoever wrote was committed, and what tells
    /// who wrote over whom is contradicted by nobody.
    fn is_sure(&self, cycle: &Cycle) -> bool {
        let all_ok = cycle.steps.iter().all(|step| self.table.is_ok(step.from));
        all_ok && !self.found.contains(&Kind::IncompatibleOrder)
    }

    /// Adds what is surely a circle of writes and was not found as one: Elle looks at the last
    /// write of a transaction alone. Where nothing at all was found there is none.
    pub(crate) fn overwrites(&mut self) {
        if self.has_none() {
            return;
        }
        let by_real_time = self.goes_by_real_time();
        for (scope, model) in [
            (Scope::Data, Model::ReadUncommitted),
            (Scope::Realtime, Model::StrongReadUncommitted),
            (Scope::Process, Model::StrongSessionReadUncommitted),
        ] {
            // What was passed over is not told.
            let is_told = |kind: &Kind| !(by_real_time && kind.scope() == Scope::Process);
            let told = || self.found.iter().copied().filter(is_told);
            if !told().any(|kind| self.settles(kind, model)) {
                self.add_overwrites(scope, true);
            }
        }
    }

    /// Whether real time counts: a process's order is part of it, and circles are told by that, as
    /// Elle does.
    fn goes_by_real_time(&self) -> bool {
        self.scope() == Scope::Realtime && !self.table.untimed
    }

    /// Adds a circle of overwrites with the help of that order, once, if there is one.
    fn add_overwrites(&mut self, scope: Scope, is_stronger: bool) -> bool {
        if self.looked_at.contains(&scope) {
            return false;
        }
        self.looked_at.push(scope);
        let table = self.table;
        let overwrites = Overwrites::new(table);
        let Some(circle) = overwrites.circle(table, scope) else { return false };
        let explain: &Explain<'_> = &|_, from, to| overwrites.explain(table, from, to);
        self.add_cycle(&circle, circle.kind, explain, is_stronger);
        true
    }

    /// Adds a cycle that counts as `claim`. Where circles are told by real time, one of a process
    /// is only taken note of: whoever adds it adds one that real time makes, too.
    fn add_cycle(
        &mut self,
        cycle: &Cycle,
        claim: CycleType,
        explain: &Explain<'_>,
        is_stronger: bool,
    ) {
        let table = self.table;
        if claim.scope == Scope::Process && self.goes_by_real_time() {
            return self.find(Kind::Cycle(claim));
        }
        let anomaly = || describe(table, cycle, explain);
        self.add(Kind::Cycle(cycle.kind), Kind::Cycle(claim), is_stronger, anomaly);
    }
}

/// A cycle in words: the transactions in order, then why each comes before the next.
pub(crate) fn describe(table: &Table, cycle: &Cycle, explain: &Explain<'_>) -> Anomaly {
    let members: Vec<u32> = cycle.steps.iter().map(|step| step.from).collect();
    let names: Vec<String> = (1..=members.len()).map(|number| format!("T{number}")).collect();
    let listed: Vec<String> = names
        .iter()
        .zip(&members)
        .map(|(name, member)| format!("{name} ({})", table.operation_text(*member)))
        .collect();
    let claim = match listed.as_slice() {
        [one, other] => format!("{one} and {other} each come before the other"),
        _ => format!(
            "{} come before one another in a circle",
            crate::tree::some_of(listed.iter(), 8)
        ),
    };
    let mut steps: Vec<String> = names
        .iter()
        .zip(&members)
        .map(|(name, member)| format!("{name}: {}", table.transaction_text(*member)))
        .collect();
    for (at, step) in cycle.steps.iter().enumerate() {
        let next = (at + 1) % members.len();
        let (from, to) = ((members[at], names[at].as_str()), (members[next], names[next].as_str()));
        let reason = match step.kind {
            Kinds::PROCESS => {
                let process = table.transactions[from.0 as usize].process;
                Some(format!("process {process} ran {} before {}", from.1, to.1))
            }
            Kinds::REALTIME => {
                debug_assert!(order::is_before(table, from.0, to.0));
                let completion = table.transactions[from.0 as usize].completion;
                Some(format!(
                    "{} was acknowledged (event {completion}) before {} was invoked (event {})",
                    from.1,
                    to.1,
                    table.index(to.0)
                ))
            }
            kind => explain(kind, from, to),
        };
        let reason = reason.unwrap_or_else(|| format!("{:?}", step.kind));
        steps.push(format!("{} before {}: {reason}", from.1, to.1));
    }
    let operations = members.iter().map(|member| table.index(*member)).collect();
    Anomaly { steps, ..Anomaly::new(Kind::Cycle(cycle.kind), claim, operations) }
}
