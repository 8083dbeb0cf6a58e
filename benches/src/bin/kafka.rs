//! How fast the checker of logs is, from the history in memory: `kafka [OPERATIONS…]`, 10 000,
//! 100 000 and 1 000 000 unless told otherwise.
//!
//! The histories are those of the workload against logs that work, with four clients: sends, polls
//! and assignments that overlap, and at the end every client reads everything from the beginning.
//! Offsets have gaps and go up to 2^53. Logs are of 1024 messages or all in one; then the same with
//! one operation in a thousand spoiled. `kafka OPERATIONS --write FILE` writes the first of them as
//! `history.jsonl`, or as `history.edn`, for `kolk check`.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use kolk_check::{Check, kafka};
use kolk_history::{Event, EventKind, Function, History, Outcome, Phase, Value};
use kolk_protocol::{Key, Random, Time};

/// Workers: `--concurrency 2n` with two nodes.
const CLIENTS: usize = 4;
/// How many keys are written at a time.
const ACTIVE: usize = 10;
/// The greatest offset, about.
const OFFSET_MAX: i64 = 1 << 53;
/// How many messages of a key one poll returns.
const POLL_MAX: usize = 1000;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let flag = args.iter().position(|arg| arg == "--write");
    let (sizes, file) = args.split_at(flag.unwrap_or(args.len()));
    let mut sizes: Vec<usize> =
        sizes.iter().map(|size| size.parse().expect("a number of operations")).collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 100_000, 1_000_000];
    }
    if let [_, file] = file {
        return write(Path::new(file), &Load::new(sizes[0], 1024, 0.0).history());
    }
    println!("| logs | operations | pairs polled | checked in | peak memory |");
    println!("|---|---:|---:|---:|---:|");
    for operations in sizes {
        for (logs, log_length, spoiled) in [
            ("1024 messages each", 1024, 0.0),
            ("one log", usize::MAX, 0.0),
            ("1024 each, spoiled", 1024, 1e-3),
        ] {
            let (history, pairs) = Load::new(operations, log_length, spoiled).run();
            let (check, took) = best(&history, if operations > 200_000 { 3 } else { 10 });
            assert_eq!(check.counts.is_empty(), spoiled == 0.0, "{:?}", check.counts);
            let (millis, memory) = (took.as_secs_f64() * 1e3, memory_mb());
            println!("| {logs} | {operations} | {pairs} | {millis:.1} ms | {memory} MB |");
        }
    }
}

/// The best of a few: the machine has other things to do.
fn best(history: &History, times: usize) -> (Check, Duration) {
    let runs = (0..times).map(|_| timed(|| black_box(kafka::check(history))));
    runs.min_by_key(|(_, took)| *took).expect("there is one")
}

/// The most memory this process has had so far, where the system tells.
fn memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

fn write(file: &Path, history: &History) {
    let mut out = Vec::new();
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("edn") => kolk_history::jepsen::write(&mut out, history),
        _ => kolk_history::jsonl::write(&mut out, history),
    }
    std::fs::write(file, out).expect("the file can be written");
}

/// One key's log.
struct Log {
    key: Value,
    entries: Vec<[i64; 2]>,
    /// How many messages were made for it.
    sent: i64,
    /// How many of them have been committed.
    committed: usize,
}

/// A client: what it has under way, and where it is in which logs.
#[derive(Default)]
struct Client {
    process: u32,
    open: Option<(usize, Function, usize)>,
    positions: Vec<(usize, usize)>,
}

struct Load {
    operations: usize,
    log_length: usize,
    spoiled: f64,
    history: History,
    events: u32,
    logs: Vec<Log>,
    active: Vec<usize>,
    clients: Vec<Client>,
    random: Random,
    pairs: u64,
}

impl Load {
    fn new(operations: usize, log_length: usize, spoiled: f64) -> Load {
        let mut load = Load {
            operations,
            log_length,
            spoiled,
            history: History::new(vec!["n0".to_owned(), "n1".to_owned()]),
            events: 0,
            logs: Vec::new(),
            active: Vec::new(),
            clients: (0..CLIENTS as u32)
                .map(|process| Client { process, ..Client::default() })
                .collect(),
            random: Key::new(5).random(),
            pairs: 0,
        };
        for _ in 0..if log_length == usize::MAX { 1 } else { ACTIVE } {
            let log = load.new_log();
            load.active.push(log);
        }
        load
    }

    fn history(self) -> History {
        self.run().0
    }

    /// The history, and how many pairs of offset and value its polls hold.
    fn run(mut self) -> (History, u64) {
        while self.history.operations.len() < self.operations {
            let client = self.random.index(CLIENTS);
            self.step(client);
        }
        for client in 0..CLIENTS {
            if self.clients[client].open.is_some() {
                self.step(client);
            }
            self.read_everything(client);
        }
        (self.history, self.pairs)
    }

    fn new_log(&mut self) -> usize {
        let key = Value::text(self.logs.len().to_string());
        self.logs.push(Log { key, entries: Vec::new(), sent: 0, committed: 0 });
        self.logs.len() - 1
    }

