//! Values that every node of a cluster comes to hold: a replicated set that only grows.
//!
//! A value is added at one node, its *origin*, which numbers its own values 0, 1, 2, …; with that
//! it is known everywhere, and a [`VersionVector`] says what a node holds. How values travel is the
//! [`Strategy`]'s business; that they arrive is the same business for all of them:
//!
//! - A node tells a peer what it should know as a *stream*: the parts of its log that are for this
//!   peer, numbered by their position in the log. One number acknowledges everything before it, and
//!   acknowledgements ride on whatever is sent anyway; only if nothing was sent for
//!   [`Settings::ack`] do they travel alone.
//! - A part that is missing is noticed when a later one comes, and asked for; or when the peer says
//!   something that would acknowledge it and does not; or when no acknowledgement comes in time. It
//!   is repeated with the demand to answer at once, after round-trip times that are measured, with
//!   pauses that grow, but never beyond a second.
//! - A peer that does not answer is only asked whether it is there, until it is; then it gets what
//!   it missed, in pieces.
//! - The node that passes on values (the hub, where there is one) is the first node that answers. A
//!   node that takes over as hub compares version vectors with all others.
//! - A node that learns from a version vector, or from a number that was left out, that a value is
//!   missing asks for it: first the node that it learned that from, then random peers.
//!
//! Nothing is sent when nothing is missing. What has been acknowledged is not remembered but in the
//! values themselves.
//!
//! The values of an origin stand beside each other, or each says everything that the one before
//! said and takes its place: see [`Keep`].
//!
//! ```
//! use kolk_replica::gossip::{Gossip, Settings};
//! use kolk_node::workload::g_set::{Reply, Request};
//! use kolk_node::{Context, Node, RpcError};
//!
//! struct Set {
//!     elements: Gossip<i64>,
//! }
//!
//! impl Node for Set {
//!     type Request = Request;
//!     type Reply = Reply;
//!
//!     async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
//!         Ok(match request {
//!             Request::Add { element } => {
//!                 self.elements.add(element);
//!                 Reply::AddOk {}
//!             }
//!             Request::Read {} => Reply::ReadOk { value: self.elements.values().to_vec() },
//!         })
//!     }
//! }
//!
//! let machine = kolk_node::machine(|cx| Set {
//!     elements: Gossip::new(cx, Settings::default(), |_| {}),
//! });
//! # drop(machine);
//! ```

mod link;
mod log;
mod repair;
mod replica;
mod rhythm;
mod runs;
mod settings;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod version;
mod wire;

use std::cell::{Cell, Ref, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use kolk_node::Time;
use serde::Serialize;
use serde::de::DeserializeOwned;

use kolk_node::Context;
use kolk_node::sync::Notify;
use replica::Replica;
pub(crate) use settings::{Draft, usage_lines};
pub use settings::{Settings, Strategy, USAGE};
pub use store::Keep;
pub use version::VersionVector;
use wire::Message;

/// A node's share in the values of its cluster. Cheap to clone, and every clone is the same.
///
/// A node has one; a second one of the same node would wait for messages that the first gets.
pub struct Gossip<T> {
    inner: Rc<Inner<T>>,
}

/// The callback that is told of every new value.
type OnValue<T> = Box<dyn FnMut(&T)>;

struct Inner<T> {
    cx: Context,
    /// All nodes by name, in the same order at every node: what packets call them.
    names: Vec<String>,
    replica: RefCell<Replica<T>>,
    on_value: RefCell<OnValue<T>>,
    /// When the timer's task wakes up, unless it is told otherwise.
    wakes_at: Cell<Option<Time>>,
    sooner: Notify,
}

impl<T> fmt::Debug for Gossip<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gossip").field("cx", &self.inner.cx).finish_non_exhaustive()
    }
}

impl<T> Clone for Gossip<T> {
    fn clone(&self) -> Gossip<T> {
        Gossip { inner: Rc::clone(&self.inner) }
    }
}

