//! What is read and not run: help, manual pages, completions.

use std::path::PathBuf;

use clap::Args;

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
      What an error code means.
  kolk help anomaly lost
      What a finding is, and where to look for its cause.
  kolk help trouble start
      What kind of error kept kolk from a run, and what to do.";

/// What help is wanted on.
#[derive(Clone, Debug, Args)]
#[command(after_help = HELP_EXAMPLES)]
pub struct HelpArgs {
    /// A command; or `protocol`, `workload [NAME]`, `service [NAME]`, `error [CODE]`, `anomaly
    /// [NAME]`, `trouble [NAME]`
    #[arg(value_name = "SUBJECT")]
    pub subject: Vec<String>,
    /// With the comment that stands at the top of the book's page
    #[arg(long, hide = true)]
    pub page: bool,
}

/// Whatever follows a command that is not there.
#[derive(Clone, Debug, Args)]
#[command(disable_help_flag = true)]
pub struct ElsewhereArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<std::ffi::OsString>,
}
