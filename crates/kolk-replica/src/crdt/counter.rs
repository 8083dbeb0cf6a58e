//! Counters: one that only grows, and one that goes up and down.

use std::collections::BTreeMap;

use kolk_node::{ErrorCode, RpcError};
use serde::{Deserialize, Serialize};

use super::delta_state::DeltaState;
use crate::gossip::Keep;

/// The error of a sum that is too large for its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sum is too large for 64 bits")]
pub struct TooLarge;

impl From<TooLarge> for RpcError {
    /// Definite: nothing has changed.
    fn from(error: TooLarge) -> RpcError {
        RpcError::new(ErrorCode::ABORT, error.to_string())
    }
}

/// A replica's number, and the sum of what was added there.
pub type CounterShare = (u32, u64);

/// One replica's part of a counter: a delta of one.
pub trait Share: Clone {
    /// The same part as this replica's.
    #[must_use]
    fn of_replica(&self, replica: u32) -> Self;
}

impl Share for CounterShare {
    fn of_replica(&self, replica: u32) -> CounterShare {
        (replica, self.1)
    }
}

impl Share for PnShare {
    fn of_replica(&self, replica: u32) -> PnShare {
        (replica, self.1, self.2)
    }
}

/// A counter that only grows. A state is what was added at each replica; only that replica changes
/// its entry, so the join takes of two entries the greater. A delta is a replica's entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrowOnlyCounter {
    /// By replica. No entry is 0.
    shares: BTreeMap<u32, u64>,
}

impl GrowOnlyCounter {
    /// The sum of what was added at a replica.
    pub fn share(&self, replica: u32) -> u64 {
        self.shares.get(&replica).copied().unwrap_or(0)
    }

    /// The sum of what was added at all replicas.
    pub fn sum(&self) -> u128 {
        self.shares.values().copied().map(u128::from).sum()
    }

    /// The sum as a client reads it.
    ///
    /// # Errors
    ///
    /// If the sum does not fit.
    pub fn value(&self) -> Result<i64, TooLarge> {
        i64::try_from(self.sum()).map_err(|_| TooLarge)
    }

    /// The delta mutator of an addition at this replica.
    ///
    /// # Errors
    ///
    /// If the replica's share does not fit.
    pub fn add(&self, replica: u32, growth: u64) -> Result<CounterShare, TooLarge> {
        let share = self.share(replica).checked_add(growth).ok_or(TooLarge)?;
        Ok((replica, share))
    }
}

impl DeltaState for GrowOnlyCounter {
    type Delta = CounterShare;

    const KEEP: Keep = Keep::Newest;

    fn merge_delta(&mut self, &(replica, share): &CounterShare) -> bool {
        let grew = share > self.share(replica);
        if grew {
            self.shares.insert(replica, share);
        }
        grew
    }

    fn deltas(&self) -> impl Iterator<Item = CounterShare> {
        self.shares.iter().map(|(replica, share)| (*replica, *share))
    }
}

/// A replica's number, the sum of what was added there, and the sum of what was taken away.
pub type PnShare = (u32, u64, u64);

/// A counter that goes up and down: one that counts what was added, and one that counts what was
/// taken away, joined each for itself (Shapiro et al., section 3.2). One sum for both would go
/// down, and joins only go up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PnCounter {
    added: GrowOnlyCounter,
    removed: GrowOnlyCounter,
}

impl PnCounter {
    /// What was added less what was taken away, as a client reads it.
    ///
    /// # Errors
    ///
    /// If the sum does not fit.
    pub fn value(&self) -> Result<i64, TooLarge> {
        let (added, removed) = (self.added.sum(), self.removed.sum());
        // Either sum has at most 96 bits: there are fewer than 2^32 replicas.
        i64::try_from(added as i128 - removed as i128).map_err(|_| TooLarge)
    }

    /// The delta mutator of an addition, or with a negative number a subtraction, at this replica.
    ///
    /// # Errors
    ///
    /// If the replica's share does not fit.
    pub fn add(&self, replica: u32, delta: i64) -> Result<PnShare, TooLarge> {
        let amount = delta.unsigned_abs();
        let (growth, shrinkage) = if delta > 0 { (amount, 0) } else { (0, amount) };
        let (_, added) = self.added.add(replica, growth)?;
        let (_, removed) = self.removed.add(replica, shrinkage)?;
        Ok((replica, added, removed))
    }
}

impl DeltaState for PnCounter {
    type Delta = PnShare;

    const KEEP: Keep = Keep::Newest;

    fn merge_delta(&mut self, &(replica, added, removed): &PnShare) -> bool {
        let grew = self.added.merge_delta(&(replica, added));
        self.removed.merge_delta(&(replica, removed)) | grew
    }

    fn deltas(&self) -> impl Iterator<Item = PnShare> {
        let mut replicas: Vec<u32> =
            self.added.shares.keys().chain(self.removed.shares.keys()).copied().collect();
        replicas.sort_unstable();
        replicas.dedup();
        replicas
            .into_iter()
            .map(|replica| (replica, self.added.share(replica), self.removed.share(replica)))
    }
}
