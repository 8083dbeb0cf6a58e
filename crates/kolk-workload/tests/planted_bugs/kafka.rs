//! Logs that one node keeps for all: the others forward what they are asked.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use kolk_node::{Context, ErrorCode, Machine, Node, RpcError, machine};
use serde::{Deserialize, Serialize};

use crate::{Place, Row, find_all, pass_everywhere};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    /// There is none.
    None,
    /// A send fails after it was stored, and the next one gets its offset.
    ReusesOffsets,
    /// A send fails after it was stored.
    FailsAfterwards,
    /// Some sends are acknowledged and not stored.
    Forgets,
    /// A forwarded send that was not answered in time is sent again, as a new one.
    RetriesAsNew,
    /// A send that arrives twice is stored twice.
    TakesTwice,
    /// Nodes with odd numbers have a leader of their own.
    TwoLeaders,
    /// A send is acknowledged before the copies have it, which are told once. What comes behind a
    /// hole in a copy is not shown.
    AcknowledgesFirst,
    /// The same, and holes are passed over.
    PassesHoles,
    /// A poll returns the last three messages, not the first.
    ReturnsTheLast,
    /// A poll begins one message too early.
    StepsBack,
    /// A poll returns the newest message first.
    NewestFirst,
    /// None either: each node keeps commits by itself, and tells the others now and then. The
    /// greatest counts.
    MergesCommits,
    /// The same, and what is told counts, even if it is less.
    CommitsGoBack,
    /// Some messages are stored as something else.
    Garbles,
    /// Each node has a range of offsets of its own.
    Ranges,
}

const fn row(
    bug: Bug,
    place: Place,
    named: &'static str,
    beside: &'static [&'static str],
) -> Row<Bug> {
    Row { bug, place, named, beside }
}

/// What a value at two offsets looks like to those who poll and send beside it.
const OUT_OF_ORDER: &[&str] = &[
    "int-nonmonotonic-poll",
    "int-poll-skip",
    "nonmonotonic-poll",
    "nonmonotonic-send",
    "poll-skip",
];

const ROWS: &[Row<Bug>] = &[
    row(Bug::ReusesOffsets, Place::Calm, "inconsistent-offsets", &["G1a"]),
    row(Bug::FailsAfterwards, Place::Calm, "G1a", &[]),
    row(
        Bug::Forgets,
        Place::Calm,
        "lost-write",
        &["unseen", "diverged", "poll-skip", "int-poll-skip"],
    ),
    row(Bug::RetriesAsNew, Place::Loss, "duplicate", OUT_OF_ORDER),
    row(Bug::TakesTwice, Place::Duplication, "duplicate", OUT_OF_ORDER),
    row(Bug::TwoLeaders, Place::Calm, "inconsistent-offsets", &["diverged", "nonmonotonic-offset"]),
    row(Bug::AcknowledgesFirst, Place::Loss, "diverged", &[]),
    row(Bug::PassesHoles, Place::Loss, "poll-skip", &["diverged", "int-poll-skip"]),
    row(Bug::ReturnsTheLast, Place::Calm, "poll-skip", &["diverged", "lost-write", "unseen"]),
    row(Bug::StepsBack, Place::Calm, "nonmonotonic-poll", &["nonmonotonic-commit"]),
    row(Bug::NewestFirst, Place::Calm, "int-nonmonotonic-poll", &["poll-skip"]),
    row(Bug::CommitsGoBack, Place::Calm, "nonmonotonic-commit", &[]),
    row(
        Bug::Garbles,
        Place::Calm,
        "garbage-read",
        &["diverged", "inconsistent-offsets", "lost-write", "unseen"],
    ),
    row(Bug::Ranges, Place::Calm, "nonmonotonic-offset", &["int-poll-skip", "poll-skip"]),
];

#[test]
fn bugs_are_found() {
    insta::assert_snapshot!(find_all("kafka", ROWS, make));
}

