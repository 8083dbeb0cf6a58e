//! What flags are given: words, choices, and numbers within bounds.

use clap::ValueEnum;
use kolk_engine::Room;
use kolk_history::plan::{ClockKind, ThreadOrder, VirtualHost};
use kolk_protocol::Time;

/// Words with commas between, as one value of a flag: blanks beside the commas do not count, and
/// where the flag is repeated the last one holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl std::str::FromStr for Words {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Words, Self::Err> {
        let words = text.split(',').map(|word| word.trim().to_owned());
        Ok(Words(if text.trim().is_empty() { Vec::new() } else { words.collect() }))
    }
}

/// How likely something befalls a message, as a flag that may be repeated: for the whole run, or
/// for a while.
#[derive(Clone, Debug, PartialEq)]
pub enum ChanceArg {
    /// For the whole run: `0.1`.
    Always(f64),
    /// For a while, as it was typed: `0.3@5..10`.
    Window(String),
}

impl std::str::FromStr for ChanceArg {
    type Err = std::num::ParseFloatError;

    fn from_str(text: &str) -> Result<ChanceArg, Self::Err> {
        if text.contains('@') {
            return Ok(ChanceArg::Window(text.to_owned()));
        }
        text.parse().map(ChanceArg::Always)
    }
}

impl ChanceArg {
    /// The one for the whole run: of several the last.
    pub fn always(given: &[ChanceArg]) -> Option<f64> {
        given.iter().rev().find_map(|chance| match chance {
            ChanceArg::Always(chance) => Some(*chance),
            ChanceArg::Window(_) => None,
        })
    }

    /// Those for a while.
    pub fn windows(given: &[ChanceArg]) -> impl Iterator<Item = &String> {
        given.iter().filter_map(|chance| match chance {
            ChanceArg::Always(_) => None,
            ChanceArg::Window(text) => Some(text),
        })
    }

    /// Gives one for the whole run if there is none.
    pub fn or_always(given: &mut Vec<ChanceArg>, chance: f64) {
        if ChanceArg::always(given).is_none() {
            given.push(ChanceArg::Always(chance));
        }
    }
}

/// Whose checks count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JudgeArg {
    /// Maelstrom's alone.
    Maelstrom,
    /// kolk's stronger ones too.
    Kolk,
}

/// Of which runs of challenges everything is kept, as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeepArg {
    /// Of all
    All,
    /// Of those that do not hold
    Failing,
    /// Of none
    None,
}

/// The formats of other viewers, as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportArg {
    /// A trace for Perfetto
    Perfetto,
    /// A log with vector clocks for ShiViz
    Shiviz,
}

/// The two clocks, as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClockArg {
    /// The machine's
    Real,
    /// Simulated: as fast as the machine can, and the same for the same seed
    Virtual,
}

impl From<ClockArg> for ClockKind {
    fn from(clock: ClockArg) -> ClockKind {
        match clock {
            ClockArg::Real => ClockKind::Real,
            ClockArg::Virtual => ClockKind::Virtual,
        }
    }
}

/// How a program runs on the virtual clock, as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HostArg {
    /// It says itself when it is idle
    Lockstep,
    /// It knows nothing of virtual time
    Traced,
}

impl From<VirtualHost> for HostArg {
    fn from(host: VirtualHost) -> HostArg {
        match host {
            VirtualHost::Lockstep => HostArg::Lockstep,
            VirtualHost::Traced => HostArg::Traced,
        }
    }
}

impl From<HostArg> for VirtualHost {
    fn from(host: HostArg) -> VirtualHost {
        match host {
            HostArg::Lockstep => VirtualHost::Lockstep,
            HostArg::Traced => VirtualHost::Traced,
        }
    }
}

/// In which order a traced program's threads go on, as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ThreadsArg {
    /// Who could go on first goes on first
    Fair,
    /// Drawn from the seed
    Shuffled,
}

impl From<ThreadsArg> for ThreadOrder {
    fn from(threads: ThreadsArg) -> ThreadOrder {
        match threads {
            ThreadsArg::Fair => ThreadOrder::Fair,
            ThreadsArg::Shuffled => ThreadOrder::Shuffled,
        }
    }
}

