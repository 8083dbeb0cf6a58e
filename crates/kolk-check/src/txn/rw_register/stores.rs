//! Simulated stores that keep what they promise: no false alarm.

use std::collections::BTreeMap;

use kolk_history::Outcome;
use kolk_protocol::{Key, random::Random};

use super::*;
use crate::check::Validity;
use crate::models::Model;
use crate::txn::table::Transaction;

/// What a store promises.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Promise {
    /// Each transaction runs at one instant.
    Serial,
    /// Each reads what was there when it began; of two that overlap and write the same, one fails.
    Snapshot,
    /// Replication that carries causes along: what is visible holds whatever was visible to it.
    Causal,
    /// What is visible of a transaction is visible at once, and for the rest of the session.
    ReadAtomic,
    /// While a transaction runs, more and more is visible to it.
    ReadCommitted,
}

/// A transaction that has begun.
#[derive(Clone, Debug, Default)]
struct Running {
    process: u32,
    invoked: u32,
    /// Which committed transactions it sees.
    visible: Vec<bool>,
    reads_and_writes: Vec<(i64, Option<i64>, bool)>,
    left: usize,
}

/// A committed transaction: what it wrote, and what it saw.
#[derive(Clone, Debug)]
struct Committed {
    process: u32,
    writes: BTreeMap<i64, i64>,
    visible: Vec<bool>,
}

struct Store {
    promise: Promise,
    random: Random,
    keys: usize,
    next: BTreeMap<i64, i64>,
    committed: Vec<Committed>,
    done: Vec<(Transaction, Vec<(i64, Option<i64>, bool)>)>,
}

impl Store {
    /// Makes some of what is committed visible.
    fn look(&mut self, running: &mut Running) {
        running.visible.resize(self.committed.len(), false);
        for at in 0..self.committed.len() {
            let is_own = self.committed[at].process == running.process;
            let chance = match self.promise {
                Promise::Serial | Promise::Snapshot => 1.0,
                Promise::Causal | Promise::ReadAtomic if is_own => 1.0,
                _ => 0.4,
            };
            if self.random.chance(chance) {
                running.visible[at] = true;
                if self.promise == Promise::Causal {
                    let seen = self.committed[at].visible.iter().enumerate();
                    let seen: Vec<usize> =
                        seen.filter(|(_, seen)| **seen).map(|(at, _)| at).collect();
                    for other in seen {
                        running.visible[other] = true;
                    }
                }
            }
        }
    }

    /// One micro-operation more.
    fn step(&mut self, running: &mut Running) {
        if self.promise == Promise::ReadCommitted {
            self.look(running);
        }
        let key = self.random.index(self.keys) as i64;
        if self.random.chance(0.5) {
            let value = self.next.entry(key).or_default();
            *value += 1;
            running.reads_and_writes.push((key, Some(*value), true));
        } else {
            let mut own = running.reads_and_writes.iter().rev();
            let own =
                own.find(|(other, _, write)| *write && *other == key).map(|(_, value, _)| *value);
            let visible = self.committed.iter().zip(&running.visible).rev();
            let value = own.unwrap_or_else(|| {
                visible.filter(|(_, seen)| **seen).find_map(|(t, _)| t.writes.get(&key).copied())
            });
            running.reads_and_writes.push((key, value, false));
        }
        running.left -= 1;
    }

    fn commit(&mut self, running: Running, index: u32) {
        let writes: BTreeMap<i64, i64> = running
            .reads_and_writes
            .iter()
            .filter_map(|(key, value, write)| write.then_some((*key, (*value)?)))
            .collect();
        let unseen = self.committed.iter().skip(running.visible.len());
        let conflicts = |other: &Committed| other.writes.keys().any(|key| writes.contains_key(key));
        let fails = self.promise == Promise::Snapshot && unseen.clone().any(conflicts);
        let outcome = match self.random.index(20) {
            _ if fails => Outcome::Fail,
            0 => Outcome::Info,
            _ => Outcome::Ok,
        };
        if !fails {
            let (process, visible) = (running.process, running.visible);
            self.committed.push(Committed { process, writes, visible });
        }
        let transaction = Transaction {
            first: 0,
            index: running.invoked,
            completion: index,
            // Who does not know how it ended goes on under another name.
            process: running.process,
            outcome,
        };
        self.done.push((transaction, running.reads_and_writes));
    }
}

