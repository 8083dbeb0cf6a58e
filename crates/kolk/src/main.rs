//! kolk: a workbench for distributed algorithms.
//!
//! The program is thin: it reads the command line, has the libraries do the work, prints what they
//! draw, and exits with a status that says how it went.

mod args;
mod commands;
mod figures;
mod nodes;
mod program;
mod progress;
mod request;
mod runner;
mod signals;
mod status;
mod store;
mod tee;
mod terminal;
mod whole;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::status::{Status, Stop};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are no errors, and go to standard output.
            let status = if error.use_stderr() { Status::BadArguments } else { Status::Valid };
            let _ = error.print();
            return status.into();
        }
    };
    // A panic is a failure of kolk's own, and has a status of its own; unwinding ends the nodes.
    let ended = catch_unwind(AssertUnwindSafe(|| dispatch(&cli.command)));
    drop(kolk_engine::kill_all_programs());
    match ended {
        Ok(Ok(status)) => status,
        Ok(Err(stop)) => {
            terminal::print_error(&stop.failure.draw(terminal::error_style()));
            stop.status.into()
        }
        Err(_) => {
            terminal::print_error("this is a mistake in kolk; please report it\n");
            Status::Internal.into()
        }
    }
}

fn dispatch(command: &Command) -> Result<ExitCode, Stop> {
    // A node is ended by whoever runs it, not by a Ctrl-C meant for that one.
    if !matches!(command, Command::Node(_)) {
        signals::listen();
        kolk_engine::adopt_orphans();
    }
    let status = match command {
        Command::Test(args) => commands::test::run(args)?,
        Command::Challenge(args) => commands::challenge::run(args)?,
        Command::Replay(args) => commands::replay::run(args)?,
        Command::Report(args) => commands::report::run(args)?,
        Command::Serve(args) => commands::serve::run(args)?,
        Command::Verify(args) => commands::verify::run(args)?,
        Command::Node(args) => return commands::node::run(args),
        Command::Check(args) => commands::check::run(args)?,
        Command::Help(args) => commands::help::run(args)?,
    };
    Ok(status.into())
}
