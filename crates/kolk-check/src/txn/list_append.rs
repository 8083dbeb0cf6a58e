//! list-append: transactions that append to lists and read them.
//!
//! A read of a list tells the order in which its elements were appended, so the versions of a key
//! are the prefixes of its longest read (without repetitions). Elements that were appended and
//! never read come after all that were, in no known order. Then
//!
//! - *ww*: the writer of an element comes before the writer of the next;
//! - *wr*: the writer of the last element of a read comes before the reader;
//! - *rw*: a reader comes before the writer of the element after the last it saw.
//!
//! Of transactions that may have happened or not (`info`), writes count and reads do not; those
//! that failed have no edges. What needs no cycle is found directly: `G1a`, `G1b`, `internal`,
//! `future-read`, `dirty-update`, `duplicate-elements`, `incompatible-order`, `lost-update`, and
//! ours, `garbage-read`: an element that nobody appended, on which Elle crashes; and, as
//! `incompatible-order`, an element read without the one its own transaction appended just before.
//!
//! # What a verdict is worth
//!
//! No circle and no other anomaly is proof of strict serializability: of appends that nobody read
//! any order will do. Where there is one, the models that it does not rule out are decided as for
//! registers, exactly: whatever order the appends that nobody read were made in,
//! and whether transactions of unknown outcome happened. Where at most one append to each key was
//! never read, the order of versions is known, and all models are told by their circles. Nothing
//! else is called proved.

mod direct;
mod versions;

use kolk_history::History;

use super::findings::{Explain, Findings};
use super::graph::{Builder as GraphBuilder, Kinds};
use super::table::{Builder, Datatype, MicroOp, NONE, Table};
use super::{cycles, duplicates, exact, order, shrink, weak};
use crate::check::Check;
use crate::models::{self, Model, Models};
use versions::Versions;

/// Checks a history of transactions of `append` and `r` against these models.
///
/// ```
/// use kolk_check::models::{Model, Models};
/// use kolk_check::txn::list_append;
///
/// // Two that do not see each other's append: write skew.
/// let history = kolk_history::jepsen::read(
///     "{:type :invoke, :process 0, :f :txn, :value [[:r :y nil] [:append :x 1]]}
///      {:type :invoke, :process 1, :f :txn, :value [[:r :x nil] [:append :y 1]]}
///      {:type :ok, :process 0, :f :txn, :value [[:r :y nil] [:append :x 1]]}
///      {:type :ok, :process 1, :f :txn, :value [[:r :x nil] [:append :y 1]]}"
///         .as_bytes(),
///     Vec::new(),
/// )?;
/// let check = list_append::check(&history, Models::new(&[Model::Serializable]));
/// assert_eq!(check.anomalies[0].kind, "G2-item");
/// for step in &check.anomalies[0].steps {
///     println!("{step}");
/// }
/// # Ok::<(), kolk_history::ReadError>(())
/// ```
pub fn check(history: &History, requested: Models) -> Check {
    let table = Builder::read(history, Datatype::List);
    let mut check = check_table(&table, requested);
    shrink::add(&table, &mut check, |part| check_table(part, requested));
    check
}

/// Checks a table of list transactions.
pub(crate) fn check_table(table: &Table, requested: Models) -> Check {
    if let Some(unknown) = duplicates(table) {
        return unknown;
    }
    let mut findings = Findings::new(table, requested, models::decidable());
    let versions = Versions::new(table);
    direct::find(&mut findings, &versions);
    let mut graph = GraphBuilder::new(table.len());
    data_edges(table, &versions, &mut graph);
    order::process(table, &mut graph);
    order::realtime(table, &mut graph);
    let kinds = graph.kinds();
    let cycles = cycles::search(table, &graph.finish());
    let explain: &Explain<'_> = &|kind, from, to| explain(table, &versions, kind, from, to);
    findings.cycles(&cycles, explain);
    findings.overwrites();
    // The order of versions is known: what has no cycle and no other anomaly is serializable in an
    // order that agrees with each process, and all levels hold.
    let levels = if findings.has_none() && !table.untimed {
        weak::Decision::all_hold()
    } else {
        weak::decide(table, requested, |graph| {
            write_edges(table, &versions, graph);
        })
    };
    // The order of processes that real time does not tell is not in the graph for all.
    let has_all = findings.has_none() && !table.untimed;
    levels.report(&mut findings);
    if has_all {
        findings.proved(Models::new(&[Model::StrictSerializable]));
    } else {
        exact::decide(&mut findings, requested);
    }
    findings.finish(kinds)
}

