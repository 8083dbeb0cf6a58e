//! The launcher: this program once more, which prepares itself and then becomes the traced one.
//!
//! What a child must do between fork and exec cannot be done in Rust without unsafe code; so the
//! child is this same program, which does it in peace.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::personality::{self, Persona};
use nix::sys::signal::{Signal, raise};
use rustix::process::{TimeStampCounterReadability, set_time_stamp_counter_readability};
use rustix::thread::{CpuSet, sched_setaffinity};

use super::filter;
use crate::Followed;

/// The first argument of a launcher.
pub(super) const LAUNCH: &str = "__kolk-traced-launch";

/// What of the program's files is followed, in the third argument; anything else for nothing.
pub(super) const FOLLOWED: [(&str, Followed); 2] =
    [("syncs", Followed::Syncs), ("writes", Followed::Writes)];

/// What the launcher writes to its standard output before it stops: whether addresses are fixed,
/// and whether the time-stamp counter traps.
pub(super) const REPORT_BYTES: usize = 2;

/// How the launcher ends if it cannot become the program: with the error's number in the report
/// that follows.
pub(super) const CANNOT_EXECUTE: i32 = 201;
/// How it ends if the filter cannot be installed.
pub(super) const NO_FILTER: i32 = 202;

/// Becomes a traced program, if this process was started for that; else does nothing. A program
/// that traces others calls it first in its `main`.
pub fn launch_if_asked() {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|word| word.as_bytes() == LAUNCH.as_bytes()) {
        let status = launch(args.collect());
        std::process::exit(status);
    }
}

/// Gives the exit status with which it failed, having written the error's number.
fn launch(args: Vec<OsString>) -> i32 {
    let [processor, followed, program, rest @ ..] = args.as_slice() else { return NO_FILTER };
    let is_fixed = personality::get()
        .and_then(|persona| personality::set(persona | Persona::ADDR_NO_RANDOMIZE))
        .is_ok();
    if let Some(cpu) = processor.to_str().and_then(|word| word.parse().ok()) {
        let mut set = CpuSet::new();
        set.set(cpu);
        let _ = sched_setaffinity(None, &set);
    }
    let traps =
        set_time_stamp_counter_readability(TimeStampCounterReadability::RaiseSIGSEGV).is_ok();
    let mut out = io::stdout();
    let report = [u8::from(is_fixed), u8::from(traps)];
    let followed = FOLLOWED.iter().find(|(word, _)| followed.as_bytes() == word.as_bytes());
    let filters = filter::programs(followed.map(|(_, followed)| *followed));
    if out.write_all(&report).and_then(|()| out.flush()).is_err() {
        return NO_FILTER;
    }
    // Here the tracer takes over: before, calls that the filter traces would fail.
    let _ = raise(Signal::SIGSTOP);
    let applied = filters.is_ok_and(|programs| {
        programs.iter().all(|program| seccompiler::apply_filter(program).is_ok())
    });
    let (status, error) = if applied {
        (CANNOT_EXECUTE, Command::new(program).args(rest).exec())
    } else {
        (NO_FILTER, io::Error::last_os_error())
    };
    let number = error.raw_os_error().unwrap_or_default();
    let _ = out.write_all(&number.to_le_bytes()).and_then(|()| out.flush());
    status
}
