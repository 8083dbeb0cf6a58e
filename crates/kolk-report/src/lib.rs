//! Reports drawn from a stored run.
//!
//! Pure functions from data to text: a plan, a history, a summary and a verdict in, a screen or a
//! file's content out. Nothing here runs a cluster, reads a clock or writes a file, so that every
//! report can be redrawn from what a run left on disk.

pub mod failure;
pub mod numbers;
pub mod operation;
pub mod progress;
pub mod sanitize;
pub mod style;
pub mod table;
pub mod violation;

pub use style::{Role, Style};
