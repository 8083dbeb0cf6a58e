//! Waiting for descriptors: `poll`, `select`, `epoll` and their kind; and how any wait ends when
//! its time is over.

use rustix::event::PollFlags;

use super::{EAGAIN, ETIMEDOUT};
use crate::tracer::core::Core;
use crate::tracer::memory::Span;
use crate::tracer::run::Turn;
use crate::tracer::task::{Number, Park, Regs, Stand, State};

/// How many descriptors a call may name; the kernel refuses more by its own limit.
const DESCRIPTORS_MAX: u64 = 1 << 16;

impl Core {
    pub(super) fn poll(&mut self, number: Number, regs: &Regs) -> Turn {
        if regs.rsi > DESCRIPTORS_MAX {
            return Turn::Goes;
        }
        let memory = &self.process_of(number).memory;
        let Some(bytes) = memory.bytes(regs.rdi, regs.rsi as usize * 8) else { return Turn::Goes };
        let list: Vec<(i32, PollFlags)> = bytes
            .chunks_exact(8)
            .map(|entry| {
                let descriptor = i32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
                let wanted = u16::from_le_bytes([entry[4], entry[5]]);
                (descriptor, PollFlags::from_bits_retain(wanted))
            })
            .filter(|(descriptor, _)| *descriptor >= 0)
            .collect();
        let limit = match regs.orig_rax as i64 {
            libc::SYS_poll => milliseconds(regs.rdx),
            _ => memory.span(regs.rdx, 1),
        };
        self.wait_for_files(number, regs, list, limit)
    }

    pub(super) fn select(&mut self, number: Number, regs: &Regs) -> Turn {
        if regs.rdi > DESCRIPTORS_MAX {
            return Turn::Goes;
        }
        let count = (regs.rdi as usize).min(self.table_size(number, regs.rdi as usize));
        let memory = &self.process_of(number).memory;
        let mut list = Vec::new();
        for (address, wanted) in
            [(regs.rsi, PollFlags::IN), (regs.rdx, PollFlags::OUT), (regs.r10, PollFlags::PRI)]
        {
            if address == 0 {
                continue;
            }
            let Some(bytes) = memory.bytes(address, set_bytes(count)) else { return Turn::Goes };
            let set = (0..count).filter(|place| bytes[place / 8] >> (place % 8) & 1 == 1);
            list.extend(set.map(|descriptor| (descriptor as i32, wanted)));
        }
        let limit = memory.span(regs.r8, unit(regs));
        self.wait_for_files(number, regs, list, limit)
    }

    /// How many descriptors a process's table has room for, as far as that is less than the
    /// kernel's smallest or `wanted`. `select` passes over those beyond.
    fn table_size(&self, number: Number, wanted: usize) -> usize {
        const SMALLEST: usize = 64;
        if wanted <= SMALLEST {
            return wanted;
        }
        let pid = self.process_of(number).pid;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:"));
        size.and_then(|size| size.trim().parse().ok()).unwrap_or(wanted)
    }

    pub(super) fn epoll(&mut self, number: Number, regs: &Regs) -> Turn {
        // What the kernel refuses it refuses at once.
        if regs.rdx as i32 <= 0 || !self.is_anonymous(number, regs.rdi as i32) {
            return Turn::Goes;
        }
        let limit = match regs.orig_rax as i64 {
            libc::SYS_epoll_pwait2 => self.process_of(number).memory.span(regs.r10, 1),
            _ => milliseconds(regs.r10),
        };
        self.wait_for_files(number, regs, vec![(regs.rdi as i32, PollFlags::IN)], limit)
    }

    fn wait_for_files(
        &mut self,
        number: Number,
        regs: &Regs,
        list: Vec<(i32, PollFlags)>,
        limit: Span,
    ) -> Turn {
        let nanos = match limit {
            Span::Invalid => return Turn::Goes,
            Span::None => None,
            Span::Nanos(nanos) => Some(nanos),
        };
        if self.is_any_ready(number, &list) {
            return self.let_poll(number, regs, nanos);
        }
        if !self.threads.contains_key(&number) {
            return Turn::Ends;
        }
        if nanos == Some(0) {
            // It only looks. Whoever does nothing else must see the clock go on.
            if self.looks_too_often(number) {
                return self.pause(number, Park::Files(list));
            }
            return self.let_poll(number, regs, nanos);
        }
        let deadline = nanos.map(|nanos| self.now.saturating_add(nanos));
        // A signal that was blocked may not be during the call.
        self.signals_due |= self.mask_during(number).is_some();
        self.park_calmly(number, Park::Files(list), deadline)
    }

    /// Lets the kernel make a call that will not wait. It writes how much of the time limit is left
    /// by its own clock, so that is written over.
    fn let_poll(&mut self, number: Number, regs: &Regs, left: Option<u64>) -> Turn {
        match (remaining_at(regs), left) {
            (Some(address), Some(left)) => self.call_then(number, regs, |core, _| {
                core.process_of(number).memory.write_span(address, left, unit(regs));
            }),
            _ => Turn::Goes,
        }
    }

