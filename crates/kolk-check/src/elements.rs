//! The elements of a set and how to find one by its value: set-full looks up tens of millions.

use kolk_history::{Function, History, Operation, Value};
use rustc_hash::FxHashMap;

use crate::values;

/// The id of a value that was never added.
pub(crate) const NONE: u32 = u32::MAX;

/// A value that somebody asked to add.
#[derive(Debug)]
pub(crate) struct Element<'a> {
    /// The value.
    pub value: &'a Value,
    /// The position of the operation that added it last.
    pub add: usize,
    /// The event index of the last add's invocation: from here on it is watched.
    pub start: u32,
    /// The event index of the first add's invocation.
    pub first_start: u32,
    /// True if every add of it surely failed.
    pub failed: bool,
    /// The first `ok` completion of an add after `start`: its event index and the operation's
    /// position.
    pub acknowledged: Option<(u32, usize)>,
}

/// All elements, numbered in the order of [`Element::start`].
#[derive(Debug, Default)]
pub(crate) struct Elements<'a> {
    pub all: Vec<Element<'a>>,
    ints: IntIndex,
    /// Those that are no integers, in order.
    others: Vec<(&'a Value, u32)>,
}

impl<'a> Elements<'a> {
    /// The elements that the counted operations with this function add.
    pub(crate) fn new(history: &'a History, add: Function) -> Elements<'a> {
        let mut adds: Vec<(usize, &Operation)> = history
            .operations
            .iter()
            .enumerate()
            .filter(|(_, operation)| operation.function == add && operation.is_counted())
            .collect();
        // Adds of the same value stand together, in the order of their invocations.
        adds.sort_by(|(_, a), (_, b)| values::order(a.told(), b.told()));
        let mut all: Vec<Element<'a>> = adds
            .chunk_by(|(_, a), (_, b)| values::order(a.told(), b.told()).is_eq())
            .map(element)
            .collect();
        all.sort_unstable_by_key(|element| element.start);
        let mut ints = Vec::new();
        let mut others = Vec::new();
        for (id, element) in (0..).zip(&all) {
            match element.value {
                Value::Int(int) => ints.push((*int, id)),
                other => others.push((other, id)),
            }
        }
        others.sort_unstable_by(|(a, _), (b, _)| values::order(a, b));
        Elements { all, ints: IntIndex::new(&ints), others }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many of them were added before the event with this index.
    pub(crate) fn before(&self, index: u32) -> usize {
        self.all.partition_point(|element| element.start < index)
    }

    /// Calls `each` with the id of every value of a list, [`NONE`] if nobody added it, and the
    /// value's place in the list. False if it is no list; nothing at all is taken for the empty
    /// one, as in Jepsen.
    #[inline]
    pub(crate) fn each(&self, list: &Value, mut each: impl FnMut(u32, usize)) -> bool {
        match list {
            Value::Null => {}
            Value::Ints(ints) => match &self.ints {
                // The loop that takes all the time: tens of millions of values.
                IntIndex::Table { base, ids } => {
                    for (place, int) in ints.iter().enumerate() {
                        each(table_id(*base, ids, *int), place);
                    }
                }
                index @ IntIndex::Hashed(_) => {
                    for (place, int) in ints.iter().enumerate() {
                        each(index.id(*int), place);
                    }
                }
            },
            Value::List(values) => {
                for (place, value) in values.iter().enumerate() {
                    each(self.id(value), place);
                }
            }
            _ => return false,
        }
        true
    }

    fn id(&self, value: &Value) -> u32 {
        match value {
            Value::Int(int) => self.ints.id(*int),
            other => self
                .others
                .binary_search_by(|(candidate, _)| values::order(candidate, other))
                .map_or(NONE, |at| self.others[at].1),
        }
    }
}

fn element<'a>(adds: &[(usize, &'a Operation)]) -> Element<'a> {
    let (first, last) = (adds[0].1, adds[adds.len() - 1]);
    let start = last.1.index;
    // An earlier add of the same value may complete after the last one has begun.
    let acknowledged = adds
        .iter()
        .filter(|(_, add)| add.is_ok())
        .filter_map(|(position, add)| Some((add.completion_index?.get(), *position)))
        .filter(|(index, _)| *index > start)
        .min();
    Element {
        value: last.1.told(),
        add: last.0,
        start,
        first_start: first.index,
        failed: adds.iter().all(|(_, add)| add.outcome == kolk_history::Outcome::Fail),
        acknowledged,
    }
}

/// From integers to ids: a table where they lie close together, as the generators' do.
#[derive(Debug)]
enum IntIndex {
    Table { base: i64, ids: Vec<u32> },
    Hashed(FxHashMap<i64, u32>),
}

impl Default for IntIndex {
    fn default() -> IntIndex {
        IntIndex::Table { base: 0, ids: Vec::new() }
    }
}

impl IntIndex {
    fn new(ints: &[(i64, u32)]) -> IntIndex {
        let Some(base) = ints.iter().map(|(int, _)| *int).min() else {
            return IntIndex::default();
        };
        let span = ints.iter().map(|(int, _)| int.wrapping_sub(base) as u64).max().unwrap_or(0);
        if span > 1024 + 8 * ints.len() as u64 {
            return IntIndex::Hashed(ints.iter().copied().collect());
        }
        let mut ids = vec![NONE; span as usize + 1];
        for (int, id) in ints {
            ids[(int - base) as usize] = *id;
        }
        IntIndex::Table { base, ids }
    }

    #[inline]
    fn id(&self, int: i64) -> u32 {
        match self {
            IntIndex::Table { base, ids } => table_id(*base, ids, int),
            IntIndex::Hashed(ids) => ids.get(&int).copied().unwrap_or(NONE),
        }
    }
}

/// What is below the base wraps round to beyond the table.
#[inline]
fn table_id(base: i64, ids: &[u32], int: i64) -> u32 {
    ids.get(int.wrapping_sub(base) as u64 as usize).copied().unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_found() {
        for ints in [
            vec![],
            vec![5],
            vec![0, 1, 2, 3],
            vec![-3, 7, 1000],
            vec![i64::MIN, 0, i64::MAX],
            vec![i64::MAX - 1, i64::MAX],
        ] {
            let pairs: Vec<(i64, u32)> = ints.iter().copied().zip(0..).collect();
            let index = IntIndex::new(&pairs);
            for int in ints.iter().flat_map(|int| [*int, int.wrapping_sub(1), int.wrapping_add(1)])
            {
                let expected = ints.iter().position(|other| *other == int);
                assert_eq!(index.id(int), expected.map_or(NONE, |id| id as u32), "{int}");
            }
        }
    }
}
