//! Convergence: what transactions wrote, as each node is read when the faults have healed.
//!
//! No isolation level asks that nodes come to agree, and so Elle has nothing against a node
//! that keeps its writes to itself, or one that reads nothing where something was written. These
//! findings are stronger ones, and hold under every consistency model:
//!
//! - `diverged`: nodes do not have the same value of a key;
//! - `lost-write`: a write that happened is nowhere, and nothing overwrote it. A write happened if
//!   its transaction was acknowledged, or if another write of the same transaction is still there.
//!   Of a list, every element that was appended must be there. Of a register there must be
//!   something, and not what the transaction that wrote it overwrote itself; any other write may
//!   have come last;
//! - `aborted-write`: what a transaction wrote that failed;
//! - `garbage-read`: what nobody wrote;
//! - `duplicate-elements`: an element that is in a list twice;
//! - `silent`: a node that answers no read.
//!
//! Where nodes agree, the [end](last) also tells the order in which transactions wrote, and with it
//! cycles that the models asked for forbid.

mod last;

use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation, Outcome, Phase, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::codes::Codes;
use super::table::Datatype;
use super::words::plain;
use crate::check::{Anomaly, Check, PROOF_MAX};
use crate::convergence::{LastReads, Reader};
use crate::kind::Kind;
use crate::models::Models;
use crate::tree::some_of;

/// How many elements of a list a sentence shows: the last ones.
const ELEMENTS_MAX: usize = 12;

/// Adds what does not converge to `check`.
pub(crate) fn check(check: &mut Check, history: &History, kind: Datatype, requested: Models) {
    let Some(reads) = LastReads::find(check, history, Function::Txn, &[Phase::Convergence]) else {
        return;
    };
    let mut codes = Codes::default();
    let mut keys: BTreeMap<i64, Vec<End<'_>>> = BTreeMap::new();
    for (reader, read) in reads.answered() {
        for (key, value) in micro_ops(&read.result, "r") {
            let values = contents(&mut codes, value, kind);
            keys.entry(codes.code(key)).or_default().push(End { reader, read, values });
        }
    }
    let written = Written::new(history, &mut codes, kind);
    let state = State { reads: &reads, codes, keys, written, kind };
    state.diverged(check);
    state.lost(check);
    state.unfounded(check);
    if check.count_of(Kind::Diverged) == 0 {
        last::check(check, history, &state, requested);
    }
    reads.report_silent(check);
}

/// What one node has of a key at the end.
struct End<'a> {
    reader: Reader,
    read: &'a Operation,
    /// A list's elements; a register's value, if it has any.
    values: Vec<i64>,
}

/// A write of a value to a key.
#[derive(Clone, Copy)]
struct Write<'a> {
    transaction: &'a Operation,
    /// Whether it is what its transaction leaves there: an append, or the last write of the key.
    is_left: bool,
}

/// Who wrote what.
struct Written<'a> {
    /// By key and value.
    writes: FxHashMap<(i64, i64), Write<'a>>,
    /// The transactions that may have happened, with what each leaves: key and value.
    transactions: Vec<(&'a Operation, Vec<(i64, i64)>)>,
}

impl<'a> Written<'a> {
    fn new(history: &'a History, codes: &mut Codes, kind: Datatype) -> Written<'a> {
        let mut written = Written { writes: FxHashMap::default(), transactions: Vec::new() };
        for transaction in history.counted().filter(|op| op.function == Function::Txn) {
            let mut left: Vec<(i64, i64)> = Vec::new();
            for (key, value) in micro_ops(&transaction.value, kind.function()) {
                let write = (codes.code(key), codes.code(value));
                if kind == Datatype::Register
                    && let Some(at) = left.iter().position(|(key, _)| *key == write.0)
                {
                    let overwritten = left.remove(at);
                    if let Some(write) = written.writes.get_mut(&overwritten) {
                        write.is_left = false;
                    }
                }
                written.writes.insert(write, Write { transaction, is_left: true });
                left.push(write);
            }
            if transaction.outcome != Outcome::Fail && !left.is_empty() {
                written.transactions.push((transaction, left));
            }
        }
        written
    }
}

/// The keys and values of a transaction's micro-operations of this name.
fn micro_ops<'a>(
    transaction: &'a Value,
    function: &'static str,
) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let micro_ops: &[Value] = if let Value::List(list) = transaction { list } else { &[] };
    micro_ops.iter().filter_map(move |micro_op| match micro_op {
        Value::List(parts) => match parts.as_slice() {
            [name, key, value] if name.as_str() == Some(function) => Some((key, value)),
            _ => None,
        },
        _ => None,
    })
}

