//! Parts of which replicated nodes are made, on the public interface of [`kolk_node`] alone.
//!
//! - [`gossip`] brings values to every node of a cluster, and [`crdt`] keeps counters and sets on
//!   it that need no agreement.
//! - [`outbox`] repeats batches for one peer until they are answered, and [`once`] lets a receiver
//!   perform each request once, however often it arrives.
//! - [`versions`] is a map that changes in one order, and the copies of it that follow.
//! - [`replicated`](mod@replicated) keeps a state machine of the caller's the same on all nodes, by
//!   Raft: what was acknowledged is on a majority's disks, and each request is performed once.
//! - [`transactions`] are such a state machine: keys that are read and changed, several at once.
//! - [`durable`] is a log on a node's disk, and a set in it: what was kept survives kills and
//!   losses of power.
//! - [`ownership`] tells which node owns a key, without asking anybody.
//!
//! Each is deterministic: on the virtual clock a run is a function of its seed.

#![warn(missing_debug_implementations)]

pub mod crdt;
pub mod durable;
pub mod gossip;
pub mod once;
pub mod outbox;
pub mod ownership;
pub mod replicated;
mod round_trip;
pub mod transactions;
pub mod versions;

pub use replicated::replicated;
pub use round_trip::RoundTrip;
