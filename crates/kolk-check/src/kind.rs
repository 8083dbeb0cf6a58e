//! The kinds of anomalies, all of them, and their names: as verdicts, stored results and the book
//! have them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use kolk_history::Value;
use kolk_history::summary::ViolationKind;
use thiserror::Error;

use crate::tree::text;
use crate::txn::cycles::{CycleType, Scope, Shape};
use crate::txn::level::Level;

macro_rules! kinds {
    (
        plain { $($name:ident = $text:literal,)* }
        of the protocol { $($violation:ident = $line:literal,)* }
    ) => {
        /// A kind of anomaly. What each is stands in its [guide](crate::guide::guide).
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(
                #[doc = concat!("`", $text, "`")]
                $name,
            )*
            /// Transactions that depend on one another in a circle.
            Cycle(CycleType),
            /// A level of isolation does not hold.
            Level {
                /// The level.
                level: Level,
                /// Whether it takes the order of each process to show it.
                with_sessions: bool,
            },
            /// A node broke the protocol, or did what it frowns upon.
            Protocol(ViolationKind),
            /// What another version of kolk stored and this one does not know; no checker says it.
            Stored(&'static str),
        }

        impl Kind {
            /// The kinds of which there is only one each.
            const PLAIN: &[Kind] = &[$(Kind::$name,)*];

            /// What a node may do against the protocol.
            const PROTOCOL: &[Kind] = &[$(Kind::Protocol(ViolationKind::$violation),)*];

            /// The name, as verdicts have it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$name => $text,)*
                    Kind::Cycle(cycle) => cycle.name(),
                    Kind::Level { level, with_sessions } => level.violation_name(with_sessions),
                    $(Kind::Protocol(ViolationKind::$violation) => $line,)*
                    Kind::Stored(name) => name,
                }
            }

            /// The name as a keyword, where the results of Maelstrom have one.
            pub(crate) fn keyword(self) -> Value {
                match self {
                    $(Kind::$name => Value::Keyword(&$text),)*
                    Kind::Cycle(cycle) => Value::Keyword(cycle.word()),
                    _ => text(self),
                }
            }
        }
    };
}

kinds! {
    plain {
        NeverOk = "never-ok",
        Unavailable = "unavailable",
        Unanswered = "unanswered",
        Lost = "lost",
        Duplicate = "duplicate",
        NeverAdded = "never-added",
        FailedAdd = "failed-add",
        Diverged = "diverged",
        Silent = "silent",
        WrongTotal = "wrong-total",
        TooLow = "too-low",
        TooHigh = "too-high",
        NilBalance = "nil-balance",
        UnexpectedAccount = "unexpected-account",
        Overdrawn = "overdrawn",
        LongFork = "long-fork",
        MissingPredecessor = "missing-predecessor",
        NeverEnqueued = "never-enqueued",
        DuplicateDequeue = "duplicate-dequeue",
        OutOfOrder = "out-of-order",
        WrongAnswer = "wrong-answer",
        DuplicateId = "duplicate-id",
        WrongEcho = "wrong-echo",
        FailedEcho = "failed-echo",
        InconsistentOffsets = "inconsistent-offsets",
        LostWrite = "lost-write",
        Unseen = "unseen",
        PollSkip = "poll-skip",
        IntPollSkip = "int-poll-skip",
        NonmonotonicPoll = "nonmonotonic-poll",
        IntNonmonotonicPoll = "int-nonmonotonic-poll",
        NonmonotonicSend = "nonmonotonic-send",
        IntNonmonotonicSend = "int-nonmonotonic-send",
        IntSendSkip = "int-send-skip",
        PrecommittedRead = "precommitted-read",
        NonmonotonicCommit = "nonmonotonic-commit",
        NonmonotonicOffset = "nonmonotonic-offset",
        StaleRead = "stale-read",
        ResurrectedValue = "resurrected-value",
        ReadBeforeWrite = "read-before-write",
        NeverWritten = "never-written",
        FailedWrite = "failed-write",
        StaleCas = "stale-cas",
        NonAtomicCas = "non-atomic-cas",
        NotLinearizable = "not-linearizable",
        NotSequential = "not-sequential",
        StaleAfterBarrier = "stale-after-barrier",
        StaleView = "stale-view",
        G1a = "G1a",
        G1b = "G1b",
        Internal = "internal",
        FutureRead = "future-read",
        LostUpdate = "lost-update",
        DirtyUpdate = "dirty-update",
        IncompatibleOrder = "incompatible-order",
        DuplicateElements = "duplicate-elements",
        CyclicVersions = "cyclic-versions",
        GarbageRead = "garbage-read",
        AbortedWrite = "aborted-write",
        SerializableViolation = "serializable-violation",
        StrongSessionSerializableViolation = "strong-session-serializable-violation",
        StrictSerializableViolation = "strict-serializable-violation",
        SnapshotIsolationViolation = "snapshot-isolation-violation",
        StrongSessionSnapshotIsolationViolation = "strong-session-snapshot-isolation-violation",
        StrongSnapshotIsolationViolation = "strong-snapshot-isolation-violation",
        PrefixViolation = "prefix-violation",
        ParallelSnapshotIsolationViolation = "parallel-snapshot-isolation-violation",
        StrongSessionPrefixViolation = "strong-session-prefix-violation",
        StrongPrefixViolation = "strong-prefix-violation",
        StrongSessionParallelSnapshotIsolationViolation =
            "strong-session-parallel-snapshot-isolation-violation",
        StrongParallelSnapshotIsolationViolation = "strong-parallel-snapshot-isolation-violation",
        StrongSessionReadCommittedViolation = "strong-session-read-committed-violation",
    }
    of the protocol {
        NotAMessage = "not-a-message",
        UnknownSource = "unknown-source",
        ForeignSource = "foreign-source",
        TextAfterMessage = "text-after-message",
        NoType = "no-type",
        NoErrorCode = "no-error-code",
        LooseJson = "loose-json",
        UnknownDestination = "unknown-destination",
        MalformedReply = "malformed-reply",
        OutputOutsideStep = "output-outside-step",
        NeverIdle = "never-idle",
        Died = "died",
        ClosedOutput = "closed-output",
        ClosedInput = "closed-input",
        Overrun = "overrun",
        Storm = "storm",
        NotRestarted = "not-restarted",
        TwoLeaders = "two-leaders",
    }
}

