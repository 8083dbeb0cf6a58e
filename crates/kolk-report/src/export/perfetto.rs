//! A trace for Perfetto's viewer, <https://ui.perfetto.dev>.
//!
//! The format is that of its synthetic track events
//! (<https://perfetto.dev/docs/reference/synthetic-track-event>): a track for each node, client and
//! service, one for each worker with its operations as slices, and one for faults. A message is an
//! instant where it is sent and one where it arrives, joined by a flow of its own.

use std::io::{BufRead, Write};

use kolk_history::Outcome;
use kolk_history::journal::{DropReason, HeadKind, JournalHead, JournalLine, JournalReader};
use kolk_protocol::Time;
use rustc_hash::FxHashMap;

use super::protobuf::Message;
use super::{ExportError, OnTheirWay, is_wanted, kind};
use crate::faults::periods;
use crate::figures::{Run, Span};
use crate::operation;
use crate::sanitize::excerpt;

/// How much of a body is told.
const BODY_WIDTH: usize = 2000;

/// Field numbers of `protos/perfetto/trace/` in Perfetto's repository.
mod field {
    pub const TRACE_PACKET: u32 = 1;
    pub const TIMESTAMP: u32 = 8;
    pub const SEQUENCE: u32 = 10;
    pub const TRACK_EVENT: u32 = 11;
    pub const SEQUENCE_FLAGS: u32 = 13;
    pub const TRACK_DESCRIPTOR: u32 = 60;
    pub const TRACK_UUID: u32 = 1;
    pub const TRACK_NAME: u32 = 2;
    pub const TRACK_PARENT: u32 = 5;
    pub const TRACK_CHILD_ORDERING: u32 = 11;
    pub const TRACK_RANK: u32 = 12;
    pub const EVENT_ANNOTATIONS: u32 = 4;
    pub const EVENT_TYPE: u32 = 9;
    pub const EVENT_TRACK: u32 = 11;
    pub const EVENT_CATEGORY: u32 = 22;
    pub const EVENT_NAME: u32 = 23;
    pub const EVENT_FLOW: u32 = 47;
    pub const EVENT_LAST_FLOW: u32 = 48;
    pub const ANNOTATION_NUMBER: u32 = 3;
    pub const ANNOTATION_TEXT: u32 = 6;
    pub const ANNOTATION_NAME: u32 = 10;
}

/// `SEQ_INCREMENTAL_STATE_CLEARED`: nothing before this packet is referred to.
const FRESH_SEQUENCE: u64 = 1;

/// `EXPLICIT` order of a track's children.
const BY_RANK: u64 = 3;

const SLICE_BEGIN: u64 = 1;
const SLICE_END: u64 = 2;
const INSTANT: u64 = 3;

/// The groups of tracks, in the order in which they are shown.
const GROUPS: [&str; 4] = ["faults", "operations", "nodes and services", "clients"];
const FAULTS: u64 = 1;
const OPERATIONS: u64 = 2;
const NODES: u64 = 3;
const CLIENTS: u64 = 4;

/// Writes the trace of a run, or of a part of it, and says how many events it has.
///
/// # Errors
///
/// If the journal is not one, or the trace cannot be written.
pub fn perfetto(
    out: &mut dyn Write,
    run: &Run<'_>,
    journal: impl BufRead,
    span: Option<Span>,
) -> Result<u64, ExportError> {
    let mut trace = Trace::new(out);
    for (number, name) in GROUPS.iter().enumerate() {
        trace.group(number as u64 + 1, name)?;
    }
    faults(&mut trace, run, span)?;
    operations(&mut trace, run, span)?;
    messages(&mut trace, run, journal, span)?;
    Ok(trace.count)
}

/// A trace while it is written.
struct Trace<'a> {
    out: &'a mut dyn Write,
    packet: Message,
    body: Message,
    tracks: FxHashMap<String, u64>,
    next_track: u64,
    count: u64,
    is_begun: bool,
}

/// An event to be written.
struct Event<'a> {
    kind: u64,
    track: u64,
    category: &'a str,
    name: &'a str,
}

