//! Misbehaving nodes: what a user sees of each, and that kolk comes out of it unharmed.
//!
//! Every kind of node is a few words of shell. Whatever it does, kolk must end by itself and in
//! time, with the right exit status; leave a run folder that can be read; and leave no process
//! behind. What it says about the node is a snapshot.

mod bounds;
mod folder;
mod in_process;
mod interrupted;
mod kinds;
mod lockstep;
mod node;
mod outages;
mod redact;
mod start;
mod storms;
mod traced;
