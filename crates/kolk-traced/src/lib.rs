//! Any program on a virtual clock, unmodified: Linux on x86-64, by tracing its system calls.
//!
//! A [`Traced`] program is driven in steps: [`Traced::step`] gives it the time and perhaps some
//! input, lets it run until nothing in it can go on before the time changes, and says what it wrote
//! and when it wants to go on. Between two steps every thread of it stands still. What it sees of
//! time, waiting, threads, randomness and process numbers is decided here, from the steps and a
//! seed alone; so the same steps give the same bytes.
//!
//! How: exactly one thread of the program runs at a time, and all others are in a ptrace stop. A
//! seccomp filter stops a thread only at calls that have to do with time, waiting, threads,
//! randomness or processes, and those are answered here or let through when they cannot block. The
//! clock is read without a stop, through code written over the vDSO's. That the program is idle is
//! thus known (nothing is left in the run queue), and not guessed from how its threads sleep.
//!
//! What cannot be kept from the kernel's own timing is counted: see [`FellThrough`].
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tracer = kolk_traced::Tracer::new(|| false)?;
//! let mut settings = kolk_traced::Settings::new("/usr/bin/python3");
//! settings.args = vec!["-c".into(), "import time; time.sleep(60); print(input())".into()];
//! let mut program = kolk_traced::Traced::spawn(&tracer, settings)?;
//! let step = program.step(0, b"hello\n")?;
//! let step = program.step(step.wake_at.expect("it sleeps"), b"")?;
//! assert_eq!((step.output.as_slice(), program.now()), (&b"hello\n"[..], 60_000_000_000));
//! # Ok(())
//! # }
//! ```
//!
//! The program is started by the calling program itself, under another name for a moment: its
//! `main` must call [`launch_if_asked`] before anything else.

mod error;
mod fell_through;
mod files;
mod settings;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tracer;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[path = "elsewhere.rs"]
mod tracer;

pub use error::{SpawnError, Stuck};
pub use fell_through::{Cause, FellThrough};
pub use files::{Change, FileId, Files, Followed, Follower, SyncBegun};
pub use settings::{Ended, Order, Settings, Step};
pub use tracer::{Traced, Tracer, is_supported, launch_if_asked};
