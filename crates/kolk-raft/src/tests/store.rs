//! The state machine of the simulations, a small key-value store, and the history of its clients.

use std::collections::BTreeMap;

use kolk_check::linearizable::{Model, check};
use kolk_history::{Event, EventKind, Function, History, Outcome, Phase, Value};
use kolk_protocol::Time;

/// The state: values by key.
pub(super) type State = BTreeMap<i64, i64>;

/// A command, with the number of the operation that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) id: u64,
    pub(super) key: i64,
    /// What must be there.
    pub(super) from: Option<i64>,
    pub(super) to: i64,
}

impl Command {
    /// Performs it; says whether what had to be there was.
    pub(super) fn perform(&self, state: &mut State) -> bool {
        let fits = self.from.is_none_or(|from| state.get(&self.key) == Some(&from));
        if fits {
            state.insert(self.key, self.to);
        }
        fits
    }
}

/// What clients did and saw.
#[derive(Default)]
pub(super) struct Record {
    history: History,
    next: u32,
}

impl Record {
    fn index(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// A client's process asks; returns the operation's position.
    pub(super) fn invoke(&mut self, now: u64, process: u32, ask: Ask) -> usize {
        let (function, value) = match ask {
            Ask::Read(key) => (Function::Read, Value::list(vec![Value::Int(key), Value::Null])),
            Ask::Write(Command { key, from: None, to, .. }) => {
                (Function::Write, Value::ints(vec![key, to]))
            }
            Ask::Write(Command { key, from: Some(from), to, .. }) => {
                let swap = Value::ints(vec![from, to]);
                (Function::Cas, Value::list(vec![Value::Int(key), swap]))
            }
        };
        let index = self.index();
        self.history.invoke(Event {
            index,
            time: Time::from_nanos(now),
            kind: EventKind::Invoke,
            process,
            function,
            value,
            error: Value::Null,
            phase: Phase::Load,
            node: None,
        })
    }

    pub(super) fn complete(
        &mut self,
        now: u64,
        operation: usize,
        outcome: Outcome,
        seen: Option<Value>,
    ) {
        let index = self.index();
        let asked = self.history.operations[operation].value.clone();
        let result = match outcome {
            Outcome::Ok => seen.unwrap_or(asked),
            _ => Value::Null,
        };
        self.history.complete(operation, index, Time::from_nanos(now), outcome, result);
    }

    /// Why it is not linearizable.
    pub(super) fn judge(&self) -> Result<(), String> {
        let check = check(&self.history, Model::LinKv);
        let mut found = check.anomalies.iter().chain(&check.stronger);
        match found.next() {
            Some(anomaly) => Err(anomaly.kind.to_string()),
            None => Ok(()),
        }
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Read(i64),
    Write(Command),
}
