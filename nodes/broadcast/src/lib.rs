//! The broadcast node.
