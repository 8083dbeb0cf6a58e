//! The page's data parts: deflated, and in base64.

use std::io::{self, Write};

/// How hard to compress, from 0 to 10: beyond this it takes twice the time for a few hundredths.
const LEVEL: u8 = 4;

/// Writes data parts as script elements that no browser runs.
pub struct Sections<'a> {
    out: &'a mut dyn Write,
    text: Vec<u8>,
}

impl<'a> Sections<'a> {
    /// Parts of a page that is written to `out`.
    pub fn new(out: &'a mut dyn Write) -> Sections<'a> {
        Sections { out, text: Vec::new() }
    }

    /// Writes one part. The id is ours, never data.
    pub fn write(&mut self, id: &str, data: &[u8]) -> io::Result<()> {
        let packed = miniz_oxide::deflate::compress_to_vec(data, LEVEL);
        self.text.clear();
        base64(&mut self.text, &packed);
        write!(self.out, "<script type=\"application/octet-stream\" id=\"{id}\">")?;
        self.out.write_all(&self.text)?;
        self.out.write_all(b"</script>\n")
    }
}

/// Appends bytes in base64 (RFC 4648, section 4).
pub fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |group: u32, place: u32| DIGITS[(group >> (6 * place)) as usize & 63];
    out.reserve(bytes.len().div_ceil(3) * 4);
    let mut triples = bytes.chunks_exact(3);
    for triple in &mut triples {
        let group = u32::from(triple[0]) << 16 | u32::from(triple[1]) << 8 | u32::from(triple[2]);
        out.extend_from_slice(&[
            digit(group, 3),
            digit(group, 2),
            digit(group, 1),
            digit(group, 0),
        ]);
    }
    match *triples.remainder() {
        [first] => {
            let group = u32::from(first) << 16;
            out.extend_from_slice(&[digit(group, 3), digit(group, 2), b'=', b'=']);
        }
        [first, second] => {
            let group = u32::from(first) << 16 | u32::from(second) << 8;
            out.extend_from_slice(&[digit(group, 3), digit(group, 2), digit(group, 1), b'=']);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_as_standardised() {
        for (plain, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = Vec::new();
            base64(&mut out, plain.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
