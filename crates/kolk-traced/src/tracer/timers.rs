//! Timers that fire in virtual time.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{Itimerspec, TimerfdTimerFlags, timerfd_settime};

use super::core::Core;
use super::task::{Number, Stand, State};

/// How often to look for a signal that the kernel was told to send at once.
const SIGNAL_LOOKS: u32 = 50;

/// How long a timer of the kernel that is to fire at once may take.
const LOOK_MAX: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// What a timer does when it fires.
#[derive(Debug)]
pub(super) enum Target {
    /// It makes a descriptor readable: this is a duplicate of it, if one could be made.
    Descriptor { number: i32, duplicate: Option<OwnedFd> },
    /// It sends SIGALRM.
    Alarm,
    /// It is one that the kernel keeps, by its number; it sends what it was told to send.
    Kept { id: u64 },
}

/// A timer that is set.
#[derive(Debug)]
pub(super) struct Timer {
    pub process: Number,
    pub target: Target,
    pub at: u64,
    /// How long until it fires again, in nanoseconds; 0 if it does not.
    pub every: u64,
}

/// The timers of a program.
#[derive(Debug, Default)]
pub(super) struct Timers {
    pub all: Vec<Timer>,
    /// The kernel's timers of a process that are known, and whether they go by the wall clock.
    pub clocks: BTreeMap<(Number, u64), bool>,
    /// How often the time-stamp counter was read.
    pub time_stamps: u64,
}

/// Tells timers of a process apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Descriptor(i32),
    Alarm,
    Kept(u64),
}

impl Timer {
    fn is(&self, process: Number, name: Name) -> bool {
        self.process == process
            && match (&self.target, name) {
                (Target::Descriptor { number, .. }, Name::Descriptor(wanted)) => *number == wanted,
                (Target::Alarm, Name::Alarm) => true,
                (Target::Kept { id }, Name::Kept(wanted)) => *id == wanted,
                _ => false,
            }
    }
}

impl Timers {
    /// When the next one fires.
    pub(super) fn next(&self) -> Option<u64> {
        self.all.iter().map(|timer| timer.at).min()
    }

    /// A timer that is set.
    pub(super) fn find(&self, process: Number, name: Name) -> Option<&Timer> {
        self.all.iter().find(|timer| timer.is(process, name))
    }

    pub(super) fn remove(&mut self, process: Number, name: Name) {
        self.all.retain(|timer| !timer.is(process, name));
    }

    /// Timers that the kernel keeps do not survive an exec; alarms and descriptors do.
    pub(super) fn executed(&mut self, process: Number) {
        self.all.retain(|timer| {
            timer.process != process || !matches!(timer.target, Target::Kept { .. })
        });
        self.clocks.retain(|(owner, _), _| *owner != process);
    }

    pub(super) fn process_gone(&mut self, process: Number) {
        self.all.retain(|timer| timer.process != process);
        self.clocks.retain(|(owner, _), _| *owner != process);
    }
}

impl Core {
    /// Fires what is due, in order.
    pub(super) fn fire_timers(&mut self) {
        loop {
            let due = self.timers.all.iter().enumerate();
            let due = due.filter(|(_, timer)| timer.at <= self.now);
            let Some((place, _)) = due.min_by_key(|(place, timer)| (timer.at, *place)) else {
                return;
            };
            let mut timer = self.timers.all.remove(place);
            let lives = self.fire(&timer);
            if lives && timer.every > 0 {
                // What was missed is fired once.
                let missed = (self.now - timer.at) / timer.every;
                timer.at += (missed + 1) * timer.every;
                self.timers.all.push(timer);
            }
        }
    }

    /// Gives whether there is still somebody to fire for.
    fn fire(&mut self, timer: &Timer) -> bool {
        let Some(process) = self.processes.get(&timer.process) else { return false };
        match &timer.target {
            Target::Descriptor { number, duplicate } => {
                let link = std::fs::read_link(format!("/proc/{}/fd/{number}", process.pid));
                let is_there =
                    link.is_ok_and(|target| target.to_string_lossy().contains("timerfd"));
                if let Some(duplicate) = duplicate.as_ref().filter(|_| is_there) {
                    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
                    let at_once = Timespec { tv_sec: 0, tv_nsec: 1 };
                    let value = Itimerspec { it_interval: zero, it_value: at_once };
                    let _ = timerfd_settime(duplicate, TimerfdTimerFlags::empty(), &value);
                    let _ = poll(&mut [PollFd::new(duplicate, PollFlags::IN)], Some(&LOOK_MAX));
                }
                is_there
            }
            Target::Alarm => {
                let pid = process.pid;
                self.send_again(pid, libc::SIGALRM);
                true
            }
            Target::Kept { id } => {
                let id = *id;
                self.fire_kept(timer.process, id)
            }
        }
    }

    /// Has the kernel fire a timer that it keeps, and so send its signal with all that belongs to
    /// it.
    fn fire_kept(&mut self, process: Number, id: u64) -> bool {
        let parked = self.threads_of(process).into_iter().find(|number| {
            let thread = &self.threads[number];
            matches!(thread.state, State::Parked(_))
                && matches!(thread.stand, Stand::Entry | Stand::Exit)
        });
        let Some(number) = parked else { return true };
        // An absolute time that is past, on the stack below what functions may use.
        let regs = self.threads[&number].regs;
        let place = regs.rsp.wrapping_sub(256) & !15;
        let Some(saved) = self.process_of(number).memory.bytes(place, 32) else { return true };
        let mut value = [0; 32];
        value[24] = 1;
        self.process_of(number).memory.write(place, &value);
        self.inject(number, libc::SYS_timer_settime, [id, 0, place, 0]);
        self.await_signal(process);
        if self.threads.contains_key(&number) {
            self.process_of(number).memory.write(place, &saved);
        }
        self.signals_due = true;
        true
    }

    /// Waits a moment until a signal that is on its way to a process has come.
    fn await_signal(&self, process: Number) {
        for _ in 0..SIGNAL_LOOKS {
            let mut tids = self.threads.values().filter(|thread| thread.process == process);
            if tids.any(|thread| super::signals::has_pending(thread.tid)) {
                return;
            }
            std::thread::yield_now();
        }
    }
}
