//! Histories in which values were set several times: all that the register can hold, event by
//! event.
//!
//! Deciding these is NP-complete (Gibbons & Korach 1997). The search goes through the events in
//! their order and keeps the *frontier*: every way things can stand, as a row of numbers. An
//! operation is put in order only when it must be, at its completion ("just-in-time": Lowe,
//! *Testing for linearizability*, Concurrency and Computation 29, 2017), after whichever others
//! make room for it. Unlike a search in depth this needs no memory of the past, and where it ends
//! is the longest linearizable beginning. What keeps the frontier narrow:
//!
//! - A read is put in order as soon as it fits: it changes nothing.
//! - A write need not be put in order to be overwritten: if another write was, while this one was
//!   open, it can have come right before that. So a write is taken only if somebody sees what it
//!   sets, or if it ends and no write was taken since it began.
//! - A write that somebody is to see is taken only when there is somebody to see it.
//! - Of operations that do the same, the one that ends first is taken first; those that never end
//!   are counted and not told apart, and of two ways that differ only in what was spent, the one
//!   that spent less is kept. So crashed operations cost a polynomial factor, not an exponential
//!   one.
//!
//! Worst case: (values) × 2^(updates open at once) × Π (pending operations of a kind + 1) rows.

mod path;

use super::problem::{Effect, INITIAL, Op, Problem, UNSEEN};
use super::rows::Rows;

/// When to give up: numbers of rows, so that the outcome is the same everywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many rows may stand side by side.
    pub width: usize,
    /// How many rows may be made in all, beside sixteen for each operation.
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { width: 1 << 15, total: 1 << 22 }
    }
}

/// What came of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Searched {
    /// This order explains everything.
    Order(Vec<u32>),
    /// There is none.
    Stuck(Stuck),
    /// There would be more rows than were allowed.
    GaveUp,
}

/// Where no order goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stuck {
    /// The operation whose completion cannot be: all before that is linearizable.
    pub op: u32,
    /// An order of all that completed before.
    pub longest: Vec<u32>,
    /// What the register can hold there: the operation that set it, or none if it is as it began.
    pub states: Vec<Option<u32>>,
}

/// Where things are in a row: the path that led there, when the last write was taken (the event, or
/// zero), the value; then one bit for each open operation: it is taken; then how many pending
/// operations of each class are spent.
const PATH: usize = 0;
const WRITTEN: usize = 1;
const VALUE: usize = 2;
const BITS: usize = 3;

/// No step.
const NOWHERE: u32 = u32::MAX;

/// An update that was taken, right before the event.
#[derive(Clone, Copy, Debug)]
struct PathStep {
    before: u32,
    event: u32,
    effect: Effect,
    /// The operation, or, for pending ones, their class with this bit.
    taken: u32,
}

const CLASS: u32 = 1 << 31;

/// Pending operations that do the same.
struct Class {
    effect: Effect,
    /// In the order of their invocations.
    ops: Vec<u32>,
    /// How many have begun.
    begun: u32,
}

/// Decides a problem, or gives up.
pub(super) fn search(problem: &Problem, limits: Limits) -> Searched {
    Frontier::new(problem, limits).run()
}

struct Frontier<'a> {
    problem: &'a Problem,
    limits: Limits,
    /// For each operation the place of its bit in a row, as word and mask; of a pending one its
    /// class.
    slots: Vec<(u32, u32)>,
    classes: Vec<Class>,
    /// Where counts begin in a row.
    counts: usize,
    /// Operations that will complete, in the order of their invocations.
    open: Vec<u32>,
    rows: Vec<u32>,
    width: usize,
    path: Vec<PathStep>,
    /// When to sweep the path.
    path_max: usize,
    work: Rows,
    /// For each row of work: the one it was made from was good enough.
    is_covered: Vec<bool>,
    results: Vec<u32>,
    made: usize,
    /// Values that somebody open is to see, for the row at hand.
    wanted: Vec<u32>,
}

/// Events in their order: index, completion or not, operation.
fn events(problem: &Problem) -> Vec<(u32, bool, u32)> {
    let mut events = Vec::with_capacity(2 * problem.ops.len());
    for (at, op) in (0..).zip(&problem.ops) {
        events.push((op.call, false, at));
        if !op.is_pending() {
            events.push((op.ret, true, at));
        }
    }
    events.sort_unstable();
    events
}

