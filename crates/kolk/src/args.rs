//! The command line.

mod challenge;
mod explore;
mod learn;
mod nodes;
mod paper;
mod stored;
mod test;
mod values;
mod watch;

use std::error::Error;
use std::num::{ParseFloatError, ParseIntError};

use clap::error::{ContextKind, ErrorKind};
use clap::{Parser, Subcommand};

pub use self::challenge::ChallengeArgs;
pub use self::explore::{ExploreArgs, FormatArgs, MergeArgs, ShardArg, ShrinkArgs, StrategyArg};
pub use self::learn::{LearnArgs, LearnCheckArgs, LearnCommand, LearnHintArgs};
pub use self::nodes::{CheckNodeArgs, NewArgs, NodeArgs, VerifyArgs};
pub use self::paper::{CompletionsArgs, ElsewhereArgs, HelpArgs, ManArgs};
pub use self::stored::{CheckArgs, PruneArgs, ReplayArgs, ReportArgs, ServeArgs, StoreCommand};
pub use self::test::{LimitArgs, OutputArgs, PatienceArgs, RunArgs, TestArgs};
pub use self::values::{
    ChanceArg, ClockArg, ExportArg, HostArg, JudgeArg, KeepArg, LatencyArg, ThreadsArg, Words,
};
pub use self::watch::WatchArgs;

/// A workbench for distributed algorithms: runs a cluster of nodes over a simulated network, with
/// load and faults, and says whether they kept their promises, with the evidence.
#[derive(Debug, Parser)]
#[command(
    name = "kolk",
    version,
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true,
    args_override_self = true,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  kolk challenge all
      Run the built-in nodes through every challenge.
  kolk challenge 3d --bin ./broadcast.py
      Run a program of your own through one of them.
  kolk test -w broadcast --bin ./broadcast.py --node-count 5 --time-limit 20 --nemesis partition
      Maelstrom's flags, on the machine's clock.
  kolk test -w broadcast --node broadcast --latency 100 --loss 0.1 --seed 7
      A built-in node on the virtual clock: the same seed gives the same run, byte for byte.
  kolk replay store/latest
      Run that again.

Exit status: 0 valid, 1 invalid, 2 unknown; 254 bad arguments or a node that cannot be started,
255 a failure of kolk itself, 130 interrupted.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one test against a program of yours or a built-in node
    Test(Box<TestArgs>),
    /// Run the Gossip Glomers challenges, with their official flags and limits
    Challenge(ChallengeArgs),
    /// Work through the course: tasks, hints, checks
    Learn(LearnArgs),
    /// Run a test or a challenge again whenever the program changes
    Watch(WatchArgs),
    /// Try many runs, find one that fails, and make it small
    Explore(Box<ExploreArgs>),
    /// Put together what several processes of a sweep found
    Merge(MergeArgs),
    /// Make a stored run that fails small
    Shrink(Box<ShrinkArgs>),
    /// Run a stored plan again
    Replay(ReplayArgs),
    /// Draw a stored run again: its screen, its page report.html, its pictures
    Report(ReportArgs),
    /// Show all runs of a store in a browser
    Serve(ServeArgs),
    /// Prove that the same plan gives the same run, byte for byte
    Verify(Box<VerifyArgs>),
    /// Be one of the built-in nodes, on standard input and output
    Node(NodeArgs),
    /// Judge a stored history
    Check(CheckArgs),
    /// Try a program by itself: whether it keeps to the protocol, before any workload
    CheckNode(CheckNodeArgs),
    /// Write a small project for a node in a language of yours
    New(NewArgs),
    /// Print the help of a command, or what a node must know: the protocol, a workload's messages
    Help(HelpArgs),
    /// Keep a store small: remove runs that are no longer needed
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print what makes a shell complete kolk's commands and flags
    Completions(CompletionsArgs),
    /// Print kolk's manual page, or that of one of its commands
    Man(ManArgs),
    /// A command of Maelstrom's that something else does here
    #[command(hide = true)]
    Demo(ElsewhereArgs),
    /// A command of Maelstrom's that something else does here
    #[command(hide = true)]
    Doc(ElsewhereArgs),
    /// A command of Jepsen's that something else does here
    #[command(hide = true)]
    Analyze(ElsewhereArgs),
}

/// Reads a command line. What is no number is refused in words of this program: those of Rust's
/// own reader are for programmers.
///
/// # Errors
///
/// What is wrong with the line; help and the version, which are no mistakes, come this way too.
pub fn parse<T: Into<std::ffi::OsString> + Clone>(
    words: impl IntoIterator<Item = T>,
) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(words).map_err(|error| {
        let source = error.source();
        let wanted = if source.is_some_and(|source| source.is::<ParseFloatError>()) {
            "it is no number such as 10 or 0.5"
        } else if source.is_some_and(|source| source.is::<ParseIntError>()) {
            "it is no whole number, or too large a one"
        } else {
            return error;
        };
        let part = |kind| error.get(kind).map_or(String::new(), ToString::to_string);
        let (value, flag) = (part(ContextKind::InvalidValue), part(ContextKind::InvalidArg));
        let text = format!("invalid value '{value}' for '{flag}': {wanted}\n");
        clap::Error::raw(ErrorKind::ValueValidation, text)
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn is_consistent() {
        Cli::command().debug_assert();
    }

    /// What is typed for Maelstrom is read as Maelstrom reads it.
    #[test]
    fn flags_are_read_as_in_maelstrom() {
        let test = |words: &str| {
            let words = ["kolk", "test"].into_iter().chain(words.split_whitespace());
            match Cli::try_parse_from(words).expect("arguments").command {
                Command::Test(args) => args,
                _ => panic!("a test"),
            }
        };
        let args = test("--bin ./node plain extra -w echo -- --loud --rate 3");
        assert_eq!(args.args, ["plain", "extra", "--loud", "--rate", "3"]);
        assert_eq!((args.run.workload.as_deref(), args.run.rate), (Some("echo"), None));
        let args = test("--rate=5 --rate 7 --nemesis a --nemesis=partition,b -wecho");
        assert_eq!((args.run.rate, args.run.workload.as_deref()), (Some(7.0), Some("echo")));
        assert_eq!(args.run.nemesis, Some(Words(vec!["partition".into(), "b".into()])));
        for words in
            ["serve -p 18099 -b ::1", "serve --port 18099 --host ::1", "serve -p18099 -b::1"]
        {
            let words = ["kolk"].into_iter().chain(words.split_whitespace());
            match Cli::try_parse_from(words).expect("arguments").command {
                Command::Serve(args) => assert_eq!((args.port, args.bind.as_str()), (18099, "::1")),
                _ => panic!("a server"),
            }
        }
        let args = test("--nodes a,b --node-count 3 -n c --log-stderr --log-stderr --no-ssh");
        assert_eq!((args.run.node_count, args.log_stderr), (Some(3), true));
    }
}
