//! Anomalies of lists that show without a cycle.

use kolk_history::Outcome;

use super::versions::Versions;
use crate::check::Anomaly;
use crate::kind::Kind;
use crate::txn::findings::Findings;
use crate::txn::same_key::SameKey;
use crate::txn::table::{MicroOp, NONE, Read, Table};

/// Finds them all. Of a transaction that may not have happened no read is known, so that what goes
/// by its reads finds nothing.
pub(super) fn find(findings: &mut Findings<'_>, versions: &Versions) {
    let table = findings.table;
    let suspects = Suspects::new(table);
    let mut same_key = SameKey::new(table);
    let mut updates = Updates::new(table);
    for transaction in (0..table.len() as u32).filter(|number| table.is_possible(*number)) {
        same_key.enter(table, transaction);
        let mut is_internal = false;
        let mut is_future = false;
        for at in table.range(transaction) {
            let (at, micro_op) = (at as u32, table.operations[at]);
            if micro_op.is_write() {
                torn_append(findings, versions, &same_key, at);
                let element = micro_op.element();
                let earlier = same_key.all_before(at).map(|at| table.operations[at as usize]);
                let early = earlier.filter(|read| holds(table, versions, *read, element)).last();
                if let Some(read) = early.filter(|_| !is_future) {
                    is_future = true;
                    future_read(findings, transaction, read, micro_op);
                }
                updates.write(table, &same_key, transaction, at);
                continue;
            }
            suspects.look(findings, transaction, micro_op);
            intermediate_read(findings, transaction, micro_op);
            if !is_internal && let Some(expected) = contradiction(table, &same_key, at) {
                is_internal = true;
                internal(findings, transaction, micro_op, &expected);
            }
        }
    }
    updates.report(findings);
    dirty_updates(findings, versions);
    incompatible_orders(findings);
}

fn is_write(table: &Table, at: u32) -> bool {
    table.operations[at as usize].is_write()
}

/// True for a read that holds an element.
fn holds(table: &Table, versions: &Versions, read: MicroOp, element: u32) -> bool {
    if read.is_write() {
        return false;
    }
    match table.read(read) {
        // Elements of a spine are in the order, though a repetition moves those after it.
        Read::Prefix(length) => {
            versions.place(element).is_some_and(|place| place < length)
                && table.spine(read.key())[..length as usize].contains(&element)
        }
        Read::Odd(odd) => table.odd[odd as usize].elements.contains(&element),
        Read::Unknown | Read::Register(_) => false,
    }
}

/// Reports an append that was read without that of the same transaction just before it.
fn torn_append(findings: &mut Findings<'_>, versions: &Versions, same_key: &SameKey, at: u32) {
    let table = findings.table;
    let write = table.operations[at as usize];
    let mut earlier = same_key.all_before(at).map(|at| table.operations[at as usize]);
    let Some(before) = earlier.find(|earlier| earlier.is_write()) else { return };
    let Some(place) = versions.place(write.element()) else { return };
    if place > 0 && versions.order(write.key())[place as usize - 1] == before.element() {
        return;
    }
    findings.stronger(Kind::IncompatibleOrder, || {
        let holds_it = |micro_op: &MicroOp| {
            micro_op.key() == write.key() && holds(table, versions, *micro_op, write.element())
        };
        let writer = table.owner(at);
        let read = table.operations.iter().position(holds_it).unwrap_or(at as usize);
        let reader = table.owner(read as u32);
        let claim = format!(
            "{} read {} as {}: {} without {}, which {} appended just before",
            table.operation_text(reader),
            table.key_text(write.key()),
            table.read_text(table.operations[read]),
            table.value_text(write.element()),
            table.value_text(before.element()),
            table.operation_text(writer),
        );
        let operations = vec![table.index(writer), table.index(reader)];
        let anomaly = Anomaly::new(Kind::IncompatibleOrder, claim, operations);
        table.about(write.key(), &[before.element(), write.element()], anomaly)
    });
}

