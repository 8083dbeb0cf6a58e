//! The node's settings.

use std::ops::RangeInclusive;
use std::time::Duration;

use kolk_node::Flags;

/// What the node is told on its command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How long a send waits for others that could share its message to another node.
    pub batch: Duration,
}

/// What [`Settings::from_args`] understands, for people.
pub const USAGE: &str = "\
settings of this node:
  --batch-ms N   a send waits up to N ms for others to share its message with (default 0): fewer
                 messages, and every send takes N ms longer";

/// How long a send may be made to wait, in milliseconds.
const BATCH_MS: RangeInclusive<u64> = 0..=1000;

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
                "--batch-ms" => settings.batch = flags.milliseconds(BATCH_MS)?,
                _ => return Err(flags.unknown()),
            }
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_make_settings() {
        for (args, expected) in [
            ("", Ok(0)),
            ("--batch-ms 5", Ok(5)),
            ("--batch-ms=5", Ok(5)),
            ("--batch", Err("unknown argument `--batch`")),
            ("--batch-ms", Err("--batch-ms needs a number of milliseconds")),
            ("--batch-ms 1001", Err("--batch-ms must be 0 to 1000 ms, not `1001`")),
        ] {
            let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
            let settings = Settings::from_args(&args);
            let settings = settings.map(|settings| settings.batch.as_millis());
            let settings = settings.map_err(|error| error.lines().next().unwrap_or("").to_owned());
            assert_eq!(settings, expected.map_err(str::to_owned), "{args:?}");
        }
    }
}
