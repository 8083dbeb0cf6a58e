//! Pseudorandom numbers for timeouts: SplitMix64 (Steele, Lea & Flood, *Fast splittable
//! pseudorandom number generators*, OOPSLA 2014). A node draws a few a second, so nothing better is
//! needed.

use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A duration in `base..2 * base`.
    pub(crate) fn timeout(&mut self, base: Duration) -> Duration {
        // 32 bits of a fraction: some nanoseconds' steps in a second.
        let part = (self.next() >> 32) as f64 / 4_294_967_296.0;
        base + base.mul_f64(part)
    }
}