/// How latencies are spread, as a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LatencyArg {
    /// Always the mean
    Constant,
    /// Evenly from 0 to twice the mean
    Uniform,
    /// Exponentially
    Exponential,
}

pub fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
    seconds.ok_or_else(|| "seconds are a number from 0.001 to 86400".to_owned())
}

/// `64MiB`: a number of bytes, or of units of them.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let shift = match text[digits.len()..].trim() {
        "" | "B" => Some(0),
        "K" | "KiB" => Some(10),
        "M" | "MiB" => Some(20),
        "G" | "GiB" => Some(30),
        "T" | "TiB" => Some(40),
        _ => None,
    };
    let size = shift.and_then(|shift| digits.parse::<u64>().ok()?.checked_mul(1 << shift));
    size.ok_or_else(|| "a size is a number of bytes, or one with KiB, MiB or GiB".to_owned())
}

/// The same for a log, which needs room for both its ends.
pub fn parse_log_size(text: &str) -> Result<u64, String> {
    let size = parse_size(text)?;
    if size < Room::NODE_LOG_MIN {
        return Err(format!("a log may have {} KiB at least", Room::NODE_LOG_MIN >> 10));
    }
    Ok(size)
}

pub fn parse_days(text: &str) -> Result<f64, String> {
    let days = text.parse().ok().filter(|days| (0.0..=36_500.0).contains(days));
    days.ok_or_else(|| "days are a number from 0 to 36500".to_owned())
}

/// `12.5..13`: seconds of a run; either may be left out.
pub fn parse_window(text: &str) -> Result<(Time, Time), String> {
    let problem = || "a window is written like 12.5..13, in seconds of the run".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(problem)?;
    let time = |text: &str, default: Time| match text.trim() {
        "" => Ok(default),
        text => {
            let seconds: f64 = text.parse().map_err(|_| problem())?;
            let is_time = (0.0..1e9).contains(&seconds);
            is_time.then(|| Time::from_nanos((seconds * 1e9).round() as u64)).ok_or_else(problem)
        }
    };
    let (from, to) = (time(from, Time::ZERO)?, time(to, Time::MAX)?);
    if from > to {
        return Err("the window ends before it begins".to_owned());
    }
    Ok((from, to))
}

pub fn parse_seed(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let parsed = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    parsed.map_err(|_| "a seed is a number up to 2^64 − 1, decimal or 0x…".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_words() {
        for (text, expected) in [
            ("n1,n2", vec!["n1", "n2"]),
            ("n1, n2 ,n3", vec!["n1", "n2", "n3"]),
            ("partition", vec!["partition"]),
            ("", vec![]),
            ("a,,b", vec!["a", "", "b"]),
        ] {
            let Ok(Words(words)) = text.parse();
            assert_eq!(words, expected, "{text}");
        }
    }

    #[test]
    fn reads_windows() {
        let at = Time::from_millis;
        for (text, window) in [
            ("12.5..13", Some((at(12_500), at(13_000)))),
            ("..2", Some((Time::ZERO, at(2000)))),
            ("2..", Some((at(2000), Time::MAX))),
            ("3..2", None),
            ("2", None),
            ("-1..2", None),
            ("a..b", None),
        ] {
            assert_eq!(parse_window(text).ok(), window, "{text}");
        }
    }

    #[test]
    fn reads_sizes() {
        for (text, size) in [
            ("0", Some(0)),
            ("1000", Some(1000)),
            ("64KiB", Some(64 << 10)),
            ("64 MiB", Some(64 << 20)),
            ("8GiB", Some(8 << 30)),
            ("16777216TiB", None),
            ("1.5GiB", None),
            ("-1", None),
            ("MiB", None),
            ("8GB", None),
        ] {
            assert_eq!(parse_size(text).ok(), size, "{text}");
        }
        assert!(parse_log_size("1KiB").is_err());
    }

    #[test]
    fn reads_seeds() {
        for (text, seed) in [
            ("7", Some(7)),
            ("0x2a", Some(42)),
            ("0XFFFF_FFFF_FFFF_FFFF", Some(u64::MAX)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("0x", None),
            ("seed", None),
        ] {
            assert_eq!(parse_seed(text).ok(), seed, "{text}");
        }
    }
}
