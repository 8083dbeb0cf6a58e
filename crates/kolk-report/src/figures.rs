//! Pictures of a run under the names that Maelstrom's users look for, as SVG of our own writing.
//!
//! Each is a pure function of the stored run: the same run gives the same bytes. They need no
//! script, follow the reader's light or dark scheme, and tell outcomes apart by form as well as by
//! colour. Whatever nodes printed is escaped, with control and bidirectional characters written
//! out. What is too much to draw is left out in words: a caption says what, and how to see it.

mod bands;
mod bins;
mod latency;
mod messages;
mod panels;
mod rate;
mod scale;
mod style;
mod svg;
mod timeline;

use std::borrow::Cow;
use std::time::Duration;

use kolk_check::{Validity, Verdict};
use kolk_history::{Function, History, Operation, Plan};
use kolk_protocol::Time;

use crate::facts::Facts;
use crate::numbers::counted;

pub use latency::{latency_quantiles, latency_raw};
pub use messages::messages;
pub use rate::rate;
pub use timeline::timeline;

/// A part of a run's time, from its first moment to its last.
pub type Span = (Time, Time);

/// A run to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What decided it.
    pub plan: &'a Plan,
    /// All its operations.
    pub history: &'a History,
    /// What the checkers say.
    pub verdict: &'a Verdict,
    /// How it ended.
    pub facts: &'a Facts,
}

impl Run<'_> {
    /// `broadcast · 5 nodes · seed 0x7 · valid`.
    fn heading(&self) -> String {
        let plan = self.plan;
        let nodes = counted(plan.nodes.len() as u64, "node", "nodes");
        let seed = plan.seed;
        let verdict = self.verdict.validity.name();
        format!("{} · {nodes} · seed {seed:#x} · {verdict}", plan.workload.name)
    }

    /// When the first of the operations that prove the first anomaly was invoked.
    fn anomaly_begin(&self) -> Option<Time> {
        if self.verdict.validity != Validity::Invalid {
            return None;
        }
        let anomalies = self.verdict.anomalies();
        let operations = anomalies.first()?.1.operations.iter();
        let found = operations.filter_map(|index| self.history.operation_at(*index));
        found.map(|operation| operation.invoked).min()
    }

    /// The functions of the operations that count, in the order in which they first appear.
    fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for operation in self.history.counted() {
            if !functions.contains(&operation.function) {
                functions.push(operation.function);
            }
        }
        functions
    }
}

/// How much room a pause takes in a diagram whose time goes downwards: more the longer it is, but
/// ever less so.
fn pause(length: Duration) -> f64 {
    let ms = length.as_nanos() as f64 / 1e6;
    (3.0 + 5.0 * libm::log10(1.0 + ms)).min(34.0)
}

/// How long an operation took, in milliseconds; `None` if it never completed.
fn latency_ms(operation: &Operation) -> Option<f64> {
    operation
        .completion_index
        .map(|_| (operation.completed - operation.invoked).as_nanos() as f64 / 1e6)
}

/// A length of time on an axis: `200 µs`, `5 ms`, `1.5 s`.
fn milliseconds(ms: f64) -> Cow<'static, str> {
    match ms {
        0.0 => "0".into(),
        ms if ms < 1.0 => format!("{} µs", scale::plain(ms * 1000.0)).into(),
        ms if ms < 1000.0 => format!("{} ms", scale::plain(ms)).into(),
        ms => format!("{} s", scale::plain(ms / 1000.0)).into(),
    }
}
