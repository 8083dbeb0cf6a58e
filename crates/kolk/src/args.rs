//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kolk_engine::Patience;
use kolk_history::plan::ClockKind;
use kolk_protocol::Time;

use crate::projects::Language;

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

/// Whatever follows a command that is not there.
#[derive(Clone, Debug, Args)]
#[command(disable_help_flag = true)]
pub struct ElsewhereArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<std::ffi::OsString>,
}

/// What is done to a store.
#[derive(Clone, Debug, Subcommand)]
pub enum StoreCommand {
    /// Remove the oldest runs of each workload; never one that goes on
    Prune(PruneArgs),
}

const PRUNE_EXAMPLES: &str = "\
Examples:
  kolk store prune
      Keep the ten newest runs of each workload.
  kolk store prune --keep 3 --dry-run
      Say what would go, and remove nothing.
  kolk store prune --keep 0 --older-than 7
      Remove whatever is older than a week.

What `latest` leads to stays, and so does what is no run folder of kolk's.";

/// Which runs go.
#[derive(Clone, Debug, Args)]
#[command(after_help = PRUNE_EXAMPLES)]
pub struct PruneArgs {
    /// How many of the newest runs of each workload stay
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub keep: usize,
    /// Remove only what began more than so many days ago
    #[arg(long, value_name = "DAYS", value_parser = parse_days)]
    pub older_than: Option<f64>,
    /// Say what would go, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where run folders are
    #[arg(long, value_name = "DIR", default_value = "store")]
    pub store: PathBuf,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  kolk completions bash > ~/.local/share/bash-completion/completions/kolk
  kolk completions zsh > ~/.zfunc/_kolk
  kolk completions fish > ~/.config/fish/completions/kolk.fish";

/// For which shell.
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

const MAN_EXAMPLES: &str = "\
Examples:
  kolk man | man -l -
  kolk man test | man -l -
  kolk man --output ~/.local/share/man/man1
      Write kolk.1, kolk-test.1 and so on, where `man kolk` finds them.";

/// Which page.
#[derive(Clone, Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// A command; without one, kolk itself
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
    /// Write all pages into this folder, in place of printing one
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

const TEST_EXAMPLES: &str = "\
Examples:
  kolk test -w echo --bin ./echo.py --time-limit 5
  kolk test -w broadcast --bin target/release/my-node --node-count 5 --rate 10 -- --verbose
      What is no flag goes to your program; after `--` everything does.
  kolk test -w broadcast --node broadcast --node-count 25 --rate 100 --latency 100
  kolk test -w g-set --node g-set --nemesis partition --loss 0.1 --test-count 20
      Twenty runs, each with a seed of its own.
  kolk test -w broadcast --node broadcast --cut n3@0..20
      Cut n3 off from the others from second 0 of the load to second 20.";

/// What is under test, and how.
#[derive(Clone, Debug, Args)]
#[command(after_help = TEST_EXAMPLES)]
pub struct TestArgs {
    /// What is run, and what decides the run.
    #[command(flatten)]
    pub run: RunArgs,
    /// Arguments for the program or node; those that look like flags follow `--`
    #[arg(value_name = "ARGS", help_heading = "Under test")]
    pub args: Vec<String>,
    /// Run this many times, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub test_count: u32,
    /// How long a program may take.
    #[command(flatten)]
    pub patience: PatienceArgs,
    /// Where run folders go, what is printed.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Print what nodes write to stderr, when the run is over
    #[arg(long, help_heading = "Output")]
    pub log_stderr: bool,
    /// Print every message when it is sent
    #[arg(long, help_heading = "Output")]
    pub log_net_send: bool,
    /// Print every message when it is received
    #[arg(long, help_heading = "Output")]
    pub log_net_recv: bool,
    /// What other programs know and this one does not need.
    #[command(flatten)]
    pub ignored: IgnoredArgs,
}

/// Everything that a plan is made from.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The workload.
    #[arg(short, long, value_name = "NAME", help = workload_help())]
    pub workload: Option<String>,
    /// The program under test, started once for each node
    #[arg(long, value_name = "PATH", help_heading = "Under test")]
    pub bin: Option<PathBuf>,
    /// A built-in node under test, in place of a program; `kolk node --list` shows them
    #[arg(long, value_name = "NAME", conflicts_with = "bin", help_heading = "Under test")]
    pub node: Option<String>,
    /// Arguments for the program or node, which each command reads in its own way.
    #[arg(skip)]
    pub node_args: Vec<String>,
    /// How many nodes: n0, n1, … [default: the five nodes n1 to n5]
    #[arg(long, value_name = "N", help_heading = "Cluster")]
    pub node_count: Option<u32>,
    /// The nodes' names, with commas between; --node-count goes before it
    #[arg(long, value_name = "NAMES", help_heading = "Cluster")]
    pub nodes: Option<Words>,
    /// One more node's name: Jepsen's way to give them one by one
    #[arg(short = 'n', value_name = "NAME", hide = true)]
    pub more_nodes: Vec<String>,
    /// A file with the nodes' names, one a line
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub nodes_file: Option<PathBuf>,
    /// Workers that invoke operations, one at a time each: a number, or `2n` for twice the nodes
    /// [default: 1n]
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub concurrency: Option<String>,
    /// Operations a second, over all workers; 0 only starts the nodes and waits [default: 5]
    #[arg(long, value_name = "HZ", help_heading = "Load")]
    pub rate: Option<f64>,
    /// Seconds of load [default: 60]
    #[arg(long, value_name = "SECONDS", help_heading = "Load")]
    pub time_limit: Option<f64>,
    /// Who is suggested to talk with whom: grid, line, total, tree, tree2, tree3, tree4
    #[arg(long, value_name = "SHAPE", help_heading = "Load")]
    pub topology: Option<String>,
    /// Keys in use at a time, for transactions
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub key_count: Option<u32>,
    /// Operations in a transaction, at most
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub max_txn_length: Option<u32>,
    /// Writes to a key before a fresh one takes its place
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub max_writes_per_key: Option<u32>,
    /// Mean latency in milliseconds, between nodes and between a node and a service [default: 0]
    #[arg(long, value_name = "MS", help_heading = "Network and faults")]
    pub latency: Option<f64>,
    /// How latencies are spread: constant, uniform (from 0 to twice the mean), exponential
    /// [default: constant]
    #[arg(
        long,
        value_name = "KIND",
        hide_possible_values = true,
        help_heading = "Network and faults"
    )]
    pub latency_dist: Option<LatencyArg>,
    /// The probability that a message between nodes is lost
    #[arg(long, value_name = "P", help_heading = "Network and faults")]
    pub loss: Option<f64>,
    /// The probability that a message between nodes arrives twice
    #[arg(long, value_name = "P", help_heading = "Network and faults")]
    pub duplication: Option<f64>,
    /// Sources of faults, with commas between: partition
    #[arg(long, value_name = "FAULTS", help_heading = "Network and faults")]
    pub nemesis: Option<Words>,
    /// Seconds between a fault's beginning or end and the next, on average [default: 10]
    #[arg(long, value_name = "SECONDS", help_heading = "Network and faults")]
    pub nemesis_interval: Option<f64>,
    /// Cut a node off from the others: NODE@FROM..TO, in seconds of load; may be repeated
    #[arg(long, value_name = "CUT", help_heading = "Network and faults")]
    pub cut: Vec<String>,
    /// The fraction of operations that must succeed, or `total` for all
    #[arg(long, value_name = "FRACTION", help_heading = "Judgement")]
    pub availability: Option<String>,
    /// What transactions are held to, with commas between [default: strict-serializable]
    #[arg(long, value_name = "MODELS", help_heading = "Judgement")]
    pub consistency_models: Option<Words>,
    /// Let the stronger checks count: convergence, duplicates, values nobody added
    #[arg(long, help_heading = "Judgement")]
    pub strict: bool,
    /// Whose checks count: maelstrom, or kolk for the stronger ones too, which is --strict
    /// [default: maelstrom]
    #[arg(long = "as", value_name = "WHO", hide_possible_values = true)]
    #[arg(conflicts_with = "strict", help_heading = "Judgement")]
    pub judge: Option<JudgeArg>,
    /// Messages between servers after which the run is ended [default: a bound that grows with
    /// nodes, operations and time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(help_heading = "Load")]
    pub max_messages: Option<u64>,
    /// Go on though no operation has been answered in ten seconds without a fault
    #[arg(long, help_heading = "Load")]
    pub no_fail_fast: bool,
    /// What every random decision is drawn from: decimal or 0x… [default: a fresh one, printed]
    #[arg(long, value_name = "SEED", value_parser = parse_seed, help_heading = "Clock and seed")]
    pub seed: Option<u64>,
    /// Which clock: real for any program, virtual for built-in nodes and programs that know
    /// lockstep [default: real with --bin, virtual with --node]
    #[arg(
        long,
        value_name = "CLOCK",
        hide_possible_values = true,
        help_heading = "Clock and seed"
    )]
    pub clock: Option<ClockArg>,
}

