//! The search for an order of operations on registers that explains what they returned.
//!
//! After Wing & Gong, *Testing and verifying concurrent objects* (Journal of Parallel and
//! Distributed Computing 17, 1993): take, one after another, operations that nothing must come
//! before and that fit the registers' present values, and go back where none is left. With Lowe's
//! memory of what was tried (*Testing for linearizability*, Concurrency and Computation 29, 2017):
//! two ways that have taken the same operations and led to the same values need not both be
//! followed.
//!
//! What must come before what is the caller's to say, so that the same search decides
//! linearizability (real-time order, key by key) and sequential consistency (process order, all
//! keys together). Operations stand in *chains*, each of which is taken from front to back, so that
//! what was taken is one number a chain.
//!
//! Two rules keep it narrow. What changes nothing is taken as soon as it fits: it can only make
//! room. And a value is not overwritten while somebody still has to read it, if nobody is left to
//! bring it back.

use rustc_hash::FxHashSet;

/// What an operation does to its key; values are numbered over all keys together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Sees this value.
    Read(u32),
    /// Sets this value.
    Write(u32),
    /// Sees one value and sets another in its place.
    Swap { from: u32, to: u32 },
    /// Neither: it only stands between others.
    Nothing,
}

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub key: u32,
    pub effect: Effect,
}

impl Step {
    /// The value it sees.
    pub(crate) fn seen(&self) -> Option<u32> {
        match self.effect {
            Effect::Read(value) | Effect::Swap { from: value, .. } => Some(value),
            Effect::Write(_) | Effect::Nothing => None,
        }
    }

    /// The value it sets.
    pub(crate) fn set(&self) -> Option<u32> {
        match self.effect {
            Effect::Write(value) | Effect::Swap { to: value, .. } => Some(value),
            Effect::Read(_) | Effect::Nothing => None,
        }
    }
}

/// What is to be ordered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problem {
    /// Where there is a choice, lower numbers are tried first.
    pub steps: Vec<Step>,
    /// Every step is in one chain, and comes after those before it there.
    pub chains: Vec<Vec<u32>>,
    /// What else each step comes after.
    pub after: Vec<Vec<u32>>,
    /// True for steps that need not be taken: nobody knows whether they happened. Nothing comes
    /// after one of them.
    pub optional: Vec<bool>,
    /// Each key's value in the beginning.
    pub initial: Vec<u32>,
    /// How many values there are.
    pub values: usize,
}

/// What came of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// This order explains everything.
    Order(Vec<u32>),
    /// There is none; this is the longest beginning of one that was met.
    None { longest: Vec<u32> },
    /// More was met than was to be remembered: so many states.
    GaveUp { states: usize },
}

/// How much a search may remember.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many states.
    pub states: usize,
    /// How many numbers of 32 bits, in the states that were met and in the choices that are open: a
    /// state has one for each chain and for each key.
    pub numbers: usize,
}

/// Looks for an order, within these limits.
pub(crate) fn search(problem: &Problem, limits: Limits) -> Found {
    Search::new(problem).run(limits)
}

struct Search<'a> {
    problem: &'a Problem,
    /// Each step's chain, and place in it.
    place: Vec<(u32, u32)>,
    /// How many steps of each chain are taken.
    taken: Vec<u32>,
    /// Each key's value.
    state: Vec<u32>,
    /// For each value, how many steps that must be taken have still to see it.
    readers: Vec<usize>,
    /// For each value, how many steps could still set it.
    writers: Vec<usize>,
    /// What was taken, each with the value its key had before.
    order: Vec<(u32, u32)>,
    /// How many steps have still to be taken.
    required: usize,
    visited: FxHashSet<Box<[u32]>>,
    longest: Vec<u32>,
}

