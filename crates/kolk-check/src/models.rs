//! Consistency models: which imply which, and which anomalies rule out which.
//!
//! The models and their implications are those of Elle (Kingsbury & Alvaro, VLDB 2020), which
//! collects them from Adya, Bailis, Cerone and others (see <https://jepsen.io/consistency>). An
//! anomaly may imply weaker claims (an aborted read is one kind of *G1*; a cycle without real-time
//! edges is also one that may use them); a model is ruled out by every anomaly that implies one it
//! forbids, and so is every model that implies it.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

macro_rules! models {
    ($(
        $(#[$doc:meta])* $name:ident = $text:literal $(| $alias:literal)* => [$($weaker:ident),*],
    )*) => {
        /// A consistency model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Model { $($(#[$doc])* $name,)* }

        impl Model {
            /// Every model, in the order of their names' declaration.
            pub const ALL: &[Model] = &[$(Model::$name,)*];

            /// The name, as flags and results have it.
            pub const fn name(self) -> &'static str {
                match self { $(Model::$name => $text,)* }
            }

            /// The name as something a keyword can be made of.
            pub(crate) const fn word(self) -> &'static &'static str {
                match self { $(Model::$name => &$text,)* }
            }

            /// The models that this one implies directly.
            const fn weaker(self) -> &'static [Model] {
                match self { $(Model::$name => &[$(Model::$weaker),*],)* }
            }
        }

        impl FromStr for Model {
            type Err = UnknownModel;
            fn from_str(text: &str) -> Result<Model, UnknownModel> {
                match text {
                    $($text $(| $alias)* => Ok(Model::$name),)*
                    _ => Err(UnknownModel(text.to_owned())),
                }
            }
        }
    };
}

