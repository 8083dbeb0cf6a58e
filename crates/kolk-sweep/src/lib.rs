//! For tests: runs of a node under a load, judged, for many seeds at once.
//!
//! A node's tests say what a load is like as [`Settings`](kolk_workload::Settings), whose node is
//! [`built_in`], and [`measure`] runs it on the virtual clock, with the node in this process, and
//! judges it:
//!
//! ```
//! use kolk_sweep::{built_in, measure};
//! use kolk_workload::Settings;
//!
//! # fn make(args: &[String]) -> Box<dyn kolk_node::Machine> { kolk_node::machine(|_| kolk_echo::Echo) }
//! let mut settings = Settings::new("echo", built_in("echo", ""), 7);
//! settings.time_limit = 2.0;
//! let measured = measure(&settings, make);
//! measured.assert_valid("echo");
//! assert_eq!(measured.of("server-messages-per-operation"), 0.0);
//! ```
//!
//! [`load`] makes such settings as the sweeps of the reference nodes use, and [`trouble`] has the
//! troubles that they share. [`Busy`] makes a node act as on a busy machine. [`for_seeds`] does
//! something for many seeds on all cores, and a [`Sweep`] makes a README's table of it: a row for
//! each kind of trouble.

mod busy;
mod dying;
mod measured;
pub mod raft;
mod seeds;
mod silence;
mod sweep;
pub mod trouble;

pub use busy::Busy;
pub use dying::{assert_caught, assert_durable, assert_replicated, assert_strict};
pub use measured::{Judged, Measured, built_in, judge, judge_replicated, load, measure};
pub use seeds::{Spread, for_seeds, seeds};
pub use sweep::{Show, Sweep};

/// The examples of the book and of the README are compiled and run with the other documentation.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../book/src/node-library.md")]
    mod node_library {}
    #[doc = include_str!("../../../README.md")]
    mod readme {}
}
