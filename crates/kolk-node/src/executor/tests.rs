//! Wake-ups from other threads, under `loom`: every order in which the threads can get their turns,
//! and everything that the memory model lets them see.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --release -p kolk-node --no-default-features --lib executor
//! ```
//!
//! A wake-up that is lost leaves all threads waiting, which `loom` reports as a deadlock. The flags
//! are written and read with relaxed ordering: that a poll sees what was done before the wake-up
//! must come from the wake-up itself.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use super::{Executor, Spawned};

/// How often a thread may lose its turn without need. All known faults of this kind show with two;
/// without a bound the search takes hours.
const PREEMPTIONS_MAX: usize = 2;

fn model(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(PREEMPTIONS_MAX);
    builder.check(model);
}

type Flag = Arc<AtomicBool>;

fn flag() -> Flag {
    Arc::new(AtomicBool::new(false))
}

fn is_set(flag: &Flag) -> bool {
    flag.load(Ordering::Relaxed)
}

/// A task that waits until all of these are set, and its waker once it was polled.
fn waits_for(flags: &[Flag]) -> (Spawned, Rc<RefCell<Option<Waker>>>) {
    let (flags, waker) = (flags.to_vec(), Rc::new(RefCell::new(None)));
    let known = Rc::clone(&waker);
    let task = poll_fn(move |cx| {
        known.borrow_mut().get_or_insert_with(|| cx.waker().clone());
        if flags.iter().all(is_set) { Poll::Ready(()) } else { Poll::Pending }
    });
    (Box::pin(task), waker)
}

/// Sets the flag in a thread of its own, and wakes.
fn sets(flag: &Flag, waker: Waker) -> thread::JoinHandle<()> {
    let flag = Arc::clone(flag);
    thread::spawn(move || {
        flag.store(true, Ordering::Relaxed);
        waker.wake();
    })
}

/// As the driver for the real clock does: polls all that is ready, and sleeps until woken.
fn drive(executor: &mut Executor<Spawned>) {
    loom::future::block_on(poll_fn(|cx| {
        loop {
            while executor.poll_next() {}
            if executor.is_empty() {
                return Poll::Ready(());
            }
            if executor.watch(cx.waker()) {
                return Poll::Pending;
            }
        }
    }));
}

/// Spawns a task that waits for these flags, gives it its first turn, and gives its waker.
fn begin(executor: &mut Executor<Spawned>, flags: &[Flag]) -> Waker {
    let (task, waker) = waits_for(flags);
    executor.spawn(task);
    while executor.poll_next() {}
    let waker = waker.borrow_mut().take();
    waker.expect("polled")
}

#[test]
fn a_driver_that_goes_to_sleep_hears_the_wake_up() {
    model(|| {
        let mut executor = Executor::<Spawned>::new();
        let flag = flag();
        let waker = begin(&mut executor, std::slice::from_ref(&flag));
        let thread = sets(&flag, waker);
        drive(&mut executor);
        thread.join().expect("no panic");
    });
}

/// The second wake-up may find the task queued by the first: the poll that follows must see what
/// both threads did, or come again.
#[test]
fn two_wake_ups_of_one_task_are_seen() {
    model(|| {
        let mut executor = Executor::<Spawned>::new();
        let flags = [flag(), flag()];
        let waker = begin(&mut executor, &flags);
        let threads = flags.each_ref().map(|flag| sets(flag, waker.clone()));
        drive(&mut executor);
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
}

#[test]
fn wake_ups_of_two_tasks_are_heard() {
    model(|| {
        let mut executor = Executor::<Spawned>::new();
        let flags = [flag(), flag()];
        let wakers = flags.each_ref().map(|flag| begin(&mut executor, &[Arc::clone(flag)]));
        let threads = [0, 1].map(|at| sets(&flags[at], wakers[at].clone()));
        drive(&mut executor);
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    });
}

/// A waker that outlived its task wakes the next task of the slot, whose own wake-up is not lost
/// by that.
#[test]
fn a_waker_that_outlived_its_task_does_no_harm() {
    model(|| {
        let mut executor = Executor::<Spawned>::new();
        let old = begin(&mut executor, &[]);
        let flag = flag();
        let new = begin(&mut executor, std::slice::from_ref(&flag));
        let stale = thread::spawn(move || old.wake());
        let thread = sets(&flag, new);
        drive(&mut executor);
        stale.join().expect("no panic");
        thread.join().expect("no panic");
    });
}
