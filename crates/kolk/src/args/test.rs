//! One run: what it is made from, and what it is given.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kolk_engine::{Patience, Room};
use kolk_history::plan::Limits;

use super::values::{
    ChanceArg, ClockArg, HostArg, JudgeArg, LatencyArg, ThreadsArg, Words, parse_log_size,
    parse_seconds, parse_seed, parse_size,
};

const TEST_EXAMPLES: &str = "\
Examples:
  kolk test -w echo --bin ./echo.py --time-limit 5
  kolk test -w broadcast --bin target/release/my-node --node-count 5 --rate 10 -- --verbose
      What is no flag goes to your program; after `--` everything does.
  kolk test -w broadcast --node broadcast --node-count 25 --rate 100 --latency 100
  kolk test -w g-set --node g-set --nemesis partition --loss 0.1 --test-count 20
      Twenty runs, each with a seed of its own.
  kolk test -w broadcast --node broadcast --cut n3@0..20
      Cut n3 off from the others from second 0 of the load to second 20.
  kolk test -w g-set --bin ./node.py --nemesis kill,pause --nemesis-interval 5 --fault-budget 2
      Kill nodes and have them stand still, never more than two of them at once.";

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
    #[arg(
        long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub test_count: u32,
    /// How long a program may take.
    #[command(flatten)]
    pub patience: PatienceArgs,
    /// How much is stored.
    #[command(flatten)]
    pub room: RoomArgs,
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
    /// [default: 1n; 2n for lin-kv]
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
    /// The probability that a message between nodes, or between a node and a service, is lost; for
    /// a while: 0.3@5..10
    #[arg(long, value_name = "P", help_heading = "Network and faults")]
    pub loss: Vec<ChanceArg>,
    /// The probability that a message between nodes, or between a node and a service, arrives
    /// twice; for a while: 0.3@5..10
    #[arg(long, value_name = "P", help_heading = "Network and faults")]
    pub duplication: Vec<ChanceArg>,
    /// Sources of faults, with commas between: kill, pause, power, partition, rolling, coup,
    /// one-way, slow, loss, duplication, clog, clock, disk, or all, which leaves out rolling, coup
    /// and disk
    #[arg(long, value_name = "FAULTS", help_heading = "Network and faults")]
    pub nemesis: Option<Words>,
    /// Seconds between a fault's beginning or end and the next, on average [default: 10]
    #[arg(long, value_name = "SECONDS", help_heading = "Network and faults")]
    pub nemesis_interval: Option<f64>,
    /// Cut a node off from the others: NODE@FROM..TO, in seconds of load, or only in one direction:
    /// n1>n2@5..7; may be repeated
    #[arg(long, value_name = "CUT", help_heading = "Network and faults")]
    pub cut: Vec<String>,
    /// Kill nodes and start them again: NODES@FROM..TO, such as n1+n2@3..5, or when something
    /// happens: 'on stderr /became leader/ after 250ms for 500ms'; may be repeated
    #[arg(long, value_name = "KILL", help_heading = "Network and faults")]
    pub kill: Vec<String>,
    /// Have nodes stand still (SIGSTOP) for a while: NODES@FROM..TO; may be repeated
    #[arg(long, value_name = "PAUSE", help_heading = "Network and faults")]
    pub pause: Vec<String>,
    /// Take the power from nodes, which lose what they have not synced, and start them again:
    /// NODES@FROM..TO, or NODES@AT for a second; may be repeated
    #[arg(long, value_name = "POWER", help_heading = "Network and faults")]
    pub power: Vec<String>,
    /// Have messages on links take so many times longer: n1>n2*10@0..20; may be repeated
    #[arg(long, value_name = "SLOW", help_heading = "Network and faults")]
    pub slow: Vec<String>,
    /// Have links of nodes stand still and deliver all at once at the end: n1+n2@5..10, or every
    /// half second: n1/0.5@5..10; may be repeated
    #[arg(long, value_name = "CLOG", help_heading = "Network and faults")]
    pub clog: Vec<String>,
    /// Have clocks of nodes be wrong, on the virtual clock: n1:2.5@5..10 jumps ahead by 2.5 s,
    /// n1*1.5@5..10 runs faster; may be repeated
    #[arg(long, value_name = "SKEW", help_heading = "Network and faults")]
    pub skew: Vec<String>,
    /// Have disks of nodes be at fault: n1:failing@5..10, n1+n2:full@5..10, n1:corrupt@5..; may be
    /// repeated
    #[arg(long, value_name = "DISK", help_heading = "Network and faults")]
    pub disk: Vec<String>,
    /// Whom drawn kills, pauses or losses of power may hit: kill=one,minority; of one,
    /// minority-third, minority, majority, all, some, leader [default: every group except
    /// leader]
    #[arg(long, value_name = "TARGETS", help_heading = "Network and faults")]
    pub nemesis_targets: Vec<String>,
    /// How many nodes may be down, paused or cut off at once [default: all]
    #[arg(long, value_name = "N", help_heading = "Network and faults")]
    pub fault_budget: Option<usize>,
    /// The fraction of operations that must succeed, or `total` for all
    #[arg(long, value_name = "FRACTION", help_heading = "Judgement")]
    pub availability: Option<String>,
    /// What transactions are held to, with commas between [default: strict-serializable]
    #[arg(long, value_name = "MODELS", help_heading = "Judgement")]
    pub consistency_models: Option<Words>,
    /// Let the stronger checks count: convergence, duplicates, values nobody added
    #[arg(long, help_heading = "Judgement")]
    pub strict: bool,
    /// Whose checks count: maelstrom for its own alone, or kolk for the stronger ones too, which is
    /// --strict [default: Maelstrom's; also every reply must fit, and no term may have two leaders]
    #[arg(long = "as", value_name = "WHO", hide_possible_values = true)]
    #[arg(conflicts_with = "strict", help_heading = "Judgement")]
    pub judge: Option<JudgeArg>,
    /// When a run is ended before its time.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// What every random decision is drawn from: decimal or 0x… [default: a fresh one, printed]
    #[arg(long, value_name = "SEED", value_parser = parse_seed, help_heading = "Clock and seed")]
    pub seed: Option<u64>,
    /// Which clock: the machine's (real), or simulated time (virtual) [default: real with --bin,
    /// virtual with --node]
    #[arg(
        long,
        value_name = "CLOCK",
        hide_possible_values = true,
        help_heading = "Clock and seed"
    )]
    pub clock: Option<ClockArg>,
    /// How a program runs on the virtual clock: lockstep or traced [default: lockstep if it accepts
    /// that, else traced]
    #[arg(long, value_name = "HOST", hide_possible_values = true, requires = "bin")]
    #[arg(help_heading = "Clock and seed")]
    pub host: Option<HostArg>,
    /// In which order the threads of a traced program go on: fair, or shuffled by the seed, which
    /// finds other races between them [default: fair]
    #[arg(long, value_name = "ORDER", hide_possible_values = true, requires = "bin")]
    #[arg(help_heading = "Clock and seed")]
    pub threads: Option<ThreadsArg>,
}

