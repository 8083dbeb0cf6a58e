//! Registers in which the last write wins. Nodes tell each other all they have, again and again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::workload::txn::{Function, MicroOp, Reply};
use kolk_node::{Context, ErrorCode, Machine, Node, RpcError, machine};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Place, Row, find_all, pass_everywhere};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    /// There is none.
    None,
    /// Writes stay where they were made.
    NeverReplicates,
    /// Every read is answered with nothing.
    ReadsNothing,
    /// A transaction does not see its own writes.
    ForgetsItsOwnWrites,
    /// Others see a transaction's writes while it is still running.
    ShowsUnfinished,
    /// A transaction is refused when its writes are already there.
    ShowsAborted,
    /// What another node has is taken over register by register, with pauses.
    TakesOverOneByOne,
    /// Each write of a transaction has a time of its own, and others come between.
    TimesEachWrite,
    /// What comes later is newer, whoever wrote it when.
    LatestArrivalWins,
    /// A node's clock says nothing of what it has seen.
    KeepsItsOwnClock,
    /// What a transaction wrote is told once.
    TellsOnce,
}

/// What a transaction that was seen in part is also called.
const IN_PART: &[&str] = &[
    "G1c",
    "internal",
    "lost-write",
    "read-atomic-violation",
    "read-atomic-violation-process",
    "read-committed-violation",
    "read-committed-violation-process",
];

const ROWS: &[Row<Bug>] = &[
    Row { bug: Bug::NeverReplicates, place: Place::Calm, named: "diverged", beside: &[] },
    Row { bug: Bug::ReadsNothing, place: Place::Calm, named: "lost-write", beside: IN_PART },
    Row { bug: Bug::ForgetsItsOwnWrites, place: Place::Calm, named: "internal", beside: IN_PART },
    Row { bug: Bug::ShowsUnfinished, place: Place::Calm, named: "G1b", beside: IN_PART },
    Row { bug: Bug::ShowsAborted, place: Place::Calm, named: "G1a", beside: &["aborted-write"] },
    Row {
        bug: Bug::TakesOverOneByOne,
        place: Place::Calm,
        named: "read-atomic-violation-process",
        beside: IN_PART,
    },
    Row { bug: Bug::TimesEachWrite, place: Place::Calm, named: "G0", beside: IN_PART },
    Row { bug: Bug::LatestArrivalWins, place: Place::Calm, named: "diverged", beside: IN_PART },
    Row { bug: Bug::KeepsItsOwnClock, place: Place::Calm, named: "G0", beside: IN_PART },
    Row { bug: Bug::TellsOnce, place: Place::Loss, named: "diverged", beside: IN_PART },
    Row { bug: Bug::TellsOnce, place: Place::Partitions, named: "diverged", beside: IN_PART },
];

#[test]
fn bugs_are_found() {
    insta::assert_snapshot!(find_all("txn-rw-register", ROWS, make));
}

#[test]
fn without_a_bug_it_passes() {
    pass_everywhere("txn-rw-register", &[Bug::None], make);
}

fn make(bug: Bug) -> Box<dyn Machine> {
    machine(move |_| Registers {
        bug,
        clock: Cell::new(0),
        registers: RefCell::default(),
        fresh: RefCell::default(),
    })
}

/// When a value was written, and by which node.
type Stamp = (u64, String);

type Copy = BTreeMap<String, (Stamp, Value)>;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Txn { txn: Vec<MicroOp> },
    Merge { registers: Copy },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Gossip<'a> {
    Merge { registers: &'a Copy },
}

struct Registers {
    bug: Bug,
    clock: Cell<u64>,
    registers: RefCell<Copy>,
    /// What was written here since the last gossip.
    fresh: RefCell<Copy>,
}

impl Node for Registers {
    type Request = Request;
    type Reply = Option<Reply>;

    fn start(self: &Rc<Self>, cx: &Context) {
        let (node, context) = (Rc::clone(self), cx.clone());
        if self.bug != Bug::NeverReplicates {
            cx.every(Duration::from_millis(200), move || node.gossip(&context));
        }
    }

    async fn handle(&self, cx: &Context, request: Request) -> Result<Option<Reply>, RpcError> {
        match request {
            Request::Txn { txn } => Ok(Some(Reply::TxnOk { txn: self.run(cx, txn).await? })),
            Request::Merge { registers } => {
                for (key, register) in registers {
                    if self.bug == Bug::TakesOverOneByOne {
                        cx.sleep(Duration::from_millis(10)).await;
                    }
                    self.set(key, register);
                }
                Ok(None)
            }
        }
    }
}

impl Registers {
    async fn run(&self, cx: &Context, mut txn: Vec<MicroOp>) -> Result<Vec<MicroOp>, RpcError> {
        let mut stamp = self.tick(cx);
        let mut writes = Copy::new();
        for (function, key, value) in &mut txn {
            let key = key.to_string();
            if *function == Function::Write {
                let write = (stamp.clone(), value.clone());
                match self.bug {
                    Bug::ShowsUnfinished => {
                        self.set(key.clone(), write.clone());
                        cx.sleep(Duration::from_millis(20)).await;
                    }
                    Bug::TimesEachWrite => {
                        cx.sleep(Duration::from_millis(20)).await;
                        stamp = self.tick(cx);
                    }
                    _ => {}
                }
                writes.insert(key, write);
                continue;
            }
            let own = writes.get(&key).filter(|_| self.bug != Bug::ForgetsItsOwnWrites);
            let registers = self.registers.borrow();
            let seen = own.or_else(|| registers.get(&key)).map(|(_, value)| value.clone());
            *value = seen.filter(|_| self.bug != Bug::ReadsNothing).unwrap_or_default();
        }
        let aborts = !writes.is_empty()
            && self.bug == Bug::ShowsAborted
            && self.clock.get().is_multiple_of(10);
        self.fresh.borrow_mut().extend(writes.clone());
        writes.into_iter().for_each(|(key, write)| self.set(key, write));
        if aborts {
            return Err(RpcError::new(ErrorCode::TXN_CONFLICT, "not this one"));
        }
        Ok(txn)
    }

    fn tick(&self, cx: &Context) -> Stamp {
        self.clock.set(self.clock.get() + 1);
        (self.clock.get(), cx.node_id().to_owned())
    }

    fn set(&self, key: String, register: (Stamp, Value)) {
        let (clock, _) = &register.0;
        if self.bug != Bug::KeepsItsOwnClock {
            self.clock.set(self.clock.get().max(*clock));
        }
        let mut registers = self.registers.borrow_mut();
        let is_newer = registers.get(&key).is_none_or(|(stamp, _)| *stamp < register.0);
        if is_newer || self.bug == Bug::LatestArrivalWins {
            registers.insert(key, register);
        }
    }

    fn gossip(&self, cx: &Context) {
        let fresh = self.fresh.take();
        let registers = self.registers.borrow();
        let told = match self.bug {
            Bug::TellsOnce | Bug::LatestArrivalWins => &fresh,
            _ => &*registers,
        };
        cx.send_to_all(cx.peers(), &Gossip::Merge { registers: told });
    }
}
