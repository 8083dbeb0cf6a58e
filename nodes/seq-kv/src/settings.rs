//! The store's settings.

use std::time::Duration;

/// The usage text of [`Settings::from_args`].
pub const USAGE: &str = "\
settings of this node:
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
    /// Reads a node's command line. See [`USAGE`].
    ///
    /// # Errors
    ///
    /// A text for people that says what is wrong.
    pub fn from_args(args: &[String]) -> Result<Settings, String> {
        let Settings { refresh } = Settings::default();
        let refresh =
            kolk_node::only_milliseconds(args, USAGE, "--refresh-ms", 1..=60_000, refresh)?;
        Ok(Settings { refresh })
    }
}
