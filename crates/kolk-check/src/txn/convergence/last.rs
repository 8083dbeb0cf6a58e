//! What the end says of the order in which transactions wrote.
//!
//! The value that every node ends with is the last one of its key: whoever else wrote the key, and
//! was acknowledged, came before. Reads under load do not tell that for registers, so Elle
//! sees no two transactions that each overwrote the other (*G0*), and few circles of other kinds.
//!
//! A list at the end is a read like any other, and of registers follow the edges
//!
//! - *ww*: from every writer of a key that is known to have happened to that of its last value, and
//!   from the writer of a value to who read it and wrote another;
//! - *wr*: from the writer of a value to who read it.

use std::collections::BTreeMap;

use kolk_history::{History, Phase};

use super::State;
use crate::check::{Anomaly, Check};
use crate::kind::Kind;
use crate::models::{self, Models};
use crate::txn::cycles::{self, Scope};
use crate::txn::findings::{Explain, describe};
use crate::txn::graph::{Builder as GraphBuilder, Kinds};
use crate::txn::table::{Builder, Datatype, NONE, Table};
use crate::txn::{list_append, order};

/// Adds what the models asked for forbid, and what is not found without the last reads.
pub(super) fn check(check: &mut Check, history: &History, state: &State<'_>, requested: Models) {
    let found = match state.kind {
        Datatype::List => of_lists(history, requested),
        Datatype::Register => of_registers(history, state, requested),
    };
    let known: Vec<Kind> = check.counts.iter().map(|(kind, _)| *kind).collect();
    for anomaly in found.into_iter().filter(|anomaly| !known.contains(&anomaly.kind)) {
        check.stronger(anomaly.kind, || anomaly);
    }
}

fn of_lists(history: &History, requested: Models) -> Vec<Anomaly> {
    let mut whole = history.clone();
    for operation in &mut whole.operations {
        if operation.phase == Phase::Convergence {
            operation.phase = Phase::Load;
        }
    }
    let check = list_append::check(&whole, requested);
    check.anomalies.into_iter().chain(check.stronger).collect()
}

fn of_registers(history: &History, state: &State<'_>, requested: Models) -> Vec<Anomaly> {
    let table = Builder::read(history, Datatype::Register);
    if !table.duplicates.is_empty() || !table.confused_keys.is_empty() {
        return Vec::new();
    }
    let order = Order::new(&table, state);
    let forbids = |kind| models::ruled_out(kind).overlaps(requested);
    let explain: &Explain<'_> = &|kind, from, to| order.explain(kind, from, to);
    let mut found = cycles::search(&table, &order.graph().finish());
    found.retain(|cycle| forbids(Kind::Cycle(cycle.kind)));
    // A process's order is part of real time's.
    if found.iter().any(|cycle| cycle.kind.scope == Scope::Realtime) {
        found.retain(|cycle| cycle.kind.scope != Scope::Process);
    }
    found.iter().map(|cycle| describe(&table, cycle, explain)).collect()
}

/// Which value comes before which.
struct Order<'a> {
    table: &'a Table,
    /// By key: the element that every node ends with, if somebody may have written it.
    last: Vec<u32>,
}

