//! A state machine that is the same on every node: the library replicates it by Raft.
//!
//! [`State`] says what it is: what commands do to it, what can be asked of it, and how all of it is
//! put into one value and made again from that. [`replicated`] starts this node's copy. A command
//! that was acknowledged stands on the disks of a majority of the nodes, and all commands and
//! queries behave as if there were one copy and they happened one after the other, in an order that
//! keeps real time: the whole is linearizable, whatever is lost, repeated, cut off, killed or
//! without power. As long as a majority of the nodes runs and can speak with each other it answers.
//!
//! ```
//! use kolk_node::{Context, Node, RpcError};
//! use kolk_replica::replicated::{Replicated, Settings, State};
//! use serde::{Deserialize, Serialize};
//!
//! /// A counter. Commands add to it.
//! #[derive(Default)]
//! struct Sum(i64);
//!
//! impl State for Sum {
//!     type Command = i64;
//!     type Query = ();
//!     type Output = i64;
//!     type Snapshot = i64;
//!
//!     fn apply(&mut self, delta: &i64) -> i64 {
//!         self.0 += delta;
//!         self.0
//!     }
//!
//!     fn query(&self, (): &()) -> i64 {
//!         self.0
//!     }
//!
//!     fn snapshot(&self) -> i64 {
//!         self.0
//!     }
//!
//!     fn restore(sum: &i64) -> Sum {
//!         Sum(*sum)
//!     }
//! }
//!
//! async fn visit(counter: &Replicated<Sum>) -> Result<i64, RpcError> {
//!     counter.perform(1).await?;
//!     counter.query(()).await
//! }
//!
//! // In a node's factory:
//! fn make(cx: &Context) -> Replicated<Sum> {
//!     kolk_replica::replicated(cx, Settings::default())
//! }
//! ```
//!
//! # How
//!
//! One node leads, and the others hand it what their clients ask: a command becomes an entry of the
//! log, a query waits until a majority has confirmed that the leader still is one. Each request has
//! a number, and the number of the node's life goes with it, so that one that is repeated because
//! no answer came, or that the network delivers twice, is performed once (sessions, §6.3 of
//! Ongaro's thesis). [`kolk_raft`] has the rules.
//!
//! What must survive a crash is in the file `raft-log` of the node's [disk](kolk_node::storage). A
//! node that nobody gave a disk, as under Maelstrom, keeps it in memory and says so in its log: it
//! must not be started again.
//!
//! An election begins when nothing was heard of the leader for 100 ms to 200 ms, or for as much
//! longer as round trips between the nodes take longer than 50 ms. A cluster that has nothing
//! to do lets its clocks go slower, so that fewer messages say that the leader is there; the first
//! request makes them run again.
//!
//! A node says in its log what it is: a line such as
//! `state {"term":3,"role":"leader","leader":"n1","commit":17,"log":[1,20]}`, where `log` has the
//! first and the last entry that are kept, as soon as term, role or leader change, and when the log
//! grows, up to four times a second.

mod clock;
mod core;
mod disk;
mod machine;
mod requests;
mod telling;
mod wire;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use kolk_node::sync::Notify;
use kolk_node::{Context, RpcError, StorageError, Time};
use kolk_raft::{Index, Input, Members, Role, Stored, Term};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::core::{Core, Inputs};
use disk::Disk;
use machine::{Command, Image};
use requests::Until;
use telling::Telling;
use wire::{Ask, Wire};

/// A deterministic state machine: the same commands in the same order make the same of it, on every
/// machine. It begins as its default.
pub trait State: Default + 'static {
    /// What changes it.
    type Command: Serialize + DeserializeOwned + 'static;
    /// What can be asked of it and changes nothing.
    type Query: Serialize + DeserializeOwned + 'static;
    /// What comes of a command or of a query.
    type Output: Serialize + DeserializeOwned + Clone + 'static;
    /// All of it in one value.
    type Snapshot: Serialize + DeserializeOwned + 'static;

    /// Performs a command. What comes of it may depend on the state and on the command alone: not
    /// on time, randomness or the node.
    fn apply(&mut self, command: &Self::Command) -> Self::Output;

    /// Answers a query.
    fn query(&self, query: &Self::Query) -> Self::Output;

    /// All of it. It is taken every now and then, so that the log need not be kept.
    fn snapshot(&self) -> Self::Snapshot;

    /// What was put into the snapshot.
    fn restore(snapshot: &Self::Snapshot) -> Self;
}

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a leader that has something under way waits for more to send with the next
    /// messages.
    pub batch: Duration,
    /// After so many entries a snapshot takes the place of the log, but for a quarter as many,
    /// which are kept for those who are a little late. 1 at least.
    pub snapshot_every: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { batch: Duration::from_millis(5), snapshot_every: 2_000 }
    }
}