impl<'a> Frontier<'a> {
    fn new(problem: &'a Problem, limits: Limits) -> Frontier<'a> {
        let mut slots = vec![(0, 0); problem.ops.len()];
        let (mut free, mut slot_count) = (Vec::new(), 0_u32);
        for (_, is_completion, at) in events(problem) {
            let op = &problem.ops[at as usize];
            if is_completion {
                let (word, mask) = slots[at as usize];
                free.push((word, mask));
            } else if !op.is_pending() {
                slots[at as usize] = free.pop().unwrap_or_else(|| {
                    slot_count += 1;
                    let slot = slot_count - 1;
                    (BITS as u32 + slot / 32, 1 << (slot % 32))
                });
            }
        }
        let mut pending: Vec<(Effect, u32)> = (0..)
            .zip(&problem.ops)
            .filter(|(_, op)| op.is_pending())
            .map(|(at, op)| (op.effect, at))
            .collect();
        pending.sort_unstable();
        let mut classes: Vec<Class> = Vec::new();
        for same in pending.chunk_by(|a, b| a.0 == b.0) {
            let ops: Vec<u32> = same.iter().map(|(_, at)| *at).collect();
            ops.iter().for_each(|at| slots[*at as usize] = (classes.len() as u32, 0));
            classes.push(Class { effect: same[0].0, ops, begun: 0 });
        }
        let counts = BITS + slot_count.div_ceil(32) as usize;
        let width = counts + classes.len();
        let mut rows = vec![0; width];
        (rows[PATH], rows[VALUE]) = (NOWHERE, INITIAL);
        Frontier {
            problem,
            limits,
            slots,
            classes,
            counts,
            open: Vec::new(),
            rows,
            width,
            path: Vec::new(),
            path_max: 1 << 16,
            work: Rows::new(width),
            is_covered: Vec::new(),
            results: Vec::new(),
            made: 0,
            wanted: Vec::new(),
        }
    }

    fn run(mut self) -> Searched {
        let total = self.limits.total + 16 * self.problem.ops.len();
        for (event, is_completion, at) in events(self.problem) {
            if !is_completion {
                self.begin(at);
                continue;
            }
            if !self.complete(event, at) {
                return Searched::GaveUp;
            }
            if self.rows.is_empty() {
                return Searched::Stuck(self.stuck(event, at));
            }
            if self.rows.len() > self.limits.width * self.width || self.made > total {
                return Searched::GaveUp;
            }
            self.sweep_path();
        }
        let best = self.rows[PATH];
        Searched::Order(self.order(best, u32::MAX))
    }

    fn op(&self, at: u32) -> &'a Op {
        &self.problem.ops[at as usize]
    }

    fn begin(&mut self, at: u32) {
        let (word, mask) = self.slots[at as usize];
        let op = self.op(at);
        if op.is_pending() {
            self.classes[word as usize].begun += 1;
            return;
        }
        self.open.push(at);
        if let Effect::Read(value) = op.effect {
            for row in self.rows.chunks_exact_mut(self.width) {
                if row[VALUE] == value {
                    row[word as usize] |= mask;
                }
            }
        }
    }

    /// Goes on to rows in which the operation is in order; false if they are too many.
    fn complete(&mut self, event: u32, at: u32) -> bool {
        let (word, mask) = self.slots[at as usize];
        let is_taken = |row: &[u32]| row[word as usize] & mask != 0;
        if self.rows.chunks_exact(self.width).all(is_taken) {
            for row in self.rows.chunks_exact_mut(self.width) {
                row[word as usize] &= !mask;
            }
            self.open.retain(|open| *open != at);
            return true;
        }
        self.work.clear();
        self.is_covered.clear();
        self.results.clear();
        for number in 0..self.rows.len() / self.width {
            let row = &self.rows[number * self.width..(number + 1) * self.width];
            if self.work.insert(row) {
                self.is_covered.push(false);
            }
        }
        let mut number = 0;
        let mut row = vec![0; self.width];
        while number < self.work.len() {
            row.copy_from_slice(self.work.row(number));
            self.look_at(event, at, &row, self.is_covered[number]);
            number += 1;
            if self.work.len() > 8 * self.limits.width {
                return false;
            }
        }
        self.made += self.work.len();
        if self.results.is_empty() {
            // The rows stay in `work`, for the explanation.
            self.rows.clear();
            return true;
        }
        self.open.retain(|open| *open != at);
        for row in self.results.chunks_exact_mut(self.width) {
            row[word as usize] &= !mask;
        }
        self.keep_the_best();
        true
    }

