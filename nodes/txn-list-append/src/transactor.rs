//! Transactions, one batch after another: run on a state, and made to have happened by swinging the
//! root to the state they made.
//!
//! Transactions that arrive while a batch is under way are the next batch; they take place
//! together, in the order in which they arrived. A batch that writes runs on the state that this
//! node saw last, whether or not that is still the latest: the compare-and-set tells. One that only
//! reads asks for the root, and takes place when that was read.
//!
//! A compare-and-set whose answer is lost may have happened or not, and may yet happen; and one
//! that is refused may be the second copy of one that happened. No root is ever the same as another
//! (each has a name of its own), so the same swing can happen once at most, and may be tried again;
//! and every root says which came before it, so that the root that is there tells whether ours is
//! there, has been there, or can never be:
//!
//! | the root that is there | ours |
//! |---|---|
//! | is ours, or comes after it | happened |
//! | is the one that ours was to replace | may happen: it is tried again |
//! | comes after that one, and not after ours | did not happen, and cannot any more |
//!
//! Only if none of this can be told, because the store does not answer in time or too many roots
//! have come since, is the outcome reported as unknown.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use kolk_node::sync::{Receiver, Sender, channel};
use kolk_node::workload::txn::{Function, MicroOp};
use kolk_node::{Context, ErrorCode, Random, RpcError, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::state::State;
use crate::store::Store;
use crate::tree::{Id, Lists};

/// How often a batch is run before it is aborted because another was quicker.
const ATTEMPTS_MAX: u32 = 8;

/// How long a transaction may take. Clients give up after 5 s, and then do not know the outcome.
const PATIENCE: Duration = Duration::from_secs(4);

/// How many of the roots before it a root names.
const PAST_MAX: usize = 64;

/// The first pause after another was quicker, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// The value in the store that stands for the state of all lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Root {
    /// Its name, which no other has; empty where there is none yet.
    name: Id,
    /// The names of those before it, the latest first.
    past: VecDeque<Id>,
    state: State,
}

impl Root {
    fn after(before: &Root, name: Id, state: State) -> Root {
        let mut past = before.past.clone();
        past.push_front(Rc::clone(&before.name));
        past.truncate(PAST_MAX);
        Root { name, past, state }
    }
}

/// A transaction and where its answer goes.
struct Pending {
    txn: Vec<MicroOp>,
    arrived: Time,
    answer: Sender<Result<Vec<MicroOp>, RpcError>>,
}

/// The outcome of an attempt to swing the root.
#[derive(Debug, PartialEq, Eq)]
enum Swung {
    Done,
    /// It surely did not happen.
    Lost,
    Unknown,
}

/// Runs transactions.
pub struct Transactor {
    cx: Context,
    store: Store,
    /// The root where there is none in the store.
    first: Root,
    /// The root that was seen last.
    seen: RefCell<Option<Root>>,
    queue: Sender<Pending>,
    random: RefCell<Random>,
}

impl Transactor {
    /// A transactor that takes whatever is [submitted](Transactor::submit). If there is no root
    /// yet, it begins with this state.
    pub fn start(cx: &Context, first: State) -> Rc<Transactor> {
        let (queue, pending) = channel();
        let transactor = Rc::new(Transactor {
            cx: cx.clone(),
            store: Store::new(cx),
            first: Root { name: "".into(), past: VecDeque::new(), state: first },
            seen: RefCell::new(None),
            queue,
            random: RefCell::new(cx.rng()),
        });
        cx.spawn(Rc::clone(&transactor).run(pending));
        transactor
    }

    /// Runs a transaction of reads and appends, and gives it with what was read.
    ///
    /// # Errors
    ///
    /// Error 30 if others were quicker again and again, 11 if the store does not answer: then
    /// nothing has happened. Error 0 if the outcome is unknown.
    pub async fn submit(&self, txn: Vec<MicroOp>) -> Result<Vec<MicroOp>, RpcError> {
        let (answer, mut answers) = channel();
        self.queue.send(Pending { txn, arrived: self.cx.now(), answer });
        answers.recv().await.unwrap_or_else(|| Err(unknown()))
    }

    async fn run(self: Rc<Self>, mut pending: Receiver<Pending>) {
        while let Some(first) = pending.recv().await {
            let mut batch = vec![first];
            batch.extend(std::iter::from_fn(|| pending.try_recv()));
            let outcome = self.commit(&mut batch).await;
            for Pending { txn, answer, .. } in batch {
                answer.send(outcome.clone().map(|()| txn));
            }
        }
    }

    /// Makes a batch happen, all of it or nothing, with what was read filled in.
    async fn commit(&self, batch: &mut [Pending]) -> Result<(), RpcError> {
        let arrived = batch.iter().map(|pending| pending.arrived).min();
        let deadline = arrived.unwrap_or(self.cx.now()) + PATIENCE;
        let mut pause = PAUSE_MIN;
        for lost in 0..ATTEMPTS_MAX {
            let left = deadline.since(self.cx.now().min(deadline));
            let prepared = self.cx.timeout(left, self.prepare(batch)).await;
            let Ok(Ok((from, to))) = prepared else {
                return Err(if lost == 0 { unavailable() } else { conflict(lost) });
            };
            let Some(to) = to else { return Ok(()) };
            match self.swing(&from, &to, deadline, &mut pause).await {
                Swung::Done => {
                    self.seen.replace(Some(to));
                    return Ok(());
                }
                Swung::Lost => {}
                Swung::Unknown => return Err(unknown()),
            }
        }
        Err(conflict(ATTEMPTS_MAX))
    }

