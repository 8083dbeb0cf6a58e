//! Clocks, sleeping, giving way, and what the machine says of its time.

use super::EFAULT;
use crate::tracer::core::Core;
use crate::tracer::memory::{Span, span_bytes};
use crate::tracer::run::Turn;
use crate::tracer::task::{Number, Park, Regs};
use crate::tracer::vdso::READS;

/// What a call of a program counts for in its processor's time, in nanoseconds.
const CALL_NANOS: u64 = 1000;
/// How many ticks a second `times` counts in nanoseconds.
const TICK_NANOS: u64 = 10_000_000;

/// What a clock counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// 1970.
    Wall,
    /// The machine's start.
    Up,
    /// The processor's time of a thread, or of a process.
    Thread,
    Process,
    /// Something else.
    Other,
}

impl Clock {
    pub(super) fn of(id: u64) -> Clock {
        match id as i32 {
            libc::CLOCK_REALTIME
            | libc::CLOCK_REALTIME_COARSE
            | libc::CLOCK_TAI
            | libc::CLOCK_REALTIME_ALARM => Clock::Wall,
            libc::CLOCK_MONOTONIC
            | libc::CLOCK_MONOTONIC_RAW
            | libc::CLOCK_MONOTONIC_COARSE
            | libc::CLOCK_BOOTTIME
            | libc::CLOCK_BOOTTIME_ALARM => Clock::Up,
            libc::CLOCK_PROCESS_CPUTIME_ID => Clock::Process,
            libc::CLOCK_THREAD_CPUTIME_ID => Clock::Thread,
            // Negative ones are processors' times of a process or thread that is named in them.
            id if id < 0 && id & 4 == 0 => Clock::Process,
            id if id < 0 => Clock::Thread,
            _ => Clock::Other,
        }
    }
}

impl Core {
    /// An instant of that clock as one of ours.
    pub(super) fn instant_of(&self, clock: Clock, at: u64) -> u64 {
        let base = match clock {
            Clock::Wall => self.wall() - self.now,
            _ => self.up() - self.now,
        };
        at.saturating_sub(base)
    }

    /// What stands for the processor's time of a thread.
    fn thread_time(&self, number: Number) -> u64 {
        self.threads[&number].calls * CALL_NANOS
    }

    /// The same of a process.
    fn process_time(&self, process: Number) -> u64 {
        let threads = self.threads.values().filter(|thread| thread.process == process);
        threads.map(|thread| thread.calls).sum::<u64>() * CALL_NANOS
    }

    pub(super) fn nanosleep(&mut self, number: Number, regs: &Regs) -> Turn {
        match self.process_of(number).memory.span(regs.rdi, 1) {
            Span::Nanos(0) => self.answer_in_haste(number, 0, Park::Time),
            Span::Nanos(nanos) => {
                let until = self.now.saturating_add(nanos);
                self.park_calmly(number, Park::Time, Some(until))
            }
            // The kernel says what is wrong.
            Span::None | Span::Invalid => Turn::Goes,
        }
    }

    pub(super) fn clock_nanosleep(&mut self, number: Number, regs: &Regs) -> Turn {
        let clock = Clock::of(regs.rdi);
        if !matches!(clock, Clock::Wall | Clock::Up | Clock::Process) {
            return Turn::Goes;
        }
        let Span::Nanos(nanos) = self.process_of(number).memory.span(regs.rdx, 1) else {
            return Turn::Goes;
        };
        let is_absolute = regs.rsi as i32 & libc::TIMER_ABSTIME != 0;
        let until = if is_absolute {
            self.instant_of(clock, nanos)
        } else {
            self.now.saturating_add(nanos)
        };
        if until <= self.now {
            return self.answer_in_haste(number, 0, Park::Time);
        }
        self.park_calmly(number, Park::Time, Some(until))
    }

    /// What a clock shows.
    fn show(&self, number: Number, clock: Clock) -> Option<u64> {
        match clock {
            Clock::Wall => Some(self.wall()),
            Clock::Up => Some(self.up()),
            Clock::Thread => Some(self.thread_time(number)),
            Clock::Process => Some(self.process_time(self.threads[&number].process)),
            Clock::Other => None,
        }
    }

