//! Calls that the tracer makes in a thread's place.

use super::core::Core;
use super::stop::{Stop, Way, go, registers, set_registers};
use super::task::{Number, Stand};

impl Core {
    /// Makes a call in the place of a thread that stands at the entry or exit of one of its own; it
    /// stands there again afterwards. The call must not block, and must be none that is traced,
    /// `poll` aside. Gives its result.
    pub(super) fn inject(&mut self, number: Number, call: i64, arguments: [u64; 4]) -> Option<i64> {
        let thread = self.threads.get(&number)?;
        let (tid, stand, saved) = (thread.tid, thread.stand, thread.regs);
        let mut regs = saved;
        [regs.rdi, regs.rsi, regs.rdx, regs.r10] = arguments;
        match stand {
            Stand::Entry => {
                regs.orig_rax = call as u64;
                let result = self.make_call(number, regs)?.rax as i64;
                // It comes to its own call again, and stops there.
                let mut back = saved;
                back.rip -= 2;
                back.rax = saved.orig_rax;
                back.orig_rax = u64::MAX;
                set_registers(tid, back);
                let mut signal = None;
                loop {
                    go(tid, Way::On, None);
                    match self.wait(tid, Way::On) {
                        Stop::Entry => break,
                        Stop::Signal(number) => signal = Some(number),
                        Stop::Ended(how) => {
                            self.gone(number, how);
                            return None;
                        }
                        _ => {}
                    }
                }
                if let Some(signal) = signal {
                    self.send_again(tid, signal);
                }
                Some(result)
            }
            Stand::Exit => {
                regs.rip -= 2;
                regs.rax = call as u64;
                regs.orig_rax = u64::MAX;
                set_registers(tid, regs);
                let mut exits = 0;
                while exits < 2 {
                    go(tid, Way::ToExit, None);
                    match self.wait(tid, Way::ToExit) {
                        Stop::Exit => exits += 1,
                        Stop::Entry => {}
                        Stop::Ended(how) => {
                            self.gone(number, how);
                            return None;
                        }
                        _ => {}
                    }
                }
                let result = registers(tid)?.rax as i64;
                set_registers(tid, saved);
                Some(result)
            }
            Stand::Free | Stand::Interrupted => None,
        }
    }
}
