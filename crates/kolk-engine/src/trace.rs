//! Traces: what happened to every message, as typed events and without a line of text.
//!
//! Whoever runs thousands of plans to see what they do wants to know who got what from whom, when
//! and because of what, and never reads a body: a trace costs a few words an event.

use kolk_history::journal::DropReason;
use kolk_protocol::Time;
use rustc_hash::FxHashMap;

use crate::endpoint::{Endpoint, SERVICES};

/// What happened to all messages of a run, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The nodes' names, which come first among the [places](TraceEvent::src).
    pub nodes: Vec<String>,
    /// The messages' types, which [`Traced::Sent`] points into, in the order of their first use.
    pub kinds: Vec<String>,
    /// What happened.
    pub events: Vec<TraceEvent>,
}

/// Something that happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// When.
    pub time: Time,
    /// The message's number: 0, 1, 2, … in the order of sending.
    pub id: u64,
    /// The place of its sender: nodes in their order, then the services, then clients.
    pub src: u32,
    /// The place of its receiver.
    pub dest: u32,
    /// What happened.
    pub what: Traced,
}

/// What can happen to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traced {
    /// It was sent.
    Sent {
        /// Its type, as a place in [`Trace::kinds`].
        kind: u32,
        /// The index of the invocation it serves.
        op: Option<u32>,
        /// The message whose handling sent it; known on the virtual clock alone.
        cause: Option<u64>,
    },
    /// It arrived.
    Received,
    /// It will arrive twice.
    Duplicated,
    /// It will never arrive.
    Dropped(DropReason),
}

impl Trace {
    /// True for the place of a node.
    pub fn is_node(&self, place: u32) -> bool {
        (place as usize) < self.nodes.len()
    }

    /// True for the place of a node or a service: what goes between two of them has a drawn fate.
    pub fn is_server(&self, place: u32) -> bool {
        (place as usize) < self.nodes.len() + SERVICES.len()
    }

    /// The name of a node or a service; `None` for a client.
    pub fn name(&self, place: u32) -> Option<&str> {
        let place = place as usize;
        let service = || SERVICES.get(place - self.nodes.len()).copied();
        self.nodes.get(place).map(String::as_str).or_else(service)
    }
}

/// A trace that is being written.
#[derive(Debug)]
pub(crate) struct Tracer {
    trace: Trace,
    kinds: FxHashMap<String, u32>,
}

impl Tracer {
    pub(crate) fn new(nodes: Vec<String>) -> Tracer {
        Tracer { trace: Trace { nodes, ..Trace::default() }, kinds: FxHashMap::default() }
    }

    /// The number of a type of message.
    pub(crate) fn kind(&mut self, name: &str) -> u32 {
        if let Some(kind) = self.kinds.get(name) {
            return *kind;
        }
        let kind = self.trace.kinds.len() as u32;
        self.trace.kinds.push(name.to_owned());
        self.kinds.insert(name.to_owned(), kind);
        kind
    }

    pub(crate) fn push(&mut self, time: Time, id: u64, ends: (Endpoint, Endpoint), what: Traced) {
        let (src, dest) = (self.place(ends.0), self.place(ends.1));
        self.trace.events.push(TraceEvent { time, id, src, dest, what });
    }

    fn place(&self, endpoint: Endpoint) -> u32 {
        let nodes = self.trace.nodes.len() as u32;
        match endpoint {
            Endpoint::Node(number) => u32::from(number),
            Endpoint::Service(number) => nodes + u32::from(number),
            Endpoint::Client(number) => nodes + SERVICES.len() as u32 + number,
        }
    }

    pub(crate) fn finish(self) -> Trace {
        self.trace
    }
}

/// A number for what happened, for digests.
impl Traced {
    pub(crate) fn code(self) -> u64 {
        match self {
            Traced::Sent { kind, .. } => 4 + u64::from(kind),
            Traced::Received => 0,
            Traced::Duplicated => 1,
            Traced::Dropped(DropReason::Loss) => 2,
            Traced::Dropped(_) => 3,
        }
    }
}