impl<'a> Trace<'a> {
    fn new(out: &'a mut dyn Write) -> Trace<'a> {
        let (packet, body) = (Message::default(), Message::default());
        let next_track = GROUPS.len() as u64 + 1;
        let tracks = FxHashMap::default();
        Trace { out, packet, body, tracks, next_track, count: 0, is_begun: false }
    }

    /// A track that holds others.
    fn group(&mut self, uuid: u64, name: &str) -> Result<(), ExportError> {
        self.body.clear();
        self.body.number(field::TRACK_UUID, uuid);
        self.body.text(field::TRACK_NAME, name);
        self.body.number(field::TRACK_CHILD_ORDERING, BY_RANK);
        self.body.number(field::TRACK_RANK, uuid);
        self.packet(field::TRACK_DESCRIPTOR, None)
    }

    /// The track with this name in a group; a new one if it is new. Of two names that differ in
    /// what cannot be seen each has its own.
    fn track(&mut self, group: u64, name: &str, rank: u64) -> Result<u64, ExportError> {
        let key = format!("{group} {name}");
        if let Some(track) = self.tracks.get(&key) {
            return Ok(*track);
        }
        let uuid = self.next_track;
        self.next_track += 1;
        self.tracks.insert(key, uuid);
        self.body.clear();
        self.body.number(field::TRACK_UUID, uuid);
        self.body.text(field::TRACK_NAME, &shown(name));
        self.body.number(field::TRACK_PARENT, group);
        self.body.number(field::TRACK_RANK, rank);
        self.packet(field::TRACK_DESCRIPTOR, None)?;
        Ok(uuid)
    }

    /// Begins an event; it is written by [`Trace::write`].
    fn begin(&mut self, event: &Event<'_>) {
        self.body.clear();
        self.body.number(field::EVENT_TYPE, event.kind);
        self.body.number(field::EVENT_TRACK, event.track);
        if event.kind != SLICE_END {
            self.body.text(field::EVENT_CATEGORY, event.category);
            self.body.text(field::EVENT_NAME, &shown(event.name));
        }
    }

    fn note(&mut self, name: &str, text: &str) {
        let mut note = Message::default();
        note.text(field::ANNOTATION_NAME, name);
        note.text(field::ANNOTATION_TEXT, &shown(text));
        self.body.message(field::EVENT_ANNOTATIONS, &note);
    }

    fn note_number(&mut self, name: &str, number: u64) {
        let mut note = Message::default();
        note.text(field::ANNOTATION_NAME, name);
        note.number(field::ANNOTATION_NUMBER, number);
        self.body.message(field::EVENT_ANNOTATIONS, &note);
    }

    fn write(&mut self, time: Time) -> Result<(), ExportError> {
        self.count += 1;
        self.packet(field::TRACK_EVENT, Some(time))
    }

    /// Writes a packet with the body as its content.
    fn packet(&mut self, content: u32, time: Option<Time>) -> Result<(), ExportError> {
        self.packet.clear();
        if let Some(time) = time {
            self.packet.number(field::TIMESTAMP, time.as_nanos());
        }
        self.packet.number(field::SEQUENCE, 1);
        if !self.is_begun {
            self.packet.number(field::SEQUENCE_FLAGS, FRESH_SEQUENCE);
            self.is_begun = true;
        }
        self.packet.message(content, &self.body);
        let mut framed = Message::default();
        framed.message(field::TRACE_PACKET, &self.packet);
        Ok(self.out.write_all(framed.bytes())?)
    }
}

fn shown(text: &str) -> String {
    excerpt(text, None, BODY_WIDTH).text
}

/// Each fault as a slice; those that overlap have tracks of their own.
fn faults(trace: &mut Trace<'_>, run: &Run<'_>, span: Option<Span>) -> Result<(), ExportError> {
    let mut rows: Vec<Time> = Vec::new();
    for period in periods(run.plan, run.facts) {
        if span.is_some_and(|(from, to)| !period.was_open(from, to)) {
            continue;
        }
        let row = rows.iter().position(|end| *end <= period.begin).unwrap_or(rows.len());
        rows.resize(rows.len().max(row + 1), Time::ZERO);
        rows[row] = period.end;
        let track = trace.track(FAULTS, &format!("{} {}", period.name(), row + 1), row as u64)?;
        let name = period.words(&run.plan.nodes);
        for (kind, time) in [(SLICE_BEGIN, period.begin), (SLICE_END, period.end)] {
            trace.begin(&Event { kind, track, category: "fault", name: &name });
            trace.write(time)?;
        }
    }
    Ok(())
}

/// Each operation as a slice on its worker's track; one that never completed lasts to the end.
fn operations(trace: &mut Trace<'_>, run: &Run<'_>, span: Option<Span>) -> Result<(), ExportError> {
    let operations = &run.history.operations;
    let workers = run.plan.concurrency.max(1);
    let ended = Time::from_nanos(run.facts.ended);
    // A worker's operation ends before its next one begins, also where both happen at once.
    let mut events: Vec<(u32, usize, u64)> = Vec::new();
    for (place, operation) in operations.iter().enumerate() {
        let wanted = |(from, to): Span| operation.invoked <= to && operation.completed >= from;
        if span.is_none_or(wanted) {
            events.push((operation.index, place, SLICE_BEGIN));
            events.push((operation.completion_or_end(), place, SLICE_END));
        }
    }
    events.sort_unstable();
    for (_, place, kind) in events {
        let operation = &operations[place];
        let worker = operation.process % workers;
        let node = run.history.node_name(operation).unwrap_or_default();
        let track =
            trace.track(OPERATIONS, &format!("worker {worker} → {node}"), u64::from(worker))?;
        let (time, name) = match (kind, operation.completion_index) {
            (SLICE_BEGIN, _) => (operation.invoked, operation::what(operation)),
            (_, Some(_)) => (operation.completed, String::new()),
            (_, None) => (ended.max(operation.invoked), String::new()),
        };
        let category = match operation.outcome {
            Outcome::Ok => "ok",
            Outcome::Fail => "fail",
            Outcome::Info => "info",
        };
        trace.begin(&Event { kind, track, category, name: &name });
        if kind == SLICE_BEGIN {
            trace.note_number("op", u64::from(operation.index));
            trace.note_number("process", u64::from(operation.process));
            trace.note("outcome", category);
        }
        trace.write(time)?;
    }
    Ok(())
}

/// Each message as two instants that a flow joins; a message that never arrives ends where the
/// network swallowed it, on the track of whom it was for.
fn messages(
    trace: &mut Trace<'_>,
    run: &Run<'_>,
    journal: impl BufRead,
    span: Option<Span>,
) -> Result<(), ExportError> {
    let nodes = &run.plan.nodes;
    let track_of = |trace: &mut Trace<'_>, name: &str| {
        let place = nodes.iter().position(|node| node == name);
        let is_client = place.is_none() && name.starts_with('c');
        let group = if is_client { CLIENTS } else { NODES };
        // Behind the nodes, in the order in which they first appear.
        let rank = place.map_or(nodes.len() as u64 + trace.next_track, |place| place as u64);
        trace.track(group, name, rank)
    };
    for node in nodes {
        track_of(trace, node)?;
    }
    let mut on_their_way: OnTheirWay<String> = OnTheirWay::default();
    let mut reader = JournalReader::new(journal);
    while let Some(head) = reader.next_head() {
        let head = head?;
        let line = reader.current()?;
        let (kind, is_last) = match head.event {
            HeadKind::Duplicate => {
                on_their_way.duplicate(head.id);
                continue;
            }
            HeadKind::Send => {
                let kind = kind(&line);
                on_their_way.send(head.id, kind.clone());
                (kind, false)
            }
            // A message nobody sent, which a sound journal does not have, has no type.
            HeadKind::Receive | HeadKind::Drop => {
                on_their_way.end(head.id).unwrap_or_else(|| ("message".to_owned(), true))
            }
        };
        if !is_wanted(head, span) {
            continue;
        }
        let at = if head.event == HeadKind::Send { &line.src } else { &line.dest };
        let track = track_of(trace, at)?;
        let (category, name) = named(head, &line, &kind);
        trace.begin(&Event { kind: INSTANT, track, category, name: &name });
        // A flow's number must not be 0.
        let flow = head.id.wrapping_add(1);
        let flow_field = if is_last { field::EVENT_LAST_FLOW } else { field::EVENT_FLOW };
        trace.body.fixed(flow_field, flow);
        trace.note_number("message", head.id);
        if head.event == HeadKind::Send {
            line.op.into_iter().for_each(|op| trace.note_number("op", u64::from(op)));
            line.cause.into_iter().for_each(|cause| trace.note_number("cause", cause));
            line.body.into_iter().for_each(|body| trace.note("body", body.get()));
        }
        trace.write(head.time)?;
    }
    Ok(())
}

/// `send read → n1`, `receive read from c0`, `lost: read from n0`.
fn named(head: JournalHead, line: &JournalLine<'_>, kind: &str) -> (&'static str, String) {
    match head.event {
        HeadKind::Send => ("send", format!("send {kind} → {}", line.dest)),
        HeadKind::Drop => {
            let what = match line.reason {
                Some(DropReason::Loss) => "lost",
                Some(DropReason::Partition) => "cut off",
                Some(DropReason::PausedNode) => "standing still",
                Some(DropReason::DeadNode) | None => "not running",
            };
            ("drop", format!("{what}: {kind} from {}", line.src))
        }
        HeadKind::Receive | HeadKind::Duplicate => {
            ("receive", format!("receive {kind} from {}", line.src))
        }
    }
}
