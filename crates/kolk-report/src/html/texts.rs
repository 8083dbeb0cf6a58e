//! Many texts in a few chunks, each unpacked by itself: a page of a million messages shows the
//! bodies of those that are looked at, and unpacks no others.
//!
//! A chunk is how many texts it holds, the length of each in bytes, then the bytes of all.

use std::io;

use super::columns::write_number;
use super::pack::Sections;

/// How many bytes of text make a chunk: enough to compress well, few enough to unpack in a blink.
const CHUNK_BYTES: usize = 1 << 18;

/// How many texts make a chunk at most.
const CHUNK_TEXTS: usize = 1 << 13;

/// Collects texts and writes chunk after chunk: `NAME-0`, `NAME-1`, …
pub struct Texts {
    name: String,
    lengths: Vec<u8>,
    bytes: Vec<u8>,
    count: usize,
    total: u64,
    /// The number of the first text of each chunk.
    starts: Vec<u64>,
}

impl Texts {
    /// Texts whose chunks' ids begin with `name`.
    pub fn new(name: impl Into<String>) -> Texts {
        let name = name.into();
        let (lengths, bytes, starts) = (Vec::new(), Vec::new(), Vec::new());
        Texts { name, lengths, bytes, count: 0, total: 0, starts }
    }

    /// Adds a text; writes a chunk if there are enough for one.
    pub fn push(&mut self, text: &[u8], sections: &mut Sections<'_>) -> io::Result<()> {
        write_number(&mut self.lengths, text.len() as u64);
        self.bytes.extend_from_slice(text);
        self.count += 1;
        if self.bytes.len() >= CHUNK_BYTES || self.count >= CHUNK_TEXTS {
            self.flush(sections)?;
        }
        Ok(())
    }

    /// Writes what is left, and says with which text each chunk begins.
    pub fn finish(mut self, sections: &mut Sections<'_>) -> io::Result<Vec<u64>> {
        self.flush(sections)?;
        Ok(self.starts)
    }

    fn flush(&mut self, sections: &mut Sections<'_>) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let mut chunk = Vec::with_capacity(self.lengths.len() + self.bytes.len() + 4);
        write_number(&mut chunk, self.count as u64);
        chunk.append(&mut self.lengths);
        chunk.append(&mut self.bytes);
        sections.write(&format!("{}-{}", self.name, self.starts.len()), &chunk)?;
        self.starts.push(self.total);
        self.total += self.count as u64;
        self.count = 0;
        Ok(())
    }
}
