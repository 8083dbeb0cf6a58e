//! Challenges.

use std::path::PathBuf;

use clap::Args;

use super::test::{LimitArgs, OutputArgs, PatienceArgs, RoomArgs};
use super::values::{
    ClockArg, HostArg, JudgeArg, KeepArg, LatencyArg, ThreadsArg, Words, parse_seed,
};

const CHALLENGE_EXAMPLES: &str = "\
Examples:
  kolk challenge all
  kolk challenge --list
  kolk challenge 1 2 3a
  kolk challenge 3d --bin ./broadcast.py
      Your own program, on the machine's clock: a challenge takes as long as it says.
  kolk challenge 3d 3e --seed 0x2a
  kolk challenge all --seeds 200
      Each of them under two hundred seeds, and every one held to the limits.
  kolk challenge all --clock real --time-limit 5
      The built-in nodes as programs, on the machine's clock, with less load.";

/// Which challenges, and with what.
#[derive(Clone, Debug, Args)]
#[command(after_help = CHALLENGE_EXAMPLES)]
pub struct ChallengeArgs {
    /// Challenges by their ids, such as 1, 3a or 3d, or `all`
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Show the challenges, or those that are named, with what each asks for
    #[arg(long)]
    pub list: bool,
    /// The program under test, in place of the built-in nodes
    #[arg(long, value_name = "PATH")]
    pub bin: Option<PathBuf>,
    /// Arguments for the program
    #[arg(last = true, value_name = "ARGS", requires = "bin")]
    pub args: Vec<String>,
    /// What every random decision is drawn from: decimal or 0x…
    #[arg(long, value_name = "SEED", value_parser = parse_seed)]
    pub seed: Option<u64>,
    /// Run each under this many seeds, counting up; no folders are kept but of those that fail
    #[arg(long, value_name = "N", default_value_t = 1, hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub seeds: u32,
    /// Which clock: real, virtual [default: virtual, or real with --bin]
    #[arg(long, value_name = "CLOCK", hide_possible_values = true)]
    pub clock: Option<ClockArg>,
    /// How a program runs on the virtual clock: lockstep or traced [default: lockstep if it accepts
    /// that, else traced]
    #[arg(long, value_name = "HOST", hide_possible_values = true, requires = "bin")]
    pub host: Option<HostArg>,
    /// In which order the threads of a traced program go on: fair, or shuffled by the seed, which
    /// finds other races between them [default: fair]
    #[arg(long, value_name = "ORDER", hide_possible_values = true, requires = "bin")]
    pub threads: Option<ThreadsArg>,
    /// Seconds of load, in place of each challenge's own
    #[arg(long, value_name = "SECONDS")]
    pub time_limit: Option<f64>,
    /// Whose checks count: kolk, or maelstrom for its own checks alone [default: kolk]
    #[arg(long = "as", value_name = "WHO", hide_possible_values = true)]
    pub judge: Option<JudgeArg>,
    /// Operations a second, in place of each challenge's own
    #[arg(long, value_name = "HZ")]
    pub rate: Option<f64>,
    /// Mean latency in milliseconds, in place of each challenge's own
    #[arg(long, value_name = "MS")]
    pub latency: Option<f64>,
    /// How latencies are spread: constant, uniform, exponential [default: constant]
    #[arg(long, value_name = "KIND", hide_possible_values = true)]
    pub latency_dist: Option<LatencyArg>,
    /// Who is suggested to talk with whom in broadcast: grid, line, total, tree, tree2, tree3,
    /// tree4 [default: grid]
    #[arg(long, value_name = "SHAPE")]
    pub topology: Option<String>,
    /// More faults, with commas between, as in `kolk test`: never more than a minority of the nodes
    /// down, paused or cut off at once. What the challenge measures is then not held to its limits
    #[arg(long, value_name = "FAULTS")]
    pub nemesis: Option<Words>,
    /// Seconds between a fault's beginning or end and the next, on average [default: 10]
    #[arg(long, value_name = "SECONDS", requires = "nemesis")]
    pub nemesis_interval: Option<f64>,
    /// How many nodes those faults may hit at once [default: fewer than a half]
    #[arg(long, value_name = "N", requires = "nemesis")]
    pub fault_budget: Option<usize>,
    /// When a run is ended before its time.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How long a program may take.
    #[command(flatten)]
    pub patience: PatienceArgs,
    /// End at the first run that does not hold
    #[arg(long)]
    pub fail_fast: bool,
    /// How much is stored.
    #[command(flatten)]
    pub room: RoomArgs,
    /// Print what nodes write to stderr, when a run is over
    #[arg(long, help_heading = "Output")]
    pub log_stderr: bool,
    /// Of which runs every message and the page are kept: all, failing, none
    #[arg(long, value_name = "RUNS", default_value = "failing", hide_possible_values = true)]
    #[arg(help_heading = "Output")]
    pub keep: KeepArg,
    /// Where run folders go, what is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}
