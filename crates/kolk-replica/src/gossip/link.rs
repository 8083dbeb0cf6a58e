//! The state that a node keeps for one peer: its stream to the peer, the peer's stream to it, and
//! the clocks.
//!
//! A node's stream to a peer is its log, or as much of it as the peer should know. Positions in the
//! log number it: a packet says which part of the log it stands for, and one number acknowledges
//! everything up to a position. So nothing that was sent has to be kept: it is in the log.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use kolk_node::Time;

use super::rhythm::Shift;
use crate::round_trip::RoundTrip;

/// The longest pause between two repetitions of something that a peer should know.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// After so many questions without an answer a peer is taken for unreachable.
const SUSPECTED_AFTER: u32 = 4;

/// How many packets may be on their way without an acknowledgement.
pub(super) const WINDOW: usize = 64;

#[derive(Default)]
pub(super) struct Link {
    /// True if the peer is one of those who get what is for everybody.
    pub(super) is_member: bool,
    pub(super) outgoing: Outgoing,
    pub(super) incoming: Incoming,
    pub(super) round_trip: RoundTrip,
    pub(super) shift: Shift,
    /// The peer's clock in milliseconds, and when it was heard.
    pub(super) clock: Option<(u64, Time)>,
    /// True until `clock` has been sent back.
    pub(super) owes_echo: bool,
    /// How many questions have gone without an answer.
    pub(super) tries: u32,
    /// The next packet says what is held here.
    pub(super) tell_version: bool,
    /// The next packet asks for an answer.
    pub(super) ask: bool,
}

impl Link {
    /// True if the peer does not answer.
    pub(super) fn is_suspected(&self) -> bool {
        self.tries > SUSPECTED_AFTER
    }

    /// How long to wait for the answer to a question. Early repetitions come quickly, so that a
    /// few lost messages cost little; then more seldom, but never so seldom that a healed network
    /// waits long.
    pub(super) fn pause(&self) -> Duration {
        let growth = 1.25f64.powi(self.tries.min(32) as i32);
        self.round_trip.patience().mul_f64(growth).min(PAUSE_MAX.max(self.round_trip.patience()))
    }

    /// When this link wants attention next; [`Time::MAX`] if it does not.
    pub(super) fn deadline(&self) -> Time {
        let (outgoing, incoming) = (&self.outgoing, &self.incoming);
        let all = [outgoing.flush_at, outgoing.retry_at, incoming.ack_at, incoming.gap_at];
        all.into_iter().fold(Time::MAX, |least, at| least.min(at.unwrap_or(Time::MAX)))
    }
}

/// This node's stream to a peer, as positions in this node's log.
#[derive(Default)]
pub(super) struct Outgoing {
    /// The peer has everything before this that it should have.
    pub(super) acked: usize,
    /// Everything before this has been sent, if the peer should have it.
    pub(super) sent: usize,
    /// The greatest that `sent` ever was: it goes back when something must be repeated.
    high: usize,
    /// The packets that are on their way, oldest first.
    on_way: VecDeque<Sent>,
    /// When the part of the log that has not been sent is to be sent.
    pub(super) flush_at: Option<Time>,
    /// True if `flush_at` was chosen so that the packet arrives just before the peer passes it on.
    pub(super) is_timed: bool,
    /// This node was held up, and has put off what it has not sent, for what waits to be read.
    pub(super) was_held_up: bool,
    /// When the packets on their way are to be repeated.
    pub(super) retry_at: Option<Time>,
    /// There was more to send than may be on its way at a time.
    pub(super) has_backlog: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) to: usize,
    pub(super) at: Time,
    /// The peer was asked to answer at once.
    pub(super) asked: bool,
}

impl Outgoing {
    pub(super) fn is_full(&self) -> bool {
        self.on_way.len() >= WINDOW
    }

    /// True if the next packet should be answered at once, so that the window does not fill up.
    pub(super) fn wants_answer(&self) -> bool {
        (self.on_way.len() + 1).is_multiple_of(WINDOW / 2)
    }

    pub(super) fn oldest(&self) -> Option<Sent> {
        self.on_way.front().copied()
    }

    /// Everything up to `sent.to` leaves now.
    pub(super) fn send(&mut self, sent: Sent) {
        self.sent = sent.to;
        self.high = self.high.max(sent.to);
        self.on_way.push_back(sent);
    }

    /// The peer should have nothing of what is before `to`, or has it.
    pub(super) fn skip(&mut self, to: usize) {
        (self.acked, self.sent) = (to, to);
        self.on_way.clear();
        self.retry_at = None;
    }

    /// What is on its way is taken for lost.
    pub(super) fn rewind(&mut self) {
        self.sent = self.acked;
        self.on_way.clear();
    }

    /// The peer has everything up to `ack`. Gives which part of the log that is, if it is more than
    /// was known.
    pub(super) fn ack(&mut self, ack: u64) -> Option<Range<usize>> {
        // Nobody can have more than was sent.
        let ack = usize::try_from(ack).ok().filter(|ack| *ack <= self.high)?;
        if ack <= self.acked {
            return None;
        }
        let part = self.acked..ack;
        self.acked = ack;
        self.sent = self.sent.max(ack);
        while self.on_way.front().is_some_and(|sent| sent.to <= ack) {
            self.on_way.pop_front();
        }
        Some(part)
    }
}

/// A peer's stream to this node, as positions in the peer's log.
#[derive(Default)]
pub(super) struct Incoming {
    /// Everything before this is here.
    pub(super) received: u64,
    /// Parts behind it that are here, from beginning to end.
    islands: BTreeMap<u64, u64>,
    /// When an acknowledgement is due that has found nothing to ride on.
    pub(super) ack_at: Option<Time>,
    /// When the peer must be told that a part is missing.
    pub(super) gap_at: Option<Time>,
}

impl Incoming {
    /// The part from `from` to `to` has come.
    pub(super) fn receive(&mut self, from: u64, to: u64) {
        if from > self.received {
            // What a faulty peer makes up must not fill the memory.
            if self.islands.len() < WINDOW {
                let end = self.islands.entry(from).or_insert(to);
                *end = to.max(*end);
            }
            return;
        }
        self.received = self.received.max(to);
        while let Some(island) = self.islands.first_entry() {
            if *island.key() > self.received {
                break;
            }
            self.received = self.received.max(island.remove());
        }
    }

    /// Where the first missing part ends; 0 if none is missing.
    pub(super) fn gap(&self) -> u64 {
        self.islands.first_key_value().map_or(0, |(begin, _)| *begin)
    }
}
