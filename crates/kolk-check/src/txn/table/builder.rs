//! Filling a table, transaction by transaction.

use kolk_history::micro_ops::{MicroFunction, MicroOp as Packed, Operand};
use kolk_history::{Function, History, Operation, Outcome, Value};

use super::elements::Elements;
use super::index::Index;
use super::{Kind, MicroOp, NIL, NONE, ODD, Odd, Table, Transaction, UNKNOWN, WRITE};
use crate::txn::codes::Codes;

/// What is known of a key while the table is being filled.
#[derive(Debug)]
struct Key {
    /// The longest list read so far that agrees with those before it, as codes.
    spine: Vec<i64>,
    /// Whether some read did not agree.
    is_odd: bool,
    /// Who wrote the key last, and what.
    last_writer: u32,
    last_written: u32,
}

/// A list that was no prefix of the spine when it was read.
#[derive(Debug)]
struct OddList {
    operation: u32,
    key: u32,
    codes: Vec<i64>,
}

/// A register's value that was read: its element is looked for once all writes are known. The
/// processor then has many memory accesses under way at once, which wait for nothing that was found.
#[derive(Clone, Copy, Debug)]
struct LateRead {
    operation: u32,
    code: i64,
}

/// Fills a table. Transactions must come in the order of their completions.
#[derive(Debug)]
pub(crate) struct Builder {
    kind: Kind,
    transactions: Vec<Transaction>,
    operations: Vec<MicroOp>,
    elements: Elements,
    /// By key: its elements.
    indices: Vec<Index>,
    keys: Vec<Key>,
    key_codes: Vec<i64>,
    key_numbers: Index,
    late_reads: Vec<LateRead>,
    odd: Vec<OddList>,
    codes: Codes,
    malformed: Vec<u32>,
    duplicates: Vec<(u32, u32)>,
    list: Vec<i64>,
}

