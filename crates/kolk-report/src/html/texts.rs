//! Many texts in a few chunks, each unpacked by itself: a page of a million messages shows the
//! bodies of those that are looked at, and unpacks no others.
//!
//! What one node answers to read after read is much the same list each time, and thousands of such
//! answers would be most of a page. So a text that is like an earlier one is stored as what is
//! different (`html::difference`). No text needs more than the few chunks before its own.
//!
//! A chunk is how many texts it holds; for each how far back the text stands that it is like, or 0
//! and how many bytes it has; for those that are like another how many pieces they have, and for
//! each piece how many bytes it copies, leaves out and has of its own; then the own bytes of all.

use std::io;

use rustc_hash::FxHashMap;

use super::columns::write_number;
use super::difference::{self, Piece};
use super::pack::Sections;

/// How many bytes of text make a chunk: enough to compress well, few enough to unpack in a blink.
const CHUNK_BYTES: usize = 1 << 18;

/// How many texts make a chunk at most.
const CHUNK_TEXTS: usize = 1 << 13;

/// Shorter texts are stored as they are.
const LIKE_MIN: usize = 128;

/// How many kinds of texts are told apart; beyond, a text is stored as it is.
const KINDS_MAX: usize = 512;

/// After so many chunks no text is like an earlier one: to show a text, no more must be unpacked.
const CHAINED_MAX: usize = 16;

/// Collects texts and writes chunk after chunk: `NAME-0`, `NAME-1`, …
pub struct Texts {
    name: String,
    heads: Vec<u8>,
    bytes: Vec<u8>,
    count: usize,
    total: u64,
    /// The number of the first text of each chunk.
    starts: Vec<u64>,
    /// The last text of each kind, with its number.
    last: FxHashMap<u64, (u64, Vec<u8>)>,
}

impl Texts {
    /// Texts whose chunks' ids begin with `name`.
    pub fn new(name: impl Into<String>) -> Texts {
        Texts {
            name: name.into(),
            heads: Vec::new(),
            bytes: Vec::new(),
            count: 0,
            total: 0,
            starts: Vec::new(),
            last: FxHashMap::default(),
        }
    }

    /// Adds a text; writes a chunk if there are enough for one.
    pub fn push(&mut self, text: &[u8], sections: &mut Sections<'_>) -> io::Result<()> {
        self.add(None, text);
        self.flush_if_full(sections)
    }

    /// Adds a text that is likely to be like the last one of its kind.
    pub fn push_like(
        &mut self,
        kind: u64,
        text: &[u8],
        sections: &mut Sections<'_>,
    ) -> io::Result<()> {
        if text.len() < LIKE_MIN {
            return self.push(text, sections);
        }
        let here = self.total + self.count as u64;
        match self.last.get_mut(&kind) {
            Some((number, last)) => {
                let pieces = difference::pieces(last, text);
                let back = here - *number;
                *number = here;
                last.clear();
                last.extend_from_slice(text);
                self.add(pieces.map(|pieces| (back, pieces)), text);
            }
            None => {
                if self.last.len() < KINDS_MAX {
                    self.last.insert(kind, (here, text.to_vec()));
                }
                self.add(None, text);
            }
        }
        self.flush_if_full(sections)
    }

    /// Adds a text; `like` is how far back the text stands that it is like, and its pieces.
    fn add(&mut self, like: Option<(u64, Vec<Piece>)>, text: &[u8]) {
        let Texts { heads, bytes, .. } = self;
        match like {
            Some((back, pieces)) => {
                write_number(heads, back);
                write_number(heads, pieces.len() as u64);
                for Piece { copy, skip, own } in pieces {
                    for number in [copy, skip, own.len()] {
                        write_number(heads, number as u64);
                    }
                    bytes.extend_from_slice(&text[own]);
                }
            }
            None => {
                heads.push(0);
                write_number(heads, text.len() as u64);
                bytes.extend_from_slice(text);
            }
        }
        self.count += 1;
    }

    fn flush_if_full(&mut self, sections: &mut Sections<'_>) -> io::Result<()> {
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
        let mut chunk = Vec::with_capacity(self.heads.len() + self.bytes.len() + 4);
        write_number(&mut chunk, self.count as u64);
        chunk.append(&mut self.heads);
        chunk.append(&mut self.bytes);
        sections.write(&format!("{}-{}", self.name, self.starts.len()), &chunk)?;
        self.starts.push(self.total);
        self.total += self.count as u64;
        self.count = 0;
        if self.starts.len().is_multiple_of(CHAINED_MAX) {
            self.last.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk as the page reads it.
    fn read(mut chunk: &[u8]) -> Vec<String> {
        let number = |bytes: &mut &[u8]| {
            let (mut number, mut place) = (0, 0);
            loop {
                let (byte, rest) = bytes.split_first().unwrap();
                *bytes = rest;
                number |= usize::from(byte & 0x7f) << place;
                place += 7;
                if *byte < 0x80 {
                    return number;
                }
            }
        };
        let count = number(&mut chunk);
        let heads: Vec<(usize, Vec<[usize; 3]>)> = (0..count)
            .map(|_| match number(&mut chunk) {
                0 => (0, vec![[0, 0, number(&mut chunk)]]),
                back => {
                    let pieces = 0..number(&mut chunk);
                    (back, pieces.map(|_| [(); 3].map(|()| number(&mut chunk))).collect())
                }
            })
            .collect();
        let mut texts: Vec<String> = Vec::new();
        for (back, pieces) in heads {
            let base = if back == 0 { "" } else { &texts[texts.len() - back] };
            let (mut text, mut from) = (String::new(), 0);
            for [copy, skip, own] in pieces {
                let (bytes, rest) = chunk.split_at(own);
                chunk = rest;
                text += &base[from..from + copy];
                text += std::str::from_utf8(bytes).unwrap();
                from += copy + skip;
            }
            texts.push(text);
        }
        assert!(chunk.is_empty());
        texts
    }

    #[test]
    fn texts_come_back() {
        let (mut texts, mut expected) = (Texts::new("t"), Vec::new());
        for number in 0..60_usize {
            let list: Vec<String> = (0..number * 3).map(|value| value.to_string()).collect();
            let text = format!("{number},[{}]", list.join(","));
            let mut out = Vec::new();
            texts
                .push_like(number as u64 % 2, text.as_bytes(), &mut Sections::new(&mut out))
                .unwrap();
            expected.push(text);
            expected.push(number.to_string());
            texts.push(number.to_string().as_bytes(), &mut Sections::new(&mut out)).unwrap();
        }
        let whole: usize = expected.iter().map(String::len).sum();
        assert!(texts.bytes.len() < whole / 6, "{} of {whole}", texts.bytes.len());
        let mut chunk = Vec::new();
        write_number(&mut chunk, texts.count as u64);
        chunk.extend_from_slice(&texts.heads);
        chunk.extend_from_slice(&texts.bytes);
        assert_eq!(read(&chunk), expected);
    }
}
