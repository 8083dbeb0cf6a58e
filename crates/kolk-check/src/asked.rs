//! What kolk asks beside what Maelstrom asks, in words.
//!
//! A [stronger finding](crate::Check::stronger) counts with `--strict` and in challenges. Whoever
//! is told that a run is invalid because of one must read that Maelstrom would accept the run, and
//! what it is that kolk asks for: the half sentence that this module has for every type.

use kolk_history::summary::ViolationKind;

use crate::kind::Kind;
use crate::txn::level::Level;

/// What a solution is asked for that this type of anomaly shows it does not keep: a clause whose
/// subject is a node, a read or the like.
///
/// ```
/// use kolk_check::{Kind, asked};
///
/// assert_eq!(
///     asked::promise(Kind::Diverged),
///     "every node must come to hold every acknowledged write"
/// );
/// ```
pub fn promise(kind: Kind) -> &'static str {
    match kind {
        Kind::Protocol(ViolationKind::ForeignSource) => {
            "a node must send messages in its own name alone"
        }
        Kind::Protocol(_) => "every message must keep to the protocol",
        Kind::Diverged => "every node must come to hold every acknowledged write",
        Kind::LostWrite => "no acknowledged write may vanish",
        Kind::Silent => "every node must answer when the load is over",
        Kind::Unanswered => "every request must be answered, as no fault is in the way",
        Kind::WrongTotal => "the last read of every node must be the sum of what was added",
        Kind::TooLow => "a read must count what the same client was told had been added",
        Kind::TooHigh => "a read must count nothing that nobody has added yet",
        Kind::Duplicate | Kind::DuplicateElements => "no read may return the same value twice",
        Kind::NeverAdded | Kind::GarbageRead => "no read may return a value that nobody wrote",
        Kind::FailedAdd | Kind::AbortedWrite => "what failed must not take effect",
        Kind::NonmonotonicCommit => "a committed offset must not go back by itself",
        Kind::NonmonotonicOffset => {
            "what is sent after an acknowledged message must come after it in the log"
        }
        Kind::WrongAnswer => {
            "a transaction's answer must have the reads and writes it was asked for"
        }
        Kind::Internal => "a transaction must see its own writes",
        Kind::FutureRead => "a transaction must not read what it writes only later",
        Kind::IncompatibleOrder => "all reads of a list must agree on the order of its elements",
        Kind::StaleView => "a read must not miss what was acknowledged before its process wrote",
        Kind::StaleRead
        | Kind::ReadBeforeWrite
        | Kind::NeverWritten
        | Kind::FailedWrite
        | Kind::StaleCas
        | Kind::ResurrectedValue
        | Kind::NonAtomicCas
        | Kind::NotLinearizable => "a read that finds no key must be linearizable too",
        Kind::Level { level: Level::ReadCommitted, .. } => {
            "transactions must be read committed, each client's one after another"
        }
        Kind::Level { level: Level::ReadAtomic, .. } => {
            "a transaction must see all of another's writes or none"
        }
        Kind::Level { level: Level::Causal, .. } => {
            "a transaction must see what the transactions that it has seen had seen"
        }
        Kind::SerializableViolation
        | Kind::StrongSessionSerializableViolation
        | Kind::StrictSerializableViolation
        | Kind::SnapshotIsolationViolation
        | Kind::StrongSessionSnapshotIsolationViolation
        | Kind::StrongSnapshotIsolationViolation
        | Kind::PrefixViolation
        | Kind::ParallelSnapshotIsolationViolation
        | Kind::StrongSessionPrefixViolation
        | Kind::StrongPrefixViolation
        | Kind::StrongSessionParallelSnapshotIsolationViolation
        | Kind::StrongParallelSnapshotIsolationViolation
        | Kind::StrongSessionReadCommittedViolation => {
            "the consistency model must hold for some order of the writes of each key"
        }
        // The types of cycles, of transactions.
        _ => {
            "the consistency model must hold for what the last reads and transactions of unknown \
             outcome show as well"
        }
    }
}
