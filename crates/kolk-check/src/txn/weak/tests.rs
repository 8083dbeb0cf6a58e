use kolk_history::Outcome;
use kolk_protocol::{Key, random::Random};

use super::facts::FEW;
use super::*;
use crate::txn::table::{self, Datatype, Transaction};

/// A transaction for the oracle: its process, outcome and micro-operations: a key, and what was
/// written or (`None`: nothing) read.
#[derive(Clone, Debug)]
struct Txn {
    process: u32,
    outcome: Outcome,
    ops: Vec<(u32, Op)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Read(Option<i64>),
    Write(i64),
}

/// A few transactions on a few keys, who read whatever they like.
fn wild(random: &mut Random) -> Vec<Txn> {
    let (processes, keys) = (1 + random.index(3), 1 + random.index(3));
    let mut next = vec![0; keys];
    let mut txns: Vec<Txn> = (0..2 + random.index(5))
        .map(|_| Txn {
            process: random.index(processes) as u32,
            outcome: match random.index(12) {
                0 => Outcome::Info,
                1 if random.chance(0.3) => Outcome::Fail,
                _ => Outcome::Ok,
            },
            ops: (0..1 + random.index(4))
                .map(|_| {
                    let key = random.index(keys);
                    let op = if random.chance(0.4) {
                        next[key] += 1;
                        Op::Write(next[key])
                    } else {
                        Op::Read(None)
                    };
                    (key as u32, op)
                })
                .collect(),
        })
        .collect();
    for at in 0..txns.len() {
        for number in 0..txns[at].ops.len() {
            let (key, op) = txns[at].ops[number];
            let own = txns[at].ops[..number].iter().rev().find_map(|(other, op)| match op {
                Op::Write(value) if *other == key => Some(*value),
                _ => None,
            });
            if let Op::Read(_) = op {
                let any = Some(random.index(next[key as usize] as usize + 1) as i64);
                // Mostly a read sees its own transaction's write, and one whose writer went before.
                let value = if own.is_some() && random.chance(0.9) { own } else { any };
                txns[at].ops[number].1 = Op::Read(value.filter(|value| *value > 0));
            }
        }
    }
    txns
}

fn table(txns: &[Txn]) -> Table {
    let mut builder = table::Builder::new(Datatype::Register);
    for (number, txn) in txns.iter().enumerate() {
        builder.begin(Transaction {
            first: 0,
            index: 2 * number as u32,
            completion: 2 * number as u32 + 1,
            process: txn.process,
            outcome: txn.outcome,
        });
        for (key, op) in &txn.ops {
            match op {
                Op::Write(value) => builder.write(i64::from(*key), *value),
                Op::Read(value) if txn.outcome == Outcome::Ok => {
                    builder.read_register(i64::from(*key), *value);
                }
                Op::Read(_) => builder.read_unknown(i64::from(*key)),
            }
        }
    }
    builder.finish()
}

/// What a history means, by the definition and nothing else.
struct Meaning {
    clean: bool,
    /// Who took part.
    members: Vec<usize>,
    /// Who comes before whom by sessions or reads.
    before: Vec<Vec<bool>>,
    /// The same, and whatever follows.
    ever_before: Vec<Vec<bool>>,
    /// Reads of others: reader, place, key, writer.
    reads: Vec<(usize, usize, u32, Option<usize>)>,
}

