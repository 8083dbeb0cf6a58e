//! What is known of the order of events, and what is open.

use crate::txn::graph::{Builder, Graph, Kinds};
use crate::txn::order;
use crate::txn::rw_register::versions::Versions;
use crate::txn::table::{Datatype, NONE, Table};

use super::{Clients, Shape, parallel};

/// Who wrote and read which version, whatever the model.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub table: &'a Table,
    versions: Versions,
    /// By key: where its writes begin.
    starts: Vec<u32>,
    /// The elements that others can see, key by key, each in the order of their writers.
    elements: Vec<u32>,
    /// Who happened: what is acknowledged, and what somebody read of.
    pub happened: Vec<bool>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(table: &'a Table) -> Facts<'a> {
        let versions = Versions::new(table, true);
        let mut happened: Vec<bool> = (0..table.len() as u32).map(|t| table.is_ok(t)).collect();
        // Versions know of the first read of each key alone.
        for reader in (0..table.len() as u32).filter(|reader| table.is_ok(*reader)) {
            let reads = table.micro_ops(reader).iter().filter(|op| !op.is_write());
            for element in reads.filter_map(|op| table.last_read(*op)?) {
                if let Some(writer) = table.elements.origin(element).sound_writer() {
                    happened[writer as usize] = true;
                }
            }
        }
        let mut starts = vec![0u32; table.keys.len() + 1];
        let counted = || {
            let all = table.elements.all();
            all.filter_map(|element| Some((element, versions.writer(table, element)?)))
        };
        for (element, writer) in counted() {
            happened[writer as usize] = true;
            starts[table.elements.key(element) as usize + 1] += 1;
        }
        for key in 1..starts.len() {
            starts[key] += starts[key - 1];
        }
        let mut places = starts.clone();
        let mut elements = vec![0; starts.last().map_or(0, |end| *end as usize)];
        for (element, _) in counted() {
            let place = &mut places[table.elements.key(element) as usize];
            elements[*place as usize] = element;
            *place += 1;
        }
        Facts { table, versions, starts, elements, happened }
    }

    /// The writes of a key that others can see.
    pub(super) fn elements(&self, key: u32) -> &[u32] {
        &self.elements[self.places(key)]
    }

    /// Where the writes of a key are among those of all.
    pub(super) fn places(&self, key: u32) -> std::ops::Range<usize> {
        let key = key as usize;
        self.starts[key] as usize..self.starts[key + 1] as usize
    }

    /// Who writes an element of these.
    pub(super) fn writer(&self, element: u32) -> u32 {
        self.table.elements.writer(element)
    }

    /// Who reads an element, its writer aside.
    pub(super) fn readers(&self, element: u32) -> impl Iterator<Item = u32> {
        let writer = self.writer(element);
        self.versions.readers(element).iter().copied().filter(move |reader| *reader != writer)
    }

    pub(super) fn readers_of_nothing(&self, key: u32) -> &[u32] {
        self.versions.readers_of_nothing(key)
    }

    /// Who read what somebody wrote to a key, and wrote the key: each with that one.
    fn overwritten(&self, key: u32, mut pair: impl FnMut(u32, u32)) {
        for element in self.elements(key) {
            let next = self.versions.next_writers(*element);
            next.iter().for_each(|next| pair(self.writer(*element), *next));
        }
    }

    /// Of a list, what others can see of it, in the order that its longest read tells: the last
    /// append of each transaction that it shows, though that may not have been read itself.
    pub(super) fn chain(&self, key: u32) -> Vec<u32> {
        let spine = self.table.spine(key);
        let mut chain: Vec<u32> = Vec::with_capacity(spine.len());
        for (at, element) in spine.iter().enumerate() {
            let next = spine.get(at + 1).map(|next| self.writer(*next));
            if next != Some(self.writer(*element))
                && let Some(shown) = self.last_of_its_writer(*element)
            {
                chain.push(shown);
            }
        }
        chain
    }

    /// The last append to a list by whoever appended an element, if others can see it.
    pub(super) fn last_of_its_writer(&self, element: u32) -> Option<u32> {
        let (table, key) = (self.table, self.table.elements.key(element));
        let last = match self.writer(element) {
            writer if writer != NONE && !table.elements.is_final(element) => {
                let ops = table.micro_ops(writer).iter();
                ops.rev().find(|op| op.is_write() && op.key() == key)?.element()
            }
            _ => element,
        };
        self.versions.writer(table, last).map(|_| last)
    }
}

