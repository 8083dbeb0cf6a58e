//! Clauses over decisions, and what follows from them.

use std::collections::BTreeSet;

/// A decision or its opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Literal(u32);

impl Literal {
    pub(super) const fn new(variable: u32, is_true: bool) -> Literal {
        Literal(variable << 1 | is_true as u32)
    }

    pub(super) const fn of_number(number: u32) -> Literal {
        Literal(number)
    }

    pub(super) const fn number(self) -> u32 {
        self.0
    }

    pub(super) const fn variable(self) -> u32 {
        self.0 >> 1
    }

    pub(super) const fn is_true(self) -> bool {
        self.0 & 1 == 1
    }

    pub(super) const fn opposite(self) -> Literal {
        Literal(self.0 ^ 1)
    }
}

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Clause {
    literals: Vec<Literal>,
    /// For a cycle, its transactions.
    members: Vec<u32>,
    /// For one that was learned, from which others.
    from: Vec<u32>,
}

/// Of a variable.
#[derive(Clone, Copy, Debug)]
struct State {
    value: Option<bool>,
    level: u32,
    reason: u32,
}

const UNSET: State = State { value: None, level: 0, reason: NONE };

#[derive(Debug, Default)]
pub(super) struct Clauses {
    all: Vec<Clause>,
    states: Vec<State>,
    /// By literal: the clauses that watch for its falsity.
    watches: Vec<Vec<u32>>,
    /// What is in force, in the order in which it came to be.
    pub(super) trail: Vec<Literal>,
    /// Where in the trail each level begins: the first decision's is 1.
    levels: Vec<usize>,
    /// How much of the trail was looked at.
    looked_at: usize,
    learned: u32,
    last_conflict: u32,
    pub(super) conflicts: u64,
    work: u64,
}

impl Clauses {
    /// Makes room for a variable.
    pub(super) fn know(&mut self, variable: u32) {
        while self.states.len() <= variable as usize {
            self.states.push(UNSET);
            self.watches.extend([Vec::new(), Vec::new()]);
        }
    }

    pub(super) fn take_work(&mut self) -> u64 {
        std::mem::take(&mut self.work)
    }

    /// Whether a literal holds; nothing if that is open.
    pub(super) fn value(&self, literal: Literal) -> Option<bool> {
        let value = self.states[literal.variable() as usize].value;
        value.map(|value| value == literal.is_true())
    }

    fn set(&mut self, literal: Literal, reason: u32) {
        let level = self.levels.len() as u32;
        let state = State { value: Some(literal.is_true()), level, reason };
        self.states[literal.variable() as usize] = state;
        self.trail.push(literal);
    }

    /// Decides what was open.
    pub(super) fn decide(&mut self, literal: Literal) {
        debug_assert_eq!(self.value(literal), None, "what is decided breaks nothing");
        self.levels.push(self.trail.len());
        self.set(literal, NONE);
    }

    /// Adds the clause that not all of a cycle can be, of which all literals are false now.
    pub(super) fn add_cycle(&mut self, literals: Vec<Literal>, members: Vec<u32>) -> u32 {
        self.add(Clause { literals, members, from: Vec::new() })
    }

    fn add(&mut self, mut clause: Clause) -> u32 {
        let number = self.all.len() as u32;
        // Those that were set last are watched: they are the first to be open again.
        let level = |literal: &Literal| self.states[literal.variable() as usize].level;
        clause.literals.sort_by_key(|literal| std::cmp::Reverse(level(literal)));
        if let [one, other, ..] = clause.literals[..] {
            self.watches[one.number() as usize].push(number);
            self.watches[other.number() as usize].push(number);
        }
        self.all.push(clause);
        number
    }

    /// Sets what follows from clauses; gives one that cannot be fulfilled.
    pub(super) fn units(&mut self) -> Option<u32> {
        while let Some(literal) = self.trail.get(self.looked_at).copied() {
            self.looked_at += 1;
            let is_false = literal.opposite();
            let mut watching = std::mem::take(&mut self.watches[is_false.number() as usize]);
            let mut conflict = None;
            let mut kept = 0;
            for at in 0..watching.len() {
                let number = watching[at];
                self.work += 1;
                if conflict.is_some() || !self.moves_watch(number, is_false) {
                    watching[kept] = number;
                    kept += 1;
                    if conflict.is_none() {
                        let first = self.all[number as usize].literals[0];
                        match self.value(first) {
                            Some(true) => {}
                            Some(false) => conflict = Some(number),
                            None => self.set(first, number),
                        }
                    }
                }
            }
            watching.truncate(kept);
            self.watches[is_false.number() as usize].append(&mut watching);
            if conflict.is_some() {
                return conflict;
            }
        }
        None
    }

