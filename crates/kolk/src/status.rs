//! How the program ends.

use std::process::ExitCode;

use kolk_check::Validity;
use kolk_report::failure::{Failure, Trouble};

/// The exit statuses. Of `test`, `challenge`, `replay`, `report` and `check`, 0, 1 and 2 are
/// verdicts. The other commands end with 0 if they succeeded, and say themselves what 1 and 2 mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// Every check holds.
    Valid = 0,
    /// Some check does not.
    Invalid = 1,
    /// Some check cannot tell.
    Unknown = 2,
    /// Interrupted by a signal.
    Interrupted = 130,
    /// Bad arguments, a file named for reading that cannot be used, or a node that cannot be
    /// started.
    BadArguments = 254,
    /// kolk's own failure, or that of the machine: a file cannot be written.
    Internal = 255,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

impl From<Validity> for Status {
    fn from(validity: Validity) -> Status {
        match validity {
            Validity::Valid => Status::Valid,
            Validity::Unknown => Status::Unknown,
            Validity::Invalid => Status::Invalid,
        }
    }
}

/// Why a command could not be carried out, and the status that says so.
#[derive(Debug)]
pub struct Stop {
    /// With what to exit.
    pub status: Status,
    /// What to tell.
    pub failure: Failure,
}

impl Stop {
    /// The user's arguments, a node, or a file that was named for reading is at fault.
    pub fn user(failure: Failure) -> Stop {
        Stop { status: Status::BadArguments, failure }
    }

    /// A file cannot be written, or the machine or kolk is at fault.
    pub fn internal(failure: Failure) -> Stop {
        Stop { status: Status::Internal, failure }
    }
}

/// Something that could not be written, or read back, is the machine's fault.
impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Stop {
        let mut failure = Failure::new(Trouble::Files, error.to_string());
        for cause in error.chain().skip(1) {
            failure = failure.cause(cause.to_string());
        }
        Stop::internal(failure)
    }
}
