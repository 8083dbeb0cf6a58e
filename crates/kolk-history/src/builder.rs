//! From events, in the order of a file, to a history.

use std::collections::BTreeMap;

use kolk_protocol::Time;
use thiserror::Error;

use crate::history::{Event, EventKind, FaultEvent, History};
use crate::{Function, Outcome, Phase, Value};

/// Why an event does not follow those before it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum BuildError {
    #[error("index {found} where {least} or more is due")]
    IndexOrder { found: u32, least: u32 },
    #[error("a history holds at most {} events", u32::MAX)]
    TooLong,
    #[error("process {process} invokes `{function}` while its `{open}` is still open")]
    StillOpen { process: u32, function: Function, open: Function },
    #[error("process {process} completes `{function}`, which it never invoked")]
    NeverInvoked { process: u32, function: Function },
    #[error("an operation without a function")]
    NoFunction,
    #[error(
        "process {process} invokes an operation, but event {index} completes one of process \
         {bare}, which it never invoked: either all operations are invoked, or none is"
    )]
    InvokedAfterAll { process: u32, bare: u32, index: u32 },
    #[error("process {process} completes `{function}`, but it had invoked `{open}`")]
    OtherFunction { process: u32, function: Function, open: Function },
    #[error("more than {} nodes", u16::MAX)]
    TooManyNodes,
}

/// A client's event as a file says it: what it leaves out is filled in.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub index: Option<u32>,
    pub time: Option<Time>,
    pub kind: EventKind,
    pub process: u32,
    /// Elle's histories of transactions may do without.
    pub function: Option<Function>,
    pub value: Value,
    pub error: Value,
    pub phase: Phase,
    pub node: Option<&'a str>,
}

/// What a value alone tells of its function: micro-operations are a transaction's.
fn function_of(value: &Value) -> Option<Function> {
    let is_micro_op = |value: &Value| match value {
        Value::List(parts) => parts.first().is_some_and(|first| first.as_str().is_some()),
        _ => false,
    };
    let is_transaction = match value {
        Value::MicroOps(_) => true,
        Value::List(values) => values.iter().all(is_micro_op),
        _ => false,
    };
    is_transaction.then_some(Function::Txn)
}

/// Each process's open operation, as its position. Most processes have small numbers.
#[derive(Debug, Default)]
struct Open {
    small: Vec<Option<usize>>,
    large: BTreeMap<u32, usize>,
}

impl Open {
    const SMALL: u32 = 1 << 16;

    fn get(&self, process: u32) -> Option<usize> {
        match self.small.get(process as usize) {
            Some(open) => *open,
            None => self.large.get(&process).copied(),
        }
    }

    fn insert(&mut self, process: u32, position: usize) {
        if process >= Open::SMALL {
            self.large.insert(process, position);
            return;
        }
        let at = process as usize;
        self.small.resize(self.small.len().max(at + 1), None);
        self.small[at] = Some(position);
    }

    fn remove(&mut self, process: u32) -> Option<usize> {
        match self.small.get_mut(process as usize) {
            Some(open) => open.take(),
            None => self.large.remove(&process),
        }
    }
}

/// Pairs invocations with completions.
#[derive(Debug, Default)]
pub(crate) struct HistoryBuilder {
    history: History,
    open: Open,
    /// The value last asked for by each function: many ask for the same again and again.
    asked: BTreeMap<Function, Value>,
    /// The first completion, with its process and index, in a history that has no invocations.
    bare: Option<(u32, u32)>,
    next_index: u32,
    last_time: Time,
}

impl HistoryBuilder {
    /// Nothing yet; nodes that turn up and are not among `nodes` are appended to them.
    pub(crate) fn new(nodes: Vec<String>) -> HistoryBuilder {
        HistoryBuilder { history: History::new(nodes), ..HistoryBuilder::default() }
    }

    /// Appends an event of a client.
    pub(crate) fn event(&mut self, record: Record<'_>) -> Result<(), BuildError> {
        let (index, time) = self.place(record.index, record.time)?;
        match record.kind {
            EventKind::Invoke => self.invoke(index, time, record),
            EventKind::Complete(outcome) => self.complete(index, time, outcome, record),
        }
    }

    fn invoke(&mut self, index: u32, time: Time, record: Record<'_>) -> Result<(), BuildError> {
        let process = record.process;
        if let Some((bare, index)) = self.bare {
            return Err(BuildError::InvokedAfterAll { process, bare, index });
        }
        let function = record.function.or_else(|| function_of(&record.value));
        let function = function.ok_or(BuildError::NoFunction)?;
        if let Some(position) = self.open.get(process) {
            let open = self.history.operations[position].function;
            return Err(BuildError::StillOpen { process, function, open });
        }
        let position = self.begin(index, time, function, record)?;
        self.open.insert(process, position);
        Ok(())
    }

