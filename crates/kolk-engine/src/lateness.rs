//! How late things happened on the machine's clock: a busy machine makes every latency longer.

use kolk_history::summary::Lateness;

/// How many are kept at most; beyond that every other one is.
const KEPT_MAX: usize = 1 << 16;

/// What was late, and by how much, in nanoseconds.
#[derive(Debug)]
pub(crate) struct Delays {
    kept: Vec<u64>,
    /// One of so many is kept.
    stride: u64,
    count: u64,
    max: u64,
}

impl Delays {
    pub(crate) fn new() -> Delays {
        Delays { kept: Vec::new(), stride: 1, count: 0, max: 0 }
    }

    /// An event happened so long after it was due.
    pub(crate) fn note(&mut self, nanos: u64) {
        self.max = self.max.max(nanos);
        if self.count.is_multiple_of(self.stride) {
            self.kept.push(nanos);
        }
        self.count += 1;
        if self.kept.len() == KEPT_MAX {
            let mut place = 0;
            self.kept.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// All of it in three numbers; `None` if nothing was due.
    pub(crate) fn summary(mut self) -> Option<Lateness> {
        self.kept.sort_unstable();
        let at = |hundredth: usize| self.kept[(self.kept.len() - 1) * hundredth / 100];
        let is_empty = self.kept.is_empty();
        (!is_empty).then(|| Lateness { median: at(50), p99: at(99), max: self.max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_told_in_three_numbers_however_many_there_are() {
        assert_eq!(Delays::new().summary(), None);
        for count in [100, 1_000_000] {
            let mut delays = Delays::new();
            (1..=count).for_each(|nanos| delays.note(nanos));
            let Lateness { median, p99, max } = delays.summary().unwrap();
            assert_eq!(max, count);
            for (found, expected) in [(median, count / 2), (p99, count * 99 / 100)] {
                assert!(found.abs_diff(expected) <= count / 1000 + 1, "{found} of {count}");
            }
        }
    }
}
