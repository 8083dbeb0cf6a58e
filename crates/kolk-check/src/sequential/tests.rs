use kolk_history::{Function, Outcome, Value};
use proptest::prelude::*;

use super::*;
use crate::testing::{Open, Story};

fn kinds(anomalies: &[Anomaly]) -> Vec<&'static str> {
    anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect()
}

fn request(function: Function, key: i64, argument: Value) -> (Function, Value) {
    (function, Value::list(vec![Value::Int(key), argument]))
}

impl Story {
    fn begin(&mut self, phase: Phase, process: u32, request: (Function, Value)) -> Open {
        self.invoke_in(phase, 0, process, request.0, request.1)
    }

    fn set(&mut self, process: u32, key: i64, value: i64) -> u32 {
        let open =
            self.begin(Phase::Load, process, request(Function::Write, key, Value::Int(value)));
        self.end(1, open, Outcome::Ok, Value::Null);
        self.last_index()
    }

    fn see_in(&mut self, phase: Phase, process: u32, key: i64, value: Option<i64>) -> u32 {
        let open = self.begin(phase, process, request(Function::Read, key, Value::Null));
        match value {
            Some(value) => self.end(1, open, Outcome::Ok, Value::ints(vec![key, value])),
            None => self.end(1, open, Outcome::Fail, no_such_key()),
        }
        self.last_index()
    }

    fn see(&mut self, process: u32, key: i64, value: Option<i64>) -> u32 {
        self.see_in(Phase::Load, process, key, value)
    }

    fn swap(&mut self, process: u32, key: i64, from: i64, to: i64, outcome: Outcome) -> u32 {
        let open = self.begin(
            Phase::Load,
            process,
            request(Function::Cas, key, Value::ints(vec![from, to])),
        );
        self.end(1, open, outcome, Value::Null);
        self.last_index()
    }

    fn maybe_set(&mut self, process: u32, key: i64, value: i64) {
        let open =
            self.begin(Phase::Load, process, request(Function::Write, key, Value::Int(value)));
        self.end(1, open, Outcome::Info, Value::Null);
    }

    fn last_index(&self) -> u32 {
        self.history.operations.last().expect("something was invoked").index
    }
}

fn no_such_key() -> Value {
    Value::list(vec![Value::Int(20), Value::text("key does not exist")])
}

