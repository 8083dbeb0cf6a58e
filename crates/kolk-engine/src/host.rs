//! Where nodes run: in this process, in lockstep, or freely on the real clock.

mod family;
mod lines;
mod lockstep;
mod process;
mod restart;
mod scratch;
mod traced;
mod words;

pub use traced::{can_trace, speaks_lockstep};

pub use family::{
    Killed, Survivor, adopt_orphans, kill_all as kill_all_programs, set_warden, watch_over,
};

use std::time::Duration;

use kolk_history::summary::{Unrepeatable, Violation, ViolationKind};
use kolk_node::storage::Disk;
use kolk_node::{Input, Machine, Outputs};
use kolk_protocol::Time;
use kolk_protocol::message::LineError;

use crate::endpoint::{Directory, Endpoint};
use crate::run::EngineError;

pub(crate) use family::Family;
pub(crate) use lockstep::{LockstepHosts, NO_LOCKSTEP};
pub(crate) use process::{Program, ProgramEvent, RealHosts, Recipe, make_room, timespec};
pub(crate) use scratch::Scratch;
pub(crate) use traced::{TracedHosts, TracedRecipe, tracer};
pub(crate) use words::Words;

/// How long a node may take to answer `init`, in simulated time.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// What the watchdog did, as something that differs from machine to machine.
fn given_up(after: Duration) -> String {
    format!("a step given up after {} s of the machine's time", after.as_secs_f64())
}

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
            "A message is {\"src\":\"n1\",\"dest\":\"c1\",\"body\":{\"type\":…}}; in the body of an \
             answer to a client `msg_id` and `in_reply_to` are integers."
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

/// All nodes of a run.
pub(crate) enum Hosts<'a> {
    /// In this process, on the virtual clock.
    InProcess {
        /// One for each node.
        machines: Vec<Box<dyn Machine + 'a>>,
        /// Which have answered `init`.
        started: Vec<bool>,
        /// What each has stored.
        disks: Vec<Disk>,
        /// Makes the machine for a node that is started again.
        make: &'a dyn Fn(usize) -> Box<dyn Machine>,
    },
    /// Separate programs on the virtual clock.
    Lockstep(LockstepHosts),
    /// Separate programs on the virtual clock that know nothing of it.
    Traced(TracedHosts),
    /// Separate programs on the real clock.
    Real(RealHosts),
}

impl<'a> Hosts<'a> {
    /// Nodes in this process, each with a disk of its own.
    pub(crate) fn in_process(
        mut machines: Vec<Box<dyn Machine + 'a>>,
        make: &'a dyn Fn(usize) -> Box<dyn Machine>,
    ) -> Hosts<'a> {
        let disks: Vec<Disk> = machines.iter().map(|_| Disk::new()).collect();
        for (machine, disk) in machines.iter_mut().zip(&disks) {
            machine.attach(disk.clone());
        }
        let started = vec![false; machines.len()];
        Hosts::InProcess { machines, started, disks, make }
    }
}

