//! Counters: one number in `seq-kv` that all nodes change by compare-and-set, and one that nodes
//! keep themselves and tell each other, again and again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::workload::counter;
use kolk_node::{Context, ErrorCode, KeyValue, Machine, Node, Retry, RpcError, machine};
use serde::{Deserialize, Serialize};

use crate::{PLACES, Place, Row, find_all, pass_at, pass_everywhere};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    /// The number is in the store, and there is no bug unless the network duplicates messages: then
    /// two copies of a compare-and-set arrive, and the refusal of the second can overtake the
    /// answer to the first.
    TrustsRefusals,
    /// A compare-and-set without an answer is taken for one that failed.
    RefusesWhatIsUnknown,
    /// A compare-and-set without an answer is made again, from what is there then.
    RetriesWhatIsUnknown,
    /// The number is read, and then written.
    ReadsThenWrites,
    /// Reads are from any old state of the store.
    NoBarrier,
    /// The barrier is a compare-and-set that changes nothing.
    IdentityBarrier,
    /// The first add writes the number: two may be the first.
    CreatesByWriting,
    /// Adds are acknowledged, tried once, and then forgotten.
    AcknowledgesFirst,
    /// There is none: each node tells its entry, and greater ones are taken.
    Replicated,
    /// Entries that come are added to those that are there.
    AddsEntries,
    /// What is new is told once, and added by whoever hears it.
    TellsWhatIsNew,
    /// What was taken away elsewhere is not taken over.
    LosesRemovals,
    /// A node has one number for what was added and taken away, and the greater one is taken.
    OneNumber,
    /// All nodes count in the same entry.
    SharedEntry,
}

const fn row(bug: Bug, place: Place, beside: &'static [&'static str]) -> Row<Bug> {
    Row { bug, place, named: "wrong-total", beside }
}

const IN_A_STORE: &[Row<Bug>] = &[
    row(Bug::RefusesWhatIsUnknown, Place::Loss, &["too-high"]),
    row(Bug::RetriesWhatIsUnknown, Place::Loss, &["too-high"]),
    row(Bug::ReadsThenWrites, Place::Calm, &["too-low"]),
    row(Bug::NoBarrier, Place::Calm, &["diverged"]),
    row(Bug::IdentityBarrier, Place::Calm, &["diverged"]),
    row(Bug::CreatesByWriting, Place::Calm, &["too-low"]),
    row(Bug::AcknowledgesFirst, Place::Calm, &["too-low"]),
    row(Bug::TrustsRefusals, Place::Duplication, &["too-high"]),
];

const IN_THE_NODES: &[Row<Bug>] = &[
    row(Bug::AddsEntries, Place::Calm, &["too-high", "too-low", "diverged"]),
    row(Bug::TellsWhatIsNew, Place::Duplication, &["too-high", "too-low", "diverged"]),
    row(Bug::TellsWhatIsNew, Place::Loss, &["too-low", "diverged"]),
    row(Bug::LosesRemovals, Place::Calm, &["too-high", "diverged"]),
    row(Bug::OneNumber, Place::Calm, &["too-high", "too-low", "diverged"]),
    row(Bug::SharedEntry, Place::Calm, &["too-low", "too-high", "diverged"]),
];

#[test]
fn bugs_with_a_store_are_found() {
    insta::assert_snapshot!(find_all("g-counter", IN_A_STORE, make));
}

#[test]
fn bugs_of_replicas_are_found() {
    insta::assert_snapshot!(find_all("pn-counter", IN_THE_NODES, make));
}

#[test]
fn without_a_bug_they_pass() {
    let without_copies = &PLACES[..4];
    pass_at(without_copies, "g-counter", &[Bug::TrustsRefusals], make);
    pass_everywhere("g-counter", &[Bug::Replicated], make);
    pass_everywhere("pn-counter", &[Bug::Replicated], make);
}

fn make(bug: Bug) -> Box<dyn Machine> {
    match bug {
        Bug::Replicated
        | Bug::AddsEntries
        | Bug::TellsWhatIsNew
        | Bug::LosesRemovals
        | Bug::OneNumber
        | Bug::SharedEntry => machine(move |_| Replica { bug, entries: RefCell::default() }),
        _ => machine(move |cx| Stored {
            bug,
            store: cx.seq_kv().within(Duration::from_millis(250)),
            cx: cx.clone(),
        }),
    }
}

struct Stored {
    bug: Bug,
    cx: Context,
    store: KeyValue,
}

const SUM: &str = "sum";

/// For what may be repeated: as long as a client waits.
const RETRY: Retry = Retry {
    patience: Duration::from_millis(250),
    first: Duration::from_millis(10),
    pause_max: Duration::from_millis(40),
    attempts_max: Some(16),
    read_only: true,
};

impl Node for Stored {
    type Request = counter::Request;
    type Reply = counter::Reply;