#[test]
fn what_sequential_consistency_allows_and_forbids() {
    type Tell = fn(&mut Story);
    let cases: &[(&str, Tell, &[&str])] = &[
        (
            "old reads are allowed",
            |s| {
                s.set(0, 1, 10);
                s.set(0, 1, 11);
                s.see(1, 1, Some(10));
                s.see(1, 1, None);
            },
            &["not-sequential"],
        ),
        (
            "as long as they go forward",
            |s| {
                s.set(0, 1, 10);
                s.set(0, 1, 11);
                s.see(1, 1, None);
                s.see(1, 1, Some(10));
                s.see(1, 1, Some(11));
            },
            &[],
        ),
        (
            "a process sees what it wrote itself",
            |s| {
                s.set(0, 1, 10);
                s.see(0, 1, None);
            },
            &["not-sequential"],
        ),
        (
            "all processes see writes in one order",
            |s| {
                s.set(0, 1, 10);
                s.set(1, 1, 11);
                s.see(2, 1, Some(10));
                s.see(2, 1, Some(11));
                s.see(3, 1, Some(11));
                s.see(3, 1, Some(10));
            },
            &["not-sequential"],
        ),
        (
            "of several keys as well (Lamport's, or Dekker's, example)",
            |s| {
                s.set(0, 1, 10);
                s.see(0, 2, None);
                s.set(1, 2, 20);
                s.see(1, 1, None);
            },
            &["not-sequential"],
        ),
        (
            "who sees the later write sees the one that came before it elsewhere",
            |s| {
                s.set(0, 1, 10);
                s.see(1, 1, Some(10));
                s.set(1, 2, 20);
                s.see(2, 2, Some(20));
                s.see(2, 1, None);
            },
            &["not-sequential"],
        ),
        (
            "a swap replaces exactly what it saw",
            |s| {
                s.set(0, 1, 10);
                s.swap(1, 1, 10, 11, Outcome::Ok);
                s.swap(2, 1, 10, 12, Outcome::Ok);
            },
            &["not-sequential"],
        ),
        (
            "a swap of unknown outcome that nobody saw need not have happened",
            |s| {
                s.set(0, 1, 10);
                s.swap(1, 1, 10, 11, Outcome::Info);
                s.swap(2, 1, 10, 12, Outcome::Ok);
            },
            &[],
        ),
        (
            "one that somebody saw must have",
            |s| {
                s.set(0, 1, 10);
                s.swap(1, 1, 10, 11, Outcome::Info);
                s.swap(2, 1, 10, 12, Outcome::Ok);
                s.see(3, 1, Some(11));
            },
            &["not-sequential"],
        ),
        (
            "what failed did not happen",
            |s| {
                s.set(0, 1, 10);
                s.swap(1, 1, 10, 11, Outcome::Fail);
                s.see(2, 1, Some(11));
            },
            &["failed-write"],
        ),
        (
            "values do not come from nowhere",
            |s| {
                s.see(0, 1, Some(3));
            },
            &["never-written"],
        ),
        (
            "a write of unknown outcome may be seen, late",
            |s| {
                s.maybe_set(0, 1, 10);
                s.set(1, 1, 11);
                s.see(1, 1, Some(11));
                s.see(1, 1, Some(10));
            },
            &[],
        ),
        (
            "but not come back",
            |s| {
                s.maybe_set(0, 1, 10);
                s.set(1, 1, 11);
                s.see(1, 1, Some(10));
                s.see(1, 1, Some(11));
                s.see(1, 1, Some(10));
            },
            &["not-sequential"],
        ),
        (
            "the same value written twice may",
            |s| {
                s.set(0, 1, 10);
                s.set(1, 1, 11);
                s.set(2, 1, 10);
                s.see(3, 1, Some(10));
                s.see(3, 1, Some(11));
                s.see(3, 1, Some(10));
            },
            &[],
        ),
        (
            "a swap that may not have happened, and cannot have, explains nothing",
            |s| {
                s.see(0, 1, Some(10));
                s.set(0, 1, 10);
                s.swap(1, 1, 9, 10, Outcome::Info);
            },
            &["not-sequential"],
        ),
        (
            "but not three times",
            |s| {
                s.set(0, 1, 10);
                s.set(1, 1, 11);
                s.set(2, 1, 10);
                for _ in 0..3 {
                    s.see(3, 1, Some(10));
                    s.see(3, 1, Some(11));
                }
            },
            &["not-sequential"],
        ),
    ];
    for (name, tell, expected) in cases {
        let mut story = Story::new(4);
        tell(&mut story);
        let check = check(&story.history);
        assert_eq!(kinds(&check.anomalies), *expected, "{name}: {:?}", check.anomalies);
        assert_eq!(check.validity, Validity::invalid_if(!expected.is_empty()), "{name}");
    }
}

#[test]
fn a_proof_can_be_followed() {
    let mut story = Story::new(2);
    let first = story.set(0, 1, 10);
    let second = story.set(0, 1, 11);
    let new = story.see(1, 1, Some(11));
    let old = story.see(1, 1, Some(10));
    let check = check(&story.history);
    assert_eq!(
        check.anomalies[0].claim,
        "no order of all operations explains what they saw: \
         write [1,10] of process 0 at n0 comes before write [1,11] of process 0 at n0 in its \
         process; \
         write [1,11] of process 0 at n0 comes before write [1,10] of process 0 at n0, because \
         read [1,10] of process 1 at n1 comes after it and saw what the other set"
    );
    let mut operations = check.anomalies[0].operations.clone();
    operations.sort_unstable();
    assert_eq!(operations, [first, second, old]);
    assert_eq!(new, 4);
}

#[test]
fn that_a_key_is_missing_is_said_in_two_ways() {
    for error in [no_such_key(), Value::list(vec![Value::Keyword(&"key-does-not-exist")])] {
        let mut story = Story::new(1);
        story.set(0, 1, 10);
        let read = story.begin(Phase::Load, 0, request(Function::Read, 1, Value::Null));
        story.end(1, read, Outcome::Fail, error.clone());
        assert_eq!(kinds(&check(&story.history).anomalies), ["not-sequential"], "{error}");
    }
}

