//! A history of transactions as columns of small integers.
//!
//! Transactions are numbered in the order of their completions, those that never completed last.
//! Keys and the values written to them (*elements*) are numbered as they turn up, values that
//! nobody wrote after all others. A read of a list is stored as a length: lists grow by appends
//! only, so almost all reads of a key are prefixes of the longest one, its *spine*, and the rare
//! read that is not is kept beside. Ten million list elements thus cost a comparison each and no
//! memory.

mod builder;
mod elements;
mod index;
mod malformed;
mod odd;
mod resolve;

use std::collections::BTreeSet;

use kolk_history::micro_ops::MicroFunction;
use kolk_history::{Outcome, Value};

use super::codes::Codes;

pub(crate) use builder::Builder;
use elements::Elements;
pub(crate) use elements::Origin;
pub(crate) use malformed::Malformed;

/// No transaction, no element: where a number may be missing.
pub(crate) const NONE: u32 = u32::MAX;

/// What keys hold, and so what writes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datatype {
    /// Lists: `append` adds an element.
    List,
    /// Registers: `w` sets one.
    Register,
}

impl Datatype {
    /// The micro-operation's name.
    pub(crate) const fn function(self) -> &'static str {
        match self {
            Datatype::List => "append",
            Datatype::Register => "w",
        }
    }

    pub(super) const fn micro_function(self) -> MicroFunction {
        match self {
            Datatype::List => MicroFunction::Append,
            Datatype::Register => MicroFunction::Write,
        }
    }
}

/// A transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transaction {
    /// Where its micro-operations begin.
    pub first: u32,
    /// The event index of its invocation.
    pub index: u32,
    /// The event index of its completion; [`NONE`] if it has none.
    pub completion: u32,
    pub process: u32,
    pub outcome: Outcome,
}

/// A micro-operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MicroOp {
    key_and_write: u32,
    /// A write's element; what a read saw, as [`Table::read`] tells.
    value: u32,
    /// Of the value written, or of a register's that was read.
    origin: Origin,
}

/// What a read saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Nobody knows: the transaction is not known to have happened.
    Unknown,
    /// A register's value; `None` if it was never written.
    Register(Option<u32>),
    /// So many elements of the key's spine.
    Prefix(u32),
    /// A list that is no prefix of the spine: its place in [`Table::odd`].
    Odd(u32),
}

const WRITE: u32 = 1 << 31;
const UNKNOWN: u32 = u32::MAX;
const NIL: u32 = u32::MAX - 1;
const ODD: u32 = 1 << 31;

impl MicroOp {
    pub(crate) const fn key(self) -> u32 {
        self.key_and_write & !WRITE
    }

    pub(crate) const fn is_write(self) -> bool {
        self.key_and_write & WRITE != 0
    }

    /// Who writes the value written, or the register's value that was read. It stands here so that
    /// nobody need look it up: reads come in no order.
    pub(crate) const fn origin(self) -> Origin {
        self.origin
    }

    /// The element written, for a write.
    pub(crate) const fn element(self) -> u32 {
        self.value
    }
}

/// A list that was read and is no prefix of the longest.
#[derive(Clone, Debug)]
pub(crate) struct Odd {
    /// The position of the micro-operation that read it.
    pub operation: u32,
    pub key: u32,
    /// Its elements.
    pub elements: Vec<u32>,
}

/// A history of transactions.
#[derive(Debug)]
pub(crate) struct Table {
    pub kind: Datatype,
    pub transactions: Vec<Transaction>,
    pub operations: Vec<MicroOp>,
    pub elements: Elements,
    /// The codes of the keys' names.
    pub keys: Vec<i64>,
    /// The longest read of each key, one after another.
    spines: Vec<u32>,
    spine_starts: Vec<u32>,
    pub odd: Vec<Odd>,
    codes: Codes,
    /// Operations that are no transactions of this kind.
    pub malformed: Vec<Malformed>,
    /// Of each key that was left out, because a value of it was written twice and read, a sentence.
    pub confused_keys: Vec<String>,
    /// Elements that were written again, with the second transaction.
    pub duplicates: Vec<(u32, u32)>,
    /// True if nothing is known of real time.
    pub untimed: bool,
    /// True if the order of each process belongs to every level.
    pub in_sessions: bool,
}

impl Table {
    /// The number of transactions.
    pub(crate) fn len(&self) -> usize {
        self.transactions.len()
    }

    /// The positions of a transaction's micro-operations.
    pub(crate) fn range(&self, transaction: u32) -> std::ops::Range<usize> {
        let at = transaction as usize;
        let end = self.transactions.get(at + 1).map_or(self.operations.len(), |t| t.first as usize);
        self.transactions[at].first as usize..end
    }

    /// A transaction's micro-operations.
    pub(crate) fn micro_ops(&self, transaction: u32) -> &[MicroOp] {
        &self.operations[self.range(transaction)]
    }

    /// The transaction that a micro-operation belongs to.
    pub(crate) fn owner(&self, operation: u32) -> u32 {
        let after = self.transactions.partition_point(|t| t.first <= operation);
        // Transactions without micro-operations begin where the next one does.
        (after - 1) as u32
    }

