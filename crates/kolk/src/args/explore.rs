//! Many runs, and a failing one made small.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::test::{OutputArgs, PatienceArgs, RunArgs};

const EXPLORE_EXAMPLES: &str = "\
Examples:
  kolk explore -w broadcast --bin ./node.py
      A minute of runs, each with sizes, latencies and faults of its own; the first that fails is
      made small and stored.
  kolk explore --challenge 3c --bin ./node.py --for 20s
  kolk explore -w g-set --node g-set --runs 2000 --keep-going
      Go on after a failure, and count failures by class.
  kolk explore -w broadcast --bin ./node.py --strategy bounded --deviations 1
      All runs in which one message is lost, late or doubled, or one node is cut off.
  kolk explore -w broadcast --node broadcast --loss 0 --node-count 5
      What a flag gives is the same in every run; the rest is drawn.
  kolk explore -w broadcast --node broadcast --seeds 0..10000 --shard 2/4
      The second of four processes that share these seeds; its results go to sweep-2-of-4.jsonl,
      for `kolk merge`. Killed and started again, it goes on where it was.

Exit status: 0 no run failed, 1 one did, 2 no run could be judged; 254, 255 and 130 as in `kolk
test`.";

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
    /// Explore the conditions of this challenge or stage of the course, such as 3c or raft: seeds,
    /// lengths and times of faults are varied
    #[arg(long, value_name = "ID", conflicts_with = "workload", help_heading = "Exploration")]
    pub challenge: Option<String>,
    /// How runs are chosen
    #[arg(long, value_name = "HOW", default_value = "swarm", help_heading = "Exploration")]
    pub strategy: StrategyArg,
    /// bounded: how many deviations, at most
    #[arg(long, value_name = "N", default_value_t = 2, help_heading = "Exploration")]
    pub deviations: usize,
    /// priorities: how many deliveries a bug takes, 1 to 3, in the right order [default: 1, 2 and 3
    /// in turns]
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=3))]
    #[arg(help_heading = "Exploration")]
    pub depth: Option<u32>,
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
    /// In place of a strategy: the run of each of these seeds, the last left out, such as 0..1000
    #[arg(long, value_name = "A..B", value_parser = parse_range, help_heading = "Sweep")]
    #[arg(conflicts_with_all = ["seed", "strategy", "deviations", "depth", "runs", "keep_going"])]
    pub seeds: Option<Range<u64>>,
    /// Which share of the seeds, from 1: 2/7; `auto` and `auto/7` take what Slurm, Kubernetes or a
    /// CI system says of this process
    #[arg(long, value_name = "I/N", requires = "seeds", help_heading = "Sweep")]
    pub shard: Option<ShardArg>,
    /// Where the runs' results are added, as JSON lines; runs that are there are not run again
    /// [default: sweep.jsonl, or sweep-I-of-N.jsonl]
    #[arg(long, value_name = "FILE", requires = "seeds", help_heading = "Sweep")]
    pub results: Option<PathBuf>,
    /// The results for other programs.
    #[command(flatten)]
    pub formats: FormatArgs,
    /// How long a program may take.
    #[command(flatten)]
    pub patience: PatienceArgs,
    /// Where run folders go, what is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Formats of other programs.
#[derive(Clone, Debug, Args)]
pub struct FormatArgs {
    /// Write the results as JUnit's XML, too
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub junit: Option<PathBuf>,
    /// Print failures as annotations of GitHub, too
    #[arg(long, help_heading = "Output")]
    pub github: bool,
}

/// Which share of the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardArg {
    /// The how-many-th, from 1, of how many.
    Given(u64, u64),
    /// As the surroundings say; of how many, where these do not say that.
    Auto(Option<u64>),
}

impl FromStr for ShardArg {
    type Err = String;

    fn from_str(text: &str) -> Result<ShardArg, String> {
        let (shard, of) = match text.split_once('/') {
            Some((shard, of)) => {
                (shard, Some(of.parse::<u64>().ok().filter(|of| *of > 0).ok_or("N is at least 1")?))
            }
            None => (text, None),
        };
        match (shard, of) {
            ("auto", of) => Ok(ShardArg::Auto(of)),
            (shard, Some(of)) => {
                let shard = shard.parse::<u64>().ok().filter(|shard| (1..=of).contains(shard));
                let shard = shard.ok_or_else(|| format!("I goes from 1 to {of}"))?;
                Ok(ShardArg::Given(shard, of))
            }
            _ => Err("a share is written like 2/7, auto, or auto/7".to_owned()),
        }
    }
}

/// `0..1000`.
fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let problem = "seeds are written like 0..1000, and the last is left out";
    kolk_explore::sweep::parse_seeds(text).ok_or_else(|| problem.to_owned())
}

const MERGE_EXAMPLES: &str = "\
Examples:
  kolk merge sweep-*.jsonl
      One report of what several processes of `kolk explore --seeds` found.
  kolk merge sweep-*.jsonl --plans plans
      And the plan of the smallest seed of each class of failure, for `kolk shrink` and
      `kolk replay`.

Exit status: 0 no run failed, 1 one did, 2 seeds are missing or no run could be judged; 254 and 255
as in `kolk test`.";

/// Which results are put together.
#[derive(Clone, Debug, Args)]
#[command(after_help = MERGE_EXAMPLES)]
pub struct MergeArgs {
    /// Results of one sweep, in any order
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write the plan of the smallest seed of each class of failure there
    #[arg(long, value_name = "DIR")]
    pub plans: Option<PathBuf>,
    /// Print the results as JSON, and nothing else, on standard output
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// The results for other programs.
    #[command(flatten)]
    pub formats: FormatArgs,
}

/// How runs are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StrategyArg {
    /// Each run draws its own sizes, latencies and faults, small ones first
    Swarm,
    /// All runs with at most so many deviations from a quiet one: --deviations
    Bounded,
    /// Deliver messages by random priorities, which finds each order of D deliveries with a
    /// probability that is told: --depth
    Priorities,
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
    fn reads_shares() {
        use ShardArg::{Auto, Given};
        for (text, share) in [
            ("1/1", Some(Given(1, 1))),
            ("2/7", Some(Given(2, 7))),
            ("7/7", Some(Given(7, 7))),
            ("auto", Some(Auto(None))),
            ("auto/3", Some(Auto(Some(3)))),
            ("0/7", None),
            ("8/7", None),
            ("1/0", None),
            ("auto/0", None),
            ("3", None),
            ("a/b", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<ShardArg>().ok(), share, "{text}");
        }
    }

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
