//! Who wrote over whom, as far as that is sure even where what was not committed can be read: what
//! read uncommitted speaks of, alone, with sessions and with real time.
//!
//! That somebody saw what a transaction wrote does not prove there that it was committed: only what
//! acknowledged transactions wrote is looked at.
//!
//! *Registers*: who reads a value and then sets the key put its own after the other, whether or not
//! one of the two sets the key again. So single writes, and not only the last one of each
//! transaction, can put each of two before the other: a dirty write (Berenson et al., *A Critique
//! of ANSI SQL Isolation Levels*, SIGMOD 1995: P0).
//!
//! *Lists*: elements were appended in the order in which they were read, and what a read lacks came
//! after it. Where two reads of a list part, one of them saw what was never committed, and nobody
//! knows which: of what comes after that place no order is known. The same is true from an element
//! on that was read without what its own transaction had appended before it.

use super::cycles::{self, Cycle, CycleType, Scope, Step};
use super::graph::{Builder, Kinds};
use super::order;
use super::same_key::SameKey;
use super::table::{Datatype, NONE, Table};

/// One wrote a value over another's.
#[derive(Clone, Copy, Debug)]
struct Overwrite {
    from: u32,
    to: u32,
    /// What was written over, and with what.
    before: u32,
    after: u32,
}

/// All that is sure of who wrote over whom.
#[derive(Debug)]
pub(super) struct Overwrites {
    all: Vec<Overwrite>,
}

impl Overwrites {
    pub(super) fn new(table: &Table) -> Overwrites {
        let all = match table.kind {
            Datatype::List => lists(table),
            Datatype::Register => registers(table),
        };
        Overwrites { all }
    }

    /// A shortest circle of transactions that wrote over one another, with the help of that order.
    pub(super) fn circle(&self, table: &Table, scope: Scope) -> Option<Cycle> {
        let mut graph = Builder::new(table.len());
        for overwrite in &self.all {
            graph.edge(overwrite.from, overwrite.to, Kinds::WW);
        }
        match scope {
            Scope::Data => {}
            Scope::Process => order::process(table, &mut graph),
            Scope::Realtime => order::realtime(table, &mut graph),
        }
        let mut steps = cycles::shortest(&graph.finish(), Kinds::ALL)?;
        let first = (0..steps.len()).min_by_key(|at| steps[*at].from).unwrap_or(0);
        steps.rotate_left(first);
        let kinds: Vec<Kinds> = steps.iter().map(|step: &Step| step.kind).collect();
        Some(Cycle { kind: CycleType::of(&kinds), steps })
    }

    /// Why one transaction's write comes before another's.
    pub(super) fn explain(
        &self,
        table: &Table,
        (from, one): (u32, &str),
        (to, other): (u32, &str),
    ) -> Option<String> {
        let overwrite = self.all.iter().find(|known| (known.from, known.to) == (from, to))?;
        let Overwrite { before, after, .. } = *overwrite;
        let key = table.elements.key(before);
        let name = table.key_text(key);
        let (before_text, after_text) = (table.value_text(before), table.value_text(after));
        Some(match table.kind {
            Datatype::Register => {
                format!(
                    "{other} read {one}'s {before_text} of {name} and then set it to {after_text}"
                )
            }
            Datatype::List if table.spine(key).contains(&after) => format!(
                "{name} was read with {one}'s append of {before_text} before {other}'s of \
                 {after_text}"
            ),
            Datatype::List => format!(
                "{name} was read with {one}'s append of {before_text} and without {other}'s of \
                 {after_text}"
            ),
        })
    }
}

fn registers(table: &Table) -> Vec<Overwrite> {
    let mut all = Vec::new();
    let mut same_key = SameKey::new(table);
    for to in (0..table.len() as u32).filter(|number| table.is_ok(*number)) {
        same_key.enter(table, to);
        for at in table.range(to) {
            let write = table.operations[at];
            if !write.is_write() {
                continue;
            }
            let earlier = same_key.all_before(at as u32).map(|at| table.operations[at as usize]);
            // What it read before that, an earlier write of its own came after.
            for read in earlier.take_while(|earlier| !earlier.is_write()) {
                let from = read.origin().writer();
                if from != NONE
                    && from != to
                    && table.is_ok(from)
                    && let Some(Some(before)) = table.last_read(read)
                {
                    all.push(Overwrite { from, to, before, after: write.element() });
                }
            }
        }
    }
    all
}

fn lists(table: &Table) -> Vec<Overwrite> {
    let mut odd: Vec<(u32, &[u32])> =
        table.odd.iter().map(|odd| (odd.key, odd.elements.as_slice())).collect();
    odd.sort_by_key(|(key, _)| *key);
    let mut odd = odd.chunk_by(|a, b| a.0 == b.0).peekable();
    let mut all = Vec::new();
    let mut push = |before: u32, after: u32| {
        let (from, to) = (table.elements.writer(before), table.elements.writer(after));
        if from != to {
            all.push(Overwrite { from, to, before, after });
        }
    };
    let mut is_told = vec![false; table.elements.len()];
    let mut last_told = vec![NONE; table.keys.len()];
    for key in 0..table.keys.len() as u32 {
        let parted = odd.next_if(|lists| lists[0].0 == key).unwrap_or_default();
        let parted = parted.iter().map(|(_, list)| committed(table, list));
        let told = told(table, committed(table, table.spine(key)), parted.collect(), &mut is_told);
        told.windows(2).for_each(|pair| push(pair[0], pair[1]));
        last_told[key as usize] = told.last().copied().unwrap_or(NONE);
    }
    for element in table.elements.all().filter(|element| !is_told[*element as usize]) {
        let last = last_told[table.elements.key(element) as usize];
        if last != NONE && is_committed(table, element) {
            push(last, element);
        }
    }
    all
}

fn is_committed(table: &Table, element: u32) -> bool {
    let writer = table.elements.writer(element);
    writer != NONE && table.is_ok(writer)
}

/// What acknowledged transactions appended, of a list.
fn committed(table: &Table, list: &[u32]) -> Vec<u32> {
    list.iter().copied().filter(|element| is_committed(table, *element)).collect()
}

/// The elements of a list whose order is sure, in that order. Marks them.
fn told(table: &Table, spine: Vec<u32>, parted: Vec<Vec<u32>>, is_told: &mut [bool]) -> Vec<u32> {
    let mut lists = parted;
    lists.push(spine);
    let mut told = Vec::new();
    loop {
        let mut next = lists.iter().filter_map(|list| list.get(told.len()).copied());
        let Some(element) = next.next() else { return told };
        let is_agreed = next.all(|other| other == element);
        if !is_agreed || is_told[element as usize] || !has_its_own(table, element, is_told) {
            return told;
        }
        is_told[element as usize] = true;
        told.push(element);
    }
}

/// Whether all that a transaction appended to a list before an element of its own is told.
fn has_its_own(table: &Table, element: u32, is_told: &[bool]) -> bool {
    let key = table.elements.key(element);
    let ops = table.micro_ops(table.elements.writer(element)).iter();
    ops.filter(|op| op.is_write() && op.key() == key)
        .map(|op| op.element())
        .take_while(|own| *own != element)
        .all(|own| is_told[own as usize])
}
