//! The node's settings.

use std::ops::RangeInclusive;
use std::time::Duration;

use kolk_node::Flags;
use kolk_replica::{crdt, durable};

/// The usage text of [`Mode::from_args`].
pub const USAGE: &str = "\
settings of this node:
  --fresh-ms N         a read looks at the other nodes' totals if it has not for N ms (default 2000)
  --write-behind-ms N  acknowledge adds at once and store them every N ms: an acknowledged add is
                       lost if its node dies before
  --own-store          the store is not the service seq-kv but that of the node seq-kv, in these
                       nodes themselves
or
  --crdt               no store: the nodes keep the sum themselves, and tell each other; with the
                       settings of pn-counter, of which --durable keeps it on their disks";

/// Where the sum is kept, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In a store.
    Stored(Settings),
    /// In the nodes.
    Replicated(crdt::Settings),
    /// In the nodes, and on their disks.
    Durable,
}

impl Mode {
    /// Reads a node's command line. See [`USAGE`], and [`crdt::USAGE`] for what may stand beside
    /// `--crdt`.
    ///
    /// # Errors
    ///
    /// A text for people that says what is wrong.
    pub fn from_args(args: &[String]) -> Result<Mode, String> {
        let (switches, others): (Vec<String>, Vec<String>) =
            args.iter().cloned().partition(|arg| arg == "--crdt");
        match switches.is_empty() {
            true => Settings::from_args(args).map(Mode::Stored),
            false => {
                let from_args = crdt::Settings::from_args;
                durable::settings_unless_durable(&others, USAGE, crdt::USAGE, from_args)
                    .map(|settings| settings.map_or(Mode::Durable, Mode::Replicated))
            }
        }
    }
}

/// How the counter is kept in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How old what a read knows of the other nodes may be.
    pub fresh: Duration,
    /// Adds are acknowledged before they are stored, which happens this much later.
    pub write_behind: Option<Duration>,
    /// The store is in the nodes themselves.
    pub own_store: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { fresh: Duration::from_secs(2), write_behind: None, own_store: false }
    }
}

impl Settings {
    fn from_args(args: &[String]) -> Result<Settings, String> {
        let mut settings = Settings::default();
        let mut flags = Flags::new(args, USAGE);
        while let Some(name) = flags.next_name() {
            match name {
                "--fresh-ms" => settings.fresh = flags.milliseconds(RANGE)?,
                "--own-store" => settings.own_store = flags.switch()?,
                "--write-behind-ms" => settings.write_behind = Some(flags.milliseconds(RANGE)?),
                _ => return Err(flags.unknown()),
            }
        }
        Ok(settings)
    }
}

/// The times that can be set, in milliseconds.
const RANGE: RangeInclusive<u64> = 0..=60_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &str) -> Result<Mode, String> {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        Mode::from_args(&args)
    }

    #[test]
    fn arguments_make_settings() {
        let millis = Duration::from_millis;
        for (args, fresh, write_behind, own_store) in [
            ("", 2000, None, false),
            ("--fresh-ms 500", 500, None, false),
            ("--fresh-ms=0 --write-behind-ms 1000", 0, Some(1000), false),
            ("--own-store --fresh-ms=0", 0, None, true),
        ] {
            let write_behind = write_behind.map(millis);
            let expected = Settings { fresh: millis(fresh), write_behind, own_store };
            assert_eq!(read(args), Ok(Mode::Stored(expected)), "{args}");
        }
        let every = millis(250);
        for (args, expected) in [
            ("--crdt", crdt::Settings::default()),
            ("--full-state-ms 250 --crdt", crdt::Settings::FullState { every }),
        ] {
            assert_eq!(read(args), Ok(Mode::Replicated(expected)), "{args}");
        }
        for args in ["--crdt --durable", "--durable --crdt"] {
            assert_eq!(read(args), Ok(Mode::Durable), "{args}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (args, expected) in [
            ("--fresh", "unknown argument `--fresh`"),
            ("--fresh-ms", "--fresh-ms needs a number of milliseconds"),
            ("--fresh-ms -1", "--fresh-ms must be 0 to 60000 ms, not `-1`"),
            ("--write-behind-ms=x", "--write-behind-ms must be 0 to 60000 ms, not `x`"),
            ("--direct", "unknown argument `--direct`"),
            ("--crdt --fresh-ms 5", "unknown argument `--fresh-ms`"),
            ("--durable", "unknown argument `--durable`"),
            ("--crdt --durable --direct", "--durable goes with no other setting"),
        ] {
            let error = read(args).expect_err(args);
            assert_eq!(error.lines().next(), Some(expected), "{args}");
        }
    }
}
