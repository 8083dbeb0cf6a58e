//! All that is known of a traced program.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use kolk_protocol::Key;
use kolk_protocol::random::Random;

use super::Shared;
use super::pipes::Pipes;
use super::task::{Number, Process, Thread};
use super::timers::Timers;
use crate::{Ended, FellThrough, Files, Order};

/// What the wall clock shows when a program starts: 2026-01-01, 00:00 UTC.
pub(super) const WALL_BEGAN: u64 = 1_767_225_600_000_000_000;
/// How long the machine has been up when a program starts.
pub(super) const MACHINE_UP: u64 = 1_000_000_000_000;

/// How many threads and processes a program may have.
pub(super) const TASKS_MAX: usize = 1024;
/// How much a program may write in one step.
pub(super) const OUTPUT_MAX: usize = 64 << 20;

/// A traced program.
#[derive(Debug)]
pub(super) struct Core {
    pub shared: Rc<Shared>,
    /// The first process, and its group.
    pub group: i32,
    pub threads: BTreeMap<Number, Thread>,
    pub processes: BTreeMap<Number, Process>,
    /// The latest number of each of the system's numbers that was ever given.
    pub by_tid: BTreeMap<i32, Number>,
    /// Threads that can go on.
    pub queue: VecDeque<Number>,
    pub now: u64,
    pub next_number: Number,
    pub next_space: u32,
    /// Orders what is parked.
    pub next_since: u64,
    /// Counts turns: how often a thread was let go on.
    pub turns: u64,
    /// For what programs draw.
    pub random: Random,
    /// For the order of the queue.
    pub order: (Order, Random),
    pub timers: Timers,
    pub pipes: Pipes,
    pub fell_through: FellThrough,
    pub patience: Duration,
    /// Whether descriptors can be looked at through duplicates.
    pub can_duplicate: bool,
    /// Signals were sent, or children have ended: parked threads may have to take one.
    pub signals_due: bool,
    /// Somebody in the program sends SIGSTOP.
    pub stops_sent: bool,
    pub ended: Option<Ended>,
    /// Whoever follows what it stores.
    pub files: Option<Rc<RefCell<dyn Files>>>,
}

impl Core {
    pub(super) fn new(
        shared: Rc<Shared>,
        group: i32,
        pipes: Pipes,
        seed: u64,
        order: Order,
        patience: Duration,
        can_duplicate: bool,
    ) -> Core {
        let key = Key::new(seed).with_name("traced");
        Core {
            shared,
            group,
            threads: BTreeMap::new(),
            processes: BTreeMap::new(),
            by_tid: BTreeMap::new(),
            queue: VecDeque::new(),
            now: 0,
            next_number: 1,
            next_space: 1,
            next_since: 0,
            turns: 0,
            random: key.with_name("entropy").random(),
            order: (order, key.with_name("order").random()),
            timers: Timers::default(),
            pipes,
            fell_through: FellThrough::default(),
            patience,
            can_duplicate,
            signals_due: false,
            stops_sent: false,
            ended: None,
            files: None,
        }
    }

    /// So many bytes of the program's entropy.
    pub(super) fn entropy(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.random.next_u64().to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// What the wall clock shows.
    pub(super) fn wall(&self) -> u64 {
        WALL_BEGAN + self.now
    }

    /// What clocks that count from the machine's start show.
    pub(super) fn up(&self) -> u64 {
        MACHINE_UP + self.now
    }

    /// A process that lives. Every thread has one.
    pub(super) fn process_of(&self, number: Number) -> &Process {
        &self.processes[&self.threads[&number].process]
    }

    /// The threads of a process, in order.
    pub(super) fn threads_of(&self, process: Number) -> Vec<Number> {
        let all = self.threads.iter();
        all.filter(|(_, thread)| thread.process == process).map(|(number, _)| *number).collect()
    }
}

impl Drop for Core {
    /// Nothing outlives its run.
    fn drop(&mut self) {
        let _ = self.end();
    }
}
