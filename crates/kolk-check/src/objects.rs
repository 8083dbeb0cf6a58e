//! Linearizability of small objects: a lock, several registers that are read and set together, and
//! [your own](yours).
//!
//! Just-in-time linearization (Lowe, *Testing for linearizability*, Concurrency and Computation 29,
//! 2017): event by event, all that the object can be is kept, with the operations that are open and
//! took effect already. When an operation ends it must have taken effect: from each of these states
//! all orders of open operations are tried until it has. Operations that never end and do the same
//! are one another's equal: the first is tried first. Whoever came to a state with fewer of these
//! can do whatever others can who came there with more.
//!
//! At worst this is exponential in the operations that are open at once. It is bounded by a number
//! of steps; beyond that the verdict is unknown.

pub mod multi_register;
pub mod mutex;
pub mod yours;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::check::{Anomaly, Check, PROOF_MAX, Validity};
use crate::kind::Kind;
use crate::tree::some_of;

/// How many steps of the object are tried in all.
const STEPS_MAX: usize = 1 << 22;

/// How many states of the object, with what took effect, are kept at most.
const STATES_MAX: usize = 1 << 18;

/// An operation.
#[derive(Clone, Debug)]
pub(crate) struct Task<A> {
    /// The event index of its invocation, as its name.
    pub index: u32,
    pub begin: u32,
    /// [`u32::MAX`] if it may have taken effect at any time or not at all.
    pub end: u32,
    pub act: A,
}

/// What becomes of a state by an operation, if it can come there.
pub(crate) type Step<'a, S, A> = dyn Fn(&S, A) -> Option<S> + 'a;

/// States of the object with those open operations that took effect and will end, by place; and for
/// each, the least sets of those that took effect and never end. All in ascending order.
#[derive(Clone)]
struct States<S>(BTreeMap<(S, Vec<u32>), Vec<Vec<u32>>>);

impl<S: Ord> States<S> {
    /// Adds a state, if there is none that can do all that this one can.
    fn add(&mut self, state: (S, Vec<u32>), unknown: Vec<u32>) -> bool {
        let is_within = |less: &[u32], more: &[u32]| {
            less.len() <= more.len() && less.iter().all(|at| more.binary_search(at).is_ok())
        };
        let sets = self.0.entry(state).or_default();
        if sets.iter().any(|less| is_within(less, &unknown)) {
            return false;
        }
        sets.retain(|more| !is_within(&unknown, more));
        sets.push(unknown);
        true
    }
}

enum Answer<S> {
    Linearizable,
    /// The place of an operation that cannot have taken effect when it ended, and what the object
    /// can have been.
    Stuck(u32, BTreeSet<S>),
    GaveUp(u32),
}

/// Judges operations on an object that is called `what`; `text` says what it is in a state, as the
/// rest of a sentence.
pub(crate) fn judge<S: Ord + Clone, A: Ord + Clone>(
    check: &mut Check,
    what: &str,
    first: S,
    mut tasks: Vec<Task<A>>,
    step: &Step<'_, S, A>,
    text: impl Fn(&S) -> String,
) {
    tasks.sort_by_key(|task| task.begin);
    match search(first, &tasks, step) {
        Answer::Linearizable => {}
        Answer::GaveUp(at) => {
            check.validity = check.validity.worst(Validity::Unknown);
            let index = tasks[at as usize].index;
            check.notes.push(format!(
                "not decided: too many ways to order the operations up to the end of operation \
                 {index}"
            ));
        }
        Answer::Stuck(at, states) => check.anomaly(Kind::NotLinearizable, || {
            let stuck = &tasks[at as usize];
            let open: Vec<u32> = tasks
                .iter()
                .filter(|task| task.index != stuck.index)
                .filter(|task| task.begin < stuck.end && task.end > stuck.begin)
                .map(|task| task.index)
                .collect();
            let states: Vec<String> = states.iter().map(&text).collect();
            let claim = format!(
                "operation {} cannot have taken effect when it ended: {what} can only have been {}",
                stuck.index,
                some_of(states.iter(), PROOF_MAX)
            );
            let mut steps = Vec::new();
            if !open.is_empty() {
                let open = some_of(open.iter(), PROOF_MAX);
                steps.push(format!("nor does it help in which order {open}, open meanwhile, came"));
            }
            let operations =
                std::iter::once(stuck.index).chain(open.into_iter().take(PROOF_MAX - 1)).collect();
            Anomaly { steps, ..Anomaly::new(Kind::NotLinearizable, claim, operations) }
        }),
    }
}