/// What a node is at the moment, as it knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub role: Role,
    /// The term.
    pub term: Term,
    /// The position in `init`'s list of the node that leads, if one is known to.
    pub leader: Option<usize>,
    /// Up to where the log is known to be committed.
    pub commit: Index,
    /// The first entry that the log still has; one more than the last if it has none.
    pub first: Index,
    /// Where the log ends.
    pub last: Index,
}

/// A node's copy of the state, and the way to have something done to all of them. Cheap to clone,
/// and every clone is the same.
pub struct Replicated<S: State>(Rc<Shared<S>>);

impl<S: State> Clone for Replicated<S> {
    fn clone(&self) -> Replicated<S> {
        Replicated(Rc::clone(&self.0))
    }
}

impl<S: State> std::fmt::Debug for Replicated<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replicated").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// What the node's tasks share.
struct Shared<S: State> {
    cx: Context,
    settings: Settings,
    disk: Disk,
    /// Nothing until the disk has been read, and when it has failed.
    core: RefCell<Option<Core<S>>>,
    is_read: Cell<bool>,
    read: Notify,
    /// Until when the task sleeps that keeps the deadlines, and what wakes it before.
    armed: Cell<Option<Time>>,
    rearm: Notify,
    telling: RefCell<Telling>,
}

/// Starts this node's copy; every node of the cluster does so as it starts. The nodes speak with
/// each other in messages of types of their own, whose names begin with `raft_` and which do not
/// come to the node's handler.
pub fn replicated<S: State>(cx: &Context, settings: Settings) -> Replicated<S> {
    let shared = Rc::new(Shared {
        cx: cx.clone(),
        settings,
        disk: Disk::new(cx),
        core: RefCell::new(None),
        is_read: Cell::new(false),
        read: Notify::new(),
        armed: Cell::new(None),
        rearm: Notify::new(),
        telling: RefCell::default(),
    });
    let this = Rc::clone(&shared);
    cx.receive(move |cx, wire: Wire<S::Command, S::Query, S::Output, S::Snapshot>| {
        this.react(|core, inputs| core.receive(cx.src(), wire, inputs));
    });
    cx.spawn(Rc::clone(&shared).run());
    Replicated(shared)
}

impl<S: State> Replicated<S> {
    /// Has a command performed, once, and gives what came of it.
    ///
    /// # Errors
    ///
    /// Error 11 if no node could be found that leads: the command is not performed. Error 0 if no
    /// answer came in time, and error 13 if the disk failed: it may have been performed, or may yet
    /// be.
    pub async fn perform(&self, command: S::Command) -> Result<S::Output, RpcError> {
        let command = |core: &mut Core<S>| Ask::Perform(Rc::new(core.order(command)));
        requests::request(&self.0, command, Until::Done).await
    }

    /// As [`Replicated::perform`]; and when it is over, this node's [own copy](Replicated::look)
    /// has it, and with it all that was acknowledged to anybody before it began. It costs no more
    /// messages, but the time until the leader tells that it is committed.
    ///
    /// # Errors
    ///
    /// Those of [`Replicated::perform`].
    pub async fn perform_here(&self, command: S::Command) -> Result<S::Output, RpcError> {
        let command = |core: &mut Core<S>| Ask::Perform(Rc::new(core.order(command)));
        requests::request(&self.0, command, Until::Here).await
    }

    /// Asks something of the state as it is now: all that was acknowledged to anybody before is in
    /// it.
    ///
    /// # Errors
    ///
    /// Error 11 if no answer came in time, error 13 if the disk failed.
    pub async fn query(&self, query: S::Query) -> Result<S::Output, RpcError> {
        let query = |core: &mut Core<S>| core.query(query);
        requests::request(&self.0, query, Until::Answered).await
    }

