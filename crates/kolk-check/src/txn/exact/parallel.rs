//! What is particular to parallel snapshots: there is no one order in which all is read.
//!
//! A history has parallel snapshot isolation (Sovran et al., *Transactional storage for
//! geo-replicated systems*, SOSP 2011) iff the writes of each key can be put in an order such that
//! nobody sees itself, and nobody sees a write that comes after the one it read: of two writers of
//! a key the later sees the earlier, a reader sees whom it read from, and whoever sees somebody
//! sees whom that one sees (Cerone & Gotsman, *Analysing Snapshot Isolation*, PODC 2016). So the
//! vertices are transactions, the edges say who sees whom, and what a reader must not see is no
//! edge but is looked at for itself. An order of all transactions that agrees with the edges tells
//! that of each key's writes.

use crate::txn::graph::{Builder, Kinds};
use crate::txn::table::Datatype;

use super::problem::{Facts, Problem};

/// Adds what reads tell of the order in which a list was appended to, and no more.
pub(super) fn order_of_list(facts: &Facts<'_>, key: u32, known: &mut Builder) {
    if facts.table.kind != Datatype::List {
        return;
    }
    let chain = facts.chain(key);
    for pair in chain.windows(2) {
        known.edge(facts.writer(pair[0]), facts.writer(pair[1]), Kinds::WW);
    }
    if let Some(last) = chain.last() {
        for writer in unread(facts, key, &chain) {
            known.edge(facts.writer(*last), writer, Kinds::WW);
        }
    }
    gaps(facts, key, |before, reader, _| {
        if let Some(before) = before {
            known.edge(before, reader, Kinds::WR);
        }
    });
}

/// Who appended what nobody read.
fn unread(facts: &Facts<'_>, key: u32, chain: &[u32]) -> Vec<u32> {
    let mut shown = chain.to_vec();
    shown.sort_unstable();
    let all = facts.elements(key).iter();
    let unread = all.filter(|element| shown.binary_search(element).is_err());
    unread.map(|element| facts.writer(*element)).collect()
}

/// Of a part of a history, in which nobody may have appended what was read: each reader of such an
/// element, who appended the one before, and who those after it.
fn gaps(facts: &Facts<'_>, key: u32, mut gap: impl FnMut(Option<u32>, u32, &[u32])) {
    if facts.table.kind != Datatype::List {
        return;
    }
    let chain = facts.chain(key);
    let mut passed = 0;
    for element in facts.table.spine(key) {
        if let Some(shown) = facts.last_of_its_writer(*element) {
            passed += usize::from(chain.get(passed) == Some(&shown));
            continue;
        }
        if facts.readers(*element).next().is_none() {
            continue;
        }
        let before = passed.checked_sub(1).map(|at| facts.writer(chain[at]));
        let next = match chain.get(passed) {
            Some(next) => vec![facts.writer(*next)],
            None => unread(facts, key, &chain),
        };
        for reader in facts.readers(*element) {
            gap(before.filter(|before| *before != reader), reader, &next);
        }
    }
}

/// The readers of a key's elements, which are in the order of their writes, each with the writer
/// that it must not see. That is the next one: whoever sees those after it sees that one.
pub(super) fn unseen(facts: &Facts<'_>, key: u32, elements: &[u32], mut pair: impl FnMut(Unseen)) {
    let mut look = |reader, writer, because| {
        if reader != writer {
            pair(Unseen { reader, writer, because });
        }
    };
    if let Some(first) = elements.first() {
        let writer = facts.writer(*first);
        facts.readers_of_nothing(key).iter().for_each(|reader| look(*reader, writer, None));
    }
    for both in elements.windows(2) {
        let because = Some((both[0], both[1]));
        facts.readers(both[0]).for_each(|reader| look(reader, facts.writer(both[1]), because));
    }
    gaps(facts, key, |_, reader, next| {
        next.iter().for_each(|writer| look(reader, *writer, None));
    });
}

/// A reader, and a writer that it must not see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unseen {
    pub reader: u32,
    pub writer: u32,
    /// Two elements, if it rests on the first's having been written before the second.
    pub because: Option<(u32, u32)>,
}

/// Every reader and writer of whom it is known, whatever the order of writes, that the first does
/// not see the second.
pub(super) fn known_unseen(facts: &Facts<'_>) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    let mut add = |reader, writer| {
        if reader != writer {
            pairs.push((reader, writer));
        }
    };
    for key in 0..facts.table.keys.len() as u32 {
        for reader in facts.readers_of_nothing(key) {
            facts.elements(key).iter().for_each(|element| add(*reader, facts.writer(*element)));
        }
        if facts.table.kind == Datatype::List {
            let chain = facts.chain(key);
            for both in chain.windows(2) {
                facts.readers(both[0]).for_each(|reader| add(reader, facts.writer(both[1])));
            }
            if let Some(last) = chain.last() {
                let unread = unread(facts, key, &chain);
                for reader in facts.readers(*last) {
                    unread.iter().for_each(|writer| add(reader, *writer));
                }
            }
            gaps(facts, key, |_, reader, next| next.iter().for_each(|writer| add(reader, *writer)));
        }
    }
    pairs
}

/// Whether these places of the vertices, which agree with all that is known, are a proof: put in
/// order so, no key's writes let a reader see what it must not.
pub(super) fn shows(problem: &Problem<'_>, places: &[usize]) -> bool {
    let (facts, known) = (problem.facts, &problem.known);
    let in_order = |key: u32| {
        let mut elements = facts.elements(key).to_vec();
        elements.sort_unstable_by_key(|element| places[facts.writer(*element) as usize]);
        elements
    };
    let keys = 0..facts.table.keys.len() as u32;
    let mut later: Vec<Vec<u32>> = vec![Vec::new(); known.len()];
    for key in keys.clone() {
        for both in in_order(key).windows(2) {
            later[facts.writer(both[0]) as usize].push(facts.writer(both[1]));
        }
    }
    let sees = |reader: u32, writer: u32| {
        if places[writer as usize] >= places[reader as usize] {
            return false;
        }
        let mut reached = vec![false; known.len()];
        let mut open = vec![writer];
        while let Some(vertex) = open.pop() {
            let edges = known.edges(vertex).iter().map(|edge| edge.to());
            for next in edges.chain(later[vertex as usize].iter().copied()) {
                let is_within = places[next as usize] <= places[reader as usize];
                if is_within && !std::mem::replace(&mut reached[next as usize], true) {
                    open.push(next);
                }
            }
        }
        reached[reader as usize]
    };
    keys.into_iter().all(|key| {
        let mut holds = true;
        unseen(facts, key, &in_order(key), |pair| holds &= !sees(pair.reader, pair.writer));
        holds
    })
}
