//! Time cut into equal parts, each round and none too short to say something.

use kolk_protocol::Time;

use super::Run;
use super::scale::round_step;

/// About how many parts a run has.
const BINS: f64 = 60.0;

/// How many operations of each kind a part has at least, on average.
const OPERATIONS_MIN: f64 = 8.0;

/// Equal parts of a run's time.
#[derive(Clone, Copy, Debug)]
pub struct Bins {
    /// How long each is, in seconds.
    pub seconds: f64,
    /// How many there are.
    pub count: usize,
    /// How long all of them are; the last may be longer than the others.
    ended: f64,
}

impl Bins {
    /// The parts of a run.
    pub fn of(run: &Run<'_>) -> Bins {
        let ended = Time::from_nanos(run.facts.ended).as_secs_f64().max(0.001);
        let kinds = run.functions().len().max(1) as f64;
        let operations = run.history.counted().count() as f64 / kinds;
        let parts = (operations / OPERATIONS_MIN).clamp(1.0, BINS);
        let seconds = round_step(ended / parts);
        Bins { seconds, count: ((ended / seconds).round() as usize).max(1), ended }
    }

    /// The part in which a moment lies.
    pub fn place(&self, time: Time) -> usize {
        ((time.as_secs_f64() / self.seconds) as usize).min(self.count - 1)
    }

    /// When a part begins, in seconds.
    fn begin(&self, place: usize) -> f64 {
        place as f64 * self.seconds
    }

    /// How long a part is, in seconds.
    pub fn length(&self, place: usize) -> f64 {
        if place + 1 == self.count { self.ended - self.begin(place) } else { self.seconds }
    }

    /// The second in a part's middle.
    pub fn middle(&self, place: usize) -> f64 {
        self.begin(place) + self.length(place) / 2.0
    }
}
