//! The orders that assumptions tell, against their definition, pair by pair.

use std::collections::BTreeSet;

use kolk_history::Outcome;
use kolk_protocol::{Key, random::Random};

use super::*;
use crate::txn::graph::{Edge, Graph};
use crate::txn::table::{Builder as TableBuilder, Datatype, Transaction};

/// A key, and a value there or nothing.
type Version = (i64, Option<i64>);

#[derive(Clone, Debug)]
struct Txn {
    process: u32,
    invoked: u32,
    completed: u32,
    outcome: Outcome,
    /// Key, value, whether it is a write.
    ops: Vec<(i64, Option<i64>, bool)>,
}

impl Txn {
    fn read(&self, key: i64) -> Option<Version> {
        let first = self.ops.iter().find(|op| op.0 == key)?;
        (!first.2 && self.outcome == Outcome::Ok).then_some((key, first.1))
    }

    fn written(&self, key: i64) -> Option<Version> {
        let last = self.ops.iter().rfind(|op| op.0 == key && op.2)?;
        Some((key, last.1))
    }

    fn begin(&self, key: i64) -> Option<Version> {
        match self.read(key) {
            Some((_, None)) | None => self.written(key).or(self.read(key)),
            read => read,
        }
    }

    fn end(&self, key: i64) -> Option<Version> {
        self.written(key).or(self.read(key))
    }
}

/// Up to three processes, whose transactions read mostly what is there.
fn story(random: &mut Random) -> Vec<Txn> {
    let keys = 1 + random.index(2) as i64;
    let mut next = 1;
    let mut now: [Vec<i64>; 2] = Default::default();
    let mut txns = Vec::new();
    let mut free = [0u32; 3];
    let mut names = [0, 1, 2];
    let wrong = [0.0, 0.1, 0.5][random.index(3)];
    for at in 0..2 + random.index(8) as u32 {
        let place = random.index(3);
        let instant = 100 * (at + 1);
        let early = instant.saturating_sub(random.index(250) as u32);
        let invoked = free[place].max(early) + 1;
        let completed = (instant + random.index(250) as u32).max(invoked + 1);
        free[place] = completed;
        let outcome = [Outcome::Ok, Outcome::Ok, Outcome::Ok, Outcome::Info][random.index(4)];
        let outcome = if random.chance(0.05) { Outcome::Fail } else { outcome };
        let mut ops = Vec::new();
        for _ in 0..1 + random.index(3) {
            let key = random.index(keys as usize) as i64;
            let values = &mut now[key as usize];
            if random.chance(0.5) {
                ops.push((key, Some(next), true));
                values.push(next);
                next += 1;
            } else if random.chance(wrong) {
                let some = random.index(values.len() + 1);
                ops.push((key, values.get(some).copied(), false));
            } else {
                ops.push((key, values.last().copied(), false));
            }
        }
        txns.push(Txn { process: names[place], invoked, completed, outcome, ops });
        if outcome == Outcome::Info {
            names[place] += 3;
        }
    }
    // No two events at once; transactions are numbered by their ends.
    let mut instants: Vec<(u32, usize, bool)> = Vec::new();
    for (at, txn) in txns.iter().enumerate() {
        instants.extend([(txn.invoked, at, false), (txn.completed, at, true)]);
    }
    instants.sort_unstable_by_key(|(instant, at, is_end)| (*instant, *is_end, *at));
    for (index, (_, at, is_end)) in (0..).zip(instants) {
        let txn = &mut txns[at];
        *(if is_end { &mut txn.completed } else { &mut txn.invoked }) = index;
    }
    txns.sort_by_key(|txn| txn.completed);
    txns
}

fn table(txns: &[Txn]) -> Table {
    let mut builder = TableBuilder::new(Datatype::Register);
    for txn in txns {
        builder.begin(Transaction {
            first: 0,
            index: txn.invoked,
            completion: txn.completed,
            process: txn.process,
            outcome: txn.outcome,
        });
        for (key, value, is_write) in &txn.ops {
            match value {
                Some(value) if *is_write => builder.write(*key, *value),
                _ if txn.outcome != Outcome::Ok => builder.read_unknown(*key),
                value => builder.read_register(*key, *value),
            }
        }
    }
    builder.finish()
}

