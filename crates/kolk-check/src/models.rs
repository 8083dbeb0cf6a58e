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

use crate::kind::Kind;
use crate::txn::cycles::{Scope, Shape};
use crate::txn::level::Level;

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

/// What an anomaly shows, whatever order it takes to show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// That there is one of this [family](Kind::family).
    Is(Kind),
    /// What *G1a*, *G1b* and *G1c* have in common.
    G1,
    /// A *G-single-item*, or the same over predicates.
    GSingle,
    /// A *G-nonadjacent-item*, or the same over predicates.
    GNonadjacent,
    /// A *G2-item*, or the same over predicates.
    G2,
}

/// A claim, and the order that it takes.
type InOrder = (Claim, Scope);

impl Claim {
    const fn name(self) -> &'static str {
        match self {
            Claim::Is(kind) => kind.as_str(),
            Claim::G1 => "G1",
            Claim::GSingle => "G-single",
            Claim::GNonadjacent => "G-nonadjacent",
            Claim::G2 => "G2",
        }
    }
}

const fn is(kind: Kind) -> InOrder {
    (Claim::Is(kind.family()), kind.scope())
}

const fn cycle(shape: Shape, scope: Scope) -> InOrder {
    is(Kind::cycle(shape, scope))
}

const fn level(level: Level, with_sessions: bool) -> InOrder {
    is(level.violation(with_sessions))
}

/// The weaker claims that follow from one, in the same order. Besides, what needs no order is so in
/// any, and a process's order is part of real time's.
const IMPLIED: &[(Claim, &[Claim])] = {
    use Claim::{G1, G2, GNonadjacent, GSingle, Is};
    const G0: Claim = cycle(Shape::G0, Scope::Data).0;
    const G1C: Claim = cycle(Shape::G1c, Scope::Data).0;
    const G_SINGLE_ITEM: Claim = cycle(Shape::GSingle, Scope::Data).0;
    const G_NONADJACENT_ITEM: Claim = cycle(Shape::GNonadjacent, Scope::Data).0;
    const G2_ITEM: Claim = cycle(Shape::G2, Scope::Data).0;
    const READ_COMMITTED: Claim = level(Level::ReadCommitted, false).0;
    const READ_ATOMIC: Claim = level(Level::ReadAtomic, false).0;
    const CAUSAL: Claim = level(Level::Causal, false).0;
    &[
        (G0, &[G1C]),
        (Is(Kind::G1a), &[G1]),
        (Is(Kind::G1b), &[G1]),
        (G1C, &[G1]),
        (G_SINGLE_ITEM, &[GSingle, G_NONADJACENT_ITEM]),
        (GSingle, &[GNonadjacent]),
        (G_NONADJACENT_ITEM, &[GNonadjacent, G2_ITEM]),
        (GNonadjacent, &[G2]),
        (G2_ITEM, &[G2]),
        (Is(Kind::IncompatibleOrder), &[Is(Kind::G1a)]),
        (Is(Kind::DirtyUpdate), &[Is(Kind::G1a)]),
        (Is(Kind::FutureRead), &[G1C]),
        (Is(Kind::LostUpdate), &[G2_ITEM]),
        (READ_COMMITTED, &[READ_ATOMIC]),
        (READ_ATOMIC, &[CAUSAL]),
        (Is(Kind::PrefixViolation), &[Is(Kind::SnapshotIsolationViolation)]),
        (Is(Kind::ParallelSnapshotIsolationViolation), &[Is(Kind::SnapshotIsolationViolation)]),
        (Is(Kind::SnapshotIsolationViolation), &[Is(Kind::SerializableViolation)]),
    ]
};

