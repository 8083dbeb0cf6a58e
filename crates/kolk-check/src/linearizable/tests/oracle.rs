//! Small histories of all shapes, against trying all orders.

use kolk_protocol::{Key, random::Random};

use super::super::frontier::{self, Limits, Searched};
use super::super::problem::{Effect, INITIAL, NEVER, Op, Problem, UNSEEN, verify};
use super::super::zones::{self, Zoned};

/// What histories are drawn from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    ops_max: u64,
    processes: u64,
    values: u64,
    /// Chances.
    read: f64,
    swap: f64,
    append: f64,
    pending: f64,
    /// Every write sets another value.
    unique: bool,
}

/// A problem in which most things fit: what is seen is drawn from what was set not long ago.
pub(super) fn problem(random: &mut Random, shape: Shape) -> Problem {
    let count = 1 + random.below(shape.ops_max);
    let mut problem = Problem { values: 2 + shape.values as u32, ..Problem::default() };
    if shape.append > 0.0 {
        // Two texts to append. Values with higher numbers are longer.
        let texts: Vec<u32> = (2..problem.values).collect();
        problem.appends = vec![Vec::new(); 2];
        for piece in 0..2 {
            for from in std::iter::once(INITIAL).chain(texts.iter().copied()) {
                let longer = *random.choose(&texts).expect("some");
                if random.chance(0.6) && longer > from {
                    problem.appends[piece].push((from, longer));
                }
            }
        }
    }
    let mut now = 0;
    let mut open: Vec<(u64, usize)> = Vec::new();
    let mut next_unique = 2;
    let value = |random: &mut Random| match random.below(shape.values + 1) as u32 {
        0 => INITIAL,
        value => value + 1,
    };
    while problem.ops.len() < count as usize || !open.is_empty() {
        let process = random.below(shape.processes);
        if let Some(place) = open.iter().position(|(other, _)| *other == process) {
            let (_, at) = open.swap_remove(place);
            let is_read = matches!(problem.ops[at].effect, Effect::Read(_));
            if is_read || !random.chance(shape.pending) {
                problem.ops[at].ret = now;
                now += 1;
            }
        } else if problem.ops.len() < count as usize {
            let mut set = || {
                next_unique += 1;
                if shape.unique { next_unique - 1 } else { 0 }
            };
            let draw = random.unit();
            let effect = if draw < shape.read {
                Effect::Read(value(random))
            } else if draw < shape.read + shape.swap {
                let (from, to) = (value(random), set());
                let to = if shape.unique { to } else { value(random) };
                if from == to { Effect::Read(from) } else { Effect::Swap { from, to } }
            } else if draw < shape.read + shape.swap + shape.append {
                Effect::Append(random.below(2) as u32)
            } else {
                let to = set();
                let to = match (shape.unique, random.chance(0.1)) {
                    (true, _) => to,
                    (false, true) => UNSEEN,
                    (false, false) => value(random),
                };
                Effect::Write(to)
            };
            open.push((process, problem.ops.len()));
            let at = problem.ops.len() as u32;
            problem.ops.push(Op { call: now, ret: NEVER, effect, at });
            now += 1;
        }
    }
    if shape.unique {
        problem.values = problem.values.max(next_unique);
    }
    problem.ops.retain(|op| !(op.is_pending() && matches!(op.effect, Effect::Read(_))));
    problem
}

/// Some order exists, by trying all.
fn exists(problem: &Problem, taken: &mut Vec<bool>, value: u32) -> bool {
    let left = |taken: &[bool]| -> Vec<usize> {
        (0..problem.ops.len()).filter(|at| !taken[*at]).collect()
    };
    let left = left(taken);
    if left.iter().all(|at| problem.ops[*at].is_pending()) {
        return true;
    }
    let first_ret = left.iter().map(|at| problem.ops[*at].ret).min().unwrap_or(NEVER);
    left.into_iter().any(|at| {
        let op = problem.ops[at];
        let Some(next) = problem.next(op.effect, value).filter(|_| op.call < first_ret) else {
            return false;
        };
        taken[at] = true;
        let found = exists(problem, taken, next);
        taken[at] = false;
        found
    })
}

pub(super) const SHAPES: &[Shape] = {
    const BASE: Shape = Shape {
        ops_max: 8,
        processes: 4,
        values: 2,
        read: 0.45,
        swap: 0.2,
        append: 0.0,
        pending: 0.2,
        unique: false,
    };
    &[
        BASE,
        Shape { swap: 0.0, values: 3, ..BASE },
        Shape { swap: 0.0, values: 1, pending: 0.0, ..BASE },
        Shape { pending: 0.6, processes: 3, ..BASE },
        Shape { read: 0.3, swap: 0.5, pending: 0.4, ..BASE },
        Shape { read: 0.6, swap: 0.4, ..BASE },
        Shape { read: 0.6, swap: 0.0, values: 3, processes: 3, ops_max: 9, ..BASE },
        Shape { read: 0.5, swap: 0.2, values: 4, processes: 6, unique: true, ..BASE },
        Shape { read: 0.6, swap: 0.0, values: 3, unique: true, ..BASE },
        Shape { read: 0.4, swap: 0.4, values: 5, processes: 3, unique: true, ..BASE },
        Shape { read: 0.4, swap: 0.0, values: 3, append: 0.3, ..BASE },
        Shape { read: 0.3, swap: 0.1, values: 3, append: 0.5, pending: 0.4, ..BASE },
        Shape { read: 0.3, swap: 0.0, values: 4, append: 0.6, processes: 3, ..BASE },
    ]
};

#[test]
fn agrees_with_trying_all_orders() {
    let mut counts = [[0; 2]; 2];
    for (number, shape) in (0_u64..).zip(SHAPES) {
        for seed in 0..1500 {
            let mut random = Key::new(7).with(number).with(seed).random();
            let problem = problem(&mut random, *shape);
            let expected = exists(&problem, &mut vec![false; problem.ops.len()], INITIAL);
            let mut pruned = problem.clone();
            pruned.prune();
            let place = format!("shape {number} seed {seed}: {problem:#?}");
            for problem in [&problem, &pruned] {
                match frontier::search(problem, Limits::default()) {
                    Searched::Order(order) => {
                        assert!(expected && verify(problem, &order), "{order:?} {place}");
                    }
                    Searched::Stuck(stuck) => {
                        assert!(!expected, "{stuck:?} {place}");
                        let end = problem.ops[stuck.op as usize].ret;
                        assert!(!is_linearizable(&problem.until(end)), "{stuck:?} {place}");
                        let before = problem.until(end - 1);
                        assert!(is_linearizable(&before), "{stuck:?} {place}");
                    }
                    Searched::GaveUp => panic!("gave up on {place}"),
                }
            }
            let zoned = zones::decide(&pruned);
            match &zoned {
                Zoned::Order(order) => {
                    assert!(expected && verify(&pruned, order), "{order:?} {place}");
                }
                Zoned::None { .. } => assert!(!expected, "{zoned:?} {place}"),
                Zoned::Ambiguous => {}
            }
            let is_zoned = zoned != Zoned::Ambiguous;
            counts[usize::from(is_zoned)][usize::from(expected)] += 1;
        }
    }
    // A test that only saw one kind would prove nothing.
    assert!(counts.iter().flatten().all(|count| *count > 1000), "{counts:?}");
}

pub(super) fn is_linearizable(problem: &Problem) -> bool {
    exists(problem, &mut vec![false; problem.ops.len()], INITIAL)
}
