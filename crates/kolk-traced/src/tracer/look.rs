//! Parking and letting go: what a thread waits for, and whether it is there.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat, major, minor};
use rustix::process::{PidfdGetfdFlags, pidfd_getfd};

use super::core::Core;
use super::run::Turn;
use super::stop::set_registers;
use super::task::{Number, Park, Stand, State};

/// What kind of thing a descriptor stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file or the like, which never makes anybody wait.
    File,
    /// The kernel's random bytes.
    Random,
    /// Something that may make its reader wait.
    Waits,
    /// The same, but its reader does not want to.
    NonBlocking,
    /// Nothing: the kernel will say so.
    None,
}

impl Core {
    /// A thread waits, at most until `deadline`.
    pub(super) fn park(&mut self, number: Number, park: Park, deadline: Option<u64>) -> Turn {
        self.next_since += 1;
        let since = self.next_since;
        if let Some(thread) = self.threads.get_mut(&number) {
            thread.state = State::Parked(park);
            thread.deadline = deadline;
            thread.since = since;
        }
        Turn::Ends
    }

    /// Ends the call of a parked thread with a result of ours.
    pub(super) fn complete(&mut self, number: Number, result: i64) {
        let Some(thread) = self.threads.get_mut(&number) else { return };
        thread.state = State::Ready;
        thread.deadline = None;
        let mut regs = thread.regs;
        regs.rax = result as u64;
        match thread.stand {
            Stand::Entry | Stand::Interrupted => {
                regs.orig_rax = u64::MAX;
                set_registers(thread.tid, regs);
            }
            Stand::Exit => set_registers(thread.tid, regs),
            Stand::Free => {}
        }
        thread.stand = Stand::Free;
        self.enqueue(number);
    }

    /// Lets a parked thread make its call, or make it again.
    pub(super) fn release(&mut self, number: Number) {
        let Some(thread) = self.threads.get_mut(&number) else { return };
        thread.state = State::Ready;
        thread.deadline = None;
        if thread.stand == Stand::Exit {
            let mut regs = thread.regs;
            regs.rax = regs.orig_rax;
            regs.rip -= 2;
            regs.orig_rax = u64::MAX;
            set_registers(thread.tid, regs);
        }
        thread.stand = Stand::Free;
        self.enqueue(number);
    }

    /// Ends the present call of a thread that stands at its entry, without the kernel making it.
    pub(super) fn answer(&mut self, number: Number, result: i64) -> Turn {
        if let Some(thread) = self.threads.get(&number) {
            let mut regs = thread.regs;
            regs.rax = result as u64;
            regs.orig_rax = u64::MAX;
            set_registers(thread.tid, regs);
        }
        Turn::Goes
    }

    /// Parked threads whose time is over go on, in the order of their deadlines.
    pub(super) fn end_waits(&mut self) {
        let now = self.now;
        let due = |deadline: Option<u64>| deadline.filter(|deadline| *deadline <= now);
        let mut ended: Vec<(u64, u64, Number)> = self
            .threads
            .iter()
            .filter_map(|(number, thread)| Some((due(thread.deadline)?, thread.since, *number)))
            .collect();
        ended.sort_unstable();
        for (_, _, number) in ended {
            self.time_is_over(number);
        }
    }

    /// Parked threads that wait for descriptors go on if one is ready.
    pub(super) fn look_at_files(&mut self) {
        let mut waiting: Vec<(u64, Number, Vec<(i32, PollFlags)>)> = self
            .threads
            .iter()
            .filter_map(|(number, thread)| match &thread.state {
                State::Parked(Park::Files(list)) => Some((thread.since, *number, list.clone())),
                _ => None,
            })
            .collect();
        waiting.sort_unstable_by_key(|(since, number, _)| (*since, *number));
        for (_, number, list) in waiting {
            if self.is_any_ready(number, &list) {
                self.ready(number);
            }
        }
    }

    /// A duplicate of a thread's descriptor.
    pub(super) fn duplicate(&self, number: Number, descriptor: i32) -> Option<OwnedFd> {
        let process = self.process_of(number);
        pidfd_getfd(&process.pidfd, descriptor, PidfdGetfdFlags::empty()).ok()
    }

