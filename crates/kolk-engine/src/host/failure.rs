//! What a node did that a run does not survive, in words: the problem, its place in a line, advice.

use kolk_history::summary::{Violation, ViolationKind};
use kolk_protocol::message::LineError;

/// What is wrong with a node that knows nothing of lockstep, and what to do.
pub(crate) const NO_LOCKSTEP: (&str, &str) = (
    "does not accept virtual time: its `init_ok` carries no `lockstep`",
    "Run it with `--clock real`, or make it speak lockstep (see the book); on Linux on x86-64 it \
     can be traced, and `--host traced` says what is in the way of that.",
);

/// As much of a line as is kept for a report, in bytes.
const EXCERPT_BYTES: usize = 2000;

/// Something a node did that the protocol forbids, on its way to becoming a [`Violation`].
#[derive(Clone, Debug)]
pub(crate) struct HostFailure {
    /// Node and time are filled in where it is recorded.
    pub(crate) violation: Box<Violation>,
}

impl HostFailure {
    pub(crate) fn plain(kind: ViolationKind, problem: String, advice: String) -> HostFailure {
        HostFailure {
            violation: Box::new(Violation {
                node: String::new(),
                time: 0,
                kind,
                problem,
                advice,
                line: String::new(),
                line_bytes: 0,
                span: None,
                op: None,
                stderr: Vec::new(),
                stdout: Vec::new(),
            }),
        }
    }

    /// A line with the part of it that is at fault.
    pub(crate) fn with_line(mut self, line: &str, span: Option<(usize, usize)>) -> HostFailure {
        let (from, to) = span.unwrap_or_default();
        // What is shown begins a little before the trouble.
        let begin = floor_boundary(line, from.saturating_sub(EXCERPT_BYTES / 2));
        let end = floor_boundary(line, begin + EXCERPT_BYTES);
        let mut excerpt = String::new();
        if begin > 0 {
            excerpt.push('…');
        }
        let shift = excerpt.len();
        excerpt.push_str(&line[begin..end]);
        if end < line.len() {
            excerpt.push('…');
        }
        let place = |offset: usize| offset.clamp(begin, end) - begin + shift;
        self.violation.span = span.map(|_| (place(from), place(to)));
        self.violation.line = excerpt;
        self.violation.line_bytes = line.len() as u64;
        self
    }

    /// A line that is no message.
    pub(crate) fn line_error(line: &str, error: &LineError) -> HostFailure {
        let span = match error {
            LineError::NotAnObject => Some((0, line.len())),
            _ => error.offset().map(|from| {
                let rest = line.get(from..).unwrap_or_default();
                let token = rest.find([',', '}', ']', ':', ' ']).unwrap_or(rest.len()).max(1);
                (from, (from + token).min(line.len()))
            }),
        };
        let advice = line_advice(line, error).to_owned();
        HostFailure::plain(ViolationKind::NotAMessage, error.to_string(), advice)
            .with_line(line, span)
    }

    /// A reply whose body does not fit.
    pub(crate) fn malformed_reply(
        request: &str,
        reply: &str,
        problem: &str,
        op: u32,
    ) -> HostFailure {
        let problem = &in_the_words_of_json(problem);
        // The field at fault is the first name that is quoted.
        let field = problem.split('`').nth(1).unwrap_or_default();
        let span = find_string(reply, field);
        let advice = format!("The request was {}", shorten(request));
        let mut failure =
            HostFailure::plain(ViolationKind::MalformedReply, problem.to_owned(), advice)
                .with_line(reply, span);
        failure.violation.op = Some(op);
        failure
    }
}

/// A problem that serde found, in JSON's words instead of Rust's, and without the place where serde
/// stood: the body is one line.
pub(crate) fn in_the_words_of_json(problem: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("invalid type: map", "found an object"),
        ("invalid type: sequence", "found an array"),
        ("invalid type: null", "found null"),
        ("invalid type: string", "found the string"),
        ("invalid type: integer", "found the integer"),
        ("invalid value: integer", "found the integer"),
        ("invalid type: floating point", "found the number"),
        ("invalid type: boolean", "found"),
        ("expected a sequence", "expected an array"),
        ("expected a map", "expected an object"),
        ("expected i64", "expected an integer"),
        ("expected u64", "expected an integer of 0 or more"),
        ("found null, expected an array", "found null, expected an array (an empty one is [])"),
        ("found null, expected an object", "found null, expected an object (an empty one is {})"),
    ];
    let mut problem = problem.split(" at line ").next().unwrap_or_default().to_owned();
    // What is an integer and still not expected is one that does not fit; beyond 64 bits serde
    // takes it for a number with a fraction.
    let number = || problem.rsplit('`').nth(1)?.parse::<f64>().ok();
    let is_large = problem.contains("invalid value: integer")
        || (problem.contains("invalid type: floating point")
            && number().is_some_and(|number| number.abs() >= 2_f64.powi(63)));
    for (rust, json) in WORDS {
        problem = problem.replacen(rust, json, 1);
    }
    if is_large {
        problem = problem.replacen("expected an integer", "expected an integer of 64 bits", 1);
    }
    problem
}

/// What to do about a line that is no message.
fn line_advice(line: &str, error: &LineError) -> &'static str {
    match error {
        LineError::NotUtf8 { .. } => "JSON is written in UTF-8.",
        LineError::NotJson(_) if line.trim_start().starts_with('{') => {
            "A message is one whole JSON object on one line. If several threads write, only one \
             may write at a time."
        }
        LineError::NotJson(_) | LineError::NotAnObject => {
            "Only messages may be written to stdout, one JSON object a line. Write everything \
             else to stderr."
        }
        LineError::Missing { .. } | LineError::WrongKind { .. } => {
            "A message is {\"src\":\"n1\",\"dest\":\"c1\",\"body\":{\"type\":…}}; in the body of \
             an answer to a client `msg_id` and `in_reply_to` are integers."
        }
        LineError::UnknownKey { .. } => "A message has `src`, `dest` and `body`, and nothing else.",
    }
}

/// As much of a body as a sentence can hold.
pub(crate) fn shorten(body: &str) -> String {
    const BYTES: usize = 160;
    let end = floor_boundary(body, BYTES);
    if end == body.len() { body.to_owned() } else { format!("{}…", &body[..end]) }
}

/// The greatest boundary between characters at or before `offset`.
fn floor_boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// Where a string stands in a line, quotes included.
pub(crate) fn find_string(line: &str, text: &str) -> Option<(usize, usize)> {
    let quoted = format!("\"{text}\"");
    line.find(&quoted).map(|from| (from, from + quoted.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is no integer, and what is one that is too large.
    #[test]
    fn problems_are_told_in_the_words_of_json() {
        for (json, expected) in [
            ("\"5\"", "found the string \"5\", expected an integer"),
            ("2.5", "found the number `2.5`, expected an integer"),
            (
                "9223372036854775808",
                "found the integer `9223372036854775808`, expected an integer of 64 bits",
            ),
            ("99999999999999999999", "found the number `1e+20`, expected an integer of 64 bits"),
            ("[1]", "found an array, expected an integer"),
            ("null", "found null, expected an integer"),
        ] {
            let error = serde_json::from_str::<i64>(json).expect_err(json).to_string();
            assert_eq!(in_the_words_of_json(&error), expected);
        }
        let error = serde_json::from_str::<i64>("99999999999999999999").expect_err("too large");
        let text = in_the_words_of_json(&error.to_string());
        assert!(text.ends_with("expected an integer of 64 bits"), "{text}");
    }
}
