//! What time nodes take it to be: each has a clock of its own, which is right unless a fault says
//! otherwise.
//!
//! A clock never goes back. It jumps ahead, or runs faster or slower than it should; when no fault
//! is left one that is late is set right at once, and one that is early runs at half its speed
//! until it is right, as clocks do that are kept by NTP.

use std::time::Duration;

use kolk_history::plan::{ClockChange, Millionths};
use kolk_protocol::Time;

/// As fast as time.
const RIGHT: u32 = 1_000_000;
/// A clock that is early waits for the time.
const HALF: u32 = RIGHT / 2;

/// The clocks of all nodes.
#[derive(Debug)]
pub(crate) struct Clocks(Vec<Clock>);

#[derive(Debug)]
struct Clock {
    /// What it showed, and when; from then on it runs at this speed, in millionths.
    since: Time,
    shown: Time,
    speed: u32,
    /// The open faults, by their numbers.
    open: Vec<(u32, ClockChange)>,
    /// The faults that have made it wrong since it was last right: one that is over may still show.
    wrong_by: Vec<u32>,
    /// Tells a change from earlier ones.
    generation: u32,
}

impl Clocks {
    pub(crate) fn new(count: usize) -> Clocks {
        let clock = || Clock {
            since: Time::ZERO,
            shown: Time::ZERO,
            speed: RIGHT,
            open: Vec::new(),
            wrong_by: Vec::new(),
            generation: 0,
        };
        Clocks((0..count).map(|_| clock()).collect())
    }

    /// What a node's clock shows.
    pub(crate) fn shown(&self, node: u16, now: Time) -> Time {
        self.0[usize::from(node)].shown(now)
    }

    /// The first instant at which a node's clock shows this time, or a later one.
    pub(crate) fn when(&self, node: u16, shown: Time) -> Time {
        self.0[usize::from(node)].when(shown)
    }

    /// The faults by which a node's clock is wrong now.
    pub(crate) fn wrong_by(&self, node: u16, now: Time) -> &[u32] {
        let clock = &self.0[usize::from(node)];
        if clock.shown(now) == now { &[] } else { &clock.wrong_by }
    }

    /// A fault begins.
    pub(crate) fn disturb(&mut self, node: u16, now: Time, number: u32, change: ClockChange) {
        let clock = &mut self.0[usize::from(node)];
        if clock.open.is_empty() && clock.shown(now) == now {
            clock.wrong_by.clear();
        }
        clock.open.push((number, change));
        clock.wrong_by.push(number);
        clock.set(clock.shown(now), now, clock.speed_open());
        if let ClockChange::Jump(ahead) = change {
            clock.shown = clock.shown + Duration::from_nanos(ahead);
        }
    }

    /// A fault ends. If the clock is early and no fault is left, it tells when it will be right,
    /// and the number of this change.
    pub(crate) fn relieve(&mut self, node: u16, now: Time, number: u32) -> Option<(Time, u32)> {
        let clock = &mut self.0[usize::from(node)];
        clock.open.retain(|(open, _)| *open != number);
        let shown = clock.shown(now);
        if !clock.open.is_empty() {
            clock.set(shown, now, clock.speed_open());
            return None;
        }
        if shown <= now {
            clock.set(now, now, RIGHT);
            return None;
        }
        clock.set(shown, now, HALF);
        Some((now + shown.since(now) * 2, clock.generation))
    }

    /// The time has come at which a clock that was early is right; false if it was changed since.
    pub(crate) fn right(&mut self, node: u16, now: Time, generation: u32) -> bool {
        let clock = &mut self.0[usize::from(node)];
        if clock.generation != generation {
            return false;
        }
        clock.set(clock.shown(now).max(now), now, RIGHT);
        true
    }
}

