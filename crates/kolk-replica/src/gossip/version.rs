//! Version vectors.

use serde::{Deserialize, Serialize};

/// How many values of each origin are held without a hole, by the origin's place among the nodes.
///
/// Parker et al., *Detection of mutual inconsistency in distributed systems*, IEEE Transactions on
/// Software Engineering 9(3), 1983.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionVector(Vec<u64>);

impl VersionVector {
    /// Nothing of any origin.
    pub(super) fn new(origins: usize) -> VersionVector {
        VersionVector(vec![0; origins])
    }

    /// How many values of this origin are held; none of one that is not known.
    pub fn get(&self, origin: usize) -> u64 {
        self.0.get(origin).copied().unwrap_or(0)
    }

    /// True if everything that `other` holds is held here.
    pub fn covers(&self, other: &VersionVector) -> bool {
        other.0.iter().enumerate().all(|(origin, count)| *count <= self.get(origin))
    }

    pub(super) fn raise(&mut self, origin: usize, count: u64) {
        if let Some(own) = self.0.get_mut(origin) {
            *own = count.max(*own);
        }
    }

    /// Takes over whatever is more in `other`; origins that are not known here are left out.
    pub(super) fn merge(&mut self, other: &VersionVector) {
        for (own, count) in self.0.iter_mut().zip(&other.0) {
            *own = (*own).max(*count);
        }
    }
}
