//! Filling a table, transaction by transaction.

use kolk_history::micro_ops::{MicroFunction, MicroOp as Packed, Operand};
use kolk_history::{Function, History, Operation, Outcome, Value};

use super::elements::Elements;
use super::index::Index;
use super::malformed::{self, Malformed};
use super::odd::{self, OddList};
use super::resolve::resolve;
use super::{Datatype, MicroOp, NIL, NONE, ODD, Origin, Table, Transaction, UNKNOWN, WRITE};
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
    kind: Datatype,
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
    odd: Vec<OddList>,
    codes: Codes,
    malformed: Vec<Malformed>,
    /// The codes of keys that are left out.
    left_out: Vec<i64>,
    list: Vec<i64>,
}

/// What a read of a register has in place of its element, which is looked for once all are known.
const LATE: u32 = NIL - 1;

impl Builder {
    pub(crate) fn new(kind: Datatype) -> Builder {
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
            odd: Vec::new(),
            codes: Codes::default(),
            malformed: Vec::new(),
            left_out: Vec::new(),
            list: Vec::new(),
        }
    }

    /// The table of all transactions of a history that count. Keys of which a value was read that
    /// was written more than once are left out: who knows which write was read.
    pub(crate) fn read(history: &History, kind: Datatype) -> Table {
        let table = Builder::new(kind).all(history);
        let confused = table.confused();
        if confused.is_empty() {
            return table;
        }
        // Codes stay the same, so that keys are found by them.
        let (codes, left_out) = (table.codes.clone(), table.codes_of(&confused));
        let told = table.told(&confused);
        let others = Builder { codes, left_out, ..Builder::new(kind) };
        Table { confused_keys: told, ..others.all(history) }
    }

    fn all(self, history: &History) -> Table {
        let is_transaction =
            |operation: &&Operation| operation.function == Function::Txn && operation.is_counted();
        let mut operations: Vec<&Operation> =
            history.operations.iter().filter(is_transaction).collect();
        operations.sort_by_key(|operation| operation.completion_or_end());
        let mut builder = self;
        builder.transactions.reserve_exact(operations.len());
        for operation in operations {
            builder.operation(operation);
        }
        let (untimed, in_sessions) = (history.untimed, history.in_sessions);
        Table { untimed, in_sessions, ..builder.finish() }
    }

    fn operation(&mut self, operation: &Operation) {
        let value = if operation.is_ok() { &operation.result } else { &operation.value };
        let problem = malformed::problem(value, self.kind, operation.is_ok());
        let mismatch =
            || operation.is_ok().then(|| malformed::mismatch(&operation.value, value)).flatten();
        let (problem, is_answer) = match problem {
            Some(problem) => (Some(problem), false),
            None => (mismatch(), true),
        };
        // What is not understood may have happened: its writes may explain what others read, and
        // what it read is not known.
        let outcome = match operation.outcome {
            Outcome::Ok if problem.is_some() => Outcome::Info,
            outcome => outcome,
        };
        self.begin(Transaction {
            first: 0,
            index: operation.index,
            completion: operation.completion_index.map_or(NONE, std::num::NonZeroU32::get),
            process: operation.process,
            outcome,
        });
        match value {
            Value::MicroOps(packed) => packed.iter().for_each(|micro_op| self.packed(micro_op)),
            Value::List(micro_ops) => micro_ops.iter().for_each(|micro_op| self.micro_op(micro_op)),
            _ => {}
        }
        if let Some(problem) = problem {
            self.malformed.push(Malformed { index: operation.index, problem, is_answer });
        }
    }

    /// Begins a transaction: the micro-operations that follow are its own.
    pub(crate) fn begin(&mut self, transaction: Transaction) {
        let first = self.operations.len() as u32;
        self.transactions.push(Transaction { first, ..transaction });
    }

    /// Adds a micro-operation; what is none adds nothing.
    fn micro_op(&mut self, micro_op: &Value) {
        let Some((function, key, value)) = malformed::parts(micro_op) else { return };
        let key = self.codes.code(key);
        if function == "r" {
            self.read_value(key, value);
        } else if function == self.kind.function() {
            let code = self.codes.code(value);
            self.write(key, code);
        }
    }

    fn packed(&mut self, micro_op: Packed<'_>) {
        let key = self.codes.int(micro_op.key);
        match (micro_op.function, micro_op.operand) {
            (MicroFunction::Read, _) if !self.is_ok() => self.read_unknown(key),
            (MicroFunction::Read, Operand::Int(int)) if self.kind == Datatype::Register => {
                let code = self.codes.int(int);
                self.read_register(key, Some(code));
            }
            (MicroFunction::Read, Operand::Null) if self.kind == Datatype::Register => {
                self.read_register(key, None);
            }
            (MicroFunction::Read, Operand::Null) => self.read_list(key, &[]),
            (MicroFunction::Read, Operand::Ints(ints))
                if self.kind == Datatype::List && ints.iter().all(|int| Codes::is_plain(*int)) =>
            {
                self.read_list(key, ints);
            }
            (MicroFunction::Read, operand) => self.read_value(key, &operand.value()),
            (written, operand) if written == self.kind.micro_function() => {
                let code = self.codes.code(&operand.value());
                self.write(key, code);
            }
            _ => {}
        }
    }

    /// Whether the last transaction is known to have happened.
    fn is_ok(&self) -> bool {
        self.transactions.last().is_some_and(|last| last.outcome == Outcome::Ok)
    }

    fn read_value(&mut self, key: i64, value: &Value) {
        match (self.kind, value) {
            _ if !self.is_ok() => self.read_unknown(key),
            (Datatype::Register, Value::Null) => self.read_register(key, None),
            (Datatype::Register, value) => {
                let code = self.codes.code(value);
                self.read_register(key, Some(code));
            }
            (Datatype::List, Value::Null) => self.read_list(key, &[]),
            (Datatype::List, Value::Ints(ints)) if ints.iter().all(|int| Codes::is_plain(*int)) => {
                self.read_list(key, ints);
            }
            (Datatype::List, value) => {
                // Anything else than a list is malformed, and its transaction not known to be ok.
                let values = value.as_list().unwrap_or_default();
                let mut list = std::mem::take(&mut self.list);
                list.clear();
                list.extend(values.iter().map(|value| self.codes.code(value)));
                self.read_list(key, &list);
                self.list = list;
            }
        }
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

    /// The number of the key with this code; none if it is left out.
    fn kept(&mut self, code: i64) -> Option<u32> {
        (!self.left_out.contains(&code)).then(|| self.key(code))
    }

    /// Adds a write to the last transaction.
    pub(crate) fn write(&mut self, key: i64, code: i64) {
        let Some(key) = self.kept(key) else { return };
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
        let Some(key) = self.kept(key) else { return };
        self.push(key, UNKNOWN);
    }

    /// Adds a read of a register.
    pub(crate) fn read_register(&mut self, key: i64, code: Option<i64>) {
        let Some(key) = self.kept(key) else { return };
        self.late.extend(code);
        self.push(key, if code.is_some() { LATE } else { NIL });
    }

    /// Adds a read of a list.
    pub(crate) fn read_list(&mut self, key: i64, list: &[i64]) {
        let Some(key) = self.kept(key) else { return };
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
            if operation.is_write() || self.kind == Datatype::Register && operation.value < LATE {
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
            confused_keys: Vec::new(),
            untimed: false,
            in_sessions: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read from a file is packed where it can be; the table is that of the same values as
    /// lists of lists.
    #[test]
    fn packed_transactions_make_the_table_of_their_lists() {
        for (kind, text) in [
            (Datatype::Register, "[[:w 1 1] [:r 2 nil] [:r 1 1] [:w 2 -9223372036854775000]]"),
            (Datatype::Register, "[[:r 2 -9223372036854775000] [:append 1 2] [:r 1 1]]"),
            (Datatype::List, "[[:append 1 1] [:r 2 nil] [:r 1 [1]] [:r 3 []] [:append 2 2]]"),
            (Datatype::List, "[[:append 1 2] [:r 1 [2 -9223372036854775000]] [:r 2 nil]]"),
            (Datatype::List, "[[:append 1 2] [:w 1 3] [:r 2 5]]"),
        ] {
            for outcome in ["ok", "info", "fail"] {
                let events = format!(
                    "{{:type :invoke, :process 0, :f :txn, :value {text}}}
                     {{:type :{outcome}, :process 0, :f :txn, :value {text}}}"
                );
                let packed = kolk_history::jepsen::read(events.as_bytes(), Vec::new());
                let packed = packed.expect("a history");
                let mut listed = packed.clone();
                for operation in &mut listed.operations {
                    for value in [&mut operation.value, &mut operation.result] {
                        if let Value::MicroOps(micro_ops) = value {
                            *value = Value::list(micro_ops.to_list());
                        }
                    }
                }
                assert_ne!(format!("{packed:?}"), format!("{listed:?}"), "{text}");
                let [packed, listed] =
                    [&packed, &listed].map(|history| format!("{:?}", Builder::read(history, kind)));
                assert_eq!(packed, listed, "{text}, {outcome}");
            }
        }
    }
}
