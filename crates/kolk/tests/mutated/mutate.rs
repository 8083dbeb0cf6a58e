//! Texts that are nearly right: a text in which a few words, lines or bytes are others.

use std::ops::Range;

use kolk_protocol::random::Random;

/// What programs forget to think of, in the spellings of JSON, EDN and TOML.
const WORDS: &[&str] = &[
    "null",
    "nil",
    "true",
    "0",
    "-1",
    "1",
    "-0.0",
    "1e-400",
    "1e308",
    "1e999",
    "NaN",
    "##Inf",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "36893488147419103233",
    "1/3",
    "7N",
    "0.1M",
    "\"\"",
    "\"0\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\u001b[2J\"",
    "\"../../x\"",
    "\"n0\"",
    "\"n9\"",
    "\"c1\"",
    "\"lin-kv\"",
    "\"nemesis\"",
    ":nemesis",
    ":ok",
    ":info",
    "\"ok\"",
    "\"info\"",
    "\"fail\"",
    "\"invoke\"",
    "\"r\"",
    "\"w\"",
    "\"append\"",
    "\"send\"",
    "\"poll\"",
    "\"txn\"",
    "\"read\"",
    "\"cas\"",
    "[]",
    "{}",
    "#{1 1}",
    "[[]]",
    "[1,2]",
    "[null]",
    "{\"a\":1,\"a\":2}",
    "{:a 1 :a 2}",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "#",
    "\n",
    "\t",
    "\r\n",
    "\u{feff}",
    "ä",
    "\u{202e}",
    "=",
    "[[a]]",
    "'''",
    "_",
];

/// Some of a text's parts, as positions in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Word,
    Line,
    Byte,
}

/// The text with a few changes.
pub fn mutate(text: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..1 + random.below(3) {
        let part = match random.below(10) {
            0 => Part::Byte,
            1..=3 => Part::Line,
            _ => Part::Word,
        };
        let spans = spans(&text, part);
        let Some(here) = random.choose(&spans).cloned() else { continue };
        let there = random.choose(&spans).cloned().unwrap_or_default();
        let new = match random.below(8) {
            0 => Vec::new(),
            1 => [&text[here.clone()], &text[here.clone()]].concat(),
            2 | 3 => text[there].to_vec(),
            4 if part == Part::Line => {
                swap(&mut text, here, there);
                continue;
            }
            5 if part == Part::Byte => {
                text.truncate(here.start);
                continue;
            }
            6 if part == Part::Byte => {
                let depth = 1 + random.index(1 << 12);
                random.choose(&["[", "{\"a\":", "(", "{:a "]).unwrap_or(&"[").repeat(depth).into()
            }
            7 if part == Part::Byte => vec![random.next_u64() as u8],
            _ => random.choose(WORDS).unwrap_or(&"").as_bytes().to_vec(),
        };
        text.splice(here, new);
    }
    text
}

/// Two lines, or other parts that do not overlap, change places.
fn swap(text: &mut Vec<u8>, here: Range<usize>, there: Range<usize>) {
    let (first, last) = if here.start < there.start { (here, there) } else { (there, here) };
    if first.end <= last.start {
        let (a, b) = (text[first.clone()].to_vec(), text[last.clone()].to_vec());
        text.splice(last, a);
        text.splice(first, b);
    }
}

fn spans(text: &[u8], part: Part) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let length = match part {
            Part::Byte => 1,
            Part::Line => memchr(text, start) - start,
            Part::Word => word(&text[start..]),
        };
        let end = (start + length.max(1)).min(text.len());
        // Between words there are blanks, which nobody reads.
        if part != Part::Word || !text[start].is_ascii_whitespace() {
            spans.push(start..end);
        }
        start = end;
    }
    spans
}

/// Where the line that begins there ends, with its end.
fn memchr(text: &[u8], start: usize) -> usize {
    let end = text[start..].iter().position(|byte| *byte == b'\n');
    end.map_or(text.len(), |end| start + end + 1)
}

/// How long the word is that a text begins with: a string, a number or name, or one sign.
fn word(text: &[u8]) -> usize {
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-+._?/".contains(byte);
    match text.first() {
        Some(b'"') => {
            let mut escaped = false;
            let end = text[1..].iter().position(|byte| {
                let ends = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                ends
            });
            end.map_or(1, |end| end + 2)
        }
        Some(byte) if is_inner(byte) => {
            text.iter().position(|byte| !is_inner(byte)).unwrap_or(text.len())
        }
        _ => 1,
    }
}
