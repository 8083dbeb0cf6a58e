//! The types of cycles and what they imply.

use crate::txn::graph::Kinds;

/// What kinds of data edges a cycle has, from the most severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// Write–write only.
    G0,
    /// No read–write.
    G1c,
    /// One read–write.
    GSingle,
    /// Two read–writes or more, no two adjacent.
    GNonadjacent,
    /// Two read–writes or more, some adjacent.
    G2,
}

/// What orders a cycle uses beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// None.
    Data,
    /// The order in which a process runs its transactions.
    Process,
    /// Real time.
    Realtime,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Scope; 3] = [Scope::Data, Scope::Process, Scope::Realtime];

    /// The next order that this one is part of.
    pub(crate) const fn wider(self) -> Option<Scope> {
        match self {
            Scope::Data => Some(Scope::Process),
            Scope::Process => Some(Scope::Realtime),
            Scope::Realtime => None,
        }
    }

    /// How names of anomalies end that take this order.
    pub const fn suffix(self) -> &'static str {
        match self {
            Scope::Data => "",
            Scope::Process => "-process",
            Scope::Realtime => "-realtime",
        }
    }

    /// The edges of the order.
    pub(crate) const fn kinds(self) -> Kinds {
        match self {
            Scope::Data => Kinds::NONE,
            Scope::Process => Kinds::PROCESS,
            Scope::Realtime => Kinds::REALTIME,
        }
    }
}

/// A type of cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CycleType {
    /// The scope.
    pub scope: Scope,
    /// The shape.
    pub shape: Shape,
}

impl CycleType {
    /// All types.
    pub fn all() -> impl Iterator<Item = CycleType> {
        use Shape::{G0, G1c, G2, GNonadjacent, GSingle};
        let shapes = [G0, G1c, GSingle, GNonadjacent, G2];
        let of = move |scope| shapes.into_iter().map(move |shape| CycleType { scope, shape });
        Scope::ALL.into_iter().flat_map(of)
    }

    /// The name that Elle gives it.
    pub const fn name(self) -> &'static str {
        self.word()
    }

    /// The name as something a keyword can be made of.
    pub(crate) const fn word(self) -> &'static &'static str {
        match (self.shape, self.scope) {
            (Shape::G0, Scope::Data) => &"G0",
            (Shape::G0, Scope::Process) => &"G0-process",
            (Shape::G0, Scope::Realtime) => &"G0-realtime",
            (Shape::G1c, Scope::Data) => &"G1c",
            (Shape::G1c, Scope::Process) => &"G1c-process",
            (Shape::G1c, Scope::Realtime) => &"G1c-realtime",
            (Shape::GSingle, Scope::Data) => &"G-single-item",
            (Shape::GSingle, Scope::Process) => &"G-single-item-process",
            (Shape::GSingle, Scope::Realtime) => &"G-single-item-realtime",
            (Shape::GNonadjacent, Scope::Data) => &"G-nonadjacent-item",
            (Shape::GNonadjacent, Scope::Process) => &"G-nonadjacent-item-process",
            (Shape::GNonadjacent, Scope::Realtime) => &"G-nonadjacent-item-realtime",
            (Shape::G2, Scope::Data) => &"G2-item",
            (Shape::G2, Scope::Process) => &"G2-item-process",
            (Shape::G2, Scope::Realtime) => &"G2-item-realtime",
        }
    }

    /// True if a cycle of this type, or claim of it, is one of the other too. A cycle that needs no
    /// order is one with any; a process's order is part of real time's.
    pub fn implies(self, other: CycleType) -> bool {
        let shapes = match (self.shape, other.shape) {
            (Shape::G0 | Shape::G1c, Shape::GSingle | Shape::GNonadjacent | Shape::G2) => false,
            (Shape::GSingle | Shape::GNonadjacent | Shape::G2, Shape::G0 | Shape::G1c) => false,
            (one, other) => one <= other,
        };
        shapes && self.scope <= other.scope
    }

    /// The type of a cycle whose edges, in their order, are of these kinds.
    pub(crate) fn of(kinds: &[Kinds]) -> CycleType {
        let has = |kind: Kinds| kinds.iter().any(|other| other.overlaps(kind));
        let count = kinds.iter().filter(|kind| **kind == Kinds::RW).count();
        let next = kinds.iter().cycle().skip(1);
        let adjacent = kinds.iter().zip(next).any(|(a, b)| (*a, *b) == (Kinds::RW, Kinds::RW));
        let shape = match count {
            0 if has(Kinds::WR) => Shape::G1c,
            0 => Shape::G0,
            1 => Shape::GSingle,
            _ if adjacent => Shape::G2,
            _ => Shape::GNonadjacent,
        };
        let scope = if has(Kinds::REALTIME) {
            Scope::Realtime
        } else if has(Kinds::PROCESS) {
            Scope::Process
        } else {
            Scope::Data
        };
        CycleType { scope, shape }
    }
}