/// A state with a choice.
struct Choice {
    candidates: Vec<u32>,
    next: usize,
    /// How many steps were taken when it came up.
    depth: usize,
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem) -> Search<'a> {
        let mut place = vec![(0, 0); problem.steps.len()];
        for (chain, steps) in (0..).zip(&problem.chains) {
            for (position, step) in (0..).zip(steps) {
                place[*step as usize] = (chain, position);
            }
        }
        let (mut readers, mut writers) = (vec![0; problem.values], vec![0; problem.values]);
        for (step, optional) in problem.steps.iter().zip(&problem.optional) {
            if let (Some(value), false) = (step.seen(), optional) {
                readers[value as usize] += 1;
            }
            if let Some(value) = step.set() {
                writers[value as usize] += 1;
            }
        }
        Search {
            problem,
            place,
            taken: vec![0; problem.chains.len()],
            state: problem.initial.clone(),
            readers,
            writers,
            order: Vec::with_capacity(problem.steps.len()),
            required: problem.optional.iter().filter(|optional| !**optional).count(),
            visited: FxHashSet::default(),
            longest: Vec::new(),
        }
    }

    fn run(mut self, limits: Limits) -> Found {
        let mut choices: Vec<Choice> = Vec::new();
        let width = self.taken.len() + self.state.len();
        let mut open = 0;
        loop {
            self.take_reads();
            if self.required == 0 {
                return Found::Order(self.order.iter().map(|(step, _)| *step).collect());
            }
            let state = [self.taken.as_slice(), &self.state].concat().into();
            let candidates =
                if self.visited.insert(state) { self.candidates() } else { Vec::new() };
            open += candidates.len();
            let states = self.visited.len();
            if states > limits.states || states.saturating_mul(width) + open > limits.numbers {
                return Found::GaveUp { states };
            }
            choices.push(Choice { candidates, next: 0, depth: self.order.len() });
            loop {
                let Some(choice) = choices.last_mut() else {
                    return Found::None { longest: self.longest };
                };
                self.go_back(choice.depth);
                if let Some(step) = choice.candidates.get(choice.next) {
                    choice.next += 1;
                    self.take(*step);
                    break;
                }
                if self.order.len() > self.longest.len() {
                    self.longest = self.order.iter().map(|(step, _)| *step).collect();
                }
                open -= choice.candidates.len();
                choices.pop();
            }
        }
    }

    /// The next step of a chain, if nothing else must come before it.
    fn head(&self, chain: usize) -> Option<u32> {
        let step = *self.problem.chains[chain].get(self.taken[chain] as usize)?;
        let is_taken = |before: &u32| {
            let (chain, position) = self.place[*before as usize];
            self.taken[chain as usize] > position
        };
        self.problem.after[step as usize].iter().all(is_taken).then_some(step)
    }

    /// Takes everything that fits and changes nothing.
    fn take_reads(&mut self) {
        let mut again = true;
        while std::mem::take(&mut again) {
            for chain in 0..self.taken.len() {
                while let Some(step) = self.head(chain) {
                    let Step { key, effect } = self.problem.steps[step as usize];
                    let fits = match effect {
                        Effect::Nothing => true,
                        Effect::Read(value) => self.state[key as usize] == value,
                        Effect::Write(_) | Effect::Swap { .. } => false,
                    };
                    if !fits {
                        break;
                    }
                    self.take(step);
                    again = true;
                }
            }
        }
    }

    /// The changes that fit, those that must be taken first.
    fn candidates(&self) -> Vec<u32> {
        let heads = (0..self.taken.len()).filter_map(|chain| self.head(chain));
        let mut candidates: Vec<u32> = heads.filter(|step| self.fits(*step)).collect();
        candidates.sort_unstable_by_key(|step| (self.problem.optional[*step as usize], *step));
        candidates
    }

    fn fits(&self, step: u32) -> bool {
        let Step { key, effect } = self.problem.steps[step as usize];
        let current = self.state[key as usize];
        let (to, own) = match effect {
            Effect::Write(to) => (to, 0),
            Effect::Swap { from, to } if from == current => {
                (to, usize::from(!self.problem.optional[step as usize]))
            }
            _ => return false,
        };
        let is_needed = self.readers[current as usize] > own;
        !is_needed || to == current || self.writers[current as usize] > 0
    }

    fn take(&mut self, step: u32) {
        let Step { key, .. } = self.problem.steps[step as usize];
        let before = self.state.get(key as usize).copied().unwrap_or_default();
        self.order.push((step, before));
        self.count(step, true);
        if let Some(value) = self.problem.steps[step as usize].set() {
            self.state[key as usize] = value;
        }
    }

    fn go_back(&mut self, depth: usize) {
        if self.order.len() > depth && self.order.len() > self.longest.len() {
            self.longest = self.order.iter().map(|(step, _)| *step).collect();
        }
        while self.order.len() > depth {
            let Some((step, before)) = self.order.pop() else { return };
            self.count(step, false);
            let taken = self.problem.steps[step as usize];
            if taken.set().is_some() {
                self.state[taken.key as usize] = before;
            }
        }
    }

    /// Counts a step as taken, or as not taken after all.
    fn count(&mut self, step: u32, is_taken: bool) {
        let at = step as usize;
        let step = self.problem.steps[at];
        let optional = self.problem.optional[at];
        let taken = &mut self.taken[self.place[at].0 as usize];
        *taken = if is_taken { *taken + 1 } else { *taken - 1 };
        let left = |count: &mut usize| *count = if is_taken { *count - 1 } else { *count + 1 };
        if !optional {
            left(&mut self.required);
        }
        if let (Some(value), false) = (step.seen(), optional) {
            left(&mut self.readers[value as usize]);
        }
        if let Some(value) = step.set() {
            left(&mut self.writers[value as usize]);
        }
    }
}

/// True if the order is one of the problem: a second opinion, as plain as can be, for tests.
#[cfg(test)]
pub(crate) fn verify(problem: &Problem, order: &[u32]) -> bool {
    let mut state = problem.initial.clone();
    let mut when = vec![usize::MAX; problem.steps.len()];
    for (time, step) in order.iter().enumerate() {
        let Step { key, effect } = problem.steps[*step as usize];
        let value = state.get_mut(key as usize);
        match (effect, value) {
            (Effect::Nothing, _) => {}
            (Effect::Read(seen), Some(value)) if *value == seen => {}
            (Effect::Write(to), Some(value)) => *value = to,
            (Effect::Swap { from, to }, Some(value)) if *value == from => *value = to,
            _ => return false,
        }
        if when[*step as usize] != usize::MAX {
            return false;
        }
        when[*step as usize] = time;
    }
    let in_order = |before: u32, step: u32| {
        let (before, step) = (when[before as usize], when[step as usize]);
        step == usize::MAX || before < step
    };
    problem.optional.iter().zip(&when).all(|(optional, when)| *optional || *when != usize::MAX)
        && problem.chains.iter().all(|chain| chain.windows(2).all(|two| in_order(two[0], two[1])))
        && (0..)
            .zip(&problem.after)
            .all(|(step, before)| before.iter().all(|before| in_order(*before, step)))
}

#[cfg(test)]
mod tests;