#[test]
fn without_a_bug_it_passes() {
    pass_everywhere("kafka", &[Bug::None, Bug::MergesCommits], make);
}

fn make(bug: Bug) -> Box<dyn Machine> {
    machine(move |_| Logs { bug, sends: Cell::new(0), state: RefCell::default() })
}

type Offsets = BTreeMap<String, u64>;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Send {
        key: String,
        msg: i64,
        /// Whose and which, if it is forwarded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<(String, u64)>,
    },
    Poll {
        offsets: Offsets,
    },
    CommitOffsets {
        offsets: Offsets,
    },
    ListCommittedOffsets {
        keys: Vec<String>,
    },
    /// The commits that another node knows.
    Merge {
        offsets: Offsets,
    },
    /// For the copies.
    Keep {
        key: String,
        offset: u64,
        msg: i64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the protocol's names")]
enum Reply {
    SendOk { offset: u64 },
    PollOk { msgs: BTreeMap<String, Vec<(u64, i64)>> },
    CommitOffsetsOk {},
    ListCommittedOffsetsOk { offsets: Offsets },
    KeepOk {},
    MergeOk {},
}

struct Logs {
    bug: Bug,
    /// How many this node has forwarded.
    sends: Cell<u64>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    logs: BTreeMap<String, BTreeMap<u64, i64>>,
    /// The next offset of each key; or of each key and range.
    next: BTreeMap<(String, u64), u64>,
    committed: Offsets,
    /// The offsets of forwarded sends.
    taken: BTreeMap<(String, u64), u64>,
    /// Keys whose next message gets the last one's offset.
    reused: BTreeSet<String>,
}

impl Node for Logs {
    type Request = Request;
    type Reply = Reply;

    fn start(self: &Rc<Self>, cx: &Context) {
        if self.keeps_commits() {
            let (node, context) = (Rc::clone(self), cx.clone());
            cx.every(Duration::from_millis(250), move || {
                let offsets = node.state.borrow().committed.clone();
                context.send_to_all(context.peers(), &Request::Merge { offsets });
            });
        }
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        let leader = self.leader(cx);
        let here = match &request {
            Request::Keep { .. } | Request::Merge { .. } => true,
            Request::Poll { .. } => matches!(self.bug, Bug::AcknowledgesFirst | Bug::PassesHoles),
            Request::CommitOffsets { .. } | Request::ListCommittedOffsets { .. } => {
                self.keeps_commits()
            }
            Request::Send { .. } => false,
        };
        if cx.node_id() != leader && !here {
            return self.forward(cx, leader, request).await;
        }
        match request {
            Request::Keep { key, offset, msg } => {
                self.state.borrow_mut().logs.entry(key).or_default().insert(offset, msg);
                Ok(Reply::KeepOk {})
            }
            Request::Merge { offsets } => {
                if self.bug == Bug::CommitsGoBack {
                    self.state.borrow_mut().committed.extend(offsets);
                } else {
                    self.commit(offsets);
                }
                Ok(Reply::MergeOk {})
            }
            Request::Send { key, msg, id } => self.append(cx, key, msg, id),
            Request::Poll { offsets } => Ok(Reply::PollOk { msgs: self.poll(offsets) }),
            Request::CommitOffsets { offsets } => {
                self.commit(offsets);
                Ok(Reply::CommitOffsetsOk {})
            }
            Request::ListCommittedOffsets { keys } => {
                let committed = &self.state.borrow().committed;
                let known = |key: String| committed.get(&key).map(|offset| (key, *offset));
                let offsets = keys.into_iter().filter_map(known).collect();
                Ok(Reply::ListCommittedOffsetsOk { offsets })
            }
        }
    }
}

impl Logs {
    fn keeps_commits(&self) -> bool {
        matches!(self.bug, Bug::MergesCommits | Bug::CommitsGoBack)
    }

    fn leader(&self, cx: &Context) -> &'static str {
        let odd = cx.node_id().ends_with(['1', '3']);
        if odd && self.bug == Bug::TwoLeaders { "n1" } else { "n0" }
    }

    async fn forward(&self, cx: &Context, to: &str, request: Request) -> Result<Reply, RpcError> {
        let number = self.sends.replace(self.sends.get() + 1);
        let request = match request {
            Request::Send { key, msg, .. } => {
                let id = Some((cx.node_id().to_owned(), number));
                Request::Send { key, msg, id }
            }
            other => other,
        };
        let patience = Duration::from_secs(1);
        match cx.rpc_within(patience, to, &request).await {
            Err(error) if self.bug == Bug::RetriesAsNew && !error.is_definite() => {
                cx.rpc_within(patience, to, &request).await
            }
            answer => answer,
        }
    }

    fn append(
        &self,
        cx: &Context,
        key: String,
        msg: i64,
        id: Option<(String, u64)>,
    ) -> Result<Reply, RpcError> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let forgets_ids = matches!(self.bug, Bug::RetriesAsNew | Bug::TakesTwice);
        if let Some(offset) =
            id.as_ref().and_then(|id| state.taken.get(id)).filter(|_| !forgets_ids)
        {
            return Ok(Reply::SendOk { offset: *offset });
        }
        let range = match (&id, self.bug) {
            (Some((node, _)), Bug::Ranges) => node[1..].parse().unwrap_or(0),
            _ => 0,
        };
        let next = state.next.entry((key.clone(), range)).or_default();
        if !state.reused.remove(&key) {
            *next += 1;
        }
        let offset = range * 1000 + *next - 1;
        if let Some(id) = id {
            state.taken.insert(id, offset);
        }
        let (mut msg, unlucky) = (msg, cx.rng().chance(0.1));
        match self.bug {
            Bug::Garbles if unlucky => msg += 1000,
            Bug::Forgets if unlucky => return Ok(Reply::SendOk { offset }),
            Bug::AcknowledgesFirst | Bug::PassesHoles => {
                cx.send_to_all(cx.peers(), &Request::Keep { key: key.clone(), offset, msg });
            }
            _ => {}
        }
        if self.bug == Bug::ReusesOffsets && unlucky {
            state.reused.insert(key.clone());
        }
        state.logs.entry(key).or_default().insert(offset, msg);
        if unlucky && matches!(self.bug, Bug::ReusesOffsets | Bug::FailsAfterwards) {
            return Err(RpcError::new(ErrorCode::ABORT, "changed my mind"));
        }
        Ok(Reply::SendOk { offset })
    }

    fn poll(&self, offsets: Offsets) -> BTreeMap<String, Vec<(u64, i64)>> {
        let logs = &self.state.borrow().logs;
        let of_key = |(key, from): (String, u64)| {
            let from = if self.bug == Bug::StepsBack { from.saturating_sub(1) } else { from };
            let entries = logs.get(&key)?.range(from..).map(|(offset, msg)| (*offset, *msg));
            let mut messages: Vec<(u64, i64)> = match self.bug {
                Bug::AcknowledgesFirst => {
                    let prefix = entries.zip(from..).take_while(|((at, _), due)| at == due);
                    prefix.map(|(entry, _)| entry).collect()
                }
                _ => entries.collect(),
            };
            match self.bug {
                Bug::ReturnsTheLast => drop(messages.drain(..messages.len().saturating_sub(3))),
                Bug::NewestFirst => messages.reverse(),
                _ => {}
            }
            Some((key, messages))
        };
        offsets.into_iter().filter_map(of_key).collect()
    }

    fn commit(&self, offsets: Offsets) {
        let committed = &mut self.state.borrow_mut().committed;
        for (key, offset) in offsets {
            let known = committed.entry(key).or_default();
            *known = offset.max(*known);
        }
    }
}