impl Builder {
    pub(crate) fn new(kind: Kind) -> Builder {
        Builder {
            kind,
            transactions: Vec::new(),
            operations: Vec::new(),
            elements: Elements::default(),
            indices: Vec::new(),
            keys: Vec::new(),
            key_codes: Vec::new(),
            key_numbers: Index::default(),
            late_reads: Vec::new(),
            odd: Vec::new(),
            codes: Codes::default(),
            malformed: Vec::new(),
            duplicates: Vec::new(),
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
        self.key_codes.push(code);
        self.indices.push(Index::default());
        let (spine, is_odd) = (Vec::new(), false);
        self.keys.push(Key { spine, is_odd, last_writer: NONE, last_written: NONE });
        key
    }

    /// An element that was read.
    fn element(&mut self, key: u32, code: i64) -> u32 {
        let index = &mut self.indices[key as usize];
        index.get(code).unwrap_or_else(|| {
            let element = self.elements.push(key, code, NONE);
            index.insert(code, element);
            element
        })
    }

    /// Adds a write to the last transaction.
    pub(crate) fn write(&mut self, key: i64, code: i64) {
        let number = self.key(key);
        let transaction = self.transactions.len() as u32 - 1;
        let index = &mut self.indices[number as usize];
        let element = match index.get(code) {
            Some(element) => {
                self.duplicates.push((element, transaction));
                element
            }
            None => {
                let element = self.elements.push(number, code, transaction);
                index.insert(code, element);
                let key = &mut self.keys[number as usize];
                if key.last_writer == transaction {
                    self.elements.overwrite(key.last_written);
                }
                (key.last_writer, key.last_written) = (transaction, element);
                element
            }
        };
        self.operations.push(MicroOp { key_and_write: number | WRITE, value: element });
    }

    /// Adds a read whose value is not known.
    pub(crate) fn read_unknown(&mut self, key: i64) {
        let key = self.key(key);
        self.operations.push(MicroOp { key_and_write: key, value: UNKNOWN });
    }

    /// Adds a read of a register.
    pub(crate) fn read_register(&mut self, key: i64, code: Option<i64>) {
        let key = self.key(key);
        if let Some(code) = code {
            let operation = self.operations.len() as u32;
            self.late_reads.push(LateRead { operation, code });
        }
        self.operations.push(MicroOp { key_and_write: key, value: NIL });
    }

    /// Adds a read of a list.
    pub(crate) fn read_list(&mut self, key: i64, list: &[i64]) {
        let number = self.key(key);
        let key = &mut self.keys[number as usize];
        let common = list.len().min(key.spine.len());
        let value = if list[..common] == key.spine[..common] {
            key.spine.extend_from_slice(&list[common..]);
            list.len() as u32
        } else {
            key.is_odd = true;
            let operation = self.operations.len() as u32;
            self.odd.push(OddList { operation, key: number, codes: list.to_vec() });
            ODD | (self.odd.len() - 1) as u32
        };
        self.operations.push(MicroOp { key_and_write: number, value });
    }

    /// The table.
    pub(crate) fn finish(mut self) -> Table {
        self.resolve_late_reads();
        self.choose_spines();
        let mut spines = Vec::new();
        let mut spine_starts = Vec::with_capacity(self.keys.len() + 1);
        spine_starts.push(0);
        for key in 0..self.keys.len() as u32 {
            let spine = std::mem::take(&mut self.keys[key as usize].spine);
            spines.extend(spine.iter().map(|code| self.element(key, *code)));
            spine_starts.push(spines.len() as u32);
        }
        let odd = std::mem::take(&mut self.odd);
        let odd = odd.into_iter().map(|list| Odd {
            operation: list.operation,
            key: list.key,
            elements: list.codes.iter().map(|code| self.element(list.key, *code)).collect(),
        });
        let odd = odd.collect();
        self.elements.mark(&self.transactions);
        Table {
            kind: self.kind,
            transactions: self.transactions,
            operations: self.operations,
            elements: self.elements,
            keys: self.key_codes,
            spines,
            spine_starts,
            odd,
            codes: self.codes,
            malformed: self.malformed,
            duplicates: self.duplicates,
            untimed: false,
        }
    }

    fn resolve_late_reads(&mut self) {
        for read in std::mem::take(&mut self.late_reads) {
            let operation = self.operations[read.operation as usize];
            // What was read in a transaction that could not be understood is not known.
            if operation.value != UNKNOWN {
                let element = self.element(operation.key(), read.code);
                self.operations[read.operation as usize].value = element;
            }
        }
    }

    /// Makes the longest list of each key its spine, where reads disagree; the first of several.
    fn choose_spines(&mut self) {
        if self.odd.is_empty() {
            return;
        }
        let mut longest: Vec<Option<usize>> = vec![None; self.keys.len()];
        for (at, list) in self.odd.iter().enumerate() {
            let best = &mut longest[list.key as usize];
            let length = best.map_or(self.keys[list.key as usize].spine.len(), |best| {
                self.odd[best].codes.len()
            });
            if list.codes.len() > length {
                *best = Some(at);
            }
        }
        let before = std::mem::take(&mut self.odd);
        let old: Vec<Vec<i64>> = longest
            .iter()
            .zip(&mut self.keys)
            .map(|(best, key)| match best {
                Some(best) => std::mem::replace(&mut key.spine, before[*best].codes.clone()),
                None => Vec::new(),
            })
            .collect();
        for at in 0..self.operations.len() {
            let operation = self.operations[at];
            let key = operation.key();
            let state = &self.keys[key as usize];
            if operation.is_write() || !state.is_odd || operation.value == UNKNOWN {
                continue;
            }
            let codes = if operation.value & ODD != 0 {
                before[(operation.value & !ODD) as usize].codes.as_slice()
            } else if longest[key as usize].is_some() {
                &old[key as usize][..operation.value as usize]
            } else {
                continue;
            };
            let value = if state.spine.starts_with(codes) {
                codes.len() as u32
            } else {
                self.odd.push(OddList { operation: at as u32, key, codes: codes.to_vec() });
                ODD | (self.odd.len() - 1) as u32
            };
            self.operations[at].value = value;
        }
    }
}
