//! What nodes wrote to stderr that did not answer as they should.

use kolk_history::Summary;

use crate::sanitize::{excerpt, sanitize};
use crate::style::{Role, Style};

/// Each node's lines under its name; nothing if there are none.
pub(super) fn draw(summary: &Summary, style: Style) -> String {
    let mut out = String::new();
    for output in &summary.outputs {
        let name = format!("{}'s stderr", sanitize(&output.node));
        out.push_str(&format!("  {}:\n", style.paint(Role::Faint, name)));
        for line in &output.lines {
            let line = excerpt(line, None, style.width.saturating_sub(6));
            out.push_str(&format!("    {} {}\n", style.paint(Role::Faint, "|"), line.text));
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}
