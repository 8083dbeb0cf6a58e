//! A buffer that hands out whole lines.

use std::io::{self, Read};
use std::ops::Range;

/// The longest line that is read.
pub(super) const LINE_BYTES_MAX: usize = 64 << 20;
/// How much is read at a time before others get their turn.
const READ_BYTES: usize = 1 << 18;
/// What stays of the lines handed out, for a report on the program's last words.
const KEPT_BYTES: usize = 1 << 12;

/// What was read from a program; up to `taken` it has been handed out as lines.
#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    bytes: Vec<u8>,
    filled: usize,
    taken: usize,
    /// From `taken` to here there is no line end.
    searched: usize,
}

impl LineBuffer {
    /// Reads once, and gives the number of bytes read: 0 at the end of input.
    pub(crate) fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.compact();
        let room = self.filled + READ_BYTES;
        if self.bytes.len() < room {
            self.bytes.resize(room.next_power_of_two(), 0);
        }
        let count = from.read(&mut self.bytes[self.filled..room])?;
        self.filled += count;
        Ok(count)
    }

    /// Forgets what was handed out, when that is more than what would have to be moved.
    fn compact(&mut self) {
        let from = self.taken.saturating_sub(KEPT_BYTES);
        if from > self.filled - from {
            self.bytes.copy_within(from..self.filled, 0);
            self.filled -= from;
            self.taken -= from;
            self.searched -= from;
        }
    }

    /// The next whole line, without its end, as a range for [`LineBuffer::line`]. It stays valid
    /// until more is read.
    pub(crate) fn next_line(&mut self) -> Option<Range<usize>> {
        match memchr::memchr(b'\n', &self.bytes[self.searched..self.filled]) {
            Some(length) => {
                let line = self.taken..self.searched + length;
                self.taken = line.end + 1;
                self.searched = self.taken;
                Some(line)
            }
            None => {
                self.searched = self.filled;
                None
            }
        }
    }

    /// The bytes of a line.
    pub(crate) fn line(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// How many bytes have not been handed out: those of an unfinished line, when there is no next
    /// one.
    pub(crate) fn rest(&self) -> usize {
        self.filled - self.taken
    }

    /// The bytes that have not been handed out.
    pub(crate) fn unfinished(&self) -> &[u8] {
        &self.bytes[self.taken..self.filled]
    }

    /// The last bytes read.
    pub(crate) fn tail(&self, bytes: usize) -> &[u8] {
        &self.bytes[self.filled.saturating_sub(bytes)..self.filled]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_lines_that_were_written_however_they_arrive() {
        let lines: Vec<String> = (0..2000).map(|number| "x".repeat(number * 7 % 900)).collect();
        let text = lines.join("\n") + "\nunfinished";
        for chunk in [1, 7, 4096, 1 << 20] {
            let mut buffer = LineBuffer::default();
            let mut found = Vec::new();
            for mut part in text.as_bytes().chunks(chunk) {
                while !part.is_empty() {
                    buffer.fill(&mut part).unwrap();
                    while let Some(range) = buffer.next_line() {
                        found.push(String::from_utf8(buffer.line(range).to_vec()).unwrap());
                    }
                }
            }
            assert!(found == lines, "in chunks of {chunk}");
            assert_eq!(buffer.rest(), "unfinished".len());
            assert!(buffer.tail(12).ends_with(b"unfinished"));
        }
    }
}
