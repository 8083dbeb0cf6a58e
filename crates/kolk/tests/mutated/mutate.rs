//! Texts that are nearly right: a text in which a few words, lines or bytes are others.

use std::ops::Range;

use kolk_protocol::random::Random;

/// What programs forget to think of, in the spellings of JSON, EDN and TOML: values and names.
const VALUES: &[&str] = &[
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
];

/// What stands between values, and what should not.
const SIGNS: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"", "\\", "#", "\n", "\t", "\r\n", "\u{feff}", "ä", "\u{202e}",
    "=", "[[a]]", "'''", "_",
];

/// Some of a text's parts, as positions in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Word,
    Line,
    Byte,
}

/// The text with a few changes. Most are of values, so that what comes out is mostly well formed.
pub fn mutate(text: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..1 + random.below(3) {
        let part = match random.below(16) {
            0 => Part::Byte,
            1 | 2 => Part::Line,
            _ => Part::Word,
        };
        let mut spans = spans(&text, part);
        if part == Part::Word && random.below(16) > 0 {
            spans.retain(|span| is_value(&text[span.clone()]));
        }
        let Some(here) = random.choose(&spans).cloned() else { continue };
        let there = random.choose(&spans).cloned().unwrap_or_default();
        let new = match (part, random.below(16)) {
            (Part::Line, 0..=9) => {
                swap(&mut text, here, there);
                continue;
            }
            (Part::Byte, 0..=3) => {
                text.truncate(here.start);
                continue;
            }
            (Part::Byte, 4..=7) => {
                let depth = 1 + random.index(1 << 12);
                random.choose(&["[", "{\"a\":", "(", "{:a "]).unwrap_or(&"[").repeat(depth).into()
            }
            (Part::Byte, 8..=11) => vec![random.next_u64() as u8],
            (_, 0) => Vec::new(),
            (_, 1) => [&text[here.clone()], &text[here.clone()]].concat(),
            (_, 2) => random.choose(SIGNS).unwrap_or(&"").as_bytes().to_vec(),
            (Part::Line, _) | (Part::Word, 3..=7) => text[there].to_vec(),
            _ => random.choose(VALUES).unwrap_or(&"").as_bytes().to_vec(),
        };
        text.splice(here, new);
    }
    text
}

/// True for strings, numbers and names.
fn is_value(word: &[u8]) -> bool {
    word.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"\"-:".contains(byte))
        && word != b":"
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