    /// The client begins something, or ends it: it happens then.
    fn step(&mut self, client: usize) {
        if let Some((position, function, log)) = self.clients[client].open.take() {
            let (outcome, result) = match function {
                Function::Send => self.send(position, log),
                Function::Assign => (Outcome::Ok, self.assign(client, position)),
                _ => (Outcome::Ok, self.poll(client)),
            };
            return self.complete(position, outcome, result);
        }
        let (function, log, value) = match self.random.below(64) {
            0 => {
                let keys = (0..4.min(self.active.len())).map(|nth| {
                    self.logs[self.active[(client + nth * 3) % self.active.len()]].key.clone()
                });
                (Function::Assign, 0, Value::list(keys.collect()))
            }
            1..33 => {
                let place = self.random.index(self.active.len());
                if self.logs[self.active[place]].entries.len() >= self.log_length {
                    self.active[place] = self.new_log();
                }
                let log = self.active[place];
                // Numbers are given when it is sent, so that they are the log's order.
                (Function::Send, log, Value::Null)
            }
            _ => (Function::Poll, 0, micro("poll", [])),
        };
        let position = self.invoke(client, Phase::Load, function, value);
        self.clients[client].open = Some((position, function, log));
    }

    fn invoke(&mut self, client: usize, phase: Phase, function: Function, value: Value) -> usize {
        let position = self.history.invoke(Event {
            index: self.events,
            time: Time::from_nanos(u64::from(self.events) * 500_000),
            kind: EventKind::Invoke,
            process: self.clients[client].process,
            function,
            value,
            error: Value::Null,
            phase,
            node: Some((client % 2) as u16),
        });
        self.events += 1;
        position
    }

    fn complete(&mut self, position: usize, outcome: Outcome, result: Value) {
        let time = Time::from_nanos(u64::from(self.events) * 500_000);
        self.history.complete(position, self.events, time, outcome, result);
        self.events += 1;
    }

    fn send(&mut self, position: usize, log: usize) -> (Outcome, Value) {
        let spoil = self.spoil();
        let lengths = self.log_length.min(self.operations) as i64;
        let Log { key, entries, sent, .. } = &mut self.logs[log];
        let step = 1 + self.random.below(2 * (OFFSET_MAX / lengths) as u64) as i64;
        *sent += 1;
        let value = *sent;
        let offset = entries.last().map_or(0, |[offset, _]| offset + step);
        // Values are distinct from the beginning on: the invocation may say them now.
        self.history.operations[position].value = micro("send", [key.clone(), Value::Int(value)]);
        match spoil {
            // It is lost, though it was acknowledged.
            Some(0) => {}
            // It failed, and is there all the same.
            Some(1) => {
                entries.push([offset, value]);
                return (Outcome::Fail, Value::text("temporarily-unavailable"));
            }
            // It is there twice.
            Some(2) => entries.extend([[offset, value], [offset + 1, value]]),
            _ => entries.push([offset, value]),
        }
        (Outcome::Ok, micro("send", [key.clone(), Value::ints(vec![offset, value])]))
    }

    /// One operation of many is spoiled, in one of three ways.
    fn spoil(&mut self) -> Option<u64> {
        self.random.chance(self.spoiled).then(|| self.random.below(3))
    }

    fn assign(&mut self, client: usize, position: usize) -> Value {
        let keys = self.history.operations[position].value.clone();
        let before = std::mem::take(&mut self.clients[client].positions);
        let of = |key: &Value| {
            let log = key.as_str().and_then(|key| key.parse().ok()).expect("a number");
            let known = before.iter().find(|(known, _)| *known == log);
            known.copied().unwrap_or((log, self.logs[log].committed))
        };
        let list = keys.as_list().unwrap_or_default();
        self.clients[client].positions = list.iter().map(of).collect();
        keys
    }

    fn poll(&mut self, client: usize) -> Value {
        let spoil = self.spoil();
        let mut polled = Vec::new();
        for (log, position) in &mut self.clients[client].positions {
            let Log { key, entries, committed, .. } = &mut self.logs[*log];
            let mut from = *position;
            match spoil {
                Some(0) => from = (from + 1).min(entries.len()),
                Some(1) => from = from.saturating_sub(1),
                _ => {}
            }
            let part = &entries[from..entries.len().min(from + POLL_MAX)];
            if part.is_empty() {
                continue;
            }
            self.pairs += part.len() as u64;
            *position = from + part.len();
            *committed = (*committed).max(*position);
            polled.push((key.clone(), Value::pairs(part.to_vec())));
        }
        micro("poll", [Value::map(polled)])
    }

    /// What a client does at the end.
    fn read_everything(&mut self, client: usize) {
        let position = self.invoke(client, Phase::Final, Function::Crash, Value::Null);
        self.complete(position, Outcome::Info, Value::Null);
        self.clients[client].process += CLIENTS as u32;
        let keys = Value::list(self.logs.iter().map(|log| log.key.clone()).collect());
        let position = self.invoke(client, Phase::Final, Function::Assign, keys.clone());
        self.complete(position, Outcome::Ok, keys);
        self.clients[client].positions = (0..self.logs.len()).map(|log| (log, 0)).collect();
        loop {
            let position = self.invoke(client, Phase::Final, Function::Poll, micro("poll", []));
            let before = self.pairs;
            let polled = self.poll(client);
            self.complete(position, Outcome::Ok, polled);
            if self.pairs == before {
                return;
            }
        }
    }
}

/// An operation's value: one micro-operation.
fn micro<const N: usize>(what: &'static str, rest: [Value; N]) -> Value {
    let word = match what {
        "send" => Value::Keyword(&"send"),
        _ => Value::Keyword(&"poll"),
    };
    let mut values = vec![word];
    values.extend(rest);
    Value::list(vec![Value::list(values)])
}
