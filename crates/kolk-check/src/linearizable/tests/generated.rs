//! Histories of registers that are linearizable by construction: never rejected, and the order that
//! is given is one.

use std::collections::BTreeMap;

use kolk_history::{Function, History, Open, Outcome, Story, Value};
use kolk_protocol::{Key, random::Random};

use crate::check::Validity;
use crate::linearizable::{self, Model, check, linearize};

/// Where an operation is on its way.
struct Running {
    at: Open,
    /// What the store did, once it did; of a swap that found another value, nothing.
    done: Option<Result<Value, ()>>,
    /// Its client has given up.
    is_orphan: bool,
}

/// A store with an atomic register for each key, its clients, and what it was told.
struct Store {
    story: Story,
    registers: BTreeMap<i64, Value>,
    running: Vec<Running>,
    next_value: i64,
    millis: u64,
}

impl Store {
    /// The time of the next event: there is one every millisecond.
    fn now(&mut self) -> u64 {
        self.millis += 1;
        self.millis
    }

    fn begin(&mut self, process: u32, random: &mut Random, keys: u64, values: Option<u64>) {
        let key = random.below(keys) as i64;
        let mut value = |random: &mut Random| {
            self.next_value += 1;
            Value::Int(values.map_or(self.next_value, |values| random.below(values) as i64))
        };
        let (function, value) = match random.below(4) {
            0 | 1 => (Function::Read, Value::Null),
            2 => (Function::Write, value(random)),
            _ => {
                let current = self.registers.get(&key).cloned().unwrap_or_default();
                let from = if random.chance(0.7) { current } else { value(random) };
                (Function::Cas, Value::list(vec![from, value(random)]))
            }
        };
        let (now, value) = (self.now(), Value::list(vec![Value::Int(key), value]));
        let at = self.story.invoke(now, process, function, value);
        self.running.push(Running { at, done: None, is_orphan: false });
    }

    /// The operation takes effect.
    fn act(&mut self, place: usize) {
        let operation = self.story.operation(self.running[place].at);
        let pair = operation.value.as_list().expect("a pair");
        let key = pair[0].as_int().expect("a key");
        let register = self.registers.entry(key).or_default();
        let list = |value: &Value| Value::list(vec![pair[0].clone(), value.clone()]);
        self.running[place].done = Some(match operation.function {
            Function::Read => Ok(list(register)),
            Function::Write => {
                *register = pair[1].clone();
                Ok(list(register))
            }
            _ => {
                let swap = pair[1].as_list().expect("two values");
                if *register == swap[0] {
                    *register = swap[1].clone();
                    Ok(operation.value.clone())
                } else {
                    Err(())
                }
            }
        });
    }

    /// The client hears of it, or never will.
    fn end(&mut self, place: usize, is_known: bool) {
        let (now, at) = (self.now(), self.running[place].at);
        let (outcome, result) = match (&self.running[place].done, is_known) {
            (Some(Ok(result)), true) => (Outcome::Ok, result.clone()),
            (Some(Err(())), true) => (Outcome::Fail, Value::list(vec![Value::Int(22)])),
            _ => (Outcome::Info, Value::text("timeout")),
        };
        self.story.end(now, at, outcome, result);
        self.running[place].is_orphan = true;
    }
}

/// A run of so many operations.
fn history(random: &mut Random, operations: usize, unique: bool) -> History {
    let mut store = Store {
        story: Story::new(0),
        registers: BTreeMap::new(),
        running: Vec::new(),
        next_value: 0,
        millis: 0,
    };
    let clients = 1 + random.below(8) as usize;
    let (keys, crash) = (1 + random.below(3), random.unit() * 0.3);
    let values = (!unique).then(|| 1 + random.below(4));
    let mut process_count = 0;
    while store.story.history.operations.len() < operations
        || store.running.iter().any(|r| !r.is_orphan)
    {
        let place = random.index(clients.max(store.running.len()));
        let busy = store.running.iter().filter(|running| !running.is_orphan).count();
        if busy < clients && store.story.history.operations.len() < operations && random.chance(0.4)
        {
            process_count += 1;
            store.begin(process_count, random, keys, values);
        } else if let Some(running) = store.running.get(place) {
            match (running.done.is_some(), running.is_orphan) {
                // What was given up may still take effect, late.
                (false, true) if random.chance(0.2) => store.act(place),
                (false, false) if random.chance(0.7) => store.act(place),
                (_, true) => {}
                (true, false) => store.end(place, !random.chance(crash)),
                (false, false) if random.chance(crash) => store.end(place, false),
                (false, false) => {}
            }
        }
    }
    store.story.history
}

/// The order explains the history of its key: the definition, and nothing else.
fn explains(history: &History, key: &Value, order: &[u32]) -> bool {
    let mut value = Value::Null;
    let mut begun = 0;
    let of = |index: &u32| history.operations.iter().find(|operation| operation.index == *index);
    let ordered: Vec<_> = order.iter().map(|index| of(index).expect("it is there")).collect();
    let fits = ordered.iter().all(|operation| {
        let pair = operation.value.as_list().expect("a pair");
        begun = begun.max(operation.index);
        let is_legal = match operation.function {
            Function::Read => operation.result.as_list().expect("a pair")[1] == value,
            Function::Write => {
                value = pair[1].clone();
                true
            }
            _ => {
                let swap = pair[1].as_list().expect("two values");
                let is_legal = swap[0] == value;
                value = swap[1].clone();
                is_legal
            }
        };
        is_legal
            && pair[0] == *key
            && (!operation.is_ok() || operation.completion_or_end() >= begun)
    });
    let is_own = |operation: &&kolk_history::Operation| {
        operation.is_ok() && operation.value.as_list().expect("a pair")[0] == *key
    };
    let all = history.operations.iter().filter(is_own).all(|own| order.contains(&own.index));
    fits && all && order.iter().all(|index| order.iter().filter(|i| *i == index).count() == 1)
}

#[test]
fn what_is_linearizable_passes() {
    for seed in 0..10_000 {
        let mut random = Key::new(11).with(seed).random();
        let operations = if seed % 100 == 0 { 300 } else { 24 };
        let history = history(&mut random, operations, seed % 2 == 0);
        let check = check(&history, Model::LinKv);
        let found = (&check.anomalies, &check.stronger, &check.notes);
        let is_unread = |note: &String| note.starts_with("nothing was checked");
        assert_eq!(check.validity, Validity::Valid, "seed {seed}: {found:?}");
        assert!(
            check.stronger.is_empty() && check.notes.iter().all(is_unread),
            "{seed}: {found:?}"
        );
        for linearization in linearize(&history, Model::LinKv) {
            let linearizable::Outcome::Order(order) = &linearization.outcome else {
                panic!("seed {seed}: {linearization:?}")
            };
            assert!(
                explains(&history, &linearization.key, order),
                "seed {seed}: {linearization:?}"
            );
        }
    }
}

#[test]
fn says_the_same_again() {
    for seed in 0..200 {
        let mut random = Key::new(12).with(seed).random();
        let mut history = history(&mut random, 60, seed % 2 == 0);
        // Something is wrong with every third read.
        for operation in history.operations.iter_mut().step_by(3) {
            if operation.function == Function::Read && operation.is_ok() {
                let key = operation.value.as_list().expect("a pair")[0].clone();
                operation.result = Value::list(vec![key, Value::Int(random.below(9) as i64)]);
            }
        }
        assert_eq!(check(&history, Model::LinKv), check(&history, Model::LinKv), "seed {seed}");
    }
}
