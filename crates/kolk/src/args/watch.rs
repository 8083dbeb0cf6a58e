//! Running again.

use std::path::PathBuf;

use clap::Args;

const WATCH_EXAMPLES: &str = "\
Examples:
  kolk watch
      The last `kolk test` or `kolk challenge` of this store, again whenever the program changes.
  kolk watch test -w echo --bin ./echo.py --time-limit 2
  kolk watch --exit-on-failure challenge 3a 3b --bin ./broadcast.py
      Until one does not hold; its exit status is that of the run.

What is looked at is the program; or, if a kolk.toml names it, the `sources` that it names too. A
run ends at its first failure: the challenges that would follow are left out. Ctrl-C ends it.";

/// What to run.
#[derive(Clone, Debug, Args)]
#[command(after_help = WATCH_EXAMPLES)]
pub struct WatchArgs {
    /// End when a run does not hold, with its exit status
    #[arg(long)]
    pub exit_on_failure: bool,
    /// Where run folders are: which command was the last
    #[arg(long, value_name = "DIR", default_value = "store")]
    pub store: PathBuf,
    /// The command [default: the last one; in a folder with a kolk.toml `test`]
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub words: Vec<String>,
}
