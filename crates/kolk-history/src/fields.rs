//! An event as a record of a file says it, whatever the file's format.
//!
//! Readers of JSON and of EDN take a record's fields apart; what the fields mean is decided here.

use std::borrow::Cow;

use kolk_protocol::Time;

use crate::batch::{Batch, Entry};
use crate::builder::Record;
use crate::history::EventKind;
use crate::operation::UnknownFunction;
use crate::{Function, Outcome, Phase, Value};

/// Who an event belongs to.
#[derive(Debug)]
pub(crate) enum Process {
    /// A client's process, by its number.
    Client(i64),
    /// Whoever makes faults.
    Nemesis,
    /// Somebody else, whose events are passed over.
    Other,
}

impl Process {
    /// The process of that name.
    pub(crate) fn named(name: &str) -> Process {
        if plain(name) == "nemesis" { Process::Nemesis } else { Process::Other }
    }
}

/// The fields of an event; what the record leaves out is `None` or null.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    /// Negative where Jepsen never gave one.
    pub index: Option<i64>,
    pub time: Option<u64>,
    pub kind: Option<Cow<'a, str>>,
    pub process: Option<Process>,
    pub function: Option<Cow<'a, str>>,
    pub key: Option<Value>,
    pub value: Value,
    pub error: Value,
    pub is_final: bool,
    pub convergence: bool,
    pub node: Option<Cow<'a, str>>,
}

impl Fields<'_> {
    /// Adds the event that this is, at its place in the text, to a batch.
    ///
    /// # Errors
    ///
    /// If it is not an event; says why.
    pub(crate) fn add(self, place: usize, batch: &mut Batch) -> Result<(), String> {
        let index = self.index.filter(|index| *index >= 0).map(|index| {
            u32::try_from(index).map_err(|_| format!("index {index} needs more than 32 bits"))
        });
        let (index, time) = (index.transpose()?, self.time.map(Time::from_nanos));
        let process = match self.process.ok_or("an event without a process")? {
            Process::Client(process) => u32::try_from(process)
                .map_err(|_| format!("process {process} is not an integer of 32 bits"))?,
            Process::Nemesis => {
                let function = self.function.ok_or("a fault's event without a function")?;
                let function = plain(&function).to_owned();
                batch.push(place, Entry::Fault { index, time, function, value: self.value });
                return Ok(());
            }
            Process::Other => {
                batch.push(place, Entry::Skip { index, time });
                return Ok(());
            }
        };
        let name = self.kind.ok_or("an event without a type")?;
        let kind = kind(&name).ok_or_else(|| format!("unknown type `{name}`"))?;
        let function = self.function.as_deref().map(function).transpose();
        let record = Record {
            index,
            time,
            kind,
            process,
            function: function.map_err(|error| error.to_string())?,
            value: match self.key {
                Some(key) => Value::list(vec![key, self.value]),
                None => self.value,
            },
            error: self.error,
            phase: phase(self.is_final, self.convergence),
            node: self.node.as_deref(),
        };
        batch.client(place, record);
        Ok(())
    }
}

/// A keyword's name without its colon, which some writers of JSON leave in its place.
fn plain(name: &str) -> &str {
    name.strip_prefix(':').unwrap_or(name)
}

/// The function of that name. Stores of texts call reading *get*, and writing *put*.
pub(crate) fn function(name: &str) -> Result<Function, UnknownFunction> {
    match plain(name) {
        "get" => Ok(Function::Read),
        "put" => Ok(Function::Write),
        name => name.parse(),
    }
}

/// The event's kind that a type's name stands for.
pub(crate) fn kind(name: &str) -> Option<EventKind> {
    Some(match plain(name) {
        "invoke" => EventKind::Invoke,
        "ok" => EventKind::Complete(Outcome::Ok),
        "fail" => EventKind::Complete(Outcome::Fail),
        "info" => EventKind::Complete(Outcome::Info),
        _ => return None,
    })
}

/// The part of the run that the two marks stand for.
fn phase(is_final: bool, convergence: bool) -> Phase {
    match (is_final, convergence) {
        (_, true) => Phase::Convergence,
        (true, false) => Phase::Final,
        (false, false) => Phase::Load,
    }
}
