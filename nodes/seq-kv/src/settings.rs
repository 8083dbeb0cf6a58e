//! The store's settings.

use std::time::Duration;

use kolk_replica::durable;

/// The usage text of a node with such a store.
pub const USAGE: &str = "\
settings of this node:
  --durable       the order of updates is made by Raft, and kept on the disks of a majority: it
                  survives kills and losses of power; goes with no other setting
  --refresh-ms N  a node that has heard nothing from the primary for N ms is told what is new
                  (default 500): reads are at most that old, and the way, if nothing is cut";

/// How the store is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long after a change the primary sends it to a follower that has not asked.
    pub refresh: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { refresh: Duration::from_millis(500) }
    }
}

impl Settings {
    /// Reads a node's command line, of which [`USAGE`] tells; `None` if the store is durable.
    ///
    /// # Errors
    ///
    /// A text for people that says what is wrong.
    pub fn unless_durable(args: &[String]) -> Result<Option<Settings>, String> {
        durable::settings_unless_durable(args, USAGE, USAGE, |args| {
            let Settings { refresh } = Settings::default();
            let range = 1..=60_000;
            let refresh =
                kolk_node::only_milliseconds(args, USAGE, "--refresh-ms", range, refresh)?;
            Ok(Settings { refresh })
        })
    }
}
