//! The course.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::test::{OutputArgs, PatienceArgs, RoomArgs};
use super::values::{ClockArg, parse_seed};
use super::watch::WatchArgs;

const LEARN_EXAMPLES: &str = "\
Examples:
  kolk new my-course --lang python
      A project for the course; go into its folder.
  kolk learn
      All stages, and the task of the next one.
  kolk learn check
      Runs the next stage, and all that were passed before.
  kolk learn check 3a 3b --bin ./broadcast.py
  kolk learn hint
      One more hint for the next stage.
  kolk learn watch
      Checks again whenever the program changes.
  kolk learn check --all --json --seed 7
      For classes: every stage, whatever was passed before.

Each stage is a page of the book. What was passed is kept in learn.json, in this folder.";

/// Where one is, or what is to be done.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = LEARN_EXAMPLES,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct LearnArgs {
    /// What to do; without it, where you are and the next task are shown.
    #[command(subcommand)]
    pub command: Option<LearnCommand>,
    /// Show the task of this stage alone
    #[arg(value_name = "STAGE")]
    pub stage: Option<String>,
    /// Print where you are as JSON
    #[arg(long)]
    pub json: bool,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum LearnCommand {
    /// Run the next stage, and all that were passed before
    Check(Box<LearnCheckArgs>),
    /// Give one more hint for the next stage
    Hint(LearnHintArgs),
    /// Check again whenever the program changes
    Watch(LearnWatchArgs),
}

/// Which stages are run, and how.
#[derive(Clone, Debug, Args)]
pub struct LearnCheckArgs {
    /// Stages by their ids, such as 3a or g-set [default: the next one, and all passed before]
    #[arg(value_name = "STAGE")]
    pub stages: Vec<String>,
    /// Every stage, and go on when one does not hold
    #[arg(long, conflicts_with = "stages")]
    pub all: bool,
    /// The program [default: beside the project's, the one with the workload's name; else the
    /// project's]
    #[arg(long, value_name = "PATH")]
    pub bin: Option<PathBuf>,
    /// What every random decision is drawn from: decimal or 0x…
    #[arg(long, value_name = "SEED", value_parser = parse_seed)]
    pub seed: Option<u64>,
    /// Run each under this many seeds, counting up [default: 1, 3 or 5, as the stage says; 1 of
    /// what was passed before, and on the real clock]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub seeds: Option<u32>,
    /// Which clock: virtual, real [default: virtual]
    #[arg(long, value_name = "CLOCK", hide_possible_values = true)]
    pub clock: Option<ClockArg>,
    /// Write the results as JUnit's XML, too
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub junit: Option<PathBuf>,
    /// How long a program may take.
    #[command(flatten)]
    pub patience: PatienceArgs,
    /// How much is stored.
    #[command(flatten)]
    pub room: RoomArgs,
    /// Where run folders go, what is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// For which stage a hint is wanted.
#[derive(Clone, Debug, Args)]
pub struct LearnHintArgs {
    /// The stage [default: the next one]
    #[arg(value_name = "STAGE")]
    pub stage: Option<String>,
}

/// What is watched.
#[derive(Clone, Debug, Args)]
pub struct LearnWatchArgs {
    /// What `kolk learn check` is told
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub words: Vec<String>,
}

impl LearnArgs {
    /// If a check is to be watched: the watch.
    pub fn watched(&self) -> Option<WatchArgs> {
        let Some(LearnCommand::Watch(LearnWatchArgs { words })) = &self.command else {
            return None;
        };
        let check = ["learn", "check"].into_iter().map(str::to_owned);
        let words = check.chain(words.iter().cloned()).collect();
        Some(WatchArgs { exit_on_failure: false, store: PathBuf::from("store"), words })
    }
}
