//! What is known of the order in which values were written.

use crate::check::{Anomaly, PROOF_MAX};
use crate::kind::Kind;
use crate::txn::findings::Findings;
use crate::txn::same_key::SameKey;
use crate::txn::table::{Datatype, NONE, Origin, Table};

/// Lists of transactions, one for each of many things, in ascending order.
#[derive(Debug, Default)]
struct Lists {
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Lists {
    /// From pairs of a thing's number and a transaction, the transactions in ascending order.
    fn new(size: usize, pairs: &[(u32, u32)]) -> Lists {
        let mut starts = vec![0u32; size + 1];
        for (thing, _) in pairs {
            starts[*thing as usize] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut members = vec![0; pairs.len()];
        for (thing, member) in pairs.iter().rev() {
            let place = &mut starts[*thing as usize];
            *place -= 1;
            members[*place as usize] = *member;
        }
        Lists { starts, members }
    }

    fn of(&self, thing: u32) -> &[u32] {
        let at = thing as usize;
        &self.members[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// Who read and wrote which version, and which versions follow which.
#[derive(Debug)]
pub(in crate::txn) struct Versions {
    /// By element: who read it externally.
    readers: Lists,
    /// By key: who externally read nothing.
    readers_of_nothing: Lists,
    /// By key: who wrote it.
    writers: Lists,
    /// By element: who read it and wrote the key, externally.
    next_writers: Lists,
    /// For each element, the one its writer had read.
    before: Vec<u32>,
    /// Elements that come before themselves: the key and a circle of elements.
    cyclic: Vec<(u32, Vec<u32>)>,
    /// Whether each element's writer counts.
    counts: Vec<bool>,
    has_pending: bool,
}

impl Versions {
    /// What reads and writes tell. Pending transactions whose values were read are counted in if
    /// asked; whether there are any is known either way.
    pub(in crate::txn) fn new(table: &Table, with_pending: bool) -> Versions {
        let (mut readers, mut of_nothing, mut follows) = (Vec::new(), Vec::new(), Vec::new());
        let mut before = vec![NONE; table.elements.len()];
        let mut same_key = SameKey::new(table);
        let mut happened: Vec<bool> = vec![false; if with_pending { table.len() } else { 0 }];
        let mut has_pending = false;
        for transaction in 0..table.len() as u32 {
            if !table.is_ok(transaction) {
                continue;
            }
            same_key.enter(table, transaction);
            for at in table.range(transaction) {
                let micro_op = table.operations[at];
                if micro_op.is_write() {
                    let first = same_key.all_before(at as u32).last();
                    let read = first.and_then(|first| external_read(table, first));
                    let element = micro_op.element();
                    if let Some(Some(read)) = read
                        && micro_op.origin().is_final()
                        && read != element
                    {
                        before[element as usize] = read;
                        follows.push((read, transaction));
                    }
                    continue;
                }
                match of_others(table, &same_key, at as u32) {
                    None => {}
                    Some(None) => of_nothing.push((micro_op.key(), transaction)),
                    Some(Some(element)) => {
                        readers.push((element, transaction));
                        let origin = table.origin_of_read(micro_op, element);
                        if origin.is_pending() {
                            has_pending = true;
                            if with_pending {
                                happened[origin.writer() as usize] = true;
                            }
                        }
                    }
                }
            }
        }
        // A list shows who appended before its last element, too.
        if table.kind == Datatype::List && with_pending {
            let spines = (0..table.keys.len() as u32).flat_map(|key| table.spine(key));
            for origin in spines.map(|element| table.elements.origin(*element)) {
                if origin.is_pending() {
                    happened[origin.writer() as usize] = true;
                }
            }
        }
        let happened = |origin: Origin| {
            !origin.is_pending() || with_pending && happened[origin.writer() as usize]
        };
        // Elements are in the order of their writers, and so are the writers of each key.
        let (mut counts, mut writers) = (Vec::new(), Vec::new());
        for element in table.elements.all() {
            let origin = table.elements.origin(element);
            let writer = origin.sound_writer().filter(|_| happened(origin));
            counts.push(writer.is_some());
            writers.extend(writer.map(|writer| (table.elements.key(element), writer)));
        }
        let cyclic = cut_cycles(table, &mut before);
        if !cyclic.is_empty() {
            let keys: Vec<u32> = cyclic.iter().map(|(key, _)| *key).collect();
            let key_of = |element: u32| table.elements.key(element);
            follows.retain(|(element, _)| keys.binary_search(&key_of(*element)).is_err());
        }
        Versions {
            readers: Lists::new(table.elements.len(), &readers),
            readers_of_nothing: Lists::new(table.keys.len(), &of_nothing),
            writers: Lists::new(table.keys.len(), &writers),
            next_writers: Lists::new(table.elements.len(), &follows),
            before,
            cyclic,
            counts,
            has_pending,
        }
    }

    /// Whether values of pending transactions were read.
    pub(in crate::txn) fn has_pending(&self) -> bool {
        self.has_pending
    }

    /// Who wrote an element, if that is an external write and is known to have happened.
    pub(in crate::txn) fn writer(&self, table: &Table, element: u32) -> Option<u32> {
        self.counts[element as usize].then(|| table.elements.writer(element))
    }

    pub(in crate::txn) fn readers(&self, element: u32) -> &[u32] {
        self.readers.of(element)
    }

    pub(in crate::txn) fn readers_of_nothing(&self, key: u32) -> &[u32] {
        self.readers_of_nothing.of(key)
    }

    pub(in crate::txn) fn writers(&self, key: u32) -> &[u32] {
        self.writers.of(key)
    }

    /// Who overwrote an element after reading it.
    pub(in crate::txn) fn next_writers(&self, element: u32) -> &[u32] {
        self.next_writers.of(element)
    }

    /// The element directly before this one, as far as is known.
    pub(in crate::txn) fn before(&self, element: u32) -> Option<u32> {
        Some(self.before[element as usize]).filter(|before| *before != NONE)
    }

    /// Reports values that come before themselves.
    pub(in crate::txn) fn report_cyclic(&self, findings: &mut Findings<'_>) {
        let table = findings.table;
        for (key, circle) in &self.cyclic {
            findings.anomaly(Kind::CyclicVersions, || {
                let values = circle.iter().map(|element| table.value_text(*element));
                let operations: Vec<u32> = circle
                    .iter()
                    .take(PROOF_MAX)
                    .map(|element| table.index(table.elements.writer(*element)))
                    .collect();
                let claim = format!(
                    "the values {} of {} each overwrote the one before, in a circle",
                    crate::tree::some_of(values, PROOF_MAX),
                    table.key_text(*key)
                );
                table.about(*key, circle, Anomaly::new(Kind::CyclicVersions, claim, operations))
            });
        }
    }
}

/// What a read saw that its own transaction had not written: of a register, if it is the
/// transaction's first micro-operation on the key; of a list, if it is its first read, without what
/// it had appended.
#[inline]
fn of_others(table: &Table, same_key: &SameKey, at: u32) -> Option<Option<u32>> {
    let read = table.operations[at as usize];
    if table.kind == Datatype::Register {
        return if same_key.before(at).is_none() { table.last_read(read) } else { None };
    }
    let mut own = 0;
    for earlier in same_key.all_before(at) {
        if !table.operations[earlier as usize].is_write() {
            return None;
        }
        own += 1;
    }
    let list = table.list(read)?;
    Some(list.len().checked_sub(own + 1).map(|last| list[last]))
}

/// What a transaction's first micro-operation on a key saw, if it is a read.
fn external_read(table: &Table, first: u32) -> Option<Option<u32>> {
    let first = table.operations[first as usize];
    (!first.is_write()).then(|| table.last_read(first)).flatten()
}

/// Finds elements that come before themselves, each circle once, and forgets what came before what
/// in their keys. Each element has one directly before it at most, so a circle is found by going
/// back.
fn cut_cycles(table: &Table, before: &mut [u32]) -> Vec<(u32, Vec<u32>)> {
    const NEW: u32 = 0;
    let mut walks = vec![NEW; before.len()];
    let mut cyclic = Vec::new();
    for start in 0..before.len() as u32 {
        let walk = start + 1;
        let mut element = start;
        while element != NONE && walks[element as usize] == NEW {
            walks[element as usize] = walk;
            element = before[element as usize];
        }
        if element != NONE && walks[element as usize] == walk {
            let back = |element: &u32| Some(before[*element as usize]);
            let again = std::iter::successors(Some(element), back).skip(1);
            let mut circle: Vec<u32> = again.take_while(|other| *other != element).collect();
            circle.push(element);
            // From each value to the one that overwrote it.
            circle.reverse();
            cyclic.push((table.elements.key(element), circle));
        }
    }
    cyclic.sort_unstable();
    for element in 0..before.len() {
        let key = table.elements.key(element as u32);
        if cyclic.binary_search_by_key(&key, |(key, _)| *key).is_ok() {
            before[element] = NONE;
        }
    }
    cyclic
}
