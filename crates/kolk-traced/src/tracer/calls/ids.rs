//! Numbers of processes and threads: programs see ours, which are the same in every run.
//!
//! The system's own numbers are left where the kernel writes them by itself (a thread's number in
//! its C library's memory), and are understood wherever ours are: the two cannot be confused.

use super::EFAULT;
use super::wait::outside;
use crate::tracer::core::Core;
use crate::tracer::run::Turn;
use crate::tracer::task::{Number, Regs, from_visible, visible};

/// What a number is that the system gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Process,
}

impl Core {
    /// The system's number for what a program names; negative ones are groups. What is none of ours
    /// stays what it is.
    pub(super) fn system_id(&self, id: i32) -> i64 {
        let absolute = id.unsigned_abs() as i32;
        let Some(number) = from_visible(absolute) else { return i64::from(id) };
        let found = self
            .processes
            .get(&number)
            .map(|process| process.pid)
            .or_else(|| self.threads.get(&number).map(|thread| thread.tid))
            .or_else(|| {
                // It has ended, and may still be waited for.
                self.by_tid.iter().find(|(_, known)| **known == number).map(|(tid, _)| *tid)
            });
        match found {
            Some(system) if id < 0 => -i64::from(system),
            Some(system) => i64::from(system),
            None => i64::from(id),
        }
    }

    /// What programs see of a number that the system gave.
    pub(super) fn name_of(&self, system: i32, _what: Name) -> i32 {
        self.by_tid.get(&system).map_or(system, |number| visible(*number))
    }

    pub(super) fn own_id(&mut self, number: Number, regs: &Regs) -> Turn {
        let process = self.threads[&number].process;
        let id = match regs.orig_rax as i64 {
            libc::SYS_getpid => visible(process),
            libc::SYS_gettid => visible(number),
            _ => {
                let parent = self.processes[&process].parent;
                if self.processes.contains_key(&parent) { visible(parent) } else { outside() }
            }
        };
        self.answer(number, i64::from(id))
    }

    /// Calls that name a process, and some that give one.
    pub(super) fn with_process_ids(&mut self, number: Number, regs: &Regs) -> Turn {
        let mut instead = *regs;
        let call = regs.orig_rax as i64;
        instead.rdi = match call {
            libc::SYS_getpgrp | libc::SYS_setsid => regs.rdi,
            _ => self.system_id(regs.rdi as i32) as u64,
        };
        if call == libc::SYS_setpgid {
            instead.rsi = self.system_id(regs.rsi as i32) as u64;
        }
        let gives_id = matches!(
            call,
            libc::SYS_getpgid | libc::SYS_getsid | libc::SYS_getpgrp | libc::SYS_setsid
        );
        self.call_instead(number, regs, instead, |core, result| {
            if gives_id && result > 0 {
                i64::from(core.name_of(result as i32, Name::Process))
            } else {
                result
            }
        })
    }

    /// The program has one processor, which it calls the first.
    pub(super) fn sched_getaffinity(&mut self, number: Number, regs: &Regs) -> Turn {
        const BYTES: u64 = 8;
        if regs.rsi < BYTES || !regs.rsi.is_multiple_of(BYTES) {
            return self.answer(number, super::EINVAL);
        }
        if !self.process_of(number).memory.write(regs.rdx, &1_u64.to_le_bytes()) {
            return self.answer(number, EFAULT);
        }
        self.answer(number, BYTES as i64)
    }

    pub(super) fn getcpu(&mut self, number: Number, regs: &Regs) -> Turn {
        for address in [regs.rdi, regs.rsi] {
            if address != 0 {
                self.process_of(number).memory.write(address, &[0; 4]);
            }
        }
        self.answer(number, 0)
    }
}
