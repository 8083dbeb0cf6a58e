//! A sequentially consistent store: one node, the primary, keeps a log of all updates and sends
//! each entry to the others, who follow it entry by entry and answer reads from where they are.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use kolk_node::{Context, ErrorCode, Machine, Node, RpcError, machine};
use serde::{Deserialize, Serialize};

use crate::{Place, Row, find_all, pass_everywhere};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    /// There is none.
    None,
    /// An answer brings the node's own entry alone. A node that missed others waits a second for
    /// them, and then acknowledges all the same, with a copy that never goes on.
    NeverFillsGaps,
    /// An update is acknowledged before the node's own copy has it.
    AcknowledgesBeforeItSees,
    /// A node asks any node for what it reads.
    ReadsAnywhere,
    /// A node compares with its own copy, and has the primary set the value.
    ComparesWithItsCopy,
    /// Entries are taken in the order in which they arrive.
    TakesEntriesAsTheyCome,
    /// Every key has a primary and an order of its own.
    OrdersKeysApart,
    /// What got no answer is acknowledged.
    TakesSilenceForConsent,
    /// What got no answer is said to have failed.
    TakesSilenceForRefusal,
    /// A request that arrives twice is performed twice.
    PerformsTwice,
}

const ROWS: &[Row<Bug>] = &[
    Row { bug: Bug::NeverFillsGaps, place: Place::Cut, named: "stale-after-barrier", beside: &[] },
    Row {
        bug: Bug::AcknowledgesBeforeItSees,
        place: Place::Calm,
        named: "not-sequential",
        beside: &[],
    },
    Row { bug: Bug::ReadsAnywhere, place: Place::Calm, named: "not-sequential", beside: &[] },
    Row { bug: Bug::ComparesWithItsCopy, place: Place::Calm, named: "not-sequential", beside: &[] },
    Row {
        bug: Bug::TakesEntriesAsTheyCome,
        place: Place::Calm,
        named: "not-sequential",
        beside: &[],
    },
    Row {
        bug: Bug::OrdersKeysApart,
        place: Place::Calm,
        named: "stale-view",
        beside: &["not-sequential"],
    },
    Row {
        bug: Bug::TakesSilenceForConsent,
        place: Place::Loss,
        named: "not-sequential",
        // An acknowledged compare-and-set has seen what it expected.
        beside: &["never-written"],
    },
    Row {
        bug: Bug::TakesSilenceForRefusal,
        place: Place::Loss,
        named: "failed-write",
        beside: &[],
    },
    Row {
        bug: Bug::PerformsTwice,
        place: Place::Duplication,
        named: "not-sequential",
        // A compare-and-set fails the second time, and that answer may overtake the first one's.
        beside: &["failed-write"],
    },
];

#[test]
fn bugs_are_found() {
    find_all("seq-kv", ROWS, make);
}

#[test]
fn without_a_bug_it_passes() {
    pass_everywhere("seq-kv", &[Bug::None], make);
}

fn make(bug: Bug) -> Box<dyn Machine> {
    machine(move |_| Store { bug, logs: RefCell::default(), performed: RefCell::default() })
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Read { key: i64 },
    Write { key: i64, value: i64 },
    Cas { key: i64, from: i64, to: i64 },
    Perform { id: u64, position: usize, update: Update },
    Append { log: i64, position: usize, entry: Entry },
}

/// What a node asks of another.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    Read { key: i64 },
    Perform { id: u64, position: usize, update: Update },
    Append { log: i64, position: usize, entry: Entry },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
