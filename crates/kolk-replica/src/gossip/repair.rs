//! Values that are known to be missing at this node, and when to ask for them.

use std::time::Duration;

use kolk_node::{Random, Time};

use super::version::VersionVector;

/// Values that others have and this node has not. Usually they are on their way; when they are
/// overdue they are asked for, of the one who told of them first, then of peers drawn at random
/// (Demers et al., *Epidemic algorithms for replicated database maintenance*, PODC 1987; but the
/// question is asked only when there is something to ask for).
pub(super) struct Repair {
    /// The values that other nodes have.
    target: VersionVector,
    /// The node that told of them.
    source: u32,
    /// When to ask for what is missing.
    pub(super) ask_at: Option<Time>,
    tries: u32,
}

impl Repair {
    pub(super) fn new(origins: usize) -> Repair {
        Repair { target: VersionVector::new(origins), source: 0, ask_at: None, tries: 0 }
    }

    /// `source` has what `version` says. What of it is not here by `overdue` is to be asked for.
    pub(super) fn learn(
        &mut self,
        source: u32,
        version: &VersionVector,
        held: &VersionVector,
        overdue: Time,
    ) {
        if !held.covers(version) {
            self.target.merge(version);
            self.miss(source, overdue);
        }
    }

    /// The value before number `count` of this origin exists.
    pub(super) fn learn_of(&mut self, source: u32, origin: u32, count: u64, overdue: Time) {
        self.target.raise(origin as usize, count);
        self.miss(source, overdue);
    }

    fn miss(&mut self, source: u32, overdue: Time) {
        if self.ask_at.is_none() {
            (self.source, self.ask_at, self.tries) = (source, Some(overdue), 0);
        }
    }

    /// The time to ask has come. Gives whom, or `None` if nothing is missing any more.
    pub(super) fn whom(
        &mut self,
        held: &VersionVector,
        me: u32,
        peers: usize,
        random: &mut Random,
    ) -> Option<u32> {
        self.ask_at = None;
        if held.covers(&self.target) {
            return None;
        }
        self.tries += 1;
        if self.tries > 1 {
            let other = random.index(peers - 1) as u32;
            self.source = other + u32::from(other >= me);
        }
        Some(self.source)
    }

    /// Asks again after `patience`, if the answer does not bring everything.
    pub(super) fn again(&mut self, now: Time, patience: Duration) {
        self.ask_at = Some(now + patience);
    }

    /// Something came that was asked for: if more is missing, there is no need to wait.
    pub(super) fn answered(&mut self, source: u32, now: Time) {
        if self.ask_at.is_some() && self.tries > 0 {
            (self.source, self.tries, self.ask_at) = (source, 0, Some(now));
        }
    }
}