/// The order exists, but for a client that keeps an old view for ever.
#[test]
fn an_old_view_is_found_behind_a_barrier() {
    for (phase, sees, expected) in [
        (Phase::Final, None, ["stale-after-barrier"].as_slice()),
        (Phase::Final, Some(10), &[]),
        (Phase::Load, None, &["stale-view"]),
        (Phase::Load, Some(10), &[]),
    ] {
        let mut story = Story::new(2);
        story.set(0, 1, 10);
        story.see(1, 1, None);
        let barrier = story.set(1, 2, 20);
        let read = story.see_in(phase, 1, 1, sees);
        let check = check(&story.history);
        let is_final = phase == Phase::Final;
        let (found, other) = if is_final {
            (&check.anomalies, &check.stronger)
        } else {
            (&check.stronger, &check.anomalies)
        };
        assert_eq!(kinds(found), expected, "{phase:?} {sees:?}");
        assert_eq!(kinds(other), [""; 0]);
        for anomaly in found {
            assert!(anomaly.operations.contains(&barrier), "{anomaly:?}");
            assert!(anomaly.operations.contains(&read), "{anomaly:?}");
        }
    }
}

#[test]
fn a_barrier_that_overlaps_says_nothing() {
    let mut story = Story::new(2);
    let write = story.begin(Phase::Load, 0, request(Function::Write, 1, Value::Int(10)));
    let barrier = story.begin(Phase::Load, 1, request(Function::Write, 2, Value::Int(20)));
    story.end(1, write, Outcome::Ok, Value::Null);
    story.end(1, barrier, Outcome::Ok, Value::Null);
    story.see_in(Phase::Final, 1, 1, None);
    let check = check(&story.history);
    assert_eq!((kinds(&check.anomalies), kinds(&check.stronger)), (vec![], vec![]));
}

#[test]
fn what_cannot_be_read_makes_it_unknown() {
    let mut story = Story::new(1);
    story.ok(0, 0, Function::Write, 7, Value::Null);
    story.ok(
        0,
        0,
        Function::Read,
        Value::list(vec![1.into(), Value::Null]),
        Value::ints(vec![2, 3]),
    );
    let check = check(&story.history);
    assert_eq!(check.validity, Validity::Unknown);
    assert_eq!(
        check.notes,
        [
            "operations that cannot be read were left out: 2",
            "nothing was checked: no read was answered"
        ]
    );
}

/// An operation of a process: kind, key, value, other value, how it ends, and where.
type Act = (u32, u8, i64, i64, i64, u8, bool);

/// Operations one after another, each at once or with the next turn of its process. `unique`
/// numbers what is written.
fn play(acts: &[Act], unique: bool) -> History {
    let mut story = Story::new(3);
    let mut open: [Option<(Open, Outcome, Value)>; 3] = [None, None, None];
    for (number, (process, kind, key, seen, other, ends, is_final)) in (0_i64..).zip(acts) {
        let place = *process as usize;
        if let Some((running, outcome, result)) = open[place].take() {
            story.end(1, running, outcome, result);
        }
        let to = if unique { number } else { *other };
        let outcome = match ends {
            0..6 => Outcome::Ok,
            6 => Outcome::Info,
            _ => Outcome::Fail,
        };
        let (what, result) = match kind {
            0..3 if outcome == Outcome::Fail => {
                (request(Function::Read, *key, Value::Null), no_such_key())
            }
            0..3 => (request(Function::Read, *key, Value::Null), Value::ints(vec![*key, *seen])),
            3..5 => (request(Function::Write, *key, Value::Int(to)), Value::Null),
            _ => (request(Function::Cas, *key, Value::ints(vec![*seen, to])), Value::Null),
        };
        let phase = if *is_final { Phase::Final } else { Phase::Load };
        let running = story.begin(phase, *process, what);
        open[place] = Some((running, outcome, result));
    }
    for (running, outcome, result) in open.into_iter().flatten() {
        story.end(1, running, outcome, result);
    }
    story.into_history()
}

