//! Records what happens: journal, history, digest and counts.

use std::io::{self, Write};

use kolk_history::history::{Event, EventKind, FaultEvent};
use kolk_history::journal::{DropReason, JournalEvent, JournalKind};
use kolk_history::summary::{
    Excess, GoneClient, Growth, MessageCounts, NodeTraffic, STALE_ANSWERS_MAX, StaleAnswer,
    UnexpectedReply, VIOLATIONS_MAX, Violation, ViolationKind, WARNINGS_MAX,
};
use kolk_history::{History, Outcome, Phase, Summary, Value, jsonl};
use kolk_protocol::Time;
use rustc_hash::FxHashMap;
use twox_hash::XxHash3_128;

use crate::endpoint::{Directory, Endpoint};
use crate::run::{Digest, EngineError, JournalSink, Watcher};
use crate::trace::{Trace, Traced, Tracer};
use crate::workload::{Completion, Invocation, Worker};

/// How much is gathered before it is hashed and written.
const BUFFER_BYTES: usize = 1 << 16;

/// In how many formats a history is stored in the end, all of about one length: JSON lines, EDN,
/// text.
const HISTORY_FORMATS: u64 = 3;

/// How many types of message are counted apart: there are no more in any protocol of use, and a
/// node can invent as many as it likes.
const TYPES_MAX: usize = 1000;
/// Under which name all others are counted.
const OTHER_TYPES: &str = "…";

/// Lines on their way to where they are stored, and into the digest.
struct Stream<'a> {
    what: &'static str,
    buffer: Vec<u8>,
    hasher: XxHash3_128,
    /// How many bytes are stored.
    bytes: u64,
    sink: Sink<'a>,
}

enum Sink<'a> {
    Nowhere,
    Memory(Vec<u8>),
    Write(&'a mut dyn Write),
}

impl Stream<'_> {
    fn flush(&mut self) -> io::Result<()> {
        self.hasher.write(&self.buffer);
        if !matches!(self.sink, Sink::Nowhere) {
            self.bytes += self.buffer.len() as u64;
        }
        match &mut self.sink {
            Sink::Nowhere => {}
            Sink::Memory(memory) => memory.extend_from_slice(&self.buffer),
            Sink::Write(write) => write.write_all(&self.buffer)?,
        }
        self.buffer.clear();
        Ok(())
    }

    /// Called after every line.
    fn flush_if_full(&mut self) -> Result<(), EngineError> {
        if self.buffer.len() < BUFFER_BYTES { Ok(()) } else { self.flush_now() }
    }

    fn flush_now(&mut self) -> Result<(), EngineError> {
        self.flush().map_err(|source| EngineError::Write { what: self.what, source })
    }
}

fn traffic(nodes: &[String]) -> Vec<NodeTraffic> {
    let of = |node: &String| NodeTraffic { node: node.clone(), ..NodeTraffic::default() };
    nodes.iter().map(of).collect()
}

/// What was recorded of a run that is over.
pub(crate) struct Recorded {
    pub(crate) history: History,
    pub(crate) summary: Summary,
    pub(crate) digest: Digest,
    /// If it was kept in memory.
    pub(crate) journal: Option<Vec<u8>>,
    /// If it was traced.
    pub(crate) trace: Option<Trace>,
}