fn history(promise: Promise, random: Random) -> Table {
    let mut store = Store {
        promise,
        random,
        keys: 2,
        next: BTreeMap::new(),
        committed: Vec::new(),
        done: Vec::new(),
    };
    store.keys = 1 + store.random.index(4);
    let size = 5 + store.random.index(25);
    let mut names = [0, 1, 2, 3];
    let mut running: Vec<Option<Running>> = vec![None; 4];
    let mut index = 0;
    let mut begun = 0;
    while begun < size || running.iter().any(Option::is_some) {
        let at = store.random.index(4);
        match running[at].take() {
            Some(mut open) if open.left > 0 => {
                if promise == Promise::Serial {
                    store.look(&mut open);
                    while open.left > 0 {
                        store.step(&mut open);
                    }
                    store.commit(open, index);
                    index += 1;
                    rename(&store, &mut names[at]);
                } else {
                    store.step(&mut open);
                    running[at] = Some(open);
                }
            }
            Some(open) => {
                store.commit(open, index);
                index += 1;
                rename(&store, &mut names[at]);
            }
            None if begun < size => {
                let left = 1 + store.random.index(4);
                let process = names[at];
                let mut open = Running { process, invoked: index, left, ..Running::default() };
                store.look(&mut open);
                running[at] = Some(open);
                index += 1;
                begun += 1;
            }
            None => {}
        }
    }
    let mut builder = Builder::new(Kind::Write);
    for (transaction, operations) in store.done {
        builder.begin(transaction);
        for (key, value, write) in operations {
            match value {
                Some(value) if write => builder.write(key, value),
                _ if transaction.outcome != Outcome::Ok => builder.read_unknown(key),
                value => builder.read_register(key, value),
            }
        }
    }
    builder.finish()
}

/// A client whose transaction's end is not known goes on as another process.
fn rename(store: &Store, name: &mut u32) {
    if store.done.last().is_some_and(|(last, _)| last.outcome == Outcome::Info) {
        *name += 4;
    }
}

#[test]
fn stores_that_keep_their_promise_raise_no_alarm() {
    use Model::{
        Causal, CausalCerone, ReadAtomic, ReadCommitted, StrictSerializable,
        StrongSnapshotIsolation,
    };
    for (promise, models) in [
        (Promise::Serial, &[StrictSerializable][..]),
        (Promise::Snapshot, &[StrongSnapshotIsolation]),
        (Promise::Causal, &[Causal, CausalCerone, ReadAtomic, ReadCommitted]),
        (Promise::ReadAtomic, &[ReadAtomic, ReadCommitted]),
        (Promise::ReadCommitted, &[ReadCommitted]),
    ] {
        let mut weaker = 0;
        for seed in 0..2_000 {
            let table = history(promise, Key::new(seed).random());
            let check = check_table(&table, Models::new(models));
            let found = check.anomalies.iter().chain(&check.stronger).next();
            assert_eq!(found, None, "{promise:?}, seed {seed}");
            if seed >= 200 {
                continue;
            }
            // The promise is not kept by doing more: something stronger is found broken.
            let check = check_table(&table, Models::new(&[StrictSerializable]));
            weaker += u32::from(check.validity(true) == Validity::Invalid);
        }
        assert_eq!(weaker == 0, promise == Promise::Serial, "{promise:?}: {weaker}");
        assert!(promise == Promise::Serial || weaker > 20, "{promise:?}: {weaker}");
    }
}
