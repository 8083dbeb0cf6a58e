//! Histories: all operations' events.
//!
//! A history is stored as events, in the order in which they happened, and held as operations,
//! each with its invocation and its completion: half the records, and what every checker wants.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use kolk_protocol::Time;

use crate::{Function, Operation, Outcome, Phase, Value};

/// What kind of event: Jepsen's `:type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// The operation was invoked.
    Invoke,
    /// The operation completed with this outcome.
    Complete(Outcome),
}

impl EventKind {
    /// The name in histories.
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Invoke => "invoke",
            EventKind::Complete(outcome) => outcome.name(),
        }
    }
}

/// One event of a client's operation, as a history file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place among all events, from 0, fault events included.
    pub index: u32,
    /// When.
    pub time: Time,
    /// Beginning or end.
    pub kind: EventKind,
    /// The process it belongs to.
    pub process: u32,
    /// What the operation does.
    pub function: Function,
    /// What was asked for, or on `ok` what came back.
    pub value: Value,
    /// Why it did not end `ok`: null, a text, or `[code, text]`.
    pub error: Value,
    /// The part of the run.
    pub phase: Phase,
    /// The node that serves it, as a position in the list of nodes.
    pub node: Option<u16>,
}

/// A fault beginning or ending: an event of the process `nemesis`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultEvent {
    /// Its place among all events.
    pub index: u32,
    /// When.
    pub time: Time,
    /// What: `start-partition`, `stop-partition`, …
    pub function: String,
    /// Which nodes, and how.
    pub value: Value,
}

impl FaultEvent {
    /// The nodes of which it says that they were, say, `killed`; none of an event that does not say
    /// what became of whom.
    pub fn nodes_that_were(&self, what: &str) -> Option<impl Iterator<Item = &str>> {
        let Value::Map(nodes) = &self.value else { return None };
        let hit = nodes.iter().filter(move |(_, became)| became.as_str() == Some(what));
        Some(hit.filter_map(|(name, _)| name.as_str()))
    }

    /// Whether it ended a life of this node: by a kill, or as the power went.
    fn kills(&self, node: &str) -> bool {
        matches!(self.function.as_str(), "kill" | "power")
            && self.nodes_that_were("killed").is_some_and(|mut killed| killed.any(|it| it == node))
    }
}

/// A whole history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The nodes' names, which [`Operation::node`] points into.
    pub nodes: Vec<String>,
    /// All operations, in the order of their invocations.
    pub operations: Vec<Operation>,
    /// Faults beginning and ending, in order.
    pub faults: Vec<FaultEvent>,
    /// True if nothing is known of time: each process runs its operations in order, and indices
    /// and times tell nothing else.
    pub untimed: bool,
    /// True if nothing was ever invoked: of each operation there is its completion alone.
    pub bare: bool,
    /// True if the order of each process belongs to every level that transactions can be held to,
    /// as it does where histories come in AWDIT's format.
    pub in_sessions: bool,
    /// What `fail` and `info` completions said where it was not what had been asked for, by the
    /// operations' positions. kolk's own clients say nothing of the kind; others' may, such as what
    /// a poll saw whose commit timed out.
    pub partial: BTreeMap<u32, Value>,
    /// The line, from 1, in which the text that the history was read from breaks off; what stands
    /// there is left out.
    pub cut: Option<u64>,
}

impl History {
    /// An empty history of these nodes.
    pub fn new(nodes: Vec<String>) -> History {
        History { nodes, ..History::default() }
    }

