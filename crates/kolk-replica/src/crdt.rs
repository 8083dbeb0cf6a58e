//! Replicated data types that need no agreement: delta-state CRDTs over [`gossip`].
//!
//! A replica's state is an element of a join-semilattice: any two states have a least upper bound,
//! their *join*, and whatever a replica does moves its state up. Replicas that have heard of the
//! same changes are equal, whichever way, in whatever order and how often they heard of them
//! (Shapiro et al., *Conflict-free replicated data types*, SSS 2011).
//!
//! To send whole states would do, and [`Settings::FullState`] does it for comparison. The rest is
//! about sending less:
//!
//! - **Delta mutators.** A change does not make a new state `m(X)` but a *delta* `mδ(X)`, small,
//!   with `m(X) = X ⊔ mδ(X)` (Almeida, Shoker and Baquero, *Delta state replicated data types*,
//!   Journal of Parallel and Distributed Computing 111, 2018, section 4).
//! - **Deltas are irreducible.** A [`DeltaState::Delta`] is no join of smaller ones, and every
//!   state is the join of its deltas (Enes, Almeida, Baquero and Leitão, *Efficient synchronization
//!   of state-based CRDTs*, ICDE 2019, section 3). So what of something received is new can be told
//!   delta by delta, and only that is passed on (their *RR*, removal of redundant state).
//! - **Delta groups.** What a peer is sent is the join of the deltas that it has not acknowledged
//!   and that did not come from itself (*BP*, no back-propagation). The gossip's log numbers
//!   deltas; one number acknowledges all before it, and no part is acknowledged before those that
//!   precede it, which is the causal delta-merging condition (Almeida et al., section 6).
//! - **Compaction.** Deltas of one replica stand beside each other (elements of a set), and their
//!   join is their list; or they form a chain (a counter's entry, which only its own replica
//!   changes), and their join is the newest: [`DeltaState::KEEP`]. A peer that was cut off for a
//!   week then gets one delta a replica, and no log of changes has to be kept for it.
//! - **Reconciliation.** A node that is back after a partition says what it holds as a version
//!   vector, and gets the rest: no digest tree is needed, since all deltas are numbered by their
//!   origin.
//!
//! ```
//! use kolk_replica::crdt::{PnCounter, Replicated, Settings};
//! use kolk_node::workload::counter::{Reply, Request};
//! use kolk_node::{Context, ErrorCode, Node, RpcError};
//!
//! struct Counter(Replicated<PnCounter>);
//!
//! impl Node for Counter {
//!     type Request = Request;
//!     type Reply = Reply;
//!
//!     async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
//!         Ok(match request {
//!             Request::Add { delta } => {
//!                 self.0.update(|counter, replica| counter.add(replica, delta))?;
//!                 Reply::AddOk {}
//!             }
//!             Request::Read {} => Reply::ReadOk { value: self.0.state().borrow().value()? },
//!         })
//!     }
//! }
//!
//! let machine = kolk_node::machine(|cx| Counter(Replicated::new(cx, &Settings::default())));
//! # drop(machine);
//! ```

mod counter;
mod delta_state;
mod set;
mod settings;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::gossip::{self, Gossip};
pub use counter::{CounterShare, GrowOnlyCounter, PnCounter, PnShare, Share, TooLarge};
pub use delta_state::DeltaState;
use kolk_node::Context;
pub use set::GrowOnlySet;
pub use settings::{Settings, USAGE};

/// A node's replica of a state that all nodes of the cluster change. Cheap to clone, and every
/// clone is the same.
///
/// A node has one; a second one of the same node would wait for messages that the first gets. A
/// node that is killed and started again without its memory must not take part under its old name:
/// it would number its deltas, and count, from nothing again.
pub struct Replicated<S: DeltaState> {
    state: Rc<RefCell<S>>,
    replica: u32,
    /// `None` if whole states are sent.
    deltas: Option<Gossip<S::Delta>>,
}

impl<S: DeltaState> fmt::Debug for Replicated<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicated").field("replica", &self.replica).finish_non_exhaustive()
    }
}

impl<S: DeltaState> Clone for Replicated<S> {
    fn clone(&self) -> Replicated<S> {
        let Replicated { state, replica, deltas } = self;
        Replicated { state: Rc::clone(state), replica: *replica, deltas: deltas.clone() }
    }
}

impl<S: DeltaState> Replicated<S> {
    /// The least state, and begins to listen to the peers.
    pub fn new(cx: &Context, settings: &Settings) -> Replicated<S>
    where
        S: Serialize + DeserializeOwned,
    {
        let state = Rc::new(RefCell::new(S::default()));
        let (_, replica) = gossip::places(cx);
        let deltas = match settings {
            Settings::Deltas(settings) => {
                let joined = Rc::clone(&state);
                Some(Gossip::keeping(S::KEEP, cx, settings.clone(), move |delta| {
                    joined.borrow_mut().merge_delta(delta);
                }))
            }
            Settings::FullState { every } => {
                full_state(cx, *every, &state);
                None
            }
        };
        Replicated { state, replica, deltas }
    }

    /// Changes the state by a delta mutator, which is given the state and this replica's number and
    /// gives the delta. Nothing is told if the delta is in the state already.
    ///
    /// # Errors
    ///
    /// The mutator's, and then nothing has changed.
    pub fn update<E>(&self, mutator: impl FnOnce(&S, u32) -> Result<S::Delta, E>) -> Result<(), E> {
        let delta = mutator(&self.state.borrow(), self.replica)?;
        let grew = self.state.borrow_mut().merge_delta(&delta);
        if let (true, Some(deltas)) = (grew, &self.deltas) {
            deltas.add(delta);
        }
        Ok(())
    }

    /// The state, shared, so that a reply can hold it without a copy. It must not stay borrowed
    /// across an `.await`.
    pub fn state(&self) -> &Rc<RefCell<S>> {
        &self.state
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message<S> {
    State { state: S },
}

/// Tells everybody everything, again and again: the baseline that deltas are measured against.
fn full_state<S: DeltaState + Serialize + DeserializeOwned>(
    cx: &Context,
    every: std::time::Duration,
    state: &Rc<RefCell<S>>,
) {
    let joined = Rc::clone(state);
    cx.receive(move |_, Message::State { state }: Message<S>| {
        joined.borrow_mut().merge(&state);
    });
    let (state, context) = (Rc::clone(state), cx.clone());
    cx.every(every, move || {
        context.send_to_all(context.peers(), &Message::State { state: &*state.borrow() });
    });
}