    /// A row of work: whether it will do, and what can be made of it.
    fn look_at(&mut self, event: u32, at: u32, row: &[u32], is_covered: bool) {
        let (word, mask) = self.slots[at as usize];
        let is_taken = row[word as usize] & mask != 0;
        let op = self.op(at);
        let is_append = matches!(op.effect, Effect::Append(_));
        let is_absorbed = op.effect.is_absorbable()
            && (row[WRITTEN] > op.call || (is_append && row[VALUE] == UNSEEN));
        if (is_taken || is_absorbed) && !is_covered {
            self.results.extend_from_slice(row);
        }
        if is_taken {
            return;
        }
        // To set once more what nobody sees is of use to appends alone.
        let is_idle = op.effect == Effect::Write(UNSEEN) && self.problem.appends.is_empty();
        if op.effect.is_absorbable()
            && !(is_append && row[VALUE] == UNSEEN)
            && !(is_idle && is_absorbed)
        {
            let next = self.taken(event, at, row);
            self.results.extend_from_slice(&next);
        }
        self.look_for_wanted(at, row);
        for place in 0..self.open.len() {
            let other = self.open[place];
            let (word, mask) = self.slots[other as usize];
            let effect = self.op(other).effect;
            if row[word as usize] & mask == 0
                && self.is_useful(effect, row, true)
                && self.ends_first(other, row)
            {
                let next = self.taken(event, other, row);
                self.add_work(&next, is_taken || is_absorbed);
            }
        }
        for class in 0..self.classes.len() {
            let Class { effect, begun, .. } = self.classes[class];
            if row[self.counts + class] < begun
                && self.is_useful(effect, row, false)
                && !self.is_open(effect, row)
            {
                let next = self.spent(event, class, row);
                self.add_work(&next, is_taken || is_absorbed);
            }
        }
    }

    fn add_work(&mut self, row: &[u32], is_covered: bool) {
        if self.work.insert(row) {
            self.is_covered.push(is_covered);
        } else if row[PATH] as usize + 1 == self.path.len() {
            self.path.pop();
        }
    }

    /// Which values somebody is to see who is open and not in order yet.
    fn look_for_wanted(&mut self, completing: u32, row: &[u32]) {
        let mut wanted = std::mem::take(&mut self.wanted);
        wanted.clear();
        let mut links: Vec<(u32, u32)> = Vec::new();
        for at in &self.open {
            let (word, mask) = self.slots[*at as usize];
            if row[word as usize] & mask != 0 {
                continue;
            }
            match self.op(*at).effect {
                Effect::Append(piece) => {
                    let pairs = &self.problem.appends[piece as usize];
                    if *at == completing {
                        wanted.extend(pairs.iter().map(|pair| pair.0));
                    }
                    links.extend(pairs);
                }
                effect => wanted.extend(effect.seen()),
            }
        }
        for (place, class) in self.classes.iter().enumerate() {
            if row[self.counts + place] < class.begun {
                match class.effect {
                    Effect::Swap { from, to } => links.push((from, to)),
                    Effect::Append(piece) => links.extend(&self.problem.appends[piece as usize]),
                    Effect::Read(_) | Effect::Write(_) => {}
                }
            }
        }
        let mut again = true;
        while std::mem::take(&mut again) {
            for (from, to) in &links {
                if wanted.contains(to) && !wanted.contains(from) {
                    wanted.push(*from);
                    again = true;
                }
            }
        }
        self.wanted = wanted;
    }

    /// True if it can make a difference to take this now.
    fn is_useful(&self, effect: Effect, row: &[u32], is_required: bool) -> bool {
        let value = row[VALUE];
        match effect {
            Effect::Read(_) => false,
            // What sets the value that is there can still hide others.
            Effect::Write(to) => {
                self.wanted.contains(&to) && (to != value || self.can_hide_some(row))
            }
            Effect::Swap { from, to } => {
                from == value && (is_required || self.wanted.contains(&to))
            }
            Effect::Append(piece) => self.wanted.contains(&self.problem.appended(piece, value)),
        }
    }

    /// True if some open operation would be absorbed by a write.
    fn can_hide_some(&self, row: &[u32]) -> bool {
        self.open.iter().any(|at| {
            let (word, mask) = self.slots[*at as usize];
            let op = self.op(*at);
            op.effect.is_absorbable() && row[word as usize] & mask == 0 && op.call >= row[WRITTEN]
        })
    }

