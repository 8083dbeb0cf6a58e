//! Calls that decide what of a program's files survives a loss of power. Only a program whose files
//! are followed stops at them.

use std::cell::RefMut;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;

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

    /// The file behind a thread's descriptor.
    fn file(&self, number: Number, descriptor: u64) -> Option<FileId> {
        let pid = self.process_of(number).pid;
        id_of(std::fs::metadata(format!("/proc/{pid}/fd/{}", descriptor as i32)))
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
            let file = core.file(number, result as u64);
            let Some(mut files) = core.files() else { return };
            files.names_changed();
            if flags & libc::O_TRUNC as u64 != 0 {
                files.cut();
            }
            if let Some(file) = file.filter(|_| flags & WRITES_THROUGH != 0) {
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
            && let Some(error) = self.refuse(number, regs.rdi, Change::Resize)
        {
            return self.answer(number, error);
        }
        self.call_then(number, regs, |core, _| {
            if let Some(mut files) = core.files() {
                files.cut();
            }
        })
    }

    /// The error with which a disk refuses a call.
    fn refuse(&self, number: Number, descriptor: u64, change: Change) -> Option<i64> {
        self.files.as_ref()?;
        let file = self.file(number, descriptor)?;
        self.files()?.refuse(file, change).map(|error| -i64::from(error))
    }

    /// A call that writes, or asks for room, is refused, or goes on.
    pub(super) fn refuse_write(&mut self, number: Number, regs: &Regs) -> Option<Turn> {
        let error = self.refuse(number, regs.rdi, Change::Write)?;
        Some(self.answer(number, error))
    }

    /// `pwritev2`, whose flags may say that what it writes is to be safe when it has ended.
    pub(super) fn write_by_flags(&mut self, number: Number, regs: &Regs) -> Turn {
        const SYNCS: u64 = (libc::RWF_DSYNC | libc::RWF_SYNC) as u64;
        if let Some(turn) = self.refuse_write(number, regs) {
            return turn;
        }
        if regs.r9 & SYNCS != 0
            && let Some(file) = self.file(number, regs.rdi)
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
        let refused = of.and_then(|file| self.files()?.refuse(file, Change::Sync));
        if let Some(error) = refused {
            return self.answer(number, -i64::from(error));
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
        id_of(std::fs::metadata(path))
    }

    /// A sync has taken its time.
    pub(in crate::tracer) fn end_sync(&mut self, number: Number, sync: u64) {
        if let Some(mut files) = self.files() {
            files.synced(sync);
        }
        self.complete(number, 0);
    }
}

fn id_of(metadata: io::Result<Metadata>) -> Option<FileId> {
    metadata.ok().map(|metadata| FileId { device: metadata.dev(), inode: metadata.ino() })
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
