//! The checkers against the definitions, on small histories of many shapes.

mod executions;

use kolk_history::Outcome;
use kolk_protocol::{Key, random::Random};

use super::levels::{Levels, settle};
use super::records::{Op, Record, check, table};
use super::rw_register::AssumedKeys;
use super::stores::{Clock, Promise, records};
use super::sweep;
use super::table::Datatype;
use super::weak::Level;
use crate::check::Validity;
use crate::models::{Model, Models};
use executions::{Order, Test, exists};

/// What a model means. A model that is decided exactly counts with `--strict`.
struct Row {
    model: Model,
    test: Test,
    order: Order,
    strict: bool,
}

const fn row(model: Model, test: Test, order: Order) -> Row {
    // What is found beside these is of read committed as Biswas & Enea define it.
    let is_adyas = matches!(test, Test::Committed);
    Row { model, test, order, strict: !is_adyas }
}

const ROWS: &[Row] = {
    use Order::{Any, RealTime, Sessions};
    use Test::{Committed, Parallel, Prefix, Sees, Serial, Snapshot};
    &[
        row(Model::Serializable, Serial, Any),
        row(Model::StrongSessionSerializable, Serial, Sessions),
        row(Model::StrictSerializable, Serial, RealTime),
        row(Model::SnapshotIsolation, Snapshot, Any),
        row(Model::StrongSessionSnapshotIsolation, Snapshot, Sessions),
        row(Model::StrongSnapshotIsolation, Snapshot, RealTime),
        row(Model::ParallelSnapshotIsolation, Parallel, Any),
        row(Model::Prefix, Prefix, Any),
        row(Model::ReadCommitted, Committed, Any),
        row(Model::StrongSessionReadCommitted, Committed, Sessions),
        row(Model::StrongReadCommitted, Committed, RealTime),
        row(Model::ReadCommitted, Sees(Level::ReadCommitted), Sessions),
        row(Model::ReadAtomic, Sees(Level::ReadAtomic), Sessions),
        row(Model::Causal, Sees(Level::Causal), Sessions),
    ]
};

/// A few transactions of some store, of whose reads some are then changed.
fn story(kind: Datatype, updates_only: bool, random: &mut Random) -> Vec<Record> {
    let size = 2 + random.index(4);
    spoiled(kind, updates_only, size, random)
}

/// So many transactions of some store, of whose reads some are then changed.
fn spoiled(kind: Datatype, updates_only: bool, size: usize, random: &mut Random) -> Vec<Record> {
    let promise = *random.choose(Promise::ALL).expect("a promise");
    let clock = *random.choose(&[Clock::RealTime, Clock::Sessions, Clock::Free]).expect("a clock");
    let mut records = records((kind, promise, clock), size, updates_only, random);
    for _ in 0..random.index(3) {
        let at = random.index(records.len());
        let number = random.index(records[at].ops.len().max(1));
        let Some(Op::Read(key, _)) = records[at].ops.get(number) else { continue };
        let key = *key;
        let all: Vec<i64> = records.iter().flat_map(|record| record.writes(key)).collect();
        let Some(Op::Read(_, seen)) = records[at].ops.get_mut(number) else { continue };
        if random.chance(0.8) {
            let keep = random.index(seen.len() + 1);
            seen.truncate(keep);
        } else if let Some(value) = random.choose(&all) {
            seen.retain(|other| other != value);
            seen.push(*value);
        }
    }
    records
}

/// A few transactions of a store that keeps nothing but each key by itself: each was written in
/// some order, and everybody read what was there at some time.
fn careless(size: usize, random: &mut Random) -> Vec<Record> {
    let mut written = [0; 2];
    let mut records: Vec<Record> = (0..size as u32)
        .map(|number| {
            let mut ops = Vec::new();
            for _ in 0..1 + random.index(3) {
                let key = random.index(2);
                if random.chance(0.5) {
                    ops.push(Op::Read(key as i64, Vec::new()));
                }
                if random.chance(0.7) {
                    written[key] += 1;
                    ops.push(Op::Write(key as i64, written[key]));
                }
            }
            let invoked = random.index(12) as u32 * 20 + number;
            let completed = invoked + 20 * (1 + random.index(4) as u32);
            let outcome = match random.index(6) {
                0 => Outcome::Info,
                1 => Outcome::Fail,
                _ => Outcome::Ok,
            };
            Record { process: number, invoked, completed: Some(completed), outcome, ops }
        })
        .collect();
    // Whoever comes after another may be the same client.
    for at in 1..records.len() {
        let before = records[at - 1].clone();
        if before.completed.is_some_and(|end| end < records[at].invoked) && random.chance(0.5) {
            records[at].process = before.process;
        }
    }
    let orders = written.map(|last| {
        let mut order: Vec<i64> = (1..=last).collect();
        random.shuffle(&mut order);
        order
    });
    for op in records.iter_mut().flat_map(|record| &mut record.ops) {
        if let Op::Read(key, seen) = op {
            let order = &orders[*key as usize];
            *seen = order[..random.index(order.len() + 1)].to_vec();
            if random.chance(0.1) && seen.len() > 1 {
                seen.swap(0, 1);
            }
        }
    }
    records
}

