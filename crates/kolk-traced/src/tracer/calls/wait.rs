//! Waiting for children and for signals, and ending.

use super::ids::Name;
use crate::tracer::core::Core;
use crate::tracer::memory::Span;
use crate::tracer::run::Turn;
use crate::tracer::task::{Number, Park, Regs, Stand, visible};

impl Core {
    /// `wait4` and `waitid`: the kernel is asked without waiting; if there is nothing yet, the
    /// thread is parked at the exit of the call, and makes it again when a child has ended.
    pub(super) fn wait_for_child(&mut self, number: Number, regs: &Regs) -> Turn {
        let is_waitid = regs.orig_rax as i64 == libc::SYS_waitid;
        let mut instead = *regs;
        let options = if is_waitid { &mut instead.r10 } else { &mut instead.rdx };
        let waits = *options as i32 & libc::WNOHANG == 0;
        *options |= libc::WNOHANG as u64;
        if is_waitid {
            match regs.rdi as u32 {
                libc::P_PID | libc::P_PGID => instead.rsi = self.system_id(regs.rsi as i32) as u64,
                _ => {}
            }
        } else {
            instead.rdi = self.system_id(regs.rdi as i32) as u64;
        }
        let mut is_there = true;
        let turn = self.call_instead(number, regs, instead, |core, result| {
            if is_waitid {
                is_there = result != 0 || core.child_in(number, regs.rdx);
                return result;
            }
            is_there = result != 0;
            if result > 0 { i64::from(core.name_of(result as i32, Name::Process)) } else { result }
        });
        if turn == Turn::Ends || is_there || !waits {
            return turn;
        }
        let turn = self.park_calmly(number, Park::Child, None);
        if let Some(thread) = self.threads.get_mut(&number) {
            thread.stand = Stand::Exit;
        }
        turn
    }

    /// Whether `waitid` has found a child; its number becomes the one that programs see.
    fn child_in(&mut self, number: Number, address: u64) -> bool {
        const PID: u64 = 16;
        if address == 0 {
            return true;
        }
        let memory = &self.process_of(number).memory;
        let pid = memory.u32(address + PID).unwrap_or_default();
        if memory.u32(address) == Some(0) {
            return false;
        }
        let name = self.name_of(pid as i32, Name::Process);
        self.process_of(number).memory.write(address + PID, &name.to_le_bytes());
        true
    }

    /// `pause`: until a signal comes that is not blocked.
    pub(super) fn wait_for_signal(&mut self, number: Number) -> Turn {
        self.signals_due = true;
        let mask = self.mask_of(number);
        self.park_calmly(number, Park::Suspend(mask), None)
    }

    pub(super) fn sigsuspend(&mut self, number: Number, regs: &Regs) -> Turn {
        self.signals_due = true;
        let Some(mask) = self.process_of(number).memory.u64(regs.rdi) else { return Turn::Goes };
        self.park_calmly(number, Park::Suspend(mask), None)
    }

    pub(super) fn sigtimedwait(&mut self, number: Number, regs: &Regs) -> Turn {
        let memory = &self.process_of(number).memory;
        let Some(set) = memory.u64(regs.rdi) else { return Turn::Goes };
        let deadline = match memory.span(regs.rdx, 1) {
            Span::None => None,
            // It only looks.
            Span::Nanos(0) | Span::Invalid => return Turn::Goes,
            Span::Nanos(nanos) => Some(self.now.saturating_add(nanos)),
        };
        self.signals_due = true;
        self.park_calmly(number, Park::Signal(set), deadline)
    }

    /// A single thread ends. The first of a process is not reported before the others have ended.
    pub(super) fn exit(&mut self, number: Number) -> Turn {
        let process = self.threads[&number].process;
        let others = self.threads_of(process).len() > 1;
        if number == process && others {
            self.exit_first_thread(number);
            return Turn::Ends;
        }
        if !others {
            return self.exit_process(number);
        }
        Turn::Goes
    }
}

/// The parent that programs see of their first process: kolk, which has no number of theirs.
pub(super) const PARENT_OF_ALL: Number = 0;

/// The number that programs see of the first process's parent.
pub(super) fn outside() -> i32 {
    visible(PARENT_OF_ALL)
}
