//! Operations, histories, journals and plans, and how they are stored.
//!
//! What a run leaves behind, as data. This crate does not know how a run came about: the engine
//! makes these types, checkers and reports read them.

pub mod awdit;
mod batch;
mod blocks;
mod builder;
pub mod columns;
pub mod edn;
pub mod error;
mod fields;
pub mod format;
pub mod history;
mod in_order;
pub mod jepsen;
pub mod journal;
pub mod jsonl;
mod lines;
pub mod log_times;
pub mod micro_ops;
pub mod node_events;
pub mod node_names;
pub mod node_state;
pub mod operation;
pub mod plan;
mod story;
pub mod summary;
pub mod value;

pub use error::ReadError;
pub use format::{Format, read};
pub use history::{AnyEvent, Event, EventKind, FaultEvent, History};
pub use micro_ops::MicroOps;
pub use node_names::{NodeNames, NodeNamesError};
pub use node_state::NodeState;
pub use operation::{Function, Operation, Outcome, Phase};
pub use plan::Plan;
pub use story::{Open, Story};
pub use summary::Summary;
pub use value::Value;

#[cfg(test)]
mod tests;