/// A story for each seed, one of five of a careless store.
fn any_story(kind: Datatype, seed: u64, sizes: usize) -> Vec<Record> {
    let mut random = Key::new(seed).random();
    let size = 2 + random.index(sizes);
    match seed % 5 {
        4 => careless(size, &mut random),
        _ => spoiled(kind, false, size, &mut random),
    }
}

/// Whether a read does not see what its own transaction had written. Adya's levels say nothing of
/// that; Elle forbids it from read atomic on.
fn misses_its_own(ops: &[Op], at: usize) -> bool {
    let Op::Read(key, seen) = &ops[at] else { return false };
    let own: Vec<i64> = ops[..at].iter().filter_map(|op| op.writes(*key)).collect();
    !seen.ends_with(&own[own.len().saturating_sub(1)..])
}

/// Whether a read does not see what the one before it saw. The first read of a register is the one
/// that tells who depends on whom.
fn changes_its_mind(ops: &[Op], at: usize) -> bool {
    let Op::Read(key, seen) = &ops[at] else { return false };
    let before = ops[..at].iter().rfind(|op| op.key() == *key);
    matches!(before, Some(Op::Read(_, before)) if before != seen)
}

/// Whether a read sees what its own transaction writes only later.
fn sees_its_future(ops: &[Op], at: usize) -> bool {
    let Op::Read(key, seen) = &ops[at] else { return false };
    let mut own = ops[at..].iter().filter_map(|op| op.writes(*key));
    own.any(|value| seen.contains(&value))
}

/// Whether that holds of a micro-operation of an acknowledged transaction.
fn any_op(records: &[Record], holds: impl Fn(&[Op], usize) -> bool) -> bool {
    let mut acknowledged = records.iter().filter(|record| record.is_ok());
    acknowledged.any(|record| (0..record.ops.len()).any(|at| holds(&record.ops, at)))
}

/// How many histories do not have a model, and how many do.
type Counts = Vec<(Model, [u64; 2])>;

/// Compares a checker with the definitions on so many histories, by a share of the models each.
/// What it calls invalid must be; what it calls valid, too, if it is `exact` on that history for
/// that test.
fn compare(
    (kind, updates_only): (Datatype, bool),
    histories: std::ops::Range<u64>,
    share: usize,
    exact: impl Fn(&[Record], &Row) -> bool,
) -> Counts {
    let mut seen: Counts = ROWS.iter().map(|row| (row.model, [0; 2])).collect();
    for seed in histories {
        let records = story(kind, updates_only, &mut Key::new(seed).random());
        let table = table(kind, &records);
        for (at, row) in ROWS.iter().enumerate().skip(seed as usize % share).step_by(share) {
            let expected = exists(kind, &records, row.test, row.order);
            let check = check(&table, &[row.model], AssumedKeys::default());
            let what = || {
                let found = check.anomalies.iter().chain(&check.stronger).next();
                format!("seed {seed}, {}, {:?}: {found:?} {records:#?}", row.model, row.test)
            };
            let is_invalid = check.validity(row.strict) == Validity::Invalid;
            assert!(!is_invalid || !expected, "false alarm: {}", what());
            let is_missed = !expected && check.validity(true) != Validity::Invalid;
            assert!(!is_missed || !exact(&records, row), "missed: {}", what());
            // What is so is proved to be so, and what is proved is so.
            let is_proved = check.proved.map(|proved| proved.contains(row.model));
            let is_meant = row.strict && !matches!(row.test, Test::Sees(_));
            assert!(is_proved.is_none_or(|proved| proved == expected || !is_meant), "{}", what());
            seen[at].1[usize::from(expected)] += 1;
        }
    }
    seen
}