    /// A parked thread goes on because a descriptor is ready.
    pub(in crate::tracer) fn ready(&mut self, number: Number) {
        let Some(thread) = self.threads.get(&number) else { return };
        let (regs, stand) = (thread.regs, thread.stand);
        if stand == Stand::Entry && regs.orig_rax as i64 == libc::SYS_write {
            // We write, not the kernel.
            if let Some(thread) = self.threads.get_mut(&number) {
                thread.state = State::Ready;
            }
            return self.enqueue(number);
        }
        let left = thread.deadline.map(|deadline| deadline.saturating_sub(self.now));
        if stand == Stand::Entry && left.is_some() && remaining_at(&regs).is_some() {
            if let Some(thread) = self.threads.get_mut(&number) {
                thread.state = State::Ready;
                thread.deadline = None;
            }
            self.let_poll(number, &regs, left);
            if let Some(thread) = self.threads.get_mut(&number) {
                thread.stand = Stand::Free;
                self.enqueue(number);
            }
            return;
        }
        self.release(number);
    }

    /// Before a parked thread leaves its call because of a signal: writes what is left of its time.
    pub(in crate::tracer) fn write_remaining(&mut self, number: Number) {
        let thread = &self.threads[&number];
        let (regs, Some(deadline)) = (thread.regs, thread.deadline) else { return };
        let left = deadline.saturating_sub(self.now);
        let address = match regs.orig_rax as i64 {
            libc::SYS_nanosleep => regs.rsi,
            libc::SYS_clock_nanosleep if regs.rsi as i32 & libc::TIMER_ABSTIME == 0 => regs.r10,
            _ => match remaining_at(&regs) {
                Some(address) => address,
                None => return,
            },
        };
        if address != 0 {
            self.process_of(number).memory.write_span(address, left, unit(&regs));
        }
    }

    /// The time of a parked thread is over: its call ends as the kernel would end it.
    pub(in crate::tracer) fn time_is_over(&mut self, number: Number) {
        let Some(thread) = self.threads.get_mut(&number) else { return };
        let regs = thread.regs;
        let result = match &thread.state {
            State::Parked(Park::Again) => {
                thread.state = State::Ready;
                thread.deadline = None;
                return self.enqueue(number);
            }
            State::Parked(Park::Disk { sync }) => {
                let sync = *sync;
                return self.end_sync(number, sync);
            }
            State::Parked(Park::Futex { .. }) => ETIMEDOUT,
            State::Parked(Park::Signal(_)) => EAGAIN,
            State::Parked(Park::Files(_)) => match regs.orig_rax as i64 {
                libc::SYS_poll | libc::SYS_ppoll => {
                    self.clear_poll(number, &regs);
                    0
                }
                libc::SYS_select | libc::SYS_pselect6 => {
                    self.clear_select(number, &regs);
                    0
                }
                libc::SYS_epoll_wait | libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 => 0,
                // A socket with a time limit of its own, or a descriptor that does not wait.
                _ => EAGAIN,
            },
            _ => 0,
        };
        if let Some(address) = remaining_at(&regs) {
            self.process_of(number).memory.write_span(address, 0, unit(&regs));
        }
        self.complete(number, result);
    }

    fn clear_poll(&mut self, number: Number, regs: &Regs) {
        let memory = &self.process_of(number).memory;
        for entry in 0..regs.rsi.min(DESCRIPTORS_MAX) {
            memory.write(regs.rdi + entry * 8 + 6, &[0, 0]);
        }
    }

    fn clear_select(&mut self, number: Number, regs: &Regs) {
        let memory = &self.process_of(number).memory;
        let zeros = vec![0; set_bytes(regs.rdi as usize)];
        for address in [regs.rsi, regs.rdx, regs.r10] {
            if address != 0 {
                memory.write(address, &zeros);
            }
        }
    }
}

/// Where the kernel writes what is left of a time limit, for calls that get one.
fn remaining_at(regs: &Regs) -> Option<u64> {
    let address = match regs.orig_rax as i64 {
        libc::SYS_select | libc::SYS_pselect6 => regs.r8,
        libc::SYS_ppoll => regs.rdx,
        _ => 0,
    };
    (address != 0).then_some(address)
}

/// What fraction of a time limit's second word is a nanosecond: `select` counts microseconds.
fn unit(regs: &Regs) -> u64 {
    if regs.orig_rax as i64 == libc::SYS_select { 1000 } else { 1 }
}

/// A time limit in milliseconds; negative ones are none.
fn milliseconds(word: u64) -> Span {
    match word as i32 {
        negative if negative < 0 => Span::None,
        millis => Span::Nanos(millis as u64 * 1_000_000),
    }
}

/// How many bytes a set of so many descriptors has.
fn set_bytes(count: usize) -> usize {
    count.div_ceil(64) * 8
}