/// What a model forbids, beyond what weaker models forbid.
const FORBIDDEN: &[(Model, &[InOrder])] = {
    use Scope::{Data, Process, Realtime};
    &[
        (
            Model::ReadUncommitted,
            // A value nobody wrote leaves no order of versions to speak of.
            &[
                cycle(Shape::G0, Data),
                is(Kind::DuplicateElements),
                is(Kind::CyclicVersions),
                is(Kind::GarbageRead),
                is(Kind::WrongAnswer),
            ],
        ),
        (Model::ReadCommitted, &[(Claim::G1, Data)]),
        // What is called read committed there holds views to be monotonic.
        (Model::MonotonicAtomicView, &[level(Level::ReadCommitted, false)]),
        (Model::MonotonicView, &[level(Level::ReadCommitted, false)]),
        (Model::MonotonicSnapshotRead, &[level(Level::ReadCommitted, false)]),
        (Model::CursorStability, &[is(Kind::LostUpdate)]),
        (Model::UpdateAtomic, &[is(Kind::LostUpdate)]),
        (
            Model::ReadAtomic,
            &[
                is(Kind::Internal),
                is(Kind::G1a),
                is(Kind::FutureRead),
                level(Level::ReadAtomic, false),
            ],
        ),
        (Model::Causal, &[level(Level::Causal, true)]),
        (Model::CausalCerone, &[level(Level::Causal, false)]),
        (Model::ConsistentView, &[(Claim::GSingle, Data)]),
        // As long as there are no predicates, it is serializability.
        (Model::RepeatableRead, &[cycle(Shape::G2, Data), is(Kind::SerializableViolation)]),
        (Model::ParallelSnapshotIsolation, &[is(Kind::ParallelSnapshotIsolationViolation)]),
        (Model::Prefix, &[is(Kind::PrefixViolation)]),
        (Model::StrongSessionReadAtomic, &[level(Level::ReadAtomic, true)]),
        (
            Model::StrongSessionParallelSnapshotIsolation,
            &[
                level(Level::Causal, true),
                is(Kind::StrongSessionParallelSnapshotIsolationViolation),
            ],
        ),
        (
            Model::StrongParallelSnapshotIsolation,
            &[is(Kind::StrongParallelSnapshotIsolationViolation)],
        ),
        (
            Model::StrongSessionPrefix,
            &[level(Level::Causal, true), is(Kind::StrongSessionPrefixViolation)],
        ),
        (Model::StrongPrefix, &[is(Kind::StrongPrefixViolation)]),
        (
            Model::SnapshotIsolation,
            &[
                is(Kind::Internal),
                (Claim::GNonadjacent, Data),
                is(Kind::SnapshotIsolationViolation),
            ],
        ),
        (
            Model::Serializable,
            &[is(Kind::Internal), (Claim::G2, Data), is(Kind::SerializableViolation)],
        ),
        (
            Model::StrictSerializable,
            &[
                cycle(Shape::G1c, Realtime),
                (Claim::G2, Realtime),
                is(Kind::StrictSerializableViolation),
            ],
        ),
        (Model::StrongSessionReadUncommitted, &[cycle(Shape::G0, Process)]),
        (
            Model::StrongSessionReadCommitted,
            &[cycle(Shape::G1c, Process), is(Kind::StrongSessionReadCommittedViolation)],
        ),
        (Model::StrongReadUncommitted, &[cycle(Shape::G0, Realtime)]),
        (Model::StrongReadCommitted, &[cycle(Shape::G1c, Realtime)]),
        (
            Model::StrongSessionSnapshotIsolation,
            &[
                (Claim::G1, Process),
                (Claim::GNonadjacent, Process),
                level(Level::Causal, true),
                is(Kind::StrongSessionSnapshotIsolationViolation),
            ],
        ),
        (
            Model::StrongSnapshotIsolation,
            &[
                (Claim::G1, Realtime),
                (Claim::GNonadjacent, Realtime),
                is(Kind::StrongSnapshotIsolationViolation),
            ],
        ),
        (
            Model::StrongSessionSerializable,
            &[
                (Claim::G1, Process),
                (Claim::G2, Process),
                is(Kind::StrongSessionSerializableViolation),
            ],
        ),
    ]
};

