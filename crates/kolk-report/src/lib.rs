//! Reports drawn from a stored run.
//!
//! Pure functions from data to text: a plan, a history, a summary and a verdict in, a screen or a
//! file's content out. Nothing here runs a cluster, reads a clock or writes a file, so that every
//! report can be redrawn from what a run left on disk.

pub mod challenge;
pub mod course;
pub mod difference;
mod effects;
pub mod explore;
pub mod export;
pub mod facts;
pub mod failure;
pub mod faults;
pub mod figures;
pub mod html;
pub mod jepsen_log;
mod json;
pub mod numbers;
pub mod operation;
pub mod progress;
pub mod results;
pub mod sanitize;
pub mod screen;
pub mod statistics;
pub mod stored;
pub mod style;
pub mod table;
pub mod violation;
mod xml;

pub use style::{Role, Style};