impl Meaning {
    fn new(txns: &[Txn], with_sessions: bool) -> Meaning {
        let writer = |key: u32, value: i64| {
            txns.iter().position(|txn| txn.ops.contains(&(key, Op::Write(value))))
        };
        let mut clean = true;
        let mut reads = Vec::new();
        for (at, txn) in txns.iter().enumerate().filter(|(_, txn)| txn.outcome == Outcome::Ok) {
            for (place, (key, op)) in txn.ops.iter().enumerate() {
                let Op::Read(value) = op else { continue };
                let own = txn.ops[..place].iter().rev().find_map(|(other, op)| match op {
                    Op::Write(value) if other == key => Some(*value),
                    _ => None,
                });
                if let Some(own) = own {
                    clean &= *value == Some(own);
                    continue;
                }
                let from = value.map(|value| (writer(*key, value), value));
                match from {
                    None => reads.push((at, place, *key, None)),
                    Some((Some(from), value)) => {
                        let last = txns[from].ops.iter().rev().find_map(|(other, op)| match op {
                            Op::Write(value) if other == key => Some(*value),
                            _ => None,
                        });
                        let fine = from != at
                            && txns[from].outcome != Outcome::Fail
                            && last == Some(value);
                        clean &= fine;
                        if fine {
                            reads.push((at, place, *key, Some(from)));
                        }
                    }
                    Some((None, _)) => clean = false,
                }
            }
        }
        let happened = |at: &usize| {
            txns[*at].outcome == Outcome::Ok || reads.iter().any(|read| read.3 == Some(*at))
        };
        let members: Vec<usize> = (0..txns.len()).filter(happened).collect();
        let mut before = vec![vec![false; txns.len()]; txns.len()];
        for (reader, _, _, from) in &reads {
            if let Some(from) = from {
                before[*from][*reader] = true;
            }
        }
        for a in members.iter().filter(|at| txns[**at].outcome == Outcome::Ok) {
            for b in members.iter().filter(|b| *b > a && txns[**b].process == txns[*a].process) {
                before[*a][*b] |= with_sessions;
            }
        }
        let mut ever_before = before.clone();
        for middle in 0..txns.len() {
            for a in 0..txns.len() {
                for b in 0..txns.len() {
                    ever_before[a][b] |= ever_before[a][middle] && ever_before[middle][b];
                }
            }
        }
        Meaning { clean, members, before, ever_before, reads }
    }

    /// Who must come before whom for the level: the axiom, read by read.
    fn must(&self, txns: &[Txn], level: Level) -> Option<Vec<(usize, usize)>> {
        let mut must = Vec::new();
        for a in &self.members {
            must.extend(self.members.iter().filter(|b| self.before[*a][**b]).map(|b| (*a, *b)));
        }
        for (reader, place, key, from) in &self.reads {
            for other in self.members.iter().filter(|other| Some(**other) != *from) {
                let writes = |(k, op): &(u32, Op)| k == key && matches!(op, Op::Write(_));
                let read_before = |read: &(usize, usize, u32, Option<usize>)| {
                    read.0 == *reader && read.1 < *place && read.3 == Some(*other)
                };
                let seen = match level {
                    Level::ReadCommitted => self.reads.iter().any(read_before),
                    Level::ReadAtomic => self.before[*other][*reader],
                    Level::Causal => self.ever_before[*other][*reader],
                };
                if seen && other != reader && txns[*other].ops.iter().any(writes) {
                    must.push((*other, (*from)?));
                }
            }
        }
        Some(must)
    }

    /// Whether some order of commits has all that.
    fn holds(&self, txns: &[Txn], level: Level) -> bool {
        let Some(must) = self.must(txns, level) else { return false };
        let mut order = self.members.clone();
        permutations(&mut order, 0, &|order| {
            let place = |at: usize| order.iter().position(|other| *other == at);
            must.iter().all(|(a, b)| place(*a) < place(*b))
        })
    }
}

fn permutations(order: &mut [usize], fixed: usize, accept: &dyn Fn(&[usize]) -> bool) -> bool {
    if fixed == order.len() {
        return accept(order);
    }
    (fixed..order.len()).any(|next| {
        order.swap(fixed, next);
        let found = permutations(order, fixed + 1, accept);
        order.swap(fixed, next);
        found
    })
}

