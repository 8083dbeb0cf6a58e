//! The levels that are decided exactly, by name.

/// A level of isolation, as Biswas & Enea define it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Read committed.
    ReadCommitted,
    /// Read atomic.
    ReadAtomic,
    /// Causal.
    Causal,
}

impl Level {
    /// All levels, the weakest first.
    pub(crate) const ALL: [Level; 3] = [Level::ReadCommitted, Level::ReadAtomic, Level::Causal];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Level::ReadCommitted => "read-committed",
            Level::ReadAtomic => "read-atomic",
            Level::Causal => "causal",
        }
    }

    /// The name of its violation, which takes sessions to show or does not.
    pub(crate) const fn violation_name(self, with_sessions: bool) -> &'static str {
        match (self, with_sessions) {
            (Level::ReadCommitted, false) => "read-committed-violation",
            (Level::ReadCommitted, true) => "read-committed-violation-process",
            (Level::ReadAtomic, false) => "read-atomic-violation",
            (Level::ReadAtomic, true) => "read-atomic-violation-process",
            (Level::Causal, false) => "causal-violation",
            (Level::Causal, true) => "causal-violation-process",
        }
    }
}
