//! The simulator: clocks, network, faults, services, clients and nodes.
//!
//! A deterministic discrete-event simulator with one queue of events and one thread. It takes a
//! [`Plan`](kolk_history::Plan), a [`Workload`] and the nodes, and gives a [`Run`]. It never
//! prints, judges or draws pictures.
//!
//! Nodes in this process, [`Cluster`] among them, run wherever Rust's standard library does.
//! Programs are hosted on Unix systems alone, and traced on Linux on x86-64.

// What only programs need is not reached where they cannot be hosted.
#![cfg_attr(not(unix), allow(dead_code, unused_imports))]

mod admission;
mod clocks;
mod cluster;
mod course;
mod drive;
mod endpoint;
pub mod faults;
mod host;
mod lateness;
mod leaders;
mod logs;
mod network;
mod node_events;
#[cfg(unix)]
pub mod probe;
mod queue;
mod recorder;
pub mod run;
mod service_host;
pub mod services;
mod simulation;
pub mod trace;
mod traffic;
mod triggers;
pub mod workload;

pub use cluster::{Cluster, ClusterOptions};
pub use drive::run;
#[cfg(unix)]
pub use host::programs::{
    Killed, adopt_orphans, can_trace, kill_all_programs, set_warden, speaks_lockstep, watch_over,
};
#[cfg(unix)]
pub use kolk_traced::launch_if_asked;
pub use run::{
    Digest, Ending, EngineError, Flow, JournalSink, NodeSource, Observer, Patience, Progress, Room,
    Run, Setup, Survivor, Watcher,
};
pub use trace::{Trace, TraceEvent, Traced};
pub use workload::{Call, Completion, Invocation, ReplyError, Step, Worker, Workload};
