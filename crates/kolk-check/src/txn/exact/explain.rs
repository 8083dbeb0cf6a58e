//! Refutations in words.

use crate::check::Anomaly;
use crate::txn::graph::Kinds;
use crate::txn::table::{Datatype, Table};
use crate::txn::{PROOF_MAX, order};

use super::problem::Problem;
use super::refutation::{Refutation, Step};
use super::{Goal, Shape};

/// How many cases are told.
const TOLD_MAX: usize = 16;

/// The anomaly: the transactions of a problem that has no order, and for each case a circle.
pub(super) fn violation(
    problem: &Problem<'_>,
    goal: Goal,
    refutation: Option<&Refutation>,
) -> Anomaly {
    let words = Words { problem, table: problem.facts.table };
    let table = words.table;
    let all = 0..table.len() as u32;
    let listed =
        all.clone().map(|member| format!("T{} ({})", member + 1, table.operation_text(member)));
    let claim = format!(
        "{} are not {} together, in whatever order the writes of each key were made",
        crate::tree::some_of(listed.collect::<Vec<_>>().iter(), PROOF_MAX),
        goal.model
    );
    let mut steps: Vec<String> = all
        .clone()
        .take(TOLD_MAX)
        .map(|member| format!("T{}: {}", member + 1, table.transaction_text(member)))
        .collect();
    match refutation {
        Some(refutation) => {
            let mut cases = Vec::new();
            words.cases(refutation, &mut Vec::new(), &mut cases);
            let more = cases.len().saturating_sub(TOLD_MAX);
            steps.extend(cases.into_iter().take(TOLD_MAX));
            if more > 0 {
                steps.push(format!("and {more} cases more, each of which ends in a circle"));
            }
        }
        None => {
            let note = "the cases are too many to be told: the search met a contradiction in each";
            steps.push(note.to_owned());
        }
    }
    let mut smallest: Vec<u32> = all.map(|member| table.index(member)).collect();
    let operations = smallest.clone();
    smallest.sort_unstable();
    Anomaly { steps, smallest, ..Anomaly::new(goal.violation, claim, operations) }
}

struct Words<'a> {
    problem: &'a Problem<'a>,
    table: &'a Table,
}

