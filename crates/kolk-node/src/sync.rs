//! Signals and queues between the tasks of one node. Everything is on one thread: no locks.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{self, Poll, Waker};

/// A signal between tasks.
///
/// [`Notify::notify_one`] lets one waiting task go on, or the next one that waits;
/// [`Notify::notify_all`] lets all go on that wait now.
#[derive(Debug, Default)]
pub struct Notify {
    /// True after a `notify_one` for which no task has waited yet.
    permit: Cell<bool>,
    waiting: RefCell<BTreeMap<u64, Waiter>>,
    count: Cell<u64>,
}

#[derive(Debug)]
enum Waiter {
    Waits(Waker),
    One,
    All,
}

impl Notify {
    /// A signal that has not been given.
    pub fn new() -> Notify {
        Notify::default()
    }

    /// Lets the task go on that has waited longest; if none waits, the next that does. Not counted:
    /// twice in advance is the same as once.
    pub fn notify_one(&self) {
        let mut waiting = self.waiting.borrow_mut();
        for waiter in waiting.values_mut() {
            if let Waiter::Waits(_) = waiter {
                if let Waiter::Waits(waker) = std::mem::replace(waiter, Waiter::One) {
                    waker.wake();
                }
                return;
            }
        }
        self.permit.set(true);
    }

    /// Lets every task go on that waits now.
    pub fn notify_all(&self) {
        for waiter in self.waiting.borrow_mut().values_mut() {
            if let Waiter::Waits(waker) = std::mem::replace(waiter, Waiter::All) {
                waker.wake();
            }
        }
    }

    /// Waits for the signal.
    pub fn notified(&self) -> Notified<'_> {
        Notified { notify: self, number: None }
    }
}

/// The future that waits for a signal: see [`Notify::notified`].
#[derive(Debug)]
#[must_use = "waits only when awaited"]
pub struct Notified<'a> {
    notify: &'a Notify,
    number: Option<u64>,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let notify = self.notify;
        let mut waiting = notify.waiting.borrow_mut();
        match self.number {
            None if notify.permit.take() => return Poll::Ready(()),
            None => {
                notify.count.set(notify.count.get() + 1);
                self.number = Some(notify.count.get());
                waiting.insert(notify.count.get(), Waiter::Waits(cx.waker().clone()));
            }
            Some(number) => match waiting.get_mut(&number) {
                Some(Waiter::Waits(waker)) => waker.clone_from(cx.waker()),
                _ => {
                    waiting.remove(&number);
                    self.number = None;
                    return Poll::Ready(());
                }
            },
        }
        Poll::Pending
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waiter = self.notify.waiting.borrow_mut().remove(&number);
            // Chosen, but gone before it could go on: the signal must not be lost with it.
            if let Some(Waiter::One) = waiter {
                self.notify.notify_one();
            }
        }
    }
}

/// An unbounded queue from any number of senders to one receiver.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let queue = Rc::new(Queue {
        items: RefCell::new(VecDeque::new()),
        waiting: RefCell::new(None),
        senders: Cell::new(1),
    });
    (Sender { queue: Rc::clone(&queue) }, Receiver { queue })
}

#[derive(Debug)]
struct Queue<T> {
    items: RefCell<VecDeque<T>>,
    waiting: RefCell<Option<Waker>>,
    senders: Cell<usize>,
}

impl<T> Queue<T> {
    fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

/// The end of a [`channel`] that puts items in.
#[derive(Debug)]
pub struct Sender<T> {
    queue: Rc<Queue<T>>,
}

impl<T> Sender<T> {
    /// Puts an item at the end of the queue. If the receiver is gone, the item is lost.
    pub fn send(&self, item: T) {
        self.queue.items.borrow_mut().push_back(item);
        self.queue.wake();
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.queue.senders.set(self.queue.senders.get() + 1);
        Sender { queue: Rc::clone(&self.queue) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.queue.senders.set(self.queue.senders.get() - 1);
        if self.queue.senders.get() == 0 {
            self.queue.wake();
        }
    }
}

/// The end of a [`channel`] that takes items out.
#[derive(Debug)]
pub struct Receiver<T> {
    queue: Rc<Queue<T>>,
}

impl<T> Receiver<T> {
    /// The item at the front, when there is one; `None` when all senders are gone.
    pub async fn recv(&mut self) -> Option<T> {
        std::future::poll_fn(|cx| {
            if let Some(item) = self.try_recv() {
                return Poll::Ready(Some(item));
            }
            if self.queue.senders.get() == 0 {
                return Poll::Ready(None);
            }
            self.queue.waiting.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// The item at the front, if there is one now.
    pub fn try_recv(&mut self) -> Option<T> {
        self.queue.items.borrow_mut().pop_front()
    }
}
