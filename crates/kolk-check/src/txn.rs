//! Transactions over lists and registers: which consistency models a history rules out.
//!
//! The method is Elle's (Kingsbury & Alvaro, *Elle: Inferring Isolation Anomalies from
//! Experimental Observations*, VLDB 2020), after Adya's phenomena: from what transactions read
//! follow the versions that each key went through, and from these who depends on whom; a cycle of
//! dependencies is an anomaly, named by its edges. Unlike Elle, the search is
//! [exact](cycles) and not limited by the wall clock.

pub(crate) mod codes;
mod components;
pub(crate) mod convergence;
pub mod cycles;
mod exact;
mod findings;
mod graph;
pub(crate) mod level;
pub(crate) mod levels;
pub mod list_append;
mod order;
mod overwrites;
mod runs;
pub mod rw_register;
mod same_key;
mod shrink;
pub(crate) mod table;
mod weak;
mod words;

use crate::check::{Anomaly, Check, PROOF_MAX};
use crate::kind::Kind;
pub use level::Level;
pub use levels::Levels;

use findings::Findings;
use table::Table;

/// Of a table in which a value was written twice to a key, and read, nothing can be said.
fn duplicates(table: &Table) -> Option<Check> {
    let (element, second) = *table.confused().first()?;
    let (first, key) = (table.elements.writer(element), table.elements.key(element));
    let key = table.key_text(key);
    Some(Check::unknown(
        "workload",
        format!(
            "{} and {} both write {} to {key}: what was read cannot be told apart",
            table.operation_text(first),
            table.operation_text(second),
            table.value_text(element),
        ),
    ))
}

/// Transactions that read the same version of a key and then wrote the key.
fn lost_update(findings: &mut Findings<'_>, read: u32, first: u32, others: Vec<u32>) {
    let table = findings.table;
    findings.anomaly(Kind::LostUpdate, || {
        let all: Vec<u32> = std::iter::once(first).chain(others).collect();
        let names: Vec<String> =
            all.iter().map(|transaction| table.operation_text(*transaction)).collect();
        let who = match names.as_slice() {
            [one, other] => format!("{one} and {other} both"),
            names => format!("{} all", crate::tree::some_of(names.iter(), PROOF_MAX)),
        };
        let read = table.operations[read as usize];
        let claim = format!(
            "{who} read {} as {} and then wrote it",
            table.key_text(read.key()),
            table.read_text(read)
        );
        let proof = all.iter().take(PROOF_MAX).map(|transaction| table.index(*transaction));
        Anomaly::new(Kind::LostUpdate, claim, proof.collect())
    });
}

#[cfg(test)]
mod monotone;
#[cfg(test)]
mod named;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod records;
#[cfg(test)]
mod stores;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod texts;
