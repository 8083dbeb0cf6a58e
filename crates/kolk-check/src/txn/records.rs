//! What clients know of transactions, and tables of it, for tests.

use std::fmt;

use kolk_history::Outcome;

use super::rw_register::AssumedKeys;
use super::table::{Builder, Datatype, NONE, Table, Transaction};
use super::{list_append, rw_register};
use crate::check::Check;
use crate::models::{Model, Models};

/// What a transaction did to a key: read all these values, of which a register shows the last; or
/// wrote one.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Read(i64, Vec<i64>),
    Write(i64, i64),
}

impl Op {
    pub(super) fn key(&self) -> i64 {
        match self {
            Op::Read(key, _) | Op::Write(key, _) => *key,
        }
    }

    /// The value written, if it writes this key.
    pub(super) fn writes(&self, key: i64) -> Option<i64> {
        match self {
            Op::Write(other, value) if *other == key => Some(*value),
            _ => None,
        }
    }
}

/// What the client knows of a transaction. Instants are numbers of events.
#[derive(Clone)]
pub(super) struct Record {
    pub process: u32,
    pub invoked: u32,
    /// When it was told how it ended, if ever.
    pub completed: Option<u32>,
    pub outcome: Outcome,
    pub ops: Vec<Op>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { process, invoked, completed, outcome, .. } = self;
        write!(f, "{process}: {invoked} to {completed:?} {outcome:?}")?;
        self.ops.iter().try_for_each(|op| match op {
            Op::Read(key, seen) => write!(f, " r{key}={seen:?}"),
            Op::Write(key, value) => write!(f, " w{key}={value}"),
        })
    }
}

impl Record {
    pub(super) fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    pub(super) fn writes(&self, key: i64) -> impl Iterator<Item = i64> {
        self.ops.iter().filter_map(move |op| op.writes(key))
    }

    /// True if this one was acknowledged before the other was invoked.
    pub(super) fn is_before(&self, other: &Record) -> bool {
        self.is_ok() && self.completed.is_some_and(|completed| completed < other.invoked)
    }
}

/// The table of what happened.
pub(super) fn table(kind: Datatype, records: &[Record]) -> Table {
    let mut records: Vec<&Record> = records.iter().collect();
    records.sort_by_key(|record| record.completed.unwrap_or(NONE));
    let mut builder = Builder::new(kind);
    for record in records {
        builder.begin(Transaction {
            first: 0,
            index: record.invoked,
            completion: record.completed.unwrap_or(NONE),
            process: record.process,
            outcome: record.outcome,
        });
        for op in &record.ops {
            match op {
                Op::Write(key, value) => builder.write(*key, *value),
                Op::Read(key, _) if !record.is_ok() => builder.read_unknown(*key),
                Op::Read(key, seen) if kind == Datatype::List => builder.read_list(*key, seen),
                Op::Read(key, seen) => builder.read_register(*key, seen.last().copied()),
            }
        }
    }
    builder.finish()
}

/// What the kind's checker says; of registers under these assumptions.
pub(super) fn check(table: &Table, models: &[Model], keys: AssumedKeys) -> Check {
    match table.kind {
        Datatype::List => list_append::check_table(table, Models::new(models)),
        Datatype::Register => rw_register::check_table(table, Models::new(models), keys),
    }
}