/// How long a program may take by the wall clock, in seconds. No part of the plan: it decides when
/// to give up, not what happens.
#[derive(Clone, Copy, Debug, Args)]
pub struct PatienceArgs {
    /// How long a program may take to answer `init`, on the real clock
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = parse_seconds)]
    #[arg(help_heading = "Clock and seed")]
    pub init_timeout: f64,
    /// How long a program may take to react to a line, on the virtual clock
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = parse_seconds)]
    #[arg(help_heading = "Clock and seed")]
    pub step_timeout: f64,
}

impl From<PatienceArgs> for Patience {
    fn from(args: PatienceArgs) -> Patience {
        Patience {
            init: Duration::from_secs_f64(args.init_timeout),
            step: Duration::from_secs_f64(args.step_timeout),
            stop_wanted: crate::signals::stop_wanted,
        }
    }
}

/// What is printed and where it is kept.
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// Print the results as JSON, and nothing else, on standard output
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Print the verdict alone: no progress, no figures, no hints
    #[arg(short, long, conflicts_with = "json", help_heading = "Output")]
    pub quiet: bool,
    /// Where run folders go
    #[arg(long, value_name = "DIR", default_value = "store", help_heading = "Output")]
    pub store: PathBuf,
}

/// Flags of Jepsen that have no meaning here. They are accepted, so that scripts keep working.
#[derive(Clone, Debug, Default, Args)]
pub struct IgnoredArgs {
    #[arg(long, hide = true, value_name = "USER")]
    username: Option<String>,
    #[arg(long, hide = true, value_name = "PASSWORD")]
    password: Option<String>,
    #[arg(long, hide = true)]
    strict_host_key_checking: bool,
    #[arg(long, hide = true)]
    no_ssh: bool,
    #[arg(long, hide = true, value_name = "FILE")]
    ssh_private_key: Option<String>,
    #[arg(long, hide = true)]
    leave_db_running: bool,
    #[arg(long, hide = true)]
    logging_json: bool,
}

