//! A text cut into blocks that can be read each by itself.

use std::io::{self, Read};

/// How many bytes a block has at least, but for the last: it fits a processor's cache.
const SIZE: usize = 1 << 18;

/// Cuts what it reads into blocks.
#[derive(Debug)]
pub(crate) struct Blocks<R> {
    input: R,
    /// Finds the last place in a text where a block may end.
    end: fn(&[u8]) -> Option<usize>,
    /// How many bytes before what is new `end` must see, to find an end that lies across.
    across: usize,
    size: usize,
    /// What was read of the next block.
    rest: Vec<u8>,
    is_over: bool,
    failure: Option<io::Error>,
}

impl<R: Read> Blocks<R> {
    /// Blocks that end after lines.
    pub(crate) fn of_lines(input: R) -> Blocks<R> {
        let end = |text: &[u8]| Some(text.iter().rposition(|byte| *byte == b'\n')? + 1);
        Blocks::new(input, end, 0)
    }

    /// Blocks that end where `end` says.
    pub(crate) fn new(input: R, end: fn(&[u8]) -> Option<usize>, across: usize) -> Blocks<R> {
        let (rest, is_over, failure) = (Vec::new(), false, None);
        Blocks { input, end, across, size: SIZE, rest, is_over, failure }
    }

    /// Blocks of about this size.
    #[cfg(test)]
    pub(crate) fn with_size(self, size: usize) -> Blocks<R> {
        Blocks { size, ..self }
    }

    /// The next block, if there is one, in this memory. The last is whatever is left, unless the
    /// input failed: then it ends where it may.
    pub(crate) fn next(&mut self, mut block: Vec<u8>) -> Option<Vec<u8>> {
        block.clear();
        block.append(&mut self.rest);
        while !self.is_over {
            let before = block.len();
            let read = self.input.by_ref().take(self.size as u64).read_to_end(&mut block);
            self.is_over = block.len() - before < self.size;
            if read.is_ok() && self.is_over {
                break;
            }
            let new = before.saturating_sub(self.across);
            let end = (self.end)(&block[new..]).map(|end| new + end);
            if let Err(error) = read {
                self.is_over = true;
                self.failure = Some(error);
                block.truncate(end.unwrap_or_default());
            } else if let Some(end) = end {
                self.rest.extend_from_slice(&block[end..]);
                block.truncate(end);
                break;
            }
        }
        (!block.is_empty()).then_some(block)
    }

    /// Why the input ended before its end, if it did.
    pub(crate) fn failure(self) -> io::Result<()> {
        self.failure.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut blocks: Blocks<impl Read>) -> (Vec<String>, io::Result<()>) {
        let next = || blocks.next(Vec::new());
        let found = std::iter::from_fn(next).map(|block| String::from_utf8(block).unwrap());
        (found.collect(), blocks.failure())
    }

    #[test]
    fn blocks_end_after_lines() {
        for (text, expected) in [
            ("", &[][..]),
            ("a", &["a"]),
            ("a\nbc\nd", &["a\n", "bc\nd"]),
            ("a\nb\nc\n", &["a\nb\n", "c\n"]),
            ("a long line\nand\n", &["a long line\n", "and\n"]),
        ] {
            let (found, end) = all(Blocks::of_lines(text.as_bytes()).with_size(4));
            assert_eq!(found, expected, "{text}");
            assert!(end.is_ok());
        }
    }

    #[test]
    fn ends_may_lie_across() {
        let end = |text: &[u8]| Some(text.windows(3).rposition(|three| three == b"-!-")? + 3);
        let (found, _) = all(Blocks::new(&b"one-!-two-!-three-!-"[..], end, 2).with_size(5));
        assert_eq!(found, ["one-!-", "two-!-", "three-!-"]);
    }

    /// Fails when its text ends.
    struct Failing(&'static [u8]);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer) {
                Ok(0) => Err(io::Error::other("gone")),
                read => read,
            }
        }
    }

    #[test]
    fn whole_lines_before_a_failure_are_kept() {
        for size in [1, 2, 4, 100] {
            let (found, end) = all(Blocks::of_lines(Failing(b"ab\ncd\nef")).with_size(size));
            assert_eq!(found.concat(), "ab\ncd\n", "{size}");
            assert_eq!(end.unwrap_err().to_string(), "gone");
        }
    }
}
