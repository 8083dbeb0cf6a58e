//! The library for writing nodes that speak Maelstrom's protocol.

pub mod machine;

pub use machine::{Input, Machine, Outputs};