/// Who appended before whom.
fn write_edges(table: &Table, versions: &Versions, graph: &mut GraphBuilder) {
    for key in 0..table.keys.len() as u32 {
        let order = versions.order(key);
        for pair in order.windows(2) {
            if let (Some(before), Some(after)) = (writer(table, pair[0]), writer(table, pair[1])) {
                graph.edge(before, after, Kinds::WW);
            }
        }
        if let Some(last) = order.last().and_then(|last| writer(table, *last)) {
            for open in versions.open_writers(key) {
                graph.edge(last, *open, Kinds::WW);
            }
        }
    }
}

fn data_edges(table: &Table, versions: &Versions, graph: &mut GraphBuilder) {
    write_edges(table, versions, graph);
    let mut at_end: Vec<(u32, u32)> = Vec::new();
    for reader in (0..table.len() as u32).filter(|number| table.is_ok(*number)) {
        for read in table.micro_ops(reader).iter().filter(|micro_op| !micro_op.is_write()) {
            let Some(last) = table.last_read(*read) else { continue };
            if let Some(writer) = last.and_then(|last| writer(table, last)) {
                graph.edge(writer, reader, Kinds::WR);
            }
            match versions.after(table, read.key(), last) {
                After::Element(next) => {
                    if let Some(next) = writer(table, next) {
                        graph.edge(reader, next, Kinds::RW);
                    }
                }
                After::Open if !versions.open_writers(read.key()).is_empty() => {
                    at_end.push((read.key(), reader));
                }
                After::Open | After::Unknown => {}
            }
        }
    }
    at_end.sort_unstable();
    at_end.dedup();
    for readers in at_end.chunk_by(|a, b| a.0 == b.0) {
        let key = readers[0].0;
        let readers: Vec<u32> = readers.iter().map(|(_, reader)| *reader).collect();
        graph.all_to_all(&readers, versions.open_writers(key), Kinds::RW);
    }
}

/// What follows a version.
pub(crate) enum After {
    /// The version that this element makes.
    Element(u32),
    /// Any of the elements that were never read.
    Open,
    /// The version is none of the key's.
    Unknown,
}

/// Who appended an element, if it may have happened.
fn writer(table: &Table, element: u32) -> Option<u32> {
    let writer = table.elements.writer(element);
    (writer != NONE && table.is_possible(writer)).then_some(writer)
}

/// Why one transaction comes before another, by an edge of that kind.
fn explain(
    table: &Table,
    versions: &Versions,
    kind: Kinds,
    (from, one): (u32, &str),
    (to, other): (u32, &str),
) -> Option<String> {
    let reads = |transaction: u32| {
        table.micro_ops(transaction).iter().copied().filter(|micro_op| !micro_op.is_write())
    };
    let mut writes = table.micro_ops(to).iter().copied().filter(|micro_op| micro_op.is_write());
    match kind {
        Kinds::WW => writes.find_map(|write| {
            let before = versions.before(table, write.element())?;
            (writer(table, before) == Some(from))
                .then(|| after_write(table, versions, before, write, one, other))
        }),
        Kinds::WR => reads(to).find_map(|read| {
            let last = table.last_read(read)??;
            let key = table.key_text(read.key());
            let value = table.value_text(last);
            (writer(table, last) == Some(from)).then(|| {
                format!(
                    "{other} read {key} as {}, so it saw {one}'s append of {value}",
                    table.read_text(read)
                )
            })
        }),
        Kinds::RW => writes.find_map(|write| {
            let before = versions.before(table, write.element());
            let read = reads(from)
                .find(|read| read.key() == write.key() && table.last_read(*read) == Some(before))?;
            Some(format!(
                "{one} read {} as {}, so it did not see {other}'s append of {}",
                table.key_text(read.key()),
                table.read_text(read),
                table.value_text(write.element())
            ))
        }),
        _ => None,
    }
}

fn after_write(
    table: &Table,
    versions: &Versions,
    before: u32,
    write: MicroOp,
    one: &str,
    other: &str,
) -> String {
    let key = table.key_text(write.key());
    let (first, second) = (table.value_text(before), table.value_text(write.element()));
    if versions.place(write.element()).is_none() {
        format!(
            "{other}'s append of {second} to {key} was never read, so it came after {one}'s append \
             of {first}, the last that was"
        )
    } else {
        format!("{key} was read with {one}'s append of {first} just before {other}'s of {second}")
    }
}

#[cfg(test)]
mod tests;
