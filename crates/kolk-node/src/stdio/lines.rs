//! Cuts input into lines.

use std::io::{self, Read};

/// How much is asked for in one read, at least.
const READ_MIN: usize = 64 * 1024;

/// A buffer of input. Lines may be of any length: the buffer grows to the longest one.
pub(super) struct Lines {
    /// Initialised throughout; what has not been read yet follows `end`.
    bytes: Vec<u8>,
    /// Where the first line begins that was not taken.
    start: usize,
    /// Up to here no line end was found after `start`.
    searched: usize,
    /// The end of what was read.
    end: usize,
}

impl Lines {
    pub(super) fn new() -> Lines {
        Lines { bytes: vec![0; 2 * READ_MIN], start: 0, searched: 0, end: 0 }
    }

    /// The place for the next read.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.searched, self.end) = (0, 0, 0);
        } else if self.bytes.len() - self.end < READ_MIN && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.searched -= self.start;
            self.end -= self.start;
            self.start = 0;
        }
        if self.bytes.len() - self.end < READ_MIN {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
        &mut self.bytes[self.end..]
    }

    /// Says that `count` bytes were read into the space.
    pub(super) fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Reads once; 0 at the end of the input.
    pub(super) fn read_from(&mut self, from: &mut impl Read) -> io::Result<usize> {
        let count = read(from, self.space())?;
        self.filled(count);
        Ok(count)
    }

    /// The first line, without its end, if it is complete.
    pub(super) fn peek(&mut self) -> Option<&[u8]> {
        match memchr::memchr(b'\n', &self.bytes[self.searched..self.end]) {
            Some(length) => {
                self.searched += length;
                Some(&self.bytes[self.start..self.searched])
            }
            None => {
                self.searched = self.end;
                None
            }
        }
    }

    /// Takes the first line, if it is complete.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        self.peek()?;
        let line = self.start..self.searched;
        self.start = line.end + 1;
        self.searched = self.start;
        Some(&self.bytes[line])
    }

    /// Takes what is left at the end of the input: a line without an end.
    pub(super) fn rest(&mut self) -> &[u8] {
        let rest = self.start..self.end;
        (self.start, self.searched) = (self.end, self.end);
        &self.bytes[rest]
    }
}

/// Reads once; again if a signal interrupted it.
pub(super) fn read(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its text in pieces of the given sizes, again and again.
    struct Pieces<'a>(&'a [u8], std::iter::Cycle<std::slice::Iter<'a, usize>>);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let wanted = *self.1.next().expect("cycles");
            self.0.split_at(wanted.min(self.0.len())).0.read(into).inspect(|count| {
                self.0 = &self.0[*count..];
            })
        }
    }

    #[test]
    fn lines_come_out_as_they_went_in() {
        let lengths = [0, 1, 70_000, 3, 0, 300_000, 65_535, 65_536, 5];
        let expected: Vec<Vec<u8>> =
            lengths.iter().zip(b'a'..).map(|(length, byte)| vec![byte; *length]).collect();
        let text = expected.join(&b'\n');
        for sizes in [&[1_000_000][..], &[1, 65_536], &[7, 1000], &[100_000, 3]] {
            let mut from = Pieces(&text, sizes.iter().cycle());
            let (mut lines, mut found) = (Lines::new(), Vec::new());
            while lines.read_from(&mut from).expect("no errors") > 0 {
                while let Some(peeked) = lines.peek().map(<[u8]>::to_vec) {
                    assert_eq!(lines.next(), Some(&*peeked));
                    found.push(peeked);
                }
            }
            found.push(lines.rest().to_vec());
            assert!(found == expected, "{sizes:?}");
            assert!(lines.rest().is_empty());
        }
    }
}