fn future_read(findings: &mut Findings<'_>, transaction: u32, read: MicroOp, write: MicroOp) {
    let table = findings.table;
    findings.anomaly(Kind::FutureRead, || {
        let claim = format!(
            "{} read {} as {} before it appended {} itself",
            table.operation_text(transaction),
            table.key_text(read.key()),
            table.read_text(read),
            table.value_text(write.element())
        );
        table.about(
            read.key(),
            &[write.element()],
            Anomaly::new(Kind::FutureRead, claim, vec![table.index(transaction)]),
        )
    });
}

/// What a transaction's earlier micro-operations say a read must see.
struct Expected {
    /// The read it goes back to, if there was one; else the beginning is not known.
    read: Option<MicroOp>,
    /// What the transaction appended since.
    appended: Vec<u32>,
}

/// What a read should have seen by its own transaction's account, if it saw something else.
fn contradiction(table: &Table, same_key: &SameKey, at: u32) -> Option<Expected> {
    same_key.before(at)?;
    let read = table.operations[at as usize];
    let mut appended = Vec::new();
    let mut base = None;
    for earlier in same_key.all_before(at) {
        let earlier = table.operations[earlier as usize];
        if !earlier.is_write() {
            base = Some(earlier);
            break;
        }
        appended.push(earlier.element());
    }
    appended.reverse();
    let list = table.list(read)?;
    let agrees = match base {
        None => list.ends_with(&appended),
        Some(base) => match (table.read(base), table.read(read)) {
            // Most often one is a prefix of the other: only the rest need be compared.
            (Read::Prefix(before), Read::Prefix(now)) => {
                now >= before && list[before as usize..] == appended[..]
            }
            _ => {
                let before = table.list(base)?;
                list.len() == before.len() + appended.len()
                    && list.starts_with(before)
                    && list.ends_with(&appended)
            }
        },
    };
    (!agrees).then_some(Expected { read: base, appended })
}

fn internal(findings: &mut Findings<'_>, transaction: u32, read: MicroOp, expected: &Expected) {
    let table = findings.table;
    findings.anomaly(Kind::Internal, || {
        let due = match expected.read {
            Some(base) => {
                let mut list = table.list(base).unwrap_or_default().to_vec();
                list.extend(&expected.appended);
                table.list_text(&list)
            }
            None => format!("a list that ends in {}", table.list_text(&expected.appended)),
        };
        let claim = format!(
            "{} read {} as {}, where by its own reads and appends it had to see {due}",
            table.operation_text(transaction),
            table.key_text(read.key()),
            table.read_text(read),
        );
        let anomaly = Anomaly::new(Kind::Internal, claim, vec![table.index(transaction)]);
        table.about(read.key(), &expected.appended, anomaly)
    });
}

/// G1b: a read that ends in an append of another transaction that was not its last.
fn intermediate_read(findings: &mut Findings<'_>, transaction: u32, read: MicroOp) {
    let table = findings.table;
    let Some(Some(last)) = table.last_read(read) else { return };
    let writer = table.elements.writer(last);
    if writer == NONE || table.elements.is_final(last) || writer == transaction {
        return;
    }
    findings.anomaly(Kind::G1b, || {
        let claim = format!(
            "{} read {} as {}, which ends in {}: not the last that {} appended there",
            table.operation_text(transaction),
            table.key_text(read.key()),
            table.read_text(read),
            table.value_text(last),
            table.operation_text(writer)
        );
        let operations = vec![table.index(writer), table.index(transaction)];
        table.about(read.key(), &[last], Anomaly::new(Kind::G1b, claim, operations))
    });
}

/// Where in each key's spine something begins that no read should hold.
struct Suspects {
    first: Vec<u32>,
}

