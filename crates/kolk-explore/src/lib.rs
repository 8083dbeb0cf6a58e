//! Many runs: which to try next, what they covered, and how a failing one is made small.
//!
//! A run is a function of its plan, and here are functions from what runs showed to plans worth
//! trying. Nothing here starts a node, reads a clock or prints: a [`Lab`] carries out plans, and
//! says when there has been enough of it.
//!
//! - [`explore`] asks a [`Strategy`] for plans, has them carried out side by side, and keeps count
//!   in a [`Tally`]. What comes of it does not depend on how many are carried out at once.
//! - [`Swarm`], [`Bounded`], [`Priorities`] and [`Lineage`] are strategies.
//! - [`shrink()`] makes the plan of a failing run small: every step is kept only if the same class
//!   of anomaly remains. [`nearest()`] finds a run that holds, but for one thing like that.
//! - [`sweep`] is for many machines: results as JSON lines that can be put together.

mod bounded;
mod deviation;
mod faults;
mod lab;
mod lineage;
mod messages;
mod nearest;
mod observation;
mod priorities;
mod quiet;
pub mod shrink;
mod strategy;
mod swarm;
pub mod sweep;
mod tally;
#[cfg(test)]
mod testing;

pub use bounded::Bounded;
pub use deviation::Deviations;
pub use lab::{Halt, Lab, run_all};
pub use lineage::Lineage;
pub use messages::{Message, Messages, Update};
pub use nearest::{Difference, Fate, Nearest, Without, nearest};
pub use observation::{Class, Observation, Trouble, observe};
pub use priorities::Priorities;
pub use quiet::{more_quiet, quiet};
pub use shrink::{Shrunk, Size, shrink};
pub use strategy::{Candidate, Ended, Options, Strategy, explore};
pub use swarm::{Open, Swarm};
pub use tally::{Failure, Tally};
