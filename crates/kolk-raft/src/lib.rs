//! Raft without I/O.
//!
//! [`Raft`] is one node of a replicated log. It has no clock, no sockets, no disk, no threads and
//! no randomness of its own: [`Raft::step`] takes the time and one [`Input`], and what is to be
//! done comes back as [`Outputs`]: what to write, what to send, what to apply, whom to answer, and
//! when to step again. Whatever drives it, an event loop, an async runtime or a simulation, gets
//! the same behaviour from the same steps.
//!
//! ```
//! use std::time::Duration;
//! use kolk_raft::{Apply, Config, Input, Members, Raft, Role, Stored};
//!
//! // A cluster of one node. Commands are texts, and so is a snapshot.
//! let mut disk = Stored::founding(Members::voters([1]));
//! let mut node: Raft<String, String> = Raft::new(Config::new(1, 42), disk.clone());
//!
//! let mut inputs = vec![(Duration::ZERO, Input::Tick)];
//! let mut performed = Vec::new();
//! while let Some((now, input)) = inputs.pop() {
//!     let outputs = node.step(now, input);
//!     performed.extend(outputs.apply);
//!     if let Some(write) = outputs.write {
//!         disk.perform(&write); // A disk would sync here.
//!         inputs.push((now, Input::Synced(write.number)));
//!     } else if node.role() != Role::Leader {
//!         inputs.push((outputs.deadline.unwrap(), Input::Tick));
//!     } else if node.last().index == 1 {
//!         inputs.push((now, Input::Propose { token: 7, command: "x = 1".to_owned() }));
//!     }
//! }
//! assert!(matches!(
//!     performed.last(),
//!     Some(Apply::Command { index: 2, command, token: Some(7), .. }) if command == "x = 1"
//! ));
//! ```
//!
//! # What it does
//!
//! | rule | where it stands |
//! |---|---|
//! | elections with randomised timeouts | paper §5.2 |
//! | pre-vote: nobody raises its term who cannot win | thesis §9.6 |
//! | no votes against a leader that is heard | thesis §4.2.3 |
//! | check-quorum: a leader that hears from no majority steps down | thesis §6.2 |
//! | only who has all committed entries is elected | paper §5.4.1 |
//! | replication, in batches and pipelined; conflicts found term by term | paper §5.3, thesis §10.2.1 |
//! | the leader writes while it sends | thesis §10.2.1 |
//! | commitment by counting for entries of the own term alone | paper §5.4.2 |
//! | reads by a round of messages that many share | thesis §6.4 |
//! | reads by lease, if asked for, with its [assumption](Lease) | thesis §6.4.1 |
//! | hand-over to another leader | thesis §3.10 |
//! | snapshots | paper §7 |
//! | changes of one member at a time, learners | thesis §4.1, §4.2 |
//! | … after an entry of the own term is committed | Ongaro on raft-dev, 2015: *bug in single-server membership changes* |
//!
//! The paper is Ongaro & Ousterhout, *In search of an understandable consensus algorithm (extended
//! version)*, 2014; the thesis is Ongaro, *Consensus: bridging theory and practice*, Stanford,
//! 2014.
//!
//! # What a driver must keep to
//!
//! 1. Writes are performed in order, and a [`Write`] is there wholly or not at all. What is said to
//!    be [`Synced`](Input::Synced) survives. There is no order between writes and messages to keep
//!    to: what may not be sent yet is not given out yet.
//! 2. After a crash a node is made from what is [`Stored`], all of it. A node that lost its disk is
//!    a new node with a new name: remove the old one, and let the new one join.
//! 3. All first members are started with the same [founding](Stored::founding) members, all others
//!    as [joining](Stored::joining).
//!
//! Messages may be lost, repeated, delayed and reordered at will; clocks may differ, stop and jump
//! (leases apart, which say what they assume). [`Raft`] never blocks and does not fail: what cannot
//! be done now is [refused](Refusal).
//!
//! # What it asserts
//!
//! The invariants of the paper, in release builds too; each costs a step a constant amount of work,
//! or one in proportion to the entries that the step touches. A node that breaks one panics before
//! it says or writes anything more, because its state, its disk or its driver is wrong and going on
//! would spread that: at most one leader in a term; a leader only appends; terms and commitment
//! never go back; nothing committed is truncated, or differs from what is committed elsewhere; the
//! log has no gaps and its terms do not go back; only entries of the own term are committed by
//! counting; what is applied is committed and durable, one after the other; nothing is sent to a
//! follower that it has; membership changes by one voter at a time, and one change at a time.
//!
//! # What it leaves to others
//!
//! A client that repeats a command because no answer came may have it performed twice: the state
//! machine must remember what it performed for whom (sessions, thesis §6.3). Commands for another
//! node's leader are [refused](Refusal::NotLeader) with its name and are not forwarded.
//!
//! # What it costs
//!
//! A command costs a message to each follower and its answer, or a share of them if it comes with
//! others; a read the same, without a write. Followers learn that an entry is committed with the
//! next message, at most a heartbeat later. In memory there are the newest snapshot, the entries
//! that are kept before it ([`Config::keep_behind`]) and those after it, and the messages that wait
//! for the disk (1 024 at most; the oldest are given up, as if the network had lost them).

#![warn(missing_debug_implementations)]

mod config;
mod entry;
mod io;
mod log;
mod message;
#[cfg(not(feature = "planted"))]
mod planted;
#[cfg(feature = "planted")]
pub mod planted;
mod progress;
mod raft;
mod random;
mod stored;

#[cfg(test)]
extern crate self as kolk_raft;
#[cfg(test)]
mod tests;

/// The README's steps are compiled and run with the other documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use config::{Config, Lease};
pub use entry::{Entry, Index, Members, NodeId, Payload, Position, Snapshot, Term};
pub use io::{Answer, Apply, Change, Input, Outputs, Refusal, Token};
pub use message::{Body, Message};
pub use raft::{Raft, Role};
pub use stored::{Ballot, Start, Stored, Tail, Write};
