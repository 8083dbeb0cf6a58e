//! The steps that led to each row: an order of operations can be read from them when all is over.

use super::super::problem::{Effect, INITIAL, Problem, UNSEEN};
use super::{CLASS, Frontier, NOWHERE, PATH, PathStep, Stuck, events};

/// How many possible states are looked for.
const STATES_MAX: usize = 64;

impl Frontier<'_> {
    /// Forgets steps that led to no row there is.
    pub(super) fn sweep_path(&mut self) {
        if self.path.len() < self.path_max {
            return;
        }
        let mut is_alive = vec![false; self.path.len()];
        for row in self.rows.chunks_exact(self.width) {
            let mut step = row[PATH];
            while step != NOWHERE && !is_alive[step as usize] {
                is_alive[step as usize] = true;
                step = self.path[step as usize].before;
            }
        }
        let mut moved = vec![NOWHERE; self.path.len()];
        let mut left = 0;
        for at in 0..self.path.len() {
            if is_alive[at] {
                let mut step = self.path[at];
                step.before = moved.get(step.before as usize).copied().unwrap_or(NOWHERE);
                self.path[left] = step;
                moved[at] = left as u32;
                left += 1;
            }
        }
        self.path.truncate(left);
        for row in self.rows.chunks_exact_mut(self.width) {
            row[PATH] = moved.get(row[PATH] as usize).copied().unwrap_or(NOWHERE);
        }
        self.path_max = (2 * left).max(1 << 16);
    }

    /// The steps that led to a place.
    fn steps(&self, mut last: u32) -> Vec<PathStep> {
        let mut steps = Vec::new();
        while let Some(step) = self.path.get(last as usize) {
            steps.push(*step);
            last = step.before;
        }
        steps.reverse();
        steps
    }

    /// The order of operations that a path stands for, up to an event.
    pub(super) fn order(&self, last: u32, end: u32) -> Vec<u32> {
        let steps = self.steps(last);
        let mut taken_of = vec![0; self.classes.len()];
        let mut is_taken = vec![false; self.problem.ops.len()];
        let updates: Vec<u32> = steps
            .iter()
            .map(|step| {
                let at = match step.taken & CLASS {
                    0 => step.taken,
                    _ => {
                        let class = (step.taken & !CLASS) as usize;
                        taken_of[class] += 1;
                        self.classes[class].ops[taken_of[class] - 1]
                    }
                };
                is_taken[at as usize] = true;
                at
            })
            .collect();
        let mut replay = Replay { value: INITIAL, waiting: Vec::new(), order: Vec::new() };
        let mut next = 0;
        // Writes that came right before another, or appends to what nobody sees.
        let mut absorbed: Vec<u32> = Vec::new();
        for (event, is_completion, at) in events(self.problem) {
            while next < steps.len() && steps[next].event <= event {
                if matches!(steps[next].effect, Effect::Write(_)) {
                    replay.order.append(&mut absorbed);
                }
                replay.take(self.problem, updates[next]);
                if replay.value == UNSEEN {
                    let is_append = |at: &u32| matches!(self.op(*at).effect, Effect::Append(_));
                    replay.order.extend(absorbed.extract_if(.., |at| is_append(at)));
                }
                next += 1;
            }
            if event >= end {
                break;
            }
            let op = self.op(at);
            match op.effect {
                _ if is_completion || op.is_pending() || is_taken[at as usize] => {}
                Effect::Read(_) => replay.read(self.problem, at),
                Effect::Append(_) if replay.value == UNSEEN => replay.order.push(at),
                _ => absorbed.push(at),
            }
        }
        replay.order
    }

    /// No row goes on after this event.
    pub(super) fn stuck(&self, event: u32, at: u32) -> Stuck {
        let mut states: Vec<Option<u32>> = Vec::new();
        for number in (0..self.work.len()).filter(|number| !self.is_covered[*number]) {
            let row = self.work.row(number);
            let state = self.path.get(row[PATH] as usize).map(|step| match step.taken & CLASS {
                0 => step.taken,
                _ => {
                    let class = (step.taken & !CLASS) as usize;
                    self.classes[class].ops[row[self.counts + class] as usize - 1]
                }
            });
            if !states.contains(&state) {
                states.push(state);
            }
            if states.len() == STATES_MAX {
                break;
            }
        }
        states.sort_unstable();
        Stuck { op: at, longest: self.order(self.work.row(0)[PATH], event), states }
    }
}

/// Puts reads where they fit first.
struct Replay {
    value: u32,
    waiting: Vec<u32>,
    order: Vec<u32>,
}

impl Replay {
    fn read(&mut self, problem: &Problem, at: u32) {
        if problem.ops[at as usize].effect == Effect::Read(self.value) {
            self.order.push(at);
        } else {
            self.waiting.push(at);
        }
    }

    fn take(&mut self, problem: &Problem, at: u32) {
        self.order.push(at);
        let next = problem.next(problem.ops[at as usize].effect, self.value);
        self.value = next.unwrap_or(self.value);
        let fits = |at: &u32| problem.ops[*at as usize].effect == Effect::Read(self.value);
        self.order.extend(self.waiting.extract_if(.., |at| fits(at)));
    }
}
