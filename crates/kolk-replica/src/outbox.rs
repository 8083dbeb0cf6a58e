//! Items for one peer that must arrive: batched, repeated until answered, with a verdict on the
//! peer.
//!
//! An item waits in the outbox until its time has come, and then everything that waits leaves as
//! one batch. Several batches may be on their way. One that is not answered in time (a patience
//! learned from round trips, doubled with every failure) goes back to the front of the queue and
//! leaves again, together with what has come since. The receiver must therefore recognise what it
//! got before.
//!
//! When nothing has been answered for a while, though something should have been, the peer counts
//! as [silent](Outbox::is_silent): then only one batch at a time is on its way, as a probe, and the
//! holder may refuse work that needs the peer rather than begin what it cannot finish.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use kolk_node::{RpcError, Time};

use crate::round_trip::RoundTrip;
use kolk_node::Context;

/// The longest patience with a batch.
const PATIENCE_MAX: Duration = Duration::from_secs(1);

/// The peer counts as silent when it has not answered for this long.
const SILENT_AFTER: Duration = Duration::from_secs(1);

type Delivery = Pin<Box<dyn Future<Output = Result<(), RpcError>>>>;

/// Items for one peer that must arrive: see the [module](self). An outbox is cheap to clone, and
/// its clones are the same outbox.
pub struct Outbox<T> {
    inner: Rc<Inner<T>>,
}

impl<T> fmt::Debug for Outbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("cx", &self.inner.cx).finish_non_exhaustive()
    }
}

impl<T> Clone for Outbox<T> {
    fn clone(&self) -> Outbox<T> {
        Outbox { inner: Rc::clone(&self.inner) }
    }
}

struct Inner<T> {
    cx: Context,
    deliver: Box<dyn Fn(Rc<[T]>, Duration) -> Delivery>,
    waiting: RefCell<VecDeque<T>>,
    /// When the next batch leaves.
    due: Cell<Option<Time>>,
    /// How many batches are on their way.
    under_way: Cell<usize>,
    /// Since when the peer owes an answer and has given none.
    owing_since: Cell<Option<Time>>,
    /// Failures since the last answer.
    failures: Cell<u32>,
    round_trip: RefCell<RoundTrip>,
}

impl<T: Clone + 'static> Outbox<T> {
    /// An empty outbox. `deliver` sends a batch, waits for the answer at most as long as it is told
    /// ([`Context::rpc_within`]), and does what the answer asks for.
    pub fn new<F>(cx: &Context, deliver: impl Fn(Rc<[T]>, Duration) -> F + 'static) -> Outbox<T>
    where
        F: Future<Output = Result<(), RpcError>> + 'static,
    {
        let inner = Inner {
            cx: cx.clone(),
            deliver: Box::new(move |batch, patience| Box::pin(deliver(batch, patience))),
            waiting: RefCell::new(VecDeque::new()),
            due: Cell::new(None),
            under_way: Cell::new(0),
            owing_since: Cell::new(None),
            failures: Cell::new(0),
            round_trip: RefCell::new(RoundTrip::default()),
        };
        Outbox { inner: Rc::new(inner) }
    }

    /// Puts an item in. It leaves after `delay` at the latest: with the next batch, if one leaves
    /// earlier. Without a delay it leaves when the tasks that are ready now have had their turn, so
    /// that what comes in at one instant shares a batch.
    pub fn push(&self, item: T, delay: Duration) {
        self.inner.waiting.borrow_mut().push_back(item);
        self.inner.schedule(self.inner.cx.now() + delay);
    }

    /// True if the peer has not answered for a second although an answer was due.
    pub fn is_silent(&self) -> bool {
        self.inner.is_silent()
    }

    /// The number of items that wait to be sent; those under way are not counted.
    pub fn len(&self) -> usize {
        self.inner.waiting.borrow().len()
    }

    /// True if no item waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Clone + 'static> Inner<T> {
    fn is_silent(&self) -> bool {
        let now = self.cx.now();
        self.owing_since.get().is_some_and(|since| now - since >= SILENT_AFTER)
    }

    fn patience(&self) -> Duration {
        let patience = self.round_trip.borrow().patience();
        // Never less than what was learned, even where that is longer than the longest patience.
        let doubled = patience * (1 << self.failures.get().min(10));
        doubled.min(PATIENCE_MAX.max(patience))
    }

    /// Lets a batch leave at this instant, unless one leaves earlier anyway.
    fn schedule(self: &Rc<Self>, at: Time) {
        if self.due.get().is_some_and(|due| due <= at) {
            return;
        }
        self.due.set(Some(at));
        let this = Rc::clone(self);
        self.cx.spawn(async move {
            this.cx.sleep_until(at).await;
            // Another one may have been scheduled for an earlier time, and is done.
            if this.due.get() == Some(at) {
                this.due.set(None);
                this.flush().await;
            }
        });
    }

    async fn flush(self: &Rc<Self>) {
        let probing = self.is_silent() && self.under_way.get() > 0;
        if probing || self.waiting.borrow().is_empty() {
            return;
        }
        let batch: Rc<[T]> = self.waiting.borrow_mut().drain(..).collect();
        let (began, patience) = (self.cx.now(), self.patience());
        self.under_way.set(self.under_way.get() + 1);
        if self.owing_since.get().is_none() {
            self.owing_since.set(Some(began));
        }
        let delivered = (self.deliver)(Rc::clone(&batch), patience).await;
        self.under_way.set(self.under_way.get() - 1);
        let now = self.cx.now();
        let next = match &delivered {
            Ok(()) => {
                self.round_trip.borrow_mut().sample(now - began);
                self.failures.set(0);
                let owes = self.under_way.get() > 0;
                self.owing_since.set(owes.then_some(now));
                now
            }
            Err(_) => {
                self.failures.set(self.failures.get() + 1);
                let mut waiting = self.waiting.borrow_mut();
                batch.iter().rev().for_each(|item| waiting.push_front(item.clone()));
                // A peer that answers with an error at once is not asked again at once.
                now.max(began + patience)
            }
        };
        // What gathers on purpose has its time already.
        let nothing_due = self.due.get().is_none() && !self.waiting.borrow().is_empty();
        if delivered.is_err() || nothing_due {
            self.schedule(next);
        }
    }
}
