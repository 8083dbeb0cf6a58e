//! kolk: a workbench for distributed algorithms.
//!
//! The program is thin: it reads the command line, has the libraries do the work, prints what they
//! draw, and exits with a status that says how it went.

mod args;
mod commands;
mod figures;
mod net_log;
mod nodes;
mod probes;
mod program;
mod progress;
mod project;
mod projects;
mod request;
mod runner;
mod signals;
mod status;
mod store;
mod stored;
mod suggest;
mod terminal;
mod whole;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::ExitCode;

use kolk_report::failure::{Failure, Trouble};

use crate::args::{Command, StoreCommand};
use crate::status::{Status, Stop};

/// How kolk calls itself to be the warden of its nodes' processes; no command for people.
const WARDEN: &str = "warden-of-nodes";

fn main() -> ExitCode {
    // A traced program is started by this one, under its own name for a moment.
    kolk_engine::launch_if_asked();
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == WARDEN) {
        let mark = words.next().unwrap_or_default();
        kolk_engine::watch_over(&mark.to_string_lossy(), std::io::stdin());
        return Status::Valid.into();
    }
    let completed = match project::complete(std::env::args_os().collect()) {
        Ok(completed) => completed,
        Err(stop) => return stopped(&stop),
    };
    let cli = match args::parse(&completed.words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and the version are no errors, and go to standard output.
            let status = if error.use_stderr() { Status::BadArguments } else { Status::Valid };
            let printed = error.print();
            if !error.use_stderr() {
                terminal::note(printed);
            }
            return ended(status.into());
        }
    };
    // What a checker's panic means stands in the verdict, with what to send where.
    std::panic::set_hook(Box::new(|panic| {
        if !kolk_check::run::is_checking() {
            terminal::print_error(&mistake(panic).draw(terminal::error_style()));
            let trace = Backtrace::capture();
            if trace.status() == BacktraceStatus::Captured {
                terminal::print_error(&format!("{trace}\n"));
            }
        }
    }));
    // A panic is a failure of kolk's own, and has a status of its own; unwinding ends the nodes.
    let done = catch_unwind(AssertUnwindSafe(|| {
        completed.build(is_quiet(&cli.command))?;
        dispatch(&cli.command).map_err(|stop| completed.blame(stop))
    }));
    drop(kolk_engine::kill_all_programs());
    match done {
        Ok(Ok(status)) => ended(status),
        Ok(Err(stop)) => stopped(&stop),
        // What it was has been told.
        Err(_) => Status::Internal.into(),
    }
}

/// What a panic is to people: not their mistake, nor that of their nodes.
fn mistake(panic: &PanicHookInfo<'_>) -> Failure {
    let payload = panic.payload();
    let reason = payload.downcast_ref::<String>().map(String::as_str);
    let reason = reason.or_else(|| payload.downcast_ref::<&str>().copied());
    let place = panic.location().map_or(String::new(), |place| format!(" ({place})"));
    Failure::new(
        Trouble::Kolk,
        "kolk failed, which is a mistake in kolk and says nothing about \
                                 what it ran or read",
    )
    .cause(format!("{}{place}", reason.unwrap_or("no reason given")))
    .advice(format!(
        "please send this, the command, and the run's folder or the file that was read to \
             {}/issues",
        env!("CARGO_PKG_REPOSITORY")
    ))
}

fn stopped(stop: &Stop) -> ExitCode {
    terminal::print_error(&stop.failure.draw(terminal::error_style()));
    stop.status.into()
}

/// True if nothing but a verdict is wanted.
fn is_quiet(command: &Command) -> bool {
    match command {
        Command::Test(args) => args.output.quiet || args.output.json,
        Command::Challenge(args) => args.output.quiet || args.output.json,
        _ => false,
    }
}

/// The status to end with: whatever it was, it says nothing if its reader got only a part.
fn ended(status: ExitCode) -> ExitCode {
    let Some(error) = terminal::lost() else { return status };
    let failure =
        Failure::new(Trouble::Files, "cannot write to standard output").cause(error.to_string());
    terminal::print_error(&failure.draw(terminal::error_style()));
    Status::Internal.into()
}

/// True for the commands that start nodes, or serve until a signal comes.
fn runs_nodes(command: &Command) -> bool {
    matches!(
        command,
        Command::Test(_)
            | Command::Challenge(_)
            | Command::Watch(_)
            | Command::Explore(_)
            | Command::Shrink(_)
            | Command::Replay(_)
            | Command::Serve(_)
            | Command::Verify(_)
            | Command::CheckNode(_)
    )
}

fn dispatch(command: &Command) -> Result<ExitCode, Stop> {
    // A node is ended by whoever runs it, not by a Ctrl-C meant for that one.
    if !matches!(command, Command::Node(_)) {
        // Of what only reads and writes there is nothing to keep: a signal ends it at once.
        if runs_nodes(command) {
            signals::listen();
        }
        kolk_engine::adopt_orphans();
        if let Ok(path) = std::env::current_exe() {
            kolk_engine::set_warden(path, vec![WARDEN.to_owned()]);
        }
    }
    let status = match command {
        Command::Test(args) => commands::test::run(args)?,
        Command::Challenge(args) => commands::challenge::run(args)?,
        Command::Learn(args) => match args.watched() {
            Some(args) => commands::watch::run(&args)?,
            None => commands::learn::run(args)?,
        },
        Command::Watch(args) => commands::watch::run(args)?,
        Command::Explore(args) => commands::explore::run(args)?,
        Command::Merge(args) => commands::merge::run(args)?,
        Command::Shrink(args) => commands::shrink::run(args)?,
        Command::Replay(args) => commands::replay::run(args)?,
        Command::Report(args) => commands::report::run(args)?,
        Command::Serve(args) => commands::serve::run(args)?,
        Command::Verify(args) => commands::verify::run(args)?,
        Command::Node(args) => return commands::node::run(args),
        Command::Check(args) => commands::check::run(args)?,
        Command::CheckNode(args) => commands::check_node::run(args)?,
        Command::New(args) => commands::new::run(args)?,
        Command::Help(args) => commands::help::run(args)?,
        Command::Store(StoreCommand::Prune(args)) => commands::prune::run(args)?,
        Command::Completions(args) => commands::paper::completions(args),
        Command::Man(args) => commands::paper::man(args)?,
        Command::Demo(_) => return Err(commands::elsewhere::demo()),
        Command::Doc(_) => return Err(commands::elsewhere::doc()),
        Command::Analyze(_) => return Err(commands::elsewhere::analyze()),
    };
    Ok(status.into())
}