impl IgnoredArgs {
    /// The flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        [
            ("--username", self.username.is_some()),
            ("--password", self.password.is_some()),
            ("--strict-host-key-checking", self.strict_host_key_checking),
            ("--no-ssh", self.no_ssh),
            ("--ssh-private-key", self.ssh_private_key.is_some()),
            ("--leave-db-running", self.leave_db_running),
            ("--logging-json", self.logging_json),
        ]
        .into_iter()
        .filter_map(|(flag, is_given)| is_given.then_some(flag))
        .collect()
    }
}

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

/// Whose checks count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JudgeArg {
    /// Maelstrom's alone.
    Maelstrom,
    /// kolk's stronger ones too.
    Kolk,
}

/// Which challenges, and with what.
#[derive(Clone, Debug, Args)]
#[command(after_help = CHALLENGE_EXAMPLES)]
pub struct ChallengeArgs {
    /// Challenges by their ids, such as 1, 3a or 3d, or `all`
    #[arg(required_unless_present = "list", value_name = "ID")]
    pub ids: Vec<String>,
    /// Show the challenges, with what each asks for
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
    /// Who is suggested to talk with whom in broadcast: grid, line, total, tree, tree2, tree3, tree4
    /// [default: grid]
    #[arg(long, value_name = "SHAPE")]
    pub topology: Option<String>,
    /// How long a program may take.
    #[command(flatten)]
    pub patience: PatienceArgs,
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

/// Which run to repeat.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// A run folder, such as `store/latest`, or a `plan.json`
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Where run folders go, what is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

const REPORT_EXAMPLES: &str = "\
Examples:
  kolk report store/latest
  kolk report store/latest --output /tmp/lost-write.html
      A page that holds everything, to send to somebody.
  kolk report store/latest --window 12.5..13.0
      Half a second of the run in messages.svg and timeline.html, from its second 12.5 on.
  kolk report store/latest --export perfetto
      A trace that https://ui.perfetto.dev opens.";

/// Which run to draw.
#[derive(Clone, Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub struct ReportArgs {
    /// A run folder, such as `store/latest`, or the `plan.json` in one
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Where the page or the export goes, and nothing else is written [default: the run folder, and
    /// the pictures beside the page]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The seconds of the run that messages.svg and timeline.html show [default: those of the first
    /// anomaly, or the first ones, as many as have room]
    #[arg(long, value_name = "FROM..TO", value_parser = parse_window)]
    pub window: Option<(Time, Time)>,
    /// Write the run, or the window of it, for another viewer, and nothing else: perfetto
    /// (ui.perfetto.dev), shiviz
    #[arg(long, value_name = "FORMAT", hide_possible_values = true, conflicts_with = "json")]
    pub export: Option<ExportArg>,
    /// Print the results as JSON, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  kolk serve
      http://127.0.0.1:8080/ shows the runs in ./store, those that go on too; Ctrl-C ends it.
  kolk serve --store ~/course/store --port 0
      Whichever port is free.
  kolk serve --bind 0.0.0.0
      For everybody who can reach this machine.

It shows the store and nothing else, and changes nothing. Exit status: 0 when it is ended by Ctrl-C,
254 if it cannot listen there.";

/// What to show, and to whom.
#[derive(Clone, Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub struct ServeArgs {
    /// Where run folders are
    #[arg(long, value_name = "DIR", default_value = "store")]
    pub store: PathBuf,
    /// Which port to listen on; 0 for any that is free
    #[arg(short, long, value_name = "N", default_value_t = 8080)]
    pub port: u16,
    /// Which address to listen on; 127.0.0.1 is reached from this machine alone
    #[arg(short, long, visible_alias = "host", value_name = "ADDR", default_value = "127.0.0.1")]
    pub bind: String,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  kolk verify store/latest
  kolk verify -w broadcast --node broadcast --nemesis partition --seeds 200
      Two hundred seeds, each run twice.
  kolk verify --seeds 200
      All built-in nodes under every kind of fault: twice in this process, and as separate
      programs in lockstep.
  kolk verify -w echo --bin ./echo.py
      A program that knows lockstep.";

/// What to run twice.
#[derive(Clone, Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub struct VerifyArgs {
    /// A run folder or a `plan.json`, in place of the flags
    #[arg(value_name = "RUN")]
    pub stored: Option<PathBuf>,
    /// What is run, and what decides the run.
    #[command(flatten)]
    pub run: RunArgs,
    /// Arguments for the program or node
    #[arg(last = true, value_name = "ARGS", help_heading = "Under test")]
    pub args: Vec<String>,
    /// Run a built-in node the second time as separate programs in lockstep
    #[arg(long)]
    pub lockstep: bool,
    /// Verify this many seeds, counting up from --seed (or 1)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub seeds: Option<u32>,
}

/// Which node to be.
#[derive(Clone, Debug, Args)]
pub struct NodeArgs {
    /// Show the built-in nodes
    #[arg(long)]
    pub list: bool,
    /// A built-in node
    #[arg(value_name = "NAME", required_unless_present = "list")]
    pub name: Option<String>,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  kolk check store/latest
      A run of kolk's: its plan says which workload it is.
  kolk check ~/maelstrom/store/latest/history.edn -w broadcast --json
  kolk check history.json -w register --initial 0";

/// What to judge.
#[derive(Clone, Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckArgs {
    /// A run folder, or a history: JSON lines or a JSON array, EDN, Jepsen's columns, AWDIT's text
    #[arg(value_name = "HISTORY")]
    pub history: PathBuf,
    /// The workload it is a history of [default: that of the plan.json beside it, with its models]
    #[arg(short, long, value_name = "NAME")]
    pub workload: Option<String>,
    /// register: what it holds in the beginning, such as 0 [default: nothing]
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub initial: Option<String>,
    /// The fraction of operations that must succeed, or `total` for all [default: only measured]
    #[arg(long, value_name = "FRACTION")]
    pub availability: Option<String>,
    /// What transactions are held to, with commas between [default: strict-serializable]
    #[arg(long, value_name = "MODELS", default_value = "", hide_default_value = true)]
    pub consistency_models: String,
    /// txn-rw-register: assume that each key, by itself, is sequentially consistent
    #[arg(long)]
    pub sequential_keys: bool,
    /// txn-rw-register: assume that each key, by itself, is linearizable
    #[arg(long)]
    pub linearizable_keys: bool,
    /// Let the stronger checks count
    #[arg(long)]
    pub strict: bool,
    /// Print the results as JSON, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
}

const CHECK_NODE_EXAMPLES: &str = "\
Examples:
  kolk check-node ./echo.py
  kolk check-node ./my-node --verbose -- --level debug
      With what was sent and what came back for each probe; arguments of the program follow `--`.

Exit status: 0 if it keeps to the protocol, 1 if it would fail runs, 254 if it cannot be started.";

/// Which program to try.
#[derive(Clone, Debug, Args)]
#[command(after_help = CHECK_NODE_EXAMPLES)]
pub struct CheckNodeArgs {
    /// The program
    #[arg(value_name = "BIN")]
    pub bin: PathBuf,
    /// Arguments for the program
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
    /// Show what was sent and what came back for probes that hold too
    #[arg(long, short)]
    pub verbose: bool,
    /// Let the notes count: what works, and could be better
    #[arg(long)]
    pub strict: bool,
    /// How long it may take to answer `init`
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = parse_seconds)]
    pub init_timeout: f64,
    /// How long it may take to answer a request
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = parse_seconds)]
    pub reply_timeout: f64,
}

