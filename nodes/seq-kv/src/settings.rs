//! What the node can be told.

use std::ops::RangeInclusive;
use std::time::Duration;

use kolk_node::Flags;

/// What [`Settings::from_args`] understands, for people.
pub const USAGE: &str = "\
settings of this node:
  --refresh-ms N  a node that has heard nothing from the primary for N ms is told what is new
                  (default 500): reads are at most that old, and the way, if nothing is cut";

/// How the store is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long after a change the primary tells it to who has not asked.
    pub refresh: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { refresh: Duration::from_millis(500) }
    }
}

/// The times that can be set, in milliseconds.
const RANGE: RangeInclusive<u64> = 1..=60_000;

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
                "--refresh-ms" => settings.refresh = flags.milliseconds(RANGE)?,
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
            ("", Ok(500)),
            ("--refresh-ms 20", Ok(20)),
            ("--refresh-ms=x", Err("--refresh-ms must be 1 to 60000 ms, not `x`")),
            ("--refresh", Err("unknown argument `--refresh`")),
        ] {
            let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
            let read = Settings::from_args(&args).map(|settings| settings.refresh.as_millis());
            let error = read.as_ref().err().and_then(|text| text.lines().next());
            assert_eq!(error.map_or(Ok(read.clone().unwrap_or(0)), Err), expected);
        }
    }
}
