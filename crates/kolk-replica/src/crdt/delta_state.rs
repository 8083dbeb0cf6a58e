//! What a type must be so that it can be replicated by deltas.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::gossip::Keep;

/// A join-semilattice whose states are joins of deltas. Its least state, in which nothing has
/// happened, is `Self::default()`.
///
/// What must hold, for all states `x` and `y` and every delta `d`:
///
/// - `x.merge(y)` is the least upper bound: commutative, associative, idempotent; and so is
///   `x.merge_delta(d)`, the join with a state made of `d` alone;
/// - both give true if and only if `x` changed;
/// - merging all of `x.deltas()` into the least state gives `x`.
pub trait DeltaState: Default + 'static {
    /// The smallest change that can be told.
    type Delta: Clone + Serialize + DeserializeOwned + 'static;

    /// What becomes of a replica's deltas when it makes another: [`Keep::Newest`] only if each is
    /// the join of itself and all those before it.
    const KEEP: Keep;

    /// Joins with a delta. True if this is more than before.
    fn merge_delta(&mut self, delta: &Self::Delta) -> bool;

    /// Deltas whose join this is, none of them the join of others.
    fn deltas(&self) -> impl Iterator<Item = Self::Delta>;

    /// Joins with another state. True if this is more than before.
    fn merge(&mut self, other: &Self) -> bool {
        other.deltas().fold(false, |grew, delta| self.merge_delta(&delta) | grew)
    }
}