    async fn handle(
        &self,
        cx: &Context,
        request: counter::Request,
    ) -> Result<Self::Reply, RpcError> {
        match request {
            counter::Request::Add { delta } if self.bug == Bug::AcknowledgesFirst => {
                let store = self.store.clone();
                cx.spawn(async move {
                    // Whatever comes of it.
                    if let Ok(Some(sum)) = store.read::<i64>(SUM).await {
                        let _ = store.cas(SUM, &sum, &(sum + delta)).await;
                    } else {
                        let _ = store.create_if_not_exists(SUM, &delta).await;
                    }
                });
                Ok(counter::Reply::AddOk {})
            }
            counter::Request::Add { delta } => {
                self.add(delta).await?;
                Ok(counter::Reply::AddOk {})
            }
            counter::Request::Read {} => Ok(counter::Reply::ReadOk { value: self.sum().await? }),
        }
    }
}

impl Stored {
    async fn add(&self, delta: i64) -> Result<(), RpcError> {
        loop {
            let sum = self.latest().await?;
            let done = match sum {
                None if self.bug == Bug::CreatesByWriting => {
                    self.store.write(SUM, &delta).await.map(|()| true)
                }
                None => self.store.create_if_not_exists(SUM, &delta).await,
                Some(sum) if self.bug == Bug::ReadsThenWrites => {
                    self.store.write(SUM, &(sum + delta)).await.map(|()| true)
                }
                Some(sum) => self.store.cas(SUM, &sum, &(sum + delta)).await,
            };
            match done {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) if error.is_definite() => return Err(error),
                Err(_) if self.bug == Bug::RefusesWhatIsUnknown => {
                    return Err(RpcError::new(ErrorCode::ABORT, "the store does not answer"));
                }
                Err(_) if self.bug == Bug::RetriesWhatIsUnknown => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn latest(&self) -> Result<Option<i64>, RpcError> {
        self.cx.retry(&RETRY, async || self.store.read_latest(SUM).await).await
    }

    async fn sum(&self) -> Result<i64, RpcError> {
        let read = async || self.cx.retry(&RETRY, async || self.store.read(SUM).await).await;
        let sum: Option<i64> = match self.bug {
            Bug::NoBarrier => read().await?,
            Bug::IdentityBarrier => {
                let old: Option<i64> = read().await?;
                if let Some(old) = old {
                    let _ = self.store.cas(SUM, &old, &old).await;
                }
                read().await?
            }
            _ => self.latest().await?,
        };
        Ok(sum.unwrap_or(0))
    }
}

/// What was added at a node, and what was taken away.
type Entry = (i64, i64);

struct Replica {
    bug: Bug,
    entries: RefCell<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Add { delta: i64 },
    Read {},
    Merge { entries: BTreeMap<String, Entry> },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Gossip {
    Merge { entries: BTreeMap<String, Entry> },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
enum Reply {
    AddOk {},
    ReadOk { value: i64 },
    MergeOk {},
}

impl Node for Replica {
    type Request = Request;
    type Reply = Reply;

    fn start(self: &Rc<Self>, cx: &Context) {
        let (node, context) = (Rc::clone(self), cx.clone());
        cx.every(Duration::from_millis(250), move || {
            let entries = node.entries.borrow().clone();
            if node.bug != Bug::TellsWhatIsNew {
                context.send_to_all(context.peers(), &Gossip::Merge { entries });
            }
        });
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        match request {
            Request::Add { delta } => {
                self.add(cx, delta);
                Ok(Reply::AddOk {})
            }
            Request::Read {} => {
                let entries = self.entries.borrow();
                let value = entries.values().fold(0, |sum: i64, (added, removed)| {
                    sum.saturating_add(*added).saturating_sub(*removed)
                });
                Ok(Reply::ReadOk { value })
            }
            Request::Merge { entries } => {
                entries.into_iter().for_each(|(node, entry)| self.merge(node, entry));
                Ok(Reply::MergeOk {})
            }
        }
    }
}

impl Replica {
    fn add(&self, cx: &Context, delta: i64) {
        let change = match self.bug {
            Bug::OneNumber => (delta, 0),
            _ => (delta.max(0), (-delta).max(0)),
        };
        let name = if self.bug == Bug::SharedEntry { "all" } else { cx.node_id() }.to_owned();
        let mut entries = self.entries.borrow_mut();
        let entry = entries.entry(name.clone()).or_default();
        *entry = (entry.0.saturating_add(change.0), entry.1.saturating_add(change.1));
        if self.bug == Bug::TellsWhatIsNew {
            let entries = BTreeMap::from([(name, change)]);
            cx.send_to_all(cx.peers(), &Gossip::Merge { entries });
        }
    }

    fn merge(&self, node: String, theirs: Entry) {
        let mut entries = self.entries.borrow_mut();
        let ours = entries.entry(node).or_default();
        *ours = match self.bug {
            Bug::AddsEntries | Bug::TellsWhatIsNew => {
                (ours.0.saturating_add(theirs.0), ours.1.saturating_add(theirs.1))
            }
            Bug::LosesRemovals => (ours.0.max(theirs.0), ours.1),
            _ => (ours.0.max(theirs.0), ours.1.max(theirs.1)),
        };
    }
}
