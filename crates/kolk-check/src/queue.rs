//! Queues: unordered and first-in-first-out as Knossos has them, and Jepsen's total queue.
//!
//! An enqueue puts its value in, a dequeue takes the value that it gives out; what failed did not
//! happen, so a dequeue that found nothing should fail. Nothing is known of a dequeue of unknown
//! outcome: it may have taken any value.
//!
//! *unordered*: linearizable iff for each value, at each moment, no more dequeues of it have been
//! acknowledged than enqueues of it had begun: an enqueue may take effect as soon as it begins and
//! a dequeue as late as it ends, and values have nothing to do with one another.
//!
//! *fifo*: [`fifo`] decides whether there is a linearization, values in the order in which they
//! went in.
//!
//! *total*: everything that was acknowledged comes out (`lost`), and nothing else
//! (`never-enqueued`). That a value comes out twice is only counted.

mod fifo;

use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation, Outcome, Value};

use crate::check::{Anomaly, Check, PROOF_MAX, Validity};
use crate::kind::Kind;
use crate::tree::{count, key};
use crate::txn::codes::Codes;

pub use fifo::check as fifo;

/// An enqueue that may have happened, or an acknowledged dequeue, of a value.
#[derive(Clone, Copy, Debug)]
struct Move {
    index: u32,
    begin: u32,
    /// [`u32::MAX`] if nobody knows.
    end: u32,
    code: i64,
}

/// What was put into a queue and what was taken from it.
#[derive(Debug, Default)]
struct Moves {
    codes: Codes,
    enqueues: Vec<Move>,
    dequeues: Vec<Move>,
    /// When dequeues of unknown outcome began.
    unknown: Vec<u32>,
    /// Enqueues that failed, by value.
    failed: BTreeMap<i64, u32>,
}

impl Moves {
    fn new(history: &History, check: &mut Check) -> Moves {
        let mut moves = Moves::default();
        for operation in history.counted() {
            let (index, end) = (operation.index, operation.completion_or_end());
            match (operation.function, operation.outcome) {
                (Function::Enqueue, outcome) => {
                    let code = moves.codes.code(operation.told());
                    match outcome {
                        Outcome::Fail => {
                            let code = moves.codes.code(&operation.value);
                            moves.failed.entry(code).or_insert(index);
                        }
                        Outcome::Ok => moves.enqueues.push(Move { index, begin: index, end, code }),
                        Outcome::Info => {
                            let code = moves.codes.code(&operation.value);
                            let end = u32::MAX;
                            moves.enqueues.push(Move { index, begin: index, end, code });
                        }
                    }
                }
                (Function::Dequeue, Outcome::Ok) if operation.result.is_null() => {
                    check.validity = check.validity.worst(Validity::Unknown);
                    check.notes.push(format!("dequeue {index} does not say what it took"));
                    moves.unknown.push(index);
                }
                (Function::Dequeue, Outcome::Ok) => {
                    let code = moves.codes.code(&operation.result);
                    moves.dequeues.push(Move { index, begin: index, end, code });
                }
                (Function::Dequeue, Outcome::Info) => moves.unknown.push(index),
                (Function::Drain, Outcome::Ok) => match operation.result.as_list() {
                    Some(values) => {
                        for value in &*values {
                            let code = moves.codes.code(value);
                            moves.dequeues.push(Move { index, begin: index, end, code });
                        }
                    }
                    None => {
                        check.validity = check.validity.worst(Validity::Unknown);
                        check.notes.push(format!("drain {index} does not say what it took"));
                    }
                },
                _ => {}
            }
        }
        if moves.dequeues.is_empty() {
            check.checked_nothing("no dequeue was answered");
        }
        check.results = vec![
            (key(&"enqueue-count"), count(moves.enqueues.len())),
            (key(&"dequeue-count"), count(moves.dequeues.len())),
        ];
        moves
    }

    fn value(&self, code: i64) -> Value {
        self.codes.value(code)
    }

