//! What is left of a broken history is broken itself, and because the whole is.

use kolk_protocol::Key;

use super::super::frontier::Limits;
use super::super::problem::{Op, Problem};
use super::super::shrink::{Setters, shrink};
use super::oracle::{SHAPES, is_linearizable, problem};

/// Leaving out operations for which nobody may have waited breaks nothing.
#[test]
fn a_part_of_what_is_whole_is_whole() {
    let mut parts = 0;
    for (number, shape) in (0_u64..).zip(SHAPES) {
        for seed in 0..2000 {
            let mut random = Key::new(21).with(number).with(seed).random();
            let problem = problem(&mut random, *shape);
            if !is_linearizable(&problem) {
                continue;
            }
            let kept: Vec<u32> =
                (0..problem.ops.len() as u32).filter(|_| random.chance(0.6)).collect();
            if Setters::new(&problem).missing(&problem, &kept, 1).is_empty() {
                let part = part(&problem, &kept);
                assert!(
                    is_linearizable(&part),
                    "shape {number} seed {seed}: {kept:?} {problem:#?}"
                );
                parts += usize::from(kept.len() < problem.ops.len());
            }
        }
    }
    assert!(parts > 1000, "{parts}");
}

fn part(problem: &Problem, kept: &[u32]) -> Problem {
    problem.with(kept.iter().map(|at| problem.ops[*at as usize]).collect())
}

#[test]
fn what_is_left_is_broken_and_small() {
    let mut left = [0, 0];
    for (number, shape) in (0_u64..).zip(SHAPES) {
        for seed in 0..300 {
            let mut random = Key::new(22).with(number).with(seed).random();
            let mut problem = problem(&mut random, *shape);
            problem.prune();
            if is_linearizable(&problem) {
                continue;
            }
            let least = shrink(&problem, None, Limits::default());
            let place = format!("shape {number} seed {seed}: {least:?} of {problem:?}");
            assert!(!is_linearizable(&least), "{place}");
            let setters = Setters::new(&problem);
            for without in 0..least.ops.len() {
                let mut ops: Vec<Op> = least.ops.clone();
                ops.remove(without);
                let mut rest = least.with(ops);
                rest.prune();
                let at = |op: &Op| problem.ops.iter().position(|other| other.call == op.call);
                let kept: Vec<u32> = rest.ops.iter().filter_map(at).map(|at| at as u32).collect();
                let is_part = setters.missing(&problem, &kept, 1).is_empty();
                assert!(!is_part || is_linearizable(&rest), "{place}");
            }
            left = [left[0] + problem.ops.len(), left[1] + least.ops.len()];
        }
    }
    assert!(left[1] * 3 < left[0] * 2, "{left:?}");
}
