//! The settings of gossip.

use std::ops::RangeInclusive;
use std::time::Duration;

use kolk_node::Flags;

/// How values travel, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The way that values take.
    pub strategy: Strategy,
    /// How long an acknowledgement waits for a message to ride on. All nodes should wait equally
    /// long: a sender counts on it before it repeats anything.
    pub ack: Duration,
}

/// The ways values can travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Through a hub, the first node that answers. Two messages a node and flush carry everything:
    /// no way is cheaper.
    Hub {
        /// How long the hub gathers values before it passes them on.
        flush: Duration,
        /// Nodes gather values too, and send them so that they arrive just before the hub passes
        /// them on, which then happens at whole multiples of `flush` of the hub's clock.
        align: bool,
    },
    /// From where a value is added straight to everybody, at once: no way is faster.
    Direct,
    /// From neighbour to neighbour, each passing on what it did not know.
    Neighbours {
        /// How long a node gathers values before it passes them on.
        flush: Duration,
    },
}

const HUB_FLUSH: Duration = Duration::from_millis(220);

/// The times that can be set, in milliseconds.
const RANGE: RangeInclusive<u64> = 0..=3_600_000;

impl Default for Settings {
    /// Through a hub that passes values on every 220 ms.
    fn default() -> Settings {
        Settings::of(Strategy::Hub { flush: HUB_FLUSH, align: true })
    }
}

/// The lines that the usage texts of all gossiping nodes have in common.
macro_rules! usage_lines {
    () => {
        "  --flush-ms N   the hub passes values on every N ms (default 220), and nodes send
                 it theirs just before
  --at-once      nodes send the hub their values at once, and N counts from the first of them
  --direct       no hub: every value goes straight to everybody, at once
  --ack-ms N     an acknowledgement waits N ms for a message to ride on
                 (default 2000; with --direct 4000; at least twice --flush-ms)"
    };
}
pub(crate) use usage_lines;

/// The usage text of [`Settings::from_args`].
pub const USAGE: &str = concat!(
    "settings of this node:\n",
    usage_lines!(),
    "
  --topology     no hub: values go along the topology that the node is given, and every node
                 gathers them for --flush-ms (default 0)"
);

impl Settings {
    /// This strategy, with an acknowledgement time that suits it: acknowledgements find a message
    /// to ride on, as long as some values are added.
    pub fn of(strategy: Strategy) -> Settings {
        let ack = match &strategy {
            Strategy::Direct => Duration::from_secs(4),
            Strategy::Hub { flush, .. } | Strategy::Neighbours { flush } => {
                Duration::from_secs(2).max(*flush * 2)
            }
        };
        Settings { strategy, ack }
    }

    /// Reads a node's command line. See [`USAGE`].
    ///
    /// # Errors
    ///
    /// A text for people that says what is wrong.
    pub fn from_args(args: &[String]) -> Result<Settings, String> {
        let mut flags = Flags::new(args, USAGE);
        let mut draft = Draft::default();
        while let Some(name) = flags.next_name() {
            match name {
                "--topology" => draft.topology = flags.switch()?,
                name => draft.take(name, &mut flags)?,
            }
        }
        draft.finish(&flags)
    }
}

/// Settings while flags are being read.
#[derive(Default)]
pub(crate) struct Draft {
    flush: Option<Duration>,
    ack: Option<Duration>,
    at_once: bool,
    direct: bool,
    topology: bool,
}

impl Draft {
    /// Reads a flag that all gossiping nodes have in common.
    pub(crate) fn take(&mut self, name: &str, flags: &mut Flags<'_>) -> Result<(), String> {
        match name {
            "--flush-ms" => self.flush = Some(flags.milliseconds(RANGE)?),
            "--ack-ms" => self.ack = Some(flags.milliseconds(RANGE)?),
            "--at-once" => self.at_once = flags.switch()?,
            "--direct" => self.direct = flags.switch()?,
            _ => return Err(flags.unknown()),
        }
        Ok(())
    }

    /// The settings, after all flags have been read.
    pub(crate) fn finish(self, flags: &Flags<'_>) -> Result<Settings, String> {
        let Draft { flush, ack, at_once, direct, topology } = self;
        let alternatives = |one, other| Err(flags.alternatives(one, other));
        let strategy = match (direct, topology) {
            (true, true) => return alternatives("--direct", "--topology"),
            (true, false) if at_once => return alternatives("--direct", "--at-once"),
            (true, false) if flush.is_some() => return alternatives("--direct", "--flush-ms"),
            (true, false) => Strategy::Direct,
            (false, true) if at_once => return alternatives("--topology", "--at-once"),
            (false, true) => Strategy::Neighbours { flush: flush.unwrap_or_default() },
            (false, false) => {
                let flush = flush.unwrap_or(HUB_FLUSH);
                // There is no multiple of nothing to be in time for.
                Strategy::Hub { flush, align: !at_once && !flush.is_zero() }
            }
        };
        let settings = Settings::of(strategy);
        Ok(Settings { ack: ack.unwrap_or(settings.ack), ..settings })
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
        let millis = Duration::from_millis;
        for (args, strategy, ack) in [
            ("", Strategy::Hub { flush: millis(220), align: true }, 2000),
            ("--flush-ms 0", Strategy::Hub { flush: millis(0), align: false }, 2000),
            ("--flush-ms=1500", Strategy::Hub { flush: millis(1500), align: true }, 3000),
            ("--at-once", Strategy::Hub { flush: millis(220), align: false }, 2000),
            ("--direct", Strategy::Direct, 4000),
            ("--direct --ack-ms 700", Strategy::Direct, 700),
            ("--topology", Strategy::Neighbours { flush: millis(0) }, 2000),
            ("--topology --flush-ms 50", Strategy::Neighbours { flush: millis(50) }, 2000),
        ] {
            assert_eq!(read(args), Ok(Settings { strategy, ack: millis(ack) }), "{args}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (args, expected) in [
            ("--flush", "unknown argument `--flush`"),
            ("--flush-ms", "--flush-ms needs a number of milliseconds"),
            ("--flush-ms soon", "--flush-ms must be 0 to 3600000 ms, not `soon`"),
            ("--ack-ms=-1", "--ack-ms must be 0 to 3600000 ms, not `-1`"),
            ("--direct=yes", "--direct takes no value, but `--direct=yes` has one"),
            ("--direct --topology", "--direct and --topology do not go together"),
            ("--direct --flush-ms 3", "--direct and --flush-ms do not go together"),
            ("--at-once --topology", "--topology and --at-once do not go together"),
        ] {
            let error = read(args).expect_err(args);
            assert_eq!(error.lines().next(), Some(expected), "{args}");
        }
    }
}
