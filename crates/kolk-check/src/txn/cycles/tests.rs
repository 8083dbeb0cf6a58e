use kolk_history::Outcome;
use kolk_protocol::{Key, Random};

use super::*;
use crate::kind::Kind;
use crate::txn::graph;
use crate::txn::table::{self, Datatype, NONE, Transaction};

/// Transactions without micro-operations, at random times.
fn random_table(random: &mut Random, size: usize) -> Table {
    let mut builder = table::Builder::new(Datatype::Register);
    let mut times: Vec<(u32, u32)> = (0..size)
        .map(|_| {
            let begin = random.index(40) as u32;
            (begin, begin + 1 + random.index(20) as u32)
        })
        .collect();
    times.sort_by_key(|(_, end)| *end);
    // No two events at once: invocations are even, completions odd.
    for (at, (begin, end)) in times.into_iter().enumerate() {
        let outcome = if random.chance(0.8) { Outcome::Ok } else { Outcome::Info };
        builder.begin(Transaction {
            first: 0,
            index: begin * 20 + 2 * at as u32,
            completion: if outcome == Outcome::Ok { end * 20 + 2 * at as u32 + 1 } else { NONE },
            process: random.index(3) as u32,
            outcome,
        });
    }
    builder.finish()
}

/// A graph, and each pair of transactions with all kinds of edges between the two.
fn random_graph(random: &mut Random, table: &Table) -> (Graph, Vec<Vec<Kinds>>) {
    let size = table.len();
    let mut builder = graph::Builder::new(size);
    let mut pairs = vec![vec![Kinds::NONE; size]; size];
    let mut add = |from: usize, to: usize, kind| {
        if from != to {
            pairs[from][to] = Kinds::with(pairs[from][to], kind);
        }
    };
    if size > 3 && random.chance(0.3) {
        // What is rare by chance: two read–writes apart, waiting for an order to close the cycle.
        let mut path: Vec<usize> = (0..size).collect();
        random.shuffle(&mut path);
        for (at, kind) in [Kinds::RW, Kinds::WW, Kinds::RW].into_iter().enumerate() {
            builder.edge(path[at] as u32, path[at + 1] as u32, kind);
            add(path[at], path[at + 1], kind);
        }
    }
    let kinds = [Kinds::WW, Kinds::WR, Kinds::RW, Kinds::RW];
    let rare = random.index(3);
    for _ in 0..random.index(2 * size) {
        let kind = kinds[random.index(4)];
        if (kind == Kinds::WW && rare == 1) || (kind == Kinds::WR && rare > 0) {
            continue;
        }
        let (from, to) = (random.index(size), random.index(size));
        builder.edge(from as u32, to as u32, kind);
        add(from, to, kind);
    }
    if random.chance(0.2) {
        let mut some = || (0..size as u32).filter(|_| random.chance(0.7)).collect::<Vec<_>>();
        let (sources, targets) = (some(), some());
        builder.all_to_all(&sources, &targets, Kinds::RW);
        for from in &sources {
            for to in &targets {
                add(*from as usize, *to as usize, Kinds::RW);
            }
        }
    }
    order::process(table, &mut builder);
    order::realtime(table, &mut builder);
    let transactions = &table.transactions;
    for from in 0..size {
        let later = (from + 1..size).find(|to| {
            transactions[*to].process == transactions[from].process && table.is_ok(*to as u32)
        });
        if let Some(to) = later
            && table.is_ok(from as u32)
        {
            add(from, to, Kinds::PROCESS);
        }
        for to in 0..size {
            if order::is_before(table, from as u32, to as u32) {
                add(from, to, Kinds::REALTIME);
            }
        }
    }
    (builder.finish(), pairs)
}

/// All simple cycles, each from its least transaction.
fn simple_cycles(pairs: &[Vec<Kinds>], kinds: Kinds) -> Vec<Vec<usize>> {
    fn go(pairs: &[Vec<Kinds>], kinds: Kinds, path: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
        let (first, last) = (path[0], path[path.len() - 1]);
        for to in first..pairs.len() {
            if !pairs[last][to].overlaps(kinds) {
                continue;
            }
            if to == first && path.len() > 1 {
                found.push(path.clone());
            } else if !path.contains(&to) {
                path.push(to);
                go(pairs, kinds, path, found);
                path.pop();
            }
        }
    }
    let mut found = Vec::new();
    for first in 0..pairs.len() {
        go(pairs, kinds, &mut vec![first], &mut found);
    }
    found
}

/// The types a cycle has: by its most severe labels, and without write–read edges if that will do.
fn types_of(pairs: &[Vec<Kinds>], cycle: &[usize], scope: Scope) -> Vec<CycleType> {
    let next = |at: usize| cycle[(at + 1) % cycle.len()];
    let by = |order: &[Kinds]| {
        let label = |at: usize| {
            let kinds = pairs[cycle[at]][next(at)];
            order.iter().copied().find(|kind| kinds.overlaps(*kind))
        };
        let labels: Option<Vec<Kinds>> = (0..cycle.len()).map(label).collect();
        labels.map(|labels| CycleType::of(&labels))
    };
    let all = [Kinds::WW, Kinds::WR, scope.kinds(), Kinds::RW];
    by(&all).into_iter().chain(by(&[Kinds::WW, scope.kinds()])).collect()
}

/// What there is in one knot of one scope: its transactions, the types that nothing implies, and
/// how long the shortest cycle of each is.
struct Expected {
    scope: Scope,
    members: Vec<usize>,
    types: Vec<(CycleType, usize)>,
    has_base_cycle: bool,
}