    pub(crate) fn outcome(&self, transaction: u32) -> Outcome {
        self.transactions[transaction as usize].outcome
    }

    pub(crate) fn is_ok(&self, transaction: u32) -> bool {
        self.outcome(transaction) == Outcome::Ok
    }

    /// True if the transaction may have happened.
    pub(crate) fn is_possible(&self, transaction: u32) -> bool {
        self.outcome(transaction) != Outcome::Fail
    }

    /// True if it is known of every transaction whether it happened.
    pub(crate) fn is_certain(&self) -> bool {
        self.transactions.iter().all(|transaction| transaction.outcome != Outcome::Info)
    }

    /// What a read saw.
    pub(crate) fn read(&self, operation: MicroOp) -> Read {
        match (operation.value, self.kind) {
            (UNKNOWN, _) => Read::Unknown,
            (NIL, _) => Read::Register(None),
            (element, Datatype::Register) => Read::Register(Some(element)),
            (value, Datatype::List) if value & ODD != 0 => Read::Odd(value & !ODD),
            (length, Datatype::List) => Read::Prefix(length),
        }
    }

    /// The longest read of a key.
    pub(crate) fn spine(&self, key: u32) -> &[u32] {
        let key = key as usize;
        &self.spines[self.spine_starts[key] as usize..self.spine_starts[key + 1] as usize]
    }

    /// Where a key's spine begins among all spines: with a length it makes a number for each
    /// version of each key.
    pub(crate) fn version_number(&self, key: u32, length: u32) -> usize {
        // One number more than elements for each key: the empty list.
        self.spine_starts[key as usize] as usize + key as usize + length as usize
    }

    /// How many version numbers there are.
    pub(crate) fn version_count(&self) -> usize {
        self.spines.len() + self.keys.len()
    }

    /// The list that a read saw.
    pub(crate) fn list(&self, operation: MicroOp) -> Option<&[u32]> {
        match self.read(operation) {
            Read::Prefix(length) => Some(&self.spine(operation.key())[..length as usize]),
            Read::Odd(odd) => Some(&self.odd[odd as usize].elements),
            Read::Unknown | Read::Register(_) => None,
        }
    }

    /// The last element that a read of a list saw, or a register's value: `None` if the read is not
    /// known, `Some(None)` if it saw nothing.
    pub(crate) fn last_read(&self, operation: MicroOp) -> Option<Option<u32>> {
        match self.read(operation) {
            Read::Unknown => None,
            Read::Register(element) => Some(element),
            Read::Prefix(0) => Some(None),
            Read::Prefix(length) => Some(Some(self.spine(operation.key())[length as usize - 1])),
            Read::Odd(odd) => Some(self.odd[odd as usize].elements.last().copied()),
        }
    }

    /// Who writes the last element that a read saw.
    #[inline]
    pub(crate) fn origin_of_read(&self, read: MicroOp, element: u32) -> Origin {
        match self.kind {
            Datatype::Register => read.origin,
            Datatype::List => self.elements.origin(element),
        }
    }

    /// Of each key of which a value was written more than once, and read, one such value with the
    /// second that wrote it.
    pub(crate) fn confused(&self) -> Vec<(u32, u32)> {
        if self.duplicates.is_empty() {
            return Vec::new();
        }
        let mut is_read = vec![false; self.elements.len()];
        let registers = self.operations.iter().filter(|op| !op.is_write());
        let registers = registers.filter_map(|op| match self.read(*op) {
            Read::Register(element) => element,
            _ => None,
        });
        let odd = self.odd.iter().flat_map(|odd| odd.elements.iter().copied());
        let all = registers.chain(odd).chain(self.spines.iter().copied());
        all.for_each(|element| is_read[element as usize] = true);
        let mut keys = BTreeSet::new();
        let duplicates = self.duplicates.iter().copied();
        let read = duplicates.filter(|(element, _)| is_read[*element as usize]);
        read.filter(|(element, _)| keys.insert(self.elements.key(*element))).collect()
    }

    /// What is wrong with the keys of these elements, each written again by this transaction.
    fn told(&self, confused: &[(u32, u32)]) -> Vec<String> {
        let tell = |(element, second): &(u32, u32)| {
            format!(
                "{} and {} both write {} to {}, which was read",
                self.operation_text(self.elements.writer(*element)),
                self.operation_text(*second),
                self.value_text(*element),
                self.key_text(self.elements.key(*element)),
            )
        };
        confused.iter().map(tell).collect()
    }

    /// The codes of the keys of these elements.
    fn codes_of(&self, confused: &[(u32, u32)]) -> Vec<i64> {
        let key = |(element, _): &(u32, u32)| self.keys[self.elements.key(*element) as usize];
        confused.iter().map(key).collect()
    }

    /// Takes the names of keys and values from the table that this is a part of.
    pub(crate) fn name_as_in(&mut self, whole: &Table) {
        self.codes = whole.codes.clone();
    }

    /// A key's name.
    pub(crate) fn key_name(&self, key: u32) -> Value {
        self.codes.value(self.keys[key as usize])
    }

    /// An element's value.
    pub(crate) fn value(&self, element: u32) -> Value {
        self.codes.value(self.elements.code(element))
    }
}
