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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "an object with `version`")]
pub struct Acceptance {
    /// [`VERSION`].
    pub version: u32,
}

/// The body of the line that ends a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "idle")]
pub struct Idle {
    /// When the node wants to be woken if nothing arrives before: nanoseconds, or never.
    pub wake_at: Option<u64>,
}
