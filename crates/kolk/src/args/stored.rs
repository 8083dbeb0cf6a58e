//! Runs and histories that are there already: replayed, drawn, shown, judged, removed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kolk_protocol::Time;

use super::test::{OutputArgs, RoomArgs};
use super::values::{ExportArg, JudgeArg, parse_days, parse_window};

/// Which run to repeat.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// A run folder, such as `store/latest`, or a `plan.json`
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// How much is stored.
    #[command(flatten)]
    pub room: RoomArgs,
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

const CHECK_EXAMPLES: &str = "\
Examples:
  kolk check store/latest
      A run of kolk's: its plan says which workload it is.
  kolk check ~/maelstrom/store/latest/history.edn -w broadcast --json
  kolk check history.json -w register --initial 0
  my-test | kolk check - -w counter
      A history from standard input.
  kolk check histories/*.edn -w txn-list-append --consistency-models serializable
      One line for each history, and the worst verdict as exit status.
  kolk check --model list-append histories/*.edn
      As elle-cli: its output, its flags and its exit status.

Exit status: 0 valid, 1 invalid, 2 unknown, 254 a history or flags that cannot be used. With
--model as of elle-cli: 0 if no history is invalid, 1 if one is or if the model does not fit, 255
if a file is missing.";

/// What to judge.
#[derive(Clone, Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckArgs {
    /// Run folders, or histories: JSON lines or a JSON array, EDN, Jepsen's columns, AWDIT's text;
    /// - for standard input
    #[arg(value_name = "HISTORY", required = true)]
    pub histories: Vec<PathBuf>,
    /// The workload it is a history of [default: that of the plan.json beside it, with its models]
    #[arg(short, long, value_name = "NAME")]
    pub workload: Option<String>,
    /// register, multi-register: what they hold in the beginning, such as 0 [default: nothing]
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub initial: Option<String>,
    /// The fraction of operations that must succeed, or `total` for all [default: only measured]
    #[arg(long, value_name = "FRACTION")]
    pub availability: Option<String>,
    /// What transactions are held to, with commas between [default: strict-serializable]
    #[arg(short, long, value_name = "MODELS")]
    pub consistency_models: Option<String>,
    /// txn-rw-register: assume that each key, by itself, is sequentially consistent
    #[arg(long)]
    pub sequential_keys: bool,
    /// txn-rw-register: assume that each key, by itself, is linearizable
    #[arg(long)]
    pub linearizable_keys: bool,
    /// bank: what all accounts hold together [default: what the first read shows]
    #[arg(short = 'o', long, value_name = "SUM", allow_hyphen_values = true)]
    pub total_amount: Option<i64>,
    /// bank: let accounts be overdrawn
    #[arg(short = 'n', long)]
    pub allow_negative_balances: bool,
    /// long-fork: how many keys each read is of [default: any number]
    #[arg(short = 'g', long, value_name = "N")]
    pub group_size: Option<usize>,
    /// Let all count that is proved, which is so anyway
    #[arg(long)]
    pub strict: bool,
    /// Whose checks count: kolk for all that is proved, or maelstrom for what it would say of such
    /// a run [default: kolk]
    #[arg(long = "as", value_name = "WHO", hide_possible_values = true, conflicts_with = "strict")]
    pub judge: Option<JudgeArg>,
    /// Say what was checked, what was assumed, and what the strongest true model is
    #[arg(long)]
    pub explain: bool,
    /// Print the results as JSON, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub elle: ElleArgs,
}

/// What elle-cli is asked for beside.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "As elle-cli")]
pub struct ElleArgs {
    /// Judge as elle-cli does, by a model of its or of Knossos: rw-register, list-append, bank,
    /// counter, set, set-full, long-fork, cas-register, mutex, comments, sequential and others
    #[arg(short, long, value_name = "MODEL", conflicts_with_all = ["workload", "judge"])]
    pub model: Option<String>,
    /// edn or json; a history's text tells anyway
    #[arg(short, long, value_name = "FORMAT", value_parser = ["edn", "json"], requires = "model")]
    pub format: Option<String>,
    /// text or json
    #[arg(
        short = 'v', long, value_name = "OUTPUT", value_parser = ["text", "json"],
        requires = "model"
    )]
    pub output: Option<String>,
    /// The same as --output json
    #[arg(long, requires = "model")]
    pub verbose: bool,
    /// Anomalies that count, whatever the models say, with commas between
    #[arg(short, long, value_name = "NAMES", requires = "model")]
    pub anomalies: Option<String>,
    /// Taken and not needed: no search here ends by the clock
    #[arg(short = 's', long, value_name = "MS", requires = "model")]
    pub cycle_search_timeout: Option<u64>,
    /// Where to write the results, as JSON
    #[arg(short, long, value_name = "DIR", requires = "model")]
    pub directory: Option<PathBuf>,
    /// Taken and not needed: circles are told in words
    #[arg(short, long, value_name = "FORMAT", requires = "model")]
    pub plot_format: Option<String>,
    /// Taken and not needed
    #[arg(short = 't', long, value_name = "MS", requires = "model")]
    pub plot_timeout: Option<u64>,
    /// Taken and not needed
    #[arg(short = 'b', long, value_name = "BYTES", requires = "model")]
    pub max_plot_bytes: Option<u64>,
    /// bank: taken and not needed
    #[arg(long, value_name = "SUM", requires = "model")]
    pub max_transfer: Option<i64>,
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
