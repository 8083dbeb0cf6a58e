//! A node's share in the sum, and its copy of the others'.
//!
//! Every node has a key of its own in the store, which holds the total of what was added there, and
//! which nobody else writes: nodes never get into each other's way. The sum is that of all keys.
//!
//! **Adding.** One write is on its way at a time; what is added meanwhile goes into the next. An
//! add is acknowledged when it is in the store. Writes are compare-and-sets from the entry that
//! this node put there last to a new one that differs from all others by its tag. So one that got
//! no answer can be repeated: an attempt that arrives late, or twice, finds that the entry it would
//! replace is gone for ever; and if an attempt finds that, a look at the key tells which of both it
//! was, our own earlier attempt or the life that this node had before it was restarted.
//!
//! **Reading.** A read answers with the node's own total and a copy of the others', if that is
//! fresh enough; else it looks at their keys first. In a sequentially consistent store looking is
//! not enough, since it may show an old state for ever. But all clients see the same states in the
//! same order, none goes back behind one that it made itself, and one that changes something is the
//! newest. So before it looks, a node makes a state: by a *barrier*, the write of a value that was
//! never there. A write of its own total is one as well, and for that reason the time to look is
//! just after one, when the copy is growing old.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::sync::Notify;
use kolk_node::{Context, ErrorCode, RpcError, Time};

use crate::settings::Settings;
use crate::store::{Entry, Store};

/// The first pause after a write that was not performed, or whose outcome is unknown; each pause is
/// twice the one before.
const PAUSE: Duration = Duration::from_millis(20);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A node's view of the sum.
pub struct Ledger {
    cx: Context,
    store: Store,
    settings: Settings,
    /// What was added here in this life.
    accepted: Cell<u64>,
    /// As much of it is in the store.
    stored: Cell<u64>,
    own: Cell<Own>,
    /// What is being written to this node's key.
    attempt: Cell<Option<Entry>>,
    work: Notify,
    has_stored: Notify,
    /// The totals of the other nodes.
    others: RefCell<BTreeMap<String, u64>>,
    /// `others` holds all that was acknowledged before this.
    fresh_at: Cell<Option<Time>>,
    is_looking: Cell<bool>,
    has_looked: Notify,
    /// True if a client has read from `others` since they were looked at.
    was_read: Cell<bool>,
}

/// This node's own key, as far as it is known.
#[derive(Clone, Copy)]
enum Own {
    /// There may be an entry of an earlier life.
    Unknown,
    Known(Option<Entry>),
}

impl Own {
    fn entry(self) -> Option<Entry> {
        match self {
            Own::Unknown => None,
            Own::Known(entry) => entry,
        }
    }
}

fn key(node: &str) -> String {
    format!("count-{node}")
}

fn total(entry: Option<Entry>) -> u64 {
    entry.map_or(0, |entry| entry.total)
}

impl Ledger {
    /// Begins with nothing known.
    pub fn new(cx: &Context, store: Store, settings: Settings) -> Rc<Ledger> {
        let ledger = Rc::new(Ledger {
            cx: cx.clone(),
            store,
            settings,
            accepted: Cell::new(0),
            stored: Cell::new(0),
            own: Cell::new(Own::Unknown),
            attempt: Cell::new(None),
            work: Notify::new(),
            has_stored: Notify::new(),
            others: RefCell::default(),
            fresh_at: Cell::new(None),
            is_looking: Cell::new(false),
            has_looked: Notify::new(),
            was_read: Cell::new(false),
        });
        cx.spawn(Rc::clone(&ledger).keep_storing());
        ledger
    }

    /// Adds to the sum; returns when that is in the store, or with write-behind at once.
    pub async fn add(&self, growth: u64) {
        if growth == 0 {
            // That changes nothing, so there is nothing to store.
            return;
        }
        let mine = self.accepted.get() + growth;
        self.accepted.set(mine);
        self.work.notify_one();
        while self.settings.write_behind.is_none() && self.stored.get() < mine {
            self.has_stored.notified().await;
        }
    }

    /// The sum: all that was acknowledged here, and all that was acknowledged anywhere when the
    /// copy was fresh.
    ///
    /// # Errors
    ///
    /// Error 11 if the store does not answer.
    pub async fn read(&self) -> Result<u64, RpcError> {
        self.was_read.set(true);
        let asked_at = self.cx.now();
        while !self.is_fresh() && self.fresh_at.get().is_none_or(|at| at < asked_at) {
            if self.is_looking.get() {
                self.has_looked.notified().await;
                continue;
            }
            let refreshed = self.look_after(async { self.store.barrier().await }).await;
            refreshed.map_err(|error| {
                let text = format!("the other nodes' totals cannot be read: {error}");
                RpcError::new(ErrorCode::TEMPORARILY_UNAVAILABLE, text)
            })?;
        }
        Ok(self.own_total() + self.others.borrow().values().sum::<u64>())
    }

