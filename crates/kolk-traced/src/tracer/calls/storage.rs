//! Calls that decide what of a program's files survives a loss of power. Only a program whose files
//! are followed stops at them.

use std::cell::RefMut;

use crate::files::{Change, FileId, Files};
use crate::tracer::core::Core;
use crate::tracer::run::Turn;
use crate::tracer::task::{Number, Park, Regs};

/// As in a call's flags; `O_SYNC` has this bit as well.
const WRITES_THROUGH: u64 = libc::O_DSYNC as u64;

impl Core {
    /// Whoever follows the program's files.
    fn files(&self) -> Option<RefMut<'_, dyn Files + 'static>> {
        self.files.as_ref().map(|files| files.borrow_mut())
    }

    /// The file behind a thread's descriptor, if the program's files are followed.
    fn file(&self, number: Number, descriptor: u64) -> Option<FileId> {
        self.files.as_ref()?;
        let pid = self.process_of(number).pid;
        let metadata = std::fs::metadata(format!("/proc/{pid}/fd/{}", descriptor as i32)).ok()?;
        Some((&metadata).into())
    }

    /// A call that may make a file, or cut one short, on its way to a descriptor.
    pub(super) fn open(&mut self, number: Number, regs: &Regs) -> Turn {
        let flags = match regs.orig_rax as i64 {
            libc::SYS_creat => (libc::O_CREAT | libc::O_TRUNC) as u64,
            libc::SYS_open => regs.rsi,
            // A pointer to a structure that begins with the flags.
            libc::SYS_openat2 => self.process_of(number).memory.u64(regs.rdx).unwrap_or_default(),
            _ => regs.rdx,
        };
        self.call_then(number, regs, |core, result| {
            if result < 0 {
                return;
            }
            let has = |flag: u64| flags & flag != 0;
            let file = if has(WRITES_THROUGH) { core.file(number, result as u64) } else { None };
            let Some(mut files) = core.files() else { return };
            if has(libc::O_CREAT as u64) {
                files.names_changed();
            }
            if has(libc::O_TRUNC as u64) {
                files.cut();
            }
            if let Some(file) = file {
                files.write_through(file);
            }
        })
    }

    /// A call that links, renames or removes a file.
    pub(super) fn name(&mut self, number: Number, regs: &Regs) -> Turn {
        // Few file systems can exchange two names, and no journal of names has it in it.
        if regs.orig_rax as i64 == libc::SYS_renameat2
            && regs.r8 & u64::from(libc::RENAME_EXCHANGE) != 0
        {
            return self.answer(number, super::EINVAL);
        }
        self.call_then(number, regs, |core, _| {
            if let Some(mut files) = core.files() {
                files.names_changed();
            }
        })
    }

    /// A call that sets a file's length.
    pub(super) fn resize(&mut self, number: Number, regs: &Regs) -> Turn {
        if regs.orig_rax as i64 == libc::SYS_ftruncate
            && let Some(file) = self.file(number, regs.rdi)
            && let Some(turn) = self.refuse(number, file, Change::Resize)
        {
            return turn;
        }
        self.call_then(number, regs, |core, _| {
            if let Some(mut files) = core.files() {
                files.cut();
            }
        })
    }

    /// Answers a call with an error if the disk refuses it.
    fn refuse(&mut self, number: Number, file: FileId, change: Change) -> Option<Turn> {
        let error = self.files()?.refuse(file, change)?;
        Some(self.answer(number, -i64::from(error)))
    }

    /// The same for a call that writes, or asks for room.
    pub(super) fn refuse_write(&mut self, number: Number, regs: &Regs) -> Option<Turn> {
        let file = self.file(number, regs.rdi)?;
        self.refuse(number, file, Change::Write)
    }

    /// `pwritev2`, whose flags may say that what it writes is to be safe when it has ended.
    pub(super) fn write_by_flags(&mut self, number: Number, regs: &Regs) -> Turn {
        const SYNCS: u64 = (libc::RWF_DSYNC | libc::RWF_SYNC) as u64;
        let Some(file) = self.file(number, regs.rdi) else { return Turn::Goes };
        if let Some(turn) = self.refuse(number, file, Change::Write) {
            return turn;
        }
        if regs.r9 & SYNCS != 0
            && let Some(mut files) = self.files()
        {
            files.write_through(file);
        }
        Turn::Goes
    }

    /// A call that syncs one file, or all. It takes the time that it takes a disk, and the kernel
    /// is not asked to make it: only a simulated power is ever lost.
    pub(super) fn sync(&mut self, number: Number, regs: &Regs) -> Turn {
        let of = match regs.orig_rax as i64 {
            libc::SYS_sync | libc::SYS_syncfs => None,
            libc::SYS_msync => match self.mapped(number, regs.rdi) {
                None => return Turn::Goes,
                file => file,
            },
            _ => match self.file(number, regs.rdi) {
                None => return Turn::Goes,
                file => file,
            },
        };
        if let Some(turn) = of.and_then(|file| self.refuse(number, file, Change::Sync)) {
            return turn;
        }
        let begun = self.files().and_then(|mut files| files.sync(of));
        let Some(begun) = begun else { return Turn::Goes };
        let until = self.now.saturating_add(begun.nanos);
        self.park_calmly(number, Park::Disk { sync: begun.number }, Some(until))
    }

    /// The file that is mapped at an address.
    fn mapped(&self, number: Number, address: u64) -> Option<FileId> {
        let pid = self.process_of(number).pid;
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
        let path = maps.lines().find_map(|line| mapping(line, address))?;
        // The numbers in that line are not those of the file on every file system.
        Some((&std::fs::metadata(path).ok()?).into())
    }

    /// A sync has taken its time.
    pub(in crate::tracer) fn end_sync(&mut self, number: Number, sync: u64) {
        if let Some(mut files) = self.files() {
            files.synced(sync);
        }
        self.complete(number, 0);
    }
}

/// The path in a line of `/proc/PID/maps`, if the address lies in what that maps:
/// `from-to permissions offset major:minor inode path`.
fn mapping(line: &str, address: u64) -> Option<&str> {
    let (from, to) = line.split_once(' ')?.0.split_once('-')?;
    let hexadecimal = |word: &str| u64::from_str_radix(word, 16).ok();
    let is_in = (hexadecimal(from)?..hexadecimal(to)?).contains(&address);
    is_in.then(|| line.find('/').map(|begin| &line[begin..])).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_files_are_found_by_their_addresses() {
        let line = "7f0000001000-7f0000003000 rw-s 00000000 fe:01 1234                 /d/a b";
        for (address, expected) in [
            (0x7f00_0000_0fff, None),
            (0x7f00_0000_1000, Some("/d/a b")),
            (0x7f00_0000_2fff, Some("/d/a b")),
            (0x7f00_0000_3000, None),
        ] {
            assert_eq!(mapping(line, address), expected, "{address:#x}");
        }
        let anonymous = "7f0000001000-7f0000003000 rw-p 00000000 00:00 0 [heap]";
        assert_eq!(mapping(anonymous, 0x7f00_0000_1000), None);
    }
}