fn search<S: Ord + Clone, A: Ord + Clone>(
    first: S,
    tasks: &[Task<A>],
    step: &Step<'_, S, A>,
) -> Answer<S> {
    let mut ends: Vec<u32> =
        (0..tasks.len() as u32).filter(|at| tasks[*at as usize].end != u32::MAX).collect();
    ends.sort_by_key(|at| tasks[*at as usize].end);
    let mut states = States(BTreeMap::from([((first, Vec::new()), vec![Vec::new()])]));
    let mut open: Vec<u32> = Vec::new();
    // Those that never end, by what they do.
    let mut unknown: BTreeMap<&A, Vec<u32>> = BTreeMap::new();
    let (mut begun, mut steps) = (0, 0);
    for ended in ends {
        let end = tasks[ended as usize].end;
        while let Some(task) = tasks.get(begun).filter(|task| task.begin < end) {
            match task.end {
                u32::MAX => unknown.entry(&task.act).or_default().push(begun as u32),
                _ => open.push(begun as u32),
            }
            begun += 1;
        }
        let mut reached = States(BTreeMap::new());
        let mut tried = states.clone();
        let each = |(state, sets): (&(S, Vec<u32>), &Vec<Vec<u32>>)| {
            sets.iter().map(|set| (state.clone(), set.clone())).collect::<Vec<_>>()
        };
        let mut waiting: VecDeque<_> = states.0.iter().flat_map(each).collect();
        while let Some(((state, mut done), used)) = waiting.pop_front() {
            if let Ok(place) = done.binary_search(&ended) {
                done.remove(place);
                reached.add((state, done), used);
                continue;
            }
            let known = open.iter().filter(|at| done.binary_search(at).is_err());
            let firsts = unknown
                .values()
                .filter_map(|all| all.iter().find(|at| used.binary_search(at).is_err()));
            for at in known.chain(firsts) {
                let task = &tasks[*at as usize];
                steps += 1;
                let Some(next) = step(&state, task.act.clone()) else { continue };
                let (mut done, mut used) = (done.clone(), used.clone());
                let set = if task.end == u32::MAX { &mut used } else { &mut done };
                let place = set.partition_point(|other| other < at);
                set.insert(place, *at);
                let next = (next, done);
                if tried.add(next.clone(), used.clone()) {
                    waiting.push_back((next, used));
                }
            }
            if steps > STEPS_MAX || reached.0.len() + tried.0.len() > STATES_MAX {
                return Answer::GaveUp(ended);
            }
        }
        if reached.0.is_empty() {
            let states = states.0.into_keys().map(|(state, _)| state);
            return Answer::Stuck(ended, states.collect());
        }
        states = reached;
        open.retain(|at| *at != ended);
    }
    Answer::Linearizable
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Whether the operations can be put in an order that real time allows and that the object can
    /// have: all orders are tried.
    pub(crate) fn by_definition<S: Clone, A: Clone>(
        state: &S,
        left: &[Task<A>],
        step: &Step<'_, S, A>,
    ) -> bool {
        if left.iter().all(|task| task.end == u32::MAX) {
            return true;
        }
        let is_first = |task: &Task<A>| left.iter().all(|other| other.end > task.begin);
        (0..left.len()).filter(|at| is_first(&left[*at])).any(|at| {
            let mut rest = left.to_vec();
            let task = rest.remove(at);
            step(state, task.act).is_some_and(|next| by_definition(&next, &rest, step))
        })
    }
}
