//! A log that may grow without end and takes no more room than it may.
//!
//! Whoever writes it cannot be kept from it without being changed: a pipe that is full stops a
//! node, and a file that is swapped loses what is written meanwhile. So the system is asked to let
//! go of the middle of the file while it grows (`fallocate(2)`, `FALLOC_FL_PUNCH_HOLE`), which
//! leaves every byte at its place. When nobody writes any more, the hole is closed, and a line says
//! what was there.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

/// How much is moved at a time.
const PIECE_BYTES: usize = 1 << 16;

/// A log's file, and the hole in it.
#[derive(Debug)]
pub(crate) struct Bounded {
    file: File,
    /// How many bytes it may take.
    max: u64,
    /// What was let go of: from half of `max` up to here.
    hole_end: Cell<u64>,
    /// The system cannot let go of anything here, and so much is there.
    beyond: Cell<Option<u64>>,
}

/// What was left out of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Up to here everything stayed as it was.
    pub(super) from: u64,
    /// What stood here when the log was whole …
    pub(super) resumes: u64,
    /// … stands here now: behind the line that says so.
    pub(super) at: u64,
    /// How long the whole log was.
    pub(super) whole: u64,
}

impl Cut {
    /// Where it stands now, what stood at `offset`; `None` if it was left out.
    pub(super) fn moved(&self, offset: u64) -> Option<u64> {
        match offset {
            _ if offset <= self.from => Some(offset),
            _ if offset <= self.resumes => None,
            _ => Some(offset - self.resumes + self.at),
        }
    }
}

impl Bounded {
    /// A file that is open for reading and writing.
    pub(super) fn new(file: File, max: u64) -> Bounded {
        Bounded { file, max, hole_end: Cell::new(max / 2), beyond: Cell::new(None) }
    }

    /// How long it is by now; what it may not take is let go of.
    pub(crate) fn look(&self) -> Option<u64> {
        let bytes = self.file.metadata().ok()?.len();
        self.hold(bytes);
        Some(bytes)
    }

    /// Lets go of what a log of this length may not take. Its first half stays, and of the rest the
    /// last quarter at least.
    pub(super) fn hold(&self, bytes: u64) {
        let (from, end) = (self.max / 2, self.hole_end.get());
        if bytes < end.saturating_add(self.max / 2) || self.beyond.get().is_some() {
            return;
        }
        let to = bytes - self.max / 4;
        if punch(&self.file, from, to - from) {
            self.hole_end.set(to);
        } else {
            self.beyond.set(Some(bytes));
        }
    }

    /// How long it is, if that is beyond its bound and the system cannot help it.
    pub(super) fn beyond(&self) -> Option<u64> {
        self.beyond.get()
    }

    /// Closes the hole, if there is one. Nobody may write any more.
    pub(super) fn close(&self) -> io::Result<Option<Cut>> {
        self.look();
        let (from, end) = (self.max / 2, self.hole_end.get());
        if end == from {
            return Ok(None);
        }
        let length = self.file.metadata()?.len();
        let mut piece = vec![0; PIECE_BYTES];
        // What follows begins with a line, if one begins soon.
        let count = read_at(&self.file, &mut piece, end)?;
        let line = memchr::memchr(b'\n', &piece[..count]).map_or(0, |at| at as u64 + 1);
        let resumes = end + line;
        let mut last = [b'\n'];
        read_at(&self.file, &mut last, from - 1)?;
        let begin = if last == *b"\n" { "" } else { "\n" };
        let left_out = resumes - from;
        let note = format!(
            "{begin}… kolk left out {left_out} bytes here: a log may have {} …\n",
            self.max
        );
        write_at(&self.file, note.as_bytes(), from)?;
        let at = from + note.len() as u64;
        let (mut read, mut written) = (resumes, at);
        while read < length {
            let count = read_at(&self.file, &mut piece, read)?;
            if count == 0 {
                break;
            }
            write_at(&self.file, &piece[..count], written)?;
            read += count as u64;
            written += count as u64;
        }
        self.file.set_len(written)?;
        self.hole_end.set(from);
        Ok(Some(Cut { from, resumes, at, whole: length }))
    }
}

fn read_at(mut file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek(SeekFrom::Start(offset))?;
    file.read(bytes)
}

fn write_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

/// Has the system let go of a part of a file that keeps its length; false if it cannot.
#[cfg(target_os = "linux")]
fn punch(file: &File, from: u64, length: u64) -> bool {
    use rustix::fs::{FallocateFlags, fallocate};
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    fallocate(file, flags, from, length).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn punch(_: &File, _: u64, _: u64) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// A log of so many lines, looked at after each; and how many bytes it took at most.
    fn written(lines: usize, max: u64) -> (String, Option<Cut>, u64, u64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n0.log");
        let mut stderr = File::create(&path).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let log = Bounded::new(file, max);
        let (mut whole, mut blocks) = (0, 0);
        for number in 0..lines {
            let line = format!("line {number:09}\n");
            stderr.write_all(line.as_bytes()).unwrap();
            whole += line.len() as u64;
            assert_eq!(log.look(), Some(whole));
            blocks = blocks.max(path.metadata().unwrap().blocks() * 512);
        }
        let cut = log.close().unwrap();
        (std::fs::read_to_string(&path).unwrap(), cut, whole, blocks)
    }

    #[test]
    fn both_ends_are_kept_and_what_is_left_out_is_counted() {
        const MAX: u64 = 1 << 16;
        let (text, cut, whole, _) = written(4000, MAX);
        assert_eq!((cut, text.len() as u64), (None, whole), "short enough");
        let (text, cut, whole, blocks) = written(20_000, MAX);
        let cut = cut.expect("too long");
        assert!(text.len() as u64 <= MAX + 128, "{}", text.len());
        // Blocks are let go of whole.
        assert!(blocks <= MAX + 2 * 4096, "{blocks} bytes on disk");
        let (before, after) = text.split_once("\n… kolk left out ").unwrap();
        assert!(before.starts_with("line 000000000\nline 000000001\n"));
        let (count, after) = after.split_once(" bytes here: a log may have 65536 …\n").unwrap();
        let count: u64 = count.parse().unwrap();
        assert_eq!(before.len() as u64 + count + after.len() as u64, whole);
        assert!(after.starts_with("line 0000") && after.ends_with("line 000019999\n"));
        assert_eq!(cut.moved(5), Some(5));
        assert_eq!(cut.moved(cut.resumes), None);
        assert_eq!(cut.moved(whole), Some(text.len() as u64));
    }
}
