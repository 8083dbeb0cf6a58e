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
//!
//! # Examples
//!
//! An element is acknowledged, and no later read shows it:
//!
//! ```
//! use kolk_check::{Options, Validity, check_run};
//! use kolk_history::{Function, Story, Value};
//!
//! let mut story = Story::new(2);
//! let add = story.ok(0, 0, Function::Broadcast, 7, Value::Null);
//! story.ok(500, 1, Function::Read, Value::Null, Value::ints(vec![]));
//!
//! let options = Options { workload: "broadcast", ..Options::default() };
//! let verdict = check_run(&story.history, None, &options);
//! assert_eq!(verdict.validity, Validity::Invalid);
//! let lost = verdict.findings()[0];
//! assert_eq!(lost.anomaly.kind, "lost");
//! assert_eq!(lost.anomaly.operations[0], add);
//! ```

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
pub mod kind;
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
pub use kind::Kind;
pub use run::{Options, check_run};
pub use verdict::{Finding, Verdict};
pub use workloads::WORKLOADS;

#[cfg(doc)]
use kolk_history::{History, Summary};

#[cfg(test)]
mod testing;
