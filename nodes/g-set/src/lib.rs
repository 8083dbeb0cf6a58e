//! A grow-only set as a delta-state CRDT.
