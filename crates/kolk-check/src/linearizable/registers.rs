//! From a history to one problem a key.

use kolk_history::{Function, History, Operation, Outcome, Value};
use rustc_hash::FxHashMap;

use super::problem::{Effect, INITIAL, NEVER, Op, UNSEEN};
use super::{Key, Model};
use crate::check::{Check, Validity};
use crate::said::{Said, said, said_bare};
use crate::txn::codes::Codes;

/// What an operation says, as codes.
#[derive(Clone, Copy, Debug)]
struct Access {
    op: Op,
    seen: Option<i64>,
    set: Option<i64>,
    is_failed: bool,
}

/// The keys of a history of registers, in the order of their first appearance.
pub(super) fn keys(
    history: &History,
    model: Model,
    initial: &Value,
    check: &mut Check,
) -> Vec<Key> {
    let mut codes = Codes::default();
    let first = codes.code(initial);
    let initial = if initial.is_null() { "nothing".to_owned() } else { initial.to_string() };
    let mut places: FxHashMap<i64, usize> = FxHashMap::default();
    let mut keys: Vec<(Value, Vec<Access>)> = Vec::new();
    let mut unreadable = 0;
    for (at, operation) in (0..).zip(&history.operations) {
        if !is_access(operation) || !operation.is_counted() {
            continue;
        }
        let read = if model == Model::Register { said_bare(operation) } else { said(operation) };
        match read {
            Ok(None) => {}
            Ok(Some(said)) => {
                let place = *places.entry(codes.code(&said.key)).or_insert(keys.len());
                if place == keys.len() {
                    keys.push((said.key.clone(), Vec::new()));
                }
                keys[place].1.extend(access(at, &said, &mut codes));
            }
            Err(()) => unreadable += 1,
        }
    }
    note_unreadable(check, unreadable);
    let is_bare = model == Model::Register;
    let of =
        |(name, accesses)| Key { is_bare, initial: initial.clone(), ..key(name, accesses, first) };
    keys.into_iter().map(of).collect()
}

/// Says how many operations were left out because nobody knows what they mean.
pub(super) fn note_unreadable(check: &mut Check, unreadable: usize) {
    if unreadable > 0 {
        check.validity = check.validity.worst(Validity::Unknown);
        check.notes.push(format!("operations that cannot be read were left out: {unreadable}"));
    }
}

fn is_access(operation: &Operation) -> bool {
    matches!(operation.function, Function::Read | Function::Write | Function::Cas)
}

/// The two ends of an operation. That it failed is all that is known of one that failed, and it may
/// do so as late as it likes.
pub(super) fn interval(operation: &Operation) -> (u32, u32) {
    let ret = match operation.outcome {
        Outcome::Info => NEVER,
        Outcome::Ok | Outcome::Fail => operation.completion_or_end(),
    };
    (operation.index, ret)
}

fn access(at: u32, said: &Said<'_>, codes: &mut Codes) -> Option<Access> {
    let (call, ret) = interval(said.operation);
    let is_failed = said.operation.outcome == Outcome::Fail && said.set.is_some();
    let seen = said.seen.as_ref().map(|value| codes.code(value));
    let set = said.set.as_ref().map(|value| codes.code(value));
    let effect = match (seen, set) {
        // A swap of a value for itself is a read of it.
        (Some(from), Some(to)) if from != to => Effect::Swap { from: 0, to: 0 },
        (None, Some(_)) => Effect::Write(0),
        _ => Effect::Read(0),
    };
    let is_pending_read = ret == NEVER && matches!(effect, Effect::Read(_));
    let op = Op { call, ret, effect, at };
    (!is_pending_read).then_some(Access { op, seen, set, is_failed })
}

/// Numbers the values of a key that somebody sees, and sorts out what is impossible.
fn key(name: Value, accesses: Vec<Access>, first: i64) -> Key {
    let mut numbers: FxHashMap<i64, u32> = FxHashMap::default();
    numbers.insert(first, INITIAL);
    let is_failed = |access: &&Access| access.is_failed;
    let alive = || accesses.iter().filter(|access| !access.is_failed);
    let mut values = 2;
    for seen in alive().filter_map(|access| access.seen) {
        numbers.entry(seen).or_insert_with(|| {
            values += 1;
            values - 1
        });
    }
    let number =
        |code: Option<i64>| code.and_then(|code| numbers.get(&code).copied()).unwrap_or(UNSEEN);
    let mut is_set = vec![false; values as usize];
    is_set[INITIAL as usize] = true;
    alive().filter(|access| !matches!(access.op.effect, Effect::Read(_))).for_each(|access| {
        is_set[number(access.set) as usize] = true;
    });
    let mut key = Key { name, ..Key::default() };
    key.problem.values = values;
    for access in alive() {
        let mut op = access.op;
        let (from, to) = (number(access.seen), number(access.set));
        op.effect = match op.effect {
            Effect::Swap { .. } => Effect::Swap { from, to },
            Effect::Write(_) => Effect::Write(to),
            Effect::Read(_) | Effect::Append(_) => Effect::Read(from),
        };
        if let Some(seen) = op.effect.seen().filter(|seen| !is_set[*seen as usize]) {
            if !op.is_pending() {
                let code = access.seen;
                let mut failed = accesses.iter().filter(is_failed);
                let by = failed.find(|failed| failed.set == code && number(code) == seen);
                key.impossible.push((op.at, by.map(|failed| failed.op.at)));
            }
            // What it set was set, whatever it says that it saw.
            let Some(to) = op.effect.set().filter(|_| !op.is_pending()) else { continue };
            op.effect = Effect::Write(to);
        }
        key.problem.ops.push(op);
    }
    let failed = accesses.iter().filter(is_failed).filter_map(|access| {
        let (from, to) = (number(access.seen), number(access.set));
        let effect = match access.op.effect {
            Effect::Swap { .. } => Effect::Swap { from, to },
            Effect::Write(_) => Effect::Write(to),
            Effect::Read(_) | Effect::Append(_) => return None,
        };
        (to != UNSEEN).then_some(Op { effect, ..access.op })
    });
    key.failed = failed.collect();
    key.problem.prune();
    key
}