/// What a read saw, as codes.
fn contents(codes: &mut Codes, value: &Value, kind: Datatype) -> Vec<i64> {
    match (value, kind) {
        (Value::Null, _) => Vec::new(),
        (Value::Ints(ints), Datatype::List) => ints.iter().map(|int| codes.int(*int)).collect(),
        (Value::List(list), Datatype::List) => list.iter().map(|value| codes.code(value)).collect(),
        (value, _) => vec![codes.code(value)],
    }
}

/// Everything there is to compare.
struct State<'a> {
    reads: &'a LastReads<'a>,
    codes: Codes,
    /// By key: what each node has.
    keys: BTreeMap<i64, Vec<End<'a>>>,
    written: Written<'a>,
    kind: Datatype,
}

impl State<'_> {
    /// Registers and the values that they have at every node, where it is the same.
    fn agreed(&self) -> impl Iterator<Item = (Value, Value)> {
        self.keys.iter().filter_map(|(key, ends)| {
            let [value] = ends.first()?.values[..] else { return None };
            let is_same = ends.iter().all(|end| end.values == [value]);
            is_same.then(|| (self.codes.value(*key), self.codes.value(value)))
        })
    }

    fn diverged(&self, check: &mut Check) {
        for (key, ends) in &self.keys {
            let mut different: Vec<&End<'_>> = Vec::new();
            for end in ends {
                if different.iter().all(|other| other.values != end.values) {
                    different.push(end);
                }
            }
            if different.len() < 2 {
                continue;
            }
            check.stronger(Kind::Diverged, || {
                let who_has = |one: &&End<'_>| {
                    let same = ends.iter().filter(|end| end.values == one.values);
                    let names: Vec<String> = same.map(|end| self.reads.name(end.reader)).collect();
                    let names = some_of(names.iter(), PROOF_MAX);
                    format!("{} at {names}", self.values_text(&one.values))
                };
                let shown: Vec<String> = different.iter().take(PROOF_MAX).map(who_has).collect();
                let more = different.len().saturating_sub(PROOF_MAX);
                let more = if more == 0 { String::new() } else { format!("; {more} values more") };
                let claim = format!(
                    "key {} does not come to the same everywhere: it is {}{more}",
                    self.name(*key),
                    shown.join("; ")
                );
                let reads = different.iter().map(|end| end.read.index);
                let values = different.iter().filter_map(|end| end.values.last());
                let writers = values.filter_map(|value| self.written.writes.get(&(*key, *value)));
                let writers = writers.map(|write| write.transaction.index);
                let proof = reads.chain(writers).take(PROOF_MAX).collect();
                let anomaly = Anomaly::new(Kind::Diverged, claim, proof).of_key(self.name(*key));
                anomaly.of_values(
                    different
                        .iter()
                        .filter_map(|end| end.values.last().map(|value| self.codes.value(*value))),
                )
            });
        }
    }

    /// Reports writes that happened and are nowhere.
    fn lost(&self, check: &mut Check) {
        let there: FxHashSet<(i64, i64)> = self
            .keys
            .iter()
            .flat_map(|(key, ends)| {
                ends.iter().flat_map(|end| end.values.iter().map(|value| (*key, *value)))
            })
            .collect();
        for (transaction, left) in &self.written.transactions {
            let witness = left.iter().copied().find(|write| there.contains(write));
            if !transaction.is_ok() && witness.is_none() {
                continue;
            }
            for (key, value) in left.iter().copied().filter(|write| !there.contains(write)) {
                let Some(ends) = self.keys.get(&key) else { continue };
                if let Some(how) = self.how_lost(key, transaction, ends) {
                    check.stronger(Kind::LostWrite, || {
                        let reads = ends.iter().map(|end| end.read.index);
                        let proof = std::iter::once(transaction.index).chain(reads);
                        let claim = format!(
                            "{} {}, and {how}",
                            self.write_text((key, value), transaction),
                            happened(transaction, witness.map(|write| self.name(write.0)))
                        );
                        Anomaly::new(Kind::LostWrite, claim, proof.take(PROOF_MAX).collect())
                            .of_key(self.name(key))
                            .of_values([self.codes.value(value)])
                    });
                }
            }
        }
    }

    /// How it shows that a write that is nowhere has vanished, if it does.
    fn how_lost(&self, key: i64, transaction: &Operation, ends: &[End<'_>]) -> Option<String> {
        let name = self.name(key);
        if self.kind == Datatype::List {
            return Some(format!("in the end it is nowhere in the list of key {name}"));
        }
        if ends.iter().all(|end| end.values.is_empty()) {
            return Some(format!("in the end there is nothing in key {name}"));
        }
        let early = ends.iter().flat_map(|end| &end.values).find(|value| {
            let write = self.written.writes.get(&(key, **value));
            write
                .is_some_and(|write| !write.is_left && write.transaction.index == transaction.index)
        })?;
        let value = self.codes.value(*early);
        Some(format!("in the end key {name} has {value}, which it overwrote itself"))
    }

    /// Reports what is there and should not be.
    fn unfounded(&self, check: &mut Check) {
        for (key, ends) in &self.keys {
            let mut known: FxHashSet<i64> = FxHashSet::default();
            for end in ends {
                let mut of_this_node: FxHashSet<i64> = FxHashSet::default();
                for value in &end.values {
                    if !of_this_node.insert(*value) {
                        check.stronger(Kind::DuplicateElements, || {
                            let text = format!("contains {} twice", self.codes.value(*value));
                            self.at_end(Kind::DuplicateElements, *key, end, &text, None)
                        });
                    }
                    if known.insert(*value) {
                        self.unfounded_value(check, *key, end, *value);
                    }
                }
            }
        }
    }

    fn unfounded_value(&self, check: &mut Check, key: i64, end: &End<'_>, value: i64) {
        let shown = self.codes.value(value);
        match self.written.writes.get(&(key, value)) {
            None => check.stronger(Kind::GarbageRead, || {
                let text = format!("has {shown}, but nobody ever wrote that");
                self.at_end(Kind::GarbageRead, key, end, &text, None)
            }),
            Some(write) if write.transaction.outcome == Outcome::Fail => {
                check.stronger(Kind::AbortedWrite, || {
                    let writer = write.transaction.index;
                    let text =
                        format!("has {shown}, but operation {writer}, which wrote that, failed");
                    self.at_end(Kind::AbortedWrite, key, end, &text, Some(writer))
                });
            }
            Some(_) => {}
        }
    }

    fn at_end(
        &self,
        kind: Kind,
        key: i64,
        end: &End<'_>,
        text: &str,
        writer: Option<u32>,
    ) -> Anomaly {
        let who = self.reads.name(end.reader);
        let claim = format!("in the end key {} {text} (read at {who})", self.name(key));
        let operations = std::iter::once(end.read.index).chain(writer).collect();
        let anomaly = Anomaly::new(kind, claim, operations).of_key(self.name(key));
        Anomaly { node: self.reads.node(end.reader), ..anomaly }
    }

    /// A key in a sentence.
    fn name(&self, key: i64) -> String {
        plain(&self.codes.value(key))
    }

    fn write_text(&self, (key, value): (i64, i64), transaction: &Operation) -> String {
        let (name, value) = (self.name(key), self.codes.value(value));
        match self.kind {
            Datatype::List => {
                format!("operation {} appended {value} to key {name}", transaction.index)
            }
            Datatype::Register => {
                format!("operation {} set key {name} to {value}", transaction.index)
            }
        }
    }

    /// What a node has of a key, in a sentence.
    fn values_text(&self, values: &[i64]) -> String {
        let hidden = values.len().saturating_sub(ELEMENTS_MAX);
        let shown: Vec<String> =
            values[hidden..].iter().map(|value| self.codes.value(*value).to_string()).collect();
        match (self.kind, hidden) {
            _ if values.is_empty() => "nothing".to_owned(),
            (Datatype::Register, _) => shown.concat(),
            (Datatype::List, 0) => format!("[{}]", shown.join(" ")),
            (Datatype::List, _) => format!("[({hidden} more) {}]", shown.join(" ")),
        }
    }
}

/// How it is known that a transaction happened.
fn happened(transaction: &Operation, witness: Option<String>) -> String {
    match witness {
        Some(key) if !transaction.is_ok() => {
            format!("and happened, since its write of key {key} is there")
        }
        _ => "and was acknowledged".to_owned(),
    }
}

#[cfg(test)]
mod tests;
