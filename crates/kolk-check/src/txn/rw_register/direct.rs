//! Anomalies of registers that show without a cycle.

use std::collections::BTreeMap;

use crate::check::Anomaly;
use crate::kind::Kind;
use crate::txn::findings::Findings;
use crate::txn::same_key::SameKey;
use crate::txn::table::{MicroOp, NONE, Table};

/// Finds them all.
pub(super) fn find(findings: &mut Findings<'_>) {
    let table = findings.table;
    let mut same_key = SameKey::new(table);
    let mut updates = Updates::new(table);
    for transaction in (0..table.len() as u32).filter(|number| table.is_ok(*number)) {
        same_key.enter(table, transaction);
        let mut is_internal = false;
        for at in table.range(transaction) {
            let micro_op = table.operations[at];
            if micro_op.is_write() {
                future_read(findings, &same_key, transaction, at as u32);
                updates.write(table, &same_key, transaction, at as u32);
            } else if let Some(value) = table.last_read(micro_op) {
                if let Some(element) = value {
                    foul_read(findings, transaction, micro_op, element);
                }
                if !is_internal && let Some(before) = same_key.before(at as u32) {
                    is_internal = contradiction(findings, transaction, before, micro_op, value);
                }
            }
        }
    }
    updates.report(findings);
}

/// Reports a read of a value that its own transaction writes only later.
fn future_read(findings: &mut Findings<'_>, same_key: &SameKey, transaction: u32, at: u32) {
    let table = findings.table;
    let write = table.operations[at as usize];
    let early = same_key.all_before(at).map(|at| table.operations[at as usize]).find(|earlier| {
        !earlier.is_write() && table.last_read(*earlier) == Some(Some(write.element()))
    });
    if early.is_some() {
        findings.stronger(Kind::FutureRead, || {
            let claim = format!(
                "{} read {} as {} before it wrote that itself",
                table.operation_text(transaction),
                table.key_text(write.key()),
                table.value_text(write.element())
            );
            table.about(
                write.key(),
                &[write.element()],
                Anomaly::new(Kind::FutureRead, claim, vec![table.index(transaction)]),
            )
        });
    }
}

/// Reports a read that does not see what the micro-operation before it on the key saw or wrote.
fn contradiction(
    findings: &mut Findings<'_>,
    transaction: u32,
    before: u32,
    read: MicroOp,
    value: Option<u32>,
) -> bool {
    let table = findings.table;
    let before = table.operations[before as usize];
    let expected =
        if before.is_write() { Some(before.element()) } else { table.last_read(before).flatten() };
    if expected == value {
        return false;
    }
    let anomaly = || {
        let due = expected.map_or_else(|| "nothing".to_owned(), |due| table.value_text(due));
        let claim = format!(
            "{} read {} as {}, where by its own reads and writes it had to see {due}",
            table.operation_text(transaction),
            table.key_text(read.key()),
            table.read_text(read),
        );
        let values: Vec<u32> = expected.into_iter().chain(value).collect();
        table.about(
            read.key(),
            &values,
            Anomaly::new(Kind::Internal, claim, vec![table.index(transaction)]),
        )
    };
    match expected {
        Some(_) => findings.anomaly(Kind::Internal, anomaly),
        // Elle knows no expectation of nothing.
        None => findings.stronger(Kind::Internal, anomaly),
    }
    true
}

/// Reports a read of what failed (G1a), of what was overwritten by its own writer (G1b), and of
/// what nobody wrote.
fn foul_read(findings: &mut Findings<'_>, transaction: u32, read: MicroOp, element: u32) {
    let table = findings.table;
    let origin = read.origin();
    if origin.sound_writer().is_some() {
        return;
    }
    let writer = origin.writer();
    let seen = || {
        let (operation, key) = (table.operation_text(transaction), table.key_text(read.key()));
        format!("{operation} read {key} as {}", table.value_text(element))
    };
    if writer == NONE {
        findings.stronger(Kind::GarbageRead, || {
            let claim = format!("{}, but nobody ever wrote that", seen());
            table.about(
                read.key(),
                &[element],
                Anomaly::new(Kind::GarbageRead, claim, vec![table.index(transaction)]),
            )
        });
        return;
    }
    let operations = || vec![table.index(writer), table.index(transaction)];
    let writer_text = || table.operation_text(writer);
    if !table.is_possible(writer) {
        findings.anomaly(Kind::G1a, || {
            let claim = format!("{}, but {}, which wrote that, failed", seen(), writer_text());
            table.about(read.key(), &[element], Anomaly::new(Kind::G1a, claim, operations()))
        });
    }
    if !origin.is_final() && writer != transaction {
        findings.anomaly(Kind::G1b, || {
            let claim = format!("{}: not the last that {} wrote there", seen(), writer_text());
            table.about(read.key(), &[element], Anomaly::new(Kind::G1b, claim, operations()))
        });
    }
}

/// Who read which value of a key and then wrote the key.
struct Updates {
    /// By element, the position of the first such read.
    first: Vec<u32>,
    /// By key, of those who read nothing.
    first_of_nothing: Vec<u32>,
    /// All others, by the first read.
    more: BTreeMap<u32, Vec<u32>>,
}

impl Updates {
    fn new(table: &Table) -> Updates {
        Updates {
            first: vec![NONE; table.elements.len()],
            first_of_nothing: vec![NONE; table.keys.len()],
            more: BTreeMap::new(),
        }
    }

    /// Takes note of a write, if it is the transaction's first of the key and comes after a read.
    fn write(&mut self, table: &Table, same_key: &SameKey, transaction: u32, at: u32) {
        let mut read = None;
        for earlier in same_key.all_before(at) {
            if table.operations[earlier as usize].is_write() {
                return;
            }
            read = Some(earlier);
        }
        let Some(read) = read else { return };
        let operation = table.operations[read as usize];
        let first = match table.last_read(operation) {
            None => return,
            Some(Some(element)) => &mut self.first[element as usize],
            Some(None) => &mut self.first_of_nothing[operation.key() as usize],
        };
        if *first == NONE {
            *first = read;
        } else {
            self.more.entry(*first).or_default().push(transaction);
        }
    }

    fn report(self, findings: &mut Findings<'_>) {
        let table = findings.table;
        for (read, others) in self.more {
            crate::txn::lost_update(findings, read, table.owner(read), others);
        }
    }
}