/// Asserts that each model was there and was not, in more histories than that.
fn assert_seen(seen: &Counts, least: u64) {
    assert!(seen.iter().flat_map(|(_, counts)| counts).all(|count| *count > least), "{seen:?}");
}

/// Models that are decided, as they are meant where they are asked for by name.
const EXACT: &[(Model, Test, Order)] = {
    use Order::{Any, RealTime, Sessions};
    use Test::{Committed, Parallel, Prefix, Sees, Serial, Snapshot, Uncommitted};
    &[
        (Model::Serializable, Serial, Any),
        (Model::StrongSessionSerializable, Serial, Sessions),
        (Model::StrictSerializable, Serial, RealTime),
        (Model::SnapshotIsolation, Snapshot, Any),
        (Model::StrongSessionSnapshotIsolation, Snapshot, Sessions),
        (Model::StrongSnapshotIsolation, Snapshot, RealTime),
        (Model::ParallelSnapshotIsolation, Parallel, Any),
        (Model::StrongSessionParallelSnapshotIsolation, Parallel, Sessions),
        (Model::StrongParallelSnapshotIsolation, Parallel, RealTime),
        (Model::Prefix, Prefix, Any),
        (Model::StrongSessionPrefix, Prefix, Sessions),
        (Model::StrongPrefix, Prefix, RealTime),
        (Model::Causal, Sees(Level::Causal), Sessions),
        (Model::StrongSessionReadAtomic, Sees(Level::ReadAtomic), Sessions),
        (Model::CausalCerone, Sees(Level::Causal), Any),
        (Model::ReadAtomic, Sees(Level::ReadAtomic), Any),
        (Model::ReadCommitted, Sees(Level::ReadCommitted), Any),
        (Model::StrongSessionReadCommitted, Committed, Sessions),
        (Model::StrongReadCommitted, Committed, RealTime),
        (Model::ReadUncommitted, Uncommitted, Any),
        (Model::StrongSessionReadUncommitted, Uncommitted, Sessions),
        (Model::StrongReadUncommitted, Uncommitted, RealTime),
    ]
};

/// Compares what `kolk check` says of a model that is named with the definitions: valid or invalid,
/// and never unknown.
fn decide(kind: Datatype, histories: std::ops::Range<u64>, share: usize) -> Counts {
    let mut seen: Counts = EXACT.iter().map(|(model, ..)| (*model, [0; 2])).collect();
    let mut wrong = Vec::new();
    for seed in histories {
        let records = any_story(kind, seed, 4);
        // Where nothing was acknowledged nothing was checked.
        if !records.iter().any(Record::is_ok) {
            continue;
        }
        let table = table(kind, &records);
        for (at, (model, test, order)) in
            EXACT.iter().enumerate().skip(seed as usize % share).step_by(share)
        {
            // Read committed as it is decided is a little more, and all that implies it too.
            let level = Test::Sees(Level::ReadCommitted);
            let expected = exists(kind, &records, *test, *order)
                && (*test != Test::Committed || exists(kind, &records, level, Order::Any));
            let mut check = check(&table, &[*model], AssumedKeys::default());
            settle(&mut check, Models::new(&[*model]), Levels::Exact, false);
            let is_right = check.validity(true) == Validity::invalid_if(!expected);
            if !is_right {
                let found = check.anomalies.first();
                let notes = &check.notes;
                wrong
                    .push(format!("{seed}, {model}, {expected}: {found:?} {notes:?} {records:#?}"));
            }
            seen[at].1[usize::from(expected)] += 1;
        }
    }
    let some = &wrong[..wrong.len().min(8)];
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), some.join("\n"));
    seen
}

#[test]
fn models_that_are_named_are_decided() {
    assert_seen(&decide(Datatype::Register, 0..1_600, 4), 3);
    assert_seen(&decide(Datatype::List, 0..1_600, 4), 3);
}

/// Asserts that no model that is decided stays open, of histories of up to eleven transactions.
fn assert_decided(kind: Datatype, histories: std::ops::Range<u64>) -> Counts {
    let models: Vec<Model> = EXACT.iter().map(|(model, ..)| *model).collect();
    let mut seen: Counts = models.iter().map(|model| (*model, [0; 2])).collect();
    let mut open: std::collections::BTreeMap<Model, (u64, String)> = Default::default();
    for seed in histories {
        let records = any_story(kind, seed, 10);
        if !records.iter().any(Record::is_ok) {
            continue;
        }
        let table = table(kind, &records);
        for (at, model) in models.iter().enumerate() {
            let requested = Models::new(&[*model]);
            let mut check = check(&table, &[*model], AssumedKeys::default());
            settle(&mut check, requested, Levels::Exact, false);
            let validity = check.validity(true);
            if validity == Validity::Unknown {
                let told = || (0, format!("seed {seed}: {:?} {records:#?}", check.notes));
                open.entry(*model).or_insert_with(told).0 += 1;
            }
            seen[at].1[usize::from(validity == Validity::Valid)] += 1;
        }
    }
    assert!(open.is_empty(), "{kind:?} {open:#?}");
    seen
}

