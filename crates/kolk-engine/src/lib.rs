//! The simulator: clocks, network, faults, services, clients and nodes.
//!
//! A deterministic discrete-event simulator with one queue of events and one thread. It takes a
//! [`Plan`](kolk_history::Plan), a [`Workload`] and the nodes, and gives a [`Run`]. It never
//! prints, judges or draws pictures.

pub mod faults;
pub mod run;
pub mod workload;

pub use run::{Ending, EngineError, Flow, Observer, Progress, Run};
pub use workload::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
