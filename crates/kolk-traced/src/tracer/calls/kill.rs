//! Sending signals.

use super::ESRCH;
use crate::tracer::core::Core;
use crate::tracer::run::Turn;
use crate::tracer::task::{Number, Regs};

impl Core {
    pub(super) fn kill(&mut self, number: Number, regs: &Regs) -> Turn {
        let mut instead = *regs;
        instead.rdi = self.system_id(regs.rdi as i32) as u64;
        let signal = match regs.orig_rax as i64 {
            libc::SYS_tgkill | libc::SYS_rt_tgsigqueueinfo => {
                instead.rsi = self.system_id(regs.rsi as i32) as u64;
                regs.rdx as i32
            }
            _ => regs.rsi as i32,
        };
        // Nobody may be reached who is not of the program: not everybody, and no group but its own.
        if regs.orig_rax as i64 == libc::SYS_kill && regs.rdi as i32 == -1 {
            return self.answer(number, ESRCH);
        }
        let target = instead.rdi as i32;
        self.send(number, regs, instead, target, signal)
    }

    pub(super) fn pidfd_send_signal(&mut self, number: Number, regs: &Regs) -> Turn {
        let pid = self.process_of(number).pid;
        let info = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", regs.rdi as i32));
        let target = info.ok().and_then(|info| {
            let line = info.lines().find_map(|line| line.strip_prefix("Pid:"))?;
            line.trim().parse().ok()
        });
        self.send(number, regs, *regs, target.unwrap_or_default(), regs.rsi as i32)
    }

    /// Sends a signal to a process, a thread or a group, and lets happen what it does at once.
    fn send(
        &mut self,
        number: Number,
        regs: &Regs,
        instead: Regs,
        target: i32,
        signal: i32,
    ) -> Turn {
        self.signals_due = true;
        self.stops_sent |= signal == libc::SIGSTOP;
        let own = self.threads[&number].process;
        let targets = self.processes_at(own, target);
        if signal == libc::SIGKILL && targets.contains(&own) {
            // It does not come back from its call.
            crate::tracer::stop::set_registers(self.threads[&number].tid, instead);
            crate::tracer::stop::go(self.threads[&number].tid, crate::tracer::stop::Way::On, None);
            for target in targets {
                self.killed(target);
            }
            return Turn::Ends;
        }
        let mut sent = false;
        let turn = self.call_instead(number, regs, instead, |_, result| {
            sent = result == 0;
            result
        });
        if sent {
            for target in targets {
                match signal {
                    libc::SIGKILL => self.killed(target),
                    libc::SIGCONT => self.continue_process(target),
                    _ => {}
                }
            }
        }
        turn
    }

    /// The processes that a system's number stands for: a process, a thread of it, a group if it is
    /// negative, or the own group.
    fn processes_at(&self, own: Number, target: i32) -> Vec<Number> {
        if target > 0 {
            let found = self.threads.values().find(|thread| thread.tid == target);
            return found.map(|thread| thread.process).into_iter().collect();
        }
        let group_of = |pid: i32| {
            let pid = rustix::process::Pid::from_raw(pid);
            rustix::process::getpgid(pid).map(|group| group.as_raw_nonzero().get()).ok()
        };
        let group = match target {
            0 => group_of(self.processes[&own].pid),
            negative => negative.checked_neg(),
        };
        let all = self.processes.iter();
        let members = all.filter(|(_, process)| group.is_some() && group_of(process.pid) == group);
        members.map(|(number, _)| *number).collect()
    }
}
