//! The tracer. [`core::Core`] is a program with all its threads and processes; what it answers to
//! calls stands in [`calls`].

mod calls;
mod core;
mod exec;
mod filter;
mod futexes;
mod inject;
mod launch;
mod look;
mod memory;
mod pipes;
mod run;
mod signals;
mod start;
mod stop;
mod task;
mod timers;
mod traps;
mod vdso;
mod watch;

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

pub use launch::launch_if_asked;

use self::core::Core;
use crate::{FellThrough, Settings, SpawnError, Step, Stuck};
use watch::Watch;

/// Whether programs can be traced here at all.
pub const fn is_supported() -> bool {
    true
}

/// What the traced programs of a thread share: a processor, and a watch against those that hang.
///
/// The thread runs on one processor as long as this lives, and so do the programs: handing the
/// processor over takes a fraction of what waking another one does. Programs must be driven by the
/// thread that started them; several threads may each have a tracer.
#[derive(Clone, Debug)]
pub struct Tracer(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The processor, if this thread could be bound to one.
    processor: Option<usize>,
    /// Where this thread could run before.
    before: Option<CpuSet>,
    watch: Watch,
}

impl Tracer {
    /// Binds this thread to a processor, another one for each thread that asks. `stop_wanted` is
    /// asked during steps, by another thread, and ends them when it says so.
    ///
    /// # Errors
    ///
    /// If no thread can be started for the watch.
    pub fn new(stop_wanted: fn() -> bool) -> Result<Tracer, SpawnError> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        // The watch must not be bound to the processor it watches.
        let watch = Watch::start(stop_wanted)
            .map_err(|source| SpawnError::System { what: "cannot start a thread", source })?;
        let before = sched_getaffinity(None).ok();
        let processor = before.as_ref().and_then(|set| {
            let all: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect();
            all.get(COUNT.fetch_add(1, Ordering::Relaxed) % all.len().max(1)).copied()
        });
        let processor = processor.filter(|cpu| {
            let mut set = CpuSet::new();
            set.set(*cpu);
            sched_setaffinity(None, &set).is_ok()
        });
        Ok(Tracer(Rc::new(Shared { processor, before, watch })))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = sched_setaffinity(None, before);
        }
    }
}

/// A traced program with all its threads and processes. Dropping it ends them all.
#[derive(Debug)]
pub struct Traced {
    core: Core,
}

impl Traced {
    /// Starts a program, up to its first instruction.
    ///
    /// # Errors
    ///
    /// If it cannot be executed, or the system does not allow tracing.
    pub fn spawn(tracer: &Tracer, settings: Settings) -> Result<Traced, SpawnError> {
        Ok(Traced { core: start::start(Rc::clone(&tracer.0), settings)? })
    }

    /// Lets it run at the instant `now`, in virtual nanoseconds from its start, with some more
    /// input, until nothing in it can go on. `now` must not be earlier than that of the step
    /// before.
    ///
    /// # Errors
    ///
    /// If it does not become idle. Then no other step can be made.
    pub fn step(&mut self, now: u64, input: &[u8]) -> Result<Step, Stuck> {
        self.core.step(now, input)
    }

    /// The instant of the latest step.
    pub fn now(&self) -> u64 {
        self.core.now
    }

    /// Its process group, as the system knows it.
    pub fn group(&self) -> i32 {
        self.core.group
    }

    /// What was left to the kernel so far.
    pub fn fell_through(&self) -> &FellThrough {
        &self.core.fell_through
    }

    /// Ends it with all its threads and processes. Gives the system's numbers of those that could
    /// not be ended, such as one that hangs in a file system that does not answer.
    pub fn end(mut self) -> Vec<i32> {
        self.core.end()
    }

    /// How long a step may take from now on, by the wall clock.
    pub fn set_patience(&mut self, patience: std::time::Duration) {
        self.core.patience = patience;
    }
}