    /// A dequeue of what nobody had begun to put in, or of what was put in less often.
    fn unexpected(&self, check: &mut Check, dequeue: &Move, of_value: &[Move]) {
        let value = self.value(dequeue.code);
        let begun: Vec<u32> =
            of_value.iter().filter(|one| one.begin < dequeue.end).map(|one| one.index).collect();
        let kind = if begun.is_empty() { Kind::NeverEnqueued } else { Kind::DuplicateDequeue };
        check.anomaly(kind, || {
            let claim = match (begun.len(), self.failed.get(&dequeue.code)) {
                (0, Some(failed)) => format!(
                    "dequeue {} took {value}, which only enqueue {failed} put in, which failed",
                    dequeue.index
                ),
                (0, None) => {
                    format!("dequeue {} took {value}, which nobody had put in", dequeue.index)
                }
                (times, _) => format!(
                    "dequeue {} took {value} once more than it had been put in by then ({times})",
                    dequeue.index
                ),
            };
            let others = begun.iter().take(PROOF_MAX - 1).copied();
            let operations = std::iter::once(dequeue.index).chain(others).collect();
            Anomaly::new(kind, claim, operations).of_values([value])
        });
    }

    /// Reports dequeues of more than was there. True if there are any.
    fn report_unexpected(&self, check: &mut Check) -> bool {
        let mut enqueues: BTreeMap<i64, Vec<Move>> = BTreeMap::new();
        for enqueue in &self.enqueues {
            enqueues.entry(enqueue.code).or_default().push(*enqueue);
        }
        let mut dequeues: BTreeMap<i64, Vec<Move>> = BTreeMap::new();
        for dequeue in &self.dequeues {
            dequeues.entry(dequeue.code).or_default().push(*dequeue);
        }
        let mut found = false;
        for (code, mut dequeues) in dequeues {
            let of_value = enqueues.get(&code).map_or(&[][..], Vec::as_slice);
            dequeues.sort_by_key(|dequeue| dequeue.end);
            let mut taken = 0;
            for dequeue in dequeues {
                if of_value.partition_point(|one| one.begin < dequeue.end) > taken {
                    taken += 1;
                } else {
                    found = true;
                    self.unexpected(check, &dequeue, of_value);
                }
            }
        }
        found
    }
}

/// Checks that a queue that promises no order is linearizable.
///
/// ```
/// let history = "
///     {:process 0 :type :invoke :f :enqueue :value 1} {:process 0 :type :ok :f :enqueue :value 1}
///     {:process 1 :type :invoke :f :dequeue} {:process 1 :type :ok :f :dequeue :value 1}
///     {:process 1 :type :invoke :f :dequeue} {:process 1 :type :ok :f :dequeue :value 1}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// let check = kolk_check::queue::unordered(&history);
/// assert_eq!(check.anomalies[0].kind, "duplicate-dequeue");
/// ```
pub fn unordered(history: &History) -> Check {
    let mut check = Check::new("workload");
    let moves = Moves::new(history, &mut check);
    moves.report_unexpected(&mut check);
    check
}

/// Checks that all that was acknowledged was taken in the end, and nothing else.
pub fn total(history: &History) -> Check {
    let mut check = Check::new("workload");
    let moves = Moves::new(history, &mut check);
    let mut left: BTreeMap<i64, i64> = BTreeMap::new();
    for dequeue in &moves.dequeues {
        *left.entry(dequeue.code).or_default() += 1;
    }
    let mut put: BTreeMap<i64, i64> = BTreeMap::new();
    for enqueue in &moves.enqueues {
        *put.entry(enqueue.code).or_default() += 1;
    }
    let mut duplicates = 0;
    for (code, taken) in &left {
        match put.get(code) {
            Some(put) => duplicates += (taken - put).max(0),
            None => {
                let is_it = |dequeue: &&Move| dequeue.code == *code;
                if let Some(dequeue) = moves.dequeues.iter().find(is_it) {
                    moves.unexpected(&mut check, dequeue, &[]);
                }
            }
        }
    }
    let is_told = history.counted().any(|operation: &Operation| {
        operation.function == Function::Dequeue && operation.outcome == Outcome::Info
    });
    for enqueue in moves.enqueues.iter().filter(|enqueue| enqueue.end != u32::MAX) {
        let taken = left.entry(enqueue.code).or_default();
        *taken -= 1;
        if *taken >= 0 {
            continue;
        }
        if is_told {
            check.validity = check.validity.worst(Validity::Unknown);
            continue;
        }
        check.anomaly(Kind::Lost, || {
            let value = moves.value(enqueue.code);
            let claim = format!("{value} was put in (enqueue {}) and never taken", enqueue.index);
            Anomaly::new(Kind::Lost, claim, vec![enqueue.index]).of_values([value])
        });
    }
    if check.validity == Validity::Unknown && is_told {
        let note = "dequeues of unknown outcome may have taken what nobody else took";
        check.notes.push(note.to_owned());
    }
    check.results.push((key(&"duplicated-count"), count(duplicates)));
    check
}

#[cfg(test)]
mod tests;
