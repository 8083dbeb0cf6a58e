//! Running a node as a program of its own: lines on stdin and stdout.
//!
//! One program serves the original Maelstrom, the real clock and the virtual one without a flag:
//! the first `init` says which. If it offers lockstep, time is what its lines are stamped with and
//! every step ends with one `idle` line (see [`kolk_protocol::lockstep`]); otherwise the node runs
//! on the machine's clock, and on Tokio.
//!
//! This module is the only part of the crate that does I/O, reads a clock or draws entropy.

mod lines;
mod lockstep;
mod real;
mod session;

use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

use kolk_protocol::workload::init;
use kolk_protocol::{Line, Time, from_body, lockstep::VERSION};

use crate::context::Context;
use crate::node::Node;
use crate::runtime::{Runtime, runtime};
use lines::Lines;
use session::Session;

/// The exit status for arguments that make no sense.
const BAD_ARGUMENTS: u8 = 254;

/// Runs a node on stdin and stdout until its input ends. `factory` is called when `init` arrives;
/// what `init` says is in the context it gets.
///
/// Gives failure only if stdin cannot be read or stdout not be written. That nobody reads stdout any
/// more is an ordinary end.
pub fn run<N: Node>(factory: impl FnOnce(&Context) -> N) -> ExitCode {
    match serve(runtime(factory, |_| entropy())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the node cannot go on: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The `main` of a node with settings: gives the program's arguments to `factory`, and runs what it
/// makes of them. If it fails, the text goes to stderr and the exit status is 254.
pub fn main<N: Node, F: FnOnce(&Context) -> N>(
    factory: impl FnOnce(&[String]) -> Result<F, String>,
) -> ExitCode {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    match factory(&args) {
        Ok(factory) => run(factory),
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(BAD_ARGUMENTS)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a node on the real clock has real entropy")]
fn entropy() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system has entropy");
    u64::from_ne_bytes(bytes)
}

fn serve(node: impl Runtime) -> io::Result<()> {
    let mut session = Session::new(node);
    let (mut lines, mut now) = (Lines::new(), Time::ZERO);
    let mut stdin = stdin()?;
    loop {
        while let Some(line) = lines.peek() {
            match Line::parse(line) {
                Ok(line) if line.body.kind == "init" => {
                    return if offers_lockstep(&line) {
                        lockstep::drive(session, lines, stdin)
                    } else {
                        real::drive(session, lines, stdin)
                    };
                }
                // What comes before `init` runs no code of the node's author.
                _ => lockstep::step(&mut session, &mut now, lines.next().unwrap_or_default())?,
            }
        }
        session.flush()?;
        if lines.read_from(&mut stdin)? == 0 {
            return Ok(());
        }
    }
}

/// True if the line is an `init` with an offer that the core accepts.
fn offers_lockstep(line: &Line<'_>) -> bool {
    match from_body(&line.body.kind, line.body.json) {
        Ok(init::Request::Init { lockstep: Some(offer), .. }) => {
            offer.version == VERSION && offer.seed().is_some()
        }
        _ => false,
    }
}

/// Stdin without a buffer of its own, so that what is read and what is left is known.
#[cfg(unix)]
fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Stdin without a buffer of its own, so that what is read and what is left is known.
#[cfg(windows)]
fn stdin() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

/// Reads, again if a signal came between.
fn read(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
