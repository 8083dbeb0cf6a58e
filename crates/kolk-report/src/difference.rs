//! Where two journals part, side by side.

use crate::numbers::grouped;
use crate::sanitize::excerpt;
use crate::style::{Role, Style};

/// How many lines that are still equal are shown before the first that differs.
const CONTEXT_LINES: usize = 3;

/// The first line in which two texts differ, as a number from 0; `None` if there is none.
pub fn first(one: &[u8], other: &[u8]) -> Option<usize> {
    let mut lines = (one.split(|byte| *byte == b'\n'), other.split(|byte| *byte == b'\n'));
    for number in 0.. {
        match (lines.0.next(), lines.1.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            _ => return Some(number),
        }
    }
    None
}

/// Draws the first line that differs, with what led there. `names` say which run is which.
pub fn draw(one: &[u8], other: &[u8], names: [&str; 2], style: Style) -> String {
    let Some(number) = first(one, other) else {
        return "the journals are the same\n".to_owned();
    };
    let width = style.width.saturating_sub(4).max(20);
    let mut out = format!("the journals part in line {}:\n\n", grouped(number as u64 + 1));
    let before =
        one.split(|byte| *byte == b'\n').take(number).skip(number.saturating_sub(CONTEXT_LINES));
    for line in before {
        let line = excerpt(&String::from_utf8_lossy(line), None, width).text;
        out.push_str(&format!("    {}\n", style.paint(Role::Faint, line)));
    }
    let lines = [one, other].map(|text| {
        let line = text.split(|byte| *byte == b'\n').nth(number).filter(|line| !line.is_empty());
        line.map(|line| String::from_utf8_lossy(line).into_owned())
    });
    let parting = parting(&lines);
    for (line, name) in lines.iter().zip(names) {
        let text = match line {
            None => "(the journal ends)".to_owned(),
            Some(line) => excerpt(line, Some((parting, parting + 1)), width).text,
        };
        let mark = style.paint(Role::Bad, ">");
        out.push_str(&format!("  {mark} {}\n    {text}\n", style.paint(Role::Strong, name)));
    }
    out
}

/// The byte at which two lines part.
fn parting(lines: &[Option<String>; 2]) -> usize {
    match lines {
        [Some(one), Some(other)] => {
            one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_difference() {
        for (one, other, expected) in [
            ("", "", None),
            ("a\nb\n", "a\nb\n", None),
            ("a\nb\n", "a\nc\n", Some(1)),
            ("a\n", "a\nb\n", Some(1)),
            ("x", "y", Some(0)),
        ] {
            assert_eq!(first(one.as_bytes(), other.as_bytes()), expected, "{one:?} {other:?}");
        }
    }
}
