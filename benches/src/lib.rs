//! Side-by-side benchmarks.

pub mod measured;
pub mod relay;
