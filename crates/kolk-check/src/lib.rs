//! Checkers: a history in, a verdict with its evidence out.
//!
//! A checker is a pure function. It gets a [`History`] (and, for the network and the protocol, a
//! [`Summary`]) and gives a [`Check`]: how valid the history is, the [anomalies](Anomaly) that say
//! why, with the operations that prove each, what was measured, and what was *not* checked.
//! [`check_run`] puts together all checks of a workload.
//!
//! The semantics are those of Maelstrom (with jepsen 0.3.7). Where Maelstrom overlooks
//! something, the finding stands in [`Check::stronger`], and counts only when
//! [`Options::strict`] is set.

pub mod answered;
pub mod asked;
pub mod availability;
pub mod bank;
pub mod causes;
pub mod check;
pub mod convergence;
pub mod counter;
pub mod echo;
pub mod explain;
pub mod guide;
pub mod kafka;
pub mod linearizable;
pub mod long_fork;
pub mod models;
pub mod net;
pub mod objects;
pub mod perf;
pub mod predecessors;
pub mod protocol;
pub mod queue;
pub mod run;
pub mod sequential;
pub mod set;
pub mod set_full;
pub mod stats;
pub mod txn;
pub mod unique_ids;
pub mod verdict;
pub mod workloads;

mod elements;
mod said;
mod search;
mod shrink;
mod tree;
mod values;

pub use check::{ANOMALIES_MAX, Anomaly, Check, Measure, Validity};
pub use run::{Options, check_run};
pub use verdict::{Finding, Verdict};
pub use workloads::WORKLOADS;

#[cfg(doc)]
use kolk_history::{History, Summary};

#[cfg(test)]
mod testing;
