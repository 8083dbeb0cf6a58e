//! The values that a node must tell its peers, in the order in which it learned them.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use super::store::Keep;

/// A place in the store, and who should get from here what stands there.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) place: u32,
    /// The node that the value came from; this node itself for its own values.
    pub(super) from: u32,
    pub(super) to: Target,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Nobody,
    /// All members but those who have it for sure.
    Everyone,
    /// One of this node's own, for the hub, who shall pass it on.
    Hub(u32),
}

/// Positions count all values that were learned; only entries that some peer should get are kept. A
/// value is appended again when it must go to a peer that it was not meant for before.
///
/// Where a value takes the place of the one before, its entry takes that of the entry before: what
/// a peer has not acknowledged is then one entry an origin, however long it was away.
pub(super) struct Log {
    entries: BTreeMap<usize, Entry>,
    len: usize,
    /// With [`Keep::Newest`]: the position of a place's entry, of that for the hub apart.
    positions: Option<BTreeMap<(u32, bool), usize>>,
}

impl Log {
    pub(super) fn new(keep: Keep) -> Log {
        let positions = match keep {
            Keep::All => None,
            Keep::Newest => Some(BTreeMap::new()),
        };
        Log { entries: BTreeMap::new(), len: 0, positions }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn append(&mut self, entry: Entry) {
        if entry.to != Target::Nobody {
            if let Some(positions) = &mut self.positions {
                let is_for_hub = entry.to != Target::Everyone;
                if let Some(before) = positions.insert((entry.place, is_for_hub), self.len) {
                    self.entries.remove(&before);
                }
            }
            self.entries.insert(self.len, entry);
        }
        self.len += 1;
    }

    /// The entries in this part of the log, with their positions.
    pub(super) fn part(
        &self,
        part: impl RangeBounds<usize>,
    ) -> impl Iterator<Item = (usize, Entry)> {
        self.entries.range(part).map(|(at, entry)| (*at, *entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(keep: Keep) -> Log {
        let mut log = Log::new(keep);
        for at in 0..100 {
            let to = match at % 4 {
                0 => Target::Nobody,
                1 => Target::Hub(at / 50),
                _ => Target::Everyone,
            };
            log.append(Entry { place: at % 3, from: at, to });
        }
        log
    }

    /// Held is what somebody is to get: all of it, or the last of each place for all and for the
    /// hub.
    #[test]
    fn entries_take_the_place_of_those_before() {
        for (keep, expected) in [(Keep::All, 75), (Keep::Newest, 6)] {
            let log = appended(keep);
            assert_eq!((log.len(), log.part(..).count()), (100, expected), "{keep:?}");
        }
        let log = appended(Keep::Newest);
        let held: Vec<(usize, u32)> = log.part(..).map(|(at, entry)| (at, entry.place)).collect();
        assert_eq!(held, [(89, 2), (93, 0), (94, 1), (97, 1), (98, 2), (99, 0)]);
    }
}
