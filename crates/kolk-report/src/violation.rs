//! What a node did against the protocol, drawn as a compiler draws an error: the line quoted with
//! a caret, the cause, what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use kolk_history::History;
use kolk_history::summary::{Violation, ViolationKind};
use kolk_protocol::Time;

use crate::numbers::grouped;
use crate::operation;
use crate::sanitize::{Excerpt, excerpt, sanitize};
use crate::style::Style;

/// How many lines of a dead node's stdout are shown; of its stderr there are both ends.
const TAIL_LINES: usize = 8;

/// What kind of violation, in a few words.
pub fn title(kind: ViolationKind) -> &'static str {
    match kind {
        ViolationKind::NotAMessage => "printed a line that is no message",
        ViolationKind::UnknownSource => "sent a message in the name of nobody",
        ViolationKind::ForeignSource => "sent a message in another's name",
        ViolationKind::TextAfterMessage => "wrote more behind a message",
        ViolationKind::NoType => "sent a message without a type",
        ViolationKind::NoErrorCode => "answered with an error without a code",
        ViolationKind::LooseJson => "wrote JSON that is not strict",
        ViolationKind::UnknownDestination => "sent a message to nobody",
        ViolationKind::MalformedReply => "gave a reply that does not fit its request",
        ViolationKind::OutputOutsideStep => "wrote outside a step",
        ViolationKind::NeverIdle => "never became idle",
        ViolationKind::Died => "ended in mid-run",
        ViolationKind::ClosedOutput => "closed its standard output",
        ViolationKind::ClosedInput => "closed its standard input",
        ViolationKind::Overrun => "cannot be kept up with",
        ViolationKind::Storm => "floods the network",
        ViolationKind::NotRestarted => "did not come up again",
        ViolationKind::TwoLeaders => "says that it leads a term which has a leader",
    }
}

/// Draws one violation.
pub fn draw(violation: &Violation, history: Option<&History>, style: Style) -> String {
    draw_under(None, violation, history, style)
}

/// Draws one violation under another headline than its own.
pub fn draw_under(
    headline: Option<&str>,
    violation: &Violation,
    history: Option<&History>,
    style: Style,
) -> String {
    let node = sanitize(&violation.node);
    let problem = sanitize(&violation.problem);
    // Where there is no line to quote, the problem is what the node did.
    let what = if violation.line.is_empty() { &*problem } else { title(violation.kind) };
    let own = || format!("{node} {what}, at {}", Time::from_nanos(violation.time));
    let headline = headline.map_or_else(own, |headline| sanitize(headline).into_owned());
    let mut group = Group::with_title(Level::ERROR.primary_title(headline));
    if !violation.line.is_empty() {
        let kept = violation.line.len() as u64;
        let quoted = excerpt(&violation.line, violation.span, style.width.saturating_sub(12));
        let is_cut = quoted.is_cut || violation.line_bytes > kept;
        group = group.element(quote(quoted, &problem));
        if is_cut {
            let bytes = grouped(violation.line_bytes.max(kept));
            group = group.element(Level::NOTE.message(format!("the line has {bytes} bytes")));
        }
    }
    if let Some(op) = violation.op
        && let Some(operation) = history.and_then(|history| history.operation_at(op))
        && let Some(history) = history
    {
        group = group.element(
            Level::NOTE.message(format!("it answered {}", operation::line(history, operation))),
        );
    }
    let advice = sanitize(&violation.advice).into_owned();
    if !advice.is_empty() {
        let level =
            if violation.kind == ViolationKind::MalformedReply { Level::NOTE } else { Level::HELP };
        group = group.element(level.message(advice));
    }
    let outputs = [
        (format!("the last of {node}'s stdout:"), last(&violation.stdout)),
        (format!("{node}'s stderr:"), &violation.stderr),
    ];
    for (name, lines) in outputs {
        if !lines.is_empty() {
            group = group.element(Level::NOTE.message(output(name, lines, style)));
        }
    }
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(style.width).render(&[group])
}

/// The line with a caret. It has no number: nobody counts the lines a node writes.
fn quote<'a>(quoted: Excerpt, problem: &str) -> Snippet<'a, Annotation<'a>> {
    let span = quoted.span.unwrap_or(0..quoted.text.len());
    Snippet::source(quoted.text)
        .line_numbering(false)
        .annotation(AnnotationKind::Primary.span(span).label(problem.to_owned()))
}

fn last(lines: &[String]) -> &[String] {
    &lines[lines.len().saturating_sub(TAIL_LINES)..]
}

fn output(mut text: String, lines: &[String], style: Style) -> String {
    for line in lines {
        text.push_str("\n  ");
        text.push_str(&excerpt(line, None, style.width.saturating_sub(16)).text);
    }
    text
}

#[cfg(test)]
mod tests {
    use kolk_check::Kind;

    use super::*;

    #[test]
    fn verdicts_name_them_as_they_are_stored() {
        let violations = Kind::all().filter_map(|kind| match kind {
            Kind::Protocol(violation) => Some((kind, violation)),
            _ => None,
        });
        for (kind, violation) in violations {
            let stored = serde_json::to_value(violation).expect("a name");
            assert_eq!(stored, kind.as_str());
            assert!(!title(violation).is_empty(), "{kind}");
        }
    }
}
