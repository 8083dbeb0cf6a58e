//! Lockstep: what is added to the protocol so that a separate program can run on virtual time.
//!
//! The workbench offers it in the body of `init`, the node accepts it in its `init_ok`, and from
//! then on every line to the node carries the time (`at`), and the node ends its reaction to each
//! line with one `idle` to [`CLOCK`] that says when it wants to be woken.

use serde::{Deserialize, Serialize};

/// The version of the extension this crate speaks.
pub const VERSION: u32 = 1;

/// The name a node sends its `idle` to, and gets its `wake` from. No client and no node.
pub const CLOCK: &str = "clock";

/// The offer in the body of `init`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// [`VERSION`].
    pub version: u32,
    /// The node's own entropy: 16 lower-case hexadecimal digits.
    pub seed: String,
}

impl Offer {
    /// An offer of this version with the given entropy.
    pub fn new(seed: u64) -> Offer {
        Offer { version: VERSION, seed: format!("{seed:016x}") }
    }

    /// True if a node can accept the offer: it is of this crate's [`VERSION`], and its entropy can
    /// be read.
    pub fn is_acceptable(&self) -> bool {
        self.version == VERSION && self.seed().is_some()
    }

    /// The entropy as a number; `None` if it is not 16 lower-case hexadecimal digits.
    pub fn seed(&self) -> Option<u64> {
        let fits = self.seed.len() == 16
            && self.seed.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| u64::from_str_radix(&self.seed, 16).ok()).flatten()
    }
}

/// The acceptance in the body of `init_ok`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "an object with `version`")]
pub struct Acceptance {
    /// [`VERSION`].
    pub version: u32,
    /// The faults that reach what the node stores, because it keeps to the workbench's rules for
    /// disks. Against other faults its files are only safe or not as the machine's files are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<StorageFault>,
}

impl Acceptance {
    /// The acceptance of a node that these faults of its storage reach.
    pub fn new(storage: &[StorageFault]) -> Acceptance {
        Acceptance { version: VERSION, storage: storage.to_vec() }
    }
}

/// What can happen to what a node stores, and needs the node's help in lockstep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StorageFault {
    /// When the power is lost, so is what was not synced.
    Power,
    /// Calls fail, or there is no room.
    Disk,
    /// A fault waits for a sync.
    Sync,
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}

impl StorageFault {
    /// All that this version knows.
    pub const ALL: [StorageFault; 3] =
        [StorageFault::Power, StorageFault::Disk, StorageFault::Sync];
}

/// The body of the line that ends a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "idle")]
pub struct Idle {
    /// When the node wants to be woken if nothing arrives before: nanoseconds, or never.
    pub wake_at: Option<u64>,
}