/// When a run is ended before its time.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LimitArgs {
    /// Messages between servers after which the run is ended [default: a bound that grows with
    /// nodes, operations and time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(help_heading = "Load")]
    pub max_messages: Option<u64>,
    /// Go on though no operation has been answered in ten seconds without a fault
    #[arg(long, help_heading = "Load")]
    pub no_fail_fast: bool,
}

impl From<LimitArgs> for Limits {
    fn from(args: LimitArgs) -> Limits {
        Limits { max_messages: args.max_messages, fail_fast: !args.no_fail_fast }
    }
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

/// How much of a run is stored.
#[derive(Clone, Copy, Debug, Args)]
pub struct RoomArgs {
    /// How much of a node's stderr is kept: of more, both ends. Bytes, or with KiB, MiB, GiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse_log_size)]
    #[arg(help_heading = "Output")]
    pub node_log_max: u64,
    /// How much room a run's messages and operations have: one that needs more is ended
    #[arg(long, value_name = "SIZE", default_value = "8GiB", value_parser = parse_size)]
    #[arg(help_heading = "Output")]
    pub run_max: u64,
}

impl From<RoomArgs> for Room {
    fn from(args: RoomArgs) -> Room {
        Room { node_log: args.node_log_max, run: args.run_max }
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

fn workload_help() -> String {
    let names: Vec<&str> =
        kolk_workload::registry::WORKLOADS.iter().map(|info| info.name).collect();
    format!("The workload: {}", names.join(", "))
}
