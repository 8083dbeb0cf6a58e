//! Signals to kolk.