    /// True if one of a thread's descriptors is ready, or something is wrong with it that the
    /// kernel will report at once.
    pub(super) fn is_any_ready(&mut self, number: Number, list: &[(i32, PollFlags)]) -> bool {
        if !self.can_duplicate {
            return self.is_any_ready_there(number, list);
        }
        let duplicates: Option<Vec<OwnedFd>> =
            list.iter().map(|(descriptor, _)| self.duplicate(number, *descriptor)).collect();
        let Some(duplicates) = duplicates else { return true };
        let mut polled: Vec<PollFd<'_>> = duplicates
            .iter()
            .zip(list)
            .map(|(duplicate, (_, wanted))| PollFd::new(duplicate, *wanted))
            .collect();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut polled, Some(&now)).map_or(true, |count| count > 0)
    }

    /// The same by a call in the thread's place, on its own stack.
    fn is_any_ready_there(&mut self, number: Number, list: &[(i32, PollFlags)]) -> bool {
        if list.is_empty() {
            return false;
        }
        let mut bytes = Vec::with_capacity(list.len() * 8);
        for (descriptor, wanted) in list {
            bytes.extend_from_slice(&descriptor.to_le_bytes());
            bytes.extend_from_slice(&wanted.bits().to_le_bytes());
            bytes.extend_from_slice(&[0, 0]);
        }
        // Below the part of the stack that a function may use without asking.
        let stack = self.threads[&number].regs.rsp;
        let place = stack.wrapping_sub(128 + bytes.len() as u64) & !15;
        let Some(saved) = self.process_of(number).memory.bytes(place, bytes.len()) else {
            return true;
        };
        self.process_of(number).memory.write(place, &bytes);
        let result = self.inject(number, libc::SYS_poll, [place, list.len() as u64, 0, 0]);
        if self.threads.contains_key(&number) {
            self.process_of(number).memory.write(place, &saved);
        }
        result != Some(0)
    }

    /// True for what has no place in a file system, such as an epoll instance.
    pub(super) fn is_anonymous(&self, number: Number, descriptor: i32) -> bool {
        self.is_of_type(number, descriptor, FileType::Unknown, "anon_inode:")
    }

    /// True for a pipe.
    pub(super) fn is_pipe(&self, number: Number, descriptor: i32) -> bool {
        self.is_of_type(number, descriptor, FileType::Fifo, "pipe:")
    }

    /// True for a descriptor of that type, whose link in `/proc` begins so.
    fn is_of_type(&self, number: Number, descriptor: i32, wanted: FileType, link: &str) -> bool {
        if !self.can_duplicate {
            let pid = self.process_of(number).pid;
            let target = std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}"));
            return target.is_ok_and(|target| target.to_string_lossy().starts_with(link));
        }
        self.duplicate(number, descriptor)
            .and_then(|duplicate| fstat(&duplicate).ok())
            .is_some_and(|status| FileType::from_raw_mode(status.st_mode) == wanted)
    }

    /// What a thread's descriptor stands for, to somebody who wants to read from it.
    pub(super) fn kind(&mut self, number: Number, descriptor: i32) -> Kind {
        if !self.can_duplicate {
            return self.kind_there(number, descriptor);
        }
        let Some(duplicate) = self.duplicate(number, descriptor) else { return Kind::None };
        let Ok(status) = fstat(&duplicate) else { return Kind::None };
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile | FileType::Directory | FileType::BlockDevice => Kind::File,
            FileType::CharacterDevice
                if is_random(major(status.st_rdev), minor(status.st_rdev)) =>
            {
                Kind::Random
            }
            _ => match fcntl_getfl(&duplicate) {
                Ok(flags) if flags.contains(OFlags::NONBLOCK) => Kind::NonBlocking,
                Ok(_) => Kind::Waits,
                Err(_) => Kind::None,
            },
        }
    }

    /// The same by what `/proc` has of it.
    fn kind_there(&mut self, number: Number, descriptor: i32) -> Kind {
        let pid = self.process_of(number).pid;
        let Ok(target) = std::fs::read_link(format!("/proc/{pid}/fd/{descriptor}")) else {
            return Kind::None;
        };
        let target = target.to_string_lossy();
        if matches!(&*target, "/dev/urandom" | "/dev/random") {
            return Kind::Random;
        }
        if target.starts_with('/') && !target.starts_with("/dev/") {
            let is_file = std::fs::metadata(&*target).is_ok_and(|found| found.is_file());
            if is_file {
                return Kind::File;
            }
        }
        let info = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}"));
        let flags = info.ok().and_then(|info| {
            let line = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
            u32::from_str_radix(line.trim(), 8).ok()
        });
        match flags {
            Some(flags) if flags & libc::O_NONBLOCK as u32 != 0 => Kind::NonBlocking,
            Some(_) => Kind::Waits,
            None => Kind::None,
        }
    }
}

/// The devices of random bytes, `/dev/random` and `/dev/urandom`.
fn is_random(major: u32, minor: u32) -> bool {
    major == 1 && matches!(minor, 8 | 9)
}
