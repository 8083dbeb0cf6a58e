//! The echo node.
