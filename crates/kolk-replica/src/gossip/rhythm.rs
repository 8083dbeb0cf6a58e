//! When the hub passes values on, and when a node sends it its own so that they are there in time.
//!
//! The hub's *ticks* are the whole multiples of the period on its clock. Nodes send so that what
//! they send arrives just before a tick. How late it does arrive differs, by the jitter of the
//! network and by what else the machines are busy with; the hub sees that best, since everybody's
//! messages come to it. It waits for a while after each tick, for as long as lately it would have
//! had to, and what comes later than that does not wait for a whole period more.

use std::collections::VecDeque;
use std::time::Duration;

use kolk_node::Time;

/// How many arrivals the hub remembers.
const ARRIVALS_MAX: usize = 64;

/// The longest that the hub waits after a tick for what is late.
const GRACE_MAX: Duration = Duration::from_millis(60);

/// What is added to the latest arrival seen, so that one more like it is in time.
const GRACE_MARGIN: Duration = Duration::from_millis(2);

/// What came too late waits for this part of a period, for others that did.
const LATE_PART: u32 = 8;

/// What is overdue at the peer is so by this at least: clocks are told in whole milliseconds, and
/// on the real clock processes are held up.
const OVERDUE_MIN: i64 = 30_000;

/// How often a node was told when its messages arrived until the newest counts no more than an
/// eighth.
const SHIFT_SAMPLES: i64 = 8;

/// How a value came to the hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It was added there.
    #[default]
    Own,
    /// It was sent so that it would arrive just before a tick.
    Timed,
    /// It was sent at once.
    Untimed,
}

/// The hub's ticks, and how late arrivals were that should have been there at one.
#[derive(Default)]
pub(super) struct Rhythm {
    /// By how many microseconds the newest arrivals missed their ticks, oldest first; below nothing
    /// if they were in time.
    lateness: VecDeque<i64>,
    /// The greatest and the least of these; 0 if there is none.
    extremes: (i64, i64),
}

impl Rhythm {
    /// How long after a tick values are passed on.
    fn grace(&self, period: Duration) -> Duration {
        let (latest, earliest) = self.extremes;
        // A few arrivals tell little of how late others can be.
        let unseen = (latest - earliest) / (1 + self.lateness.len() as i64 / 8);
        match u64::try_from(latest) {
            Ok(1..) => (Duration::from_micros((latest + unseen / 2) as u64) + GRACE_MARGIN)
                .min(GRACE_MAX)
                .min(period / 4),
            _ => Duration::ZERO,
        }
    }

    /// When a value is passed on that came now.
    pub(super) fn pass_on(&self, now: Time, arrival: Arrival, period: Duration) -> Time {
        let grace = self.grace(period);
        let tick = next_multiple(Time::ZERO + now.since(Time::ZERO + grace), period);
        let regular = tick + grace;
        match arrival {
            Arrival::Own | Arrival::Untimed => regular,
            // The first half of a period is too late for the tick before.
            Arrival::Timed if regular.since(now) > period / 2 => {
                regular.min(now + period / LATE_PART)
            }
            Arrival::Timed => regular,
        }
    }

    /// Something came now that should have been here at a tick.
    pub(super) fn note(&mut self, now: Time, period: Duration) {
        let next = next_multiple(now, period).since(now);
        let lateness =
            if next < period / 2 { -(micros(next)) } else { micros(period.saturating_sub(next)) };
        if lateness > micros(period / LATE_PART) && lateness > micros(GRACE_MAX) {
            // No grace would help, and perhaps the sender does not know the hub's clock yet.
            return;
        }
        if self.lateness.len() == ARRIVALS_MAX {
            self.lateness.pop_front();
        }
        self.lateness.push_back(lateness);
        let all = || self.lateness.iter().copied();
        self.extremes = (all().max().unwrap_or(0), all().min().unwrap_or(0));
    }
}

/// What a peer's clock shows when something arrives there that is sent now, less what the own clock
/// shows now: the way there and the difference of the clocks in one number, in microseconds.
///
/// A peer that sends back a timestamp and says how long it has held it tells just that. Whether the
/// way there is as long as the way back does not matter.
#[derive(Clone, Copy, Default)]
pub(super) struct Shift {
    mean: i64,
    deviation: i64,
    count: i64,
}

impl Shift {
    /// The peer's clock showed `peer` when something arrived there that was sent when the own clock
    /// showed `own`, both in milliseconds.
    pub(super) fn sample(&mut self, own: u64, peer: u64) {
        let sample = clamped(peer).saturating_sub(clamped(own)).saturating_mul(1000);
        if self.count == 0 {
            (self.mean, self.count) = (sample, 1);
            return;
        }
        self.count = SHIFT_SAMPLES.min(self.count + 1);
        let off = sample.saturating_sub(self.mean);
        self.mean += off / self.count;
        self.deviation += (off.saturating_abs() - self.deviation) / self.count.min(4);
    }

