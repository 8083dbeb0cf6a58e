//! First in, first out.
//!
//! Where no value goes in twice, a queue is linearizable iff its values can be put in one order
//! that no two of them contradict. Each value has the time in which it went in and the time in
//! which it was taken; what took effect at all took effect before it was taken, so the first ends
//! with the second at the latest, and the second does not begin before the first. One value comes
//! before another if it went in before the other began to, or was taken before the other could be;
//! a value that was not taken is taken after all that were. Each of these is an order of intervals,
//! and two such orders that contradict each other do so on two values: of a longer circle a part is
//! one (Fishburn, *Interval Orders*, 1985; Henzinger, Sezgin & Vafeiadis, *Aspect-Oriented
//! Linearizability Proofs*, CONCUR 2013). So for each value that was in before another it is asked
//! whether the other was out before: O(n log n).
//!
//! A dequeue of unknown outcome may have taken any value that nobody else took. A value that must
//! be gone by some moment needs one that began before: these are given out by the earliest
//! deadline.
//!
//! Where values go in twice, an [exhaustive search](crate::objects) decides, or gives up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use kolk_history::History;

use super::{Move, Moves};
use crate::check::{Anomaly, Check};
use crate::kind::Kind;
use crate::objects::{self, Step, Task};

/// A value: when it went in, and when it was taken.
#[derive(Clone, Copy, Debug)]
struct Stay {
    enqueue: Move,
    /// None if nobody is known to have taken it.
    dequeue: Option<Move>,
    in_end: u32,
    out_begin: u32,
    out_end: u32,
}

/// Checks that a queue is linearizable.
///
/// ```
/// let history = "
///     {:process 0 :type :invoke :f :enqueue :value 1} {:process 0 :type :ok :f :enqueue :value 1}
///     {:process 0 :type :invoke :f :enqueue :value 2} {:process 0 :type :ok :f :enqueue :value 2}
///     {:process 1 :type :invoke :f :dequeue} {:process 1 :type :ok :f :dequeue :value 2}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// assert_eq!(kolk_check::queue::fifo(&history).anomalies[0].kind, "out-of-order");
/// ```
pub fn check(history: &History) -> Check {
    let mut check = Check::new("workload");
    let moves = Moves::new(history, &mut check);
    if moves.report_unexpected(&mut check) {
        return check;
    }
    let mut codes: Vec<i64> = moves.enqueues.iter().map(|enqueue| enqueue.code).collect();
    codes.sort_unstable();
    if codes.windows(2).any(|pair| pair[0] == pair[1]) {
        search(&mut check, &moves);
    } else {
        pairs(&mut check, &moves);
    }
    check
}

fn stays(moves: &Moves) -> Vec<Stay> {
    let mut dequeues: Vec<Move> = moves.dequeues.clone();
    dequeues.sort_unstable_by_key(|dequeue| dequeue.code);
    let stay = |enqueue: &Move| {
        let at = dequeues.binary_search_by_key(&enqueue.code, |dequeue| dequeue.code).ok();
        let dequeue = at.map(|at| dequeues[at]);
        // What nobody took and nobody acknowledged need not have happened.
        if dequeue.is_none() && enqueue.end == u32::MAX {
            return None;
        }
        let (begin, end) = dequeue.map_or((u32::MAX, u32::MAX), |taken| (taken.begin, taken.end));
        Some(Stay {
            enqueue: *enqueue,
            dequeue,
            in_end: enqueue.end.min(end),
            out_begin: begin.max(enqueue.begin),
            out_end: end,
        })
    };
    moves.enqueues.iter().filter_map(stay).collect()
}

fn pairs(check: &mut Check, moves: &Moves) {
    let stays = stays(moves);
    let mut by_begin: Vec<usize> = (0..stays.len()).collect();
    by_begin.sort_unstable_by_key(|at| stays[*at].enqueue.begin);
    // Of all that went in no earlier than the one at a place, the one that was out first.
    let mut out_first = by_begin.clone();
    for at in (1..out_first.len()).rev() {
        if stays[out_first[at]].out_end < stays[out_first[at - 1]].out_end {
            out_first[at - 1] = out_first[at];
        }
    }
    let after = |stay: &Stay| {
        let place = by_begin.partition_point(|other| stays[*other].enqueue.begin <= stay.in_end);
        out_first.get(place).map(|at| &stays[*at])
    };
    let mut late = Vec::new();
    for stay in &stays {
        let Some(other) = after(stay).filter(|other| other.out_end < stay.out_begin) else {
            continue;
        };
        if stay.dequeue.is_some() {
            contradiction(check, moves, stay, other);
        } else {
            late.push((stay, other));
        }
    }
    // Somebody of whom nobody knows may have taken them.
    late.sort_by_key(|(_, other)| other.out_end);
    let mut free: BinaryHeap<Reverse<u32>> = moves.unknown.iter().map(|at| Reverse(*at)).collect();
    for (stay, other) in late {
        match free.peek() {
            Some(Reverse(begin)) if *begin < other.out_end => {
                free.pop();
            }
            _ => contradiction(check, moves, stay, other),
        }
    }
}

fn contradiction(check: &mut Check, moves: &Moves, first: &Stay, second: &Stay) {
    check.anomaly(Kind::OutOfOrder, || {
        let (one, other) = (moves.value(first.enqueue.code), moves.value(second.enqueue.code));
        let taken = second.dequeue.map_or(0, |dequeue| dequeue.index);
        let how = match first.dequeue {
            Some(dequeue) => format!("only afterwards {one} (dequeue {})", dequeue.index),
            None => format!("{one} was never taken"),
        };
        let claim = format!(
            "{one} was in (enqueue {}) before {other} was put in (enqueue {}), but {other} was \
             taken (dequeue {taken}), and {how}",
            first.enqueue.index, second.enqueue.index,
        );
        let dequeues = [second.dequeue, first.dequeue].into_iter().flatten();
        let operations = [first.enqueue.index, second.enqueue.index]
            .into_iter()
            .chain(dequeues.map(|dequeue| dequeue.index))
            .collect();
        Anomaly::new(Kind::OutOfOrder, claim, operations).of_values([one, other])
    });
}

/// What is done to a queue whose values go in more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Put(i64),
    Take(i64),
    TakeAny,
}

fn search(check: &mut Check, moves: &Moves) {
    let task =
        |moved: &Move, act| Task { index: moved.index, begin: moved.begin, end: moved.end, act };
    let puts = moves.enqueues.iter().map(|moved| task(moved, Act::Put(moved.code)));
    let takes = moves.dequeues.iter().map(|moved| task(moved, Act::Take(moved.code)));
    let unknown = moves.unknown.iter().map(|index| Task {
        index: *index,
        begin: *index,
        end: u32::MAX,
        act: Act::TakeAny,
    });
    let tasks: Vec<Task<Act>> = puts.chain(takes).chain(unknown).collect();
    let step: &Step<'_, Vec<i64>, Act> = &|queue: &Vec<i64>, act: Act| match act {
        Act::Put(value) => {
            let mut next = queue.clone();
            next.push(value);
            Some(next)
        }
        Act::Take(value) => (queue.first() == Some(&value)).then(|| queue[1..].to_vec()),
        Act::TakeAny => (!queue.is_empty()).then(|| queue[1..].to_vec()),
    };
    let text = |queue: &Vec<i64>| match queue.first() {
        None => "empty".to_owned(),
        Some(first) => format!("headed by {}", moves.value(*first)),
    };
    objects::judge(check, "the queue", Vec::new(), tasks, step, text);
}
