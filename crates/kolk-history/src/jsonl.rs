//! `history.jsonl`: one event a line.
//!
//! `{"index":4,"time":1000000,"type":"ok","process":0,"f":"read","value":[1,2],"node":"n1"}`, with
//! `"final":true`, `"convergence":true` and `"error":…` where they apply. A fault's event has the
//! process `"nemesis"` and the type `info`. Times are nanoseconds since the run began.

mod quick;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::io::{BufRead, Read};

use kolk_protocol::Time;
use kolk_protocol::message::write_string;
use kolk_protocol::scan::Scanner;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::batch::{Batch, Entry};
use crate::blocks::Blocks;
use crate::builder::{HistoryBuilder, Record};
use crate::error::ReadError;
use crate::history::{AnyEvent, Event, EventKind, FaultEvent, History};
use crate::in_order::in_order;
use crate::micro_ops::Packer;
use crate::value::write_json;
use crate::{Outcome, Phase, Value};

/// Appends a client's event as one line, its end included. `nodes` are the names that
/// [`Event::node`] points into.
pub fn write_event(out: &mut Vec<u8>, event: &Event, nodes: &[String]) {
    begin(out, event.index, event.time, event.kind.name());
    out.extend_from_slice(b",\"process\":");
    out.extend_from_slice(itoa::Buffer::new().format(event.process).as_bytes());
    out.extend_from_slice(b",\"f\":\"");
    out.extend_from_slice(event.function.name().as_bytes());
    out.extend_from_slice(b"\",\"value\":");
    write_json(out, &event.value);
    match event.phase {
        Phase::Load => {}
        Phase::Final => out.extend_from_slice(b",\"final\":true"),
        Phase::Convergence => out.extend_from_slice(b",\"convergence\":true"),
    }
    if !event.error.is_null() {
        out.extend_from_slice(b",\"error\":");
        write_json(out, &event.error);
    }
    if let Some(name) = event.node.and_then(|node| nodes.get(usize::from(node))) {
        out.extend_from_slice(b",\"node\":");
        write_string(out, name);
    }
    out.extend_from_slice(b"}\n");
}

/// Appends a fault's event as one line, its end included.
pub fn write_fault(out: &mut Vec<u8>, event: &FaultEvent) {
    begin(out, event.index, event.time, "info");
    out.extend_from_slice(b",\"process\":\"nemesis\",\"f\":");
    write_string(out, &event.function);
    out.extend_from_slice(b",\"value\":");
    write_json(out, &event.value);
    out.extend_from_slice(b"}\n");
}

fn begin(out: &mut Vec<u8>, index: u32, time: Time, kind: &str) {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(b"{\"index\":");
    out.extend_from_slice(digits.format(index).as_bytes());
    out.extend_from_slice(b",\"time\":");
    out.extend_from_slice(digits.format(time.as_nanos()).as_bytes());
    out.extend_from_slice(b",\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.push(b'"');
}

/// Appends a whole history.
pub fn write(out: &mut Vec<u8>, history: &History) {
    for event in history.events() {
        match event {
            AnyEvent::Client(event) => write_event(out, &event, &history.nodes),
            AnyEvent::Fault(fault) => write_fault(out, fault),
        }
    }
}

/// Reads a history. Nodes get their positions from `nodes`; a name that is not among them is
/// appended. An invocation without a completion stays `info`; keys that are not known are passed
/// over. Lines are understood on all cores.
///
/// # Errors
///
/// If `input` cannot be read, a line is not an event, or an event does not follow those before it.
pub fn read(input: impl BufRead, nodes: Vec<String>) -> Result<History, ReadError> {
    read_blocks(Blocks::of_lines(input), nodes)
}

pub(crate) fn read_blocks(
    mut blocks: Blocks<impl Read>,
    nodes: Vec<String>,
) -> Result<History, ReadError> {
    let mut builder = HistoryBuilder::new(nodes);
    let mut before = 0;
    // What was taken is used again for what comes.
    let used: RefCell<Vec<Lines>> = RefCell::default();
    let next = || {
        let mut lines = used.borrow_mut().pop().unwrap_or_default();
        lines.text = blocks.next(lines.text)?;
        Some(lines)
    };
    in_order(next, Lines::read, |mut lines| {
        lines.batch.add(&mut builder).map_err(|(line, error)| ReadError::Text {
            line: before + line as u64,
            column: 1,
            problem: error.to_string(),
        })?;
        if let Some(problem) = lines.problem {
            return Err(problem.after(before));
        }
        before += lines.count;
        used.borrow_mut().push(lines);
        Ok(())
    })?;
    blocks.failure()?;
    Ok(builder.finish())
}

/// Some lines, and what they mean.
#[derive(Debug, Default)]
struct Lines {
    text: Vec<u8>,
    count: u64,
    /// The events before the first problem, by their lines from 1.
    batch: Batch,
    problem: Option<ReadError>,
    packer: Packer,
}

impl Lines {
    fn read(mut self) -> Lines {
        self.count = 0;
        let text = std::mem::take(&mut self.text);
        self.problem = self.events(&text).err();
        self.text = text;
        self
    }

    fn events(&mut self, text: &[u8]) -> Result<(), ReadError> {
        for text in text.split_inclusive(|byte| *byte == b'\n') {
            self.count += 1;
            if text.trim_ascii().is_empty() {
                continue;
            }
            let line: Result<Line<'_>, _> = match quick::line(text, &mut self.packer) {
                Some(line) => Ok(line),
                None => {
                    line(text.trim_ascii_end()).map_err(|error| ReadError::json(self.count, &error))
                }
            };
            line?.add(self.count as usize, &mut self.batch).map_err(|problem| ReadError::Text {
                line: self.count,
                column: 1,
                problem,
            })?;
        }
        Ok(())
    }
}

