//! Long runs of the tests over many histories, which print how far they are and what they counted.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many histories a sweep looks at: what `KOLK_HISTORIES` says, or else so many.
pub(super) fn histories(otherwise: u64) -> u64 {
    let asked = std::env::var("KOLK_HISTORIES").ok().map(|text| text.parse());
    asked.map_or(otherwise, |asked| asked.expect("KOLK_HISTORIES is a number"))
}

/// How many histories a thread looks at before it asks for more.
const AT_A_TIME: u64 = 500;

/// How many lines tell how far a sweep is.
const LINES: u64 = 50;

/// Has all seeds below a number looked at, on two threads: the sums of what was counted, name by
/// name. Which thread looks at what shows in nothing but the order of the lines.
pub(super) fn sweep<N: Copy + Send>(
    what: &str,
    histories: u64,
    look: impl Fn(Range<u64>) -> Vec<(N, [u64; 2])> + Sync,
) -> Vec<(N, [u64; 2])> {
    let next = AtomicU64::new(0);
    let all: Mutex<(u64, Vec<(N, [u64; 2])>)> = Mutex::default();
    let work = || {
        loop {
            let start = next.fetch_add(AT_A_TIME, Ordering::Relaxed);
            if start >= histories {
                return;
            }
            let seeds = start..(start + AT_A_TIME).min(histories);
            let counted = look(seeds.clone());
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            let before = all.0;
            all.0 += seeds.end - seeds.start;
            add(&mut all.1, &counted);
            if before * LINES / histories != all.0 * LINES / histories {
                eprintln!("{what}: {} of {histories} histories", all.0);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(all.0, histories, "{what}: all were looked at");
    all.1
}

/// Adds what was counted to what was counted before, place by place.
pub(super) fn add<N: Copy>(sums: &mut Vec<(N, [u64; 2])>, more: &[(N, [u64; 2])]) {
    for (at, (name, counted)) in more.iter().enumerate() {
        match sums.get_mut(at) {
            Some((_, sums)) => sums.iter_mut().zip(counted).for_each(|(sum, more)| *sum += more),
            None => sums.push((*name, *counted)),
        }
    }
}
