//! Tests that work within their own process end it after a bound.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Ends the whole test binary if something within it takes longer than its bound.
#[must_use = "it guards until it is dropped"]
pub struct Guard {
    _over: Sender<()>,
}

impl Guard {
    /// It guards until it is dropped.
    pub fn begin(what: &str, bound: Duration) -> Guard {
        let (over, receiver) = channel();
        let what = what.to_owned();
        std::thread::spawn(move || {
            if receiver.recv_timeout(bound) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{what} did not end within {} s: this test binary ends", bound.as_secs());
                std::process::exit(101);
            }
        });
        Guard { _over: over }
    }
}
