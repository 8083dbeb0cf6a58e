//! The same thing for many seeds, and what the results have in common.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many seeds the environment asks for: `KOLK_SEEDS`, or so many if it does not say.
///
/// # Panics
///
/// If `KOLK_SEEDS` is no number.
pub fn seeds(default: u64) -> u64 {
    std::env::var("KOLK_SEEDS")
        .map_or(default, |seeds| seeds.parse().expect("KOLK_SEEDS: a number"))
}

/// Does something for each seed, on as many threads as there are cores, and returns the results in
/// the order of the seeds.
///
/// # Panics
///
/// If `job` panics for one of them.
pub fn for_seeds<T: Send>(seeds: Range<u64>, job: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(seeds.start);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let result = job(seed);
                    results
                        .lock()
                        .expect("no thread panics while it holds this")
                        .push((seed, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panics while it holds this");
    results.sort_unstable_by_key(|(seed, _)| *seed);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Numbers in short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The smallest.
    pub least: f64,
    /// The one in the middle; of two, the greater.
    pub median: f64,
    /// Their sum by their count.
    pub mean: f64,
    /// The largest.
    pub greatest: f64,
}

impl Spread {
    /// Of these numbers; all not a number if there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (Some(least), Some(greatest)) = (values.first(), values.last()) else {
            let none = f64::NAN;
            return Spread { least: none, median: none, mean: none, greatest: none };
        };
        Spread {
            least: *least,
            median: values[values.len() / 2],
            mean: values.iter().sum::<f64>() / values.len() as f64,
            greatest: *greatest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_their_seeds() {
        let square = |seed| seed * seed;
        assert_eq!(for_seeds(3..7, square), [9, 16, 25, 36]);
        assert_eq!(for_seeds(3..3, square), [0_u64; 0]);
        let many = for_seeds(0..1000, square);
        assert!(many.iter().copied().eq((0..1000).map(square)));
    }

    #[test]
    fn numbers_in_short() {
        for (values, expected) in [
            (&[5.0][..], (5.0, 5.0, 5.0, 5.0)),
            (&[4.0, 1.0, 1.0], (1.0, 1.0, 2.0, 4.0)),
            (&[4.0, 1.0], (1.0, 4.0, 2.5, 4.0)),
        ] {
            let spread = Spread::of(values.iter().copied());
            let (least, median, mean, greatest) = expected;
            assert_eq!(spread, Spread { least, median, mean, greatest });
        }
        assert!(Spread::of([]).mean.is_nan());
    }
}
