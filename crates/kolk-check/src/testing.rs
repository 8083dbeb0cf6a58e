//! Histories in a few words, for tests.

use kolk_history::{Event, EventKind, Function, History, Outcome, Phase, Value};
use kolk_protocol::Time;

/// Builds a history event by event; times are in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub history: History,
    next: u32,
}

/// An operation that is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open(usize);

impl Story {
    pub(crate) fn new(nodes: usize) -> Story {
        let nodes = (0..nodes).map(|node| format!("n{node}")).collect();
        Story { history: History::new(nodes), next: 0 }
    }

    fn index(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    pub(crate) fn invoke(
        &mut self,
        millis: u64,
        node: u16,
        function: Function,
        value: impl Into<Value>,
    ) -> Open {
        self.invoke_in(Phase::Load, millis, node, function, value)
    }

    pub(crate) fn invoke_in(
        &mut self,
        phase: Phase,
        millis: u64,
        node: u16,
        function: Function,
        value: impl Into<Value>,
    ) -> Open {
        let index = self.index();
        let known = usize::from(node) < self.history.nodes.len();
        Open(self.history.invoke(Event {
            index,
            time: Time::from_millis(millis),
            kind: EventKind::Invoke,
            process: u32::from(node),
            function,
            value: value.into(),
            error: Value::Null,
            phase,
            node: known.then_some(node),
        }))
    }

    pub(crate) fn end(&mut self, millis: u64, open: Open, outcome: Outcome, result: Value) {
        let index = self.index();
        self.history.complete(open.0, index, Time::from_millis(millis), outcome, result);
    }

    /// An `ok` operation that takes a millisecond, with what it returns.
    pub(crate) fn ok(
        &mut self,
        millis: u64,
        node: u16,
        function: Function,
        value: impl Into<Value>,
        result: Value,
    ) -> u32 {
        let open = self.invoke(millis, node, function, value);
        self.end(millis + 1, open, Outcome::Ok, result);
        self.history.operations[open.0].index
    }

    /// An acknowledged broadcast.
    pub(crate) fn add(&mut self, millis: u64, node: u16, value: i64) -> u32 {
        self.ok(millis, node, Function::Broadcast, value, Value::Null)
    }

    /// An `ok` read.
    pub(crate) fn read(&mut self, millis: u64, node: u16, values: &[i64]) -> u32 {
        self.ok(millis, node, Function::Read, Value::Null, Value::ints(values.to_vec()))
    }

    /// An `ok` read in another phase.
    pub(crate) fn read_in(&mut self, phase: Phase, millis: u64, node: u16, values: &[i64]) -> u32 {
        let open = self.invoke_in(phase, millis, node, Function::Read, Value::Null);
        self.end(millis + 1, open, Outcome::Ok, Value::ints(values.to_vec()));
        self.history.operations[open.0].index
    }
}
