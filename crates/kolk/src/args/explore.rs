//! Many runs, and a failing one made small.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::test::{OutputArgs, PatienceArgs, RunArgs};

const EXPLORE_EXAMPLES: &str = "\
Examples:
  kolk explore -w broadcast --bin ./node.py
      A minute of runs, each with sizes, latencies and faults of its own; the first that fails is made
      small and stored.
  kolk explore --challenge 3c --bin ./node.py --for 20s
  kolk explore -w g-set --node g-set --runs 2000 --keep-going
      Go on after a failure, and count failures by class.
  kolk explore -w broadcast --bin ./node.py --strategy bounded --deviations 1
      All runs in which one message is lost, late or doubled, or one node is cut off.
  kolk explore -w broadcast --node broadcast --loss 0 --node-count 5
      What a flag gives is the same in every run; the rest is drawn.

Exit status: 0 no run failed, 1 one did, 2 no run could be judged; 254, 255 and 130 as in `kolk test`.";

/// What is explored, and for how long.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXPLORE_EXAMPLES)]
pub struct ExploreArgs {
    /// What is run, and what every run has in common.
    #[command(flatten)]
    pub run: RunArgs,
    /// Arguments for the program or node; those that look like flags follow `--`
    #[arg(value_name = "ARGS", help_heading = "Under test")]
    pub args: Vec<String>,
    /// Explore the conditions of this challenge: seeds, lengths and times of faults are varied
    #[arg(long, value_name = "ID", conflicts_with = "workload", help_heading = "Exploration")]
    pub challenge: Option<String>,
    /// How runs are chosen
    #[arg(long, value_name = "HOW", default_value = "swarm", help_heading = "Exploration")]
    pub strategy: StrategyArg,
    /// bounded: how many deviations, at most
    #[arg(long, value_name = "N", default_value_t = 2, help_heading = "Exploration")]
    pub deviations: usize,
    /// How many runs, at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(help_heading = "Exploration")]
    pub runs: Option<u64>,
    /// How long, at most: 90, 60s, 5m, 1h [default: 60s without --runs]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
    #[arg(help_heading = "Exploration")]
    pub time: Option<Duration>,
    /// Go on after a failure, and collect failures by class
    #[arg(long, help_heading = "Exploration")]
    pub keep_going: bool,
    /// How long each failing run is made small, at most: 90, 60s, 5m, 1h
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_time)]
    #[arg(help_heading = "Exploration")]
    pub shrink_for: Duration,
    /// Leave failing runs as they are
    #[arg(long, help_heading = "Exploration")]
    pub no_shrink: bool,
    /// Write the results as JUnit's XML, too
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub junit: Option<PathBuf>,
    /// Print failures as annotations of GitHub, too
    #[arg(long, help_heading = "Output")]
    pub github: bool,
    /// How long a program may take.
    #[command(flatten)]
    pub patience: PatienceArgs,
    /// Where run folders go, what is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How runs are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StrategyArg {
    /// Each run draws its own sizes, latencies and faults, small ones first
    Swarm,
    /// All runs with at most so many deviations from a quiet one: --deviations
    Bounded,
    /// Lose just the messages that a good result hung on
    Lineage,
}

impl StrategyArg {
    /// The name on the command line.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

const SHRINK_EXAMPLES: &str = "\
Examples:
  kolk shrink store/latest
      The smallest run that still fails like this one, stored beside it.
  kolk shrink store/latest --for 5m --class lost

Exit status: 1 if a run is left that fails, 0 if the run does not fail any more.";

/// Which run to make small.
#[derive(Clone, Debug, Args)]
#[command(after_help = SHRINK_EXAMPLES)]
pub struct ShrinkArgs {
    /// A run folder, such as `store/latest`, or a `plan.json`
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The class of anomaly that must remain, such as lost [default: the one that is told first]
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// How long, at most: 90, 60s, 5m, 1h
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    pub time: Duration,
    /// How long a program may take.
    #[command(flatten)]
    pub patience: PatienceArgs,
    /// Where run folders go, what is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `90`, `60s`, `5m`, `1h`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let (digits, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(digits) => (digits, text.as_bytes()[text.len() - 1]),
        None => (text, b's'),
    };
    let seconds = match unit {
        b'h' => 3600.0,
        b'm' => 60.0,
        _ => 1.0,
    };
    let time = digits.trim().parse().map(|number: f64| number * seconds);
    let time = time.ok().filter(|time| (0.001..=1e7).contains(time));
    time.map(Duration::from_secs_f64)
        .ok_or_else(|| "a time is written like 90, 60s, 5m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        for (text, seconds) in [
            ("90", Some(90.0)),
            ("60s", Some(60.0)),
            ("0.5m", Some(30.0)),
            ("1h", Some(3600.0)),
            ("", None),
            ("s", None),
            ("-1", None),
            ("0", None),
            ("5x", None),
        ] {
            let time = parse_time(text).ok().map(|time| time.as_secs_f64());
            assert_eq!(time, seconds, "{text}");
        }
    }
}