impl<T: Clone + Serialize + DeserializeOwned + 'static> Gossip<T> {
    /// Begins to listen to the peers, and keeps all values. `on_value` is told of every value that
    /// is new at this node, those that are added here included, once and in the order of
    /// [`Gossip::values`]; it must not add any itself.
    pub fn new(cx: &Context, settings: Settings, on_value: impl FnMut(&T) + 'static) -> Gossip<T> {
        Gossip::keeping(Keep::All, cx, settings, on_value)
    }

    /// Begins to listen to the peers, as [`Gossip::new`] does, and keeps the values that `keep`
    /// says. With [`Keep::Newest`], `on_value` is not told of values that arrive after a newer one.
    pub fn keeping(
        keep: Keep,
        cx: &Context,
        settings: Settings,
        on_value: impl FnMut(&T) + 'static,
    ) -> Gossip<T> {
        let (names, me) = places(cx);
        let replica = Replica::new(me, names.len(), keep, settings, cx.rng());
        let gossip = Gossip {
            inner: Rc::new(Inner {
                cx: cx.clone(),
                names,
                replica: RefCell::new(replica),
                on_value: RefCell::new(Box::new(on_value)),
                wakes_at: Cell::new(None),
                sooner: Notify::new(),
            }),
        };
        gossip.listen(cx);
        let inner = Rc::clone(&gossip.inner);
        cx.spawn(async move { inner.keep_time().await });
        gossip
    }

    fn listen(&self, cx: &Context) {
        let inner = Rc::clone(&self.inner);
        cx.receive(move |cx, Message::Gossip(packet)| match inner.place(cx.src()) {
            Some(src) => inner.act(|replica, now| replica.receive(now, src, packet)),
            None => cx.log(format_args!("gossip from {}, who is no node", cx.src())),
        });
    }

    /// Adds a value at this node. It leaves for the other nodes at once or when its strategy says.
    pub fn add(&self, value: T) {
        self.inner.act(|replica, now| replica.add(now, value));
    }

    /// All values held here, in the order in which they came (with [`Keep::Newest`]: in which the
    /// first of their origin came). They must not stay borrowed across an
    /// `.await`.
    pub fn values(&self) -> Ref<'_, [T]> {
        Ref::map(self.inner.replica.borrow(), Replica::values)
    }

    /// How many values of each node are held here without a hole; nodes are in the order of their
    /// names, shorter names first.
    pub fn version(&self) -> VersionVector {
        self.inner.replica.borrow().version().clone()
    }

    /// Sets the neighbours of this node, for [`Strategy::Neighbours`]: until this is called it
    /// speaks with no other node. Other strategies ignore it.
    pub fn set_neighbours(&self, names: &[String]) {
        if matches!(self.inner.replica.borrow().strategy(), Strategy::Neighbours { .. }) {
            let places: Vec<u32> = names.iter().filter_map(|name| self.inner.place(name)).collect();
            self.inner.act(|replica, now| replica.set_neighbours(now, &places));
        }
    }
}

/// All nodes by name, in the same order at every node, shorter names first; and this node's place
/// among them.
pub(crate) fn places(cx: &Context) -> (Vec<String>, u32) {
    let mut names = cx.node_ids().to_vec();
    names.sort_unstable_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let me = names.iter().position(|name| name == cx.node_id()).unwrap_or(names.len());
    if me == names.len() {
        names.push(cx.node_id().to_owned());
    }
    (names, me as u32)
}

impl<T: Clone + Serialize> Inner<T> {
    fn place(&self, name: &str) -> Option<u32> {
        let order = |other: &String| (other.len(), other.as_str()).cmp(&(name.len(), name));
        self.names.binary_search_by(order).ok().map(|place| place as u32)
    }

    /// Lets the replica act, sends what it says, and tells of what is new.
    fn act(&self, act: impl FnOnce(&mut Replica<T>, Time)) {
        let now = self.cx.now();
        let mut replica = self.replica.borrow_mut();
        act(&mut replica, now);
        let fresh = replica.take_fresh();
        for (peer, packet) in replica.drain_outputs() {
            self.cx.send(&self.names[peer as usize], &Message::Gossip(packet));
        }
        if let Some(deadline) = replica.deadline()
            && self.wakes_at.get().is_none_or(|wakes_at| deadline < wakes_at)
        {
            self.wakes_at.set(Some(deadline));
            self.sooner.notify_one();
        }
        drop(replica);
        let replica = self.replica.borrow();
        let mut on_value = self.on_value.borrow_mut();
        fresh.iter().for_each(|place| on_value(&replica.values()[*place as usize]));
    }

    /// Wakes the replica when it wants to be. A deadline that has moved back wakes it for nothing
    /// once; one that has moved forward is told by `sooner`.
    async fn keep_time(&self) {
        loop {
            let mut sooner = pin!(self.sooner.notified());
            let mut sleep = self.wakes_at.get().map(|at| self.cx.sleep_until(at));
            poll_fn(|cx| match &mut sleep {
                Some(sleep) => match Pin::new(sleep).poll(cx) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => sooner.as_mut().poll(cx),
                },
                None => sooner.as_mut().poll(cx),
            })
            .await;
            if self.wakes_at.get().is_some_and(|at| at <= self.cx.now()) {
                self.wakes_at.set(None);
                self.act(Replica::wake);
            }
        }
    }
}
