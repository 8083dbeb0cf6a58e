//! Simulated stores that keep what they promise, and no more: no false alarm at the level they
//! promise, and violations of the stronger ones found.

mod store;

use kolk_protocol::{Key, random::Random};

use super::records::{self, Record, check};
use super::rw_register::AssumedKeys;
use super::sweep;
use super::table::{Datatype, Table};
use crate::check::Validity;
use crate::models::Model;

/// What a store promises.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Promise {
    /// Each transaction runs at one instant.
    Serial,
    /// Each reads what was there when it began; of two that overlap and write the same, one fails
    /// (snapshot isolation: Berenson et al., SIGMOD 1995).
    Snapshot,
    /// Each reads some prefix of the order of commits, as old as it may be.
    Prefix,
    /// As [`Causal`](Promise::Causal), and of two that write the same and do not see each other one
    /// fails (parallel snapshot isolation: Sovran et al., SOSP 2011).
    ParallelSnapshot,
    /// Replication that carries causes along: what is visible holds whatever was visible to it.
    Causal,
    /// As [`ReadAtomic`](Promise::ReadAtomic), with the conflicts of a parallel snapshot.
    UpdateAtomic,
    /// What is visible of a transaction is visible at once, and for the rest of the session.
    ReadAtomic,
    /// A prefix of the order of commits for each micro-operation, longer and longer.
    Statements,
    /// While a transaction runs, more and more is visible to it; it fails if somebody else wrote
    /// what it read and then wrote.
    Cursor,
    /// While a transaction runs, more and more is visible to it.
    MonotonicViews,
    /// Each read sees something committed (Adya's PL-2).
    Committed,
    /// Writes are there at once, and taken back if the transaction fails; nobody else writes the
    /// key until it is over (Adya's PL-1).
    Uncommitted,
}

impl Promise {
    pub(super) const ALL: &[Promise] = &[
        Promise::Serial,
        Promise::Snapshot,
        Promise::Prefix,
        Promise::ParallelSnapshot,
        Promise::Causal,
        Promise::UpdateAtomic,
        Promise::ReadAtomic,
        Promise::Statements,
        Promise::Cursor,
        Promise::MonotonicViews,
        Promise::Committed,
        Promise::Uncommitted,
    ];
}

/// How the order in which a store runs transactions goes with the order in which clients do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Clock {
    /// It runs them while the client waits.
    RealTime,
    /// It runs those of a client in the client's order.
    Sessions,
    /// Not at all.
    Free,
}

/// A store, the models that its histories fulfil, and some that not all of them do.
struct Row {
    promise: Promise,
    clock: Clock,
    keeps: &'static [Model],
    breaks: &'static [Model],
    /// Whether the models are kept as they are decided exactly, which for read committed is a
    /// little more than Adya's.
    exactly: bool,
}

const fn row(
    promise: Promise,
    clock: Clock,
    keeps: &'static [Model],
    breaks: &'static [Model],
) -> Row {
    Row { promise, clock, keeps, breaks, exactly: true }
}