    /// The operations of the load and the final phase: those that statistics count.
    pub fn counted(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| operation.phase != Phase::Convergence)
    }

    /// The name of the node that served an operation.
    pub fn node_name(&self, operation: &Operation) -> Option<&str> {
        self.nodes.get(usize::from(operation.node?)).map(String::as_str)
    }

    /// The operation whose invocation has this event index, or whose completion has.
    pub fn operation_at(&self, index: u32) -> Option<&Operation> {
        match self.operations.binary_search_by_key(&index, |operation| operation.index) {
            Ok(at) => Some(&self.operations[at]),
            Err(_) => self.operations.iter().find(|operation| {
                operation.completion_index.is_some_and(|completion| completion.get() == index)
            }),
        }
    }

    /// What a node may have forgotten that these operations, given by their indices, show: those
    /// among them that changed something and were acknowledged by a node which was killed, or lost
    /// its power, before the last of them, each with that event. What such a node had in memory
    /// alone was gone then.
    pub fn forgotten(&self, indices: &[u32]) -> impl Iterator<Item = (&Operation, &FaultEvent)> {
        let last = indices.iter().copied().max().unwrap_or_default();
        indices.iter().filter_map(move |index| {
            let operation = self.operation_at(*index)?;
            let killed = self.killed_after(operation).filter(|killed| killed.index < last)?;
            Some((operation, killed))
        })
    }

    /// Of an acknowledged operation that changes something: the event with which the node that
    /// acknowledged it was killed, or lost its power, next.
    fn killed_after(&self, operation: &Operation) -> Option<&FaultEvent> {
        if !operation.is_ok() || !operation.function.changes() {
            return None;
        }
        let (node, completion) = (self.node_name(operation)?, operation.completion_index?.get());
        self.faults.iter().find(|fault| fault.index > completion && fault.kills(node))
    }

    /// What the operation at `position` is known to have done or seen: the value of its completion,
    /// or of its invocation if there is no other.
    pub fn known_value(&self, position: usize) -> &Value {
        let operation = &self.operations[position];
        if operation.is_ok() {
            return &operation.result;
        }
        let partial = u32::try_from(position).ok().and_then(|at| self.partial.get(&at));
        partial.unwrap_or(&operation.value)
    }

    /// Records an invocation and returns the operation's position in [`History::operations`].
    pub fn invoke(&mut self, event: Event) -> usize {
        self.operations.push(Operation {
            invoked: event.time,
            completed: event.time,
            index: event.index,
            completion_index: None,
            process: event.process,
            node: event.node,
            function: event.function,
            outcome: Outcome::Info,
            phase: event.phase,
            value: event.value,
            result: Value::Null,
        });
        self.operations.len() - 1
    }

    /// Records the completion of the operation at `position`.
    pub fn complete(
        &mut self,
        position: usize,
        index: u32,
        time: Time,
        outcome: Outcome,
        result: Value,
    ) {
        let operation = &mut self.operations[position];
        operation.completed = time;
        operation.completion_index = NonZeroU32::new(index);
        operation.outcome = outcome;
        operation.result = result;
    }

    /// All events in the order of their indices, as files hold them. An `ok` event carries what
    /// came back; a `fail` or `info` event what was asked for or partly done, and the error.
    pub fn events(&self) -> impl Iterator<Item = AnyEvent<'_>> {
        // Invocations and faults are in order already, completions are not. Where nothing was
        // invoked, a completion stands where its operation does.
        let mut completions: Vec<(u32, usize)> = self
            .operations
            .iter()
            .enumerate()
            .filter_map(|(at, operation)| {
                let index = operation.completion_index?.get();
                Some((if self.bare { operation.index } else { index }, at))
            })
            .collect();
        completions.sort_unstable_by_key(|(index, _)| *index);
        let mut completions = completions.into_iter().peekable();
        let invocations = if self.bare { &[] } else { &self.operations[..] };
        let mut invocations = invocations.iter().peekable();
        let mut faults = self.faults.iter().peekable();
        std::iter::from_fn(move || {
            let completed = completions.peek().map_or(u32::MAX, |(index, _)| *index);
            let invoked = invocations.peek().map_or(u32::MAX, |operation| operation.index);
            let fault = faults.peek().map_or(u32::MAX, |fault| fault.index);
            if fault < invoked && fault < completed {
                faults.next().map(AnyEvent::Fault)
            } else if invoked < completed {
                invocations.next().map(|operation| AnyEvent::Client(operation.invocation()))
            } else {
                completions.next().map(|(_, at)| AnyEvent::Client(self.completion(at)))
            }
        })
    }

    fn completion(&self, position: usize) -> Event {
        let operation = &self.operations[position];
        let error = if operation.is_ok() { Value::Null } else { operation.result.clone() };
        Event {
            index: if self.bare { operation.index } else { operation.completion_or_end() },
            time: operation.completed,
            kind: EventKind::Complete(operation.outcome),
            process: operation.process,
            function: operation.function,
            value: self.known_value(position).clone(),
            error,
            phase: operation.phase,
            node: operation.node,
        }
    }
}

/// An event of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyEvent<'a> {
    /// A client's.
    Client(Event),
    /// A fault's.
    Fault(&'a FaultEvent),
}

impl Operation {
    fn invocation(&self) -> Event {
        Event {
            index: self.index,
            time: self.invoked,
            kind: EventKind::Invoke,
            process: self.process,
            function: self.function,
            value: self.value.clone(),
            error: Value::Null,
            phase: self.phase,
            node: self.node,
        }
    }
}
