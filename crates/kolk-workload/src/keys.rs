//! Keys that are written so many times and then replaced: what logs and transactions choose from.

use std::fmt::Debug;

use kolk_protocol::Random;

/// A key is chosen by a number of this many bits.
const KEYS_MAX: u32 = 63;

/// The keys in use, as what a workload calls them. They are numbered 0, 1, 2, … in the order in
/// which they come into use.
#[derive(Debug)]
pub(crate) struct Keys<K> {
    name: fn(u64) -> K,
    max_writes_per_key: u32,
    active: Vec<Active<K>>,
    next: u64,
}

/// One of the keys in use.
#[derive(Debug)]
pub(crate) struct Active<K> {
    pub(crate) key: K,
    /// How many values were made for it.
    writes: u32,
}

impl<K> Keys<K> {
    /// Uses so many keys at a time, each for so many writes; `name` says what a key is called. More
    /// than 63 keys count as 63: each key is chosen twice as often as the one before it.
    pub(crate) fn new(count: u32, max_writes_per_key: u32, name: fn(u64) -> K) -> Keys<K> {
        let next = u64::from(count.clamp(1, KEYS_MAX));
        let active = (0..next).map(|number| Active { key: name(number), writes: 0 }).collect();
        Keys { name, max_writes_per_key, active, next }
    }

    /// The place of one of the keys in use, the last one most likely.
    pub(crate) fn choose(&self, random: &mut Random) -> usize {
        let bits = self.active.len() as u32;
        (random.below((1 << bits) - 1) + 1).ilog2() as usize
    }

    /// The key at this place.
    pub(crate) fn at(&self, place: usize) -> &K {
        &self.active[place].key
    }

    /// The key at this place and the next value to be written to it: they count up from 1. A key
    /// that was written often enough is replaced first.
    pub(crate) fn write(&mut self, place: usize) -> (&K, i64) {
        let active = &mut self.active[place];
        if active.writes == self.max_writes_per_key {
            *active = Active { key: (self.name)(self.next), writes: 0 };
            self.next += 1;
        }
        active.writes += 1;
        (&active.key, i64::from(active.writes))
    }

    /// Every key that was ever in use.
    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = K> {
        let name = self.name;
        (0..self.next as usize).map(move |number| name(number as u64))
    }
}

#[cfg(test)]
mod tests {
    use kolk_protocol::Key;

    use super::*;

    #[test]
    fn later_keys_are_chosen_more_often() {
        let keys = Keys::new(10, 16, |number| number);
        let mut counts = [0_u32; 10];
        for n in 0..100_000 {
            counts[keys.choose(&mut Key::new(4).with(n).random())] += 1;
        }
        for (at, count) in counts.into_iter().enumerate() {
            let expected = 100_000.0 * f64::from(1 << at) / 1023.0;
            assert!((f64::from(count) - expected).abs() < 6.0 * expected.sqrt(), "{at}: {count}");
        }
        assert_eq!(Keys::new(100, 1, |number| number).active.len(), 63);
    }

    #[test]
    fn a_key_is_replaced_after_its_last_value() {
        let mut keys = Keys::new(2, 2, |number| number);
        let written: Vec<(u64, i64)> = [1, 1, 1, 0, 0, 0, 1]
            .into_iter()
            .map(|place| {
                let (key, value) = keys.write(place);
                (*key, value)
            })
            .collect();
        assert_eq!(written, [(1, 1), (1, 2), (2, 1), (0, 1), (0, 2), (3, 1), (2, 2)]);
        assert_eq!(keys.all().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