    /// True if no open operation that does the same ends earlier. Of appends, those that need not
    /// be taken any more and those that must be are told apart; a write frees all of them anyway.
    fn ends_first(&self, at: u32, row: &[u32]) -> bool {
        let op = self.op(at);
        let is_alike = |other: &Op| {
            other.effect == op.effect
                && (!matches!(op.effect, Effect::Append(_))
                    || (other.call < row[WRITTEN]) == (op.call < row[WRITTEN]))
        };
        !self.open.iter().any(|other| {
            let (word, mask) = self.slots[*other as usize];
            let other = self.op(*other);
            is_alike(other) && other.ret < op.ret && row[word as usize] & mask == 0
        })
    }

    fn is_open(&self, effect: Effect, row: &[u32]) -> bool {
        self.open.iter().any(|other| {
            let (word, mask) = self.slots[*other as usize];
            self.op(*other).effect == effect && row[word as usize] & mask == 0
        })
    }

    /// The row after an open operation is taken.
    fn taken(&mut self, event: u32, at: u32, row: &[u32]) -> Vec<u32> {
        let (word, mask) = self.slots[at as usize];
        let mut next = row.to_vec();
        next[word as usize] |= mask;
        self.go(event, self.op(at).effect, at, &mut next);
        next
    }

    /// The row after a pending operation is taken.
    fn spent(&mut self, event: u32, class: usize, row: &[u32]) -> Vec<u32> {
        let mut next = row.to_vec();
        next[self.counts + class] += 1;
        self.go(event, self.classes[class].effect, CLASS | class as u32, &mut next);
        next
    }

    /// What an update changes: the value, and with it reads that now fit.
    fn go(&mut self, event: u32, effect: Effect, taken: u32, row: &mut [u32]) {
        let value = self.problem.next(effect, row[VALUE]).unwrap_or(UNSEEN);
        row[VALUE] = value;
        if matches!(effect, Effect::Write(_)) {
            row[WRITTEN] = event;
        }
        for at in &self.open {
            if self.op(*at).effect == Effect::Read(value) {
                let (word, mask) = self.slots[*at as usize];
                row[word as usize] |= mask;
            }
        }
        self.path.push(PathStep { before: row[PATH], event, effect, taken });
        row[PATH] = self.path.len() as u32 - 1;
    }

    /// Moves results to rows, without those that another is at least as good as.
    fn keep_the_best(&mut self) {
        let (width, counts) = (self.width, self.counts);
        let writes = self.open.iter().filter(|at| self.op(**at).effect.is_absorbable());
        let calls: Vec<(u32, (u32, u32))> =
            writes.map(|at| (self.op(*at).call, self.slots[*at as usize])).collect();
        for row in self.results.chunks_exact_mut(width) {
            // All that matters is which open writes began before.
            let written = row[WRITTEN];
            let free = calls
                .iter()
                .rev()
                .find(|(call, (word, mask))| *call < written && row[*word as usize] & mask == 0);
            row[WRITTEN] = free.map_or(0, |(call, _)| call + 1);
        }
        let results = &self.results;
        let row = |number: &u32| &results[*number as usize * width..(*number as usize + 1) * width];
        let mut order: Vec<u32> = (0..(results.len() / width) as u32).collect();
        order.sort_unstable_by(|a, b| {
            let (a_row, b_row) = (row(a), row(b));
            let spent = |row: &[u32]| row[counts..].iter().sum::<u32>();
            a_row[VALUE..counts]
                .cmp(&b_row[VALUE..counts])
                .then_with(|| b_row[WRITTEN].cmp(&a_row[WRITTEN]))
                .then_with(|| spent(a_row).cmp(&spent(b_row)))
                .then_with(|| a.cmp(b))
        });
        self.rows.clear();
        let is_at_least = |a: &[u32], b: &[u32]| {
            a[WRITTEN] >= b[WRITTEN] && a[counts..].iter().zip(&b[counts..]).all(|(a, b)| a <= b)
        };
        for same in order.chunk_by(|a, b| row(a)[VALUE..counts] == row(b)[VALUE..counts]) {
            let first = self.rows.len();
            for number in same {
                let row = row(number);
                let mut kept = self.rows[first..].chunks_exact(width);
                if !kept.any(|kept| is_at_least(kept, row)) {
                    self.rows.extend_from_slice(row);
                }
            }
        }
    }
}
