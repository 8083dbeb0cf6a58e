//! Letting a traced thread go on, and waiting until it stops.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd;
use rustix::process::{Pid, WaitOptions, waitpid};

use super::core::Core;
use super::task::{Number, Regs};
use super::watch::{Alarm, state_of};
use crate::Ended;

/// `__WALL`: threads are waited for like processes.
pub(super) const WAIT_ALL: WaitOptions = WaitOptions::from_bits_retain(0x4000_0000);

/// Why a thread stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// At the entry of a call that is traced.
    Entry,
    /// At a call's exit, or on the way to one.
    Exit,
    /// It has made a thread or a process: an event's number.
    Born(i32),
    /// It has executed a program.
    Exec,
    /// Its child of vfork has executed a program or ended.
    VforkDone,
    /// It has just begun, or nothing that matters.
    Other,
    /// It is about to get a signal.
    Signal(i32),
    /// The watch stopped it.
    Alarm(Alarm),
    /// It is no more.
    Ended(Ended),
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the next stop.
    On,
    /// To the exit of the present call at the latest.
    ToExit,
}

/// A thread's number for nix.
pub(super) fn nix_pid(tid: i32) -> unistd::Pid {
    unistd::Pid::from_raw(tid)
}

/// Looks whether a thread has something to tell (`NOHANG` among the options), or waits until it
/// has.
pub(super) fn wait_for(tid: i32, options: WaitOptions) -> Option<i32> {
    loop {
        match waitpid(Pid::from_raw(tid), WAIT_ALL | options) {
            Ok(Some((_, status))) => return Some(status.as_raw()),
            Ok(None) => return None,
            Err(rustix::io::Errno::INTR) => {}
            // Nobody is there: as if it had ended.
            Err(_) => return Some(0),
        }
    }
}

/// Waits for one thread where no watch does, at most so long.
#[expect(clippy::disallowed_methods, reason = "processes take the wall clock's time")]
pub(super) fn wait_at_most(tid: i32, options: WaitOptions, patience: Duration) -> Option<i32> {
    const EAGER: u32 = 200;
    let began = Instant::now();
    let mut looks = 0;
    loop {
        if let Some(status) = wait_for(tid, options | WaitOptions::NOHANG) {
            return Some(status);
        }
        if began.elapsed() > patience {
            return None;
        }
        looks += 1;
        if looks < EAGER { thread::yield_now() } else { thread::sleep(Duration::from_micros(500)) }
    }
}

/// What a status says.
pub(super) fn decode(status: i32) -> Stop {
    if status & 0x7f == 0 {
        return Stop::Ended(Ended::Exit((status >> 8) & 0xff));
    }
    if status & 0xff != 0x7f {
        return Stop::Ended(Ended::Signal(status & 0x7f));
    }
    let signal = (status >> 8) & 0xff;
    match status >> 16 {
        0 if signal == libc::SIGTRAP | 0x80 => Stop::Exit,
        0 => Stop::Signal(signal),
        libc::PTRACE_EVENT_SECCOMP => Stop::Entry,
        event @ (libc::PTRACE_EVENT_CLONE | libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK) => {
            Stop::Born(event)
        }
        libc::PTRACE_EVENT_EXEC => Stop::Exec,
        libc::PTRACE_EVENT_VFORK_DONE => Stop::VforkDone,
        _ => Stop::Other,
    }
}

/// Lets a thread go on. A thread that has been killed is not there any more; that shows when it is
/// waited for.
pub(super) fn go(tid: i32, way: Way, signal: Option<i32>) {
    let signal = signal.and_then(|number| Signal::try_from(number).ok());
    let _ = match way {
        Way::On => ptrace::cont(nix_pid(tid), signal),
        Way::ToExit => ptrace::syscall(nix_pid(tid), signal),
    };
}

pub(super) fn registers(tid: i32) -> Option<Regs> {
    ptrace::getregs(nix_pid(tid)).ok()
}

pub(super) fn set_registers(tid: i32, regs: Regs) {
    let _ = ptrace::setregs(nix_pid(tid), regs);
}

impl Core {
    /// Waits until a thread stops, ends, or the watch stops it.
    pub(super) fn wait(&mut self, tid: i32, way: Way) -> Stop {
        loop {
            let (wait, stop) = self.wait_once(tid);
            if stop != Stop::Signal(libc::SIGSTOP) {
                return stop;
            }
            match self.shared.watch.alarm(wait) {
                Some(alarm) => return Stop::Alarm(alarm),
                // One that came too late: whoever sends SIGSTOP within the program is seen to send
                // it.
                None if !self.stops_sent => go(tid, way, None),
                None => return stop,
            }
        }
    }

    /// One wait under the watch: its number, and how it ended.
    fn wait_once(&self, tid: i32) -> (u64, Stop) {
        let wait = self.shared.watch.begin_wait(tid);
        let status = wait_for(tid, WaitOptions::empty());
        self.shared.watch.end_wait();
        (wait, decode(status.unwrap_or_default()))
    }

    /// Waits until a thread that ends has ended.
    pub(super) fn wait_end(&self, tid: i32) -> Option<Ended> {
        loop {
            match self.wait_once(tid).1 {
                Stop::Ended(how) => return Some(how),
                // A stop on the way: whoever is killed needs no telling, whoever exits does.
                _ if state_of(tid) == 'X' => return None,
                _ => go(tid, Way::On, None),
            }
        }
    }

    /// Lets a thread that stands at the entry of a call make it with these registers, to its exit.
    /// Gives the registers there; `None` if it ended.
    pub(super) fn make_call(&mut self, number: Number, regs: Regs) -> Option<Regs> {
        let tid = self.threads.get(&number)?.tid;
        set_registers(tid, regs);
        self.run_to_exit(number)
    }

    /// Lets a thread go on to the exit of its call.
    pub(super) fn run_to_exit(&mut self, number: Number) -> Option<Regs> {
        let tid = self.threads.get(&number)?.tid;
        go(tid, Way::ToExit, None);
        match self.wait(tid, Way::ToExit) {
            Stop::Exit => registers(tid),
            Stop::Ended(how) => {
                self.gone(number, how);
                None
            }
            // Nothing else can come before the exit of a call that does not block.
            _ => None,
        }
    }
}
