//! The messages between the primary and the other nodes. The names are the store's own, so that it
//! can live in a node that has a protocol besides.

use kolk_node::Datum;
use kolk_replica::versions;
use serde::{Deserialize, Serialize};

use crate::update::{Outcome, Update};

/// The changes that a copy of the store misses.
pub type Changes = versions::Changes<Datum, Datum>;

/// The requests of followers to the primary.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToPrimary {
    /// Asks the primary to perform updates and to send what is new.
    StoreUpdate {
        /// The position of the sender's copy.
        position: u64,
        /// No update with a number below this one will come again.
        floor: u64,
        /// Each with the sender's number for it.
        updates: Vec<(u64, Update)>,
    },
}

/// The primary's replies.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromPrimary {
    /// The updates have been performed, now or when they came first.
    StoreUpdateOk {
        /// What came of each; none for one below the floor.
        outcomes: Vec<Option<Outcome>>,
        /// What was new behind the position told, these updates included.
        changes: Changes,
    },
}

/// The requests of the primary to a follower.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToFollower {
    /// Sends the follower what is new.
    StoreRefresh {
        /// From a position on at which the receiver's copy once was.
        changes: Changes,
    },
}

/// The follower's replies.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromFollower {
    /// The changes have been applied.
    StoreRefreshOk {
        /// The position of the copy.
        position: u64,
    },
}
