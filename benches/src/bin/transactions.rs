//! How fast the checkers of transactions are, reading the history's file included:
//! `transactions [MAX]`, histories of 10^3, 10^4, … up to MAX (10^6 unless told otherwise).
//! `transactions --write FOLDER SIZE` only writes histories of SIZE transactions, for other
//! programs. `transactions --exact [MAX]` measures what it takes to decide models of registers
//! exactly, beside a check that searches for nothing; `transactions --random [MAX]` the same of
//! random workloads of PolySI's shape, 10 000 and 100 000 transactions, up to MAX.
//!
//! Each measurement is a process of its own, which reads a file, makes all the checks `kolk check`
//! makes, and reports time, processor time and peak memory. The histories are valid and strict
//! serializable: 20 processes whose transactions take effect at one instant between invocation and
//! completion. Lists and registers: 1 to 4 micro-operations on 10 keys at a time, smaller numbers
//! more often, each key written 16 times and then replaced, as Maelstrom's generator does. Levels
//! of isolation, and random workloads: 8 micro-operations on 10 000 keys, 50 sessions. *Skewed*, a
//! key is chosen as often as its number is small (Zipf's law). Transactions take effect as soon as
//! they are invoked; *later*, at any time until they are acknowledged. *Snapshots* are of a store
//! that reads as of a transaction's beginning and lets it fail if somebody else has written since
//! what it writes.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kolk_benches::measured::{cpu_seconds, peak_megabytes, timed};
use kolk_check::models::Models;
use kolk_check::txn::rw_register::AssumedKeys;
use kolk_check::{Options, Validity};
use kolk_history::micro_ops::{MicroFunction, MicroOps, Operand, Packer};
use kolk_history::{Event, EventKind, Function, History, Outcome, Phase, Value};
use kolk_history::{awdit, jepsen, jsonl};
use kolk_protocol::random::Random;
use kolk_protocol::{Key, Time};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--write", folder, size] => {
            return write_all(Path::new(folder), size.parse().expect("a number"));
        }
        ["--exact", most @ ..] => return exact(number(most.first(), 1_000_000)),
        ["--random", most @ ..] => return random(number(most.first(), 100_000)),
        [workload, models, path] => return measure(workload, models, Path::new(path)),
        _ => {}
    }
    let most: usize = arguments.first().map_or(1_000_000, |most| most.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let sizes = (3..).map(|power| 10usize.pow(power)).take_while(|size| *size <= most);
    println!("| | transactions | file | reading | checking | together | CPU | peak memory |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for size in sizes {
        for (workload, shape) in [("txn-list-append", LISTS), ("txn-rw-register", REGISTERS)] {
            let history = generate(size, shape);
            for format in ["jsonl", "edn"] {
                let path = store(folder.path(), workload, &history, format);
                run(&format!("{workload}, {format}"), size, workload, "strict-serializable", &path);
            }
        }
        let path = folder.path().join("txn-rw-register.jsonl");
        let keys = format!("txn-rw-register{ASSUMED_KEYS}");
        run("registers, keys assumed, jsonl", size, &keys, "strict-serializable", &path);
        let path = store(folder.path(), "levels", &generate(size, SESSIONS), "awdit");
        for level in ["read-committed", "read-atomic", "causal"] {
            run(&format!("{level}, text"), size, "txn-rw-register", level, &path);
        }
    }
}

