//! Serializability by trying all serial orders, against the checker.

use std::collections::BTreeMap;

use kolk_history::Outcome;
use kolk_protocol::{Key, random::Random};

use super::*;
use crate::check::Validity;
use crate::models::Model;
use crate::txn::table::Transaction;

#[derive(Clone, Debug)]
enum Op {
    Append(i64, i64),
    Read(i64, Vec<i64>),
}

#[derive(Clone, Debug)]
struct Txn {
    invoked: u32,
    completed: u32,
    outcome: Outcome,
    ops: Vec<Op>,
}

type Lists = BTreeMap<i64, Vec<i64>>;

/// Runs a transaction; false if a read of it does not see what is there.
fn run(txn: &Txn, lists: &mut Lists) -> bool {
    txn.ops.iter().all(|op| match op {
        Op::Append(key, value) => {
            lists.entry(*key).or_default().push(*value);
            true
        }
        Op::Read(key, seen) => {
            txn.outcome != Outcome::Ok || lists.get(key).map_or(&[][..], Vec::as_slice) == seen
        }
    })
}

/// Whether some serial order explains all reads: those acknowledged take part, those that failed do
/// not, the others as it fits. If `strict`, the order agrees with real time.
fn is_serializable(txns: &[Txn], left: u32, lists: &Lists, strict: bool) -> bool {
    let is_left = |at: &usize| left >> at & 1 == 1;
    let all = || (0..txns.len()).filter(is_left);
    if all().all(|at| txns[at].outcome != Outcome::Ok) {
        return true;
    }
    all().any(|next| {
        let earlier =
            |at: usize| txns[at].outcome == Outcome::Ok && txns[at].completed <= txns[next].invoked;
        let mut lists = lists.clone();
        !(strict && all().any(earlier))
            && run(&txns[next], &mut lists)
            && is_serializable(txns, left & !(1 << next), &lists, strict)
    })
}

/// A serial run of overlapping transactions, of whose reads some are then changed.
fn story(random: &mut Random) -> Vec<Txn> {
    let size = 2 + random.index(5);
    let keys = 1 + random.index(3) as i64;
    let mut lists = Lists::new();
    let mut next: BTreeMap<i64, i64> = BTreeMap::new();
    let mut txns: Vec<Txn> = Vec::new();
    for number in 0..size as u32 {
        let mut txn = Txn {
            invoked: 0,
            completed: 0,
            outcome: match random.index(14) {
                0 => Outcome::Info,
                1 => Outcome::Fail,
                _ => Outcome::Ok,
            },
            ops: Vec::new(),
        };
        let before = lists.clone();
        for _ in 0..1 + random.index(3) {
            let key = random.index(keys as usize) as i64;
            if random.chance(0.5) {
                let value = next.entry(key).or_default();
                *value += 1;
                lists.entry(key).or_default().push(*value);
                txn.ops.push(Op::Append(key, *value));
            } else {
                txn.ops.push(Op::Read(key, lists.get(&key).cloned().unwrap_or_default()));
            }
        }
        // Begins at its turn or before, and ends after it.
        txn.invoked = (100 * number).saturating_sub(random.index(250) as u32);
        txn.completed = 100 * number + 1 + random.index(250) as u32;
        let happened = match txn.outcome {
            Outcome::Ok => true,
            Outcome::Fail => random.chance(0.02),
            Outcome::Info => random.chance(0.5),
        };
        if !happened {
            lists = before;
        }
        txns.push(txn);
    }
    let changes = random.index(3);
    for _ in 0..changes {
        let at = random.index(size);
        let list = lists.values().nth(random.index(lists.len().max(1))).cloned();
        for op in &mut txns[at].ops {
            if let Op::Read(_, seen) = op
                && random.chance(0.7)
            {
                if random.chance(0.1) {
                    *seen = list.clone().unwrap_or_default();
                } else {
                    let keep = random.index(seen.len() + 1);
                    seen.truncate(keep);
                }
            }
        }
    }
    txns
}

fn table(txns: &[Txn]) -> Table {
    // Instants become indices of events.
    let mut instants: Vec<(u32, usize, bool)> = Vec::new();
    for (at, txn) in txns.iter().enumerate() {
        instants.push((txn.invoked, at, false));
        instants.push((txn.completed, at, true));
    }
    // At one instant, ends come before beginnings.
    instants.sort_unstable_by_key(|(instant, at, end)| (*instant, !*end, *at));
    let index = |at: usize, end: bool| {
        instants.iter().position(|(_, a, e)| (*a, *e) == (at, end)).expect("an event") as u32
    };
    let mut order: Vec<usize> = (0..txns.len()).collect();
    order.sort_by_key(|at| index(*at, true));
    let mut builder = Builder::new(Kind::Append);
    for at in order {
        let txn = &txns[at];
        builder.begin(Transaction {
            first: 0,
            index: index(at, false),
            completion: index(at, true),
            process: at as u32,
            outcome: txn.outcome,
        });
        for op in &txn.ops {
            match op {
                Op::Append(key, value) => builder.write(*key, *value),
                Op::Read(key, seen) if txn.outcome == Outcome::Ok => {
                    builder.read_list(*key, seen);
                }
                Op::Read(key, _) => builder.read_unknown(*key),
            }
        }
    }
    builder.finish()
}

/// The order of versions is what was read, so the verdict must be exact.
#[test]
fn serializable_is_what_a_serial_order_explains() {
    let mut seen = [[0; 2]; 2];
    for seed in 0..10_000 {
        let txns = story(&mut Key::new(seed).random());
        let table = table(&txns);
        for (strict, model) in [(false, Model::Serializable), (true, Model::StrictSerializable)] {
            let may = (0..txns.len()).filter(|at| txns[*at].outcome != Outcome::Fail);
            let left = may.fold(0, |left, at| left | 1 << at);
            let expected = is_serializable(&txns, left, &Lists::new(), strict);
            let check = check_table(&table, Models::new(&[model]));
            let valid = check.validity(true) != Validity::Invalid;
            assert_eq!(valid, expected, "seed {seed}, {model}: {:?} {txns:#?}", check.anomalies);
            assert_eq!(
                check.validity(false) != Validity::Invalid,
                expected,
                "seed {seed}, {model}"
            );
            seen[usize::from(strict)][usize::from(valid)] += 1;
        }
    }
    assert!(seen.iter().flatten().all(|count| *count > 1000), "{seen:?}");
}