/// Every claim that follows from an anomaly, itself first.
fn implied(kind: Kind) -> Vec<InOrder> {
    let mut claims = vec![is(kind)];
    let mut next = 0;
    while let Some((claim, scope)) = claims.get(next).copied() {
        next += 1;
        let weaker = IMPLIED.iter().find(|(known, _)| *known == claim);
        let weaker = weaker.map_or(&[][..], |(_, weaker)| weaker).iter().map(|weak| (*weak, scope));
        for weak in weaker.chain(scope.wider().map(|scope| (claim, scope))) {
            if !claims.contains(&weak) {
                claims.push(weak);
            }
        }
    }
    claims
}

/// True if an anomaly of this kind is one of that name, too, or shows one: a `G-single-item` is a
/// `G2`.
pub fn implies(kind: Kind, name: &str) -> bool {
    let is_it = |(claim, scope): &InOrder| name.strip_prefix(claim.name()) == Some(scope.suffix());
    implied(kind).iter().any(is_it)
}

/// The models that cannot be if there is an anomaly of this kind.
pub fn ruled_out(kind: Kind) -> Models {
    let claims = implied(kind);
    let forbids = |forbidden: &[InOrder]| forbidden.iter().any(|claim| claims.contains(claim));
    let direct = FORBIDDEN.iter().filter(|(_, claims)| forbids(claims)).map(|(model, _)| *model);
    Models::from_iter(direct).implying()
}

/// The models that an anomaly of this kind counts against only where levels are
/// [decided exactly](crate::txn): those that mean more there than Elle means, and all that imply
/// them.
pub fn by_name(kind: Kind) -> Models {
    let weakest = match kind {
        Kind::Level { level: Level::ReadCommitted, with_sessions: false } => {
            Models::new(&[Model::ReadCommitted])
        }
        Kind::Level { level: Level::ReadAtomic, with_sessions: false } => {
            Models::new(&[Model::ReadAtomic])
        }
        // At every level reads see what was committed, and at this one transactions see one state.
        Kind::Internal
        | Kind::G1a
        | Kind::G1b
        | Kind::FutureRead
        | Kind::GarbageRead
        | Kind::DuplicateElements
        | Kind::IncompatibleOrder
        | Kind::DirtyUpdate
        | Kind::CyclicVersions => Models::new(&[Model::Causal]),
        // Of parallel snapshots Elle forbids nothing cyclic. That a circle has one read that misses
        // a write at most is what they are (Cerone & Gotsman, *Analysing Snapshot Isolation*, PODC
        // 2016).
        _ => {
            let claims = implied(kind);
            let weakest = [
                (Scope::Data, Model::ParallelSnapshotIsolation),
                (Scope::Process, Model::StrongSessionParallelSnapshotIsolation),
                (Scope::Realtime, Model::StrongParallelSnapshotIsolation),
            ];
            let is_single =
                |(scope, _): &(Scope, Model)| claims.contains(&(Claim::GSingle, *scope));
            Models::from_iter(weakest.into_iter().find(is_single).map(|(_, model)| model))
        }
    };
    weakest.implying()
}

/// The models that an anomaly of this kind counts against only where the order of each process
/// belongs to every level, as in AWDIT's format.
pub fn in_sessions(kind: Kind) -> Models {
    let weakest = match kind {
        Kind::Level { level, with_sessions: true } => Models::new(&[match level {
            Level::ReadCommitted => Model::ReadCommitted,
            Level::ReadAtomic => Model::ReadAtomic,
            Level::Causal => Model::CausalCerone,
        }]),
        _ => Models::default(),
    };
    weakest.implying()
}

/// All models that an anomaly of this kind counts against where levels are decided exactly;
/// sessions belong to every level if `with_sessions`.
pub fn exactly(kind: Kind, with_sessions: bool) -> Models {
    let sessions = if with_sessions { in_sessions(kind) } else { Models::default() };
    ruled_out(kind).and(by_name(kind)).and(sessions)
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
