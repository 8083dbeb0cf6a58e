//! Timers of all kinds: alarms, intervals, those with a descriptor, and POSIX's.

use super::time::Clock;
use super::{EFAULT, EINVAL};
use crate::tracer::core::Core;
use crate::tracer::memory::{Span, span_bytes};
use crate::tracer::run::Turn;
use crate::tracer::task::{Number, Regs};
use crate::tracer::timers::{Name, Target, Timer};

impl Core {
    /// How long until a timer fires, and again after that; zeros if it is not set.
    fn timer_left(&self, process: Number, name: Name) -> (u64, u64) {
        match self.timers.find(process, name) {
            Some(timer) => (timer.every, timer.at.saturating_sub(self.now).max(1)),
            None => (0, 0),
        }
    }

    fn set_timer(&mut self, process: Number, name: Name, target: Target, at: u64, every: u64) {
        self.timers.remove(process, name);
        self.timers.all.push(Timer { process, target, at, every });
    }

    /// Interval and value at an address, in `unit`s of nanoseconds.
    fn timer_spans(&self, number: Number, address: u64, unit: u64) -> Result<(u64, u64), i64> {
        let memory = &self.process_of(number).memory;
        if address == 0 || memory.bytes(address, 32).is_none() {
            return Err(EFAULT);
        }
        match (memory.span(address, unit), memory.span(address + 16, unit)) {
            (Span::Nanos(every), Span::Nanos(first)) => Ok((every, first)),
            _ => Err(EINVAL),
        }
    }

