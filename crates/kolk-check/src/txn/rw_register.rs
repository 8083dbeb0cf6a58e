//! rw-register: transactions that set registers and read them. Each value is written once to a key.
//!
//! An *external* read is the first of a key that does not follow a write of the same transaction; an
//! external write is the last of a key. What is read tells who wrote it (*wr*), but not in which
//! order values were written. Of that we know: nothing comes before any value; and where a
//! transaction externally reads one value of a key and externally writes another, the first comes
//! before the second. From these follow
//!
//! - *ww*: the writer of a value comes before the writer of one that comes later;
//! - *rw*: who read a value comes before the writer of one that directly follows.
//!
//! Values of a key that come before themselves are `cyclic-versions`, and give no edges of that key.
//! What needs no cycle is found directly: `G1a`, `G1b`, `internal`, `lost-update`.
//!
//! Stronger, beside the original: transactions that may have happened or not (`info`) surely did if
//! somebody read what they wrote, and give edges then; a value that nobody wrote (`garbage-read`); a
//! transaction that reads what it writes only later (`future-read`), or nothing and then something
//! (`internal`); and whether the history is read committed, read atomic and causal,
//! exactly.

mod direct;
mod versions;

use kolk_history::History;

use super::findings::{Explain, Findings};
use super::graph::{Builder as GraphBuilder, Graph, Kinds};
use super::table::{Builder, Kind, Table};
use super::{cycles, duplicates, order, weak};
use crate::check::Check;
use crate::models::{self, Models};
use versions::Versions;

/// Checks a history of transactions of `w` and `r` against these models.
///
/// ```
/// use kolk_check::Validity;
/// use kolk_check::models::{Model, Models};
/// use kolk_check::txn::rw_register;
///
/// // AWDIT's text: each line a micro-operation, a session after another.
/// let text = "w 1 1\nw 2 1\n=====\nw 1 2\nw 2 2\n=====\nr 1 1\nr 2 2\n";
/// let history = kolk_history::awdit::read(text.as_bytes())?;
/// let check = rw_register::check(&history, Models::new(&[Model::ReadAtomic]));
/// // The original holds nothing against it; exactly decided, it is not read atomic.
/// assert_eq!(check.validity(false), Validity::Valid);
/// assert_eq!(check.validity(true), Validity::Invalid);
/// assert_eq!(check.stronger[0].kind, "read-atomic-violation");
/// # Ok::<(), kolk_history::ReadError>(())
/// ```
pub fn check(history: &History, requested: Models) -> Check {
    check_table(&Builder::read(history, Kind::Write), requested)
}

/// Checks a table of register transactions.
pub(crate) fn check_table(table: &Table, requested: Models) -> Check {
    if let Some(unknown) = duplicates(table) {
        return unknown;
    }
    // The two halves have nothing to do with one another.
    std::thread::scope(|scope| {
        let levels = scope.spawn(|| weak::decide(table, weak::strongest(requested), |_| {}));
        let mut findings = Findings::new(table, requested, models::decidable());
        let kinds = dependencies(table, &mut findings);
        match levels.join() {
            Ok(levels) => levels.report(&mut findings),
            Err(panic) => std::panic::resume_unwind(panic),
        }
        findings.finish(kinds)
    })
}

/// Finds what Elle's method finds. Gives what kinds of edges there are.
fn dependencies(table: &Table, findings: &mut Findings<'_>) -> Kinds {
    direct::find(findings);
    let known = Versions::new(table, false);
    known.report_cyclic(findings);
    let (original, kinds) = graph(table, &known);
    let explain_original: &Explain<'_> = &|kind, from, to| explain(table, &known, kind, from, to);
    if known.has_pending() {
        let with_pending = Versions::new(table, true);
        // Most often there is no cycle even with the pending ones, and all is said.
        let all = cycles::search(table, &graph(table, &with_pending).0);
        if !all.is_empty() {
            let found = cycles::search(table, &original);
            findings.cycles(&found, explain_original);
            let more: Vec<_> = all
                .into_iter()
                .filter(|cycle| !found.iter().any(|other| other.kind.implies(cycle.kind)))
                .collect();
            let explain_all: &Explain<'_> =
                &|kind, from, to| explain(table, &with_pending, kind, from, to);
            findings.stronger_cycles(&more, explain_all);
        }
    } else {
        let found = cycles::search(table, &original);
        findings.cycles(&found, explain_original);
    }
    kinds
}

/// The graph of these versions, and what kinds of edges it has.
fn graph(table: &Table, versions: &Versions) -> (Graph, Kinds) {
    let mut graph = GraphBuilder::new(table.len());
    data_edges(table, versions, &mut graph);
    order::process(table, &mut graph);
    order::realtime(table, &mut graph);
    let kinds = graph.kinds();
    (graph.finish(), kinds)
}

fn data_edges(table: &Table, versions: &Versions, graph: &mut GraphBuilder) {
    for element in table.elements.all() {
        let readers = versions.readers(element);
        if let Some(writer) = versions.writer(table, element) {
            for reader in readers {
                graph.edge(writer, *reader, Kinds::WR);
            }
            for next in versions.next_writers(element) {
                graph.edge(writer, *next, Kinds::WW);
            }
        }
        graph.all_to_all(readers, versions.next_writers(element), Kinds::RW);
    }
    for key in 0..table.keys.len() as u32 {
        graph.all_to_all(versions.readers_of_nothing(key), versions.writers(key), Kinds::RW);
    }
}

/// Why one transaction comes before another, by an edge of that kind.
fn explain(
    table: &Table,
    versions: &Versions,
    kind: Kinds,
    (from, one): (u32, &str),
    (to, other): (u32, &str),
) -> Option<String> {
    let mut writes = table
        .micro_ops(to)
        .iter()
        .filter(|micro_op| micro_op.is_write())
        .map(|write| (write.key(), write.element()))
        .filter(|(_, element)| versions.writer(table, *element) == Some(to));
    match kind {
        Kinds::WR => table.micro_ops(to).iter().find_map(|read| {
            let element = (!read.is_write()).then(|| table.last_read(*read))???;
            let is_it = versions.writer(table, element) == Some(from)
                && versions.readers(element).binary_search(&to).is_ok();
            is_it.then(|| {
                let (key, value) = (table.key_text(read.key()), table.value_text(element));
                format!("{other} read {key} as {value}, which {one} wrote")
            })
        }),
        Kinds::WW => writes.find_map(|(key, element)| {
            let before = versions.before(element)?;
            (versions.writer(table, before) == Some(from)).then(|| {
                let (key, first) = (table.key_text(key), table.value_text(before));
                let second = table.value_text(element);
                format!("{other} read {one}'s {first} of {key} and overwrote it with {second}")
            })
        }),
        Kinds::RW => writes.find_map(|(key, element)| {
            let (name, second) = (table.key_text(key), table.value_text(element));
            if versions.readers_of_nothing(key).binary_search(&from).is_ok() {
                return Some(format!(
                    "{one} read {name} as nothing, so it did not see {other}'s write of {second}"
                ));
            }
            let before = versions.before(element)?;
            versions.readers(before).binary_search(&from).is_ok().then(|| {
                let first = table.value_text(before);
                format!(
                    "{one} read {name} as {first}, which {other} read too and overwrote with \
                     {second}"
                )
            })
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
