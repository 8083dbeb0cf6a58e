//! A simulated cluster under trouble, an independent check of the invariants over what it did, and
//! the mistakes that both must find.

mod faults;
mod invariants;
mod planted;
mod seeds;
mod simulator;
mod store;
