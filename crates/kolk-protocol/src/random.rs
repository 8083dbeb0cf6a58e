//! Randomness drawn by key.
//!
//! A run's decisions are not taken from one stream, where leaving out one draw would shift all
//! later ones: each is a function of the seed and of *what is decided* (which message on which
//! link, which operation). A [`Key`] names the decision, [`Key::random`] gives the generator for
//! it. Both algorithms are in this file, with their published vectors in its tests, so that no
//! dependency's update can change what an old seed means:
//!
//! - SplitMix64 (Steele, Lea & Flood, *Fast splittable pseudorandom number generators*, OOPSLA
//!   2014) mixes keys and expands a key into a state,
//! - xoshiro256++ (Blackman & Vigna, *Scrambled linear pseudorandom number generators*, ACM TOMS
//!   2021) gives the draws.

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's output function: a bijection in which every input bit reaches every output bit.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The name of one decision: a seed and the parts that tell it from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// The key of everything that `seed` decides.
    pub const fn new(seed: u64) -> Key {
        Key(mix(seed.wrapping_add(GOLDEN_GAMMA)))
    }

    /// The same key, narrowed by a number. The order of parts matters.
    #[must_use]
    pub const fn with(self, part: u64) -> Key {
        // The state is mixed before the part enters, so (a, b) and (b, a) differ, and the part is
        // mixed by itself, so that neighbouring numbers do not give neighbouring states.
        Key(mix(self.0.wrapping_add(GOLDEN_GAMMA)) ^ mix(part.wrapping_mul(GOLDEN_GAMMA)))
    }

    /// The same key, narrowed by a name (a node's, a link's end, a domain of decisions).
    #[must_use]
    pub const fn with_name(self, name: &str) -> Key {
        // FNV-1a, 64 bits.
        let bytes = name.as_bytes();
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut i = 0;
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        self.with(hash)
    }

    /// The key as one number: the seed of a smaller world, such as a node's own entropy.
    pub const fn seed(self) -> u64 {
        mix(self.0.wrapping_add(GOLDEN_GAMMA))
    }

    /// The generator for this decision.
    pub fn random(self) -> Random {
        Random::from_seed(self.0)
    }
}

/// A generator of random numbers: xoshiro256++.
#[derive(Clone, Debug)]
pub struct Random([u64; 4]);

impl Random {
    /// A generator whose state is the first four outputs of SplitMix64 from `seed`.
    pub fn from_seed(seed: u64) -> Random {
        let mut state = seed;
        Random(std::array::from_fn(|_| {
            state = state.wrapping_add(GOLDEN_GAMMA);
            mix(state)
        }))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..bound`, each equally likely. `bound` must not be 0.
    ///
    /// Lemire, *Fast random integer generation in an interval*, ACM TOMACS 2019.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        let mut product = u128::from(self.next_u64()) * u128::from(bound);
        if (product as u64) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    /// An index into something of `len` elements. `len` must not be 0.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A number in `[0, 1)`, a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the elements, each equally likely; `None` if there is none.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { Some(&from[self.index(from.len())]) }
    }

    /// Shuffles a slice (Fisher–Yates): every order is equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.index(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of the SplitMix64 reference, seed 1234567.
    #[test]
    fn splitmix64_vectors() {
        let mut state = 1_234_567u64;
        let mut next = || {
            state = state.wrapping_add(GOLDEN_GAMMA);
            mix(state)
        };
        for expected in [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ] {
            assert_eq!(next(), expected);
        }
    }

    /// Vectors of the xoshiro256++ reference, state [1, 2, 3, 4].
    #[test]
    fn xoshiro256_plus_plus_vectors() {
        let mut random = Random([1, 2, 3, 4]);
        for expected in [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
            9_973_669_472_204_895_162,
            14_011_001_112_246_962_877,
            12_406_186_145_184_390_807,
            15_849_039_046_786_891_736,
            10_450_023_813_501_588_000,
        ] {
            assert_eq!(random.next_u64(), expected);
        }
    }

    /// What a seed means is part of the format of a plan: these may never change.
    #[test]
    fn keys_are_frozen() {
        let key = Key::new(7).with_name("fate").with_name("n0").with_name("n1").with(3);
        assert_eq!(
            (key.seed(), key.random().next_u64(), key.random().below(1000)),
            (7_996_412_413_162_449_931, 682_424_912_796_582_990, 36)
        );
    }

    #[test]
    fn order_of_parts_matters() {
        let key = Key::new(1);
        assert_ne!(key.with(1).with(2), key.with(2).with(1));
        assert_ne!(key.with(0), key);
        assert_ne!(key.with_name("ab").with_name("c"), key.with_name("a").with_name("bc"));
    }

    #[test]
    fn below_is_even() {
        let mut random = Random::from_seed(1);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[random.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }

    #[test]
    fn shuffle_keeps_all() {
        let mut items: Vec<u32> = (0..100).collect();
        Random::from_seed(2).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