impl Suspects {
    fn new(table: &Table) -> Suspects {
        let first = (0..table.keys.len() as u32).map(|key| {
            let spine = table.spine(key);
            let mut sorted = spine.to_vec();
            sorted.sort_unstable();
            let repeats = sorted.windows(2).any(|pair| pair[0] == pair[1]);
            let repeated = |at: usize| repeats && spine[..at].contains(&spine[at]);
            let is_suspect = |at: &usize| is_foul(table, spine[*at]) || repeated(*at);
            (0..spine.len()).find(is_suspect).map_or(NONE, |at| at as u32)
        });
        Suspects { first: first.collect() }
    }

    /// Reports what a read holds that it should not: G1a, garbage-read, duplicate-elements.
    fn look(&self, findings: &mut Findings<'_>, transaction: u32, read: MicroOp) {
        let table = findings.table;
        let list = match table.read(read) {
            Read::Prefix(length) if length <= self.first[read.key() as usize] => return,
            _ => table.list(read).unwrap_or_default(),
        };
        let mut sorted: Vec<u32> = list.to_vec();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            duplicate(findings, transaction, read, pair[0]);
        }
        sorted.dedup();
        for element in list.iter().filter(|element| is_foul(table, **element)) {
            // A repeated element is reported once.
            if let Ok(at) = sorted.binary_search(element) {
                sorted.remove(at);
                foul(findings, transaction, read, *element);
            }
        }
    }
}

/// True for an element that nobody appended, or only a transaction that failed.
fn is_foul(table: &Table, element: u32) -> bool {
    let writer = table.elements.writer(element);
    writer == NONE || !table.is_possible(writer)
}

fn foul(findings: &mut Findings<'_>, transaction: u32, read: MicroOp, element: u32) {
    let table = findings.table;
    let writer = table.elements.writer(element);
    let seen = || {
        let (operation, key) = (table.operation_text(transaction), table.key_text(read.key()));
        let value = table.value_text(element);
        (format!("{operation} read {key} as {}", table.read_text(read)), value)
    };
    if writer == NONE {
        findings.anomaly(Kind::GarbageRead, || {
            let (seen, value) = seen();
            let claim = format!("{seen}, but nobody ever appended {value}");
            table.about(
                read.key(),
                &[element],
                Anomaly::new(Kind::GarbageRead, claim, vec![table.index(transaction)]),
            )
        });
    } else {
        findings.anomaly(Kind::G1a, || {
            let (seen, value) = seen();
            let writer_text = table.operation_text(writer);
            let claim = format!(
                "{seen}, which holds {value}, but {writer_text}, which appended it, failed"
            );
            table.about(
                read.key(),
                &[element],
                Anomaly::new(Kind::G1a, claim, vec![table.index(writer), table.index(transaction)]),
            )
        });
    }
}

fn duplicate(findings: &mut Findings<'_>, transaction: u32, read: MicroOp, element: u32) {
    let table = findings.table;
    findings.anomaly(Kind::DuplicateElements, || {
        let claim = format!(
            "{} read {} as {}, which holds {} twice, though it was appended once",
            table.operation_text(transaction),
            table.key_text(read.key()),
            table.read_text(read),
            table.value_text(element)
        );
        table.about(
            read.key(),
            &[element],
            Anomaly::new(Kind::DuplicateElements, claim, vec![table.index(transaction)]),
        )
    });
}

/// A committed append after one that failed, in what was read.
fn dirty_updates(findings: &mut Findings<'_>, versions: &Versions) {
    let table = findings.table;
    for key in 0..table.keys.len() as u32 {
        let mut failed: Option<u32> = None;
        for element in versions.order(key) {
            let writer = table.elements.writer(*element);
            if writer == NONE {
                continue;
            }
            match (table.outcome(writer), failed) {
                (Outcome::Fail, None) => failed = Some(*element),
                (Outcome::Ok, Some(first)) => {
                    dirty_update(findings, key, first, *element);
                    failed = None;
                }
                _ => {}
            }
        }
    }
}

