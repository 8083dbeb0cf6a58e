//! Workloads: generators, clients, and which checker judges them.
//!
//! One module a workload, each an implementation of [`kolk_engine::Workload`]: it chooses
//! operations, writes the requests and reads the replies. What they do is Maelstrom's
//! (<https://github.com/jepsen-io/maelstrom/blob/main/doc/workloads.md>). [`registry`] finds them
//! by name, [`planner`] turns flags into a [`Plan`](kolk_history::Plan), [`challenge`] holds the
//! Gossip Glomers challenges as data, and [`course`] the stages of the course.

pub mod broadcast;
pub mod challenge;
pub mod counter;
pub mod course;
pub mod echo;
pub mod g_set;
pub mod kafka;
pub mod key_value;
mod keys;
pub mod planner;
pub mod reference;
pub mod registry;
mod reply;
pub mod shared;
#[cfg(test)]
mod tests;
pub mod topology;
pub mod txn;
pub mod unique_ids;

pub use challenge::Challenge;
pub use planner::{PlanError, Settings, plan};
pub use registry::{WorkloadError, by_name, options};
