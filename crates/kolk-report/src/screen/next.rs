//! Where to look next, for whoever has a run that failed, or that misses a challenge's limit.

use kolk_check::guide::{self, Guide};
use kolk_check::{Finding, Kind, Validity};
use kolk_history::summary::Violation;
use kolk_history::{Function, Operation};
use kolk_protocol::Time;

use super::Report;
use crate::facts::HeldLimit;
use crate::style::{Role, Style};
use crate::table::Cell;

/// Where a sentence begins.
const INDENT: usize = 10;

/// How far around the evidence a window reaches, in seconds: what led to it counts too.
const MARGIN: f64 = 0.5;

/// What there is to be told, and the seconds of the run that show it.
struct Next {
    guide: &'static Guide,
    window: Option<(Time, Time)>,
}

/// A sentence on what usually lies behind the first finding, the page that explains it, and the
/// command that shows it.
pub(super) fn rows(report: &Report<'_>, folder: &str, style: Style) -> Vec<Vec<Cell>> {
    let next = match report.verdict.validity {
        Validity::Invalid => of_finding(report),
        Validity::Valid => of_limit(report),
        Validity::Unknown => None,
    };
    let Some(Next { guide: Guide { name, look, .. }, window }) = next else { return Vec::new() };
    let program = report.program;
    let row = |head: &str, text: String, role: Option<Role>| {
        let cell = Cell::left(text);
        vec![Cell::left(head).role(Role::Faint), role.map_or(cell.clone(), |role| cell.role(role))]
    };
    let lines = wrapped(look, style.width.saturating_sub(INDENT).max(40));
    let mut rows: Vec<_> = ["look"]
        .into_iter()
        .chain(std::iter::repeat(""))
        .zip(lines)
        .map(|(head, line)| row(head, line, None))
        .collect();
    rows.extend([
        row("page", format!("{PAGE}#{}", anchor(name)), None),
        row("", format!("{program} help anomaly {name}"), Some(Role::Command)),
    ]);
    if let Some((from, to)) = window {
        let from = (from.as_secs_f64() - MARGIN).max(0.0);
        let to = to.as_secs_f64() + MARGIN;
        let show = format!("{program} report {folder} --window {from:.1}..{to:.1}");
        rows.push(row("show", show, Some(Role::Command)));
    }
    rows
}

/// The first finding, if it counts.
fn of_finding(report: &Report<'_>) -> Option<Next> {
    let verdict = report.verdict;
    let findings = verdict.findings();
    let first = findings.first().filter(|first| first.counts)?;
    let guide = guide::guide(first.anomaly.kind, &verdict.workload)?;
    let window = by_operations(report, first)
        .or_else(|| by_line(report, first))
        .or_else(|| by_failure(report));
    Some(Next { guide, window })
}

/// The first limit that does not hold.
fn of_limit(report: &Report<'_>) -> Option<Next> {
    let limits = &report.facts.challenge.as_ref()?.limits;
    let HeldLimit { name, .. } = limits.iter().find(|limit| !limit.holds)?;
    let guide = guide::of_limit(name)?;
    let slowest = || slowest(report).filter(|_| name.contains("latency"));
    Some(Next { guide, window: slowest().or_else(|| busiest(report)) })
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

/// When an operation went on; of one that never completed, when it began.
fn span(operation: &Operation) -> (Time, Time) {
    let end = operation.completion_index.map_or(operation.invoked, |_| operation.completed);
    (operation.invoked, end)
}

/// From the first operation that proves it until the last.
fn by_operations(report: &Report<'_>, finding: &Finding<'_>) -> Option<(Time, Time)> {
    let proof = finding.anomaly.operations.iter();
    let spans: Vec<(Time, Time)> =
        proof.filter_map(|index| report.history.operation_at(*index)).map(span).collect();
    let from = spans.iter().map(|span| span.0).min()?;
    Some((from, spans.iter().map(|span| span.1).max()?))
}

/// When a node did what the protocol forbids, or frowns upon.
fn by_line(report: &Report<'_>, finding: &Finding<'_>) -> Option<(Time, Time)> {
    let (anomaly, summary) = (finding.anomaly, report.summary);
    let warned = || {
        let is_it = |warning: &&Violation| Kind::Protocol(warning.kind) == anomaly.kind;
        summary.warnings.iter().find(is_it)
    };
    let line = anomaly.violation.and_then(|place| summary.violations.get(place)).or_else(warned)?;
    let at = Time::from_nanos(line.time);
    Some((at, at))
}

/// The first operation that did not succeed.
fn by_failure(report: &Report<'_>) -> Option<(Time, Time)> {
    report.history.counted().find(|operation| !operation.is_ok()).map(span)
}

/// From when the slowest value was known until the end of the last read that lacked it.
fn slowest(report: &Report<'_>) -> Option<(Time, Time)> {
    let results = &report.verdict.check("workload")?.results;
    let (_, worst) = results.iter().find(|(key, _)| key.as_str() == Some("worst-stale"))?;
    let worst = worst.as_list()?.first()?.clone();
    let at = |name: &str| {
        let nanoseconds = worst.get(name)?.get("time")?.as_int()?;
        u64::try_from(nanoseconds).ok().map(Time::from_nanos)
    };
    Some((at("known")?, at("last-absent")?))
}

/// The beginning of the load: the first operation that is no read, and what it sets in motion.
fn busiest(report: &Report<'_>) -> Option<(Time, Time)> {
    report.history.counted().find(|operation| operation.function != Function::Read).map(span)
}
