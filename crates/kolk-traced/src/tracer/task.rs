//! Threads and processes of a traced program.

use std::os::fd::OwnedFd;

use rustix::event::PollFlags;

use super::memory::Memory;

/// The registers of a thread.
pub(super) type Regs = libc::user_regs_struct;

/// A thread's or process's number, in the order in which they were made: the same in every run,
/// as the system's own numbers are not. A process has the number of its first thread.
pub(super) type Number = u32;

/// What programs see of a number: larger than any the system gives, so that both are told apart.
const VISIBLE_BASE: u32 = 5_000_000;

/// The process number that programs see.
pub(super) fn visible(number: Number) -> i32 {
    (VISIBLE_BASE + number) as i32
}

/// The number behind what a program names, if it names one of ours.
pub(super) fn from_visible(id: i32) -> Option<Number> {
    u32::try_from(id).ok()?.checked_sub(VISIBLE_BASE)
}

/// A thread.
#[derive(Debug)]
pub(super) struct Thread {
    pub tid: i32,
    /// Of which process.
    pub process: Number,
    pub state: State,
    pub stand: Stand,
    /// Where it stands, unless that is [`Stand::Free`].
    pub regs: Regs,
    /// When a parked thread goes on at the latest.
    pub deadline: Option<u64>,
    /// Orders those that have been parked.
    pub since: u64,
    /// The signal it gets when it goes on.
    pub signal: Option<i32>,
    /// Calls since it got the processor.
    pub turn_calls: u32,
    /// Calls in all: what stands for its processor's time.
    pub calls: u64,
    pub hurry: Hurry,
    /// A wait that was interrupted and will be taken up again.
    pub resumed: Option<Resumed>,
    /// How often it has been interrupted since its latest call.
    pub interruptions: u32,
    /// How much of its present long write has been written.
    pub written: u64,
}

/// What a thread does.
#[derive(Debug)]
pub(super) enum State {
    /// It runs, or is in the queue.
    Ready,
    /// It waits.
    Parked(Park),
    /// It waits in the kernel for its child to execute a program or end.
    Vfork,
    /// It is the first thread of its process, has ended, and others have not.
    Ended,
}

/// What a parked thread waits for.
#[derive(Clone, Debug)]
pub(super) enum Park {
    /// Its deadline.
    Time,
    /// Its deadline; then its call is looked at once more.
    Again,
    /// A futex.
    Futex { key: FutexKey, bits: u32, expected: u32 },
    /// One of these to become ready.
    Files(Vec<(i32, PollFlags)>),
    /// A child to end.
    Child,
    /// One of these signals, even if it is blocked.
    Signal(u64),
    /// A signal that these do not block.
    Suspend(u64),
    /// Its deadline, when a sync has ended that has this number. No signal ends it.
    Disk { sync: u64 },
    /// Something the kernel knows: it tries again when another thread has run.
    Kernel {
        /// The count of turns when it last tried.
        turn: u64,
    },
}

/// Where a thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It needs only to be told to go on.
    Free,
    /// At the entry of a call, which has yet to be looked at if it is ready.
    Entry,
    /// At the exit of a call that changed nothing, and is to be made again.
    Exit,
    /// Interrupted in a call, which it makes again by itself.
    Interrupted,
}

/// Which futex: threads of one address space share addresses, others share files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FutexKey {
    Private { space: u32, address: u64 },
    Shared { device: u64, inode: u64, offset: u64 },
}

/// How often a thread did what ends at once, at one instant: looked at the clock, slept for no
/// time, gave way to nobody.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hurry {
    pub instant: u64,
    pub count: u32,
    /// How often in a row it was made to wait for that.
    pub streak: u32,
    /// Reads of the clock that came to the tracer, and at which instant.
    pub reads: u64,
    pub reads_at: u64,
}

/// A wait that is taken up again after a signal that nobody handles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resumed {
    pub call: u64,
    pub place: u64,
    pub deadline: u64,
}

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub pid: i32,
    pub memory: Memory,
    pub pidfd: OwnedFd,
    /// The address of its clock; 0 without one.
    pub page: u64,
    pub parent: Number,
    /// Its address space: a child that was made by vfork has its parent's.
    pub space: u32,
    /// It ends with all its threads.
    pub is_exiting: bool,
    /// It was stopped by a signal, and waits for SIGCONT.
    pub is_stopped: bool,
    /// The thread that waits in vfork for this process.
    pub vfork: Option<Number>,
}

impl Thread {
    /// A thread that begins.
    pub(super) fn new(tid: i32, process: Number, regs: Regs) -> Thread {
        Thread {
            tid,
            process,
            state: State::Ready,
            stand: Stand::Free,
            regs,
            deadline: None,
            since: 0,
            signal: None,
            turn_calls: 0,
            calls: 0,
            hurry: Hurry::default(),
            resumed: None,
            interruptions: 0,
            written: 0,
        }
    }
}
