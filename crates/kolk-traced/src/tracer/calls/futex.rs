//! `futex`.

use super::{EAGAIN, EFAULT, EINVAL, ETIMEDOUT};
use crate::fell_through::Cause;
use crate::tracer::core::Core;
use crate::tracer::futexes::ALL_BITS;
use crate::tracer::memory::Span;
use crate::tracer::run::Turn;
use crate::tracer::task::{FutexKey, Number, Park, Regs};

use super::time::Clock;

impl Core {
    pub(super) fn futex(&mut self, number: Number, regs: &Regs) -> Turn {
        let flags = regs.rsi as i32;
        let is_private = flags & libc::FUTEX_PRIVATE_FLAG != 0;
        let operation = flags & !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
        if !regs.rdi.is_multiple_of(4) {
            return self.answer(number, EINVAL);
        }
        let key = |core: &Core, address| core.futex_key(number, address, is_private);
        let bits = match operation {
            libc::FUTEX_WAIT_BITSET | libc::FUTEX_WAKE_BITSET => regs.r9 as u32,
            _ => ALL_BITS,
        };
        // The kernel takes a negative count for one.
        let count = |word: u64| match word as i32 {
            negative if negative < 0 => 1,
            count => count as u32,
        };
        match operation {
            libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET => {
                if bits == 0 {
                    return self.answer(number, EINVAL);
                }
                let key = key(self, regs.rdi);
                self.futex_wait(number, regs, key, bits)
            }
            libc::FUTEX_WAKE | libc::FUTEX_WAKE_BITSET => {
                if bits == 0 {
                    return self.answer(number, EINVAL);
                }
                let key = key(self, regs.rdi);
                // The kernel wakes one where none are asked for.
                let woken = self.wake_futex(key, count(regs.rdx).max(1), bits);
                self.answer(number, woken)
            }
            libc::FUTEX_REQUEUE | libc::FUTEX_CMP_REQUEUE => {
                if (regs.rdx as i32) < 0 || (regs.r10 as i32) < 0 {
                    return self.answer(number, EINVAL);
                }
                let compares = operation == libc::FUTEX_CMP_REQUEUE;
                if compares {
                    match self.process_of(number).memory.u32(regs.rdi) {
                        Some(word) if word == regs.r9 as u32 => {}
                        Some(_) => return self.answer(number, EAGAIN),
                        None => return self.answer(number, EFAULT),
                    }
                }
                let (from, to) = (key(self, regs.rdi), key(self, regs.r8));
                let woken = self.wake_futex(from, regs.rdx as u32, ALL_BITS);
                let moved = self.requeue_futex(from, to, regs.r10 as u32);
                self.answer(number, woken + moved)
            }
            libc::FUTEX_WAKE_OP => self.futex_wake_op(number, regs, is_private),
            libc::FUTEX_LOCK_PI
            | libc::FUTEX_LOCK_PI2
            | libc::FUTEX_UNLOCK_PI
            | libc::FUTEX_TRYLOCK_PI
            | libc::FUTEX_WAIT_REQUEUE_PI
            | libc::FUTEX_CMP_REQUEUE_PI => {
                self.fell_through.add(Cause::PriorityFutex);
                Turn::Goes
            }
            // The kernel says that it knows none such.
            _ => Turn::Goes,
        }
    }

    fn futex_wait(&mut self, number: Number, regs: &Regs, key: FutexKey, bits: u32) -> Turn {
        let memory = &self.process_of(number).memory;
        let expected = regs.rdx as u32;
        match memory.u32(regs.rdi) {
            Some(word) if word == expected => {}
            Some(_) => return self.answer(number, EAGAIN),
            None => return self.answer(number, EFAULT),
        }
        let flags = regs.rsi as i32;
        let is_relative = flags & 0x7f == libc::FUTEX_WAIT;
        let clock = if flags & libc::FUTEX_CLOCK_REALTIME != 0 { Clock::Wall } else { Clock::Up };
        let deadline = match memory.span(regs.r10, 1) {
            Span::None => None,
            Span::Nanos(nanos) if is_relative => Some(self.now.saturating_add(nanos)),
            Span::Nanos(nanos) => Some(self.instant_of(clock, nanos)),
            Span::Invalid => return self.answer(number, EINVAL),
        };
        let park = Park::Futex { key, bits, expected };
        match deadline {
            Some(deadline) if deadline <= self.now => self.answer_in_haste(number, ETIMEDOUT, park),
            _ => self.park_calmly(number, park, deadline),
        }
    }

    /// Changes one word, wakes the waiters of another, and perhaps those of the first.
    fn futex_wake_op(&mut self, number: Number, regs: &Regs, is_private: bool) -> Turn {
        let memory = &self.process_of(number).memory;
        let Some(old) = memory.u32(regs.r8) else { return self.answer(number, EFAULT) };
        let Some((new, wakes_second)) = apply(regs.r9 as u32, old) else {
            return self.answer(number, super::ENOSYS);
        };
        memory.write(regs.r8, &new.to_le_bytes());
        let (first, second) = (
            self.futex_key(number, regs.rdi, is_private),
            self.futex_key(number, regs.r8, is_private),
        );
        let mut woken = self.wake_futex(first, (regs.rdx as u32).max(1), ALL_BITS);
        if wakes_second {
            woken += self.wake_futex(second, (regs.r10 as u32).max(1), ALL_BITS);
        }
        self.answer(number, woken)
    }
}

/// What the encoded operation makes of a word, and whether the comparison with the old one holds.
fn apply(encoded: u32, old: u32) -> Option<(u32, bool)> {
    // Both arguments are signed numbers of 12 bits.
    let signed = |word: u32| ((word << 20) as i32) >> 20;
    let mut argument = signed(encoded >> 12) as u32;
    if encoded & (8 << 28) != 0 {
        argument = 1_u32 << (argument & 31);
    }
    let new = match (encoded >> 28) & 7 {
        0 => argument,
        1 => old.wrapping_add(argument),
        2 => old | argument,
        3 => old & !argument,
        4 => old ^ argument,
        _ => return None,
    };
    let (old, limit) = (old as i32, signed(encoded));
    let holds = match (encoded >> 24) & 15 {
        0 => old == limit,
        1 => old != limit,
        2 => old < limit,
        3 => old <= limit,
        4 => old > limit,
        5 => old >= limit,
        _ => return None,
    };
    Some((new, holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_those_of_the_manual() {
        const fn op(op: u32, argument: u32, comparison: u32, limit: u32) -> u32 {
            (op << 28) | (comparison << 24) | (argument << 12) | limit
        }
        for (encoded, old, expected) in [
            (op(0, 7, 0, 5), 5, Some((7, true))),
            (op(1, 0xfff, 1, 5), 5, Some((4, false))),
            (op(2, 8, 4, 0), 1, Some((9, true))),
            (op(3, 1, 2, 0), 3, Some((2, false))),
            (op(4, 1, 5, 3), 3, Some((2, true))),
            (op(8 | 2, 4, 3, 2), 3, Some((19, false))),
            (op(0, 0, 4, 0xfff), 0, Some((0, true))),
            (op(5, 0, 0, 0), 0, None),
            (op(0, 0, 6, 0), 0, None),
        ] {
            assert_eq!(apply(encoded, old), expected, "{encoded:x} {old}");
        }
    }
}
