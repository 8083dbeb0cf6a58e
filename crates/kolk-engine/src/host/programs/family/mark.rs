//! The mark that the processes of a run carry in their environment.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment's variable.
pub(crate) const VARIABLE: &str = "KOLK_RUN";

/// Which run of which process a process belongs to: 32 hexadecimal digits, always, so that the
/// memory of a node is laid out alike in each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The id of the process that carries out the run.
    process: u32,
    /// When that process first made a mark: ids are used again.
    since: u64,
    /// The how-many-th run of that process.
    pub(crate) run: u32,
}

impl Mark {
    /// A mark that nobody bears.
    pub(crate) fn fresh() -> Mark {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        Mark { process: std::process::id(), since: since(), run }
    }

    /// How the folders begin, in the system's folder for temporary files, that the process makes
    /// for its runs.
    pub(crate) fn folder_prefix(self) -> String {
        format!("kolk-{}-{:x}-", self.process, self.since)
    }

    /// True for the marks of all runs that this process carries out.
    pub(crate) fn is_of_this_process(self) -> bool {
        (self.process, self.since) == (std::process::id(), since())
    }

    /// True for two runs that one process carried out.
    pub(crate) fn is_of_process_of(self, other: Mark) -> bool {
        (self.process, self.since) == (other.process, other.since)
    }
}

#[expect(clippy::disallowed_methods, reason = "what tells two processes of the same id apart")]
fn since() -> u64 {
    static SINCE: OnceLock<u64> = OnceLock::new();
    *SINCE.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_nanos() as u64
    })
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}{:016x}{:08x}", self.process, self.since, self.run)
    }
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Mark, ()> {
        if text.len() != 32 {
            return Err(());
        }
        let number = |from, to| {
            let digits: Option<&str> = text.get(from..to);
            u64::from_str_radix(digits.ok_or(())?, 16).map_err(|_| ())
        };
        Ok(Mark {
            process: number(0, 8)? as u32,
            since: number(8, 24)?,
            run: number(24, 32)? as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let (first, second) = (Mark::fresh(), Mark::fresh());
        assert_ne!(first, second);
        for mark in [first, second] {
            assert!(mark.is_of_this_process());
            assert_eq!(mark.to_string().len(), 32);
            assert_eq!(mark.to_string().parse(), Ok(mark));
        }
        for text in ["", "7", "x".repeat(32).as_str(), "é".repeat(16).as_str()] {
            assert_eq!(text.parse::<Mark>(), Err(()), "{text}");
        }
    }
}
