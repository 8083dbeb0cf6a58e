//! How fast set-full is, from the history in memory: `set-full [ELEMENTS] [READS]`, 20 000 and
//! 2 000 unless told otherwise.
//!
//! The reads come evenly between the adds, so that together they return ELEMENTS × READS ÷ 2
//! values, 20 million; once in the order of the adds, and once shuffled, as a node returns them
//! that keeps a hash set. Beside it the definition is carried out naively: a map of all elements,
//! updated by every read, on a tenth of the size.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

use kolk_check::Validity;
use kolk_history::{Event, EventKind, Function, History, Outcome, Phase, Value};
use kolk_protocol::{Key, Time};

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}

fn main() {
    let mut sizes = std::env::args().skip(1).map(|size| size.parse().expect("a number"));
    let elements: usize = sizes.next().unwrap_or(20_000);
    let reads: usize = sizes.next().unwrap_or(2_000);
    for (order, shuffled) in [("in order", false), ("shuffled", true)] {
        let history = history(elements, reads, shuffled);
        let lists = history.operations.iter().filter_map(|read| read.result.as_list());
        let values: usize = lists.map(|list| list.len()).sum();
        // The best of a few: the machine has other things to do.
        let best = (0..5)
            .map(|_| {
                let check = || kolk_check::set_full::check(&history, Function::Broadcast);
                let (check, took) = timed(|| black_box(check()));
                assert_eq!(check.validity(true), Validity::Valid);
                took
            })
            .min()
            .unwrap_or_default();
        println!(
            "set-full, {elements} elements, {reads} reads, {values} values {order}: {:.0} ms",
            best.as_secs_f64() * 1e3
        );
    }
    let history = history(elements / 10, reads / 10, true);
    let (stable, took) = timed(|| black_box(naive(&history)));
    assert_eq!(stable, elements / 10);
    let millis = took.as_secs_f64() * 1e3;
    println!("naively, {} elements, {} reads: {millis:.0} ms", elements / 10, reads / 10);
}

/// A set of 25 nodes that works: every read holds all that was acknowledged before.
fn history(elements: usize, reads: usize, shuffled: bool) -> History {
    let nodes: Vec<String> = (0..25).map(|node| format!("n{node}")).collect();
    let mut history = History::new(nodes);
    let mut random = Key::new(7).random();
    let mut set: Vec<i64> = Vec::new();
    let mut index = 0;
    let mut operation = |phase, node, function, value, result| {
        let time = Time::from_millis(u64::from(index));
        let position = history.invoke(Event {
            index,
            time,
            kind: EventKind::Invoke,
            process: u32::from(node),
            function,
            value,
            error: Value::Null,
            phase,
            node: Some(node),
        });
        history.complete(position, index + 1, time, Outcome::Ok, result);
        index += 2;
    };
    let every = (elements / reads).max(1);
    for element in 0..elements {
        let node = (element % 25) as u16;
        operation(Phase::Load, node, Function::Broadcast, Value::Int(element as i64), Value::Null);
        set.push(element as i64);
        if element % every == 0 {
            let mut list = set.clone();
            if shuffled {
                random.shuffle(&mut list);
            }
            operation(Phase::Load, node, Function::Read, Value::Null, Value::ints(list));
        }
    }
    for node in 0..25 {
        operation(Phase::Final, node, Function::Read, Value::Null, Value::ints(set.clone()));
    }
    history
}

/// How many elements are stable, as the definition says it.
fn naive(history: &History) -> usize {
    let mut elements: BTreeMap<i64, [Option<u32>; 2]> = BTreeMap::new();
    for operation in &history.operations {
        if operation.function == Function::Broadcast {
            elements.insert(operation.value.as_int().expect("an integer"), [None; 2]);
            continue;
        }
        let list = operation.result.as_list().expect("a list");
        let held: BTreeSet<i64> = list.iter().filter_map(Value::as_int).collect();
        for (element, seen) in &mut elements {
            let seen = &mut seen[usize::from(held.contains(element))];
            *seen = (*seen).max(Some(operation.index));
        }
    }
    elements.values().filter(|[absent, present]| present.is_some() && absent < present).count()
}
