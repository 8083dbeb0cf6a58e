//! Broadcast by flooding: a node passes what it hears to its neighbours until they say they know.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use kolk_node::{Context, ErrorCode, Machine, Node, Retry, RpcError, machine};
use serde::{Deserialize, Serialize};

use crate::{Place, Row, find_all, pass_everywhere};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    /// There is none.
    None,
    /// Messages are sent once, and nobody asks whether they arrived.
    NoRetry,
    /// Tries again, but only three times.
    GivesUp,
    /// When one neighbour has answered it takes all for told.
    OneAnswerForAll,
    /// Neighbours are told what clients say, but do not pass on what neighbours say.
    NoRelay,
    /// Nobody is told anything.
    TellsNobody,
    /// What neighbours say is passed on and not kept.
    RelaysWithoutRemembering,
    /// What arrives twice is kept twice.
    KeepsAList,
    /// Some values are acknowledged and dropped.
    DropsSome,
    /// Only the latest values are kept.
    KeepsFew,
    /// Reads give what the first read gave.
    FrozenRead,
    /// Some values change on their way.
    Garbles,
    /// Says that it failed, having stored the value.
    FailsAfterStoring,
    /// After a neighbour has not answered in time, no read is answered any more.
    WaitsForever,
}

const ROWS: &[Row<Bug>] = &[
    Row { bug: Bug::NoRetry, place: Place::Partitions, named: "diverged", beside: &["lost"] },
    Row { bug: Bug::NoRetry, place: Place::Loss, named: "diverged", beside: &["lost"] },
    Row { bug: Bug::GivesUp, place: Place::Cut, named: "diverged", beside: &["lost"] },
    Row { bug: Bug::OneAnswerForAll, place: Place::Loss, named: "diverged", beside: &["lost"] },
    Row { bug: Bug::NoRelay, place: Place::Calm, named: "diverged", beside: &["lost"] },
    Row { bug: Bug::TellsNobody, place: Place::Calm, named: "lost", beside: &["diverged"] },
    Row {
        bug: Bug::RelaysWithoutRemembering,
        place: Place::Calm,
        named: "diverged",
        beside: &["lost"],
    },
    Row { bug: Bug::KeepsAList, place: Place::Duplication, named: "duplicate", beside: &[] },
    Row { bug: Bug::DropsSome, place: Place::Calm, named: "lost", beside: &["diverged"] },
    Row { bug: Bug::KeepsFew, place: Place::Calm, named: "lost", beside: &["diverged"] },
    Row { bug: Bug::FrozenRead, place: Place::Calm, named: "lost", beside: &["diverged"] },
    Row {
        bug: Bug::Garbles,
        place: Place::Calm,
        named: "never-added",
        beside: &["lost", "diverged"],
    },
    Row { bug: Bug::FailsAfterStoring, place: Place::Calm, named: "failed-add", beside: &[] },
    Row { bug: Bug::WaitsForever, place: Place::Partitions, named: "silent", beside: &["lost"] },
];

#[test]
fn bugs_are_found() {
    find_all("broadcast", ROWS, make);
}

#[test]
fn without_a_bug_it_passes() {
    pass_everywhere("broadcast", &[Bug::None], make);
}

