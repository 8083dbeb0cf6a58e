//! Filling a table, transaction by transaction.

use kolk_history::micro_ops::{MicroFunction, MicroOp as Packed, Operand};
use kolk_history::{Function, History, Operation, Outcome, Value};

use super::elements::Elements;
use super::index::Index;
use super::odd::{self, OddList};
use super::resolve::resolve;
use super::{Kind, MicroOp, NIL, NONE, ODD, Origin, Table, Transaction, UNKNOWN, WRITE};
use crate::txn::codes::Codes;

/// Who wrote a key last, and what.
#[derive(Clone, Copy, Debug)]
struct LastWrite {
    writer: u32,
    element: u32,
}

/// Fills a table. Transactions must come in the order of their completions.
#[derive(Debug)]
pub(crate) struct Builder {
    kind: Kind,
    transactions: Vec<Transaction>,
    operations: Vec<MicroOp>,
    elements: Elements,
    keys: Vec<i64>,
    key_numbers: Index,
    /// By key.
    last_writes: Vec<LastWrite>,
    /// By key: the longest list read so far that agrees with those before it, as codes.
    spines: Vec<Vec<i64>>,
    /// The codes of registers' values that were read, in the order of the reads.
    late: Vec<i64>,
    /// How many there were before the last transaction.
    late_before: usize,
    odd: Vec<OddList>,
    codes: Codes,
    malformed: Vec<u32>,
    list: Vec<i64>,
}

/// What a read of a register has in place of its element, which is looked for once all are known.
const LATE: u32 = NIL - 1;

impl Builder {
    pub(crate) fn new(kind: Kind) -> Builder {
        Builder {
            kind,
            transactions: Vec::new(),
            operations: Vec::new(),
            elements: Elements::default(),
            keys: Vec::new(),
            key_numbers: Index::default(),
            last_writes: Vec::new(),
            spines: Vec::new(),
            late: Vec::new(),
            late_before: 0,
            odd: Vec::new(),
            codes: Codes::default(),
            malformed: Vec::new(),
            list: Vec::new(),
        }
    }

    /// The table of all transactions of a history that count.
    pub(crate) fn read(history: &History, kind: Kind) -> Table {
        let is_transaction = |operation: &&Operation| {
            operation.function == Function::Txn && crate::run::counts(operation)
        };
        let mut operations: Vec<&Operation> =
            history.operations.iter().filter(is_transaction).collect();
        operations.sort_by_key(|operation| operation.completion_or_end());
        let mut builder = Builder::new(kind);
        builder.transactions.reserve_exact(operations.len());
        for operation in operations {
            builder.operation(operation);
        }
        Table { untimed: history.untimed, ..builder.finish() }
    }

    fn operation(&mut self, operation: &Operation) {
        self.begin(Transaction {
            first: 0,
            index: operation.index,
            completion: operation.completion_index.map_or(NONE, std::num::NonZeroU32::get),
            process: operation.process,
            outcome: operation.outcome,
        });
        let value = if operation.is_ok() { &operation.result } else { &operation.value };
        let understood = match value {
            Value::MicroOps(packed) => packed.iter().all(|micro_op| self.packed(micro_op)),
            Value::List(micro_ops) => micro_ops.iter().all(|micro_op| self.micro_op(micro_op)),
            _ => false,
        };
        if !understood {
            self.forget(operation.index);
        }
    }

    /// Begins a transaction: the micro-operations that follow are its own.
    pub(crate) fn begin(&mut self, transaction: Transaction) {
        let first = self.operations.len() as u32;
        self.late_before = self.late.len();
        self.transactions.push(Transaction { first, ..transaction });
    }

    /// Takes note that the last transaction cannot be understood. What was understood of it stays:
    /// it may explain what others read.
    fn forget(&mut self, index: u32) {
        self.malformed.push(index);
        if let Some(last) = self.transactions.last_mut()
            && last.outcome == Outcome::Ok
        {
            last.outcome = Outcome::Info;
            for operation in &mut self.operations[last.first as usize..] {
                if !operation.is_write() {
                    operation.value = UNKNOWN;
                }
            }
            self.late.truncate(self.late_before);
        }
    }

    fn micro_op(&mut self, micro_op: &Value) -> bool {
        let Value::List(parts) = micro_op else { return false };
        let [function, key, value] = parts.as_slice() else { return false };
        let key = self.codes.code(key);
        match function.as_str() {
            Some("r") => self.read_value(key, value),
            Some(function) if function == self.kind.function() => {
                let code = self.codes.code(value);
                self.write(key, code);
                true
            }
            _ => false,
        }
    }

    fn packed(&mut self, micro_op: Packed<'_>) -> bool {
        let key = self.codes.int(micro_op.key);
        let function = match self.kind {
            Kind::Append => MicroFunction::Append,
            Kind::Write => MicroFunction::Write,
        };
        match (micro_op.function, micro_op.operand) {
            (MicroFunction::Read, _) if !self.is_ok() => self.read_unknown(key),
            (MicroFunction::Read, Operand::Int(int)) if self.kind == Kind::Write => {
                let code = self.codes.int(int);
                self.read_register(key, Some(code));
            }
            (MicroFunction::Read, Operand::Null) if self.kind == Kind::Write => {
                self.read_register(key, None);
            }
            (MicroFunction::Read, Operand::Null) => self.read_list(key, &[]),
            (MicroFunction::Read, Operand::Ints(ints))
                if self.kind == Kind::Append && ints.iter().all(|int| Codes::is_plain(*int)) =>
            {
                self.read_list(key, ints);
            }
            (MicroFunction::Read, operand) => return self.read_value(key, &operand.value()),
            (written, operand) if written == function => {
                let code = self.codes.code(&operand.value());
                self.write(key, code);
            }
            _ => return false,
        }
        true
    }

