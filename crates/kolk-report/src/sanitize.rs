//! Making text that a node printed harmless to show.
//!
//! Whatever a node writes is untrusted: a control character could move the cursor, an escape
//! sequence recolour or retitle the terminal, a bidirectional control reorder what the reader
//! sees ("Trojan Source", Boucher & Anderson 2021, <https://trojansource.codes>). Every text that
//! was not written by kolk goes through [`sanitize`] before it is drawn.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

/// True for characters that would act on the terminal, or that nobody can see.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'                        // soft hyphen
            | '\u{61c}'                     // Arabic letter mark
            | '\u{180e}'                    // Mongolian vowel separator
            | '\u{200b}'..='\u{200f}'       // zero-width characters and direction marks
            | '\u{2028}'..='\u{202e}'       // line and paragraph separators, embeddings, overrides
            | '\u{2060}'..='\u{206f}'       // invisible operators, isolates, deprecated controls
            | '\u{feff}'                    // byte order mark
            | '\u{fff9}'..='\u{fffb}'       // interlinear annotations
            | '\u{e0000}'..='\u{e0fff}'     // tags and variation selectors
        )
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c => {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
    }
}

/// The text on one line, with every control character, escape sequence, bidirectional control and
/// invisible character written out as `\n` or `\u{1b}`.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) { push_escaped(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A line made harmless and cut to a window, with the place of what was marked in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The text, with `…` where something was cut off.
    pub text: String,
    /// The marked bytes of `text`; never empty unless `text` is.
    pub span: Option<Range<usize>>,
    /// Whether anything was cut off.
    pub is_cut: bool,
}

/// Makes `line` harmless and shows at most about `width` columns of it, around the marked bytes.
///
/// A mark that does not lie on character boundaries, or beyond the line, is moved onto it.
pub fn excerpt(line: &str, mark: Option<(usize, usize)>, width: usize) -> Excerpt {
    let width = width.max(16);
    let mark = mark.map(|(from, to)| {
        let from = floor_boundary(line, from);
        from..ceil_boundary(line, to.max(from))
    });
    let window = window(line, mark.as_ref(), width);
    let mut out = String::new();
    if window.start > 0 {
        out.push('…');
    }
    let mut span = mark.as_ref().map(|_| out.len()..out.len());
    for (offset, c) in line[window.clone()].char_indices() {
        let at = window.start + offset;
        let before = out.len();
        if is_harmful(c) {
            push_escaped(&mut out, c)
        } else {
            out.push(c)
        }
        if let (Some(span), Some(mark)) = (&mut span, &mark) {
            if at < mark.start {
                *span = out.len()..out.len();
            } else if mark.contains(&at) || (mark.start == mark.end && at == mark.start) {
                span.start = span.start.min(before);
                span.end = out.len();
            }
        }
    }
    if window.end < line.len() {
        out.push('…');
    }
    // A mark at the very end (something is missing there) points at the last character.
    if let Some(span) = &mut span
        && span.start == span.end
        && let Some((last, _)) = out.char_indices().next_back()
    {
        *span = last..out.len();
    }
    let is_cut = window != (0..line.len());
    Excerpt { text: out, span, is_cut }
}

/// Which bytes of the line to show: all if they fit, else a window that begins a third of its
/// width before the mark.
fn window(line: &str, mark: Option<&Range<usize>>, width: usize) -> Range<usize> {
    let columns = |c: char| {
        if is_harmful(c) { 8 } else { c.width().unwrap_or(0) }
    };
    // A long line is not measured to its end: as soon as it is too long, that is known.
    let mut total = 0;
    if line.chars().all(|c| {
        total += columns(c);
        total <= width
    }) {
        return 0..line.len();
    }
    let anchor = mark.map_or(0, |mark| mark.start);
    let mut start = anchor;
    let mut used = 0;
    for (at, c) in line[..anchor].char_indices().rev() {
        used += columns(c);
        if used > width / 3 {
            break;
        }
        start = at;
    }
    let mut end = start;
    let mut used = 0;
    for (offset, c) in line[start..].char_indices() {
        used += columns(c);
        if used > width {
            break;
        }
        end = start + offset + c.len_utf8();
    }
    start..end
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_acts() {
        for (text, shown) in [
            ("plain", "plain"),
            ("ünïcödé 日本 🦀", "ünïcödé 日本 🦀"),
            (r#"{"a":"b\\n"}"#, r#"{"a":"b\\n"}"#),
            ("\x1b[31mred\x1b[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("a\r\nb\tc\0d\x7f", "a\\r\\nb\\tc\\u{0}d\\u{7f}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("user\u{202e}\u{2066}// nothing\u{2069}", "user\\u{202e}\\u{2066}// nothing\\u{2069}"),
            ("a\u{200b}b\u{feff}c\u{e0041}", "a\\u{200b}b\\u{feff}c\\u{e0041}"),
            ("line\u{2028}break", "line\\u{2028}break"),
        ] {
            assert_eq!(sanitize(text), shown);
        }
    }

    /// Nothing that acts is left, whatever the character.
    #[test]
    fn leaves_no_control() {
        for c in (0..0x11_0000u32).filter_map(char::from_u32) {
            let shown = sanitize(&c.to_string()).into_owned();
            assert!(!shown.chars().any(|c| c.is_control()), "{c:?}");
        }
    }

    #[test]
    fn excerpts_follow_the_mark() {
        for (line, mark, width, text, marked) in [
            ("hello world", Some((6, 11)), 80, "hello world", Some("world")),
            ("hello world", None, 80, "hello world", None),
            ("a\tbad", Some((2, 5)), 80, "a\\tbad", Some("bad")),
            ("a\tbad", Some((1, 2)), 80, "a\\tbad", Some("\\t")),
            ("end", Some((3, 3)), 80, "end", Some("d")),
            ("end", Some((90, 99)), 80, "end", Some("d")),
            ("", Some((0, 0)), 80, "", Some("")),
            ("äöü", Some((1, 3)), 80, "äöü", Some("äö")),
            (
                "0123456789012345678901234567890123456789X0123456789",
                Some((40, 41)),
                18,
                "…456789X01234567890…",
                Some("X"),
            ),
            ("0123456789012345678901234567890123456789", None, 16, "0123456789012345…", None),
        ] {
            let excerpt = excerpt(line, mark, width);
            let shown = excerpt.span.clone().map(|span| &excerpt.text[span]);
            if text.contains('…') {
                assert!(excerpt.is_cut, "{line}");
                assert!(excerpt.text.contains('…'), "{}", excerpt.text);
            } else {
                assert_eq!(excerpt.text, text);
            }
            assert_eq!(shown, marked, "{line}");
        }
    }

    #[test]
    fn huge_lines_are_cut() {
        let line = format!("{}!{}", "x".repeat(1 << 20), "y".repeat(1 << 20));
        let cut = excerpt(&line, Some((1 << 20, (1 << 20) + 1)), 60);
        assert!(cut.is_cut);
        assert!(cut.text.chars().count() <= 62, "{}", cut.text.chars().count());
        assert_eq!(cut.span.map(|span| &cut.text[span]), Some("!"));
    }
}