/// Reads a line of any form. Only one that is known to be nested no deeper than the wire allows is
/// read without the bound of `serde_json`, which is lower.
fn line(text: &[u8]) -> Result<Line<'_>, serde_json::Error> {
    serde_json::from_slice(text).or_else(|error| {
        let is_deep = error.to_string().starts_with("recursion limit exceeded");
        let bounded = |text| Scanner::new(text).value().is_ok();
        if !is_deep || !std::str::from_utf8(text).is_ok_and(bounded) {
            return Err(error);
        }
        let mut reader = serde_json::Deserializer::from_slice(text);
        reader.disable_recursion_limit();
        let line = Line::deserialize(&mut reader)?;
        reader.end().map(|()| line)
    })
}

#[derive(Debug, Deserialize)]
struct Line<'a> {
    index: Option<u32>,
    time: Option<Time>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    process: Process,
    #[serde(borrow)]
    f: Cow<'a, str>,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    error: Value,
    #[serde(default, rename = "final")]
    is_final: bool,
    #[serde(default)]
    convergence: bool,
    #[serde(borrow)]
    node: Option<Cow<'a, str>>,
}

impl Line<'_> {
    /// Adds the event that this is, at its place, to a batch.
    fn add(self, place: usize, batch: &mut Batch) -> Result<(), String> {
        let (index, time) = (self.index, self.time);
        let process = match self.process {
            Process::Client(process) => process,
            Process::Nemesis => {
                let (function, value) = (self.f.into_owned(), self.value);
                batch.push(place, Entry::Fault { index, time, function, value });
                return Ok(());
            }
            Process::Other => {
                batch.push(place, Entry::Skip { index, time });
                return Ok(());
            }
        };
        let record = Record {
            index,
            time,
            kind: kind(&self.kind).ok_or_else(|| format!("unknown type `{}`", self.kind))?,
            process,
            function: self
                .f
                .parse()
                .map_err(|error: crate::operation::UnknownFunction| error.to_string())?,
            value: self.value,
            error: self.error,
            phase: phase(self.is_final, self.convergence),
            node: self.node.as_deref(),
        };
        batch.client(place, record);
        Ok(())
    }
}

/// The event's kind that a type's name stands for.
pub(crate) fn kind(name: &str) -> Option<EventKind> {
    Some(match name {
        "invoke" => EventKind::Invoke,
        "ok" => EventKind::Complete(Outcome::Ok),
        "fail" => EventKind::Complete(Outcome::Fail),
        "info" => EventKind::Complete(Outcome::Info),
        _ => return None,
    })
}

/// The part of the run that the two marks stand for.
pub(crate) fn phase(is_final: bool, convergence: bool) -> Phase {
    match (is_final, convergence) {
        (_, true) => Phase::Convergence,
        (true, false) => Phase::Final,
        (false, false) => Phase::Load,
    }
}

/// Who an event belongs to.
#[derive(Debug)]
enum Process {
    Client(u32),
    Nemesis,
    Other,
}

impl<'de> Deserialize<'de> for Process {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Process, D::Error> {
        struct ProcessVisitor;
        impl Visitor<'_> for ProcessVisitor {
            type Value = Process;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a process: an integer or \"nemesis\"")
            }
            fn visit_u64<E: Error>(self, process: u64) -> Result<Process, E> {
                u32::try_from(process)
                    .map(Process::Client)
                    .map_err(|_| E::custom(format!("process {process} needs more than 32 bits")))
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Process, E> {
                Ok(if name == "nemesis" { Process::Nemesis } else { Process::Other })
            }
        }
        deserializer.deserialize_any(ProcessVisitor)
    }
}