/// The versions of two transactions of which one comes before the other.
fn pairs(
    txns: &[Txn],
    is_before: impl Fn(i64, &Txn, &Txn) -> bool,
) -> BTreeSet<(Version, Version)> {
    let mut pairs = BTreeSet::new();
    for one in txns.iter().filter(|one| one.outcome == Outcome::Ok) {
        for other in txns.iter().filter(|other| other.outcome != Outcome::Fail) {
            for key in 0..2 {
                if let (Some(before), Some(after)) = (one.end(key), other.begin(key))
                    && before != after
                    && before.1.is_some()
                    && is_before(key, one, other)
                {
                    pairs.insert((before, after));
                }
            }
        }
    }
    pairs
}

/// The keys in which something comes before itself, nothing before all else.
fn cyclic(pairs: &BTreeSet<(Version, Version)>) -> BTreeSet<i64> {
    let mut closure = pairs.clone();
    closure.extend(pairs.iter().flat_map(|(a, b)| [((a.0, None), *a), ((b.0, None), *b)]));
    loop {
        let more: Vec<_> = closure
            .iter()
            .flat_map(|(a, b)| closure.iter().filter(move |c| *b == c.0).map(move |c| (*a, c.1)))
            .filter(|pair| !closure.contains(pair))
            .collect();
        if more.is_empty() {
            let loops = closure.iter().filter(|(a, b)| a == b && a.1.is_some());
            return loops.map(|(a, _)| a.0).collect();
        }
        closure.extend(more);
    }
}

/// The direct edges between transactions, seen through hubs; of a pair of transactions, that one
/// overwrote what the other had read is no news if it overwrote what the other had written.
fn seen(graph: &Graph) -> BTreeSet<(u32, u32, Kinds)> {
    let mut found = BTreeSet::new();
    for from in 0..graph.transactions() {
        for edge in graph.edges(from) {
            let mut open = vec![edge.to()];
            while let Some(vertex) = open.pop() {
                match graph.is_hub(vertex) {
                    true => open.extend(graph.edges_of(vertex, Kinds::FREE).map(Edge::to)),
                    false => drop(found.insert((from, vertex, edge.kind()))),
                }
            }
        }
    }
    let all = found.clone();
    found.retain(|(a, b, kind)| *kind != Kinds::RW || !all.contains(&(*a, *b, Kinds::WW)));
    found
}

