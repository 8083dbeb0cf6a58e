//! A simulated store: transactions that begin, read, write and commit, a step at a time.

use std::collections::BTreeMap;

use kolk_history::Outcome;
use kolk_protocol::random::Random;

use super::Promise;
use crate::txn::records::{Op, Record};
use crate::txn::table::Datatype;

/// A transaction that was invoked and is not over.
#[derive(Clone, Debug)]
struct Running {
    record: usize,
    process: u32,
    has_begun: bool,
    /// Which committed transactions it sees.
    visible: Vec<bool>,
    /// For each key, what was visible when it was first read.
    first_seen: BTreeMap<i64, Vec<bool>>,
    ops: Vec<Op>,
    left: usize,
    /// Whether it committed, once that is decided.
    committed: Option<bool>,
}

/// A committed transaction: what it did, and what it saw.
#[derive(Clone, Debug)]
struct Committed {
    process: u32,
    ops: Vec<Op>,
    visible: Vec<bool>,
}

impl Committed {
    fn writes(&self, key: i64) -> impl Iterator<Item = i64> {
        self.ops.iter().filter_map(move |op| op.writes(key))
    }

    fn overlaps(&self, ops: &[Op]) -> bool {
        ops.iter().any(|op| matches!(op, Op::Write(key, _) if self.writes(*key).next().is_some()))
    }
}

/// A store and its clients.
pub(super) struct Store<'a> {
    kind: Datatype,
    promise: Promise,
    random: &'a mut Random,
    keys: usize,
    updates_only: bool,
    last_values: BTreeMap<i64, i64>,
    /// In the order of their commits.
    committed: Vec<Committed>,
    /// For a store that lets others read what is not committed: each key's values in the order in
    /// which they were written, with their writers, which hold a lock until they end.
    in_place: BTreeMap<i64, Vec<(i64, usize)>>,
    records: Vec<Record>,
    clock: u32,
}

const CLIENTS: usize = 4;

/// What the clients of a store saw: so many transactions, in the order of invocation. If
/// `updates_only`, they write nothing that they have not read.
pub(super) fn run(
    (kind, promise): (Datatype, Promise),
    size: usize,
    updates_only: bool,
    random: &mut Random,
) -> Vec<Record> {
    let keys = 1 + random.index(4);
    let mut store = Store {
        kind,
        promise,
        random,
        keys,
        updates_only,
        last_values: BTreeMap::new(),
        committed: Vec::new(),
        in_place: BTreeMap::new(),
        records: Vec::new(),
        clock: 0,
    };
    let mut names: Vec<u32> = (0..CLIENTS as u32).collect();
    let mut clients: Vec<Option<Running>> = vec![None; CLIENTS];
    // Transactions whose clients no longer wait.
    let mut abandoned: Vec<Running> = Vec::new();
    loop {
        let is_full = store.records.len() >= size;
        if is_full && clients.iter().all(Option::is_none) && abandoned.is_empty() {
            return store.records;
        }
        let at = store.random.index(CLIENTS + abandoned.len());
        if at >= CLIENTS {
            let late = &mut abandoned[at - CLIENTS];
            if late.committed.is_none() && !store.random.chance(0.1) {
                store.advance(late);
            } else {
                store.vanish(abandoned.swap_remove(at - CLIENTS));
            }
            continue;
        }
        match clients[at].take() {
            None if is_full => {}
            None => clients[at] = Some(store.invoke(names[at])),
            Some(running) if store.random.chance(0.02) => {
                if store.give_up(&running) {
                    names[at] += CLIENTS as u32;
                }
                abandoned.push(running);
            }
            Some(running) if running.committed.is_some() => store.acknowledge(running),
            Some(mut running) => {
                store.advance(&mut running);
                clients[at] = Some(running);
            }
        }
    }
}