    /// Whether the last transaction is known to have happened.
    fn is_ok(&self) -> bool {
        self.transactions.last().is_some_and(|last| last.outcome == Outcome::Ok)
    }

    fn read_value(&mut self, key: i64, value: &Value) -> bool {
        if !self.is_ok() {
            self.read_unknown(key);
            return true;
        }
        match (self.kind, value) {
            (Kind::Write, Value::Null) => self.read_register(key, None),
            (Kind::Write, value) => {
                let code = self.codes.code(value);
                self.read_register(key, Some(code));
            }
            (Kind::Append, Value::Null) => self.read_list(key, &[]),
            (Kind::Append, Value::Ints(ints)) if ints.iter().all(|int| Codes::is_plain(*int)) => {
                self.read_list(key, ints);
            }
            (Kind::Append, value) => {
                let Some(values) = value.as_list() else { return false };
                let mut list = std::mem::take(&mut self.list);
                list.clear();
                list.extend(values.iter().map(|value| self.codes.code(value)));
                self.read_list(key, &list);
                self.list = list;
            }
        }
        true
    }

    fn key(&mut self, code: i64) -> u32 {
        self.key_numbers.get(code).unwrap_or_else(|| self.new_key(code))
    }

    fn new_key(&mut self, code: i64) -> u32 {
        let key = self.keys.len() as u32;
        self.key_numbers.insert(code, key);
        self.keys.push(code);
        self.last_writes.push(LastWrite { writer: NONE, element: NONE });
        self.spines.push(Vec::new());
        key
    }

    /// Adds a write to the last transaction.
    pub(crate) fn write(&mut self, key: i64, code: i64) {
        let key = self.key(key);
        let writer = self.transactions.len() as u32 - 1;
        let element = self.elements.push(key, code, writer);
        let last = &mut self.last_writes[key as usize];
        if last.writer == writer {
            self.elements.overwrite(last.element);
        }
        *last = LastWrite { writer, element };
        self.push(key | WRITE, element);
    }

    fn push(&mut self, key_and_write: u32, value: u32) {
        self.operations.push(MicroOp { key_and_write, value, origin: Origin::NOBODY });
    }

    /// Adds a read whose value is not known.
    pub(crate) fn read_unknown(&mut self, key: i64) {
        let key = self.key(key);
        self.push(key, UNKNOWN);
    }

    /// Adds a read of a register.
    pub(crate) fn read_register(&mut self, key: i64, code: Option<i64>) {
        let key = self.key(key);
        self.late.extend(code);
        self.push(key, if code.is_some() { LATE } else { NIL });
    }

    /// Adds a read of a list.
    pub(crate) fn read_list(&mut self, key: i64, list: &[i64]) {
        let key = self.key(key);
        let spine = &mut self.spines[key as usize];
        let common = list.len().min(spine.len());
        let value = if list[..common] == spine[..common] {
            spine.extend_from_slice(&list[common..]);
            list.len() as u32
        } else {
            let operation = self.operations.len() as u32;
            self.odd.push(OddList { operation, key, codes: list.to_vec() });
            ODD | (self.odd.len() - 1) as u32
        };
        self.push(key, value);
    }

    /// The table.
    pub(crate) fn finish(mut self) -> Table {
        odd::choose_spines(&mut self.spines, &mut self.odd, &mut self.operations);
        self.elements.mark(&self.transactions);
        let is_late = |operation: &&MicroOp| !operation.is_write() && operation.value == LATE;
        let late = self.operations.iter().filter(is_late).map(|operation| operation.key());
        let late = late.zip(self.late.iter().copied());
        let resolved = resolve(&mut self.elements, late, &self.spines);
        let odd = odd::resolve(self.odd, &mut self.elements);
        let elements = self.elements;
        let mut reads = resolved.reads.into_iter();
        for operation in &mut self.operations {
            if !operation.is_write() && operation.value == LATE {
                operation.value = reads.next().unwrap_or(NIL);
            }
            if operation.is_write() || self.kind == Kind::Write && operation.value < LATE {
                operation.origin = elements.origin(operation.value);
            }
        }
        let mut spine_starts = Vec::with_capacity(self.keys.len() + 1);
        spine_starts.push(0);
        let mut end = 0;
        spine_starts.extend(self.spines.iter().map(|spine| {
            end += spine.len() as u32;
            end
        }));
        let written_again = |(element, again): &(u32, u32)| (*element, elements.writer(*again));
        Table {
            kind: self.kind,
            transactions: self.transactions,
            operations: self.operations,
            duplicates: resolved.duplicates.iter().map(written_again).collect(),
            elements,
            keys: self.keys,
            spines: resolved.spines,
            spine_starts,
            odd,
            codes: self.codes,
            malformed: self.malformed,
            untimed: false,
        }
    }
}
