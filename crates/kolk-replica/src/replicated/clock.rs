//! The clock that the core is stepped with: it may go slower than time.
//!
//! The core's timeouts are lengths of this clock, and nothing in it depends on what clocks show but
//! how soon a leader is missed. So one factor answers two questions. Where round trips are long
//! elections must be given more time: the clock goes slower in proportion. And where nothing
//! happens nobody needs to know at once that the leader is gone: the clock goes slower still, until
//! something happens.

use std::collections::VecDeque;
use std::time::Duration;

use kolk_node::Time;

/// How long without a leader until somebody stands, at least, on the core's clock.
pub(super) const ELECTION: Duration = Duration::from_millis(100);
/// How often a leader shows that it is there, on the core's clock.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(50);

/// The factor is counted in thousandths.
const ONE: u64 = 1000;
/// How many times slower it goes where nothing happens.
const QUIET: u64 = 10 * ONE;
/// And where round trips are long, at most.
const SLOW_MAX: u64 = 50 * ONE;
/// For how long after something happened it is not quiet yet.
const LIVELY: Duration = Duration::from_secs(1);
/// So many round trips to a peer are remembered. Their median counts: what waited for a node that
/// stood still seems to have taken long, and is soon forgotten.
const REMEMBERED: usize = 5;
/// An election is given the time of so many round trips.
const ROUND_TRIPS: u32 = 2;

pub(super) struct Clock {
    core: Duration,
    at: Time,
    /// How much slower it goes than time.
    slow: u64,
    lively_until: Time,
    /// The last to each peer.
    round_trips: Vec<VecDeque<Duration>>,
}

impl Clock {
    pub fn new(now: Time, peers: usize) -> Clock {
        let round_trips = vec![VecDeque::new(); peers];
        let lively_until = now + LIVELY;
        Clock { core: Duration::ZERO, at: now, slow: ONE, lively_until, round_trips }
    }

    /// Something happened: the clock runs.
    pub fn stir(&mut self, now: Time) {
        self.advance(now);
        self.lively_until = now + LIVELY;
    }

    /// A round trip to a peer took so long.
    pub fn sample(&mut self, peer: usize, round_trip: Duration) {
        let known = &mut self.round_trips[peer];
        known.push_back(round_trip);
        if known.len() > REMEMBERED {
            known.pop_front();
        }
    }

    /// What it shows now; from here on it goes as fast as it should now.
    pub fn show(&mut self, now: Time) -> Duration {
        self.advance(now);
        let mut slow = self.pace();
        if now >= self.lively_until {
            slow = slow.max(QUIET);
        }
        self.slow = slow;
        self.core
    }

    fn advance(&mut self, now: Time) {
        let elapsed = now.since(self.at).as_nanos() * u128::from(ONE) / u128::from(self.slow);
        self.core += Duration::from_nanos(u64::try_from(elapsed).unwrap_or(u64::MAX));
        // A clock that was set back goes on from there.
        self.at = now;
    }

    /// When it will show this.
    pub fn when(&self, core: Duration) -> Time {
        let left = core.saturating_sub(self.core).as_nanos();
        let left = (left * u128::from(self.slow)).div_ceil(u128::from(ONE));
        self.at + Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
    }

    /// An election timeout, as it is in time.
    pub fn election(&self) -> Duration {
        ELECTION * u32::try_from(self.pace()).unwrap_or(u32::MAX) / ONE as u32
    }

    /// How much slower than time, as round trips are. Those to half of the peers count: a link that
    /// is slower than the others holds up nobody.
    fn pace(&self) -> u64 {
        let known: Vec<Duration> = self.round_trips.iter().filter_map(median).collect();
        let Some(usual) = median(&known.into()) else { return ONE };
        let slow = (usual * ROUND_TRIPS).as_nanos() * u128::from(ONE) / ELECTION.as_nanos();
        u64::try_from(slow).unwrap_or(u64::MAX).clamp(ONE, SLOW_MAX)
    }
}

/// The one in the middle; of two, the greater.
fn median(values: &VecDeque<Duration>) -> Option<Duration> {
    let mut values: Vec<Duration> = values.iter().copied().collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn it_goes_slower_where_nothing_happens() {
        let start = Time::from_millis(5_000);
        let mut clock = Clock::new(start, 4);
        assert_eq!(clock.show(start), Duration::ZERO);
        assert_eq!(clock.when(millis(100)), start + millis(100));
        assert_eq!(clock.show(start + millis(1_000)), millis(1_000));
        // Nothing has happened for a second: a tenth of the pace.
        assert_eq!(clock.when(millis(1_100)), start + millis(2_000));
        assert_eq!(clock.show(start + millis(1_500)), millis(1_050));
        clock.stir(start + millis(1_600));
        assert_eq!(clock.show(start + millis(1_600)), millis(1_060));
        assert_eq!(clock.show(start + millis(1_700)), millis(1_160));
        // It is set back, and goes on.
        assert_eq!(clock.show(start), millis(1_160));
        assert_eq!(clock.when(millis(1_170)), start + millis(10));
        assert_eq!(clock.show(start + millis(10)), millis(1_170));
    }

    #[test]
    fn it_goes_slower_where_round_trips_are_long() {
        for (round_trips, expected) in [
            ([20, 20, 20, 20], 100),
            ([200, 200, 200, 200], 400),
            // One link is slow, or one peer.
            ([20, 20, 20, 900], 100),
            ([20, 20, 900, 900], 1_800),
            ([9_000, 9_000, 9_000, 9_000], 5_000),
        ] {
            let mut clock = Clock::new(Time::ZERO, 4);
            for _ in 0..REMEMBERED {
                for (peer, round_trip) in round_trips.into_iter().enumerate() {
                    clock.sample(peer, millis(round_trip));
                }
            }
            // What was kept for a node that stood still.
            for peer in 0..4 {
                clock.sample(peer, millis(5_000));
                clock.sample(peer, millis(4_000));
            }
            assert_eq!(clock.election(), millis(expected), "{round_trips:?}");
            assert_eq!(clock.show(Time::from_millis(600)), millis(600), "not in retrospect");
            let due = Time::from_millis(600 + expected);
            assert_eq!(clock.when(millis(700)), due, "{round_trips:?}");
            assert_eq!(clock.show(due), millis(700));
        }
    }

    #[test]
    fn what_it_will_show_is_shown_then() {
        let mut clock = Clock::new(Time::ZERO, 1);
        clock.sample(0, millis(177));
        for nanos in [1, 7, 999, 1_000_001, 12_345_678] {
            let now = clock.at;
            let due = clock.show(now) + Duration::from_nanos(nanos);
            let when = clock.when(due);
            assert!(clock.show(when) >= due, "{nanos}");
        }
    }
}