#[test]
fn orders_are_those_of_the_definition() {
    let mut counts = [0; 4];
    for seed in 0..20_000 {
        let txns = story(&mut Key::new(seed).random());
        let table = table(&txns);
        let keys = AssumedKeys { sequential: seed % 2 == 0, linearizable: seed % 3 != 0 };
        // By definition: one source after another, each dropped where it makes a key cyclic.
        let ok = |txn: &&Txn| txn.outcome == Outcome::Ok;
        let mut updates = BTreeSet::new();
        for txn in txns.iter().filter(ok) {
            for key in 0..2 {
                if let (Some(read), Some(written)) = (txn.read(key), txn.written(key))
                    && read.1.is_some()
                    && read != written
                {
                    updates.insert((read, written));
                }
            }
        }
        let in_turn = |key: i64, one: &Txn, other: &Txn| {
            let between = |txn: &&Txn| {
                txn.process == one.process
                    && txn.outcome == Outcome::Ok
                    && one.completed < txn.completed
                    && txn.completed < other.completed
                    && txn.end(key).is_some()
            };
            one.process == other.process
                && other.outcome == Outcome::Ok
                && one.completed < other.invoked
                && !txns.iter().any(|txn| between(&txn))
        };
        let in_time = |_: i64, one: &Txn, other: &Txn| one.completed < other.invoked;
        let mut order = updates.clone();
        order.retain(|(a, _)| !cyclic(&updates).contains(&a.0));
        let mut expected: BTreeSet<(&str, i64)> = BTreeSet::new();
        for (assumption, is_assumed, more) in [
            ("sequential", keys.sequential, pairs(&txns, in_turn)),
            ("linearizable", keys.linearizable, pairs(&txns, in_time)),
        ] {
            if is_assumed {
                let mut both = order.clone();
                both.extend(more);
                let cyclic = cyclic(&both);
                both.retain(|pair| !cyclic.contains(&pair.0.0) || order.contains(pair));
                expected.extend(cyclic.into_iter().map(|key| (assumption, key)));
                order = both;
            }
        }
        let known = Versions::new(&table, false);
        let assumed = Assumed::new(&table, &known, keys);
        let key_name = |key: u32| table.key_name(key).as_int().expect("a number");
        let found = assumed.circles.iter().map(|circle| (circle.assumption, key_name(circle.key)));
        assert_eq!(found.collect::<BTreeSet<_>>(), expected, "seed {seed}: {txns:#?}");
        for circle in &assumed.circles {
            let anomaly = words::circle(&table, &assumed.touched, circle);
            assert!(!anomaly.operations.is_empty(), "seed {seed}: {anomaly:?}");
        }
        counts[2] += expected.len();
        for with_pending in [false, true] {
            let versions = Versions::new(&table, with_pending);
            let mut graph = Builder::new(table.len());
            crate::txn::rw_register::data_edges(&table, &versions, &mut graph);
            assumed.edges(&table, &versions, &mut graph);
            let graph = seen(&graph.finish());
            let expected = dependencies(&txns, &order, with_pending);
            assert_eq!(graph, expected, "seed {seed}: {txns:#?}");
            counts[usize::from(with_pending)] += expected.len();
        }
        counts[3] += order.len() - order.intersection(&updates).count();
    }
    assert!(counts.iter().all(|count| *count > 1_000), "{counts:?}");
}

/// Who depends on whom, by these orders of versions.
fn dependencies(
    txns: &[Txn],
    order: &BTreeSet<(Version, Version)>,
    with_pending: bool,
) -> BTreeSet<(u32, u32, Kinds)> {
    let number = |at: usize| at as u32;
    let is_ok = |at: usize| txns[at].outcome == Outcome::Ok;
    let was_read = |version: Version| {
        (0..txns.len()).any(|at| is_ok(at) && txns[at].read(version.0) == Some(version))
    };
    let happened = |at: usize| {
        let txn = &txns[at];
        let is_seen = || txn.ops.iter().any(|op| op.2 && was_read((op.0, op.1)));
        is_ok(at) || with_pending && txn.outcome == Outcome::Info && is_seen()
    };
    let writer = |version: Version| {
        (0..txns.len()).find(|at| txns[*at].written(version.0) == Some(version) && happened(*at))
    };
    let readers = |version: Version| {
        (0..txns.len()).filter(move |at| txns[*at].read(version.0) == Some(version))
    };
    let versions: BTreeSet<Version> = txns
        .iter()
        .flat_map(|txn| txn.ops.iter().filter(|op| op.1.is_some()).map(|op| (op.0, op.1)))
        .collect();
    let mut edges = BTreeSet::new();
    for version in &versions {
        let Some(writer) = writer(*version) else { continue };
        edges.extend(readers(*version).map(|to| (number(writer), number(to), Kinds::WR)));
        let of_nothing = readers((version.0, None));
        edges.extend(of_nothing.map(|from| (number(from), number(writer), Kinds::RW)));
    }
    for (before, after) in order.iter().filter(|(_, after)| after.1.is_some()) {
        let Some(to) = writer(*after) else { continue };
        edges.extend(writer(*before).map(|from| (number(from), number(to), Kinds::WW)));
        edges.extend(readers(*before).map(|from| (number(from), number(to), Kinds::RW)));
    }
    edges.retain(|(from, to, _)| from != to);
    let all = edges.clone();
    edges.retain(|(a, b, kind)| *kind != Kinds::RW || !all.contains(&(*a, *b, Kinds::WW)));
    edges
}