/// The order of events that is known for a model. The vertices are all begins and, where they are
/// not the same, all commits, each by transaction; then hubs.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub facts: &'a Facts<'a>,
    pub shape: Shape,
    pub known: Graph,
}

impl<'a> Problem<'a> {
    pub(super) fn new(facts: &'a Facts<'a>, shape: Shape, clients: Clients) -> Problem<'a> {
        let table = facts.table;
        let has_commits = shape.has_commits();
        let size = if has_commits { 2 * table.len() } else { table.len() };
        let mut known = Builder::new(size);
        let commit = |transaction: u32| commit(table, shape, transaction);
        if has_commits {
            for transaction in 0..table.len() as u32 {
                known.edge(transaction, commit(transaction), Kinds::FREE);
            }
        }
        if shape == Shape::Committed {
            all_reads(facts, |writer, reader| known.edge(writer, reader, Kinds::WR));
        }
        for key in 0..table.keys.len() as u32 {
            for element in facts.elements(key) {
                for reader in facts.readers(*element) {
                    known.edge(commit(facts.writer(*element)), reader, Kinds::WR);
                }
            }
            if !matches!(shape, Shape::Serial | Shape::Snapshot | Shape::Prefix) {
                parallel::order_of_list(facts, key, &mut known);
                facts.overwritten(key, |writer, next| known.edge(writer, next, Kinds::WW));
                continue;
            }
            let mut writers: Vec<u32> =
                facts.elements(key).iter().map(|element| facts.writer(*element)).collect();
            if has_commits {
                writers.iter_mut().for_each(|writer| *writer = commit(*writer));
            }
            known.all_to_all(facts.readers_of_nothing(key), &writers, Kinds::RW);
            order_of_list(facts, shape, key, &mut known);
        }
        match clients {
            Clients::Any => {}
            Clients::Sessions => sessions(facts, |from, to| {
                known.edge(commit(from), to, Kinds::PROCESS);
            }),
            Clients::RealTime => order::realtime_between(table, &mut known, commit),
        }
        Problem { facts, shape, known: known.finish() }
    }

    /// Where a transaction's writes are there.
    #[inline]
    pub(super) fn commit(&self, transaction: u32) -> u32 {
        commit(self.facts.table, self.shape, transaction)
    }

    /// The transaction whose event a vertex is; none for a hub.
    pub(super) fn transaction(&self, vertex: u32) -> Option<u32> {
        let size = self.facts.table.len() as u32;
        (!self.known.is_hub(vertex)).then(|| if vertex < size { vertex } else { vertex - size })
    }

    /// Whom a reader is known not to see, where that is no edge.
    pub(super) fn unseen(&self) -> Vec<(u32, u32)> {
        match self.shape {
            Shape::Parallel => parallel::known_unseen(self.facts),
            _ => Vec::new(),
        }
    }

    /// The events that must follow one another if the writer of `first` writes before that of
    /// `second`, with why.
    pub(super) fn if_before(&self, first: u32, second: u32, edge: impl FnMut(u32, u32, Kinds)) {
        if_before(self.facts, self.shape, (first, second), edge);
    }
}

fn if_before(
    facts: &Facts<'_>,
    shape: Shape,
    (first, second): (u32, u32),
    mut edge: impl FnMut(u32, u32, Kinds),
) {
    let (before, after) = (facts.writer(first), facts.writer(second));
    let commit = |transaction: u32| commit(facts.table, shape, transaction);
    let end = if shape == Shape::Snapshot { after } else { commit(after) };
    edge(commit(before), end, Kinds::WW);
    if shape.is_known() {
        return;
    }
    let end = commit(after);
    for reader in facts.readers(first).filter(|reader| *reader != after) {
        edge(reader, end, Kinds::RW);
    }
}