/// What an operation sees and sets; null if the key is not there. None if it did not happen.
fn meaning(op: &Operation) -> Option<(i64, Option<Value>, Option<Value>)> {
    let list = op.value.as_list().expect("a pair");
    let key = list[0].as_int().expect("an integer");
    match (op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => {
            Some((key, Some(op.result.as_list().expect("a pair")[1].clone()), None))
        }
        (Function::Read, Outcome::Fail) => Some((key, Some(Value::Null), None)),
        (Function::Write, Outcome::Ok | Outcome::Info) => Some((key, None, Some(list[1].clone()))),
        (Function::Cas, Outcome::Ok | Outcome::Info) => {
            let pair = list[1].as_list().expect("a pair");
            Some((key, Some(pair[0].clone()), Some(pair[1].clone())))
        }
        _ => None,
    }
}

/// Tries all orders: of each process what is left, and what the keys hold.
fn exists(left: &mut [Vec<&Operation>], state: &mut [Value], ordered: bool) -> bool {
    if left.iter().flatten().all(|op| op.outcome == Outcome::Info) {
        return true;
    }
    for process in 0..left.len() {
        let Some(op) = left[process].first().copied() else { continue };
        // In real time, an update waits for those that were acknowledged before it began.
        let is_update = |op: &Operation| op.function != Function::Read;
        let waits = |other: &&Operation| {
            is_update(other) && other.is_ok() && other.completion_or_end() < op.index
        };
        if ordered && is_update(op) && left.iter().flatten().any(waits) {
            continue;
        }
        let (key, seen, set) = meaning(op).expect("it may have happened");
        let key = key as usize;
        if seen.is_some_and(|seen| seen != state[key]) {
            continue;
        }
        let before = state[key].clone();
        if let Some(set) = set {
            state[key] = set;
        }
        left[process].remove(0);
        let found = exists(left, state, ordered);
        left[process].insert(0, op);
        state[key] = before;
        if found {
            return true;
        }
    }
    false
}

/// By process; one of unknown outcome ends its process, whose later operations are another's.
fn by_process(history: &History) -> Vec<Vec<&Operation>> {
    let mut all: Vec<Vec<&Operation>> = Vec::new();
    for node in 0..3 {
        let mut own: Vec<Vec<&Operation>> = vec![vec![]];
        for op in history.operations.iter().filter(|op| op.node == Some(node)) {
            if meaning(op).is_some() {
                own.last_mut().expect("there is one").push(op);
            }
            if op.outcome == Outcome::Info {
                own.push(vec![]);
            }
        }
        all.extend(own);
    }
    all
}

fn acts(most: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = (0..3_u32, 0..6_u8, 0..2_i64, 0..8_i64, 0..3_i64, 0..8_u8, any::<bool>());
    prop::collection::vec(act, 0..most)
}

/// As a run does: a process that does not know gets another number.
fn renumber(history: &mut History) {
    let mut lives = [0_u32; 3];
    for op in &mut history.operations {
        let node = op.node.map(usize::from).expect("known");
        op.process = node as u32 + 3 * lives[node];
        lives[node] += u32::from(op.outcome == Outcome::Info);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6_000))]

    /// Valid iff there is an order, by trying all; and what barriers find is so.
    #[test]
    fn agrees_with_trying_all_orders(mut acts in acts(9), unique: bool) {
        if !unique {
            // Few values, so that some fit.
            acts.iter_mut().for_each(|act| act.3 %= 3);
        }
        let mut history = play(&acts, unique);
        renumber(&mut history);
        let check = check(&history);
        let mut left = by_process(&history);
        let mut state = vec![Value::Null; 2];
        let expected = exists(&mut left, &mut state, false);
        let is_order_missing = check.anomalies.iter().any(|a| a.kind != "stale-after-barrier");
        prop_assert_eq!(!is_order_missing, expected, "{:?}", check.anomalies);
        if kinds(&check.anomalies).contains(&"stale-after-barrier") || !check.stronger.is_empty() {
            prop_assert!(!exists(&mut left, &mut state, true), "{:?}", check);
        }
    }
}