fn number(text: Option<&&str>, otherwise: usize) -> usize {
    text.map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Registers whose models are decided exactly. What is asked for in the first line needs no search.
fn exact(size: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = store(folder.path(), "txn-rw-register", &generate(size, REGISTERS), "jsonl");
    for models in ["causal", "serializable", "snapshot-isolation", "strict-serializable"] {
        run(models, size, "txn-rw-register", models, &path);
    }
    let late = Shape { late: true, ..REGISTERS };
    let path = store(folder.path(), "late", &generate(size, late), "jsonl");
    for models in ["causal", "strict-serializable"] {
        run(&format!("{models}, effects later"), size, "txn-rw-register", models, &path);
    }
}

fn random(most: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let skewed = Shape { skewed: true, ..SESSIONS };
    let models = ["serializable", "snapshot-isolation", "parallel-snapshot-isolation"];
    for size in [10_000, 100_000].into_iter().filter(|size| *size <= most) {
        for (name, shape) in [("uniform", SESSIONS), ("skewed", skewed)] {
            let path = store(folder.path(), name, &generate(size, shape), "jsonl");
            for model in models {
                run(&format!("{name}, {model}"), size, "txn-rw-register", model, &path);
            }
            let path = store(folder.path(), name, &snapshots(size, shape), "jsonl");
            for model in &models[1..] {
                run(&format!("snapshots, {name}, {model}"), size, "txn-rw-register", model, &path);
            }
        }
    }
}

/// Writes every history of a size, for other programs.
fn write_all(folder: &Path, size: usize) {
    for (name, shape, format) in [
        ("list-append", LISTS, "jsonl"),
        ("list-append", LISTS, "edn"),
        ("rw-register", REGISTERS, "jsonl"),
        ("rw-register", REGISTERS, "edn"),
        ("levels", SESSIONS, "awdit"),
    ] {
        store(folder, name, &generate(size, shape), format);
    }
}

/// After a workload's name: with sequential and linearizable keys assumed.
const ASSUMED_KEYS: &str = "+keys";

/// Measures in a process of its own, and prints a line.
fn run(name: &str, size: usize, workload: &str, models: &str, path: &Path) {
    let program = std::env::current_exe().expect("this program");
    let told = |_| {
        let output = Command::new(&program).args([workload, models]).arg(path).output();
        let output = output.expect("a measurement");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        text.split_whitespace().map(|number| number.parse().expect("a number")).collect()
    };
    let all: Vec<Vec<f64>> = (0..3).map(told).collect();
    let best = all.iter().min_by(|a, b| (a[0] + a[1]).total_cmp(&(b[0] + b[1]))).expect("three");
    let file = path.metadata().expect("a file").len() / 1_000_000;
    println!(
        "| {name} | {size} | {file} MB | {:.3} s | {:.3} s | {:.3} s | {:.2} s | {:.0} MB |",
        best[0],
        best[1],
        best[0] + best[1],
        best[3],
        best[2]
    );
}

/// Reads a history and checks it; prints the seconds of both, the most memory in megabytes, and
/// the seconds of processor time.
fn measure(workload: &str, models: &str, path: &Path) {
    let file = BufReader::with_capacity(1 << 18, File::open(path).expect("a file"));
    let (history, reading) = timed(|| match path.extension().and_then(|end| end.to_str()) {
        Some("jsonl") => jsonl::read(file, Vec::new()),
        Some("edn") => jepsen::read(file, Vec::new()),
        _ => awdit::read(file),
    });
    let history = history.expect("a history");
    let consistency_models: Models = models.parse().expect("models");
    let bare = workload.strip_suffix(ASSUMED_KEYS);
    let assumed = bare.is_some();
    let options = Options {
        workload: bare.unwrap_or(workload),
        strict: true,
        consistency_models,
        assumed_keys: AssumedKeys { sequential: assumed, linearizable: assumed },
        ..Options::default()
    };
    let (verdict, checking) = timed(|| kolk_check::check_run(&history, None, &options));
    assert_eq!(verdict.validity, Validity::Valid);
    let (reading, checking) = (reading.as_secs_f64(), checking.as_secs_f64());
    println!("{reading} {checking} {} {}", peak_megabytes(), cpu_seconds());
}

fn store(folder: &Path, name: &str, history: &History, format: &str) -> std::path::PathBuf {
    let mut bytes = Vec::new();
    match format {
        "jsonl" => jsonl::write(&mut bytes, history),
        "edn" => jepsen::write(&mut bytes, history),
        _ => assert_eq!(awdit::write(&mut bytes, history), 0),
    }
    let path = folder.join(format!("{name}.{format}"));
    File::create(&path).and_then(|mut file| file.write_all(&bytes)).expect("to write");
    path
}

/// What transactions look like.
#[derive(Clone, Copy)]
struct Shape {
    write: MicroFunction,
    processes: usize,
    keys: usize,
    /// How often a key is written before another takes its place; never replaced if 0.
    writes_per_key: i64,
    /// The least and the most micro-operations.
    length: (usize, usize),
    /// Whether some keys are chosen more often, where they are not replaced.
    skewed: bool,
    /// Whether transactions take effect at any time between invocation and completion, and not as
    /// soon as they are invoked.
    late: bool,
}

const LISTS: Shape = Shape {
    write: MicroFunction::Append,
    processes: 20,
    keys: 10,
    writes_per_key: 16,
    length: (1, 4),
    skewed: false,
    late: false,
};
const REGISTERS: Shape = Shape { write: MicroFunction::Write, ..LISTS };
const SESSIONS: Shape = Shape {
    write: MicroFunction::Write,
    processes: 50,
    keys: 10_000,
    writes_per_key: 0,
    length: (8, 8),
    skewed: false,
    late: false,
};

/// A store that runs each transaction at one instant.
struct Store {
    shape: Shape,
    random: Random,
    packer: Packer,
    /// The keys in use, each with its value or list.
    keys: Vec<(i64, Vec<i64>)>,
    next_key: i64,
}

impl Store {
    fn new(size: usize, shape: Shape) -> Store {
        Store {
            shape,
            random: Key::new(size as u64).random(),
            packer: Packer::default(),
            keys: (0..shape.keys as i64).map(|key| (key, Vec::new())).collect(),
            next_key: shape.keys as i64 - 1,
        }
    }

    fn key(&mut self) -> usize {
        if self.shape.skewed {
            // Each in proportion to one divided by its number.
            let size = self.keys.len() as f64;
            return (size.powf(self.random.unit()) as usize).clamp(1, self.keys.len()) - 1;
        }
        if self.shape.writes_per_key == 0 {
            return self.random.index(self.keys.len());
        }
        // Each key half as often as the one before.
        (0..self.keys.len() - 1).find(|_| self.random.chance(0.5)).unwrap_or(self.keys.len() - 1)
    }

    /// What is asked for.
    fn ask(&mut self) -> Value {
        let (shortest, longest) = self.shape.length;
        for _ in 0..shortest + self.random.index(longest + 1 - shortest) {
            let at = self.key();
            let key = self.keys[at].0;
            let function =
                if self.random.chance(0.5) { self.shape.write } else { MicroFunction::Read };
            self.packer.push(function, key, None);
        }
        self.packer.finish(true)
    }

    /// What is asked for, with values for writes: what was asked, and what came of it.
    fn execute(&mut self, asked: &MicroOps) -> Value {
        for micro_op in asked.iter() {
            let (function, key) = (micro_op.function, micro_op.key);
            let at = match self.shape.writes_per_key {
                0 => None,
                _ => self.keys.iter().position(|(known, _)| *known == key),
            };
            // A key that was replaced under way: the one that has its place.
            let at = at.unwrap_or(key as usize % self.keys.len());
            let is_list = self.shape.write == MicroFunction::Append;
            let (key, written) = &mut self.keys[at];
            if function != MicroFunction::Read {
                let value = written.last().copied().unwrap_or_default() + 1;
                if is_list {
                    written.push(value)
                } else {
                    *written = vec![value]
                }
                self.packer.push(function, *key, Some(value));
                if value == self.shape.writes_per_key {
                    self.next_key += 1;
                    self.keys[at] = (self.next_key, Vec::new());
                }
            } else if is_list && !written.is_empty() {
                self.packer.begin_list(function, *key);
                for value in written {
                    self.packer.push_int(*value);
                }
            } else {
                self.packer.push(function, *key, written.last().copied());
            }
        }
        self.packer.finish(true)
    }
}

/// The history of a store of snapshots.
fn snapshots(size: usize, shape: Shape) -> History {
    let mut store = Store::new(size, shape);
    let mut history = History::new(Vec::new());
    let mut order = Key::new(size as u64 + 1).random();
    // Of each key, how many transactions had committed when it was last written, and by whom.
    let mut versions = vec![(0, None); shape.keys];
    let mut next = vec![0; shape.keys];
    let (mut index, mut begun, mut commits) = (0, 0, 0);
    let mut open: Vec<Option<(usize, Value, i64)>> = vec![None; shape.processes];
    while begun < size || open.iter().any(Option::is_some) {
        let process = order.index(shape.processes);
        if let Some((at, done, seen)) = open[process].take() {
            let Value::MicroOps(all) = &done else { panic!("micro-operations") };
            let writes: Vec<(usize, Option<i64>)> = all
                .iter()
                .filter(|op| op.function != MicroFunction::Read)
                .map(|op| match op.operand {
                    Operand::Int(value) => (op.key as usize, Some(value)),
                    _ => panic!("a write of nothing"),
                })
                .collect();
            // The first to commit wins.
            let commits_now = writes.iter().all(|(key, _)| versions[*key].0 <= seen);
            if commits_now {
                commits += 1;
                writes.iter().for_each(|(key, value)| versions[*key] = (commits, *value));
            }
            let (outcome, result) =
                if commits_now { (Outcome::Ok, done) } else { (Outcome::Fail, Value::Null) };
            history.complete(at, index, time(index), outcome, result);
        } else if begun < size {
            let Value::MicroOps(wanted) = store.ask() else { continue };
            let mut own: Vec<(i64, i64)> = Vec::new();
            for op in wanted.iter() {
                let key = op.key as usize;
                let value = if op.function == MicroFunction::Read {
                    let own = own.iter().rev().find(|(other, _)| *other == op.key);
                    own.map(|(_, value)| *value).or(versions[key].1)
                } else {
                    next[key] += 1;
                    own.push((op.key, next[key]));
                    Some(next[key])
                };
                store.packer.push(op.function, op.key, value);
            }
            let done = store.packer.finish(true);
            let value = asked(&done, &mut store.packer);
            let at = history.invoke(event(index, process as u32, value));
            open[process] = Some((at, done, commits));
            begun += 1;
        } else {
            continue;
        }
        index += 1;
    }
    history
}

/// The same without what was read.
fn asked(done: &Value, packer: &mut Packer) -> Value {
    let Value::MicroOps(done) = done else { panic!("micro-operations") };
    for micro_op in done.iter() {
        let operand = match (micro_op.function, micro_op.operand) {
            (MicroFunction::Read, _) => None,
            (_, Operand::Int(int)) => Some(int),
            _ => None,
        };
        packer.push(micro_op.function, micro_op.key, operand);
    }
    packer.finish(true)
}

/// How far a transaction is.
#[derive(Clone)]
enum Step {
    Asked(Arc<MicroOps>),
    /// What came of it.
    Done(Value),
}

fn generate(size: usize, shape: Shape) -> History {
    let mut store = Store::new(size, shape);
    let mut history = History::new(Vec::new());
    let mut order = Key::new(size as u64 + 1).random();
    let mut index = 0;
    // What each process has open: its position, and what came of it once it happened.
    let mut open: Vec<Option<(usize, Step)>> = vec![None; shape.processes];
    let mut begun = 0;
    if shape.writes_per_key == 0 {
        // A first transaction writes all keys: the text format knows no read of nothing.
        for (key, written) in &mut store.keys {
            store.packer.push(shape.write, *key, Some(1));
            written.push(1);
        }
        let all = store.packer.finish(true);
        let at = history.invoke(event(index, 0, all.clone()));
        history.complete(at, index + 1, time(index + 1), Outcome::Ok, all);
        (index, begun) = (index + 2, 1);
    }
    while begun < size || open.iter().any(Option::is_some) {
        let process = order.index(shape.processes);
        match open[process].take() {
            Some((at, Step::Done(done))) => {
                history.complete(at, index, time(index), Outcome::Ok, done);
            }
            Some((at, Step::Asked(wanted))) => {
                let done = store.execute(&wanted);
                history.operations[at].value = asked(&done, &mut store.packer);
                open[process] = Some((at, Step::Done(done)));
                continue;
            }
            None if begun < size => {
                let Value::MicroOps(wanted) = store.ask() else { continue };
                let (value, step) = if shape.late {
                    (Value::Null, Step::Asked(wanted))
                } else {
                    let done = store.execute(&wanted);
                    (asked(&done, &mut store.packer), Step::Done(done))
                };
                open[process] = Some((history.invoke(event(index, process as u32, value)), step));
                begun += 1;
            }
            None => continue,
        }
        index += 1;
    }
    history
}

fn time(index: u32) -> Time {
    Time::from_nanos(u64::from(index) * 10_000)
}

fn event(index: u32, process: u32, value: Value) -> Event {
    Event {
        index,
        time: time(index),
        kind: EventKind::Invoke,
        process,
        function: Function::Txn,
        value,
        error: Value::Null,
        phase: Phase::Load,
        node: None,
    }
}
