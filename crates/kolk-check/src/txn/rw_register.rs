//! rw-register: transactions that set registers and read them. Each value is written once to a key.
//!
//! An *external* read is the first of a key that does not follow a write of the same transaction;
//! an external write is the last of a key. What is read tells who wrote it (*wr*), but not in which
//! order values were written. Of that we know: nothing comes before any value; and where a
//! transaction externally reads one value of a key and externally writes another, the first comes
//! before the second. From these follow
//!
//! - *ww*: the writer of a value comes before the writer of one that comes later;
//! - *rw*: who read a value comes before the writer of one that directly follows.
//!
//! More follows if each key is [assumed](AssumedKeys) to be sequential, or linearizable. A source
//! of such orders in which values of a key come before themselves is reported as `cyclic-versions`,
//! and gives no edges of that key. What needs no cycle is found directly: `G1a`, `G1b`, `internal`,
//! `lost-update`.
//!
//! Stronger, beside Elle: transactions that may have happened or not (`info`) surely did if
//! somebody read what they wrote, and give edges then; a value that nobody wrote (`garbage-read`);
//! a transaction that reads what it writes only later (`future-read`), or nothing and then
//! something (`internal`); and whether the history is read committed, read atomic and causal,
//! exactly.
//!
//! # What a verdict is worth
//!
//! To tell whether a history of registers is serializable is NP-hard (Papadimitriou, *The
//! serializability of concurrent database updates*, JACM 1979). Elle goes by the orders of writes
//! that transactions tell, and overlooks what follows from none of them. What Elle's method leaves
//! open is decided here by a search over the orders that blind writes may have been made in,
//! exactly, and whether transactions of unknown outcome happened: nothing is held against a history
//! wrongly, and what is called proved holds. Where the search reaches its bound, which depends on
//! the history alone, the verdict is unknown. Tests show all this by trying all orders.

mod assumed;
mod direct;
mod explain;
pub(in crate::txn) mod versions;

use kolk_history::History;

use super::findings::{Explain, Findings};
use super::graph::{Builder as GraphBuilder, Graph, Kinds};
use super::table::{Builder, Datatype, Table};
use super::{cycles, duplicates, exact, order, shrink, weak};
use crate::check::Check;
use crate::models::{self, Models};
use assumed::Assumed;
pub use assumed::AssumedKeys;
use explain::Explainer;
use versions::Versions;

/// From how many transactions on two threads are worth their while.
const PARALLEL_MIN: usize = 1_000;

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
/// // Elle holds nothing against it; exactly decided, it is not read atomic.
/// assert_eq!(check.validity(false), Validity::Valid);
/// assert_eq!(check.validity(true), Validity::Invalid);
/// assert_eq!(check.stronger[0].kind, "read-atomic-violation");
/// # Ok::<(), kolk_history::ReadError>(())
/// ```
pub fn check(history: &History, requested: Models) -> Check {
    check_assuming(history, requested, AssumedKeys::default())
}

/// Checks a history against these models, with what is assumed of each key.
///
/// ```
/// use kolk_check::models::{Model, Models};
/// use kolk_check::txn::rw_register::{self, AssumedKeys};
///
/// // One session: it writes 1, then 2, and then reads 1 again.
/// let history = kolk_history::awdit::read("w 1 1\n-----\nw 1 2\n-----\nr 1 1\n".as_bytes())?;
/// let models = Models::new(&[Model::Serializable]);
/// // Who knows in which order the values were written?
/// assert!(rw_register::check(&history, models).anomalies.is_empty());
/// let keys = AssumedKeys { sequential: true, ..AssumedKeys::default() };
/// let check = rw_register::check_assuming(&history, models, keys);
/// assert_eq!(check.anomalies[0].kind, "cyclic-versions");
/// # Ok::<(), kolk_history::ReadError>(())
/// ```
pub fn check_assuming(history: &History, requested: Models, keys: AssumedKeys) -> Check {
    let table = Builder::read(history, Datatype::Register);
    let mut check = check_table(&table, requested, keys);
    shrink::add(&table, &mut check, |part| judge(part, requested, keys, false));
    check
}

