//! The grow-only set.

use std::collections::BTreeSet;
use std::convert::Infallible;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::delta_state::DeltaState;
use crate::gossip::Keep;

/// A set that only grows. A state is the set, a delta is an element, and the join is the union.
///
/// As JSON it is the list of its elements, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, bound(deserialize = "T: Ord + Deserialize<'de>"))]
pub struct GrowOnlySet<T>(BTreeSet<T>);

// Not derived: `T` needs no default.
impl<T> Default for GrowOnlySet<T> {
    fn default() -> GrowOnlySet<T> {
        GrowOnlySet(BTreeSet::new())
    }
}

impl<T> GrowOnlySet<T> {
    /// The elements.
    pub fn elements(&self) -> &BTreeSet<T> {
        &self.0
    }

    /// The delta mutator of an addition.
    ///
    /// # Errors
    ///
    /// None; the type is that of all mutators.
    pub fn add(&self, element: T) -> Result<T, Infallible> {
        Ok(element)
    }
}

impl<T: Ord + Clone + Serialize + DeserializeOwned + 'static> DeltaState for GrowOnlySet<T> {
    type Delta = T;

    const KEEP: Keep = Keep::All;

    fn merge_delta(&mut self, delta: &T) -> bool {
        !self.0.contains(delta) && self.0.insert(delta.clone())
    }

    fn deltas(&self) -> impl Iterator<Item = T> {
        self.0.iter().cloned()
    }
}