fn make(bug: Bug) -> Box<dyn Machine> {
    machine(move |_| Flood {
        bug,
        neighbours: RefCell::default(),
        heard: RefCell::default(),
        kept: RefCell::default(),
        first_read: RefCell::default(),
        stuck: Rc::default(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Topology { topology: BTreeMap<String, Vec<String>> },
    Broadcast { message: i64 },
    Read {},
    Tell { message: i64 },
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "snake_case")]
enum Tell {
    Tell { message: i64 },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
enum Reply {
    TopologyOk {},
    BroadcastOk {},
    ReadOk { messages: Vec<i64> },
    TellOk {},
}

struct Flood {
    bug: Bug,
    neighbours: RefCell<Vec<String>>,
    /// All values heard of, to tell new ones from old ones.
    heard: RefCell<BTreeSet<i64>>,
    /// What reads give.
    kept: RefCell<Vec<i64>>,
    first_read: RefCell<Option<Vec<i64>>>,
    /// [`Bug::WaitsForever`] has struck.
    stuck: Rc<Cell<bool>>,
}

impl Node for Flood {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        match request {
            Request::Topology { mut topology } => {
                *self.neighbours.borrow_mut() = topology.remove(cx.node_id()).unwrap_or_default();
                Ok(Reply::TopologyOk {})
            }
            Request::Broadcast { message } if self.bug == Bug::DropsSome && message % 20 == 7 => {
                Ok(Reply::BroadcastOk {})
            }
            Request::Broadcast { message } => {
                self.hear(cx, message, true);
                if self.bug == Bug::FailsAfterStoring && message % 20 == 7 {
                    let text = "try again later";
                    return Err(RpcError::new(ErrorCode::TEMPORARILY_UNAVAILABLE, text));
                }
                Ok(Reply::BroadcastOk {})
            }
            Request::Tell { message } => {
                self.hear(cx, message, false);
                Ok(Reply::TellOk {})
            }
            Request::Read {} if self.stuck.get() => std::future::pending().await,
            Request::Read {} => Ok(Reply::ReadOk { messages: self.read() }),
        }
    }
}

impl Flood {
    fn read(&self) -> Vec<i64> {
        let kept = self.kept.borrow().clone();
        if self.bug != Bug::FrozenRead {
            return kept;
        }
        self.first_read.borrow_mut().get_or_insert(kept).clone()
    }

    fn hear(&self, cx: &Context, message: i64, from_client: bool) {
        let new = self.heard.borrow_mut().insert(message);
        let keeps = match self.bug {
            Bug::KeepsAList => true,
            Bug::RelaysWithoutRemembering => new && from_client,
            _ => new,
        };
        if keeps {
            let mut kept = self.kept.borrow_mut();
            kept.push(message);
            if self.bug == Bug::KeepsFew && kept.len() > 50 {
                kept.remove(0);
            }
        }
        if new {
            self.tell(cx, message, from_client);
        }
    }

    fn tell(&self, cx: &Context, message: i64, from_client: bool) {
        if self.bug == Bug::TellsNobody || (self.bug == Bug::NoRelay && !from_client) {
            return;
        }
        let garbled = self.bug == Bug::Garbles && message % 20 == 7;
        let tell = Tell::Tell { message: if garbled { message + 1_000_000 } else { message } };
        let neighbours = self.neighbours.borrow();
        let others: Vec<String> =
            neighbours.iter().filter(|name| **name != cx.src()).cloned().collect();
        match self.bug {
            Bug::NoRetry => cx.send_to_all(&others, &tell),
            Bug::OneAnswerForAll => {
                cx.spawn(until_one_answers(cx.clone(), others, tell));
            }
            bug => {
                for other in others {
                    cx.spawn(until_answered(
                        cx.clone(),
                        other,
                        tell.clone(),
                        bug,
                        Rc::clone(&self.stuck),
                    ));
                }
            }
        }
    }
}

async fn until_answered(cx: Context, other: String, tell: Tell, bug: Bug, stuck: Rc<Cell<bool>>) {
    let retry = match bug {
        Bug::GivesUp => Retry { attempts_max: Some(3), ..Retry::default() },
        _ => Retry::forever(),
    };
    if bug == Bug::WaitsForever && cx.rpc::<Reply>(&other, &tell).await.is_err() {
        stuck.set(true);
    }
    let told: Result<Reply, RpcError> = cx.rpc_retry(&retry, &other, &tell).await;
    if let Err(error) = told {
        cx.log(format_args!("{other} was not told: {error}"));
    }
}

async fn until_one_answers(cx: Context, others: Vec<String>, tell: Tell) {
    let Some((first, rest)) = others.split_first() else { return };
    loop {
        cx.send_to_all(rest, &tell);
        if cx.rpc::<Reply>(first, &tell).await.is_ok() {
            return;
        }
    }
}
