//! How long a peer's answer takes.

use std::time::Duration;

/// What is assumed of a peer that has not answered yet.
const UNKNOWN: Duration = Duration::from_millis(500);

/// The least that is added to the mean before an answer counts as overdue. Peers' clocks are told
/// in whole milliseconds, and on the real clock processes are held up.
const MARGIN_MIN: Duration = Duration::from_millis(30);

/// Mean and deviation of the round trip to a peer, as in RFC 6298. A sample must be of one message
/// and its own answer, told apart by a number or (RFC 7323) by a timestamp that the peer sends
/// back: a repeated message cannot be mistaken for the one it repeats.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundTrip {
    mean: Option<Duration>,
    deviation: Duration,
    jitter: Duration,
}

impl RoundTrip {
    /// Takes note that an answer took so long.
    pub fn sample(&mut self, sample: Duration) {
        match self.mean {
            None => {
                self.mean = Some(sample);
                // The RFC has a half, to be careful with what a needless repetition costs a
                // congested network.
                self.deviation = sample / 8;
            }
            Some(mean) => {
                self.deviation = (self.deviation * 3 + mean.abs_diff(sample)) / 4;
                self.jitter = (self.jitter * 3 + mean.abs_diff(sample)) / 4;
                self.mean = Some((mean * 7 + sample) / 8);
            }
        }
    }

    /// The mean, if anything is known.
    pub fn mean(&self) -> Option<Duration> {
        self.mean
    }

    /// By how much round trips differ, as far as that has been seen: unlike the deviation that
    /// patience is made of it begins at nothing.
    pub fn jitter(&self) -> Duration {
        self.jitter
    }

    /// The mean, or what is assumed.
    pub fn expected(&self) -> Duration {
        self.mean.unwrap_or(UNKNOWN)
    }

    /// After this time an answer that was to come at once is overdue.
    pub fn patience(&self) -> Duration {
        self.expected() + (self.deviation * 4).max(MARGIN_MIN)
    }
}
