//! Where to look next, for whoever has a run that failed.

use kolk_check::guide::{self, Guide};
use kolk_check::{Finding, Validity};
use kolk_history::History;
use kolk_protocol::Time;

use super::Report;
use crate::operation;
use crate::style::{Role, Style};
use crate::table::Cell;

/// Where a sentence begins.
const INDENT: usize = 10;

/// How far around the evidence a window reaches, in seconds: what led to it counts too.
const MARGIN: f64 = 0.5;

/// A sentence on what usually lies behind the first finding, the page that explains it, and the
/// command that shows it.
pub(super) fn rows(report: &Report<'_>, folder: &str, style: Style) -> Vec<Vec<Cell>> {
    let verdict = report.verdict;
    let findings = verdict.findings();
    let first = findings.first().filter(|first| first.counts);
    let Some(first) = first.filter(|_| verdict.validity == Validity::Invalid) else {
        return Vec::new();
    };
    let Some(Guide { kind, look, .. }) = guide::guide(first.anomaly.kind, &verdict.workload) else {
        return Vec::new();
    };
    let program = report.program;
    let row = |name: &str, text: String, role: Option<Role>| {
        let cell = Cell::left(text);
        vec![Cell::left(name).role(Role::Faint), role.map_or(cell.clone(), |role| cell.role(role))]
    };
    let lines = wrapped(look, style.width.saturating_sub(INDENT).max(40));
    let mut rows: Vec<_> = ["look"]
        .into_iter()
        .chain(std::iter::repeat(""))
        .zip(lines)
        .map(|(name, line)| row(name, line, None))
        .collect();
    rows.extend([
        row("page", format!("{PAGE}#{}", anchor(kind)), None),
        row("", format!("{program} help anomaly {kind}"), Some(Role::Command)),
    ]);
    if let Some((from, to)) = window(report.history, first) {
        let show = format!("{program} report {folder} --window {from:.1}..{to:.1}");
        rows.push(row("show", show, Some(Role::Command)));
    }
    rows
}

/// The words in lines of at most so many columns.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Where the book is read.
const PAGE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/book/src/anomalies.md");

/// How a heading is linked to, on the forge and in the book.
fn anchor(heading: &str) -> String {
    heading.to_lowercase()
}

/// From shortly before the first operation that proves it until shortly after the last.
fn window(history: &History, finding: &Finding<'_>) -> Option<(f64, f64)> {
    let proof = finding.anomaly.operations.iter();
    let spans: Vec<(Time, Time)> = proof
        .filter_map(|index| operation::find(history, *index))
        .map(|shown| {
            let is_complete = shown.completion_index.is_some();
            (shown.invoked, if is_complete { shown.completed } else { shown.invoked })
        })
        .collect();
    let from = spans.iter().map(|span| span.0).min()?.as_secs_f64();
    let to = spans.iter().map(|span| span.1).max()?.as_secs_f64();
    Some(((from - MARGIN).max(0.0), to + MARGIN))
}