/// Checks a table of register transactions.
pub(crate) fn check_table(table: &Table, requested: Models, keys: AssumedKeys) -> Check {
    judge(table, requested, keys, true)
}

/// Checks a table; `exactly`, whatever order the writes of a key were made in.
fn judge(table: &Table, requested: Models, keys: AssumedKeys, exactly: bool) -> Check {
    if let Some(unknown) = duplicates(table) {
        return unknown;
    }
    let at_once = if exactly { at_once(table, requested) } else { None };
    at_once.unwrap_or_else(|| in_full(table, requested, keys, exactly))
}

/// The verdict on a history that is found to be strict serializable before anything else is looked
/// at: all models hold, whatever is assumed of keys, as they agree with the order found.
fn at_once(table: &Table, requested: Models) -> Option<Check> {
    if !reads_of_others(table) || !exact::have_instants(table) {
        return None;
    }
    let mut findings = Findings::new(table, requested, models::decidable());
    weak::Decision::requested_hold(requested).report(&mut findings);
    exact::all_hold(&mut findings, requested);
    Some(findings.finish(Kinds::WR))
}

fn in_full(table: &Table, requested: Models, keys: AssumedKeys, exactly: bool) -> Check {
    let mut findings = Findings::new(table, requested, models::decidable());
    // The two halves have nothing to do with one another.
    let levels = || weak::decide(table, requested, |_| {});
    let mut dependencies = || dependencies(table, &mut findings, keys);
    let (kinds, levels) = if table.len() < PARALLEL_MIN {
        (dependencies(), levels())
    } else {
        rayon::join(dependencies, levels)
    };
    levels.report(&mut findings);
    if exactly {
        exact::decide(&mut findings, requested);
    }
    findings.finish(kinds)
}

/// Whether an acknowledged transaction read what another one wrote: then one depends on another.
fn reads_of_others(table: &Table) -> bool {
    (0..table.len() as u32).filter(|reader| table.is_ok(*reader)).any(|reader| {
        table.micro_ops(reader).iter().filter(|op| !op.is_write()).any(|op| {
            let writer = op.origin().sound_writer();
            writer.is_some_and(|writer| writer != reader && table.is_ok(writer))
        })
    })
}

/// Finds what Elle's method finds. Gives what kinds of edges there are.
fn dependencies(table: &Table, findings: &mut Findings<'_>, keys: AssumedKeys) -> Kinds {
    direct::find(findings);
    let known = Versions::new(table, false);
    known.report_cyclic(findings);
    let assumed = (!keys.is_none()).then(|| Assumed::new(table, &known, keys));
    let assumed = assumed.as_ref();
    if let Some(assumed) = assumed {
        assumed.report(findings);
    }
    let (original, kinds) = graph(table, &known, assumed);
    let explainer = Explainer { table, versions: &known, assumed };
    let explain_original: &Explain<'_> = &|kind, from, to| explainer.edge(kind, from, to);
    if known.has_pending() {
        let with_pending = Versions::new(table, true);
        // Most often there is no cycle even with the pending ones, and all is said.
        let all = cycles::search(table, &graph(table, &with_pending, assumed).0);
        if !all.is_empty() {
            let found = cycles::search(table, &original);
            findings.cycles(&found, explain_original);
            let more: Vec<_> = all
                .into_iter()
                .filter(|cycle| !found.iter().any(|other| other.kind.implies(cycle.kind)))
                .collect();
            let explainer = Explainer { versions: &with_pending, ..explainer };
            let explain_all: &Explain<'_> = &|kind, from, to| explainer.edge(kind, from, to);
            findings.stronger_cycles(&more, explain_all);
        }
    } else {
        let found = cycles::search(table, &original);
        findings.cycles(&found, explain_original);
    }
    findings.overwrites();
    kinds
}

/// The graph of these versions, and what kinds of edges it has.
fn graph(table: &Table, versions: &Versions, assumed: Option<&Assumed>) -> (Graph, Kinds) {
    let mut graph = GraphBuilder::new(table.len());
    data_edges(table, versions, &mut graph);
    if let Some(assumed) = assumed {
        assumed.edges(table, versions, &mut graph);
    }
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

#[cfg(test)]
mod tests;
