//! The node's settings.

use std::time::Duration;

/// The settings on the node's command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How long a send waits for others that could share its message to another node.
    pub batch: Duration,
}

/// The usage text of [`Settings::from_args`].
pub const USAGE: &str = "\
settings of this node:
  --batch-ms N   a send waits up to N ms for others to share its message with (default 0): fewer
                 messages, and every send takes N ms longer";

impl Settings {
    /// Reads a node's command line. See [`USAGE`].
    ///
    /// # Errors
    ///
    /// A text for people that says what is wrong.
    pub fn from_args(args: &[String]) -> Result<Settings, String> {
        let Settings { batch } = Settings::default();
        let batch = kolk_node::only_milliseconds(args, USAGE, "--batch-ms", 0..=1000, batch)?;
        Ok(Settings { batch })
    }
}