fn expected(pairs: &[Vec<Kinds>]) -> Vec<Expected> {
    let mut knots: Vec<Expected> = Vec::new();
    for scope in Scope::ALL {
        let cycles = simple_cycles(pairs, Kinds::DATA.with(scope.kinds()));
        let mut groups: Vec<(Vec<usize>, Vec<&Vec<usize>>)> = Vec::new();
        for cycle in &cycles {
            let (mut members, mut inside) = (cycle.clone(), vec![cycle]);
            groups.retain(|(others, more)| {
                let meets = others.iter().any(|other| members.contains(other));
                if meets {
                    members.extend(others);
                    inside.extend(more);
                }
                !meets
            });
            members.sort_unstable();
            members.dedup();
            groups.push((members, inside));
        }
        for (members, inside) in groups {
            let mut types: Vec<(CycleType, usize)> = Vec::new();
            for cycle in inside {
                for kind in types_of(pairs, cycle, scope) {
                    match types.iter_mut().find(|(other, _)| *other == kind) {
                        Some((_, length)) => *length = cycle.len().min(*length),
                        None => types.push((kind, cycle.len())),
                    }
                }
            }
            let data =
                |knot: &&Expected| knot.scope == Scope::Data && members.contains(&knot.members[0]);
            let known: Vec<CycleType> = knots
                .iter()
                .filter(data)
                .flat_map(|knot| knot.types.iter().map(|(kind, _)| *kind))
                .collect();
            let all: Vec<CycleType> = types.iter().map(|(kind, _)| *kind).collect();
            let has_base_cycle = all.iter().any(|kind| kind.shape <= Shape::G1c);
            types.retain(|(kind, _)| {
                let others = all.iter().filter(|other| *other != kind);
                kind.scope == scope && !others.chain(&known).any(|other| other.implies(*kind))
            });
            knots.push(Expected { scope, members, types, has_base_cycle });
        }
    }
    knots
}

#[test]
fn types_and_shortest_cycles_are_those_of_the_definitions() {
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..30_000 {
        let mut random = Key::new(seed).random();
        let size = 2 + random.index(6);
        let table = random_table(&mut random, size);
        let (graph, pairs) = random_graph(&mut random, &table);
        let found = search(&table, &graph);
        check_steps(&found, &pairs, seed);
        let mut found: Vec<(CycleType, Vec<usize>)> = found
            .iter()
            .map(|cycle| {
                let members = cycle.steps.iter().map(|step| step.from as usize).collect();
                (cycle.kind, members)
            })
            .collect();
        for knot in expected(&pairs) {
            let inside = |(kind, cycle): &(CycleType, Vec<usize>)| {
                kind.scope == knot.scope && knot.members.contains(&cycle[0])
            };
            let here: Vec<(CycleType, usize)> = found
                .extract_if(.., |found| inside(found))
                .map(|(kind, cycle)| (kind, cycle.len()))
                .collect();
            // Where there are cycles without read–writes, those with some may go by other names.
            let certain =
                |(kind, _): &&(CycleType, usize)| !knot.has_base_cycle || kind.shape <= Shape::G1c;
            let sorted = |types: &[(CycleType, usize)]| {
                let mut types: Vec<_> = types.iter().filter(certain).copied().collect();
                types.sort_unstable();
                types
            };
            assert_eq!(sorted(&here), sorted(&knot.types), "seed {seed}: {pairs:?}");
            for (kind, _) in here {
                *seen.entry(kind.name()).or_insert(0) += 1;
            }
        }
        assert_eq!(found, [], "seed {seed}");
    }
    assert_eq!(seen.len(), CycleType::all().count(), "{seen:?}");
}

/// Every step is an edge, and none of a more severe kind that its type knows runs beside it; every
/// cycle is of its type and simple and begins with its least.
fn check_steps(found: &[Cycle], pairs: &[Vec<Kinds>], seed: u64) {
    for cycle in found {
        let members: Vec<usize> = cycle.steps.iter().map(|step| step.from as usize).collect();
        for (at, step) in cycle.steps.iter().enumerate() {
            let next = members[(at + 1) % members.len()];
            let edges = pairs[members[at]][next];
            assert!(edges.overlaps(step.kind), "seed {seed}: {cycle:?}");
            let known = [Kinds::WW, Kinds::WR, cycle.kind.scope.kinds()].into_iter();
            let known = known.filter(|kind| cycle.kind.shape != Shape::G0 || *kind != Kinds::WR);
            let severest = known.into_iter().find(|kind| edges.overlaps(*kind));
            assert!(severest.is_none_or(|kind| kind == step.kind), "seed {seed}: {cycle:?}");
            assert!(!members[..at].contains(&members[at]), "seed {seed}: {cycle:?}");
            assert!(members[at] >= members[0], "seed {seed}: {cycle:?}");
        }
        let kinds: Vec<Kinds> = cycle.steps.iter().map(|step| step.kind).collect();
        assert_eq!(CycleType::of(&kinds), cycle.kind, "seed {seed}: {cycle:?}");
    }
}

#[test]
fn implications_are_those_of_the_names() {
    for one in CycleType::all() {
        for other in CycleType::all() {
            let stronger = crate::models::ruled_out(Kind::Cycle(one));
            if one.implies(other) {
                let weaker = crate::models::ruled_out(Kind::Cycle(other));
                assert!(weaker.iter().all(|model| stronger.contains(model)), "{one:?} {other:?}");
            }
        }
    }
}