enum Reply {
    ReadOk { value: i64 },
    WriteOk {},
    CasOk {},
    PerformOk { done: Performed, first: usize, entries: Vec<Entry> },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Update {
    key: i64,
    /// The value expected, if it matters.
    from: Option<i64>,
    to: i64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Performed {
    /// At this position.
    At(usize),
    NoSuchKey,
    Differs,
}

/// A key and its new value.
type Entry = (i64, i64);

/// A log as far as a node has it, and entries that came before those in front of them.
#[derive(Default)]
struct Log {
    entries: Vec<Entry>,
    early: BTreeMap<usize, Entry>,
}

impl Log {
    fn take(&mut self, position: usize, entry: Entry) {
        self.early.insert(position, entry);
        while let Some(next) = self.early.remove(&self.entries.len()) {
            self.entries.push(next);
        }
    }

    fn value(&self, key: i64) -> Option<i64> {
        self.entries.iter().rev().find(|(other, _)| *other == key).map(|(_, value)| *value)
    }
}

struct Store {
    bug: Bug,
    /// One, or one for each key.
    logs: RefCell<BTreeMap<i64, Log>>,
    performed: RefCell<BTreeMap<(String, u64), Performed>>,
}

impl Node for Store {
    type Request = Request;
    type Reply = Option<Reply>;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Option<Reply>, RpcError> {
        Ok(Some(match request {
            Request::Read { key } => Reply::ReadOk { value: self.read(cx, key).await? },
            Request::Write { key, value } => {
                self.update(cx, Update { key, from: None, to: value }).await?;
                Reply::WriteOk {}
            }
            Request::Cas { key, from, to } => {
                self.update(cx, Update { key, from: Some(from), to }).await?;
                Reply::CasOk {}
            }
            Request::Perform { id, position, update } => {
                let done = self.perform_once(cx, id, update);
                let first = match done {
                    Performed::At(place) if self.bug == Bug::NeverFillsGaps => place,
                    _ => position,
                };
                let entries = self.log(update.key, |log| log.entries[first..].to_vec());
                Reply::PerformOk { done, first, entries }
            }
            Request::Append { log, position, entry } => {
                self.append(log, position, entry);
                return Ok(None);
            }
        }))
    }
}

impl Store {
    /// The number of the log that has a key.
    fn log_of(&self, key: i64) -> i64 {
        if self.bug == Bug::OrdersKeysApart { key } else { 0 }
    }

    fn log<T>(&self, key: i64, with: impl FnOnce(&mut Log) -> T) -> T {
        with(self.logs.borrow_mut().entry(self.log_of(key)).or_default())
    }

    async fn read(&self, cx: &Context, key: i64) -> Result<i64, RpcError> {
        let is_asked = cx.node_ids().iter().any(|node| node == cx.src());
        if self.bug == Bug::ReadsAnywhere && !is_asked {
            let node = cx.rng().choose(cx.node_ids()).cloned().unwrap_or_default();
            let Reply::ReadOk { value } = cx.rpc(&node, &Call::Read { key }).await? else {
                return Err(RpcError::new(ErrorCode::CRASH, "that is no answer"));
            };
            return Ok(value);
        }
        let missing = || RpcError::new(ErrorCode::KEY_DOES_NOT_EXIST, "no such key");
        self.log(key, |log| log.value(key)).ok_or_else(missing)
    }

    /// Performs an update, unless that was done already.
    fn perform_once(&self, cx: &Context, id: u64, update: Update) -> Performed {
        let request = (cx.src().to_owned(), id);
        let known = self.performed.borrow().get(&request).copied();
        if let Some(done) = known.filter(|_| self.bug != Bug::PerformsTwice) {
            return done;
        }
        let done = self.perform(cx, update);
        self.performed.borrow_mut().insert(request, done);
        done
    }

    fn perform(&self, cx: &Context, Update { key, from, to }: Update) -> Performed {
        let position = self.log(key, |log| match (from, log.value(key)) {
            (Some(_), None) => Err(Performed::NoSuchKey),
            (Some(from), Some(value)) if from != value => Err(Performed::Differs),
            _ => {
                log.take(log.entries.len(), (key, to));
                Ok(log.entries.len() - 1)
            }
        });
        match position {
            Ok(position) => {
                let append = Call::Append { log: self.log_of(key), position, entry: (key, to) };
                cx.send_to_all(cx.peers(), &append);
                Performed::At(position)
            }
            Err(refused) => refused,
        }
    }

    /// Takes what the primary sends.
    fn append(&self, log: i64, position: usize, entry: Entry) {
        let mut logs = self.logs.borrow_mut();
        let log = logs.entry(log).or_default();
        if self.bug == Bug::TakesEntriesAsTheyCome {
            log.entries.push(entry);
        } else if position >= log.entries.len() {
            log.take(position, entry);
        }
    }

    /// Has the primary perform an update, and this node's copy follow.
    async fn update(&self, cx: &Context, mut update: Update) -> Result<(), RpcError> {
        if self.bug == Bug::ComparesWithItsCopy {
            let current = self.log(update.key, |log| log.value(update.key));
            match update.from.take() {
                Some(from) if current != Some(from) => return refusal(Performed::Differs),
                _ => {}
            }
        }
        let log = self.log_of(update.key);
        let primary = &cx.node_ids()[log as usize % cx.node_ids().len()];
        if primary == cx.node_id() {
            return refusal(self.perform(cx, update));
        }
        let position = self.log(update.key, |log| log.entries.len());
        let call = Call::Perform { id: cx.rng().next_u64() >> 11, position, update };
        let (done, first, entries) = match cx.rpc(primary, &call).await {
            Ok(Reply::PerformOk { done, first, entries }) => (done, first, entries),
            Ok(_) => return Err(RpcError::new(ErrorCode::CRASH, "that is no answer")),
            Err(_) if self.bug == Bug::TakesSilenceForConsent => return Ok(()),
            Err(error) if self.bug == Bug::TakesSilenceForRefusal => {
                return Err(RpcError::new(ErrorCode::TEMPORARILY_UNAVAILABLE, error.text));
            }
            Err(error) => return Err(error),
        };
        if !matches!(self.bug, Bug::AcknowledgesBeforeItSees | Bug::TakesEntriesAsTheyCome) {
            for (position, entry) in (first..).zip(entries) {
                self.append(log, position, entry);
            }
        }
        if let (Bug::NeverFillsGaps, Performed::At(position)) = (self.bug, done) {
            let end = cx.now() + Duration::from_secs(1);
            while self.log(update.key, |log| log.entries.len()) <= position && cx.now() < end {
                cx.sleep(Duration::from_millis(10)).await;
            }
        }
        refusal(done)
    }
}

fn refusal(done: Performed) -> Result<(), RpcError> {
    match done {
        Performed::At(_) => Ok(()),
        Performed::NoSuchKey => Err(RpcError::new(ErrorCode::KEY_DOES_NOT_EXIST, "no such key")),
        Performed::Differs => {
            Err(RpcError::new(ErrorCode::PRECONDITION_FAILED, "it has another value"))
        }
    }
}
