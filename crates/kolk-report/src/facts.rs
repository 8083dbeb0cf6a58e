//! What is to be known of a run beside its plan and history.

use kolk_history::Value;
use kolk_history::summary::Triggered;
use serde::{Deserialize, Serialize};

/// How a run ended, and what it amounts to. Stored in `results.json` under `run`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The challenge it was run for, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Held>,
    /// The faults that waited for an event, or for a leader, and came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggered: Vec<Triggered>,
}

/// A challenge that a run was held to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Held {
    /// `3d`.
    pub id: String,
    /// `total availability`: the challenge may ask for several runs.
    pub name: String,
    /// What was measured, and what it was held to.
    pub limits: Vec<HeldLimit>,
}

/// A value held to a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HeldLimit {
    /// What was measured: `median latency`.
    pub name: String,
    /// `ms`, or nothing.
    pub unit: String,
    /// How much, if there was anything to measure.
    pub value: Option<f64>,
    /// What it must be below, if it must.
    pub below: Option<f64>,
    /// What kolk's own nodes aim at.
    pub goal: Option<f64>,
    /// Whether the limit holds.
    pub holds: bool,
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
    /// No operation had been answered for so long that nothing more was to be expected.
    Silent,
    /// What is stored of it had all the room there was.
    Full,
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
