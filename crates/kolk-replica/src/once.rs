//! Requests that are performed once, however often they arrive.
//!
//! A sender that repeats what was not answered, over a network that loses, delays and duplicates,
//! gives each request a number ([`Numbers`]). The receiver keeps what it answered ([`Performed`]),
//! and answers a repetition with that. So that it need not keep everything, each message tells the
//! sender's *floor*: nothing below it will be asked again. What arrives below the floor all the
//! same is a late copy, and is refused. (After C. Lee et al., *Implementing linearizability at
//! large scale and low latency*, SOSP 2015, section 3.)
//!
//! ```
//! use kolk_replica::once::{Numbers, Performed};
//!
//! let (mut numbers, mut performed) = (Numbers::default(), Performed::default());
//! let (first, second) = (numbers.issue(), numbers.issue());
//! assert_eq!(performed.once(first, || "done"), Some("done"));
//! assert_eq!(performed.once(first, || "done again"), Some("done"));
//! numbers.close(first);
//! performed.raise_floor(numbers.floor());
//! assert_eq!(performed.once(first, || "far too late"), None);
//! assert_eq!(performed.once(second, || "done as well"), Some("done as well"));
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A sender's numbers for its requests to one receiver.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    open: BTreeSet<u64>,
    next: u64,
}

impl Numbers {
    /// Gives a new request its number.
    pub fn issue(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.open.insert(number);
        number
    }

    /// Says that a request was answered or given up: it will not be sent again.
    pub fn close(&mut self, number: u64) {
        self.open.remove(&number);
    }

    /// No request with a number below this one will be sent again.
    pub fn floor(&self) -> u64 {
        self.open.first().copied().unwrap_or(self.next)
    }
}

/// The results of one sender's requests that it may still repeat, by number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Performed<T> {
    done: BTreeMap<u64, T>,
    floor: u64,
}

impl<T> Default for Performed<T> {
    fn default() -> Performed<T> {
        Performed { done: BTreeMap::new(), floor: 0 }
    }
}

impl<T: Clone> Performed<T> {
    /// Learns of the sender's floor. Floors may arrive in any order.
    pub fn raise_floor(&mut self, floor: u64) {
        if floor > self.floor {
            self.floor = floor;
            self.done = self.done.split_off(&floor);
        }
    }

    /// Performs a request, unless that was done already, and gives what came of it. `None` for one
    /// below the floor: the sender does not wait for it any more, and it may have been performed or
    /// not.
    pub fn once(&mut self, number: u64, perform: impl FnOnce() -> T) -> Option<T> {
        (number >= self.floor).then(|| self.done.entry(number).or_insert_with(perform).clone())
    }

    /// What came of a request, if it was performed and the result is still kept.
    pub fn result(&self, number: u64) -> Option<&T> {
        self.done.get(&number)
    }

    /// The number of results that are kept.
    pub fn len(&self) -> usize {
        self.done.len()
    }

    /// True if no result is kept.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_is_the_least_open_number() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.floor(), 0);
        assert_eq!([(); 3].map(|()| numbers.issue()), [0, 1, 2]);
        for (close, floor) in [(1, 0), (0, 2), (0, 2), (2, 3)] {
            numbers.close(close);
            assert_eq!(numbers.floor(), floor, "after {close}");
        }
    }

    #[test]
    fn results_are_kept_until_the_floor_rises() {
        let mut performed = Performed::default();
        let mut count = 0;
        for number in [3, 1, 3, 2, 1] {
            let mut perform = || {
                count += 1;
                number * 10
            };
            assert_eq!(performed.once(number, &mut perform), Some(number * 10));
        }
        assert_eq!((count, performed.len()), (3, 3));
        performed.raise_floor(3);
        performed.raise_floor(2);
        assert_eq!(performed.len(), 1);
        assert_eq!([1, 2, 3].map(|number| performed.once(number, || 0)), [None, None, Some(30)]);
        performed.raise_floor(4);
        assert!(performed.is_empty());
    }
}