    /// Reads of the clock come here when a program has read it again and again, or reads it in a
    /// way that is not ours. A program that looks at nothing else must see it go on.
    fn read_clock(&mut self, number: Number, address: u64, bytes: &[u8], result: i64) -> Turn {
        let process = self.process_of(number);
        if address != 0 && !process.memory.write(address, bytes) {
            return self.answer(number, EFAULT);
        }
        // The page counts down what may be read without a call.
        let is_spent = process.page != 0
            && process.memory.u64(process.page).is_some_and(|left| (left as i64) < 0);
        let now = self.now;
        let Some(thread) = self.threads.get_mut(&number) else { return Turn::Ends };
        thread.hurry.reads = if thread.hurry.reads_at == now { thread.hurry.reads + 1 } else { 1 };
        thread.hurry.reads_at = now;
        if !is_spent && thread.hurry.reads <= READS {
            return self.answer(number, result);
        }
        thread.hurry.reads = 0;
        if self.is_too_hasty(number) || self.queue.is_empty() {
            return self.pause(number, Park::Again);
        }
        // Others go on first; then it reads once more.
        let process = self.threads[&number].process;
        self.write_clock(process);
        self.enqueue(number);
        Turn::Ends
    }

    pub(super) fn clock_gettime(&mut self, number: Number, regs: &Regs) -> Turn {
        let clock = Clock::of(regs.rdi);
        let Some(time) = self.show(number, clock) else { return Turn::Goes };
        self.read_clock(number, regs.rsi, &span_bytes(time, 1), 0)
    }

    pub(super) fn gettimeofday(&mut self, number: Number, regs: &Regs) -> Turn {
        let bytes = span_bytes(self.wall(), 1000);
        if regs.rsi != 0 {
            self.process_of(number).memory.write(regs.rsi, &[0; 8]);
        }
        self.read_clock(number, regs.rdi, &bytes, 0)
    }

    pub(super) fn time(&mut self, number: Number, regs: &Regs) -> Turn {
        let seconds = self.wall() / 1_000_000_000;
        self.read_clock(number, regs.rdi, &seconds.to_le_bytes(), seconds as i64)
    }

    pub(super) fn sched_yield(&mut self, number: Number) -> Turn {
        self.answer_in_haste(number, 0, Park::Time)
    }

    pub(super) fn times(&mut self, number: Number, regs: &Regs) -> Turn {
        let process = self.threads[&number].process;
        let ticks = self.process_time(process) / TICK_NANOS;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&ticks.to_le_bytes());
        let up = self.up() / TICK_NANOS;
        if regs.rdi != 0 && !self.process_of(number).memory.write(regs.rdi, &bytes) {
            return self.answer(number, EFAULT);
        }
        self.answer(number, up as i64)
    }

    /// Everything but the processor's time and the largest memory is zero: it is not the program's.
    pub(super) fn getrusage(&mut self, number: Number, regs: &Regs) -> Turn {
        let time = match regs.rdi as i32 {
            libc::RUSAGE_THREAD => self.thread_time(number),
            libc::RUSAGE_SELF => self.process_time(self.threads[&number].process),
            _ => 0,
        };
        self.call_then(number, regs, |core, result| {
            if result == 0 {
                let mut bytes = [0; 144];
                bytes[..16].copy_from_slice(&span_bytes(time, 1000));
                let memory = &core.process_of(number).memory;
                let largest = memory.array::<8>(regs.rsi + 32).unwrap_or_default();
                bytes[32..40].copy_from_slice(&largest);
                memory.write(regs.rsi, &bytes);
            }
        })
    }

    /// How long the machine has been up is ours; how busy it is and what memory is free is
    /// nobody's.
    pub(super) fn sysinfo(&mut self, number: Number, regs: &Regs) -> Turn {
        self.call_then(number, regs, |core, result| {
            let memory = &core.process_of(number).memory;
            let Some(mut bytes) = memory.array::<112>(regs.rdi).filter(|_| result == 0) else {
                return;
            };
            let up = core.up() / 1_000_000_000;
            bytes[..8].copy_from_slice(&up.to_le_bytes());
            bytes[8..32].fill(0);
            // Free is what there is; shared and buffers are none.
            let total: [u8; 8] = bytes[32..40].try_into().unwrap_or_default();
            bytes[40..48].copy_from_slice(&total);
            bytes[48..64].fill(0);
            let swap: [u8; 8] = bytes[64..72].try_into().unwrap_or_default();
            bytes[72..80].copy_from_slice(&swap);
            bytes[80..82].copy_from_slice(&1_u16.to_le_bytes());
            memory.write(regs.rdi, &bytes);
        })
    }
}
