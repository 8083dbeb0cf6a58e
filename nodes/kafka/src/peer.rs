//! The state that a node keeps for another one: what it has to send, and what it has received.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::sync::Notify;
use kolk_node::{Context, Time};
use kolk_replica::once::{Numbers, Performed};

use crate::log::Message;
use crate::wire::{Exchange, Key};

/// Committed offsets are told at most this often.
const COMMITS_EVERY: Duration = Duration::from_millis(250);

/// How long committed offsets wait for a message to ride on.
const COMMITS_PATIENCE: Duration = Duration::from_secs(1);

/// The answer that a client's send waits for.
#[derive(Default)]
pub struct Receipt {
    offset: Cell<Option<u64>>,
    given: Notify,
}

impl Receipt {
    /// Gives the receipt the message's offset, now that the message is safe.
    pub fn give(&self, offset: u64) {
        self.offset.set(Some(offset));
        self.given.notify_all();
    }

    /// Waits for the offset.
    pub async fn offset(&self) -> u64 {
        loop {
            if let Some(offset) = self.offset.get() {
                return offset;
            }
            self.given.notified().await;
        }
    }
}

/// Something that must arrive at a peer.
#[derive(Clone)]
pub enum Item {
    /// A message for a log of the peer's.
    Forward { number: u64, key: Key, message: Message, receipt: Rc<Receipt> },
    /// A message of a log of ours.
    Entry { key: Key, offset: u64, message: Message, receipt: Rc<Receipt> },
    /// Nothing in itself: committed offsets want to be told.
    Commits,
}

/// Another node.
pub struct Peer {
    pub name: String,
    /// The numbers of the messages that are forwarded to the peer.
    numbers: RefCell<Numbers>,
    /// The offsets of what the peer forwarded and may forward again.
    taken: RefCell<Performed<u64>>,
    commits: Commits,
}

/// Committed offsets that a peer has not been told.
#[derive(Default)]
pub struct Commits {
    offsets: RefCell<BTreeMap<Key, u64>>,
    /// Since when there have been offsets to tell.
    since: Cell<Time>,
    told: Cell<Option<Time>>,
    /// True while a task sees to it that they are told in the end.
    watched: Cell<bool>,
}

impl Commits {
    /// Adds a committed offset.
    fn add(&self, now: Time, key: &Key, offset: u64) {
        let mut offsets = self.offsets.borrow_mut();
        if offsets.is_empty() {
            self.since.set(now);
        }
        let known = offsets.entry(Rc::clone(key)).or_insert(offset);
        *known = (*known).max(offset);
    }

    /// When committed offsets may be told again.
    fn due(&self) -> Time {
        self.told.get().map_or(Time::ZERO, |told| told + COMMITS_EVERY)
    }

    /// Takes the committed offsets, if it is time to tell them.
    fn take(&self, now: Time) -> BTreeMap<Key, u64> {
        if self.due() > now || self.offsets.borrow().is_empty() {
            return BTreeMap::new();
        }
        self.told.set(Some(now));
        self.offsets.take()
    }

    /// When the offsets must be told without waiting for another message; `None` if there are none.
    fn overdue(&self) -> Option<Time> {
        let waits = !self.offsets.borrow().is_empty();
        waits.then(|| self.due().max(self.since.get() + COMMITS_PATIENCE))
    }
}

impl Peer {
    pub fn new(name: String) -> Peer {
        Peer {
            name,
            numbers: RefCell::default(),
            taken: RefCell::default(),
            commits: Commits::default(),
        }
    }

    /// A number for a message to be forwarded.
    pub fn number(&self) -> u64 {
        self.numbers.borrow_mut().issue()
    }

    /// What is sent for these items, and committed offsets if it is time for them.
    pub fn exchange(&self, cx: &Context, items: &[Item]) -> Exchange {
        let answered = self.numbers.borrow().floor();
        let mut exchange = Exchange { answered, ..Exchange::default() };
        for item in items {
            match item {
                Item::Forward { number, key, message, .. } => {
                    exchange.forwards.push((*number, Rc::clone(key), Rc::clone(message)));
                }
                Item::Entry { key, offset, message, .. } => {
                    exchange.entries.push((Rc::clone(key), *offset, Rc::clone(message)));
                }
                Item::Commits => {}
            }
        }
        exchange.commits = self.commits.take(cx.now());
        exchange
    }

    /// A committed offset that has to be told. It rides on the next exchange that is due to carry
    /// any; `alone` is called if none comes.
    pub fn commit(
        self: &Rc<Self>,
        cx: &Context,
        key: &Key,
        offset: u64,
        alone: impl FnOnce() + 'static,
    ) {
        self.commits.add(cx.now(), key, offset);
        if self.commits.watched.replace(true) {
            return;
        }
        let (peer, cx) = (Rc::clone(self), cx.clone());
        cx.clone().spawn(async move {
            while let Some(at) = peer.commits.overdue() {
                if at <= cx.now() {
                    alone();
                    break;
                }
                cx.sleep_until(at).await;
            }
            peer.commits.watched.set(false);
        });
    }

    /// An exchange was not answered: committed offsets have to be told again, and soon.
    pub fn failed(&self, now: Time, exchange: &Exchange) {
        if exchange.commits.is_empty() {
            return;
        }
        self.commits.told.set(None);
        for (key, offset) in &exchange.commits {
            self.commits.add(now, key, *offset);
        }
    }

    /// A forward was answered.
    pub fn answered(&self, number: u64) {
        self.numbers.borrow_mut().close(number);
    }

    /// Takes what the peer forwarded: `append` is called for what has not come before, and gives
    /// the offset. `None` if the peer has long had its answer: this is a late copy.
    pub fn take(
        &self,
        exchange: &Exchange,
        mut append: impl FnMut(&Key, &Message) -> u64,
    ) -> Option<Vec<u64>> {
        let mut taken = self.taken.borrow_mut();
        taken.raise_floor(exchange.answered);
        let forwards = exchange.forwards.iter();
        forwards
            .map(|(number, key, message)| taken.once(*number, || append(key, message)))
            .collect()
    }
}
