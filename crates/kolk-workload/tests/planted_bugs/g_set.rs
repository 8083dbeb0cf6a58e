//! A grow-only set whose nodes tell each other all they have, again and again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use kolk_node::{Context, Machine, Node, RpcError, machine};
use serde::{Deserialize, Serialize};

use crate::{Place, Row, find_all, pass_everywhere};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    /// There is none.
    None,
    /// What the other says is taken instead of what is there.
    Replaces,
    /// Of two sets the larger one is kept.
    KeepsTheLarger,
    /// An element is told once, when it is new.
    TellsOnce,
    /// Only the latest elements are told.
    TellsTheLatest,
    /// One node is told of all, but passes nothing on.
    TellsOne,
    /// What is added while a peer is asked is overwritten by its answer.
    OverwritesWhileWaiting,
    /// Sets are kept by who sent them, and put one behind the other for a read.
    ConcatenatesPeers,
}

const ROWS: &[Row<Bug>] = &[
    Row { bug: Bug::Replaces, place: Place::Calm, named: "lost", beside: &["diverged"] },
    Row { bug: Bug::KeepsTheLarger, place: Place::Calm, named: "lost", beside: &["diverged"] },
    Row { bug: Bug::TellsOnce, place: Place::Loss, named: "diverged", beside: &["lost"] },
    Row { bug: Bug::TellsOnce, place: Place::Partitions, named: "diverged", beside: &["lost"] },
    Row { bug: Bug::TellsTheLatest, place: Place::Cut, named: "diverged", beside: &["lost"] },
    Row { bug: Bug::TellsOne, place: Place::Calm, named: "diverged", beside: &["lost"] },
    Row {
        bug: Bug::OverwritesWhileWaiting,
        place: Place::Calm,
        named: "lost",
        beside: &["diverged"],
    },
    Row { bug: Bug::ConcatenatesPeers, place: Place::Calm, named: "duplicate", beside: &[] },
];

#[test]
fn bugs_are_found() {
    find_all("g-set", ROWS, make);
}

#[test]
fn without_a_bug_it_passes() {
    pass_everywhere("g-set", &[Bug::None], make);
}

fn make(bug: Bug) -> Box<dyn Machine> {
    machine(move |_| Set {
        bug,
        elements: RefCell::default(),
        fresh: RefCell::default(),
        by_peer: RefCell::default(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Add { element: i64 },
    Read {},
    Merge { elements: BTreeSet<i64> },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Gossip {
    Merge { elements: BTreeSet<i64> },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
enum Reply {
    AddOk {},
    ReadOk { value: Vec<i64> },
    MergeOk { elements: BTreeSet<i64> },
}

struct Set {
    bug: Bug,
    elements: RefCell<BTreeSet<i64>>,
    /// What was added since the last gossip.
    fresh: RefCell<BTreeSet<i64>>,
    by_peer: RefCell<BTreeMap<String, BTreeSet<i64>>>,
}

impl Node for Set {
    type Request = Request;
    type Reply = Reply;

    fn start(self: &Rc<Self>, cx: &Context) {
        let (node, context) = (Rc::clone(self), cx.clone());
        cx.every(Duration::from_millis(250), move || node.gossip(&context));
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        match request {
            Request::Add { element } => {
                self.elements.borrow_mut().insert(element);
                self.fresh.borrow_mut().insert(element);
                Ok(Reply::AddOk {})
            }
            Request::Read {} => {
                let mut value: Vec<i64> = self.elements.borrow().iter().copied().collect();
                value.extend(self.by_peer.borrow().values().flatten());
                Ok(Reply::ReadOk { value })
            }
            Request::Merge { elements } => {
                self.merge(cx, elements);
                Ok(Reply::MergeOk { elements: self.elements.borrow().clone() })
            }
        }
    }
}

impl Set {
    fn merge(&self, cx: &Context, theirs: BTreeSet<i64>) {
        let mut ours = self.elements.borrow_mut();
        match self.bug {
            Bug::Replaces => *ours = theirs,
            Bug::KeepsTheLarger => {
                if theirs.len() > ours.len() {
                    *ours = theirs;
                }
            }
            Bug::ConcatenatesPeers => {
                drop(ours);
                self.by_peer.borrow_mut().insert(cx.src().to_owned(), theirs);
            }
            _ => ours.extend(theirs),
        }
    }

    fn gossip(self: &Rc<Self>, cx: &Context) {
        let fresh = self.fresh.take();
        let mut ours = self.elements.borrow().clone();
        ours.extend(self.by_peer.borrow().values().flatten());
        match self.bug {
            Bug::TellsOnce if fresh.is_empty() => {}
            Bug::TellsOnce => cx.send_to_all(cx.peers(), &Gossip::Merge { elements: fresh }),
            Bug::TellsTheLatest => {
                let elements = ours.into_iter().rev().take(20).collect();
                cx.send_to_all(cx.peers(), &Gossip::Merge { elements });
            }
            Bug::TellsOne => cx.send_to_all(
                cx.peers().get(..1).unwrap_or_default(),
                &Gossip::Merge { elements: ours },
            ),
            Bug::OverwritesWhileWaiting => {
                cx.spawn(Rc::clone(self).exchange(cx.clone(), ours));
            }
            _ => cx.send_to_all(cx.peers(), &Gossip::Merge { elements: ours }),
        }
    }

    async fn exchange(self: Rc<Self>, cx: Context, ours: BTreeSet<i64>) {
        let Some(peer) = cx.rng().choose(cx.peers()).cloned() else { return };
        let merge = Gossip::Merge { elements: ours };
        if let Ok(Reply::MergeOk { elements }) = cx.rpc(&peer, &merge).await {
            *self.elements.borrow_mut() = elements;
        }
    }
}
