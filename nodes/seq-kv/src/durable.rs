//! The store on the nodes' disks: the same updates in the same order everywhere, by Raft.
//!
//! Reads are answered from the node's own copy, and an update is acknowledged when that copy has
//! it, so that what a client sees never goes back. A node that was started again has to come as far
//! as it was before it shows anything: it puts an update of its own into the order, which changes
//! nothing, and waits until its copy has it. Whatever it showed before stands in front of that.

use std::cell::Cell;
use std::rc::Rc;

use kolk_node::sync::Notify;
use kolk_node::{Context, Datum, ErrorCode, RpcError};
use kolk_replica::replicated::{Replicated, Settings, State};
use kolk_replica::versions::{Changes, Versions};

use crate::update::{Outcome, Update};

/// All keys and their values.
#[derive(Debug, Default)]
struct Map(Versions<Datum, Datum>);

impl State for Map {
    type Command = Update;
    type Query = Datum;
    type Output = Outcome;
    type Snapshot = Changes<Datum, Datum>;

    fn apply(&mut self, update: &Update) -> Outcome {
        update.clone().perform(&mut self.0)
    }

    fn query(&self, key: &Datum) -> Outcome {
        self.0.get(key).cloned().map_or(Outcome::NoSuchKey, Outcome::Differs)
    }

    fn snapshot(&self) -> Changes<Datum, Datum> {
        self.0.changes_since(0)
    }

    fn restore(snapshot: &Changes<Datum, Datum>) -> Map {
        let mut map = Versions::default();
        map.apply(snapshot.clone()).expect("a snapshot has all from the beginning on");
        Map(map)
    }
}

/// A node's part of it.
pub struct Durable {
    copy: Replicated<Map>,
    /// Whether the copy is as far as it was when the node ran before.
    is_fresh: Cell<bool>,
    fresh: Notify,
}

impl Durable {
    /// This node's.
    pub fn new(cx: &Context) -> Rc<Durable> {
        let copy = kolk_replica::replicated(cx, Settings::default());
        let durable = Rc::new(Durable { copy, is_fresh: Cell::new(false), fresh: Notify::new() });
        cx.spawn(Rc::clone(&durable).catch_up());
        durable
    }

    async fn catch_up(self: Rc<Self>) {
        while let Err(error) = self.copy.perform_here(Update::Sync).await {
            if error.code == ErrorCode::CRASH {
                return;
            }
        }
        self.is_fresh.set(true);
        self.fresh.notify_all();
    }

    /// A key's value in this copy.
    pub async fn read(&self, key: &Datum) -> Result<Option<Datum>, RpcError> {
        loop {
            let value = self.copy.look(|map| map.0.get(key).cloned()).await?;
            if self.is_fresh.get() {
                return Ok(value);
            }
            self.fresh.notified().await;
        }
    }

    /// Has an update performed, and its effect in this copy.
    pub async fn update(&self, update: Update) -> Result<Outcome, RpcError> {
        self.copy.perform_here(update).await
    }
}
