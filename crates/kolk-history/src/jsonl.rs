//! `history.jsonl`: one event a line.
//!
//! `{"index":4,"time":1000000,"type":"ok","process":0,"f":"read","value":[1,2],"node":"n1"}`, with
//! `"final":true`, `"convergence":true` and `"error":…` where they apply. A fault's event has the
//! process `"nemesis"` and the type `info`. Times are nanoseconds since the run began.

mod array;
mod general;
mod quick;

use std::cell::RefCell;
use std::io::{BufRead, Read};

use kolk_protocol::Time;
use kolk_protocol::message::write_string;

use crate::Phase;
use crate::batch::Batch;
use crate::blocks::Blocks;
use crate::builder::HistoryBuilder;
use crate::error::ReadError;
use crate::fields::Fields;
use crate::history::{AnyEvent, Event, FaultEvent, History};
use crate::in_order::in_order;
use crate::micro_ops::Packer;
use crate::value::write_json;

pub use array::read as read_array;
use general::RecordError;

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
/// over. A last line that breaks off is left out, which [`History::cut`] says. Lines are understood
/// on all cores.
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
        match lines.problem.take() {
            Some(_) if lines.is_cut && !builder.is_empty() => builder.cut(before + lines.count),
            Some(problem) => return Err(problem.after(before)),
            None => {}
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
    /// Whether the problem is that the text breaks off in its last line.
    is_cut: bool,
    packer: Packer,
}

impl Lines {
    fn read(mut self) -> Lines {
        (self.count, self.is_cut) = (0, false);
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
            let line = self.count;
            let fields = record(text.trim_ascii_end(), &mut self.packer).map_err(|error| {
                // Whoever was stopped while writing a line left its beginning, without an end.
                self.is_cut = !text.ends_with(b"\n") && breaks_off(text, &error);
                let column = error.offset as u64 + 1;
                ReadError::Text { line, column, problem: error.problem.into_owned() }
            })?;
            let place = self.count as usize;
            fields.add(place, &mut self.batch).map_err(|problem| ReadError::Text {
                line,
                column: 1,
                problem,
            })?;
        }
        Ok(())
    }
}

/// Reads one record.
fn record<'a>(text: &'a [u8], packer: &mut Packer) -> Result<Fields<'a>, RecordError> {
    if let Some(fields) = quick::line(text, packer) {
        return Ok(fields);
    }
    let text = std::str::from_utf8(text).map_err(|error| RecordError {
        offset: error.valid_up_to(),
        problem: "not UTF-8".into(),
    })?;
    general::record(text)
}

/// True if what is wrong with a record is that its end is missing.
fn breaks_off(text: &[u8], error: &RecordError) -> bool {
    let text = text.trim_ascii();
    text.starts_with(b"{") && (error.offset >= text.len() || !text.ends_with(b"}"))
}
