//! A proxy to a linearizable store that wants to be quicker, simpler or kinder than it can be.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kolk_check::Validity;
use kolk_node::workload::key_value::{Reply, Request};
use kolk_node::{Context, ErrorCode, Machine, Node, RpcError, machine};

use crate::{Place, Row, find_all, verdict};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    /// There is none.
    None,
    /// A node answers reads with what it last saw itself.
    ReadsItsCopy,
    /// Compare-and-set is a read, a comparison and a write.
    SwapsInThreeSteps,
    /// A write is acknowledged when it is sent.
    AcknowledgesEarly,
    /// What got no answer is acknowledged.
    TakesSilenceForConsent,
    /// What got no answer is said to have failed.
    TakesSilenceForRefusal,
    /// A write that got no answer is sent again, however much later.
    WritesAgain,
    /// The store behind it is only sequentially consistent.
    AsksSeqKv,
    /// The store behind it keeps the last write by clocks that differ.
    AsksLwwKv,
}

/// What an old value may be called: that depends on who saw the newer one. With five values a
/// compare-and-set that failed may by chance be what would explain it.
const OLD: &[&str] = &[
    "stale-read",
    "lost-write",
    "resurrected-value",
    "stale-cas",
    "non-atomic-cas",
    "failed-write",
    "read-before-write",
    "not-linearizable",
];

/// The same where operations are said to have failed that did not.
const OLD_OR_FAILED: &[&str] = &[
    "failed-write",
    "never-written",
    "stale-read",
    "lost-write",
    "resurrected-value",
    "stale-cas",
    "non-atomic-cas",
    "not-linearizable",
];

const ROWS: &[Row<Bug>] = &[
    Row { bug: Bug::ReadsItsCopy, place: Place::Calm, named: "stale-read", beside: OLD },
    Row { bug: Bug::SwapsInThreeSteps, place: Place::Calm, named: "non-atomic-cas", beside: OLD },
    Row { bug: Bug::AcknowledgesEarly, place: Place::Calm, named: "stale-read", beside: OLD },
    Row { bug: Bug::TakesSilenceForConsent, place: Place::Loss, named: "stale-read", beside: OLD },
    Row {
        bug: Bug::TakesSilenceForRefusal,
        place: Place::Loss,
        named: "failed-write",
        beside: OLD_OR_FAILED,
    },
    Row { bug: Bug::WritesAgain, place: Place::Loss, named: "stale-read", beside: OLD },
    Row { bug: Bug::AsksSeqKv, place: Place::Calm, named: "stale-read", beside: OLD },
    Row { bug: Bug::AsksLwwKv, place: Place::Calm, named: "stale-read", beside: OLD },
];

#[test]
fn bugs_are_found() {
    find_all("lin-kv", ROWS, make);
}

#[test]
fn without_a_bug_it_passes() {
    // But where messages arrive twice: the store would perform twice what it is asked once.
    for place in [Place::Calm, Place::Partitions, Place::Cut, Place::Loss] {
        for seed in 0..5 {
            let verdict = verdict("lin-kv", place, seed, || make(Bug::None));
            let found = verdict.anomalies();
            assert_eq!(verdict.validity, Validity::Valid, "{place:?}, seed {seed}: {found:?}");
        }
    }
}

fn make(bug: Bug) -> Box<dyn Machine> {
    machine(move |_| Proxy { bug, copies: Rc::default() })
}

type Answer = Result<Reply<i64>, RpcError>;

struct Proxy {
    bug: Bug,
    /// The last value of each key that went through this node.
    copies: Rc<RefCell<BTreeMap<i64, i64>>>,
}

/// How long an answer may take, of two messages of 20 ms each on average.
const PATIENCE: Duration = Duration::from_millis(300);

impl Node for Proxy {
    type Request = Request<i64, i64>;
    type Reply = Reply<i64>;

    async fn handle(&self, cx: &Context, request: Self::Request) -> Answer {
        match (self.bug, &request) {
            (Bug::ReadsItsCopy, Request::Read { key }) => {
                let copy = self.copies.borrow().get(key).copied();
                if let Some(value) = copy {
                    return Ok(Reply::ReadOk { value });
                }
            }
            (Bug::SwapsInThreeSteps, Request::Cas { key, from, to, .. }) => {
                return self.swap_in_three_steps(cx, *key, *from, *to).await;
            }
            (Bug::AcknowledgesEarly, Request::Write { .. }) => {
                let later = cx.clone();
                cx.spawn(async move {
                    let _: Answer = later.rpc_within(PATIENCE, "lin-kv", &request).await;
                });
                return Ok(Reply::WriteOk {});
            }
            _ => {}
        }
        let answer = self.ask(cx, &request).await;
        let is_write = matches!(request, Request::Write { .. });
        if self.bug == Bug::WritesAgain && is_write && is_silence(&answer) {
            return self.ask(cx, &request).await;
        }
        match (self.bug, &request) {
            (Bug::TakesSilenceForConsent, Request::Write { .. }) if is_silence(&answer) => {
                Ok(Reply::WriteOk {})
            }
            (Bug::TakesSilenceForRefusal, Request::Cas { .. }) if is_silence(&answer) => {
                Err(RpcError::new(ErrorCode::PRECONDITION_FAILED, "it seems to differ"))
            }
            _ => answer,
        }
    }
}

impl Proxy {
    async fn ask(&self, cx: &Context, request: &Request<i64, i64>) -> Answer {
        let service = match self.bug {
            Bug::AsksSeqKv => "seq-kv",
            Bug::AsksLwwKv => "lww-kv",
            _ => "lin-kv",
        };
        let answer: Answer = cx.rpc_within(PATIENCE, service, request).await;
        let seen = match (request, &answer) {
            (Request::Read { key }, Ok(Reply::ReadOk { value })) => Some((*key, *value)),
            (Request::Write { key, value }, Ok(_)) => Some((*key, *value)),
            (Request::Cas { key, to, .. }, Ok(_)) => Some((*key, *to)),
            _ => None,
        };
        self.copies.borrow_mut().extend(seen);
        answer
    }

    async fn swap_in_three_steps(&self, cx: &Context, key: i64, from: i64, to: i64) -> Answer {
        match self.ask(cx, &Request::Read { key }).await? {
            Reply::ReadOk { value } if value == from => {
                self.ask(cx, &Request::Write { key, value: to }).await?;
                Ok(Reply::CasOk {})
            }
            _ => Err(RpcError::new(ErrorCode::PRECONDITION_FAILED, "it differs")),
        }
    }
}

/// True if nobody knows whether the store acted.
fn is_silence(answer: &Answer) -> bool {
    answer.as_ref().is_err_and(|error| !error.code.is_definite())
}
