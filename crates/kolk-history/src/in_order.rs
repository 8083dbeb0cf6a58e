//! Work done on all cores whose results are taken in order, as if one had done it all.
//!
//! Where the text of a history is cut shows in nothing: parts are understood on whichever thread is
//! free, and put together one after another by the thread that asked.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How many threads help at most: putting results together is the work of one.
const HELPERS_MAX: usize = 7;

/// How many parts for each thread may be begun and not yet taken.
const AHEAD: usize = 4;

/// What the threads share.
struct Shared<W, T> {
    state: Mutex<State<W, T>>,
    /// There is work, or none will come.
    work: Condvar,
    /// A result is there, or a helper has failed.
    result: Condvar,
}

struct State<W, T> {
    /// Parts nobody has begun, each with its number.
    waiting: VecDeque<(usize, W)>,
    /// Results from the first that was not taken on.
    results: VecDeque<Option<T>>,
    /// The number of the first.
    taken: usize,
    is_over: bool,
    has_failed: bool,
}

/// Calls `next` for parts until there are no more, `work` with each of them on any thread, and
/// `take` with each result in the order of the parts. `next` and `take` run on this thread. Stops
/// at the first error of `take`; what was begun by then is thrown away.
pub(crate) fn in_order<W: Send, T: Send, E>(
    mut next: impl FnMut() -> Option<W>,
    work: impl Fn(W) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    // Mostly there is one part, and no need of anybody's help.
    let Some(first) = next() else { return Ok(()) };
    let Some(second) = next() else { return take(work(first)) };
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let helpers = (cores - 1).min(HELPERS_MAX);
    let shared = Shared {
        state: Mutex::new(State {
            waiting: VecDeque::new(),
            results: VecDeque::new(),
            taken: 0,
            is_over: false,
            has_failed: false,
        }),
        work: Condvar::new(),
        result: Condvar::new(),
    };
    let mut parts = [first, second].into_iter().chain(std::iter::from_fn(&mut next)).fuse();
    thread::scope(|scope| {
        let _end = End(&shared);
        for _ in 0..helpers {
            // Without a thread's help it takes longer, and that is all.
            let _ = thread::Builder::new().spawn_scoped(scope, || shared.help(&work));
        }
        shared.lead(&mut parts, AHEAD * (helpers + 1), &work, &mut take)
    })
}

impl<W, T> Shared<W, T> {
    fn lock(&self) -> MutexGuard<'_, State<W, T>> {
        // Nothing panics while it is locked, but for want of memory.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out parts, takes results, and works itself where there is nothing to take.
    fn lead<E>(
        &self,
        parts: &mut impl Iterator<Item = W>,
        ahead: usize,
        work: &impl Fn(W) -> T,
        take: &mut impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let open = self.lock().results.len();
            for part in parts.by_ref().take(ahead - open) {
                let mut state = self.lock();
                let number = state.taken + state.results.len();
                state.results.push_back(None);
                state.waiting.push_back((number, part));
                drop(state);
                self.work.notify_one();
            }
            let mut state = self.lock();
            let Some(first) = state.results.front_mut() else { return Ok(()) };
            if let Some(result) = first.take() {
                state.results.pop_front();
                state.taken += 1;
                drop(state);
                take(result)?;
            } else if let Some((number, part)) = state.waiting.pop_front() {
                drop(state);
                let result = work(part);
                self.lock().put(number, result);
            } else if state.has_failed {
                // The scope ends with the helper's panic.
                return Ok(());
            } else {
                drop(self.result.wait(state));
            }
        }
    }

    /// Works until there is no more to do.
    fn help(&self, work: &impl Fn(W) -> T) {
        let mut failing = Failing { shared: self, is_failing: true };
        let mut state = self.lock();
        while !state.is_over {
            match state.waiting.pop_front() {
                Some((number, part)) => {
                    drop(state);
                    let result = work(part);
                    state = self.lock();
                    state.put(number, result);
                    self.result.notify_one();
                }
                None => state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
        failing.is_failing = false;
    }
}

impl<W, T> State<W, T> {
    fn put(&mut self, number: usize, result: T) {
        let place = number - self.taken;
        self.results[place] = Some(result);
    }
}

/// Tells the helpers that it is over, however it ends.
struct End<'a, W, T>(&'a Shared<W, T>);

impl<W, T> Drop for End<'_, W, T> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.work.notify_all();
    }
}

/// Tells who waits for a helper that it panicked.
struct Failing<'a, W, T> {
    shared: &'a Shared<W, T>,
    is_failing: bool,
}

impl<W, T> Drop for Failing<'_, W, T> {
    fn drop(&mut self) {
        if self.is_failing {
            self.shared.lock().has_failed = true;
            self.shared.result.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn results_come_in_the_order_of_the_parts() {
        for count in [0, 1, 2, 3, 50, 1000] {
            let mut parts = 0..count;
            let mut taken = Vec::new();
            let done: Result<(), ()> = in_order(
                || parts.next(),
                |part: u64| (0..part * 7919 % 1000).sum::<u64>() + part,
                |result| {
                    taken.push(result);
                    Ok(())
                },
            );
            assert_eq!(done, Ok(()));
            let expected = |part: u64| (0..part * 7919 % 1000).sum::<u64>() + part;
            assert_eq!(taken, (0..count).map(expected).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        for last in [0, 1, 40] {
            let mut parts = 0..;
            let mut taken = 0;
            let take = |part: u32| {
                taken += 1;
                if part == last { Err(part) } else { Ok(()) }
            };
            assert_eq!(in_order(|| parts.next(), |part| part, take), Err(last));
            assert_eq!(taken, last + 1);
        }
    }

    #[test]
    fn a_panic_is_passed_on() {
        let mut parts = 0..100;
        let work = |part: u32| assert!(part != 60, "too bad");
        let all = || in_order(|| parts.next(), work, |()| Ok::<(), ()>(()));
        assert!(catch_unwind(AssertUnwindSafe(all)).is_err());
    }
}
