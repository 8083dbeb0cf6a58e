//! Signals: to threads that run, and to those that are parked.
//!
//! A parked thread stands in a ptrace stop, where signals do not reach it. Whenever one may have
//! been sent, the threads are looked at; whoever has one to take is led out of its call as the
//! kernel would lead it.

use std::collections::BTreeMap;
use std::fs;

use super::core::Core;
use super::run::Turn;
use super::stop::{Way, go, set_registers};
use super::task::{Number, Park, Regs, Resumed, Stand, State};
use crate::fell_through::Cause;

/// What the kernel gives itself for a call that is made again after a signal: always, or if the
/// signal's handler wants that (`ERESTARTSYS`); if there is no handler (`ERESTARTNOHAND`).
const RESTART_IF_ASKED: i64 = -512;
const RESTART_UNHANDLED: i64 = -514;
pub(super) const EINTR: i64 = -(libc::EINTR as i64);

/// Signals that do nothing unless they are handled.
const HARMLESS: u64 =
    bit(libc::SIGCHLD) | bit(libc::SIGURG) | bit(libc::SIGWINCH) | bit(libc::SIGCONT);
/// Signals that stop a process unless they are handled.
const STOPPING: u64 =
    bit(libc::SIGSTOP) | bit(libc::SIGTSTP) | bit(libc::SIGTTIN) | bit(libc::SIGTTOU);

/// Signals above are real-time ones, which safe code cannot hand on to a traced thread.
const LAST_STANDARD: i32 = 31;

/// A signal's bit in a set.
pub(super) const fn bit(signal: i32) -> u64 {
    if signal < 1 || signal > 64 { 0 } else { 1 << (signal - 1) }
}

/// What `/proc` knows of a thread's signals.
#[derive(Clone, Copy, Debug, Default)]
struct Signals {
    own: u64,
    shared: u64,
    blocked: u64,
    ignored: u64,
    caught: u64,
}

impl Signals {
    fn of(tid: i32) -> Signals {
        let mut signals = Signals::default();
        let status = fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
        for line in status.lines() {
            let Some((key, value)) = line.split_once(":\t") else { continue };
            let place = match key {
                "SigPnd" => &mut signals.own,
                "ShdPnd" => &mut signals.shared,
                "SigBlk" => &mut signals.blocked,
                "SigIgn" => &mut signals.ignored,
                "SigCgt" => &mut signals.caught,
                _ => continue,
            };
            *place = u64::from_str_radix(value.trim(), 16).unwrap_or_default();
        }
        signals
    }

    /// Those that would do something.
    fn effective(&self, pending: u64) -> u64 {
        pending & !self.ignored & !(HARMLESS & !self.caught)
    }
}

/// True if signals wait to be taken by a thread or its process.
pub(super) fn has_pending(tid: i32) -> bool {
    let signals = Signals::of(tid);
    signals.own | signals.shared != 0
}

impl Core {
    /// A running thread is about to get a signal.
    pub(super) fn about_to_get(&mut self, number: Number, signal: i32) -> Turn {
        if signal == libc::SIGSEGV && self.answer_trap(number) {
            return Turn::Goes;
        }
        let Some(thread) = self.threads.get_mut(&number) else { return Turn::Ends };
        if bit(signal) & STOPPING != 0 && Signals::of(thread.tid).caught & bit(signal) == 0 {
            let process = thread.process;
            if let Some(process) = self.processes.get_mut(&process) {
                process.is_stopped = true;
            }
            self.enqueue(number);
            return Turn::Ends;
        }
        if signal > LAST_STANDARD {
            self.fell_through.add(Cause::RealTimeSignal);
            return Turn::Goes;
        }
        thread.signal = Some(signal);
        Turn::Goes
    }

    /// The signals that a thread blocks.
    pub(super) fn mask_of(&self, number: Number) -> u64 {
        Signals::of(self.threads[&number].tid).blocked
    }

    /// Sends a thread a signal that was taken from it.
    pub(super) fn send_again(&mut self, tid: i32, signal: i32) {
        if let Ok(signal) = nix::sys::signal::Signal::try_from(signal) {
            let _ = nix::sys::signal::kill(super::stop::nix_pid(tid), signal);
        }
        self.signals_due = true;
    }

    /// A process is told to go on.
    pub(super) fn continue_process(&mut self, process: Number) {
        if let Some(process) = self.processes.get_mut(&process) {
            process.is_stopped = false;
        }
    }

