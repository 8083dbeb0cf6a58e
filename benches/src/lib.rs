//! Side-by-side benchmarks.

pub mod relay;
