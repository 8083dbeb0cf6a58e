//! Reading what may not be there yet, and random bytes.

use rustix::event::PollFlags;
use rustix::net::sockopt::{Timeout, socket_timeout};

use super::{EACCES, EFAULT, STDIN};
use crate::tracer::core::Core;
use crate::tracer::filter::WHOLE_BYTES;
use crate::tracer::look::Kind;
use crate::tracer::run::Turn;
use crate::tracer::task::{Number, Park, Regs};

/// As much as the kernel gives of random bytes at once.
const RANDOM_BYTES_MAX: u64 = 32 << 20;
/// How many parts `readv` may have.
const PARTS_MAX: u64 = 1024;
/// Where every Java machine puts a file that is named after its process id, and locks it: two nodes
/// have the same, and the second would complain on its stdout. Without the folder there is no file,
/// and nothing else is amiss.
const JAVA_COUNTERS: &[u8] = b"/tmp/hsperfdata_";

impl Core {
    pub(super) fn read(&mut self, number: Number, regs: &Regs) -> Turn {
        match self.kind(number, regs.rdi as i32) {
            Kind::File | Kind::None => Turn::Goes,
            Kind::NonBlocking => self.try_to_read(number, regs),
            Kind::Random => self.read_random(number, regs),
            Kind::Waits => self.wait_to_read(number, regs, None),
        }
    }

    /// From a socket, which may have a time limit, by a call that may say that it does not wait.
    pub(super) fn receive(&mut self, number: Number, regs: &Regs) -> Turn {
        let flags = match regs.orig_rax as i64 {
            libc::SYS_recvfrom | libc::SYS_recvmmsg => regs.r10,
            libc::SYS_recvmsg => regs.rdx,
            _ => 0,
        };
        if flags as i32 & libc::MSG_DONTWAIT != 0 {
            return self.try_to_read(number, regs);
        }
        match self.kind(number, regs.rdi as i32) {
            Kind::Waits => {
                let limit = self
                    .duplicate(number, regs.rdi as i32)
                    .and_then(|duplicate| socket_timeout(&duplicate, Timeout::Recv).ok().flatten());
                let deadline = limit.map(|limit| {
                    self.now.saturating_add(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX))
                });
                self.wait_to_read(number, regs, deadline)
            }
            Kind::NonBlocking => self.try_to_read(number, regs),
            _ => Turn::Goes,
        }
    }

    /// Reads if there is something. Whoever does nothing but try to read its stdin must see the
    /// clock go on. Of other descriptors that means nothing: many a runtime empties the one of its
    /// wake-ups whenever it comes by, and works in between.
    fn try_to_read(&mut self, number: Number, regs: &Regs) -> Turn {
        if regs.rdi as i32 != STDIN {
            return Turn::Goes;
        }
        let list = vec![(STDIN, PollFlags::IN)];
        if self.is_any_ready(number, &list) || !self.looks_too_often(number) {
            return if self.threads.contains_key(&number) { Turn::Goes } else { Turn::Ends };
        }
        self.pause(number, Park::Files(list))
    }

    /// Asks how much there is to read on stdin. Whoever does nothing else must see the clock go on.
    pub(super) fn look_for_input(&mut self, number: Number) -> Turn {
        if self.looks_too_often(number) { self.pause(number, Park::Again) } else { Turn::Goes }
    }

    pub(super) fn make_folder(&mut self, number: Number, regs: &Regs) -> Turn {
        let start = self.process_of(number).memory.bytes(regs.rdi, JAVA_COUNTERS.len());
        match start.as_deref() {
            Some(JAVA_COUNTERS) => self.answer(number, EACCES),
            _ => Turn::Goes,
        }
    }

    /// A long write. To a pipe that somebody waits to write to it goes page by page, each when
    /// there is room: were the kernel to wait it would have to be interrupted, and would then have
    /// written less than programs expect.
    pub(super) fn write(&mut self, number: Number, regs: &Regs) -> Turn {
        let (descriptor, count) = (regs.rdi as i32, regs.rdx);
        if count <= WHOLE_BYTES
            || self.kind(number, descriptor) != Kind::Waits
            || !self.is_pipe(number, descriptor)
        {
            return Turn::Goes;
        }
        let list = vec![(descriptor, PollFlags::OUT)];
        loop {
            let Some(thread) = self.threads.get(&number) else { return Turn::Ends };
            let written = thread.written;
            if written >= count {
                return self.end_write(number, written as i64);
            }
            if !self.is_any_ready(number, &list) {
                if !self.threads.contains_key(&number) {
                    return Turn::Ends;
                }
                return self.park_calmly(number, Park::Files(list), None);
            }
            let page = (count - written).min(WHOLE_BYTES);
            let arguments = [regs.rdi, regs.rsi.wrapping_add(written), page, 0];
            match self.inject(number, libc::SYS_write, arguments) {
                None => return Turn::Ends,
                Some(result) if result <= 0 => {
                    let result = if written > 0 { written as i64 } else { result };
                    return self.end_write(number, result);
                }
                Some(result) => {
                    if let Some(thread) = self.threads.get_mut(&number) {
                        thread.written += result as u64;
                    }
                }
            }
        }
    }

    fn end_write(&mut self, number: Number, result: i64) -> Turn {
        if let Some(thread) = self.threads.get_mut(&number) {
            thread.written = 0;
        }
        self.answer(number, result)
    }

    fn wait_to_read(&mut self, number: Number, regs: &Regs, deadline: Option<u64>) -> Turn {
        let list = vec![(regs.rdi as i32, PollFlags::IN)];
        if self.is_any_ready(number, &list) {
            return Turn::Goes;
        }
        if !self.threads.contains_key(&number) {
            return Turn::Ends;
        }
        self.park_calmly(number, Park::Files(list), deadline)
    }

    /// From the device of random bytes.
    fn read_random(&mut self, number: Number, regs: &Regs) -> Turn {
        if regs.orig_rax as i64 == libc::SYS_read {
            return self.give_random(number, &[(regs.rsi, regs.rdx)]);
        }
        let count = regs.rdx.min(PARTS_MAX) as usize;
        let Some(bytes) = self.process_of(number).memory.bytes(regs.rsi, count * 16) else {
            return self.answer(number, EFAULT);
        };
        let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        let parts = bytes.chunks_exact(16).map(|part| (word(&part[..8]), word(&part[8..])));
        self.give_random(number, &parts.collect::<Vec<_>>())
    }

    pub(super) fn getrandom(&mut self, number: Number, regs: &Regs) -> Turn {
        self.give_random(number, &[(regs.rdi, regs.rsi)])
    }

    fn give_random(&mut self, number: Number, parts: &[(u64, u64)]) -> Turn {
        let mut given = 0;
        for (address, length) in parts {
            let length = (*length).min(RANDOM_BYTES_MAX - given);
            let bytes = self.entropy(length as usize);
            if !self.process_of(number).memory.write(*address, &bytes) {
                return self.answer(number, EFAULT);
            }
            given += length;
        }
        self.answer(number, given as i64)
    }
}
