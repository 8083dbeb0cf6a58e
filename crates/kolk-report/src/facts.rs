//! What is to be known of a run beside its plan and history.

use kolk_history::Value;
use serde::{Deserialize, Serialize};

/// How a run ended, and what it amounts to. Stored in `results.json` under `run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Facts {
    /// Over everything stored, 32 hexadecimal digits: equal digests, equal runs.
    pub digest: String,
    /// How it ended.
    pub ending: Ending,
    /// When the load began, in nanoseconds.
    pub load_began: u64,
    /// When the load ended, in nanoseconds.
    pub load_ended: u64,
    /// When the run ended, in nanoseconds.
    pub ended: u64,
    /// How many events the engine handled.
    pub event_count: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Ending {
    /// It came to its end.
    Completed,
    /// A node failed in a way that nothing can follow.
    NodeFailed {
        /// Which.
        node: String,
    },
    /// Somebody asked it to stop.
    Interrupted,
}

/// Data as a value, through its JSON; null if it has none.
pub(crate) fn value_of(data: &impl Serialize) -> Value {
    serde_json::to_string(data)
        .ok()
        .and_then(|json| Value::from_json(&json).ok())
        .unwrap_or_default()
}