impl Words<'_> {
    fn cases(
        &self,
        refutation: &Refutation,
        supposed: &mut Vec<(u32, u32)>,
        cases: &mut Vec<String>,
    ) {
        match refutation {
            Refutation::Cycle(steps) => self.case(steps, supposed, cases),
            Refutation::Either(one, other, both) => {
                for (pair, case) in [(*one, *other), (*other, *one)].into_iter().zip(both.iter()) {
                    supposed.push(pair);
                    self.cases(case, supposed, cases);
                    supposed.pop();
                }
            }
        }
    }

    fn case(&self, steps: &[Step], supposed: &[(u32, u32)], cases: &mut Vec<String>) {
        let reasons = self.reasons(steps);
        if supposed.is_empty() {
            cases.extend(reasons);
            return;
        }
        let supposed: Vec<String> = supposed.iter().map(|pair| self.order_text(*pair)).collect();
        cases.push(format!("if {}: {}", supposed.join(" and "), reasons.join("; ")));
    }

    fn order_text(&self, (first, second): (u32, u32)) -> String {
        let facts = self.problem.facts;
        format!(
            "T{} set {} to {} before T{} set it to {}",
            facts.writer(first) + 1,
            self.table.key_text(self.table.elements.key(first)),
            self.table.value_text(first),
            facts.writer(second) + 1,
            self.table.value_text(second)
        )
    }

    /// Why each transaction comes before the next. What leads on from a hub, or from a
    /// transaction's begin to its commit, is no step of its own.
    fn reasons(&self, steps: &[Step]) -> Vec<String> {
        let told = |step: &Step| step.kind != Kinds::FREE;
        let first = steps.iter().position(told).unwrap_or(0);
        let turned: Vec<Step> = steps[first..].iter().chain(&steps[..first]).copied().collect();
        let at: Vec<usize> = (0..turned.len()).filter(|at| told(&turned[*at])).collect();
        let reasons = at.iter().map(|place| {
            let step = turned[*place];
            let from = self.problem.transaction(step.from).unwrap_or(0);
            // The next event that is one, over hubs.
            let next = (1..=turned.len()).map(|more| turned[(place + more) % turned.len()].from);
            let to = next.into_iter().find_map(|vertex| self.problem.transaction(vertex));
            self.reason(step, from, to.unwrap_or(from))
        });
        reasons.collect()
    }

    fn reason(&self, step: Step, from: u32, to: u32) -> String {
        let (one, other) = (format!("T{}", from + 1), format!("T{}", to + 1));
        let table = self.table;
        let why = match (step.kind, step.because) {
            (Kinds::PROCESS, _) => {
                let process = table.transactions[from as usize].process;
                format!("process {process} ran {one} before {other}")
            }
            (Kinds::REALTIME, _) => {
                debug_assert!(order::is_before(table, from, to));
                let completion = table.transactions[from as usize].completion;
                let index = table.index(to);
                format!(
                    "{one} was acknowledged (event {completion}) before {other} was invoked (event \
                     {index})"
                )
            }
            (kind, _) if table.kind == Datatype::List => {
                let told = self.of_lists(kind, (from, &one), (to, &other));
                told.unwrap_or_else(|| format!("{kind:?}"))
            }
            (Kinds::WR, _) => {
                let (key, value) = self.read(to, |element| table.elements.writer(element) == from);
                format!("{other} read {key} as {value}, which {one} wrote")
            }
            (Kinds::WW, Some((first, second))) => {
                let key = table.key_text(table.elements.key(first));
                let (first, second) = (table.value_text(first), table.value_text(second));
                format!("{other} overwrote {one}'s {first} of {key} with {second}")
            }
            (Kinds::RW, Some((first, second))) => {
                let key = table.key_text(table.elements.key(first));
                let (first, second) = (table.value_text(first), table.value_text(second));
                format!("{one} read {key} as {first}, which {other} overwrote with {second}")
            }
            _ => self.read_nothing(from, to),
        };
        match self.problem.shape {
            Shape::Parallel if step.kind == Kinds::RW => {
                format!("{one} did not see {other}: {why}")
            }
            Shape::Parallel => format!("{other} saw {one}: {why}"),
            _ => format!("{one} before {other}: {why}"),
        }
    }

    /// Why one transaction on lists comes before another.
    fn of_lists(
        &self,
        kind: Kinds,
        (from, one): (u32, &str),
        (to, other): (u32, &str),
    ) -> Option<String> {
        let table = self.table;
        let ops = |transaction: u32, writes: bool| {
            table.micro_ops(transaction).iter().filter(move |op| op.is_write() == writes)
        };
        let lists =
            |reader: u32| ops(reader, false).filter_map(|read| Some((*read, table.list(*read)?)));
        match kind {
            Kinds::WR => lists(to).find_map(|(read, list)| {
                let is_it = |element: &&u32| table.elements.writer(**element) == from;
                let element = list.iter().rfind(is_it)?;
                let (key, value) = (table.key_text(read.key()), table.value_text(*element));
                let list = table.read_text(read);
                Some(format!("{other} read {key} as {list}, which holds {one}'s {value}"))
            }),
            Kinds::RW => lists(from).find_map(|(read, list)| {
                let mut writes = ops(to, true).filter(|write| write.key() == read.key());
                let write = writes.find(|write| !list.contains(&write.element()))?;
                let (key, value) = (table.key_text(read.key()), table.value_text(write.element()));
                let list = table.read_text(read);
                Some(format!("{one} read {key} as {list}, without {other}'s {value}"))
            }),
            _ => ops(from, true).find_map(|first| {
                let second = ops(to, true).find(|second| second.key() == first.key())?;
                let key = table.key_text(first.key());
                let (a, b) = (first.element(), second.element());
                let is_read = table.spine(first.key()).contains(&b);
                let (a, b) = (table.value_text(a), table.value_text(b));
                Some(match is_read {
                    true => format!("{key} was read with {one}'s {a} before {other}'s {b}"),
                    false => format!("{other}'s {b} of {key} was never read, unlike {one}'s {a}"),
                })
            }),
        }
    }

    fn read(&self, reader: u32, is_it: impl Fn(u32) -> bool) -> (String, String) {
        let table = self.table;
        let reads = table.micro_ops(reader).iter().filter(|op| !op.is_write());
        let mut elements = reads.filter_map(|op| table.last_read(*op).flatten());
        let found = elements.find(|element| is_it(*element)).unwrap_or(0);
        (table.key_text(table.elements.key(found)), table.value_text(found))
    }

    fn read_nothing(&self, from: u32, to: u32) -> String {
        let (table, facts) = (self.table, self.problem.facts);
        let written = table.elements.all().filter(|element| facts.writer(*element) == to);
        let unread = written
            .into_iter()
            .find(|element| facts.readers_of_nothing(table.elements.key(*element)).contains(&from));
        let element = unread.unwrap_or(0);
        format!(
            "T{} read {} as nothing, so it did not see T{}'s write of {}",
            from + 1,
            table.key_text(table.elements.key(element)),
            to + 1,
            table.value_text(element)
        )
    }
}