    fn write_timer(&self, number: Number, address: u64, left: (u64, u64), unit: u64) -> bool {
        if address == 0 {
            return true;
        }
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&span_bytes(left.0, unit));
        bytes[16..].copy_from_slice(&span_bytes(left.1, unit));
        self.process_of(number).memory.write(address, &bytes)
    }

    pub(super) fn alarm(&mut self, number: Number, regs: &Regs) -> Turn {
        const SECOND: u64 = 1_000_000_000;
        let process = self.threads[&number].process;
        let (_, left) = self.timer_left(process, Name::Alarm);
        self.timers.remove(process, Name::Alarm);
        let seconds = u64::from(regs.rdi as u32);
        if seconds > 0 {
            let at = self.now.saturating_add(seconds * SECOND);
            self.set_timer(process, Name::Alarm, Target::Alarm, at, 0);
        }
        // To the nearest second, and never to none.
        let left = if left == 0 { 0 } else { ((left + SECOND / 2) / SECOND).max(1) };
        self.answer(number, left as i64)
    }

    pub(super) fn setitimer(&mut self, number: Number, regs: &Regs) -> Turn {
        if regs.rdi as i32 != libc::ITIMER_REAL {
            // The processor's time is ours, and no timer of it fires.
            return self.answer(number, 0);
        }
        let process = self.threads[&number].process;
        let old = self.timer_left(process, Name::Alarm);
        if regs.rsi != 0 {
            match self.timer_spans(number, regs.rsi, 1000) {
                Err(error) => return self.answer(number, error),
                Ok((every, first)) => {
                    self.timers.remove(process, Name::Alarm);
                    if first > 0 {
                        let at = self.now.saturating_add(first);
                        self.set_timer(process, Name::Alarm, Target::Alarm, at, every);
                    }
                }
            }
        }
        let written = self.write_timer(number, regs.rdx, old, 1000);
        self.answer(number, if written { 0 } else { EFAULT })
    }

    pub(super) fn getitimer(&mut self, number: Number, regs: &Regs) -> Turn {
        let process = self.threads[&number].process;
        let left = match regs.rdi as i32 {
            kind if kind == libc::ITIMER_REAL => self.timer_left(process, Name::Alarm),
            _ => (0, 0),
        };
        let written = self.write_timer(number, regs.rsi, left, 1000);
        self.answer(number, if written { 0 } else { EFAULT })
    }

    /// Which clock a descriptor's timer goes by.
    fn timer_clock(&self, number: Number, descriptor: i32) -> Option<Clock> {
        let pid = self.process_of(number).pid;
        let info = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}")).ok()?;
        let clock = info.lines().find_map(|line| line.strip_prefix("clockid:"))?;
        clock.trim().parse::<i32>().ok().map(|id| Clock::of(id as u64))
    }

    pub(super) fn timerfd_settime(&mut self, number: Number, regs: &Regs) -> Turn {
        let descriptor = regs.rdi as i32;
        let Some(clock) = self.timer_clock(number, descriptor) else { return Turn::Goes };
        let (every, first) = match self.timer_spans(number, regs.rdx, 1) {
            Ok(spans) => spans,
            Err(error) => return self.answer(number, error),
        };
        let process = self.threads[&number].process;
        let name = Name::Descriptor(descriptor);
        let old = self.timer_left(process, name);
        self.timers.remove(process, name);
        if !self.write_timer(number, regs.r10, old, 1) {
            return self.answer(number, EFAULT);
        }
        // The kernel's own timer is stopped, and forgets what it has counted.
        let duplicate = self.duplicate(number, descriptor);
        if let Some(duplicate) = &duplicate {
            let zero = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
            let none = rustix::time::Itimerspec { it_interval: zero, it_value: zero };
            let flags = rustix::time::TimerfdTimerFlags::empty();
            let _ = rustix::time::timerfd_settime(duplicate, flags, &none);
        }
        if first > 0 {
            let is_absolute = regs.rsi as i32 & libc::TFD_TIMER_ABSTIME != 0;
            let at = if is_absolute {
                self.instant_of(clock, first)
            } else {
                self.now.saturating_add(first)
            };
            let target = Target::Descriptor { number: descriptor, duplicate };
            self.set_timer(process, name, target, at, every);
        }
        self.answer(number, 0)
    }

    pub(super) fn timerfd_gettime(&mut self, number: Number, regs: &Regs) -> Turn {
        let descriptor = regs.rdi as i32;
        if self.timer_clock(number, descriptor).is_none() {
            return Turn::Goes;
        }
        let process = self.threads[&number].process;
        let left = self.timer_left(process, Name::Descriptor(descriptor));
        let written = self.write_timer(number, regs.rsi, left, 1);
        self.answer(number, if written { 0 } else { EFAULT })
    }

    /// The kernel keeps the timer, and what it is to send.
    pub(super) fn timer_create(&mut self, number: Number, regs: &Regs) -> Turn {
        self.call_then(number, regs, |core, result| {
            if result != 0 {
                return;
            }
            if let Some(id) = core.process_of(number).memory.u32(regs.rdx) {
                let process = core.threads[&number].process;
                let id = u64::from(id);
                core.timers.clocks.insert((process, id), Clock::of(regs.rdi) == Clock::Wall);
            }
        })
    }

    pub(super) fn timer_settime(&mut self, number: Number, regs: &Regs) -> Turn {
        let process = self.threads[&number].process;
        let id = u64::from(regs.rdi as u32);
        let Some(is_wall) = self.timers.clocks.get(&(process, id)).copied() else {
            return Turn::Goes;
        };
        let (every, first) = match self.timer_spans(number, regs.rdx, 1) {
            Ok(spans) => spans,
            Err(error) => return self.answer(number, error),
        };
        let old = self.timer_left(process, Name::Kept(id));
        self.timers.remove(process, Name::Kept(id));
        if first > 0 {
            let clock = if is_wall { Clock::Wall } else { Clock::Up };
            let at = if regs.rsi as i32 & libc::TIMER_ABSTIME != 0 {
                self.instant_of(clock, first)
            } else {
                self.now.saturating_add(first)
            };
            self.set_timer(process, Name::Kept(id), Target::Kept { id }, at, every);
        }
        let written = self.write_timer(number, regs.r10, old, 1);
        self.answer(number, if written { 0 } else { EFAULT })
    }

    pub(super) fn timer_gettime(&mut self, number: Number, regs: &Regs) -> Turn {
        let process = self.threads[&number].process;
        let id = u64::from(regs.rdi as u32);
        if !self.timers.clocks.contains_key(&(process, id)) {
            return Turn::Goes;
        }
        let left = self.timer_left(process, Name::Kept(id));
        let written = self.write_timer(number, regs.rsi, left, 1);
        self.answer(number, if written { 0 } else { EFAULT })
    }

    pub(super) fn timer_delete(&mut self, number: Number, regs: &Regs) -> Turn {
        let process = self.threads[&number].process;
        let id = u64::from(regs.rdi as u32);
        self.timers.remove(process, Name::Kept(id));
        self.timers.clocks.remove(&(process, id));
        Turn::Goes
    }
}
