//! The watch: a thread that looks now and then whether the tracer waits for a program that will not
//! stop by itself.
//!
//! Waiting for a traced thread blocks, because that is by far the fastest. Should the thread sleep
//! in the kernel, or compute without end, the tracer would wait for ever. The watch sees that, and
//! sends the program a SIGSTOP, which stops the thread for the tracer; the tracer swallows it. A
//! thread that does not even stop is killed, a while after the step's time is over: so every wait
//! ends.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::thread::gettid;

use super::stop::WAIT_ALL;

/// How often it looks.
const TICK: Duration = Duration::from_millis(2);
/// After so many looks without anything to see it sleeps until it is woken.
const IDLE_TICKS: u32 = 100;
/// On a busy machine a step is given more, as long as it waited for a processor, but at most so
/// many times its time.
const STRETCH_MAX: u32 = 3;
/// A step whose time is over is given so long to end by a SIGSTOP; then whoever is waited for is
/// killed.
const KILL_AFTER: Duration = Duration::from_secs(2);
/// How long a thread may run without a call, in its processor's time.
pub(super) const SPIN_MAX: Duration = Duration::from_millis(1000);

/// Why the watch stopped a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// It sleeps in the kernel.
    Sleeps,
    /// It has run for [`SPIN_MAX`].
    Spins,
    /// The step has taken too long.
    Late,
}

impl Alarm {
    /// The alarm of a wait, as a word.
    fn of_wait(self, wait: u64) -> u64 {
        (wait << 2) | (self as u64 + 1)
    }
}

/// The watch of one tracer.
#[derive(Debug)]
pub(super) struct Watch {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    /// Says whether the step is to be given up.
    stop_wanted: fn() -> bool,
    /// Counts waits: odd while the tracer waits.
    waits: AtomicU64,
    /// For whom it waits.
    tid: AtomicI32,
    /// The tracer's own thread.
    tracer: AtomicI32,
    /// Counts steps: odd in a step.
    steps: AtomicU64,
    /// How long a step may take, in milliseconds.
    patience_ms: AtomicU64,
    /// The alarm that was raised last: for which wait, and why. A SIGSTOP may come late, when the
    /// tracer waits for somebody else; it then means nothing.
    alarm: AtomicU64,
    /// The latest step that takes too long, or is to be given up.
    late: AtomicU64,
    is_stopped: AtomicBool,
    sleeps: AtomicBool,
    is_over: AtomicBool,
}

impl Watch {
    pub(super) fn start(stop_wanted: fn() -> bool) -> io::Result<Watch> {
        let state = Arc::new(State::new(stop_wanted));
        let its = Arc::clone(&state);
        let thread =
            std::thread::Builder::new().name("watch".into()).spawn(move || its.look_on())?;
        Ok(Watch { state, thread: Some(thread) })
    }

    /// A step begins.
    pub(super) fn begin_step(&self, patience: Duration) {
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.state.patience_ms.store(millis, SeqCst);
        self.state.tracer.store(gettid().as_raw_nonzero().get(), SeqCst);
        self.state.steps.fetch_add(1, SeqCst);
        if self.state.sleeps.load(SeqCst)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
    }

    pub(super) fn end_step(&self) {
        self.state.steps.fetch_add(1, SeqCst);
    }

    /// True if the step takes too long, or is to be given up.
    pub(super) fn is_late(&self) -> bool {
        self.state.late.load(SeqCst) == self.state.steps.load(SeqCst)
    }

    /// True if the step is to be given up.
    pub(super) fn is_stopped(&self) -> bool {
        self.state.is_stopped.load(SeqCst)
    }

    /// The tracer begins to wait for a thread. Gives the wait's number.
    pub(super) fn begin_wait(&self, tid: i32) -> u64 {
        self.state.tid.store(tid, SeqCst);
        self.state.waits.fetch_add(1, SeqCst) + 1
    }

    pub(super) fn end_wait(&self) {
        self.state.waits.fetch_add(1, SeqCst);
    }

