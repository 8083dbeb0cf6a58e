//! What can go wrong, and what to do about it.

use std::io;
use std::time::Duration;

/// Why a program cannot be traced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// This is not Linux on x86-64.
    #[error("programs can be traced on Linux on x86-64 alone")]
    Unsupported,
    /// The system does not let this process trace its children.
    #[error("the system does not allow tracing: {what}")]
    NotAllowed {
        /// What was refused.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program itself could not be executed.
    #[error("cannot be executed")]
    Execute(#[source] io::Error),
    /// The launcher ended before it came to execute the program.
    #[error("the launcher ended early ({0})")]
    Launcher(String),
    /// Something else failed.
    #[error("{what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl SpawnError {
    /// What to do about it, a sentence; empty where there is nothing to say.
    pub fn advice(&self) -> &'static str {
        match self {
            SpawnError::Unsupported => "Run it with `--clock real`, or make it speak lockstep.",
            SpawnError::NotAllowed { .. } => {
                "Containers need the right to trace (`--cap-add SYS_PTRACE`), and \
                 /proc/sys/kernel/yama/ptrace_scope must not be 3. Or run it with `--clock real`."
            }
            _ => "",
        }
    }
}

/// Why a step did not end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    /// It went on making calls until patience ran out.
    #[error("did not become idle within {} s", .patience.as_secs_f64())]
    Busy {
        /// How long it was given, by the wall clock.
        patience: Duration,
    },
    /// A thread of it computes, or waits by looking at memory again and again.
    #[error("did not become idle: a thread ran for {} s without making a call", .ran.as_secs_f64())]
    Spins {
        /// How long, in its processor's time.
        ran: Duration,
    },
    /// Somebody wanted it to stop.
    #[error("was stopped")]
    Stopped,
    /// It writes without end.
    #[error("wrote {} MiB without becoming idle", .max >> 20)]
    Floods {
        /// The bound, in bytes.
        max: usize,
    },
    /// It has too many threads and processes.
    #[error("has more than {max} threads and processes")]
    TooMany {
        /// The bound.
        max: usize,
    },
}

impl Stuck {
    /// What to do about it, a sentence.
    pub fn advice(&self) -> &'static str {
        match self {
            Stuck::Busy { .. } => {
                "On the virtual clock time stands still while a program works: a loop that never \
                 waits never ends. If it needs longer, give it `--step-timeout`."
            }
            Stuck::Spins { .. } => {
                "A thread that waits by looking at a variable again and again never lets the \
                 virtual clock go on: wait with a condition variable, a channel or a sleep. If it \
                 computes, give it `--step-timeout`."
            }
            Stuck::Stopped => "",
            Stuck::Floods { .. } => {
                "On the virtual clock time stands still while a program works: it must wait now \
                 and then."
            }
            Stuck::TooMany { .. } => {
                "Whoever starts threads or processes without end never becomes idle."
            }
        }
    }
}