impl<'a> Order<'a> {
    fn new(table: &'a Table, state: &State<'_>) -> Order<'a> {
        let mut order = Order { table, last: vec![NONE; table.keys.len()] };
        let names: BTreeMap<String, u32> = (0..table.keys.len() as u32)
            .map(|key| (table.key_name(key).to_string(), key))
            .collect();
        let mut ends: BTreeMap<u32, String> = BTreeMap::new();
        for (name, value) in state.agreed() {
            if let Some(key) = names.get(&name.to_string()) {
                ends.insert(*key, value.to_string());
            }
        }
        for element in table.elements.all() {
            let key = table.elements.key(element);
            let is_last = table.elements.origin(element).sound_writer().is_some()
                && ends.get(&key) == Some(&table.value(element).to_string());
            if is_last {
                order.last[key as usize] = element;
            }
        }
        order
    }

    /// What a transaction leaves in each key, and what it had read there before it wrote.
    fn writes(&self, transaction: u32) -> impl Iterator<Item = (u32, Option<u32>)> {
        let micro_ops = self.table.micro_ops(transaction);
        let is_left = |element: u32| self.table.elements.is_final(element);
        micro_ops.iter().filter(move |op| op.is_write() && is_left(op.element())).map(|write| {
            let first = micro_ops.iter().find(|first| first.key() == write.key());
            let read = first.filter(|first| !first.is_write());
            (write.element(), read.and_then(|read| self.table.last_read(*read)).flatten())
        })
    }

    /// The values that a transaction read before it wrote the key.
    fn reads(&self, transaction: u32) -> impl Iterator<Item = u32> {
        let micro_ops = self.table.micro_ops(transaction);
        (0..micro_ops.len()).filter_map(|at| {
            let read = micro_ops[at];
            let is_external = !micro_ops[..at].iter().any(|before| before.key() == read.key());
            if read.is_write() || !is_external {
                return None;
            }
            self.table.last_read(read).flatten()
        })
    }

    /// Who wrote an element, if that may have happened.
    fn writer(&self, element: u32) -> Option<u32> {
        let writer = self.table.elements.writer(element);
        (writer != NONE && self.table.is_possible(writer)).then_some(writer)
    }

    /// Who wrote the last value of an element's key, if that is another value.
    fn last_writer(&self, element: u32) -> Option<u32> {
        let last = self.last[self.table.elements.key(element) as usize];
        if last == NONE || last == element { None } else { self.writer(last) }
    }

    fn graph(&self) -> GraphBuilder {
        let table = self.table;
        let mut graph = GraphBuilder::new(table.len());
        // Of pending ones it is known that they happened if what they wrote is there at the end.
        let mut happened: Vec<bool> =
            (0..table.len() as u32).map(|number| table.is_ok(number)).collect();
        for writer in self.last.iter().filter(|last| **last != NONE) {
            happened[table.elements.writer(*writer) as usize] = true;
        }
        for transaction in (0..table.len() as u32).filter(|number| happened[*number as usize]) {
            for (element, read) in self.writes(transaction) {
                if let Some(last) = self.last_writer(element) {
                    graph.edge(transaction, last, Kinds::WW);
                }
                if let Some(before) = read.and_then(|read| self.writer(read)) {
                    graph.edge(before, transaction, Kinds::WW);
                }
            }
            for writer in self.reads(transaction).filter_map(|element| self.writer(element)) {
                graph.edge(writer, transaction, Kinds::WR);
            }
        }
        order::process(table, &mut graph);
        order::realtime(table, &mut graph);
        graph
    }

    /// Why one transaction comes before another, by an edge of that kind.
    fn explain(
        &self,
        kind: Kinds,
        (from, one): (u32, &str),
        (to, other): (u32, &str),
    ) -> Option<String> {
        let table = self.table;
        let names = |element: u32| {
            let key = table.elements.key(element);
            (table.key_text(key), table.value_text(element))
        };
        let at_the_end = || {
            let mut writes = self.writes(from);
            let (element, _) =
                writes.find(|(element, _)| self.last_writer(*element) == Some(to))?;
            let (key, value) = names(element);
            let last = table.value_text(self.last[table.elements.key(element) as usize]);
            Some(format!(
                "{key} ends as {last}, which {other} wrote, so {one}'s {value} was overwritten"
            ))
        };
        let by_reading = || {
            let is_it = |read: &u32| self.writer(*read) == Some(from);
            let mut writes = self.writes(to).filter_map(|(element, read)| Some((element, read?)));
            let (element, read) = writes.find(|(_, read)| is_it(read))?;
            let (key, first) = names(read);
            let second = table.value_text(element);
            Some(format!("{other} read {one}'s {first} of {key} and overwrote it with {second}"))
        };
        match kind {
            Kinds::WW => at_the_end().or_else(by_reading),
            Kinds::WR => {
                let mut reads = self.reads(to);
                let (key, value) = names(reads.find(|read| self.writer(*read) == Some(from))?);
                Some(format!("{other} read {key} as {value}, which {one} wrote"))
            }
            _ => None,
        }
    }
}