/// Everything that is recorded of a run.
pub(crate) struct Recorder<'a> {
    journal: Stream<'a>,
    /// Looks on while the journal is written.
    watcher: Option<Watcher<'a>>,
    /// In place of the journal.
    trace: Option<Tracer>,
    /// Whether anybody wants the history's lines.
    writes_history: bool,
    history_lines: Stream<'a>,
    pub(crate) history: History,
    next_index: u32,
    next_message_id: u64,
    summary: Summary,
    /// How often each kind of message went between servers.
    types: FxHashMap<String, u64>,
    /// Set when the counted part of the run is over.
    counted: Option<Summary>,
    /// How many bytes journal and history may have, where they are kept.
    room: u64,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(
        nodes: Vec<String>,
        journal: JournalSink<'a>,
        history: Option<&'a mut dyn Write>,
        room: u64,
    ) -> Recorder<'a> {
        let stream = |what, sink| Stream {
            what,
            buffer: Vec::with_capacity(BUFFER_BYTES + 4096),
            hasher: XxHash3_128::with_seed(0),
            bytes: 0,
            sink,
        };
        let trace = matches!(journal, JournalSink::Trace).then(|| Tracer::new(nodes.clone()));
        let writes_history = trace.is_none() || history.is_some();
        let (journal, watcher) = match journal {
            JournalSink::Digest | JournalSink::Trace => (Sink::Nowhere, None),
            JournalSink::Memory => (Sink::Memory(Vec::new()), None),
            JournalSink::Write(write) => (Sink::Write(write), None),
            JournalSink::Watched(write, watcher) => (Sink::Write(write), Some(watcher)),
        };
        Recorder {
            watcher,
            trace,
            writes_history,
            journal: stream("the journal", journal),
            history_lines: stream("the history", history.map_or(Sink::Nowhere, Sink::Write)),
            summary: Summary { traffic: traffic(&nodes), ..Summary::default() },
            history: History::new(nodes),
            next_index: 0,
            next_message_id: 0,
            types: FxHashMap::default(),
            counted: None,
            room,
        }
    }

    /// True if journal and history have all the room there is for them.
    pub(crate) fn is_full(&self) -> bool {
        self.stored() > self.room
    }

    /// True if they have also taken what there is beyond it, for the end of a run.
    pub(crate) fn is_beyond_room(&self) -> bool {
        self.stored() > self.room.saturating_add(self.room / 4)
    }

    fn stored(&self) -> u64 {
        let history = self.history_lines.bytes.saturating_mul(HISTORY_FORMATS);
        self.journal.bytes.saturating_add(history)
    }

    fn journal_event(
        &mut self,
        kind: JournalKind<'_>,
        time: Time,
        id: u64,
        ends: (Endpoint, Endpoint),
        directory: &Directory,
    ) -> Result<(), EngineError> {
        if let Some(trace) = &mut self.trace {
            let what = match kind {
                JournalKind::Receive => Traced::Received,
                JournalKind::Duplicate => Traced::Duplicated,
                JournalKind::Drop(reason) => Traced::Dropped(reason),
                JournalKind::Send { .. } => return Ok(()),
            };
            trace.push(time, id, ends, what);
            return Ok(());
        }
        let (src, dest) = (directory.name(ends.0), directory.name(ends.1));
        let event = JournalEvent { kind, time, id, src, dest };
        event.write(&mut self.journal.buffer);
        if let Some(watcher) = &mut self.watcher {
            watcher(&event);
        }
        self.journal.flush_if_full()
    }

    fn counts(&mut self, ends: (Endpoint, Endpoint)) -> [&mut MessageCounts; 2] {
        let client = ends.0.is_client() || ends.1.is_client();
        let part = if client { &mut self.summary.clients } else { &mut self.summary.servers };
        [&mut self.summary.all, part]
    }

    /// A message is sent; returns its number.
    #[expect(clippy::too_many_arguments, reason = "a message's send event is that long")]
    pub(crate) fn send(
        &mut self,
        time: Time,
        ends: (Endpoint, Endpoint),
        kind: &str,
        body: &str,
        op: Option<u32>,
        cause: Option<u64>,
        directory: &Directory,
    ) -> Result<u64, EngineError> {
        let id = self.next_message_id;
        self.next_message_id += 1;
        for counts in self.counts(ends) {
            counts.send_count += 1;
            counts.msg_count += 1;
        }
        if !ends.0.is_client() && !ends.1.is_client() {
            if let Some(count) = self.types.get_mut(kind) {
                *count += 1;
            } else {
                let is_told_apart = self.types.len() < TYPES_MAX;
                let kind = if is_told_apart { kind } else { OTHER_TYPES };
                *self.types.entry(kind.to_owned()).or_default() += 1;
            }
        }
        self.count_traffic(ends);
        if let Some(trace) = &mut self.trace {
            let kind = trace.kind(kind);
            trace.push(time, id, ends, Traced::Sent { kind, op, cause });
            return Ok(id);
        }
        self.journal_event(JournalKind::Send { body, op, cause }, time, id, ends, directory)?;
        Ok(id)
    }

    fn count_traffic(&mut self, (src, dest): (Endpoint, Endpoint)) {
        let traffic = &mut self.summary.traffic;
        if src == dest {
            return;
        }
        if let Endpoint::Node(node) = src {
            let node = &mut traffic[usize::from(node)];
            *match dest {
                Endpoint::Node(_) => &mut node.to_nodes,
                Endpoint::Service(_) => &mut node.to_services,
                Endpoint::Client(_) => &mut node.to_clients,
            } += 1;
        }
        if let Endpoint::Node(node) = dest {
            let node = &mut traffic[usize::from(node)];
            *match src {
                Endpoint::Node(_) => &mut node.from_nodes,
                Endpoint::Service(_) => &mut node.from_services,
                Endpoint::Client(_) => &mut node.from_clients,
            } += 1;
        }
    }

    /// How many messages a node has sent to clients.
    pub(crate) fn to_clients(&self, node: u16) -> u64 {
        self.summary.traffic[usize::from(node)].to_clients
    }

    /// A node sent something to a client that Maelstrom would have closed: the first such of each
    /// node is kept, for from then on Maelstrom would not hear it.
    pub(crate) fn gone_client(&mut self, gone: GoneClient) {
        let summary = self.counted.as_mut().unwrap_or(&mut self.summary);
        if !summary.gone_clients.iter().any(|known| known.node == gone.node) {
            summary.gone_clients.push(gone);
        }
    }

    /// Traffic grows though the load does not.
    pub(crate) fn growth(&mut self, growth: Growth) {
        self.counted.as_mut().unwrap_or(&mut self.summary).growth = Some(growth);
    }

    /// Traffic is more than the load explains.
    pub(crate) fn excess(&mut self, excess: Excess) {
        self.counted.as_mut().unwrap_or(&mut self.summary).excess = Some(excess);
    }

    /// A service has answered from an older state than the newest. Nothing is kept of the part of a
    /// run that does not count.
    pub(crate) fn stale_answer(&mut self, node: u16, answer: impl FnOnce() -> StaleAnswer) {
        if self.counted.is_some() {
            return;
        }
        let count = &mut self.summary.traffic[usize::from(node)].stale_answers;
        *count += 1;
        if *count <= STALE_ANSWERS_MAX as u64 {
            self.summary.stale_answers.push(answer());
        }
    }

    /// A message arrives.
    pub(crate) fn receive(
        &mut self,
        time: Time,
        id: u64,
        ends: (Endpoint, Endpoint),
        directory: &Directory,
    ) -> Result<(), EngineError> {
        for counts in self.counts(ends) {
            counts.recv_count += 1;
        }
        self.journal_event(JournalKind::Receive, time, id, ends, directory)
    }

    /// A message will arrive twice.
    pub(crate) fn duplicate(
        &mut self,
        time: Time,
        id: u64,
        ends: (Endpoint, Endpoint),
        directory: &Directory,
    ) -> Result<(), EngineError> {
        self.summary.duplicated_count += 1;
        self.journal_event(JournalKind::Duplicate, time, id, ends, directory)
    }

    /// A message will never arrive.
    pub(crate) fn dropped(
        &mut self,
        time: Time,
        id: u64,
        ends: (Endpoint, Endpoint),
        reason: DropReason,
        directory: &Directory,
    ) -> Result<(), EngineError> {
        match reason {
            DropReason::Loss => self.summary.lost_count += 1,
            DropReason::Partition => self.summary.cut_count += 1,
            DropReason::DeadNode => self.summary.dead_count += 1,
            DropReason::PausedNode => self.summary.paused_count += 1,
        }
        self.journal_event(JournalKind::Drop(reason), time, id, ends, directory)
    }

    /// A message waits until its receiver runs again.
    pub(crate) fn kept(&mut self) {
        self.summary.kept_count += 1;
    }

    /// The plan has so many faults, of which it is counted what they do.
    pub(crate) fn expect_faults(&mut self, count: usize) {
        self.summary.strikes = vec![0; count];
    }

    /// A fault has done something, so many times.
    pub(crate) fn strike(&mut self, number: u32, times: u64) {
        let summary = self.counted.as_mut().unwrap_or(&mut self.summary);
        if let Some(count) = summary.strikes.get_mut(number as usize) {
            *count += times;
        }
    }

    fn take_index(&mut self) -> u32 {
        self.next_index += 1;
        self.next_index - 1
    }

    fn history_event(&mut self, event: &Event) -> Result<(), EngineError> {
        if !self.writes_history {
            return Ok(());
        }
        jsonl::write_event(&mut self.history_lines.buffer, event, &self.history.nodes);
        self.history_lines.flush_if_full()
    }

    /// An operation begins; returns its position in the history.
    pub(crate) fn invoke(
        &mut self,
        time: Time,
        worker: &Worker,
        phase: Phase,
        invocation: &Invocation,
    ) -> Result<usize, EngineError> {
        let event = Event {
            index: self.take_index(),
            time,
            kind: EventKind::Invoke,
            process: worker.process,
            function: invocation.function,
            value: invocation.value.clone(),
            error: Value::Null,
            phase,
            node: u16::try_from(worker.node).ok(),
        };
        self.history_event(&event)?;
        Ok(self.history.invoke(event))
    }

    /// The operation at `position` ends.
    pub(crate) fn complete(
        &mut self,
        time: Time,
        position: usize,
        completion: Completion,
    ) -> Result<(), EngineError> {
        let index = self.take_index();
        let operation = &self.history.operations[position];
        let (outcome, value, error) = match completion {
            Completion::Ok(value) => (Outcome::Ok, value, Value::Null),
            Completion::Fail(error) => (Outcome::Fail, operation.value.clone(), error),
            Completion::Info(error) => (Outcome::Info, operation.value.clone(), error),
        };
        let event = Event {
            index,
            time,
            kind: EventKind::Complete(outcome),
            process: operation.process,
            function: operation.function,
            value,
            error,
            phase: operation.phase,
            node: operation.node,
        };
        self.history_event(&event)?;
        let result = if outcome == Outcome::Ok { event.value } else { event.error };
        self.history.complete(position, index, time, outcome, result);
        Ok(())
    }

    /// A fault begins or ends.
    pub(crate) fn fault(
        &mut self,
        time: Time,
        function: String,
        value: Value,
    ) -> Result<(), EngineError> {
        let event = FaultEvent { index: self.take_index(), time, function, value };
        if self.writes_history {
            jsonl::write_fault(&mut self.history_lines.buffer, &event);
        }
        self.history.faults.push(event);
        self.history_lines.flush_if_full()
    }

    /// A node broke the protocol.
    pub(crate) fn violation(&mut self, violation: Violation) {
        let summary = self.counted.as_mut().unwrap_or(&mut self.summary);
        summary.violation_count += 1;
        match summary.violation_kinds.iter_mut().find(|(kind, _)| *kind == violation.kind) {
            Some((_, count)) => *count += 1,
            None => summary.violation_kinds.push((violation.kind, 1)),
        }
        if summary.violations.len() < VIOLATIONS_MAX {
            summary.violations.push(violation);
        }
    }

    /// A node did what the protocol frowns upon; `warning` is called for the first few of a kind.
    pub(crate) fn warning(&mut self, kind: ViolationKind, warning: impl FnOnce() -> Violation) {
        let summary = self.counted.as_mut().unwrap_or(&mut self.summary);
        let count = match summary.warning_kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                summary.warning_kinds.push((kind, 1));
                1
            }
        };
        if count <= WARNINGS_MAX {
            summary.warnings.push(warning());
        }
    }

    /// The latest violation, if it was kept.
    pub(crate) fn last_violation(&self) -> Option<&Violation> {
        self.counted.as_ref().unwrap_or(&self.summary).violations.last()
    }

    /// A reply came that nobody waited for.
    pub(crate) fn unexpected_reply(&mut self, reply: UnexpectedReply) {
        let summary = self.counted.as_mut().unwrap_or(&mut self.summary);
        summary.unexpected_reply_count += 1;
        if summary.unexpected_replies.len() < VIOLATIONS_MAX {
            summary.unexpected_replies.push(reply);
        }
    }

    /// The counts so far.
    pub(crate) fn summary(&self) -> &Summary {
        self.counted.as_ref().unwrap_or(&self.summary)
    }

    /// What has been flushed of a journal kept in memory.
    pub(crate) fn journal_in_memory(&self) -> &[u8] {
        match &self.journal.sink {
            Sink::Memory(memory) => memory,
            Sink::Nowhere | Sink::Write(_) => &[],
        }
    }

    /// How many messages have been sent.
    pub(crate) fn message_count(&self) -> u64 {
        self.next_message_id
    }

    /// Ends the part of the run that statistics count.
    pub(crate) fn stop_counting(&mut self) {
        if self.counted.is_none() {
            let mut summary = self.summary.clone();
            summary.types = self.types.iter().map(|(kind, count)| (kind.clone(), *count)).collect();
            summary.types.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            self.counted = Some(summary);
        }
    }

    /// Writes out what is gathered, through all buffers, so that what is stored is whole up to here
    /// even if this process is killed the next moment.
    pub(crate) fn flush(&mut self) -> Result<(), EngineError> {
        for stream in [&mut self.journal, &mut self.history_lines] {
            stream.flush_now()?;
            if let Sink::Write(write) = &mut stream.sink {
                let flushed = write.flush();
                flushed.map_err(|source| EngineError::Write { what: stream.what, source })?;
            }
        }
        Ok(())
    }

    /// Nothing more is written: it was tried, and failed.
    pub(crate) fn give_up_writing(&mut self) {
        for stream in [&mut self.journal, &mut self.history_lines] {
            if matches!(stream.sink, Sink::Write(_)) {
                stream.sink = Sink::Nowhere;
            }
        }
    }

    /// Writes out the rest, and gives what was recorded.
    pub(crate) fn finish(mut self) -> Result<Recorded, EngineError> {
        self.stop_counting();
        self.flush()?;
        let mut both = XxHash3_128::with_seed(0);
        both.write(&self.journal.hasher.finish_128().to_le_bytes());
        both.write(&self.history_lines.hasher.finish_128().to_le_bytes());
        let trace = self.trace.map(Tracer::finish);
        for event in trace.iter().flat_map(|trace| &trace.events) {
            let ends = u64::from(event.src) << 32 | u64::from(event.dest);
            for word in [event.time.as_nanos(), event.id, ends, event.what.code()] {
                both.write(&word.to_le_bytes());
            }
        }
        let journal = match self.journal.sink {
            Sink::Memory(memory) => Some(memory),
            Sink::Nowhere | Sink::Write(_) => None,
        };
        let summary = self.counted.unwrap_or_default();
        let digest = Digest(both.finish_128());
        Ok(Recorded { history: self.history, summary, digest, journal, trace })
    }
}
