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
    /// Whose checks count: maelstrom for what it would say of such a run, or kolk for the stronger
    /// ones too, which is --strict [default: Maelstrom's, and all that is proved of transactions]
    #[arg(long = "as", value_name = "WHO", hide_possible_values = true, conflicts_with = "strict")]
    pub judge: Option<JudgeArg>,
    /// Print the results as JSON, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
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