    /// Lets a clause watch another literal than the one that has become false, if there is one.
    /// That which it still watches comes first.
    fn moves_watch(&mut self, number: u32, is_false: Literal) -> bool {
        let mut literals = std::mem::take(&mut self.all[number as usize].literals);
        if literals[0] == is_false {
            literals.swap(0, 1);
        }
        let other = (2..literals.len()).find(|at| self.value(literals[*at]) != Some(false));
        self.work += literals.len() as u64;
        let is_true = self.value(literals[0]) == Some(true);
        let moves = match other {
            Some(at) if !is_true => {
                literals.swap(1, at);
                self.watches[literals[1].number() as usize].push(number);
                true
            }
            _ => false,
        };
        self.all[number as usize].literals = literals;
        moves
    }

    /// Learns from a clause of which all literals are false, and takes back as many levels as shows
    /// what follows. Gives how much of the trail is left; nothing if there is no decision to blame.
    pub(super) fn learn(&mut self, conflict: u32) -> Option<usize> {
        self.conflicts += 1;
        self.last_conflict = conflict;
        let level_of =
            |clauses: &Clauses, literal: Literal| clauses.states[literal.variable() as usize].level;
        let highest = |clauses: &Clauses, number: u32| {
            let literals = &clauses.all[number as usize].literals;
            literals.iter().map(|literal| level_of(clauses, *literal)).max().unwrap_or(0)
        };
        let level = highest(self, conflict);
        if level == 0 {
            return None;
        }
        // From the last in force back to the only one of its level that is left.
        let mut from = vec![conflict];
        let mut blamed: BTreeSet<Literal> =
            self.all[conflict as usize].literals.iter().copied().collect();
        let mut at = self.trail.len();
        loop {
            let of_level =
                blamed.iter().filter(|literal| level_of(self, **literal) == level).count();
            self.work += blamed.len() as u64;
            if of_level <= 1 {
                break;
            }
            at -= 1;
            let last = self.trail[at];
            if !blamed.contains(&last.opposite()) {
                continue;
            }
            let reason = self.states[last.variable() as usize].reason;
            if reason == NONE {
                break;
            }
            blamed.remove(&last.opposite());
            from.push(reason);
            let more = self.all[reason as usize].literals.iter().copied();
            blamed.extend(more.filter(|literal| *literal != last));
        }
        blamed.retain(|literal| level_of(self, *literal) > 0);
        let literals: Vec<Literal> = blamed.into_iter().collect();
        let below = literals.iter().map(|literal| level_of(self, *literal));
        let back = below.filter(|other| *other < level).max().unwrap_or(0);
        self.learned = self.add(Clause { literals, members: Vec::new(), from });
        let kept = self.levels[back as usize];
        for literal in self.trail.drain(kept..) {
            self.states[literal.variable() as usize] = UNSET;
        }
        self.levels.truncate(back as usize);
        self.looked_at = self.looked_at.min(kept);
        Some(kept)
    }

    /// Sets what the clause that was learned last says.
    pub(super) fn assert_learned(&mut self) {
        let literals = &self.all[self.learned as usize].literals;
        let open = literals.iter().copied().find(|literal| self.value(*literal).is_none());
        if let Some(literal) = open {
            self.set(literal, self.learned);
        }
    }

    /// The transactions on all cycles that the last conflict rests on. Whoever is first in a pair
    /// of writers is on a cycle that rests on its being second.
    pub(super) fn core(&self) -> Vec<u32> {
        let mut open = vec![self.last_conflict];
        let mut seen = BTreeSet::from([self.last_conflict]);
        let mut members = Vec::new();
        while let Some(number) = open.pop() {
            let clause = &self.all[number as usize];
            members.extend(&clause.members);
            let reasons = clause
                .literals
                .iter()
                .map(|literal| self.states[literal.variable() as usize].reason);
            for next in reasons.chain(clause.from.iter().copied()) {
                if next != NONE && seen.insert(next) {
                    open.push(next);
                }
            }
        }
        members.sort_unstable();
        members.dedup();
        members
    }
}