    fn begin(
        &mut self,
        index: u32,
        time: Time,
        function: Function,
        record: Record<'_>,
    ) -> Result<usize, BuildError> {
        let node = record.node.map(|name| self.node(name)).transpose()?;
        let value = self.shared(function, record.value);
        Ok(self.history.invoke(Event {
            index,
            time,
            kind: EventKind::Invoke,
            process: record.process,
            function,
            value,
            error: Value::Null,
            phase: record.phase,
            node,
        }))
    }

    fn complete(
        &mut self,
        index: u32,
        time: Time,
        outcome: Outcome,
        record: Record<'_>,
    ) -> Result<(), BuildError> {
        let Record { process, function, .. } = record;
        let Some(position) = self.open.remove(process) else {
            return self.bare_transaction(index, time, outcome, record);
        };
        let operation = &self.history.operations[position];
        let open = operation.function;
        if let Some(function) = function.filter(|function| open != *function) {
            return Err(BuildError::OtherFunction { process, function, open });
        }
        let result = if outcome == Outcome::Ok {
            record.value
        } else {
            if !record.value.is_null() && record.value != operation.value {
                let position = u32::try_from(position).map_err(|_| BuildError::TooLong)?;
                self.history.partial.insert(position, record.value);
            }
            record.error
        };
        self.history.complete(position, index, time, outcome, result);
        Ok(())
    }

    /// A transaction that was never invoked, as Elle takes them: where nothing is ever invoked, all
    /// that completions say is what was done, and in which order by each process.
    fn bare_transaction(
        &mut self,
        index: u32,
        time: Time,
        outcome: Outcome,
        mut record: Record<'_>,
    ) -> Result<(), BuildError> {
        let process = record.process;
        let function = record.function.or_else(|| function_of(&record.value));
        let function = function.ok_or(BuildError::NoFunction)?;
        let is_bare = self.bare.is_some() || self.history.operations.is_empty();
        if !is_bare || function != Function::Txn {
            return Err(BuildError::NeverInvoked { process, function });
        }
        self.bare.get_or_insert((process, index));
        let end = index.checked_add(1).ok_or(BuildError::TooLong)?;
        let error = std::mem::take(&mut record.error);
        let result = if outcome == Outcome::Ok { record.value.clone() } else { error };
        let position = self.begin(index, time, function, record)?;
        self.history.complete(position, end, time, outcome, result);
        Ok(())
    }

    /// Appends a fault's event.
    pub(crate) fn fault(
        &mut self,
        index: Option<u32>,
        time: Option<Time>,
        function: String,
        value: Value,
    ) -> Result<(), BuildError> {
        let (index, time) = self.place(index, time)?;
        self.history.faults.push(FaultEvent { index, time, function, value });
        Ok(())
    }

    /// Passes over an event that is neither a client's nor a fault's.
    pub(crate) fn skip(
        &mut self,
        index: Option<u32>,
        time: Option<Time>,
    ) -> Result<(), BuildError> {
        self.place(index, time).map(drop)
    }

    /// True if there is no operation yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.history.operations.is_empty()
    }

    /// Takes note that the text breaks off in this line.
    pub(crate) fn cut(&mut self, line: u64) {
        self.history.cut = Some(line);
    }

    /// The history. What was never completed stays `info`.
    pub(crate) fn finish(mut self) -> History {
        self.history.bare = self.bare.is_some();
        self.history.untimed |= self.history.bare;
        self.history
    }

    /// An event's index and time: those given, or the next index and the time before.
    fn place(&mut self, index: Option<u32>, time: Option<Time>) -> Result<(u32, Time), BuildError> {
        let index = index.unwrap_or(self.next_index);
        if index < self.next_index {
            return Err(BuildError::IndexOrder { found: index, least: self.next_index });
        }
        self.next_index = index.checked_add(1).ok_or(BuildError::TooLong)?;
        self.last_time = time.unwrap_or(self.last_time);
        Ok((index, self.last_time))
    }

    /// The same value, sharing what it holds with the one before if that is equal.
    fn shared(&mut self, function: Function, value: Value) -> Value {
        let last = self.asked.entry(function).or_default();
        if *last != value {
            *last = value;
        }
        last.clone()
    }

    fn node(&mut self, name: &str) -> Result<u16, BuildError> {
        let nodes = &mut self.history.nodes;
        let position = nodes.iter().position(|node| node == name).unwrap_or_else(|| {
            nodes.push(name.to_owned());
            nodes.len() - 1
        });
        u16::try_from(position).map_err(|_| BuildError::TooManyNodes)
    }
}