/// From whom each read of a transaction read, and not only the first of a key.
fn all_reads(facts: &Facts<'_>, mut pair: impl FnMut(u32, u32)) {
    let table = facts.table;
    for reader in (0..table.len() as u32).filter(|reader| table.is_ok(*reader)) {
        let ops = table.micro_ops(reader).iter();
        for read in ops.filter(|op| !op.is_write()) {
            let seen = match table.list(*read) {
                Some(list) => list.iter().rev().copied().collect(),
                None => Vec::from_iter(table.last_read(*read).flatten()),
            };
            let of_others = |element: &u32| {
                let writer = table.elements.origin(*element).sound_writer();
                writer.filter(|writer| *writer != reader && facts.happened[*writer as usize])
            };
            if let Some(writer) = seen.iter().find_map(of_others) {
                pair(writer, reader);
            }
        }
    }
}

/// What reads tell of the order in which a list was appended to: what they show, one after the
/// other, and then all else in any order.
fn order_of_list(facts: &Facts<'_>, shape: Shape, key: u32, known: &mut Builder) {
    if facts.table.kind != Datatype::List {
        return;
    }
    let chain = facts.chain(key);
    for pair in chain.windows(2) {
        if_before(facts, shape, (pair[0], pair[1]), |from, to, kind| known.edge(from, to, kind));
    }
    let mut shown = chain.clone();
    shown.sort_unstable();
    let all = facts.elements(key).iter();
    let unread = all.filter(|element| shown.binary_search(element).is_err());
    let writers: Vec<u32> = unread.map(|element| facts.writer(*element)).collect();
    let commit = |transaction: u32| commit(facts.table, shape, transaction);
    let commits: Vec<u32> = writers.iter().map(|writer| commit(*writer)).collect();
    if let Some(last) = chain.last().filter(|_| !commits.is_empty()) {
        for writer in &writers {
            let end = if shape == Shape::Snapshot { *writer } else { commit(*writer) };
            known.edge(commit(facts.writer(*last)), end, Kinds::WW);
        }
        let readers: Vec<u32> = facts.readers(*last).collect();
        known.all_to_all(&readers, &commits, Kinds::RW);
    }
    // In a part of a history nobody may have written what was read; its place is known
    // nevertheless.
    let mut passed = 0;
    for element in facts.table.spine(key) {
        if let Some(shown) = facts.last_of_its_writer(*element) {
            passed += usize::from(chain.get(passed) == Some(&shown));
            continue;
        }
        let readers: Vec<u32> = facts.readers(*element).collect();
        let before = passed.checked_sub(1).map(|at| facts.writer(chain[at]));
        let next = chain.get(passed).map(|next| facts.writer(*next));
        for reader in &readers {
            if let Some(writer) = before.filter(|writer| writer != reader) {
                known.edge(commit(writer), *reader, Kinds::WR);
            }
            if let Some(writer) = next.filter(|writer| writer != reader) {
                known.edge(*reader, commit(writer), Kinds::RW);
            }
        }
        if next.is_none() {
            known.all_to_all(&readers, &commits, Kinds::RW);
        }
    }
}

fn commit(table: &Table, shape: Shape, transaction: u32) -> u32 {
    if shape.has_commits() { table.len() as u32 + transaction } else { transaction }
}

/// Each two consecutive transactions of a process of which the first was acknowledged.
pub(super) fn sessions(facts: &Facts<'_>, mut pair: impl FnMut(u32, u32)) {
    let table = facts.table;
    let mut last: rustc_hash::FxHashMap<u32, Vec<u32>> = rustc_hash::FxHashMap::default();
    for (number, transaction) in table.transactions.iter().enumerate() {
        let number = number as u32;
        if table.is_ok(number) {
            let session = last.entry(transaction.process).or_default();
            if let Some(before) = session.last() {
                pair(*before, number);
            }
            session.push(number);
        }
    }
    for (number, transaction) in table.transactions.iter().enumerate() {
        let number = number as u32;
        let is_after = |before: &&u32| {
            let completion = table.transactions[**before as usize].completion;
            completion != NONE && completion < transaction.index
        };
        if facts.happened[number as usize]
            && !table.is_ok(number)
            && let Some(session) = last.get(&transaction.process)
            && let Some(before) = session.iter().rev().find(is_after)
        {
            pair(*before, number);
        }
    }
}
