//! The doors of `crates/kolk/tests/mutated`, for a fuzzer that is led by coverage.

#[path = "../../crates/kolk/tests/mutated/doors.rs"]
pub mod doors;
#[path = "../../crates/kolk/tests/mutated/mutate.rs"]
pub mod mutate;

use kolk_protocol::Random;

/// Goes through the door of that name.
///
/// # Panics
///
/// If there is none, or what lies behind it panics.
pub fn enter(name: &str, bytes: &[u8]) {
    let (_, enter) = doors::DOORS.iter().find(|(known, _)| *known == name).expect("a door");
    enter(bytes);
}

/// Changes words and lines in three of four cases, and bytes in the fourth; gives the new length.
pub fn change(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    if seed.is_multiple_of(4) {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let text = mutate::mutate(&data[..size], &mut Random::from_seed(seed.into()));
    let length = text.len().min(max_size);
    data[..length].copy_from_slice(&text[..length]);
    length
}

/// A target: the door of that name.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::enter($name, bytes));
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::change(data, size, max_size, seed)
        });
    };
}