    fn own_total(&self) -> u64 {
        let unstored = match self.settings.write_behind {
            Some(_) => self.accepted.get() - self.stored.get(),
            None => 0,
        };
        total(self.own.get().entry()) + unstored
    }

    fn is_fresh(&self) -> bool {
        self.fresh_at.get().is_some_and(|at| self.cx.now() < at + self.settings.fresh)
    }

    /// Looks at the other nodes' keys after something that makes a new state, or has made one
    /// when it is done. One looks at a time.
    async fn look_after(
        &self,
        barrier: impl Future<Output = Result<(), RpcError>>,
    ) -> Result<(), RpcError> {
        let as_of = self.cx.now();
        self.is_looking.set(true);
        let looked = match barrier.await {
            Ok(()) => self.look(as_of).await,
            Err(error) => Err(error),
        };
        self.is_looking.set(false);
        self.has_looked.notify_all();
        looked
    }

    /// Reads the keys; what they hold is at least as new as `as_of`.
    async fn look(&self, as_of: Time) -> Result<(), RpcError> {
        let is_own_unknown = matches!(self.own.get(), Own::Unknown);
        let me = self.cx.node_id();
        let names = self.cx.node_ids().iter().filter(|name| is_own_unknown || *name != me);
        let reads = names.map(|name| async move { (name, self.store.read(&key(name)).await) });
        let entries = join_all(reads).await;
        for (name, entry) in entries {
            let entry = entry?;
            if name != me {
                let mut others = self.others.borrow_mut();
                let known = others.entry(name.clone()).or_default();
                *known = (*known).max(total(entry));
            } else if matches!(self.own.get(), Own::Unknown)
                && (entry.is_none() || entry != self.attempt.get())
            {
                // Our own attempt counts when its answer comes: until then it is not stored.
                self.own.set(Own::Known(entry));
            }
        }
        self.was_read.set(false);
        self.fresh_at.set(self.fresh_at.get().max(Some(as_of)));
        Ok(())
    }

    /// Stores what is added, for ever.
    async fn keep_storing(self: Rc<Self>) {
        loop {
            self.work.notified().await;
            if let Some(pause) = self.settings.write_behind {
                self.cx.sleep(pause).await;
            }
            while self.stored.get() < self.accepted.get() {
                let begun = self.cx.now();
                let accepted = self.accepted.get();
                let entry = self.store_more(accepted - self.stored.get()).await;
                self.own.set(Own::Known(Some(entry)));
                self.stored.set(accepted);
                self.has_stored.notify_all();
                self.look_if_due(begun).await;
            }
        }
    }

    /// The store has just taken a new entry of this node: no barrier is needed to look.
    async fn look_if_due(&self, stored_at: Time) {
        let is_due = self
            .fresh_at
            .get()
            .is_none_or(|at| stored_at >= at + self.settings.fresh.mul_f64(0.75));
        if is_due && self.was_read.get() && !self.is_looking.get() {
            self.is_looking.set(true);
            // If it fails, the next read looks and says so.
            let _ = self.look(stored_at).await;
            self.is_looking.set(false);
            self.has_looked.notify_all();
        }
    }

    /// Brings this node's key to what it holds and `growth` more, however long it takes.
    async fn store_more(&self, growth: u64) -> Entry {
        let mut random = self.cx.rng();
        let mut entry_above = |from: Option<Entry>| Entry {
            total: total(from) + growth,
            // Other programs that read the store may keep numbers as floats of 53 bits.
            tag: random.next_u64() >> 11,
        };
        let key = key(self.cx.node_id());
        let mut from = self.own.get().entry();
        let mut to = entry_above(from);
        let mut pause = PAUSE;
        let mut jitter = self.cx.rng();
        loop {
            self.attempt.set(Some(to));
            match self.store.replace(&key, from, to).await {
                Ok(true) => return to,
                // It surely was not performed; but maybe because an earlier attempt was.
                Ok(false) | Err(RpcError { code: ErrorCode::KEY_DOES_NOT_EXIST, .. }) => {
                    match self.read_latest(&key).await {
                        Ok(Some(current)) if current == to => return to,
                        // What we would replace is gone for good: no attempt can come true any
                        // more.
                        Ok(current) if current != from => {
                            from = current;
                            to = entry_above(from);
                        }
                        Ok(_) | Err(_) => {}
                    }
                }
                // The outcome is unknown: the same attempt once more.
                Err(_) => {}
            }
            self.cx.sleep(pause.mul_f64(0.5 + 0.5 * jitter.unit())).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn read_latest(&self, key: &str) -> Result<Option<Entry>, RpcError> {
        self.store.barrier().await?;
        self.store.read(key).await
    }
}

/// Waits for all of them at once.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        let mut is_done = true;
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(cx) {
                std::task::Poll::Ready(value) => *output = Some(value),
                std::task::Poll::Pending => is_done = false,
            }
        }
        if is_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}