models! {
    /// Operations take effect in one order, which agrees with real time, transaction by
    /// transaction.
    StrictSerializable = "strict-serializable" | "PL-SS" | "strong-serializable" => [
        Serializable, StrongSnapshotIsolation, StrongSessionSerializable, Linearizable,
        StrongReadCommitted, SessionSerializable
    ],
    /// One order that agrees with each session's own.
    StrongSessionSerializable = "strong-session-serializable" => [
        Serializable, StrongSessionSnapshotIsolation
    ],
    /// One order of all transactions explains everything (conflict serializability).
    Serializable = "serializable" | "PL-3" | "conflict-serializable" => [
        RepeatableRead, SnapshotIsolation, UpdateSerializable, ViewSerializable
    ],
    /// Snapshots that agree with real time.
    StrongSnapshotIsolation = "strong-snapshot-isolation" => [
        StrongSessionSnapshotIsolation, StrongReadCommitted, StrongParallelSnapshotIsolation,
        StrongPrefix
    ],
    /// Snapshots that agree with each session's order.
    StrongSessionSnapshotIsolation = "strong-session-snapshot-isolation" => [
        SnapshotIsolation, StrongSessionReadCommitted, StrongSessionParallelSnapshotIsolation,
        StrongSessionPrefix
    ],
    /// Each transaction reads a snapshot; of two that overlap and write the same, one aborts.
    SnapshotIsolation = "snapshot-isolation" | "PL-SI" => [
        ForwardConsistentView, MonotonicAtomicView, MonotonicSnapshotRead,
        ParallelSnapshotIsolation, Prefix
    ],
    /// Serializable but for predicates.
    RepeatableRead = "repeatable-read" | "PL-2.99" => [CursorStability, MonotonicAtomicView],
    /// Updates are serializable.
    UpdateSerializable = "update-serializable" | "PL-3U" => [ForwardConsistentView],
    /// Snapshots whose order different observers may see differently.
    ParallelSnapshotIsolation = "parallel-snapshot-isolation" => [CausalCerone, UpdateAtomic],
    /// What a transaction sees is a prefix of one order.
    Prefix = "prefix" => [CausalCerone],
    /// Parallel snapshots that hold all that was acknowledged before.
    StrongParallelSnapshotIsolation = "strong-parallel-snapshot-isolation" => [
        StrongSessionParallelSnapshotIsolation, StrongReadCommitted
    ],
    /// Parallel snapshots that hold what the session did before.
    StrongSessionParallelSnapshotIsolation = "strong-session-parallel-snapshot-isolation" => [
        ParallelSnapshotIsolation, StrongSessionReadAtomic
    ],
    /// Prefixes that hold all that was acknowledged before.
    StrongPrefix = "strong-prefix" => [StrongSessionPrefix, StrongReadCommitted],
    /// Prefixes that hold what the session did before.
    StrongSessionPrefix = "strong-session-prefix" => [Prefix, StrongSessionReadAtomic],
    /// Read atomic, and what the session did before is seen.
    StrongSessionReadAtomic = "strong-session-read-atomic" => [
        ReadAtomic, StrongSessionReadCommitted
    ],
    /// A consistent view, also of what comes after the transaction's start.
    ForwardConsistentView = "forward-consistent-view" | "PL-FCV" => [ConsistentView],
    /// What is read is consistent with one order of what was written.
    ConsistentView = "consistent-view" | "PL-2+" => [CursorStability, MonotonicView],
    /// Causally consistent transactions.
    CausalCerone = "causal-cerone" => [ReadAtomic],
    /// Read atomic, and no update is lost.
    UpdateAtomic = "update-atomic" | "ROLA" => [ReadAtomic],
    /// All of a transaction is seen, or nothing.
    ReadAtomic = "read-atomic" => [MonotonicAtomicView],
    /// What was seen once of a transaction stays seen.
    MonotonicAtomicView = "monotonic-atomic-view" => [ReadCommitted],
    /// Snapshots, one for each statement, that go forward.
    MonotonicSnapshotRead = "monotonic-snapshot-read" | "PL-MSR" => [ReadCommitted],
    /// A view that goes forward.
    MonotonicView = "monotonic-view" | "PL-2L" => [ReadCommitted],
    /// No update is lost of what a cursor stands on.
    CursorStability = "cursor-stability" | "PL-CS" => [ReadCommitted],
    /// Read committed that agrees with real time.
    StrongReadCommitted = "strong-read-committed" | "strong-PL-2" => [
        StrongSessionReadCommitted, StrongReadUncommitted
    ],
    /// Read uncommitted that agrees with real time.
    StrongReadUncommitted = "strong-read-uncommitted" | "strong-PL-1" => [
        StrongSessionReadUncommitted
    ],
    /// Read committed that agrees with each session's order.
    StrongSessionReadCommitted = "strong-session-read-committed" | "strong-session-PL-2" => [
        ReadCommitted, StrongSessionReadUncommitted
    ],
    /// Read uncommitted that agrees with each session's order.
    StrongSessionReadUncommitted = "strong-session-read-uncommitted" | "strong-session-PL-1" => [
        ReadUncommitted
    ],
    /// Only final, committed values are read, and information does not flow in circles.
    ReadCommitted = "read-committed" | "PL-2" => [ReadUncommitted],
    /// Writes of different transactions are not interleaved.
    ReadUncommitted = "read-uncommitted" | "PL-1" => [],
    /// Serializable as far as reads can tell.
    ViewSerializable = "view-serializable" => [],
    /// Serializable in an order that agrees with each session's.
    SessionSerializable = "session-serializable" => [OneCopySerializable],
    /// As if there were one copy of everything.
    OneCopySerializable = "1SR" => [],
    /// Each object's operations take effect in one order, which agrees with real time.
    Linearizable = "linearizable" => [Sequential],
    /// Operations take effect in one order, which agrees with each process's own.
    Sequential = "sequential" => [Causal],
    /// Effects follow their causes.
    Causal = "causal" => [WritesFollowReads, Pram],
    /// Writes of one process are seen in their order.
    Pram = "PRAM" => [MonotonicReads, MonotonicWrites, ReadYourWrites],
    /// A write comes after what its process had read.
    WritesFollowReads = "writes-follow-reads" => [],
    /// What was read once stays read.
    MonotonicReads = "monotonic-reads" => [],
    /// Writes of a process keep their order.
    MonotonicWrites = "monotonic-writes" => [],
    /// A process sees its own writes.
    ReadYourWrites = "read-your-writes" => [],
}

/// A name that is no model's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown consistency model `{0}`")]
pub struct UnknownModel(pub String);

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Models(u64);

impl Models {
    /// These models.
    pub fn new(models: &[Model]) -> Models {
        models.iter().fold(Models(0), |set, model| set.with(*model))
    }

    /// This set and one model more.
    #[must_use]
    pub const fn with(self, model: Model) -> Models {
        Models(self.0 | 1 << model as u64)
    }

    /// True if the model is in the set.
    pub const fn contains(self, model: Model) -> bool {
        self.0 >> (model as u64) & 1 == 1
    }

