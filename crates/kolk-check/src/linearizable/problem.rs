//! One key's history, as the algorithms see it: numbers alone.

/// The number of the value in the beginning.
pub(crate) const INITIAL: u32 = 0;

/// The number of all values that nobody sees.
pub(crate) const UNSEEN: u32 = 1;

/// When an operation ends that never does.
pub(crate) const NEVER: u32 = u32::MAX;

/// What an operation does; values are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Effect {
    /// Sees this value.
    Read(u32),
    /// Sets this value.
    Write(u32),
    /// Sees one value and sets another in its place.
    Swap { from: u32, to: u32 },
    /// Goes from some values to others, by [`Problem::appends`]; from all others to one that nobody
    /// sees.
    Append(u32),
}

impl Effect {
    /// The value it sees for sure.
    pub(crate) fn seen(self) -> Option<u32> {
        match self {
            Effect::Read(value) | Effect::Swap { from: value, .. } => Some(value),
            Effect::Write(_) | Effect::Append(_) => None,
        }
    }

    /// The value it sets for sure.
    pub(crate) fn set(self) -> Option<u32> {
        match self {
            Effect::Write(value) | Effect::Swap { to: value, .. } => Some(value),
            Effect::Read(_) | Effect::Append(_) => None,
        }
    }

    /// True if it may come at any value, so that it can always be put right before a write: what it
    /// sets is gone before anybody sees it.
    pub(crate) fn is_absorbable(self) -> bool {
        matches!(self, Effect::Write(_) | Effect::Append(_))
    }
}

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    /// The event index of its invocation.
    pub call: u32,
    /// That of its completion, or [`NEVER`]: then it may have happened at any time or not at all.
    pub ret: u32,
    pub effect: Effect,
    /// Its position among the history's operations.
    pub at: u32,
}

impl Op {
    pub(crate) fn is_pending(&self) -> bool {
        self.ret == NEVER
    }
}

/// One key's history. What cannot matter is gone: pending reads, and pending updates that set what
/// nobody sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problem {
    /// In the order of their invocations.
    pub ops: Vec<Op>,
    /// How many values there are, [`INITIAL`] and [`UNSEEN`] among them.
    pub values: u32,
    /// For each text that is appended, from which values it leads to which, in the order of the
    /// former.
    pub appends: Vec<Vec<(u32, u32)>>,
}

impl Problem {
    /// What an append makes of a value.
    pub(crate) fn appended(&self, piece: u32, from: u32) -> u32 {
        let pairs = &self.appends[piece as usize];
        pairs.binary_search_by_key(&from, |pair| pair.0).map_or(UNSEEN, |at| pairs[at].1)
    }

    /// What becomes of a value, if the operation can come there.
    pub(crate) fn next(&self, effect: Effect, from: u32) -> Option<u32> {
        match effect {
            Effect::Read(value) => (value == from).then_some(from),
            Effect::Write(value) => Some(value),
            Effect::Swap { from: seen, to } => (seen == from).then_some(to),
            Effect::Append(piece) => Some(self.appended(piece, from)),
        }
    }

    /// The same with some of the operations, which must be in order.
    pub(crate) fn with(&self, ops: Vec<Op>) -> Problem {
        Problem { ops, values: self.values, appends: self.appends.clone() }
    }

    /// What had happened up to the event with this index: what was open then is pending.
    pub(crate) fn until(&self, event: u32) -> Problem {
        let begun = self.ops.iter().filter(|op| op.call <= event);
        let ops = begun.filter_map(|op| match op.effect {
            _ if op.ret <= event => Some(*op),
            Effect::Read(_) => None,
            _ => Some(Op { ret: NEVER, ..*op }),
        });
        self.with(ops.collect())
    }

    /// Leaves out pending operations that nobody can have seen: they need not have happened.
    pub(crate) fn prune(&mut self) {
        let mut is_seen = vec![false; self.values as usize];
        for op in self.ops.iter().filter(|op| !op.is_pending()) {
            op.effect.seen().into_iter().for_each(|seen| is_seen[seen as usize] = true);
            if let Effect::Append(piece) = op.effect {
                self.appends[piece as usize]
                    .iter()
                    .for_each(|pair| is_seen[pair.0 as usize] = true);
            }
        }
        let mut open: Vec<Op> = self.ops.iter().copied().filter(Op::is_pending).collect();
        let mut kept = Vec::new();
        loop {
            let before = open.len();
            open.retain(|op| {
                let is_wanted = match op.effect {
                    Effect::Read(_) => false,
                    Effect::Write(to) | Effect::Swap { to, .. } => is_seen[to as usize],
                    Effect::Append(piece) => {
                        let mut pairs = self.appends[piece as usize].iter();
                        pairs.any(|pair| is_seen[pair.1 as usize])
                    }
                };
                if is_wanted {
                    kept.push(op.call);
                    op.effect.seen().into_iter().for_each(|seen| is_seen[seen as usize] = true);
                    if let Effect::Append(piece) = op.effect {
                        let pairs = &self.appends[piece as usize];
                        pairs.iter().for_each(|pair| is_seen[pair.0 as usize] = true);
                    }
                }
                !is_wanted
            });
            if open.len() == before {
                break;
            }
        }
        kept.sort_unstable();
        self.ops.retain(|op| !op.is_pending() || kept.binary_search(&op.call).is_ok());
    }
}

/// True if the order is one of the problem: every operation that completed is in it once, none
/// comes after one that began after its end, and each sees what it says it saw. A second opinion,
/// as plain as can be, for tests.
#[cfg(test)]
pub(crate) fn verify(problem: &Problem, order: &[u32]) -> bool {
    let ops: Vec<&Op> = order.iter().map(|op| &problem.ops[*op as usize]).collect();
    let mut once = order.to_vec();
    once.sort_unstable();
    once.dedup();
    let mut value = Some(INITIAL);
    for op in &ops {
        value = value.and_then(|value| problem.next(op.effect, value));
    }
    let mut latest_call = 0;
    let in_time = ops.iter().all(|op| {
        latest_call = latest_call.max(op.call);
        op.ret >= latest_call
    });
    let is_there = |op: u32| once.binary_search(&op).is_ok();
    let complete = (0..).zip(&problem.ops).all(|(at, op)| op.is_pending() || is_there(at));
    once.len() == order.len() && value.is_some() && in_time && complete
}