const ROWS: &[Row] = {
    use Clock::{Free, RealTime, Sessions};
    use Model::*;
    &[
        row(Promise::Serial, RealTime, &[StrictSerializable], &[]),
        row(Promise::Serial, Sessions, &[StrongSessionSerializable, Causal], &[StrictSerializable]),
        row(Promise::Serial, Free, &[Serializable], &[StrongSessionSerializable, Causal]),
        row(Promise::Snapshot, RealTime, &[StrongSnapshotIsolation, Causal], &[Serializable]),
        row(
            Promise::Snapshot,
            Sessions,
            &[StrongSessionSnapshotIsolation, Causal],
            &[StrongSnapshotIsolation],
        ),
        row(Promise::Snapshot, Free, &[SnapshotIsolation], &[StrongSessionSnapshotIsolation]),
        row(
            Promise::ParallelSnapshot,
            Sessions,
            &[ParallelSnapshotIsolation, ConsistentView, Causal, ReadAtomic, ReadCommitted],
            &[SnapshotIsolation],
        ),
        row(
            Promise::Prefix,
            Sessions,
            &[Prefix, Causal, CausalCerone, ReadAtomic, ReadCommitted],
            &[UpdateAtomic, CursorStability],
        ),
        row(
            Promise::Causal,
            Sessions,
            &[Causal, CausalCerone, ReadAtomic, ReadCommitted],
            &[ConsistentView, UpdateAtomic],
        ),
        row(
            Promise::UpdateAtomic,
            Sessions,
            &[UpdateAtomic, ReadAtomic, ReadCommitted],
            &[Causal, CausalCerone],
        ),
        row(Promise::ReadAtomic, Sessions, &[ReadAtomic, ReadCommitted], &[UpdateAtomic, Causal]),
        row(
            Promise::Statements,
            Sessions,
            &[MonotonicSnapshotRead, MonotonicView, ReadCommitted],
            &[ReadAtomic],
        ),
        row(Promise::Cursor, Sessions, &[CursorStability, ReadCommitted], &[ReadAtomic]),
        row(
            Promise::MonotonicViews,
            RealTime,
            &[StrongReadCommitted, MonotonicAtomicView, ReadCommitted],
            &[CursorStability, ReadAtomic],
        ),
        row(
            Promise::MonotonicViews,
            Sessions,
            &[StrongSessionReadCommitted, MonotonicAtomicView, ReadCommitted],
            &[StrongReadCommitted],
        ),
        Row {
            exactly: false,
            ..row(
                Promise::Committed,
                Free,
                &[ReadCommitted],
                &[StrongSessionReadCommitted, MonotonicAtomicView],
            )
        },
        row(Promise::Uncommitted, RealTime, &[StrongReadUncommitted], &[ReadCommitted]),
        row(
            Promise::Uncommitted,
            Sessions,
            &[StrongSessionReadUncommitted],
            &[StrongReadUncommitted],
        ),
        row(Promise::Uncommitted, Free, &[ReadUncommitted], &[StrongSessionReadUncommitted]),
    ]
};

/// What clients see whose store pays no heed to real time: each runs its transactions one after
/// another, in the store's order or, if `shuffled`, in any.
fn without_real_time(records: &mut [Record], shuffled: bool, random: &mut Random) {
    if shuffled {
        // Those that were never over stay the last of their processes.
        let mut names: Vec<u32> = records.iter().map(|record| record.process).collect();
        random.shuffle(records);
        names.sort_unstable();
        for (record, name) in records.iter_mut().zip(&names) {
            record.process = if record.completed.is_some() { *name } else { 1_000 + *name };
        }
    }
    let mut sessions: Vec<(u32, Vec<usize>)> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        match sessions.iter_mut().find(|(process, _)| *process == record.process) {
            Some((_, members)) => members.push(at),
            None => sessions.push((record.process, vec![at])),
        }
    }
    sessions.iter_mut().for_each(|(_, members)| members.reverse());
    let mut open: Vec<Option<usize>> = vec![None; sessions.len()];
    let mut now = 0;
    while open.iter().any(Option::is_some) || sessions.iter().any(|(_, left)| !left.is_empty()) {
        let client = random.index(sessions.len());
        now += 1;
        if let Some(at) = open[client].take() {
            records[at].completed = Some(now);
        } else if let Some(at) = sessions[client].1.pop() {
            records[at].invoked = now;
            open[client] = records[at].completed.is_some().then_some(at);
        }
    }
}

/// What the clients of a store with such a clock saw.
pub(super) fn records(
    (kind, promise, clock): (Datatype, Promise, Clock),
    size: usize,
    updates_only: bool,
    random: &mut Random,
) -> Vec<Record> {
    let mut records = store::run((kind, promise), size, updates_only, random);
    if clock != Clock::RealTime {
        without_real_time(&mut records, clock == Clock::Free, random);
    }
    records
}