    /// True if there is no model in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True if the two sets have a model in common.
    pub const fn overlaps(self, other: Models) -> bool {
        self.0 & other.0 != 0
    }

    /// The models of both sets.
    #[must_use]
    pub const fn and(self, other: Models) -> Models {
        Models(self.0 | other.0)
    }

    /// The models of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Models) -> Models {
        Models(self.0 & !other.0)
    }

    /// The models of the set, in the order of [`Model::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Model> {
        Model::ALL.iter().copied().filter(move |model| self.contains(*model))
    }

    /// All models that one of these implies, themselves among them.
    #[must_use]
    pub fn implied(self) -> Models {
        self.iter().fold(self, |set, model| set.and(IMPLIED_BY[model as usize]))
    }

    /// All models that imply one of these, themselves among them: if these cannot be, neither can
    /// those.
    #[must_use]
    pub fn implying(self) -> Models {
        let all = Model::ALL.iter().copied();
        Models::from_iter(all.filter(|model| IMPLIED_BY[*model as usize].overlaps(self)))
    }

    /// Those that imply none of the others.
    #[must_use]
    pub fn weakest(self) -> Models {
        Models::from_iter(self.iter().filter(|model| {
            let below = Models::new(&[*model]).implied().without(Models::new(&[*model]));
            !below.overlaps(self)
        }))
    }

    /// Those that none of the others implies.
    #[must_use]
    pub fn strongest(self) -> Models {
        Models::from_iter(self.iter().filter(|model| {
            let above = Models::new(&[*model]).implying().without(Models::new(&[*model]));
            !above.overlaps(self)
        }))
    }
}

/// By model: all that it implies, itself among them.
const IMPLIED_BY: [Models; Model::ALL.len()] = {
    let mut implied = [Models(0); Model::ALL.len()];
    let mut at = 0;
    while at < implied.len() {
        let model = Model::ALL[at];
        implied[at] = implied[at].with(model);
        let mut next = 0;
        while next < model.weaker().len() {
            implied[at] = implied[at].with(model.weaker()[next]);
            next += 1;
        }
        at += 1;
    }
    // Over one model more in each round: as many rounds as there are models are enough.
    let mut round = 0;
    while round < implied.len() {
        let mut at = 0;
        while at < implied.len() {
            let mut weaker = 0;
            while weaker < implied.len() {
                if implied[at].contains(Model::ALL[weaker]) {
                    implied[at] = implied[at].and(implied[weaker]);
                }
                weaker += 1;
            }
            at += 1;
        }
        round += 1;
    }
    implied
};

/// Names with commas between.
impl FromStr for Models {
    type Err = UnknownModel;
    fn from_str(names: &str) -> Result<Models, UnknownModel> {
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::parse::<Model>).collect()
    }
}

impl FromIterator<Model> for Models {
    fn from_iter<I: IntoIterator<Item = Model>>(models: I) -> Models {
        models.into_iter().fold(Models(0), Models::with)
    }
}

/// The weaker claims that follow from an anomaly, beyond those of a cycle's
/// [shape and edges](crate::txn::cycles).
const IMPLIED: &[(&str, &[&str])] = &[
    ("G0", &["G1c", "G0-process"]),
    ("G0-process", &["G1c-process", "G0-realtime"]),
    ("G0-realtime", &["G1c-realtime"]),
    ("G1a", &["G1"]),
    ("G1b", &["G1"]),
    ("G1c", &["G1", "G1c-process"]),
    ("G1c-process", &["G1c-realtime", "G1-process"]),
    ("G1c-realtime", &["G1-realtime"]),
    ("G1", &["G1-process"]),
    ("G1-process", &["G1-realtime"]),
    ("G-single-item", &["G-single", "G-single-item-process", "G-nonadjacent-item"]),
    (
        "G-single-item-process",
        &["G-single-process", "G-single-item-realtime", "G-nonadjacent-item-process"],
    ),
    ("G-single-item-realtime", &["G-single-realtime", "G-nonadjacent-item-realtime"]),
    ("G-single", &["G-nonadjacent", "G-single-process"]),
    ("G-single-process", &["G-nonadjacent-process", "G-single-realtime"]),
    ("G-single-realtime", &["G-nonadjacent-realtime"]),
    ("G-nonadjacent-item", &["G-nonadjacent", "G2-item", "G-nonadjacent-item-process"]),
    (
        "G-nonadjacent-item-process",
        &["G-nonadjacent-process", "G2-item-process", "G-nonadjacent-item-realtime"],
    ),
    ("G-nonadjacent-item-realtime", &["G-nonadjacent-realtime", "G2-item-realtime"]),
    ("G-nonadjacent", &["G2", "G-nonadjacent-process"]),
    ("G-nonadjacent-process", &["G2-process", "G-nonadjacent-realtime"]),
    ("G-nonadjacent-realtime", &["G2-realtime"]),
    ("G2-item", &["G2", "G2-item-process"]),
    ("G2-item-process", &["G2-process", "G2-item-realtime"]),
    ("G2-item-realtime", &["G2-realtime"]),
    ("G2", &["G2-process"]),
    ("G2-process", &["G2-realtime"]),
    ("incompatible-order", &["G1a"]),
    ("dirty-update", &["G1a"]),
    ("future-read", &["G1c"]),
    ("lost-update", &["G2-item"]),
    ("read-committed-violation", &["read-atomic-violation", "read-committed-violation-process"]),
    ("read-committed-violation-process", &["read-atomic-violation-process"]),
    ("read-atomic-violation", &["causal-violation", "read-atomic-violation-process"]),
    ("read-atomic-violation-process", &["causal-violation-process"]),
    ("causal-violation", &["causal-violation-process"]),
    ("prefix-violation", &["snapshot-isolation-violation"]),
    ("parallel-snapshot-isolation-violation", &["snapshot-isolation-violation"]),
    ("snapshot-isolation-violation", &["serializable-violation"]),
];