    /// What the peer's clock shows when something arrives that is sent at `time`, and by how much
    /// that differs, in microseconds; nothing as long as it never told.
    pub(super) fn arrival(&self, time: Time) -> Option<(i64, i64)> {
        let known = self.count > 0;
        known.then(|| (self.mean.saturating_add(micros(time.since(Time::ZERO))), self.deviation))
    }
}

/// True if something that arrives then, give or take its deviation, is there when the peer's clock
/// shows `clock` milliseconds.
pub(super) fn is_past(clock: u64, (arrival, deviation): (i64, i64)) -> bool {
    let overdue = arrival.saturating_add(deviation.saturating_mul(4).max(OVERDUE_MIN));
    clamped(clock).saturating_mul(1000) > overdue
}

/// A clock of more than some thousand years is nonsense.
fn clamped(millis: u64) -> i64 {
    millis.min(1 << 47) as i64
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// How long after `clock`, in microseconds, the next whole multiple of `period` comes.
pub(super) fn until_multiple(clock: i64, period: Duration) -> Duration {
    let period = micros(period).max(1);
    Duration::from_micros((period - clock.rem_euclid(period)) as u64)
}

/// The first whole multiple of `period` after `time`.
pub(super) fn next_multiple(time: Time, period: Duration) -> Time {
    let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1);
    Time::from_nanos((time.as_nanos() / period + 1).saturating_mul(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(200);

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    /// When something is passed on that came then, in milliseconds.
    fn passed_on(rhythm: &Rhythm, millis: u64, arrival: Arrival) -> u64 {
        rhythm.pass_on(at(millis), arrival, PERIOD).as_millis()
    }

    #[test]
    fn what_is_in_time_goes_on_at_the_tick() {
        let mut rhythm = Rhythm::default();
        for _ in 0..100 {
            rhythm.note(at(1997), PERIOD);
        }
        for (came, expected) in [(1000, 1200), (1001, 1200), (1199, 1200), (1200, 1400)] {
            for arrival in [Arrival::Own, Arrival::Untimed] {
                assert_eq!(passed_on(&rhythm, came, arrival), expected, "{came} {arrival:?}");
            }
        }
        assert_eq!(passed_on(&rhythm, 1197, Arrival::Timed), 1200);
    }

    #[test]
    fn what_is_late_does_not_wait_for_the_next_tick() {
        let rhythm = Rhythm::default();
        assert_eq!(passed_on(&rhythm, 1210, Arrival::Timed), 1235);
        assert_eq!(passed_on(&rhythm, 1210, Arrival::Untimed), 1400);
        // This one is early for the tick after.
        assert_eq!(passed_on(&rhythm, 1301, Arrival::Timed), 1400);
    }

    #[test]
    fn the_hub_waits_as_long_as_lately_it_would_have_had_to() {
        let mut rhythm = Rhythm::default();
        for late in (0..64).map(|nth| nth % 20) {
            rhythm.note(at(2000 + late), PERIOD);
        }
        // For the latest, its margin, and a little for what has not been seen.
        let grace = passed_on(&rhythm, 1100, Arrival::Own) - 1200;
        assert!((21..=23).contains(&grace), "{grace}");
        assert_eq!(passed_on(&rhythm, 1200 + grace - 1, Arrival::Timed), 1200 + grace);
        assert_eq!(passed_on(&rhythm, 1201 + grace, Arrival::Own), 1400 + grace);
        // Once it was much later: no more than a quarter of a period.
        rhythm.note(at(2060), PERIOD);
        assert_eq!(passed_on(&rhythm, 1100, Arrival::Own), 1250);
        // That is forgotten, as soon as nobody is late any more.
        for _ in 0..64 {
            rhythm.note(at(3998), PERIOD);
        }
        assert_eq!(passed_on(&rhythm, 1100, Arrival::Own), 1200);
    }

    #[test]
    fn the_way_there_is_learned_from_what_the_peer_tells() {
        let mut shift = Shift::default();
        assert_eq!(shift.arrival(at(5)), None);
        // The peer's clock is 1000 ms behind, and the way takes 100 ms, give or take ten.
        for sent in (2000..3000).step_by(10) {
            shift.sample(sent, sent - 900 + if sent % 20 == 0 { 10 } else { 0 });
        }
        let (arrival, deviation) = shift.arrival(at(5000)).expect("known");
        assert!((4_103_000..=4_107_000).contains(&arrival), "{arrival}");
        assert!((4_000..=6_000).contains(&deviation), "{deviation}");
        assert!(!is_past(4120, (arrival, deviation)));
        assert!(is_past(4140, (arrival, deviation)));
        assert_eq!(
            until_multiple(arrival, PERIOD),
            Duration::from_micros(4_200_000 - arrival as u64)
        );
        assert_eq!(until_multiple(-1_000, PERIOD), Duration::from_millis(1));
        // Nonsense is harmless.
        for (own, peer) in [(u64::MAX, 0), (0, u64::MAX), (u64::MAX, u64::MAX)] {
            shift.sample(own, peer);
            assert!(shift.arrival(Time::MAX).is_some());
            assert!(until_multiple(i64::MIN, PERIOD) <= PERIOD);
            assert!(until_multiple(i64::MAX, PERIOD) <= PERIOD);
        }
    }
}