    /// Parked threads that have a signal to take leave their calls.
    pub(super) fn take_signals(&mut self) {
        if !std::mem::take(&mut self.signals_due) {
            return;
        }
        // What was sent to a process as a whole is taken by one thread of it: by one that runs
        // anyway, or else by the first that may.
        let mut taken: BTreeMap<Number, u64> = BTreeMap::new();
        let all: Vec<Number> = self.threads.keys().copied().collect();
        let mut found = Vec::new();
        for number in all {
            let thread = &self.threads[&number];
            let signals = Signals::of(thread.tid);
            if matches!(thread.state, State::Ready) {
                *taken.entry(thread.process).or_default() |= signals.shared & !signals.blocked;
            }
            if signals.own | signals.shared != 0 {
                found.push((number, signals));
            }
        }
        for (number, signals) in found {
            let Some(thread) = self.threads.get(&number) else { continue };
            let State::Parked(park) = &thread.state else { continue };
            // It takes its signals as soon as it goes on.
            if matches!(park, Park::Disk { .. }) {
                continue;
            }
            let taken = taken.entry(thread.process).or_default();
            let pending = signals.own | (signals.shared & !*taken);
            let (blocked, is_wanted) = match park {
                Park::Signal(set) => (signals.blocked & !set, pending & set != 0),
                Park::Suspend(mask) => (*mask, false),
                _ => (self.mask_during(number).unwrap_or(signals.blocked), false),
            };
            let due = signals.effective(pending & !blocked);
            if due == 0 && !is_wanted {
                continue;
            }
            *taken |= signals.shared & !blocked;
            self.leave_call(number, signals, due & signals.blocked != 0 || is_wanted);
        }
    }

    /// The mask that a call puts in place of the thread's while it waits.
    pub(super) fn mask_during(&self, number: Number) -> Option<u64> {
        let thread = &self.threads[&number];
        if thread.stand != Stand::Entry {
            return None;
        }
        let memory = &self.process_of(number).memory;
        let regs = &thread.regs;
        let address = match regs.orig_rax as i64 {
            libc::SYS_ppoll => regs.r10,
            libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => regs.r8,
            // A pointer to a pointer and a size.
            libc::SYS_pselect6 => memory.u64(regs.r9)?,
            _ => return None,
        };
        if address == 0 { None } else { memory.u64(address) }
    }

    /// Leads a parked thread out of its call because of a signal. `in_kernel`: the kernel alone can
    /// do it, since the signal is blocked outside the call.
    fn leave_call(&mut self, number: Number, signals: Signals, in_kernel: bool) {
        let Some(thread) = self.threads.get(&number) else { return };
        let (tid, stand, regs, deadline) = (thread.tid, thread.stand, thread.regs, thread.deadline);
        let waits_for_signals = matches!(
            &thread.state,
            State::Parked(Park::Signal(_) | Park::Suspend(_) | Park::Kernel { .. })
        );
        self.write_remaining(number);
        if waits_for_signals || in_kernel || stand == Stand::Interrupted {
            self.release(number);
            return;
        }
        if stand == Stand::Free {
            self.complete(number, 0);
            return;
        }
        let is_caught = signals.effective(signals.own | signals.shared) & signals.caught != 0;
        if stand == Stand::Entry {
            // To the exit of the call, without making it.
            let mut skipped = regs;
            skipped.orig_rax = u64::MAX;
            skipped.rax = 0;
            set_registers(tid, skipped);
            go(tid, Way::ToExit, None);
            if !matches!(self.wait(tid, Way::ToExit), super::stop::Stop::Exit) {
                return;
            }
        }
        let mut left = regs;
        left.rax = outcome(&regs) as u64;
        if let Some(thread) = self.threads.get_mut(&number) {
            // What has been written has been written.
            match std::mem::take(&mut thread.written) {
                0 => {}
                written => left.rax = written,
            }
        }
        set_registers(tid, left);
        if let Some(thread) = self.threads.get_mut(&number) {
            thread.state = State::Ready;
            thread.stand = Stand::Free;
            thread.deadline = None;
            thread.resumed = match deadline {
                Some(deadline) if !is_caught => {
                    Some(Resumed { call: regs.orig_rax, place: regs.rip, deadline })
                }
                _ => None,
            };
        }
        self.enqueue(number);
    }
}

/// What the kernel makes of a call that a signal interrupts.
fn outcome(regs: &Regs) -> i64 {
    match regs.orig_rax as i64 {
        libc::SYS_epoll_wait | libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => EINTR,
        // With a time limit a futex's wait is made again only if there is no handler.
        libc::SYS_futex if regs.r10 != 0 => RESTART_UNHANDLED,
        libc::SYS_nanosleep
        | libc::SYS_clock_nanosleep
        | libc::SYS_poll
        | libc::SYS_ppoll
        | libc::SYS_select
        | libc::SYS_pselect6 => RESTART_UNHANDLED,
        _ => RESTART_IF_ASKED,
    }
}