impl Clock {
    fn shown(&self, now: Time) -> Time {
        // Both are asked for in every step, and nearly every clock is right.
        if self.speed == RIGHT {
            return self.shown + now.since(self.since);
        }
        let passed = now.since(self.since).as_nanos() * u128::from(self.speed);
        let passed = u64::try_from(passed / u128::from(RIGHT)).unwrap_or(u64::MAX);
        self.shown + Duration::from_nanos(passed)
    }

    fn when(&self, shown: Time) -> Time {
        if self.speed == RIGHT {
            return self.since + shown.since(self.shown);
        }
        let left = shown.since(self.shown).as_nanos() * u128::from(RIGHT);
        let left = left.div_ceil(u128::from(self.speed.max(1)));
        self.since + Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
    }

    fn set(&mut self, shown: Time, now: Time, speed: u32) {
        (self.shown, self.since, self.speed) = (shown, now, speed);
        self.generation += 1;
    }

    /// The speed that the fault gives it that began last.
    fn speed_open(&self) -> u32 {
        let speeds = self.open.iter().rev().find_map(|(_, change)| match change {
            ClockChange::Speed(Millionths(speed)) => Some(*speed),
            ClockChange::Jump(_) => None,
        });
        speeds.unwrap_or(RIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(u64) -> Time = Time::from_millis;

    fn check(clocks: &Clocks, shown: &[(u64, u64)]) {
        for (now, expected) in shown {
            assert_eq!(clocks.shown(0, AT(*now)), AT(*expected), "at {now} ms");
            assert_eq!(clocks.when(0, AT(*expected)), AT(*now), "when {expected} ms");
        }
    }

    #[test]
    fn a_clock_that_jumped_runs_slowly_until_it_is_right() {
        let mut clocks = Clocks::new(1);
        check(&clocks, &[(0, 0), (70, 70)]);
        clocks.disturb(0, AT(100), 3, ClockChange::Jump(50_000_000));
        check(&clocks, &[(100, 150), (200, 250)]);
        // A time that was skipped has come when it jumped.
        assert_eq!(clocks.when(0, AT(120)), AT(100));
        let (right, generation) = clocks.relieve(0, AT(200), 3).expect("it is early");
        assert_eq!(right, AT(300));
        check(&clocks, &[(200, 250), (250, 275), (300, 300)]);
        assert!(clocks.right(0, right, generation));
        check(&clocks, &[(300, 300), (500, 500)]);
        assert!(!clocks.right(0, right, generation));
    }

    #[test]
    fn a_slow_clock_is_set_right_at_once_and_a_fast_one_waits() {
        let mut clocks = Clocks::new(1);
        let half = ClockChange::Speed(Millionths(500_000));
        clocks.disturb(0, AT(100), 1, half);
        check(&clocks, &[(100, 100), (200, 150)]);
        clocks.disturb(0, AT(200), 2, ClockChange::Speed(Millionths(3_000_000)));
        check(&clocks, &[(200, 150), (210, 180)]);
        assert_eq!(clocks.relieve(0, AT(210), 2), None);
        check(&clocks, &[(210, 180), (220, 185)]);
        assert_eq!(clocks.relieve(0, AT(220), 1), None);
        check(&clocks, &[(220, 220), (300, 300)]);
    }

    /// What a node asked for comes when its clock shows that time, and never before.
    #[test]
    fn nobody_is_woken_too_early() {
        for speed in [1, 333_333, 999_999, 1_000_001, 1_234_567, 50_000_000] {
            let mut clocks = Clocks::new(1);
            clocks.disturb(0, Time::from_nanos(17), 0, ClockChange::Speed(Millionths(speed)));
            for wanted in (0..1000).map(|step| Time::from_nanos(17 + step * 7919)) {
                let when = clocks.when(0, wanted);
                assert!(clocks.shown(0, when) >= wanted, "{speed}: {wanted}");
                let before = Time::from_nanos(when.as_nanos().saturating_sub(1));
                assert!(before < Time::from_nanos(17) || clocks.shown(0, before) < wanted);
            }
        }
    }
}
