//! What a leader knows about a follower.

use std::collections::VecDeque;
use std::time::Duration;

use crate::entry::Index;
use crate::planted::{Bug, Planted};

#[derive(Debug)]
pub(crate) struct Progress {
    /// The follower's log agrees up to here, durably (§5.3: `matchIndex`).
    pub(crate) matched: Index,
    /// The next entry to send (`nextIndex`). Always after `matched`.
    pub(crate) next: Index,
    pub(crate) mode: Mode,
    /// When the follower was last heard of, for check-quorum.
    pub(crate) heard_at: Duration,
    /// When a message was last sent to it.
    pub(crate) sent_at: Duration,
    /// The last round that it answered.
    pub(crate) round: u64,
    planted: Planted,
}

/// How entries are sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Where the logs agree is being looked for: one message at a time (thesis §3.5).
    Probe {
        /// One is under way.
        is_waiting: bool,
    },
    /// Message after message, without waiting for answers (thesis §10.2.1).
    Pipeline {
        /// The last index of each message that is not answered.
        in_flight: VecDeque<Index>,
    },
    /// A snapshot is under way (§7).
    Snapshot {
        /// When to send it again.
        again_at: Duration,
    },
}

impl Progress {
    pub(crate) fn new(next: Index, now: Duration, planted: Planted) -> Progress {
        Progress {
            matched: 0,
            next,
            mode: Mode::Probe { is_waiting: false },
            heard_at: now,
            sent_at: now,
            round: 0,
            planted,
        }
    }

    /// The follower agrees up to `matched`.
    pub(crate) fn appended(&mut self, matched: Index) {
        self.matched = self.matched.max(matched);
        let reached = self.matched;
        match &mut self.mode {
            Mode::Pipeline { in_flight } => {
                while in_flight.front().is_some_and(|last| *last <= reached) {
                    in_flight.pop_front();
                }
            }
            Mode::Probe { .. } | Mode::Snapshot { .. } => {
                self.next = reached + 1;
                self.mode = Mode::Pipeline { in_flight: VecDeque::new() };
            }
        }
        self.next = self.next.max(reached + 1);
        self.check();
    }

    /// The follower does not have `previous`; the logs may agree at `agreeable`.
    pub(crate) fn rejected(&mut self, previous: Index, agreeable: Index) {
        if self.planted.is(Bug::NextBelowMatched) {
            self.next = agreeable + 1;
            self.mode = Mode::Probe { is_waiting: false };
            return self.check();
        }
        // An answer that was overtaken by a better one says nothing new.
        let is_stale = match self.mode {
            Mode::Probe { .. } => previous != self.next - 1 || previous <= self.matched,
            Mode::Pipeline { .. } => previous <= self.matched,
            Mode::Snapshot { .. } => true,
        };
        if is_stale {
            return;
        }
        self.next = (agreeable + 1).clamp(self.matched + 1, previous.max(self.matched + 1));
        self.mode = Mode::Probe { is_waiting: false };
        self.check();
    }

    fn check(&self) {
        assert!(
            self.next > self.matched,
            "leader: the next entry to send, {}, is not after {}, which the follower has",
            self.next,
            self.matched,
        );
    }
}