    /// The alarm behind a SIGSTOP that has ended this wait, if there was one.
    pub(super) fn alarm(&self, wait: u64) -> Option<Alarm> {
        let alarm = self.state.alarm.load(SeqCst);
        let kinds = [Alarm::Sleeps, Alarm::Spins, Alarm::Late];
        kinds.into_iter().find(|kind| alarm == kind.of_wait(wait))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.state.is_over.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// How long the tracer and whom it waits for have waited for a processor since the step began, as
/// far as the watch has seen.
#[derive(Default)]
struct Queued {
    total: Duration,
    /// Of both: who was looked at last, and how long it had waited in all.
    seen: [(i32, Duration); 2],
}

impl Queued {
    fn look(&mut self, threads: [i32; 2]) {
        for (tid, seen) in threads.into_iter().zip(&mut self.seen) {
            let all = schedule_of(tid).1;
            if seen.0 == tid {
                self.total += all.saturating_sub(seen.1);
            }
            *seen = (tid, all);
        }
    }
}

/// What the watch knows of the wait it looks at.
struct Seen {
    waits: u64,
    /// What the thread had used of its processor when it was first looked at.
    ran: Option<Duration>,
    /// It slept when it was looked at last.
    slept: bool,
}

impl State {
    fn new(stop_wanted: fn() -> bool) -> State {
        State {
            stop_wanted,
            waits: AtomicU64::new(0),
            tid: AtomicI32::new(0),
            tracer: AtomicI32::new(0),
            steps: AtomicU64::new(0),
            patience_ms: AtomicU64::new(0),
            alarm: AtomicU64::new(0),
            late: AtomicU64::new(0),
            is_stopped: AtomicBool::new(false),
            sleeps: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the watch guards the wall clock's time")]
    fn look_on(&self) {
        let mut seen = Seen { waits: 0, ran: None, slept: false };
        let mut step = (0, Instant::now());
        let mut late_since = None;
        let mut queued = Queued::default();
        let mut idle = 0;
        while !self.is_over.load(SeqCst) {
            let steps = self.steps.load(SeqCst);
            if steps != step.0 {
                step = (steps, Instant::now());
                late_since = None;
                queued = Queued::default();
                idle = 0;
            }
            if steps.is_multiple_of(2) {
                idle += 1;
                if idle >= IDLE_TICKS {
                    self.sleeps.store(true, SeqCst);
                    if self.steps.load(SeqCst) == steps && !self.is_over.load(SeqCst) {
                        std::thread::park();
                    }
                    self.sleeps.store(false, SeqCst);
                    continue;
                }
            } else {
                let patience = Duration::from_millis(self.patience_ms.load(SeqCst));
                let is_stopped = (self.stop_wanted)();
                self.is_stopped.store(is_stopped, SeqCst);
                queued.look([self.tracer.load(SeqCst), self.tid.load(SeqCst)]);
                let more = queued.total.min(patience.saturating_mul(STRETCH_MAX - 1));
                if is_stopped || step.1.elapsed() > patience.saturating_add(more) {
                    late_since.get_or_insert_with(Instant::now);
                    self.late.store(steps, SeqCst);
                }
                self.look_at_wait(&mut seen, late_since.map(|since| since.elapsed()));
            }
            std::thread::park_timeout(TICK);
        }
    }

    /// `late`: for how long the step's time has been over, if it is.
    fn look_at_wait(&self, seen: &mut Seen, late: Option<Duration>) {
        let waits = self.waits.load(SeqCst);
        let tid = self.tid.load(SeqCst);
        if waits.is_multiple_of(2) || self.waits.load(SeqCst) != waits {
            return;
        }
        if late.is_some_and(|late| late > KILL_AFTER) {
            send(tid, Signal::KILL);
        }
        if waits != seen.waits {
            *seen = Seen { waits, ran: None, slept: false };
            return;
        }
        let state = state_of(tid);
        if state == 'Z' {
            reap_others(tid);
            return;
        }
        let slept = std::mem::replace(&mut seen.slept, state == 'S');
        let ran = schedule_of(tid).0;
        let since = *seen.ran.get_or_insert(ran);
        let alarm = if late.is_some() {
            Alarm::Late
        } else if slept && seen.slept {
            Alarm::Sleeps
        } else if ran.saturating_sub(since) > SPIN_MAX {
            Alarm::Spins
        } else {
            return;
        };
        if matches!(state, 't' | 'T') {
            return;
        }
        let raised = self.alarm.swap(alarm.of_wait(waits), SeqCst);
        // Once is enough. If the wait has ended meanwhile the stop is swallowed when it shows.
        if raised >> 2 != waits && self.waits.load(SeqCst) == waits {
            send(tid, Signal::STOP);
        }
    }
}

fn send(tid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(tid) {
        let _ = kill_process(pid, signal);
    }
}

/// What a thread does, as `/proc` has it: `R`, `S`, `D`, `t`, `Z`; `X` if it is gone.
pub(super) fn state_of(tid: i32) -> char {
    let Ok(stat) = fs::read_to_string(format!("/proc/{tid}/stat")) else { return 'X' };
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or('X')
}

/// How long a thread has run, and how long it has waited for a processor.
fn schedule_of(tid: i32) -> (Duration, Duration) {
    let text = fs::read_to_string(format!("/proc/{tid}/schedstat")).unwrap_or_default();
    let mut words = text.split(' ').map(|word| word.parse().unwrap_or_default());
    let mut next = || Duration::from_nanos(words.next().unwrap_or_default());
    (next(), next())
}

/// A process that was killed is not reported before its other threads have been waited for.
pub(super) fn reap_others(pid: i32) {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return };
    for task in tasks.flatten() {
        let tid = task.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some(tid) = tid.filter(|tid| *tid != pid).and_then(Pid::from_raw) {
            let _ = waitpid(Some(tid), WAIT_ALL | WaitOptions::NOHANG);
        }
    }
}