/// A few transactions each of which sees some of those before it, and all that these saw; one read
/// in three stories is then changed.
fn causal(random: &mut Random) -> Vec<Txn> {
    const KEYS: u32 = 3;
    let mut views: Vec<Vec<bool>> = Vec::new();
    let mut txns: Vec<Txn> = Vec::new();
    for at in 0..4 + random.index(3) {
        let mut view = vec![false; at];
        for other in 0..at {
            if random.chance(0.4) {
                view[other] = true;
                views[other].iter().zip(&mut view).for_each(|(seen, view)| *view |= seen);
            }
        }
        let mut keys: Vec<u32> = (0..KEYS).collect();
        random.shuffle(&mut keys);
        let mut ops = Vec::new();
        for key in keys.into_iter().take(1 + random.index(KEYS as usize)) {
            let mut seen = (0..at).rev().filter(|other| view[*other]);
            let value = seen.find_map(|other| {
                txns[other].ops.iter().find_map(|(written, op)| match op {
                    Op::Write(value) if *written == key => Some(*value),
                    _ => None,
                })
            });
            let is_write = random.chance(0.5);
            ops.push((key, if is_write { Op::Write(1 + at as i64) } else { Op::Read(value) }));
        }
        views.push(view);
        txns.push(Txn { process: random.index(3) as u32, outcome: Outcome::Ok, ops });
    }
    if random.chance(0.3) {
        let at = random.index(txns.len());
        let older = random.index(at + 1) as i64;
        let key = txns[at].ops[0].0;
        let is_written = txns.iter().any(|txn| txn.ops.contains(&(key, Op::Write(older))));
        if let (_, Op::Read(value)) = &mut txns[at].ops[0] {
            *value = Some(older).filter(|_| is_written);
        }
    }
    txns
}

/// The same story with so many more keys in some transactions that they are searched by halves:
/// some read what nobody wrote, others write what nobody reads, which says nothing about levels.
fn padded(mut txns: Vec<Txn>, random: &mut Random) -> Vec<Txn> {
    let mut next = 0;
    for txn in &mut txns {
        let (read, written) = (random.index(FEW + 8), FEW - 4 + random.index(8));
        let mut keys: Vec<u32> = (0..read as u32).chain(100..100 + written as u32).collect();
        if random.chance(0.3) {
            keys.clear();
        }
        random.shuffle(&mut keys);
        for key in keys {
            next += 1;
            let op = if key < 100 { Op::Read(None) } else { Op::Write(next) };
            let at = random.index(txn.ops.len() + 1);
            txn.ops.insert(at, (1000 + key, op));
        }
    }
    txns
}

/// Asserts that levels are judged as defined; gives how often each was met, held, and was clean.
fn assert_as_defined(
    seeds: std::ops::Range<u64>,
    story: impl Fn(&mut Random) -> Vec<Txn>,
) -> std::collections::BTreeMap<(bool, Level, bool, bool), u32> {
    let mut seen = std::collections::BTreeMap::new();
    for seed in seeds {
        let txns = story(&mut Key::new(seed).random());
        let table = table(&txns);
        for with_sessions in [true, false] {
            let facts = Facts::new(&table, with_sessions);
            let meaning = Meaning::new(&txns, with_sessions);
            assert_eq!(facts.foul.is_clean(), meaning.clean, "seed {seed}: {txns:?}");
            for level in Level::ALL {
                // Without sessions, chains bound what is to be known of each.
                let chains =
                    (level == Level::Causal && !with_sessions).then(|| Facts::in_chains(&table));
                let facts = chains.as_ref().unwrap_or(&facts);
                let found = violation(facts, level, &|_: &mut Builder| {});
                let holds = meaning.holds(&txns, level);
                assert_eq!(found.is_none(), holds, "seed {seed} {level:?}: {found:?} in {txns:#?}");
                *seen.entry((with_sessions, level, holds, meaning.clean)).or_insert(0) += 1;
                if let Some(found) = found {
                    let anomaly = explain::violation(facts, level, with_sessions, &found);
                    assert!(!anomaly.steps.is_empty() && !anomaly.claim.is_empty());
                }
            }
        }
    }
    seen
}

#[test]
fn levels_are_those_of_the_definition() {
    let seen = assert_as_defined(0..20_000, wild);
    assert!(seen.len() == 24 && seen.values().all(|count| *count > 100), "{seen:?}");
    let seen = assert_as_defined(0..5_000, causal);
    assert!(seen.len() == 12 && seen.values().all(|count| *count > 3), "{seen:?}");
}

#[test]
fn levels_of_large_transactions_are_those_of_the_definition() {
    let seen = assert_as_defined(0..4_000, |random| {
        let txns = wild(random);
        padded(txns, random)
    });
    assert!(seen.len() == 24 && seen.values().all(|count| *count > 10), "{seen:?}");
}