const NEW_EXAMPLES: &str = "\
Examples:
  kolk new my-node --lang python
      An echo node with a library that you can read in ten minutes, and nothing but the language's
      standard library.
  kolk new my-node --lang rust
      A package on kolk-node, with a test in a simulated cluster.";

/// What to write.
#[derive(Clone, Debug, Args)]
#[command(after_help = NEW_EXAMPLES)]
pub struct NewArgs {
    /// The folder, whose last part is the project's name
    #[arg(value_name = "NAME")]
    pub name: PathBuf,
    /// The language
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Language,
}

const HELP_EXAMPLES: &str = "\
Examples:
  kolk help test
      The flags of a command.
  kolk help protocol
      How nodes and kolk talk with each other.
  kolk help workload broadcast
      What clients send in a workload, what a node answers, and what is checked.
  kolk help service seq-kv
      What the key-value services know, and what they promise.
  kolk help error 20
      What an error code means.";

/// What help is wanted on.
#[derive(Clone, Debug, Args)]
#[command(after_help = HELP_EXAMPLES)]
pub struct HelpArgs {
    /// A command; or `protocol`, `workload [NAME]`, `service [NAME]`, `error [CODE]`
    #[arg(value_name = "SUBJECT")]
    pub subject: Vec<String>,
    /// With the comment that stands at the top of the book's page
    #[arg(long, hide = true)]
    pub page: bool,
}

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

impl From<ClockArg> for ClockKind {
    fn from(clock: ClockArg) -> ClockKind {
        match clock {
            ClockArg::Real => ClockKind::Real,
            ClockArg::Virtual => ClockKind::Virtual,
        }
    }
}

fn workload_help() -> String {
    let names: Vec<&str> =
        kolk_workload::registry::WORKLOADS.iter().map(|info| info.name).collect();
    format!("The workload: {}", names.join(", "))
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
    seconds.ok_or_else(|| "seconds are a number from 0.001 to 86400".to_owned())
}

fn parse_days(text: &str) -> Result<f64, String> {
    let days = text.parse().ok().filter(|days| (0.0..=36_500.0).contains(days));
    days.ok_or_else(|| "days are a number from 0 to 36500".to_owned())
}

/// `12.5..13`: seconds of a run; either may be left out.
fn parse_window(text: &str) -> Result<(Time, Time), String> {
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

fn parse_seed(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let parsed = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    parsed.map_err(|_| "a seed is a number up to 2^64 − 1, decimal or 0x…".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn is_consistent() {
        Cli::command().debug_assert();
    }

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
