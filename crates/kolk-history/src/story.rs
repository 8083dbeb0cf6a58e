//! Histories built in a few words: for tests of checkers, and for programs that judge what they
//! observed themselves.

use kolk_protocol::Time;

use crate::{Event, EventKind, Function, History, Operation, Outcome, Phase, Value};

/// A history that is built event by event, in the order of the events.
///
/// Process `p` speaks with the node at position `p`, if there is one.
///
/// # Examples
///
/// A value is acknowledged, and a later read does not show it:
///
/// ```
/// use kolk_history::{Function, Outcome, Story, Value};
///
/// let mut story = Story::new(2);
/// // At 5 ms process 0 adds the value 1, which is acknowledged a millisecond later.
/// story.ok(5, 0, Function::Add, 1, Value::Null);
/// // Process 1 reads from 8 ms to 10 ms.
/// let read = story.invoke(8, 1, Function::Read, Value::Null);
/// story.end(10, read, Outcome::Ok, Value::ints(vec![]));
///
/// let history = story.history;
/// assert_eq!(history.operations.len(), 2);
/// assert_eq!(history.operations[1].outcome, Outcome::Ok);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The history so far.
    pub history: History,
    next: u32,
}

/// An operation of a [`Story`] that has been invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open(usize);

impl Story {
    /// Nothing yet, in a cluster of so many nodes: `n0`, `n1`, …
    pub fn new(nodes: usize) -> Story {
        let nodes = (0..nodes).map(|node| format!("n{node}")).collect();
        Story { history: History::new(nodes), next: 0 }
    }

    fn index(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// A process invokes an operation, so many milliseconds after the beginning.
    pub fn invoke(
        &mut self,
        millis: u64,
        process: u32,
        function: Function,
        value: impl Into<Value>,
    ) -> Open {
        self.invoke_in(Phase::Load, millis, process, function, value)
    }

    /// A process invokes an operation in this phase of the run.
    pub fn invoke_in(
        &mut self,
        phase: Phase,
        millis: u64,
        process: u32,
        function: Function,
        value: impl Into<Value>,
    ) -> Open {
        self.invoke_at(Time::from_millis(millis), phase, process, function, value)
    }

    /// A process invokes an operation at this time.
    pub fn invoke_at(
        &mut self,
        time: Time,
        phase: Phase,
        process: u32,
        function: Function,
        value: impl Into<Value>,
    ) -> Open {
        let index = self.index();
        let nodes = self.history.nodes.len();
        let node = u16::try_from(process).ok().filter(|node| usize::from(*node) < nodes);
        Open(self.history.invoke(Event {
            index,
            time,
            kind: EventKind::Invoke,
            process,
            function,
            value: value.into(),
            error: Value::Null,
            phase,
            node,
        }))
    }

    /// An operation completes, so many milliseconds after the beginning. `result` is what it
    /// returned, or why it failed.
    pub fn end(&mut self, millis: u64, open: Open, outcome: Outcome, result: Value) {
        self.end_at(Time::from_millis(millis), open, outcome, result);
    }

    /// An operation completes at this time.
    pub fn end_at(&mut self, time: Time, open: Open, outcome: Outcome, result: Value) {
        let index = self.index();
        self.history.complete(open.0, index, time, outcome, result);
    }

    /// An operation that succeeds within a millisecond. Returns the event index of its invocation,
    /// by which verdicts name it.
    pub fn ok(
        &mut self,
        millis: u64,
        process: u32,
        function: Function,
        value: impl Into<Value>,
        result: Value,
    ) -> u32 {
        let open = self.invoke(millis, process, function, value);
        self.end(millis + 1, open, Outcome::Ok, result);
        self.index_of(open)
    }

    /// The event index of an operation's invocation.
    pub fn index_of(&self, open: Open) -> u32 {
        self.operation(open).index
    }

    /// The operation as it is so far.
    pub fn operation(&self, open: Open) -> &Operation {
        &self.history.operations[open.0]
    }
}
