//! What a program said last, and what is said of one that has ended or closed a pipe: however it is
//! hosted.

use std::path::Path;

use kolk_history::summary::ViolationKind;

use super::family::End;
use super::lines::{LINE_BYTES_MAX, LineBuffer};
use crate::host::{HostFailure, LastWords};
use crate::logs;

/// How many of a program's last lines are shown when it is in trouble.
const LAST_LINES: usize = 8;
const LAST_LINE_BYTES: usize = 400;

/// A program's last words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    /// The file that its stderr goes to.
    pub(super) log: &'a Path,
    /// What was read of its stdout.
    pub(super) lines: &'a LineBuffer,
}

impl LastWords for Words<'_> {
    fn stderr(&self) -> Vec<String> {
        logs::excerpt(self.log)
    }

    fn stdout(&self) -> Vec<String> {
        last_lines(self.lines.tail(LAST_LINES * LAST_LINE_BYTES))
    }

    fn unended(&self) -> Option<HostFailure> {
        let line = self.lines.unfinished();
        is_whole(line).then(|| HostFailure::unended(line))
    }
}

impl<'a> Words<'a> {
    /// As whoever knows nothing of programs is given them.
    pub(super) fn boxed(self) -> Box<dyn LastWords + 'a> {
        Box::new(self)
    }

    /// A failure with these last words.
    pub(crate) fn told(self, mut failure: HostFailure) -> HostFailure {
        failure.violation.stderr = self.stderr();
        failure.violation.stdout = self.stdout();
        failure
    }
}

pub(super) fn last_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<String> = text
        .lines()
        .rev()
        .take(LAST_LINES)
        .map(|line| line.chars().take(LAST_LINE_BYTES).collect())
        .collect();
    lines.reverse();
    lines
}

impl HostFailure {
    /// Its program has ended.
    pub(super) fn died(end: End) -> HostFailure {
        let advice = "A node must run until its stdin ends.".to_owned();
        HostFailure::plain(ViolationKind::Died, describe_end(end), advice)
    }

    /// Its program has ended, and another process has its stdout.
    pub(super) fn left_output(end: End) -> HostFailure {
        HostFailure::plain(
            ViolationKind::Died,
            format!("{}, and left its stdout to another process", describe_end(end)),
            "A node must run until its stdin ends, as one process or with its children.".into(),
        )
    }

    /// It has closed its stdout.
    pub(super) fn closed_output() -> HostFailure {
        HostFailure::plain(
            ViolationKind::ClosedOutput,
            "closed its stdout, and still runs".into(),
            "A node must keep stdout open: it is its way to the network.".into(),
        )
    }

    /// It has closed its stdin.
    pub(super) fn closed_input() -> HostFailure {
        HostFailure::plain(
            ViolationKind::ClosedInput,
            "closed its stdin, and still runs".into(),
            "A node must keep reading stdin: it is its way from the network.".into(),
        )
    }

    /// It has written a whole message without a line end.
    pub(super) fn unended(line: &[u8]) -> HostFailure {
        let line = String::from_utf8_lossy(line).into_owned();
        let end = line.len();
        let last = line.char_indices().last().map_or(0, |(at, _)| at);
        let failure = HostFailure::plain(
            ViolationKind::NotAMessage,
            "the line has no end: a newline must follow each message".to_owned(),
            "Print the newline with the message, and flush: until it comes, nobody knows that the \
             message is whole."
                .to_owned(),
        );
        failure.with_line(&line, Some((last, end)))
    }

    /// It has begun a line that has grown beyond all bounds.
    pub(super) fn endless_line() -> HostFailure {
        HostFailure::plain(
            ViolationKind::Overrun,
            format!("wrote a line of more than {} MiB", LINE_BYTES_MAX >> 20),
            "A message ends with a line end.".into(),
        )
    }
}

/// True for text that begins with a whole JSON object.
pub(super) fn is_whole(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let mut values =
        serde_json::Deserializer::from_slice(text).into_iter::<serde::de::IgnoredAny>();
    text.starts_with(b"{") && matches!(values.next(), Some(Ok(_)))
}

/// In words what became of a program.
pub(super) fn describe_end(end: End) -> String {
    match end {
        End::Status(code) => format!("ended with exit status {code}"),
        End::Signal(signal) => format!("was killed by signal {signal}{}", signal_name(signal)),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (illegal instruction)",
        6 => " (aborted)",
        8 => " (arithmetic error)",
        9 => " (perhaps it ran out of memory)",
        11 => " (segmentation fault)",
        13 => " (broken pipe)",
        15 => " (terminated)",
        _ => "",
    }
}
