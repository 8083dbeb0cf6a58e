//! Lists kept whole under one key of `lin-kv`, each state with a number of its own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use kolk_node::workload::txn::{Function, MicroOp, Reply, Request};
use kolk_node::{Context, ErrorCode, KeyValue, Machine, Node, RpcError, machine};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Place, Row, find_all, pass_everywhere};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    /// There is none.
    None,
    /// Each node has lists of its own.
    NeverReplicates,
    /// The new state is written, whatever is there by then.
    WritesBlindly,
    /// A compare-and-set that failed is taken for one that succeeded.
    IgnoresDefeat,
    /// One whose answer is lost is taken for one that failed, and the transaction is run again.
    RunsAgain,
    /// One whose answer is lost is taken for one that failed, and the transaction is refused.
    RefusesWhatHappened,
    /// Transactions that only read do so from the state that this node saw last.
    ReadsOldStates,
    /// Each key is changed by a compare-and-set of its own.
    ChangesKeysApart,
    /// Reads that come after an append of the same transaction do not see it.
    ForgetsItsOwnAppends,
    /// Lists are returned without their first element.
    SkipsTheFirst,
}

/// What lost updates, and reads of what never was, are also called.
const TANGLED: &[&str] = &[
    "G0",
    "G0-realtime",
    "G1a",
    "G1b",
    "G1c",
    "G1c-realtime",
    "G2-item",
    "G-single-item",
    "G-single-item-realtime",
    "aborted-write",
    "dirty-update",
    "future-read",
    "incompatible-order",
    "internal",
    "lost-update",
    "lost-write",
];

const ROWS: &[Row<Bug>] = &[
    Row { bug: Bug::NeverReplicates, place: Place::Calm, named: "diverged", beside: TANGLED },
    Row { bug: Bug::WritesBlindly, place: Place::Calm, named: "lost-update", beside: TANGLED },
    Row { bug: Bug::IgnoresDefeat, place: Place::Calm, named: "lost-write", beside: TANGLED },
    Row { bug: Bug::RunsAgain, place: Place::Loss, named: "duplicate-elements", beside: TANGLED },
    Row {
        bug: Bug::RefusesWhatHappened,
        place: Place::Loss,
        named: "G1a",
        beside: &["aborted-write", "dirty-update"],
    },
    Row {
        bug: Bug::ReadsOldStates,
        place: Place::Calm,
        named: "G-single-item-realtime",
        beside: &["diverged"],
    },
    Row { bug: Bug::ChangesKeysApart, place: Place::Calm, named: "G1b", beside: TANGLED },
    Row { bug: Bug::ForgetsItsOwnAppends, place: Place::Calm, named: "internal", beside: &[] },
    Row {
        bug: Bug::SkipsTheFirst,
        place: Place::Calm,
        named: "incompatible-order",
        beside: TANGLED,
    },
];

#[test]
fn bugs_are_found() {
    insta::assert_snapshot!(find_all("txn-list-append", ROWS, make));
}

#[test]
fn without_a_bug_it_passes() {
    pass_everywhere("txn-list-append", &[Bug::None], make);
}

fn make(bug: Bug) -> Box<dyn Machine> {
    machine(move |_| Lists { bug, seen: RefCell::default() })
}

type State = BTreeMap<String, Vec<Value>>;

/// A state with a number that no other has, and the numbers of those before it: whether a
/// compare-and-set was performed shows in the state that is there.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Root {
    number: u64,
    past: Vec<u64>,
    lists: State,
}

struct Lists {
    bug: Bug,
    /// The state that this node saw last.
    seen: RefCell<Root>,
}

impl Node for Lists {
    type Request = Request;
    type Reply = Reply;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        let Request::Txn { mut txn } = request;
        let store = cx.lin_kv().within(Duration::from_millis(400));
        let writes = txn.iter().any(|(function, _, _)| *function == Function::Append);
        match self.bug {
            Bug::NeverReplicates => {
                let lists = &mut self.seen.borrow_mut().lists;
                self.apply(lists, &mut txn);
            }
            Bug::ReadsOldStates if !writes => {
                let mut lists = self.seen.borrow().lists.clone();
                self.apply(&mut lists, &mut txn);
            }
            Bug::ChangesKeysApart => {
                for micro_op in &mut txn {
                    let key = micro_op.1.to_string();
                    self.transact(cx, &store, &key, std::slice::from_mut(micro_op)).await?;
                }
            }
            _ => self.transact(cx, &store, "root", &mut txn).await?,
        }
        Ok(Reply::TxnOk { txn })
    }
}

impl Lists {
    async fn transact(
        &self,
        cx: &Context,
        store: &KeyValue,
        at: &str,
        txn: &mut [MicroOp],
    ) -> Result<(), RpcError> {
        let writes = txn.iter().any(|(function, _, _)| *function == Function::Append);
        for _ in 0..8 {
            let from: Option<Root> = store.read(at).await.map_err(nothing_done)?;
            let from = from.unwrap_or_default();
            let mut to = from.clone();
            to.past.push(from.number);
            to.number = cx.rng().next_u64() >> 12;
            self.apply(&mut to.lists, txn);
            self.seen.replace(from.clone());
            if !writes {
                return Ok(());
            }
            if self.bug == Bug::WritesBlindly {
                return store.write(at, &to).await;
            }
            let answer = store.cas_or_create(at, &from, &to).await;
            let is_done = match (&answer, self.bug) {
                (Ok(true), _) | (Ok(false), Bug::IgnoresDefeat) => true,
                (Err(_), Bug::RunsAgain) => false,
                (Err(error), Bug::RefusesWhatHappened) => {
                    return Err(nothing_done(error.clone()));
                }
                // Even a refusal may be that of a second copy.
                _ => {
                    let there: Option<Root> = store.read(at).await?;
                    there.is_some_and(|r| r.number == to.number || r.past.contains(&to.number))
                }
            };
            if is_done {
                self.seen.replace(to);
                return Ok(());
            }
            if self.bug != Bug::RunsAgain {
                answer?;
            }
        }
        Err(RpcError::new(ErrorCode::TXN_CONFLICT, "others were quicker"))
    }

    fn apply(&self, lists: &mut State, txn: &mut [MicroOp]) {
        let before = lists.clone();
        for (function, key, value) in txn {
            let key = key.to_string();
            if *function == Function::Append {
                lists.entry(key).or_default().push(value.clone());
                continue;
            }
            let lists = if self.bug == Bug::ForgetsItsOwnAppends { &before } else { &*lists };
            let list = lists.get(&key).cloned().unwrap_or_default();
            let skipped = usize::from(self.bug == Bug::SkipsTheFirst && list.len() > 2);
            *value = Value::Array(list[skipped..].to_vec());
        }
    }
}

fn nothing_done(error: RpcError) -> RpcError {
    RpcError::new(ErrorCode::TXN_CONFLICT, error.text)
}