#[test]
fn nothing_that_is_small_stays_open() {
    assert_decided(Datatype::Register, 0..300);
    assert_decided(Datatype::List, 0..300);
}

fn has_unknown(records: &[Record]) -> bool {
    records.iter().any(|record| record.outcome == Outcome::Info)
}

fn lists(histories: std::ops::Range<u64>, share: usize) -> Counts {
    compare((Datatype::List, false), histories, share, |records, row| match row.test {
        Test::Sees(_) | Test::Serial | Test::Snapshot | Test::Parallel | Test::Prefix => true,
        // Elle knows no sessions of those whose outcome is unknown.
        Test::Committed if row.order == Order::Sessions && has_unknown(records) => false,
        Test::Committed => !any_op(records, misses_its_own),
        Test::Uncommitted => true,
    })
}

fn registers(histories: std::ops::Range<u64>, share: usize) -> Counts {
    compare((Datatype::Register, false), histories, share, |_, row| row.test != Test::Committed)
}

/// The order of all versions is known then.
fn updated_registers(histories: std::ops::Range<u64>, share: usize) -> Counts {
    compare((Datatype::Register, true), histories, share, |records, row| match row.test {
        Test::Sees(_) | Test::Serial | Test::Snapshot | Test::Parallel | Test::Prefix => true,
        Test::Uncommitted => true,
        _ if has_unknown(records) => false,
        Test::Committed => !any_op(records, |ops, at| {
            misses_its_own(ops, at) || changes_its_mind(ops, at) || sees_its_future(ops, at)
        }),
    })
}

#[test]
fn lists_are_judged_as_defined() {
    assert_seen(&lists(0..2_400, 4), 15);
}

#[test]
fn registers_are_judged_as_defined() {
    assert_seen(&registers(0..2_400, 4), 15);
}

#[test]
fn registers_that_are_read_before_they_are_written_are_judged_as_defined() {
    assert_seen(&updated_registers(0..2_400, 4), 15);
}

/// `cargo test --release -p kolk-check -- --ignored --nocapture many_more`: a million histories, or
/// as many as `KOLK_HISTORIES` says.
#[test]
#[ignore = "takes some minutes"]
fn many_more_are_judged_as_defined() {
    let histories = sweep::histories(1_000_000);
    // Of three kinds of histories, by turns.
    let counts = sweep::sweep("trying all orders", histories, |seeds| {
        let size = (seeds.end - seeds.start).div_ceil(3);
        let part = |at: u64| {
            let end = (seeds.start + (at + 1) * size).min(seeds.end);
            (seeds.start + at * size).min(end)..end
        };
        let mut counts = lists(part(0), 1);
        sweep::add(&mut counts, &registers(part(1), 1));
        sweep::add(&mut counts, &updated_registers(part(2), 1));
        // The same histories as they are judged if a model is named.
        let mut named = decide(Datatype::List, part(0), 1);
        sweep::add(&mut named, &decide(Datatype::Register, part(1), 1));
        counts.extend(named);
        counts
    });
    eprintln!("{histories} small histories, and what all orders of each say:");
    for (at, (model, [not, so])) in counts.iter().enumerate() {
        let judged = if at < ROWS.len() { "as a test does" } else { "named" };
        eprintln!("  {model}, judged {judged}: {not} do not have it, {so} do; no disagreement");
    }
}

/// `cargo test --release -p kolk-check -- --ignored --nocapture many_that_are_small`
#[test]
#[ignore = "takes some minutes"]
fn many_that_are_small_are_decided() {
    let histories = sweep::histories(100_000);
    for kind in [Datatype::Register, Datatype::List] {
        let what = format!("up to eleven transactions, {kind:?}");
        let counts = sweep::sweep(&what, histories, |seeds| assert_decided(kind, seeds));
        eprintln!("{histories} histories of {what}:");
        for (model, [not, so]) in counts {
            eprintln!("  {model}: {not} invalid, {so} valid, none unknown");
        }
    }
}
