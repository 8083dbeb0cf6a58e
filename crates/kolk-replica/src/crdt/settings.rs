//! The settings of replicated states.

use std::time::Duration;

use crate::gossip::{self, Draft, usage_lines};
use kolk_node::Flags;

/// How replicas tell each other about changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// Replicas send deltas, by gossip.
    Deltas(gossip::Settings),
    /// Replicas send their whole state to all others, whether anything has changed or not. This is
    /// simple, and the baseline that deltas are measured against.
    FullState {
        /// The time between two sendings.
        every: Duration,
    },
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::Deltas(gossip::Settings::default())
    }
}

/// The usage text of [`Settings::from_args`].
pub const USAGE: &str = concat!(
    "\
settings of this node:
  --full-state-ms N  everybody is told everything every N ms, for comparison
or, where everybody is told what is new:
",
    usage_lines!()
);

impl Settings {
    /// Reads a node's command line. See [`USAGE`].
    ///
    /// # Errors
    ///
    /// A text for people that says what is wrong.
    pub fn from_args(args: &[String]) -> Result<Settings, String> {
        let mut flags = Flags::new(args, USAGE);
        let mut draft = Draft::default();
        let (mut full_state, mut other) = (None, None);
        while let Some(name) = flags.next_name() {
            if name == "--full-state-ms" {
                full_state = Some(flags.milliseconds(1..=3_600_000)?);
            } else {
                draft.take(name, &mut flags)?;
                other = Some(name);
            }
        }
        match (full_state, other) {
            (Some(_), Some(name)) => Err(flags.alternatives("--full-state-ms", name)),
            (Some(every), None) => Ok(Settings::FullState { every }),
            (None, _) => Ok(Settings::Deltas(draft.finish(&flags)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &str) -> Result<Settings, String> {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        Settings::from_args(&args)
    }

    #[test]
    fn arguments_make_settings() {
        let every = Duration::from_millis(250);
        let direct = gossip::Settings::of(gossip::Strategy::Direct);
        for (args, expected) in [
            ("", Settings::default()),
            ("--direct", Settings::Deltas(direct)),
            ("--full-state-ms 250", Settings::FullState { every }),
        ] {
            assert_eq!(read(args), Ok(expected), "{args}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (args, expected) in [
            ("--full-state", "unknown argument `--full-state`"),
            // Nobody tells a replica of a topology.
            ("--topology", "unknown argument `--topology`"),
            ("--full-state-ms 0", "--full-state-ms must be 1 to 3600000 ms, not `0`"),
            ("--direct --full-state-ms 5", "--full-state-ms and --direct do not go together"),
            ("--direct --at-once", "--direct and --at-once do not go together"),
        ] {
            let error = read(args).expect_err(args);
            assert_eq!(error.lines().next(), Some(expected), "{args}");
        }
    }
}