impl Kind {
    /// All kinds that checkers find.
    pub fn all() -> impl Iterator<Item = Kind> {
        let levels = Level::ALL.into_iter().flat_map(|level| {
            [false, true].map(|with_sessions| Kind::Level { level, with_sessions })
        });
        let cycles = CycleType::all().map(Kind::Cycle);
        let plain = Kind::PLAIN.iter().chain(Kind::PROTOCOL).copied();
        plain.chain(cycles).chain(levels)
    }

    /// The kind of that name, whichever version stored it.
    pub fn stored(name: &'static str) -> Kind {
        name.parse().unwrap_or(Kind::Stored(name))
    }

    /// A cycle of that type.
    pub const fn cycle(shape: Shape, scope: Scope) -> Kind {
        Kind::Cycle(CycleType { shape, scope })
    }

    /// Which order it takes to show it, beside the data.
    pub const fn scope(self) -> Scope {
        match self {
            Kind::Cycle(cycle) => cycle.scope,
            Kind::Level { with_sessions: true, .. } => Scope::Process,
            _ => Scope::Data,
        }
    }

    /// The same without an order: under this it is explained, as the order of processes or of real
    /// time changes nothing of what it is.
    #[must_use]
    pub const fn family(self) -> Kind {
        match self {
            Kind::Cycle(cycle) => Kind::cycle(cycle.shape, Scope::Data),
            Kind::Level { level, .. } => Kind::Level { level, with_sessions: false },
            _ => self,
        }
    }
}

impl Level {
    /// That it does not hold, which takes sessions to show or does not.
    pub(crate) const fn violation(self, with_sessions: bool) -> Kind {
        Kind::Level { level: self, with_sessions }
    }
}

/// A name that is no kind's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown kind of anomaly `{0}`")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;
    fn from_str(name: &str) -> Result<Kind, UnknownKind> {
        Kind::all().find(|kind| *kind == name).ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl AsRef<str> for Kind {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// Its name in quotes.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// By name, as lists of kinds are sorted.
impl Ord for Kind {
    fn cmp(&self, other: &Kind) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Kind) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq<str> for Kind {
    fn eq(&self, name: &str) -> bool {
        self.as_str() == name
    }
}

impl PartialEq<&str> for Kind {
    fn eq(&self, name: &&str) -> bool {
        self.as_str() == *name
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_read_back() {
        let mut names = BTreeSet::new();
        for kind in Kind::all() {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert!(names.insert(kind.as_str()), "{kind} is there twice");
            let family = kind.family();
            assert_eq!((family.family(), family.scope()), (family, Scope::Data), "{kind}");
            let suffix = kind.as_str().strip_prefix(family.as_str());
            assert_eq!(suffix, Some(kind.scope().suffix()), "{kind}");
        }
        let unknown = "lost-process".parse::<Kind>().unwrap_err();
        assert_eq!(unknown.to_string(), "unknown kind of anomaly `lost-process`");
    }

    #[test]
    fn names_stay_as_they_are_stored() {
        for (kind, name) in [
            (Kind::NeverOk, "never-ok"),
            (Kind::G1a, "G1a"),
            (Kind::NonAtomicCas, "non-atomic-cas"),
            (Kind::cycle(Shape::G0, Scope::Data), "G0"),
            (Kind::cycle(Shape::GNonadjacent, Scope::Process), "G-nonadjacent-item-process"),
            (Kind::cycle(Shape::G2, Scope::Realtime), "G2-item-realtime"),
            (Level::ReadAtomic.violation(false), "read-atomic-violation"),
            (Level::Causal.violation(true), "causal-violation-process"),
            (Kind::Protocol(ViolationKind::Died), "died"),
            (Kind::stored("G2-item"), "G2-item"),
            (Kind::stored("of-another-version"), "of-another-version"),
        ] {
            assert_eq!((kind.to_string().as_str(), kind), (name, Kind::stored(name)));
        }
    }
}
