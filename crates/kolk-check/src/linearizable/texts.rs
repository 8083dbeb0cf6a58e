//! From a history of texts that are set, made longer and read to one problem a key.
//!
//! A read tells the whole text, and with it which appends made it, in which order. So the values
//! that matter are the beginnings of the texts that were read, cut where an append may have ended.
//! An append that leads to none of them makes what nobody sees. If every text that was read can be
//! made in one way alone (different clients append different texts, as they should), each append
//! that was seen is a swap of one beginning for the next, each other one like a write that nobody
//! sees, and the history is one of a register whose values are set once: it is decided in O(n log
//! n).

use std::collections::BTreeMap;
use std::ops::Bound;

use kolk_history::{Function, History, Operation, Outcome, Value};
use rustc_hash::FxHashMap;

use super::Key;
use super::problem::{Effect, INITIAL, Op, Problem, UNSEEN};
use super::registers::{interval, note_unreadable};
use crate::check::Check;
use crate::said::{pair, told};
use crate::txn::codes::Codes;

/// No number yet.
const NONE: u32 = u32::MAX;

/// An operation and its text: what was read, set or appended.
struct Access<'a> {
    op: Op,
    function: Function,
    text: &'a str,
}

/// The keys of a history of texts, in the order of their first appearance.
pub(super) fn keys(history: &History, check: &mut Check) -> Vec<Key> {
    let mut codes = Codes::default();
    let mut places: FxHashMap<i64, usize> = FxHashMap::default();
    let mut keys: Vec<(Value, Vec<Access<'_>>)> = Vec::new();
    let mut unreadable = 0;
    for (at, operation) in (0..).zip(&history.operations) {
        let matters = matters(operation) && operation.is_counted();
        let Some((key, text)) = said(operation).filter(|_| matters) else {
            unreadable += usize::from(matters);
            continue;
        };
        let place = *places.entry(codes.code(&key)).or_insert(keys.len());
        if place == keys.len() {
            keys.push((key, Vec::new()));
        }
        let (call, ret) = interval(operation);
        let op = Op { call, ret, effect: Effect::Read(UNSEEN), at };
        keys[place].1.push(Access { op, function: operation.function, text });
    }
    note_unreadable(check, unreadable);
    keys.into_iter().map(|(name, accesses)| key(name, &accesses)).collect()
}

/// True for what may have happened, and reads that tell something.
fn matters(operation: &Operation) -> bool {
    match operation.function {
        Function::Read => operation.is_ok(),
        Function::Write | Function::Append => operation.outcome != Outcome::Fail,
        _ => false,
    }
}

/// An operation's key and text; what was never set is empty.
fn said(operation: &Operation) -> Option<(Value, &str)> {
    let value =
        if operation.function == Function::Read { &operation.result } else { told(operation) };
    let (key, _) = pair(value)?;
    let Value::List(values) = value else { return None };
    match &values[1] {
        Value::Null => Some((key, "")),
        text => Some((key, text.as_str()?)),
    }
}

fn key(name: Value, accesses: &[Access<'_>]) -> Key {
    let mut beginnings = Beginnings::new(accesses);
    beginnings.read_all(accesses);
    let appends = beginnings.appends();
    let mut key = Key { name, initial: "\"\"".to_owned(), ..Key::default() };
    key.problem = Problem { values: beginnings.values, appends, ..Problem::default() };
    for access in accesses {
        let effect = match access.function {
            Function::Read => match beginnings.ends.get(access.text) {
                Some(value) => Effect::Read(*value),
                None => {
                    key.impossible.push((access.op.at, None));
                    continue;
                }
            },
            Function::Append if access.text.is_empty() => continue,
            Function::Append => Effect::Append(beginnings.pieces[access.text]),
            _ => Effect::Write(beginnings.value_of_write(access.text)),
        };
        key.problem.ops.push(Op { effect, ..access.op });
    }
    if is_unambiguous(&key.problem) {
        swaps_for_appends(&mut key.problem);
    }
    key.problem.prune();
    key
}

/// True if every append that leads anywhere leads from one value to one that nothing else makes.
fn is_unambiguous(problem: &Problem) -> bool {
    let mut makers = vec![0_u32; problem.values as usize];
    makers[INITIAL as usize] = 1;
    let mut appenders = vec![0_u32; problem.appends.len()];
    for op in &problem.ops {
        match op.effect {
            Effect::Append(piece) => appenders[piece as usize] += 1,
            effect => effect.set().into_iter().for_each(|value| makers[value as usize] = 1),
        }
    }
    let pairs = problem.appends.iter().flatten();
    pairs.for_each(|(_, to)| makers[*to as usize] += 1);
    problem.appends.iter().zip(&appenders).all(|(pairs, appenders)| match pairs.as_slice() {
        [] => true,
        [(_, to)] => *appenders == 1 && makers[*to as usize] == 1,
        _ => false,
    })
}

fn swaps_for_appends(problem: &mut Problem) {
    for op in &mut problem.ops {
        if let Effect::Append(piece) = op.effect {
            op.effect = match problem.appends[piece as usize].first() {
                Some((from, to)) => Effect::Swap { from: *from, to: *to },
                None => Effect::Write(UNSEEN),
            };
        }
    }
    problem.appends.clear();
}

/// The beginnings of texts that were read, numbered.
struct Beginnings<'a> {
    values: u32,
    /// The texts that were appended, numbered, and their lengths.
    pieces: FxHashMap<&'a str, u32>,
    piece_lengths: Vec<usize>,
    /// The texts that were set, with their numbers as beginnings, and their lengths.
    writes: FxHashMap<&'a str, u32>,
    write_lengths: Vec<usize>,
    /// The texts that were read and can be made.
    ends: FxHashMap<&'a str, u32>,
    /// Which append leads from which beginning to which.
    steps: Vec<(u32, u32, u32)>,
}

fn lengths<'a>(texts: impl Iterator<Item = &'a &'a str>) -> Vec<usize> {
    let mut lengths: Vec<usize> = texts.map(|text| text.len()).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

impl<'a> Beginnings<'a> {
    fn new(accesses: &[Access<'a>]) -> Beginnings<'a> {
        let texts = |function: Function| {
            let of = accesses.iter().filter(move |access| access.function == function);
            of.map(|access| access.text)
        };
        let mut pieces = FxHashMap::default();
        for text in texts(Function::Append).filter(|text| !text.is_empty()) {
            let next = pieces.len() as u32;
            pieces.entry(text).or_insert(next);
        }
        let writes: FxHashMap<&str, u32> = texts(Function::Write)
            .map(|text| (text, if text.is_empty() { INITIAL } else { NONE }))
            .collect();
        Beginnings {
            values: UNSEEN + 1,
            piece_lengths: lengths(pieces.keys()),
            write_lengths: lengths(writes.keys()),
            pieces,
            writes,
            ends: FxHashMap::default(),
            steps: Vec::new(),
        }
    }

    fn value_of_write(&self, text: &str) -> u32 {
        self.writes.get(text).copied().filter(|value| *value != NONE).unwrap_or(UNSEEN)
    }

    /// Cuts all texts that were read, in their order, so that what two have in common is cut once.
    fn read_all(&mut self, accesses: &[Access<'a>]) {
        let reads = accesses.iter().filter(|access| access.function == Function::Read);
        let mut texts: Vec<&str> = reads.map(|access| access.text).collect();
        texts.sort_unstable();
        texts.dedup();
        let mut cuts = BTreeMap::from([(0, INITIAL)]);
        let mut before = "";
        for text in texts {
            let same = before.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
            self.cut(text, same, &mut cuts);
            if let Some(value) = cuts.get(&text.len()) {
                self.ends.insert(text, *value);
            }
            before = text;
        }
        self.forget_dead_ends();
    }

    /// The places where an append may have ended; up to `same` they are known.
    fn cut(&mut self, text: &'a str, same: usize, cuts: &mut BTreeMap<usize, u32>) {
        cuts.split_off(&(same + 1));
        for length in self.write_lengths.iter().copied().filter(|length| *length > same) {
            let write = text.get(..length).and_then(|text| self.writes.get_mut(text));
            if let Some(value) = write {
                *value = self.values;
                cuts.insert(length, self.values);
                self.values += 1;
            }
        }
        let longest = self.piece_lengths.last().copied().unwrap_or_default();
        let mut next = (same + 1).saturating_sub(longest);
        while let Some((begin, from)) = cuts.range((Bound::Included(next), Bound::Unbounded)).next()
        {
            let (begin, from) = (*begin, *from);
            for length in &self.piece_lengths {
                let end = begin + length;
                let piece = text.get(begin..end).filter(|_| end > same);
                let Some(piece) = piece.and_then(|piece| self.pieces.get(piece)) else { continue };
                let to = *cuts.entry(end).or_insert_with(|| {
                    self.values += 1;
                    self.values - 1
                });
                self.steps.push((*piece, from, to));
            }
            next = begin + 1;
        }
    }

    /// Beginnings that lead to no text that was read are as good as unseen.
    fn forget_dead_ends(&mut self) {
        self.steps.sort_unstable_by_key(|step| step.2);
        let mut is_seen = vec![false; self.values as usize];
        let mut open: Vec<u32> = self.ends.values().copied().collect();
        open.iter().for_each(|value| is_seen[*value as usize] = true);
        while let Some(value) = open.pop() {
            let first = self.steps.partition_point(|step| step.2 < value);
            let into = self.steps[first..].iter().take_while(|step| step.2 == value);
            for (_, from, _) in into {
                if !std::mem::replace(&mut is_seen[*from as usize], true) {
                    open.push(*from);
                }
            }
        }
        self.steps.retain(|(_, from, to)| is_seen[*from as usize] && is_seen[*to as usize]);
        for value in self.writes.values_mut() {
            if *value != NONE && !is_seen[*value as usize] {
                *value = NONE;
            }
        }
    }

    /// For each text that was appended, from which beginnings it leads to which.
    fn appends(&self) -> Vec<Vec<(u32, u32)>> {
        let mut appends = vec![Vec::new(); self.pieces.len()];
        self.steps.iter().for_each(|(piece, from, to)| appends[*piece as usize].push((*from, *to)));
        appends.iter_mut().for_each(|pairs| pairs.sort_unstable());
        appends
    }
}
