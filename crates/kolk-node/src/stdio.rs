//! Running a node as a program of its own: lines on stdin and stdout.
//!
//! One program serves Maelstrom, kolk's real clock and its virtual one without a flag:
//! the first `init` says which. If it offers lockstep, time is what its lines are stamped with and
//! every step ends with one `idle` line (see [`kolk_protocol::lockstep`]); otherwise the node runs
//! on the machine's clock, and on Tokio.
//!
//! This module is the only part of the crate that does I/O, reads a clock or draws entropy.

mod folder;
mod lines;
mod lockstep;
mod own_machine;
mod real;
mod session;

use std::fs::File;
use std::io;
use std::process::ExitCode;

use kolk_protocol::workload::init;
use kolk_protocol::{Line, Time, from_body};

use crate::context::Context;
use crate::machine::Machine;
use crate::node::Node;
use crate::runtime::{Runtime, runtime};
use crate::state::Life;
pub(crate) use folder::{Folder, WantedSync};
use lines::Lines;
use own_machine::OwnMachine;
use session::Session;

/// The exit status for arguments that make no sense.
const BAD_ARGUMENTS: u8 = 254;

/// Runs a node on stdin and stdout until its input ends. `factory` is called when `init` arrives,
/// with a context that knows what `init` said.
///
/// The exit status is a failure only if stdin cannot be read or stdout cannot be written. If nobody
/// reads stdout any more, that is an ordinary end.
pub fn run<N: Node>(factory: impl FnOnce(&Context) -> N) -> ExitCode {
    exit_code(serve(runtime(factory, |_| Life::of(entropy()))))
}

/// Runs a machine of one's own on stdin and stdout until its input ends.
///
/// The machine gets every message, `init` and what arrives before it included, and answers `init`
/// itself. It need not know of lockstep: if `init` offers it, the driver accepts in the machine's
/// `init_ok`, stamps each step with the workbench's time, and ends each with an `idle`. A machine
/// that draws random numbers takes the seed from the offer, so that its runs can be repeated.
///
/// The exit status is that of [`run`].
///
/// ```no_run
/// use kolk_node::{Input, Machine, Outputs, Time};
///
/// /// Answers nothing but `init`.
/// struct Silent;
///
/// impl Machine for Silent {
///     fn step(&mut self, _: Time, input: Input<'_>, outputs: &mut Outputs) -> Option<Time> {
///         if let Input::Message { src, .. } = input {
///             outputs.push(src, br#"{"type": "init_ok", "in_reply_to": 1}"#);
///         }
///         None
///     }
/// }
///
/// fn main() -> std::process::ExitCode {
///     kolk_node::run_machine(Silent)
/// }
/// ```
pub fn run_machine(machine: impl Machine) -> ExitCode {
    exit_code(serve(OwnMachine::new(machine)))
}

fn exit_code(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the node cannot go on: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The `main` of a node with settings: gives the program's arguments to `factory`, and runs the
/// node that it returns. If `factory` fails, its text goes to stderr and the exit status is 254.
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
                        session.node.set_medium(folder::lockstep()?);
                        lockstep::drive(session, lines, stdin)
                    } else {
                        session.node.set_medium(folder::real());
                        real::drive(session, lines, stdin)
                    };
                }
                // What comes before `init` is refused; time stands still.
                _ => lockstep::step(&mut session, &mut now, lines.next().unwrap_or_default())?,
            }
        }
        session.flush()?;
        if lines.read_from(&mut stdin)? == 0 {
            return Ok(());
        }
    }
}

/// True if the line is an `init` with an offer of lockstep that will be accepted.
fn offers_lockstep(line: &Line<'_>) -> bool {
    match from_body(&line.body.kind, line.body.json) {
        Ok(init::Request::Init { lockstep: Some(offer), .. }) => offer.is_acceptable(),
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
