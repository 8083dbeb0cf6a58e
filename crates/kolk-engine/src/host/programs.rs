//! Nodes that are programs of their own: how they are started, spoken to, and ended, all that they
//! started among it. Only where the system is a Unix.

mod disks;
mod family;
mod lines;
mod lockstep;
mod process;
mod real;
mod restart;
mod scratch;
mod stored;
mod timespec;
mod traced;
mod words;

pub use family::{Killed, adopt_orphans, kill_all as kill_all_programs, set_warden, watch_over};
pub use traced::{can_trace, speaks_lockstep};

pub(crate) use family::Family;
pub(crate) use lockstep::LockstepHost;
pub(crate) use process::{Program, ProgramEvent, Recipe, make_room};
pub(crate) use real::RealHost;
pub(crate) use scratch::Scratch;
pub(crate) use timespec::timespec;
pub(crate) use traced::{TracedHost, tracer};
use words::Words;

use std::time::Duration;

/// What the watchdog did, as something that differs from machine to machine.
fn given_up(after: Duration) -> String {
    format!("a step given up after {} s of the machine's time", after.as_secs_f64())
}