    /// What this node is at the moment; `None` until it has read its disk.
    pub fn status(&self) -> Option<Status> {
        self.0.core.borrow().as_ref().map(Core::status)
    }

    /// Looks at this node's own copy, as far as it has come, without a message: all in it is
    /// acknowledged or may be, but what others did last can be missing, and what this node showed
    /// in an earlier life. Waits until the disk was read.
    ///
    /// # Errors
    ///
    /// Error 13 if the disk failed.
    pub async fn look<T>(&self, look: impl FnOnce(&S) -> T) -> Result<T, RpcError> {
        self.0.ready().await;
        let core = self.0.core.borrow();
        core.as_ref().map(|core| look(core.state())).ok_or_else(requests::disk_failed)
    }
}

impl<S: State> Shared<S> {
    /// Reads the disk, and then keeps the deadlines.
    async fn run(self: Rc<Self>) {
        let found = self.disk.read().await;
        let founding = || Stored::founding(Members::voters(1..=self.cx.node_ids().len() as u64));
        match found {
            Ok(found) => {
                let stored = found.stored.unwrap_or_else(founding);
                let core = Core::new(&self.cx, self.settings, found.life, stored);
                *self.core.borrow_mut() = Some(core);
            }
            Err(error) => self.fail(&error),
        }
        self.is_read.set(true);
        self.read.notify_all();
        self.react(|_, inputs| inputs.push_back(Input::Tick));
        loop {
            let due = self.core.borrow().as_ref().and_then(Core::due);
            self.armed.set(due);
            match due {
                Some(due) if due <= self.cx.now() => {
                    self.react(|_, inputs| inputs.push_back(Input::Tick));
                }
                Some(due) => {
                    let patience = due.since(self.cx.now());
                    let _ = self.cx.timeout(patience, self.rearm.notified()).await;
                }
                None => self.rearm.notified().await,
            }
        }
    }

    /// Waits until the disk has been read.
    async fn ready(&self) {
        while !self.is_read.get() {
            self.read.notified().await;
        }
    }

    /// Something happens to the node: `begin` says what, and all that follows from it is done.
    fn react(self: &Rc<Self>, begin: impl FnOnce(&mut Core<S>, &mut Inputs<S>)) {
        let mut writes = Vec::new();
        if let Some(core) = &mut *self.core.borrow_mut() {
            core.react(begin, &mut writes);
            while self.disk.is_missing()
                && let Some((number, _)) = writes.pop()
            {
                writes.clear();
                core.react(|_, inputs| inputs.push_back(Input::Synced(number)), &mut writes);
            }
            core.flush(&self.cx, self.disk.is_busy() || !writes.is_empty());
            let (now, names) = (self.cx.now(), self.cx.node_ids());
            if let Some(line) = self.telling.borrow_mut().line(now, core.status(), names) {
                self.cx.log(line);
            }
        }
        for (number, record) in writes {
            self.keep(number, record);
        }
        let due = self.core.borrow().as_ref().and_then(Core::due);
        if due.is_some_and(|due| self.armed.get().is_none_or(|armed| due < armed)) {
            self.rearm.notify_one();
        }
    }

    /// Makes a record durable, and says so to the node.
    fn keep(self: &Rc<Self>, number: u64, record: Vec<u8>) {
        let Some(keeping) = self.disk.keep(number, record) else { return };
        let this = Rc::clone(self);
        self.cx.spawn(async move {
            match keeping.done(&this.disk).await {
                Ok(number) => this.react(|_, inputs| inputs.push_back(Input::Synced(number))),
                Err(error) => return this.fail(&error),
            }
            if let Some(rewriting) = this.disk.rewrite_if_large() {
                match rewriting.done::<Command<S>, Image<S>>(&this.disk).await {
                    Ok(None) => {}
                    Ok(Some(number)) => {
                        this.react(|_, inputs| inputs.push_back(Input::Synced(number)));
                    }
                    Err(error) => this.fail(&error),
                }
            }
        });
    }

    /// A node that cannot keep its promises makes none any more.
    fn fail(&self, error: &StorageError) {
        self.cx.log(format_args!("this node does nothing any more: {error}"));
        *self.core.borrow_mut() = None;
    }
}