    /// Runs a batch on a state: the root it saw, and the one it wants in its place if it writes.
    async fn prepare(&self, batch: &mut [Pending]) -> Result<(Root, Option<Root>), RpcError> {
        let micro_ops = || batch.iter().flat_map(|pending| &pending.txn);
        let writes = micro_ops().any(|(function, _, _)| *function == Function::Append);
        let keys: BTreeSet<String> = micro_ops().map(|(_, key, _)| key.to_string()).collect();
        let seen = self.seen.take().filter(|_| writes);
        let from = match seen {
            Some(seen) => seen,
            None => self.store.root().await?.unwrap_or_else(|| self.first.clone()),
        };
        let parts = from.state.fetch(&self.store, &keys).await?;
        let mut changed = Lists::new();
        for (function, key, value) in batch.iter_mut().flat_map(|pending| &mut pending.txn) {
            let key = key.to_string();
            let list = || from.state.list(&parts, &key);
            match function {
                Function::Append => {
                    changed.entry(key.clone()).or_insert_with(list).push(value.clone());
                }
                _ => *value = Value::Array(changed.get(&key).cloned().unwrap_or_else(list)),
            }
        }
        if changed.is_empty() {
            self.seen.replace(Some(from.clone()));
            return Ok((from, None));
        }
        let state = from.state.with(&self.store, &parts, changed).await?;
        let to = Root::after(&from, self.store.fresh(), state);
        Ok((from, Some(to)))
    }

    /// Swings the root, and finds out what came of it.
    async fn swing(&self, from: &Root, to: &Root, deadline: Time, pause: &mut Duration) -> Swung {
        let mut failures = 0;
        loop {
            match self.store.swing(from, to, failures).await {
                Ok(true) => return Swung::Done,
                // That is no proof: of a request that arrives twice the second is refused, and its
                // answer may be the first to come.
                Ok(false) => {}
                Err(_) => failures += 1,
            }
            let part = 0.5 + 0.5 * self.random.borrow_mut().unit();
            self.cx.sleep(pause.mul_f64(part)).await;
            *pause = (*pause * 2).min(PAUSE_MAX);
            let left = deadline.since(self.cx.now().min(deadline));
            let Ok(Ok(root)) = self.cx.timeout(left, self.store.root()).await else {
                return Swung::Unknown;
            };
            let root = root.unwrap_or_else(|| self.first.clone());
            if let Some(swung) = fate(&root, from, to) {
                self.seen.replace(Some(root));
                return swung;
            }
        }
    }
}

/// What the root that is there says of a swing from one to another; `None` if it may yet happen.
fn fate(there: &Root, from: &Root, to: &Root) -> Option<Swung> {
    if there.name == to.name || there.past.contains(&to.name) {
        Some(Swung::Done)
    } else if there.name == from.name {
        None
    } else if there.past.contains(&from.name) {
        Some(Swung::Lost)
    } else {
        Some(Swung::Unknown)
    }
}

fn conflict(lost: u32) -> RpcError {
    let text = format!("others were quicker, {lost} times, and nothing was done");
    RpcError::new(ErrorCode::TXN_CONFLICT, text)
}

fn unavailable() -> RpcError {
    let text = "the store does not answer: the transaction was not begun";
    RpcError::new(ErrorCode::TEMPORARILY_UNAVAILABLE, text)
}

fn unknown() -> RpcError {
    RpcError::new(ErrorCode::TIMEOUT, "nobody knows whether the transaction took place")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_that_is_there_tells_what_became_of_another() {
        let root =
            |before: &Root, name: &str| Root::after(before, name.into(), State::empty_whole());
        let first = Root { name: "".into(), past: VecDeque::new(), state: State::empty_whole() };
        let from = root(&first, "from");
        let ours = root(&from, "ours");
        let theirs = root(&from, "theirs");
        let mut late = root(&ours, "late");
        for (there, expected) in [
            (&ours, Some(Swung::Done)),
            (&late, Some(Swung::Done)),
            (&from, None),
            (&theirs, Some(Swung::Lost)),
            (&root(&theirs, "more"), Some(Swung::Lost)),
            (&first, Some(Swung::Unknown)),
        ] {
            assert_eq!(fate(there, &from, &ours), expected, "{there:?}");
        }
        // Where there was no root, any other than ours tells.
        assert_eq!(fate(&theirs, &first, &ours), Some(Swung::Lost));
        for number in 0..=PAST_MAX {
            late = root(&late, &number.to_string());
        }
        assert_eq!(late.past.len(), PAST_MAX);
        assert_eq!(fate(&late, &from, &ours), Some(Swung::Unknown));
    }
}
