//! Nodes: those that are built in, and a program of somebody's by itself.

use std::path::PathBuf;

use clap::Args;

use super::test::{PatienceArgs, RunArgs};
use super::values::parse_seconds;
use crate::projects::Language;

const VERIFY_EXAMPLES: &str = "\
Examples:
  kolk verify store/latest
  kolk verify -w broadcast --node broadcast --nemesis partition --seeds 200
      Two hundred seeds, each run twice.
  kolk verify --seeds 200
      All built-in nodes, in all their modes, under every kind of fault: twice in this process,
      and as separate programs in lockstep.
  kolk verify -w echo --bin ./echo.py
      A program of yours, on the virtual clock.";

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
    /// How long programs are waited for.
    #[command(flatten)]
    pub patience: PatienceArgs,
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
    /// The program [default: that of the folder's kolk.toml]
    #[arg(value_name = "BIN")]
    pub bin: Option<PathBuf>,
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