fn dirty_update(findings: &mut Findings<'_>, key: u32, first: u32, second: u32) {
    let table = findings.table;
    findings.anomaly(Kind::DirtyUpdate, || {
        let writer = |element: u32| table.elements.writer(element);
        let claim = format!(
            "{} appended {} to {} on top of {}, which {} appended and which failed",
            table.operation_text(writer(second)),
            table.value_text(second),
            table.key_text(key),
            table.value_text(first),
            table.operation_text(writer(first)),
        );
        let operations = vec![table.index(writer(first)), table.index(writer(second))];
        table.about(key, &[first, second], Anomaly::new(Kind::DirtyUpdate, claim, operations))
    });
}

/// One for each key that was read in two ways neither of which is the beginning of the other.
fn incompatible_orders(findings: &mut Findings<'_>) {
    let table = findings.table;
    let mut keys: Vec<(u32, u32)> = table.odd.iter().map(|odd| (odd.key, odd.operation)).collect();
    keys.sort_unstable();
    keys.dedup_by_key(|(key, _)| *key);
    for (key, odd) in keys {
        findings.anomaly(Kind::IncompatibleOrder, || {
            let spine = table.spine(key);
            let length = spine.len() as u32;
            let is_longest = |micro_op: &MicroOp| {
                micro_op.key() == key
                    && !micro_op.is_write()
                    && table.read(*micro_op) == Read::Prefix(length)
            };
            let longest = table.operations.iter().position(is_longest).unwrap_or(odd as usize);
            let (one, other) = (table.owner(odd), table.owner(longest as u32));
            let claim = format!(
                "{} read {} as {}, and {} as {}: neither is the beginning of the other",
                table.operation_text(one),
                table.key_text(key),
                table.read_text(table.operations[odd as usize]),
                table.operation_text(other),
                table.list_text(spine),
            );
            let operations = vec![table.index(one), table.index(other)];
            table.about(key, &[], Anomaly::new(Kind::IncompatibleOrder, claim, operations))
        });
    }
}

/// Who read which version of a key and then wrote the key.
struct Updates {
    /// For each version number, the first who did.
    first: Vec<u32>,
    /// All who did after the first, with the first; or, for odd lists, all.
    more: Vec<(u32, u32)>,
    odd: Vec<(u32, Vec<u32>, u32)>,
}

impl Updates {
    fn new(table: &Table) -> Updates {
        Updates { first: vec![NONE; table.version_count()], more: Vec::new(), odd: Vec::new() }
    }

    /// Takes note of a write, if it is the transaction's first of the key and comes after a read.
    fn write(&mut self, table: &Table, same_key: &SameKey, transaction: u32, at: u32) {
        let mut read = None;
        for earlier in same_key.all_before(at) {
            if is_write(table, earlier) {
                return;
            }
            read = Some(earlier);
        }
        let Some(read) = read else { return };
        let read_op = table.operations[read as usize];
        match table.read(read_op) {
            Read::Prefix(length) => {
                let first = &mut self.first[table.version_number(read_op.key(), length)];
                if *first == NONE {
                    *first = read;
                } else {
                    self.more.push((*first, transaction));
                }
            }
            Read::Odd(odd) => {
                let elements = table.odd[odd as usize].elements.clone();
                self.odd.push((read_op.key(), elements, read));
            }
            Read::Unknown | Read::Register(_) => {}
        }
    }

    fn report(mut self, findings: &mut Findings<'_>) {
        let table = findings.table;
        self.odd.sort();
        for same in self.odd.chunk_by(|a, b| (a.0, &a.1) == (b.0, &b.1)) {
            let first = same[0].2;
            self.more.extend(same[1..].iter().map(|(.., read)| (first, table.owner(*read))));
        }
        self.more.sort_unstable();
        for same in self.more.chunk_by(|a, b| a.0 == b.0) {
            let read = same[0].0;
            let others = same.iter().map(|(_, other)| *other);
            crate::txn::lost_update(findings, read, table.owner(read), others.collect());
        }
    }
}
