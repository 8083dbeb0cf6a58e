//! What was left to the kernel's own timing, counted: each may differ from run to run.

use std::collections::BTreeMap;

/// What was left to the kernel, and how often. Empty for a run that can be repeated exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FellThrough {
    counts: BTreeMap<Cause, u64>,
}

impl FellThrough {
    /// Counts one more.
    #[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), expect(dead_code))]
    pub(crate) fn add(&mut self, cause: Cause) {
        *self.counts.entry(cause).or_default() += 1;
    }

    /// True if nothing was.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// What was, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Cause, u64)> + '_ {
        self.counts.iter().map(|(cause, count)| (*cause, *count))
    }
}

/// Why a run may not be repeatable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// A thread waited in the kernel, in a call that is not emulated.
    Wait(
        /// The call's name.
        &'static str,
    ),
    /// A thread that made no call for long was interrupted, so that others could go on.
    Interrupted,
    /// A real-time signal came, and was not delivered.
    RealTimeSignal,
    /// A futex with priority inheritance was left to the kernel.
    PriorityFutex,
    /// Addresses are random: the system does not let randomisation be turned off.
    Addresses,
    /// The processor's time-stamp counter could be read.
    TimeStampCounter,
}

impl Cause {
    /// In words, with how often: `3 waits in msgrcv`.
    pub fn describe(self, count: u64) -> String {
        let s = if count == 1 { "" } else { "s" };
        match self {
            Cause::Wait(call) => format!("{count} wait{s} in {call}"),
            Cause::Interrupted => format!("{count} interruption{s} of a thread that spins"),
            Cause::RealTimeSignal => {
                format!("{count} real-time signal{s}, which cannot be delivered")
            }
            Cause::PriorityFutex => {
                format!("{count} use{s} of a lock with priority inheritance")
            }
            Cause::Addresses => "random addresses, which cannot be turned off here".to_owned(),
            Cause::TimeStampCounter => {
                "the processor's own clock, which can be read here".to_owned()
            }
        }
    }
}
