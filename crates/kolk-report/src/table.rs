//! Columns that line up.
//!
//! Cells carry colours without the table measuring escape sequences, which is why this is not a
//! table crate: those pull in a terminal library to do it.

use unicode_width::UnicodeWidthStr;

use crate::sanitize::sanitize;
use crate::style::{Role, Style};

/// A cell: text, and how it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    role: Option<Role>,
    mark: Option<(char, Role)>,
    is_right: bool,
}

impl Cell {
    /// A cell against the left edge of its column; its text is [made harmless](sanitize).
    pub fn left(text: impl AsRef<str>) -> Cell {
        let text = sanitize(text.as_ref()).into_owned();
        Cell { text, role: None, mark: None, is_right: false }
    }

    /// A cell against the right edge, as numbers are.
    pub fn right(text: impl AsRef<str>) -> Cell {
        Cell { is_right: true, ..Cell::left(text) }
    }

    /// The same cell in a role's colours.
    #[must_use]
    pub fn role(mut self, role: Role) -> Cell {
        self.role = Some(role);
        self
    }

    /// The same cell with a symbol before its text, in its own colours.
    #[must_use]
    pub fn mark(mut self, mark: char, role: Role) -> Cell {
        self.mark = Some((mark, role));
        self
    }

    fn width(&self) -> usize {
        self.text.width() + if self.mark.is_some() { 2 } else { 0 }
    }
}

/// Draws rows, two spaces between columns, `indent` spaces before each, nothing at the ends of
/// lines.
pub fn draw(rows: &[Vec<Cell>], indent: usize, style: Style) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(Cell::width).max().unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        let mut blanks = indent;
        for (column, cell) in row.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let padding = widths[column] - cell.width();
            blanks += if cell.is_right { padding } else { 0 };
            out.extend(std::iter::repeat_n(' ', blanks));
            if let Some((mark, role)) = cell.mark {
                out.push_str(&format!("{} ", style.paint(role, mark)));
            }
            match cell.role {
                Some(role) if !cell.text.is_empty() => {
                    out.push_str(&style.paint(role, &cell.text).to_string());
                }
                _ => out.push_str(&cell.text),
            }
            blanks = 2 + if cell.is_right { 0 } else { padding };
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_up() {
        let rows = vec![
            vec![Cell::left("name"), Cell::right("count"), Cell::left("note")],
            vec![Cell::left("日本"), Cell::right("7"), Cell::left("")],
            vec![Cell::left("a"), Cell::right("12345"), Cell::left("x").role(Role::Good)],
        ];
        assert_eq!(
            draw(&rows, 2, Style::PLAIN),
            "  name  count  note\n  日本      7\n  a     12345  x\n"
        );
        let colored = draw(&rows, 2, Style { color: true, width: 80 });
        assert!(colored.contains("12345  \u{1b}["), "{colored:?}");
    }
}