fn history(row: &Row, kind: Datatype, random: &mut Random) -> Table {
    let size = 5 + random.index(25);
    records::table(kind, &records((kind, row.promise, row.clock), size, false, random))
}

/// A history of one of the stores.
pub(super) fn any(kind: Datatype, random: &mut Random) -> Table {
    history(&ROWS[random.index(ROWS.len())], kind, random)
}

/// What each key by itself is in a row's stores: where there is one order of commits, and nobody
/// reads what is older than the beginning, keys agree with it.
fn kept_keys(row: &Row) -> AssumedKeys {
    let is_one_order = matches!(row.promise, Promise::Serial | Promise::Snapshot);
    AssumedKeys {
        sequential: is_one_order && row.clock != Clock::Free,
        linearizable: is_one_order && row.clock == Clock::RealTime,
    }
}

/// Asserts that these histories of a row's store raise no alarm.
fn assert_no_alarm(kind: Datatype, row: &Row, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let what = || format!("{:?}, {:?}, {kind:?}, seed {seed}", row.promise, row.clock);
        let table = history(row, kind, &mut Key::new(seed).random());
        let check = check(&table, row.keeps, kept_keys(row));
        assert_eq!(check.anomalies.first(), None, "{}", what());
        let stronger = check.stronger.first().filter(|_| row.exactly);
        assert_eq!(stronger, None, "{}", what());
    }
}

/// Whether a history of a row's store shows that it does not keep that model.
fn is_found_out(kind: Datatype, row: &Row, model: Model, seed: u64) -> bool {
    let table = history(row, kind, &mut Key::new(seed).random());
    check(&table, &[model], AssumedKeys::default()).validity(true) == Validity::Invalid
}

#[test]
fn stores_that_keep_their_promise_raise_no_alarm() {
    for kind in [Datatype::List, Datatype::Register] {
        ROWS.iter().for_each(|row| assert_no_alarm(kind, row, 0..250));
    }
}

/// `cargo test --release -p kolk-check -- --ignored --nocapture ten_thousand`: or as many as
/// `KOLK_HISTORIES` says, of each store.
#[test]
#[ignore = "takes some minutes"]
fn ten_thousand_histories_of_each_store_raise_no_alarm() {
    let histories = sweep::histories(10_000);
    for kind in [Datatype::List, Datatype::Register] {
        for row in ROWS {
            let what = format!("{:?}, {:?}, {kind:?}", row.promise, row.clock);
            let broken = sweep::sweep(&what, histories, |seeds| {
                assert_no_alarm(kind, row, seeds.clone());
                let count = |model: &Model| {
                    let found = seeds.clone().filter(|seed| is_found_out(kind, row, *model, *seed));
                    let found = found.count() as u64;
                    (*model, [found, seeds.end - seeds.start - found])
                };
                row.breaks.iter().map(count).collect()
            });
            let keeps: Vec<&str> = row.keeps.iter().map(|model| model.name()).collect();
            eprintln!("{what}: no alarm about {} in {histories}", keeps.join(", "));
            for (model, [found, _]) in broken {
                eprintln!("  {model} is refuted in {found}");
                assert!(found * 1_000 >= histories, "{what}: {model} is kept");
            }
        }
    }
}

#[test]
fn stores_that_promise_less_are_found_out() {
    const ENOUGH: usize = 3;
    for kind in [Datatype::List, Datatype::Register] {
        for row in ROWS {
            let what = format!("{:?}, {:?}, {kind:?}", row.promise, row.clock);
            for model in row.breaks {
                let is_broken = |seed: &u64| is_found_out(kind, row, *model, *seed);
                let found = (0..3_000).filter(is_broken).take(ENOUGH).count();
                assert_eq!(found, ENOUGH, "{what}: {model} is kept");
            }
        }
    }
}