/// The anomalies that a model forbids, beyond those that weaker models forbid.
const FORBIDDEN: &[(Model, &[&str])] = &[
    (
        Model::ReadUncommitted,
        // A value nobody wrote leaves no order of versions to speak of.
        &["G0", "duplicate-elements", "cyclic-versions", "garbage-read", "wrong-answer"],
    ),
    (Model::ReadCommitted, &["G1"]),
    // What is called read committed there holds views to be monotonic.
    (Model::MonotonicAtomicView, &["read-committed-violation"]),
    (Model::MonotonicView, &["read-committed-violation"]),
    (Model::MonotonicSnapshotRead, &["read-committed-violation"]),
    (Model::CursorStability, &["lost-update"]),
    (Model::UpdateAtomic, &["lost-update"]),
    (Model::ReadAtomic, &["internal", "G1a", "future-read", "read-atomic-violation"]),
    (Model::Causal, &["causal-violation-process"]),
    (Model::CausalCerone, &["causal-violation"]),
    (Model::ConsistentView, &["G-single"]),
    // As long as there are no predicates, it is serializability.
    (Model::RepeatableRead, &["G2-item", "serializable-violation"]),
    (Model::ParallelSnapshotIsolation, &["parallel-snapshot-isolation-violation"]),
    (Model::Prefix, &["prefix-violation"]),
    (Model::StrongSessionReadAtomic, &["read-atomic-violation-process"]),
    (
        Model::StrongSessionParallelSnapshotIsolation,
        &["causal-violation-process", "strong-session-parallel-snapshot-isolation-violation"],
    ),
    (Model::StrongParallelSnapshotIsolation, &["strong-parallel-snapshot-isolation-violation"]),
    (Model::StrongSessionPrefix, &["causal-violation-process", "strong-session-prefix-violation"]),
    (Model::StrongPrefix, &["strong-prefix-violation"]),
    (Model::SnapshotIsolation, &["internal", "G-nonadjacent", "snapshot-isolation-violation"]),
    (Model::Serializable, &["internal", "G2", "serializable-violation"]),
    (Model::StrictSerializable, &["G1c-realtime", "G2-realtime", "strict-serializable-violation"]),
    (Model::StrongSessionReadUncommitted, &["G0-process"]),
    (
        Model::StrongSessionReadCommitted,
        &["G1c-process", "strong-session-read-committed-violation"],
    ),
    (Model::StrongReadUncommitted, &["G0-realtime"]),
    (Model::StrongReadCommitted, &["G1c-realtime"]),
    (
        Model::StrongSessionSnapshotIsolation,
        &[
            "G1-process",
            "G-nonadjacent-process",
            "causal-violation-process",
            "strong-session-snapshot-isolation-violation",
        ],
    ),
    (
        Model::StrongSnapshotIsolation,
        &["G1-realtime", "G-nonadjacent-realtime", "strong-snapshot-isolation-violation"],
    ),
    (
        Model::StrongSessionSerializable,
        &["G1-process", "G2-process", "strong-session-serializable-violation"],
    ),
];

