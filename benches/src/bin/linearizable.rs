//! How fast linearizability is decided: `linearizable [FOLDER]`.
//!
//! First histories of a simulated store with ten clients, from the history in memory, of 10^3 to
//! 10^6 operations: keys of a hundred operations each, as the workload makes them; one register
//! whose values are all different; and one register with five values, which takes the search. Then,
//! if FOLDER holds the histories of porcupine (`jepsen/*.log`, `kv/*.txt`), those, with reading
//! them. Last the same small histories are given to `stateright`'s tester.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use kolk_check::Validity;
use kolk_check::linearizable::{Model, check};
use kolk_history::{Event, EventKind, Function, History, Outcome, Phase, Value};
use kolk_protocol::{Key, Random, Time};
use stateright::semantics::register::{Register, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}

/// The best of a few: the machine has other things to do.
fn best(times: usize, mut work: impl FnMut()) -> f64 {
    let all = (0..times).map(|_| timed(&mut work).1);
    all.min().unwrap_or_default().as_secs_f64() * 1e3
}

fn main() {
    println!(
        "{:>10}  {:>14}  {:>16}  {:>12}",
        "operations", "keys of 100, ms", "unique values, ms", "5 values, ms"
    );
    for operations in [1_000, 10_000, 100_000, 1_000_000] {
        let mut row = format!("{operations:>10}");
        for (keys, values, width) in
            [(operations / 100, Some(5), 15), (1, None, 17), (1, Some(5), 13)]
        {
            let history = history(operations, 10, keys, values);
            let millis = best(3, || {
                let check = black_box(check(&history, Model::LinKv));
                assert_eq!(check.validity(true), Validity::Valid, "{:?}", check.notes);
            });
            row += &format!("  {millis:>width$.1}");
        }
        println!("{row}");
    }
    println!("memory: {}", memory());
    if let Some(folder) = std::env::args().nth(1) {
        recorded(Path::new(&folder));
    }
    race();
}

/// The most that the process ever held, as Linux tells it.
fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or("unknown".to_owned(), |peak| peak.trim().to_owned())
}

/// Histories that others recorded.
fn recorded(folder: &Path) {
    let files = |folder: &Path| -> Vec<_> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
        files.sort();
        files
    };
    let judge = |path: &Path, model| {
        let history = kolk_history::read(fs::read(path).expect("a file").as_slice(), Vec::new());
        check(&history.expect("a history"), model).validity
    };
    let logs = files(&folder.join("jepsen"));
    let mut valid = 0;
    let millis = best(10, || {
        let all = logs.iter().filter(|log| judge(log, Model::Register) == Validity::Valid);
        valid = all.count();
    });
    println!("{} logs of etcd, {valid} valid (an empty one too): {millis:.1} ms", logs.len());
    for path in files(&folder.join("kv")) {
        let mut validity = Validity::Unknown;
        let millis = best(10, || validity = judge(&path, Model::Texts));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        println!("{name}: {}, {millis:.1} ms", validity.name());
    }
}

/// Stateright's tester has no memory of what it tried and no pruning, and recurses once an
/// operation.
fn race() {
    println!("{:>10}  {:>8}  {:>14}", "operations", "kolk, ms", "stateright, ms");
    for operations in [10, 20, 50, 100, 200, 500] {
        let history = history(operations, 4, 1, None);
        let ours = best(5, || {
            assert_eq!(check(&history, Model::LinKv).validity(true), Validity::Valid);
        });
        let thread = std::thread::Builder::new().stack_size(1 << 30);
        let theirs =
            thread.spawn(move || best(1, || assert!(black_box(tester(&history).is_consistent()))));
        let theirs = theirs.expect("a thread").join().expect("it agrees");
        println!("{operations:>10}  {ours:>8.3}  {theirs:>14.3}");
    }
}

fn tester(history: &History) -> LinearizabilityTester<u32, Register<i64>> {
    let mut tester = LinearizabilityTester::new(Register(0));
    let second = |value: &Value| value.as_list().expect("a pair")[1].as_int().unwrap_or_default();
    for event in history.events() {
        let kolk_history::AnyEvent::Client(event) = event else { continue };
        let value = second(&event.value);
        let is_read = event.function == Function::Read;
        let said = match event.kind {
            EventKind::Invoke if is_read => tester.on_invoke(event.process, RegisterOp::Read),
            EventKind::Invoke => tester.on_invoke(event.process, RegisterOp::Write(value)),
            _ if is_read => tester.on_return(event.process, RegisterRet::ReadOk(value)),
            _ => tester.on_return(event.process, RegisterRet::WriteOk),
        };
        assert!(said.is_ok(), "the history is well formed");
    }
    tester
}

/// A store of atomic registers: half reads, half writes. Values are below `values`, or all
/// different. Operations take effect when they end or when another does, so they overlap as they
/// please.
fn history(operations: usize, clients: usize, keys: usize, values: Option<i64>) -> History {
    let mut random: Random = Key::new(5).with(operations as u64).random();
    let mut history = History::new(Vec::new());
    let mut registers: BTreeMap<i64, Value> = BTreeMap::new();
    // Each client's operation, and what came of it once it took effect.
    let mut running: Vec<Option<(usize, Option<Value>)>> = vec![None; clients];
    let (mut index, mut next) = (0, 0);
    let mut left = operations;
    while left > 0 || running.iter().any(Option::is_some) {
        let client = random.index(clients);
        let time = Time::from_millis(u64::from(index));
        match &mut running[client] {
            None if left > 0 => {
                left -= 1;
                let key = (history.operations.len() * keys / operations) as i64;
                let is_read = random.chance(0.5);
                next += 1;
                let written =
                    Value::Int(values.map_or(next, |values| random.below(values as u64) as i64));
                let value = if is_read { Value::Null } else { written };
                let at = history.invoke(Event {
                    index,
                    time,
                    kind: EventKind::Invoke,
                    process: client as u32,
                    function: if is_read { Function::Read } else { Function::Write },
                    value: Value::list(vec![Value::Int(key), value]),
                    error: Value::Null,
                    phase: Phase::Load,
                    node: None,
                });
                running[client] = Some((at, None));
                index += 1;
            }
            None => {}
            Some((at, done @ None)) => {
                let operation = &history.operations[*at];
                let pair = operation.value.as_list().expect("a pair");
                let register = registers.entry(pair[0].as_int().expect("a key")).or_default();
                if operation.function == Function::Write {
                    *register = pair[1].clone();
                }
                *done = Some(Value::list(vec![pair[0].clone(), register.clone()]));
            }
            Some((at, Some(result))) => {
                history.complete(*at, index, time, Outcome::Ok, result.clone());
                running[client] = None;
                index += 1;
            }
        }
    }
    history
}
