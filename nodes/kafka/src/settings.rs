//! The node's settings.

use std::time::Duration;

use kolk_node::Flags;

/// The settings on the node's command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// All nodes have the same log, by Raft, and keep it on their disks.
    pub raft: bool,
    /// How long a send, or with Raft the leader, waits for others that could share its message to
    /// another node, if that was said.
    pub batch: Option<Duration>,
}

/// The usage text of [`Settings::from_args`].
pub const USAGE: &str = "\
settings of this node:
  --raft         the logs and what was committed are the same on all nodes, by Raft: what is
                 acknowledged is on the disks of a majority
  --batch-ms N   a send waits up to N ms for others to share its message with (default 0): fewer
                 messages, and every send takes N ms longer; with --raft the leader waits, if
                 something is under way (default 5)";

impl Settings {
    /// Reads a node's command line. See [`USAGE`].
    ///
    /// # Errors
    ///
    /// A text for people that says what is wrong.
    pub fn from_args(args: &[String]) -> Result<Settings, String> {
        let mut settings = Settings::default();
        let mut flags = Flags::new(args, USAGE);
        while let Some(name) = flags.next_name() {
            match name {
                "--raft" => settings.raft = flags.switch()?,
                "--batch-ms" => settings.batch = Some(flags.milliseconds(0..=1000)?),
                _ => return Err(flags.unknown()),
            }
        }
        Ok(settings)
    }
}