/// Every claim that follows from an anomaly, itself first.
fn implied(anomaly: &str) -> Vec<&str> {
    let mut claims = vec![anomaly];
    let mut next = 0;
    while let Some(claim) = claims.get(next).copied() {
        next += 1;
        let weaker = IMPLIED.iter().find(|(name, _)| *name == claim);
        for weak in weaker.map_or(&[][..], |(_, weaker)| weaker) {
            if !claims.contains(weak) {
                claims.push(weak);
            }
        }
    }
    claims
}

/// True if an anomaly of this type is one of that type, too, or shows one: a `G-single-item` is a
/// `G2`.
pub fn implies(anomaly: &str, other: &str) -> bool {
    implied(anomaly).contains(&other)
}

/// The models that cannot be if there is an anomaly of this type.
pub fn ruled_out(anomaly: &str) -> Models {
    let claims = implied(anomaly);
    let forbids = |names: &[&str]| names.iter().any(|name| claims.contains(name));
    let direct = FORBIDDEN.iter().filter(|(_, names)| forbids(names)).map(|(model, _)| *model);
    Models::from_iter(direct).implying()
}

/// The models that an anomaly of this type counts against only where levels are
/// [decided exactly](crate::txn): those that mean more there than Elle means, and all that imply
/// them.
pub fn by_name(anomaly: &str) -> Models {
    let weakest = match anomaly {
        "read-committed-violation" => Models::new(&[Model::ReadCommitted]),
        "read-atomic-violation" => Models::new(&[Model::ReadAtomic]),
        // At every level reads see what was committed, and at this one transactions see one state.
        "internal" | "G1a" | "G1b" | "future-read" | "garbage-read" | "duplicate-elements"
        | "incompatible-order" | "dirty-update" | "cyclic-versions" => {
            Models::new(&[Model::Causal])
        }
        // Of parallel snapshots Elle forbids nothing cyclic. That a circle has one read that misses
        // a write at most is what they are (Cerone & Gotsman, *Analysing Snapshot Isolation*, PODC
        // 2016).
        cycle if implied(cycle).contains(&"G-single") => {
            Models::new(&[Model::ParallelSnapshotIsolation])
        }
        cycle if implied(cycle).contains(&"G-single-process") => {
            Models::new(&[Model::StrongSessionParallelSnapshotIsolation])
        }
        cycle if implied(cycle).contains(&"G-single-realtime") => {
            Models::new(&[Model::StrongParallelSnapshotIsolation])
        }
        _ => Models::default(),
    };
    weakest.implying()
}

/// The models that an anomaly of this type counts against only where the order of each process
/// belongs to every level, as in AWDIT's format.
pub fn in_sessions(anomaly: &str) -> Models {
    let weakest = match anomaly {
        "read-committed-violation-process" => Models::new(&[Model::ReadCommitted]),
        "read-atomic-violation-process" => Models::new(&[Model::ReadAtomic]),
        "causal-violation-process" => Models::new(&[Model::CausalCerone]),
        _ => Models::default(),
    };
    weakest.implying()
}

/// All models that an anomaly of this type counts against where levels are decided exactly;
/// sessions belong to every level if `with_sessions`.
pub fn exactly(anomaly: &str, with_sessions: bool) -> Models {
    let sessions = if with_sessions { in_sessions(anomaly) } else { Models::default() };
    ruled_out(anomaly).and(by_name(anomaly)).and(sessions)
}

/// The models that something can be held against: the others forbid nothing that is looked for.
pub fn decidable() -> Models {
    Models::from_iter(FORBIDDEN.iter().map(|(model, _)| *model))
}

/// The models that Elle has no name for: they are told only where they are asked for.
pub(crate) fn unnamed() -> Models {
    Models::new(&[
        Model::StrongParallelSnapshotIsolation,
        Model::StrongSessionParallelSnapshotIsolation,
        Model::StrongPrefix,
        Model::StrongSessionPrefix,
        Model::StrongSessionReadAtomic,
    ])
}

/// The models that speak of the order of each process, and more.
pub fn of_sessions() -> Models {
    Models::new(&[Model::StrongSessionReadUncommitted, Model::SessionSerializable]).implying()
}

/// The models that speak of real time: of a history without times they cannot be told.
pub fn of_real_time() -> Models {
    let weakest = [Model::StrongReadUncommitted, Model::Linearizable];
    Models::new(&weakest).implying()
}

#[cfg(test)]
mod tests;