impl Hosts<'_> {
    /// True on the virtual clock.
    pub(crate) fn is_virtual(&self) -> bool {
        !matches!(self, Hosts::Real(_))
    }

    /// True if nodes are offered lockstep, and must accept it.
    pub(crate) fn speaks_lockstep(&self) -> bool {
        matches!(self, Hosts::InProcess { .. } | Hosts::Lockstep(_))
    }

    /// True if a step was given up because somebody wants the run to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        match self {
            Hosts::Lockstep(hosts) => hosts.stopped,
            Hosts::Traced(hosts) => hosts.stopped,
            Hosts::InProcess { .. } | Hosts::Real(_) => false,
        }
    }

    /// How long a step may take by the wall clock, if that is bounded.
    pub(crate) fn step_patience(&self) -> Option<Duration> {
        match self {
            Hosts::Lockstep(hosts) => Some(hosts.patience.step),
            Hosts::Traced(hosts) => Some(hosts.patience.step),
            Hosts::InProcess { .. } | Hosts::Real(_) => None,
        }
    }

    /// What in the run may not be repeatable, though the clock is virtual.
    pub(crate) fn unrepeatable(&self) -> Vec<Unrepeatable> {
        match self {
            Hosts::Traced(hosts) => hosts.unrepeatable(),
            Hosts::Lockstep(hosts) => hosts.unrepeatable(),
            Hosts::InProcess { .. } | Hosts::Real(_) => Vec::new(),
        }
    }

    /// Ends all nodes that do not belong to a family, and gives those that could not be ended.
    pub(crate) fn end(self) -> Vec<Survivor> {
        match self {
            Hosts::Traced(hosts) => hosts.end(),
            _ => Vec::new(),
        }
    }

    /// True if nodes can be stepped side by side.
    pub(crate) fn is_concurrent(&self) -> bool {
        matches!(self, Hosts::Lockstep(_))
    }

    /// Begins a step: gives a separate program its line.
    pub(crate) fn begin(&mut self, node: u16, now: Time, id: Option<u64>, input: Input<'_>) {
        match self {
            Hosts::InProcess { .. } => {}
            Hosts::Lockstep(hosts) => hosts.begin(node, now, id, input),
            Hosts::Traced(hosts) => hosts.begin(node, id, input),
            Hosts::Real(hosts) => hosts.begin(node, id, input),
        }
    }

    /// Ends a step: takes what the node sent, and when it wants to be woken.
    pub(crate) fn finish(
        &mut self,
        node: u16,
        now: Time,
        input: Input<'_>,
        outputs: &mut Outputs,
    ) -> Result<Option<Time>, HostFailure> {
        match self {
            Hosts::InProcess { machines, .. } => {
                Ok(machines[usize::from(node)].step(now, input, outputs))
            }
            Hosts::Lockstep(hosts) => hosts.finish(node, input),
            Hosts::Traced(hosts) => hosts.finish(node, now),
            Hosts::Real(_) => Ok(None),
        }
    }

    /// The lines that a program wrote during the last step, each with its end.
    pub(crate) fn take_lines(&mut self) -> Vec<u8> {
        match self {
            Hosts::Lockstep(hosts) => std::mem::take(&mut hosts.lines),
            Hosts::Traced(hosts) => std::mem::take(&mut hosts.lines),
            _ => Vec::new(),
        }
    }

    /// Gives their memory back.
    pub(crate) fn recycle_lines(&mut self, mut lines: Vec<u8>) {
        lines.clear();
        match self {
            Hosts::Lockstep(hosts) => hosts.lines = lines,
            Hosts::Traced(hosts) => hosts.lines = lines,
            Hosts::InProcess { .. } | Hosts::Real(_) => {}
        }
    }

    /// How long a node may take to answer `init`: by the wall clock if that is the clock, else in
    /// simulated time.
    pub(crate) fn init_patience(&self) -> Duration {
        match self {
            Hosts::Real(hosts) => hosts.init_patience,
            _ => INIT_TIMEOUT,
        }
    }

    fn started(&mut self) -> &mut Vec<bool> {
        match self {
            Hosts::InProcess { started, .. } => started,
            Hosts::Lockstep(hosts) => &mut hosts.started,
            Hosts::Traced(hosts) => &mut hosts.started,
            Hosts::Real(hosts) => &mut hosts.started,
        }
    }

    /// True if the node has answered `init`.
    pub(crate) fn is_started(&self, node: u16) -> bool {
        let started = match self {
            Hosts::InProcess { started, .. } => started,
            Hosts::Lockstep(hosts) => &hosts.started,
            Hosts::Traced(hosts) => &hosts.started,
            Hosts::Real(hosts) => &hosts.started,
        };
        started[usize::from(node)]
    }

    /// The node has answered `init`, or is yet to do so.
    pub(crate) fn set_started(&mut self, node: u16, started: bool) {
        self.started()[usize::from(node)] = started;
    }

    /// A program's last words; a node in this process has none.
    fn words(&self, node: u16) -> Option<Words<'_>> {
        match self {
            Hosts::InProcess { .. } => None,
            Hosts::Lockstep(hosts) => hosts.programs.get(usize::from(node)).map(Program::words),
            Hosts::Traced(hosts) => hosts.words(node),
            Hosts::Real(hosts) => hosts.programs.get(usize::from(node)).map(Program::words),
        }
    }

    /// What a program's stderr began and ended with.
    pub(crate) fn stderr(&self, node: u16) -> Vec<String> {
        self.words(node).map(Words::stderr).unwrap_or_default()
    }

    /// What is wrong with a node whose stdout ends in a whole message without a line end.
    pub(crate) fn unended(&self, node: u16) -> Option<HostFailure> {
        self.words(node).and_then(Words::unended)
    }

    /// The error of a node that could not be started, with what it said last.
    pub(crate) fn start_error(
        &self,
        node: u16,
        directory: &Directory,
        problem: String,
        advice: String,
    ) -> EngineError {
        let words = self.words(node);
        EngineError::Start {
            node: directory.name(Endpoint::Node(node)).to_owned(),
            problem,
            advice,
            stderr: words.map(Words::stderr).unwrap_or_default().into(),
            stdout: words.map(Words::stdout).unwrap_or_default().into(),
            violation: None,
        }
    }
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