impl Store<'_> {
    fn now(&mut self) -> u32 {
        self.clock += 1;
        self.clock
    }

    fn invoke(&mut self, process: u32) -> Running {
        let invoked = self.now();
        let outcome = Outcome::Info;
        self.records.push(Record { process, invoked, completed: None, outcome, ops: Vec::new() });
        Running {
            record: self.records.len() - 1,
            process,
            has_begun: false,
            visible: Vec::new(),
            first_seen: BTreeMap::new(),
            ops: Vec::new(),
            left: 1 + self.random.index(4),
            committed: None,
        }
    }

    /// The client waits no longer; true if it goes on under another name, as it must if nobody
    /// tells it that the transaction is over.
    fn give_up(&mut self, running: &Running) -> bool {
        let is_told = self.random.chance(0.5);
        let completed = is_told.then(|| self.now());
        self.records[running.record].completed = completed;
        !is_told || self.random.chance(0.7)
    }

    fn acknowledge(&mut self, running: Running) {
        let completed = Some(self.now());
        let outcome = match running.committed {
            Some(true) => Outcome::Ok,
            _ => Outcome::Fail,
        };
        let record = &mut self.records[running.record];
        *record = Record { completed, outcome, ops: running.ops, ..record.clone() };
    }

    /// The end of a transaction that nobody waits for.
    fn vanish(&mut self, running: Running) {
        if running.committed.is_none() {
            self.roll_back(running.record);
        }
        self.records[running.record].ops = running.ops;
    }

    /// Takes a transaction one step further.
    fn advance(&mut self, running: &mut Running) {
        if !running.has_begun {
            running.has_begun = true;
            self.look(running);
            if self.promise == Promise::Serial {
                // All at one instant.
                (0..running.left).for_each(|_| self.step(running));
                self.end(running);
            }
        } else if running.left > 0 {
            self.step(running);
        } else {
            self.end(running);
        }
    }

    /// Makes some of what is committed visible: more, if some was.
    fn look(&mut self, running: &mut Running) {
        let count = self.committed.len();
        if self.promise == Promise::Committed {
            running.visible.clear();
        }
        running.visible.resize(count, false);
        let is_own = |at: usize| self.committed[at].process == running.process;
        match self.promise {
            Promise::Serial | Promise::Snapshot | Promise::Uncommitted => {
                running.visible.fill(true);
            }
            Promise::Prefix | Promise::Statements => {
                let own = (0..count).filter(|at| self.promise == Promise::Prefix && is_own(*at));
                let known = own
                    .flat_map(|at| [Some(at), last_true(&self.committed[at].visible)])
                    .flatten()
                    .chain(last_true(&running.visible))
                    .max()
                    .map_or(0, |last| last + 1);
                let seen = known + self.random.index(count - known + 1);
                running.visible[..seen].fill(true);
            }
            Promise::ParallelSnapshot
            | Promise::Causal
            | Promise::UpdateAtomic
            | Promise::ReadAtomic => {
                for at in 0..count {
                    running.visible[at] |= is_own(at) || self.random.chance(0.4);
                }
            }
            Promise::Cursor | Promise::MonotonicViews | Promise::Committed => {
                for at in 0..count {
                    running.visible[at] |= self.random.chance(0.4);
                }
            }
        }
        self.add_what_belongs_to_it(&mut running.visible);
    }

    /// A list holds all that was appended before its last element; and what carries causes along
    /// shows whatever was visible to what is visible.
    fn add_what_belongs_to_it(&self, visible: &mut [bool]) {
        let causes = matches!(self.promise, Promise::Causal | Promise::ParallelSnapshot);
        for at in (0..visible.len()).rev() {
            if !visible[at] {
                continue;
            }
            let seen = &self.committed[at];
            for before in 0..at {
                let other = &self.committed[before];
                visible[before] |= (causes && seen.visible.get(before) == Some(&true))
                    || (self.kind == Datatype::List && other.overlaps(&seen.ops));
            }
        }
    }

    /// One micro-operation more.
    fn step(&mut self, running: &mut Running) {
        running.left -= 1;
        if matches!(
            self.promise,
            Promise::Statements | Promise::Cursor | Promise::MonotonicViews | Promise::Committed
        ) {
            self.look(running);
        }
        let key = self.random.index(self.keys) as i64;
        let may_write = !self.updates_only || running.first_seen.contains_key(&key);
        if may_write && self.random.chance(0.5) {
            self.write(running, key);
        } else {
            self.read(running, key);
        }
    }

    fn read(&mut self, running: &mut Running, key: i64) {
        running.first_seen.entry(key).or_insert_with(|| running.visible.clone());
        let seen = match self.promise {
            Promise::Uncommitted => {
                self.in_place.entry(key).or_default().iter().map(|(value, _)| *value).collect()
            }
            _ => {
                let visible = self.committed.iter().zip(&running.visible);
                let visible = visible.filter(|(_, seen)| **seen).map(|(other, _)| other);
                let own = running.ops.iter().filter_map(|op| op.writes(key));
                visible.flat_map(|other| other.writes(key)).chain(own).collect()
            }
        };
        running.ops.push(Op::Read(key, seen));
    }

    fn write(&mut self, running: &mut Running, key: i64) {
        let value = self.last_values.entry(key).or_default();
        *value += 1;
        running.ops.push(Op::Write(key, *value));
        if self.promise == Promise::Uncommitted {
            let values = self.in_place.entry(key).or_default();
            let is_locked = values
                .last()
                .is_some_and(|(_, writer)| *writer != running.record && *writer != usize::MAX);
            if is_locked {
                self.finish(running, false);
            } else {
                values.push((*value, running.record));
            }
        }
    }

    /// Decides whether a transaction commits.
    fn end(&mut self, running: &mut Running) {
        if running.committed.is_none() {
            let commits = !self.random.chance(0.05) && self.may_commit(running);
            self.finish(running, commits);
        }
    }

    fn finish(&mut self, running: &mut Running, commits: bool) {
        (running.committed, running.left) = (Some(commits), 0);
        if commits {
            let (process, ops) = (running.process, running.ops.clone());
            self.committed.push(Committed { process, ops, visible: running.visible.clone() });
            for (_, writer) in self.in_place.values_mut().flatten() {
                if *writer == running.record {
                    *writer = usize::MAX;
                }
            }
        } else {
            self.roll_back(running.record);
        }
    }

    fn roll_back(&mut self, record: usize) {
        for values in self.in_place.values_mut() {
            values.retain(|(_, writer)| *writer != record);
        }
    }

    fn may_commit(&self, running: &Running) -> bool {
        let unseen = |visible: &[bool]| {
            let is_unseen = |at: &usize| visible.get(*at) != Some(&true);
            (0..self.committed.len()).filter(is_unseen).collect::<Vec<_>>()
        };
        let misses = |visible: &[bool], ops: &[Op]| {
            unseen(visible).into_iter().any(|at| self.committed[at].overlaps(ops))
        };
        let ops = &running.ops;
        let has_conflict = match self.promise {
            // Nobody has written since what it writes.
            Promise::Snapshot | Promise::ParallelSnapshot | Promise::UpdateAtomic => {
                misses(&running.visible, ops)
            }
            // Nor what it writes after it read that.
            Promise::Cursor => ops.iter().enumerate().any(|(at, op)| match op {
                Op::Write(key, _) => {
                    let earlier = &ops[..at];
                    let was_read =
                        earlier.iter().any(|op| matches!(op, Op::Read(k, _) if k == key));
                    was_read && misses(&running.first_seen[key], &ops[at..=at])
                }
                Op::Read(..) => false,
            }),
            _ => false,
        };
        !has_conflict && (self.kind == Datatype::Register || self.is_true_to_the_end(running))
    }

    /// Whether lists that hold what the transaction appended itself hold all before that.
    fn is_true_to_the_end(&self, running: &Running) -> bool {
        running.ops.iter().all(|op| match op {
            Op::Read(key, seen) if self.promise != Promise::Uncommitted => {
                let all = self.committed.iter().flat_map(|other| other.writes(*key));
                let own = running.ops.iter().filter_map(|op| op.writes(*key));
                all.chain(own).zip(seen).all(|(due, seen)| due == *seen)
            }
            _ => true,
        })
    }
}

fn last_true(visible: &[bool]) -> Option<usize> {
    visible.iter().rposition(|seen| *seen)
}
