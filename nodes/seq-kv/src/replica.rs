//! A node's part of the store.

use std::rc::Rc;

use kolk_node::{Context, Datum, RpcError};

use crate::follower::Follower;
use crate::primary::Primary;
use crate::settings::Settings;
use crate::update::{Outcome, Update};

/// A node's part of the store: a copy to read, and a way to have updates performed. Cheap to clone,
/// and every clone is the same.
///
/// Each node of the cluster makes one as it starts. It speaks with those of the other nodes in
/// messages of types of its own (`store_update`, `store_refresh`), which do not come to the node's
/// handler.
///
/// ```
/// use kolk_node::{Context, Datum, RpcError};
/// use kolk_seq_kv::{Outcome, Replica, Settings, Update};
///
/// async fn visit(replica: &Replica, cx: &Context) -> Result<bool, RpcError> {
///     let (key, value) = (Datum::of("last-visitor"), Datum::of(cx.node_id()));
///     let outcome = replica.update(Update::Write { key: key.clone(), value }).await?;
///     Ok(outcome == Outcome::Done && replica.read(&key).is_some())
/// }
/// ```
#[derive(Clone)]
pub struct Replica {
    role: Role,
}

#[derive(Clone)]
enum Role {
    Primary(Rc<Primary>),
    Follower(Rc<Follower>),
}

impl Replica {
    /// This node's; the first node of the cluster is the primary.
    pub fn new(cx: &Context, settings: Settings) -> Replica {
        let role = match cx.node_ids().first() {
            Some(first) if first != cx.node_id() => {
                Role::Follower(Rc::new(Follower::new(cx, first)))
            }
            _ => Role::Primary(Primary::new(cx, settings)),
        };
        Replica { role }
    }

    /// A key's value, as this node knows it: never older than what it showed or did before, and all
    /// that was acknowledged to anybody before this node's last update ([`Update::Sync`] included)
    /// began.
    pub fn read(&self, key: &Datum) -> Option<Datum> {
        match &self.role {
            Role::Primary(primary) => primary.map.borrow().get(key).cloned(),
            Role::Follower(follower) => follower.read(key),
        }
    }

    /// Has an update performed. When this returns, what it saw or set is what [`Replica::read`]
    /// shows, or older.
    ///
    /// # Errors
    ///
    /// If the primary cannot be reached: error 11 if the update surely was not performed and will
    /// not be; error 0 if it was sent, so that it may have been, or may be yet.
    pub async fn update(&self, update: Update) -> Result<Outcome, RpcError> {
        match &self.role {
            Role::Primary(primary) => Ok(primary.update(update)),
            Role::Follower(follower) => follower.update(update).await,
        }
    }

    /// How many updates of the order this node's copy has.
    pub fn position(&self) -> u64 {
        match &self.role {
            Role::Primary(primary) => primary.map.borrow().position(),
            Role::Follower(follower) => follower.position(),
        }
    }
}
