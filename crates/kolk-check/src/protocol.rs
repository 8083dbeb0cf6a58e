//! protocol and exceptions: what nodes did against the protocol.
//!
//! Any violation makes the run invalid, each an anomaly of its kind's name; if Maelstrom's checks
//! alone count, a reply that does not fit is but a stronger finding, and so are two leaders in a
//! term. Replies that nobody waited for, and what the protocol frowns upon, are notes; a message
//! in the name of somebody else is a stronger finding. Maelstrom has no such check: it logs a line
//! that is no message and stops reading the node, and counts a reply that does not fit as an
//! exception, which never makes a run invalid; that list stands under `exceptions`, with its
//! shape.

use kolk_history::summary::{CutLog, Violation, ViolationKind};
use kolk_history::{Summary, Value};

use crate::check::{ANOMALIES_MAX, Anomaly, Check};
use crate::kind::Kind;
use crate::tree::{count, key, list, text};

/// Checks that no node broke the protocol; with `lenient`, replies that do not fit do not count,
/// nor what nodes say of their state.
pub fn check(summary: &Summary, lenient: bool) -> Check {
    let mut check = Check::new("protocol");
    let is_overlooked = |kind: ViolationKind| lenient && kind.is_overlooked_by_maelstrom();
    for (place, violation) in summary.violations.iter().enumerate() {
        let kind = Kind::Protocol(violation.kind);
        let anomaly = || Anomaly {
            node: Some(violation.node.clone()),
            violation: Some(place),
            ..Anomaly::new(kind, claim(violation), violation.op.into_iter().collect())
        };
        if is_overlooked(violation.kind) {
            check.stronger(kind, anomaly);
        } else {
            check.anomaly(kind, anomaly);
        }
    }
    for (violation_kind, count) in &summary.violation_kinds {
        check.count_at_least(Kind::Protocol(*violation_kind), *count);
    }
    let kept = summary.violations.len() as u64;
    if summary.violation_count > kept {
        // Even if none was kept, there was one.
        let kinds = &summary.violation_kinds;
        if kinds.is_empty() || kinds.iter().any(|(kind, _)| !is_overlooked(*kind)) {
            check.validity = crate::Validity::Invalid;
        }
        check.notes.push(format!(
            "{} violations in all, of which the first {} are shown",
            summary.violation_count,
            kept.min(ANOMALIES_MAX as u64)
        ));
    }
    warn(&mut check, summary);
    for CutLog { node, bytes, left_out } in &summary.cut_logs {
        check.notes.push(format!(
            "{node} wrote {} to stderr, and {} of it are left out in its log: `--node-log-max`",
            size(*bytes),
            size(*left_out)
        ));
    }
    note_unexpected_replies(&mut check, summary);
    check.results = vec![
        (key(&"violation-count"), count(summary.violation_count.max(kept))),
        (key(&"unexpected-reply-count"), count(summary.unexpected_reply_count)),
    ];
    check
}

/// What the protocol frowns upon and Maelstrom lets pass: a note that quotes the first line of each
/// kind. A message in the name of somebody else is also a stronger finding.
fn warn(check: &mut Check, summary: &Summary) {
    for (warned, count) in &summary.warning_kinds {
        let of_kind = || summary.warnings.iter().filter(|warning| warning.kind == *warned);
        let Some(first) = of_kind().next() else { continue };
        if *warned == ViolationKind::ForeignSource {
            for warning in of_kind() {
                check.stronger(Kind::Protocol(*warned), || Anomaly {
                    node: Some(warning.node.clone()),
                    ..Anomaly::new(Kind::Protocol(*warned), warning_claim(warning), Vec::new())
                });
            }
            check.count_at_least(Kind::Protocol(*warned), *count);
            continue;
        }
        let times = if *count == 1 { String::new() } else { format!(" ({count} in all)") };
        check.notes.push(format!("{} [{}]{times}", warning_claim(first), Kind::Protocol(*warned)));
    }
}

/// What is wrong with a line that was let pass, and the line.
fn warning_claim(warning: &Violation) -> String {
    let Violation { node, problem, line, .. } = warning;
    let mut shown: String = line.chars().take(LINE_CHARS).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    format!("{node}: {problem}: {shown}")
}

/// As much of a line as a note quotes.
const LINE_CHARS: usize = 120;

fn note_unexpected_replies(check: &mut Check, summary: &Summary) {
    let replies = &summary.unexpected_replies;
    if let Some(first) = replies.first() {
        let what = if first.repeated {
            "answers a request a second time"
        } else {
            "answers a request that nobody made"
        };
        let all = summary.unexpected_reply_count.max(replies.len() as u64);
        check.notes.push(format!(
            "replies that nobody waited for: {all}; the first is message {}, in which {} {what}",
            first.id, first.node
        ));
    }
}

/// Lists replies that did not fit their requests, as Maelstrom lists exceptions.
pub fn exceptions(summary: &Summary) -> Check {
    let mut check = Check::new("exceptions");
    let misfits: Vec<&Violation> = summary
        .violations
        .iter()
        .filter(|violation| violation.kind == ViolationKind::MalformedReply)
        .collect();
    if let Some(first) = misfits.first() {
        let example = Value::map(vec![
            (key(&"node"), text(&first.node)),
            (key(&"time"), count(first.time)),
            (key(&"problem"), text(&first.problem)),
            (key(&"line"), text(&first.line)),
        ]);
        let entry = Value::map(vec![
            (key(&"count"), count(misfits.len())),
            (key(&"class"), text(Kind::Protocol(first.kind))),
            (key(&"example"), example),
        ]);
        check.results = vec![(key(&"exceptions"), list([entry]))];
    }
    check
}

/// A number of bytes, for people.
fn size(bytes: u64) -> String {
    if bytes < 10 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}

/// Who did what, in one line.
fn claim(violation: &Violation) -> String {
    let Violation { node, problem, .. } = violation;
    match violation.kind {
        ViolationKind::NotAMessage
        | ViolationKind::UnknownSource
        | ViolationKind::ForeignSource
        | ViolationKind::TextAfterMessage
        | ViolationKind::NoType
        | ViolationKind::NoErrorCode
        | ViolationKind::LooseJson
        | ViolationKind::UnknownDestination => format!("{node}: {problem}"),
        ViolationKind::MalformedReply => {
            format!("{node}'s reply does not fit its request: {problem}")
        }
        _ => format!("{node} {problem}"),
    }
}
