//! What the models mean, by definition: a history has a model if there is an *execution*, an order
//! of the transactions that were committed and the states between them, in which each passes the
//! model's *commit test* (Crooks, Pu, Alvisi & Clement, *Seeing is Believing: A Client-Centric
//! Specification of Database Isolation*, PODC 2017). All orders are tried.

mod overwrites;

use std::collections::BTreeMap;

use kolk_history::Outcome;

use crate::txn::records::{Op, Record};
use crate::txn::table::Datatype;
use crate::txn::weak::Level;

/// What a transaction must pass to commit where it stands in an execution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Test {
    /// It read all from the state before it.
    Serial,
    /// It read all from one earlier state, and nobody has written since what it writes.
    Snapshot,
    /// It read all from one earlier state; and a list that it appends to, as it is when it commits.
    Prefix,
    /// It read all from what some of those before it wrote: those whom it *sees*, among them who
    /// wrote what it writes, and whoever one of them sees (Cerone, Bernardi & Gotsman, *A Framework
    /// for Transactional Consistency Models with Atomic Visibility*, CONCUR 2015).
    Parallel,
    /// Whoever it surely [wrote over](overwrites) is before it.
    Uncommitted,
    /// It read each from some earlier state.
    Committed,
    /// It read each from some earlier state that has what the level says it *sees* there (Biswas &
    /// Enea, OOPSLA 2019).
    Sees(Level),
}

/// Which order of the clients' the execution must agree with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    Any,
    Sessions,
    RealTime,
}

/// Each key's values in the order in which they were written: a list, or the history of a register.
type State = BTreeMap<i64, Vec<i64>>;

/// Whether there is such an execution: who was acknowledged takes part, who failed does not, the
/// others as it fits.
pub(super) fn exists(kind: Datatype, records: &[Record], test: Test, order: Order) -> bool {
    Search::new(kind, records, test, order).go()
}

struct Search<'a> {
    kind: Datatype,
    records: &'a [Record],
    test: Test,
    /// Who must stand before whom.
    before: Vec<Vec<bool>>,
    /// Who sees whom, wherever in its transaction.
    sees: Vec<Vec<bool>>,
    /// Who surely wrote over whom: the earlier first.
    overwrites: Vec<(usize, usize)>,
    placed: Vec<usize>,
    states: Vec<State>,
    /// Of parallel snapshots: whom each that is placed sees.
    visible: Vec<Vec<usize>>,
}

impl<'a> Search<'a> {
    fn new(kind: Datatype, records: &'a [Record], test: Test, order: Order) -> Search<'a> {
        let pairs = |holds: &dyn Fn(usize, usize) -> bool| -> Vec<Vec<bool>> {
            let row = |a| (0..records.len()).map(|b| holds(a, b)).collect();
            (0..records.len()).map(row).collect()
        };
        let session = |a: usize, b: usize| {
            records[a].process == records[b].process && records[a].is_before(&records[b])
        };
        let before = pairs(&|a, b| match order {
            Order::Any => false,
            Order::Sessions => session(a, b),
            Order::RealTime => records[a].is_before(&records[b]),
        });
        let reads_from = |a: usize, b: usize| {
            let ops = records[b].ops.iter().filter(|_| records[b].is_ok() && a != b);
            ops.into_iter().any(|op| writer(records, op) == Some(a))
        };
        let in_sessions = |a, b| order == Order::Sessions && session(a, b);
        let mut sees = pairs(&|a, b| in_sessions(b, a) || reads_from(b, a));
        if test == Test::Sees(Level::Causal) {
            for middle in 0..records.len() {
                for a in 0..records.len() {
                    for b in 0..records.len() {
                        sees[a][b] |= sees[a][middle] && sees[middle][b];
                    }
                }
            }
        }
        let states = vec![State::new()];
        let (placed, visible) = (Vec::new(), Vec::new());
        let overwrites = match test {
            Test::Uncommitted => overwrites::all(kind, records),
            _ => Vec::new(),
        };
        Search { kind, records, test, before, sees, overwrites, placed, states, visible }
    }

    /// Goes on from what is placed.
    fn go(&mut self) -> bool {
        let is_left = |at: &usize| !self.placed.contains(at);
        let left: Vec<usize> = (0..self.records.len())
            .filter(is_left)
            .filter(|at| self.records[*at].outcome != Outcome::Fail)
            .collect();
        if left.iter().all(|at| !self.records[*at].is_ok()) {
            return true;
        }
        left.iter().any(|next| {
            if left.iter().any(|other| self.before[*other][*next]) {
                return false;
            }
            match self.test {
                Test::Parallel => {
                    self.sights(*next).into_iter().any(|seen| self.go_on(*next, seen))
                }
                _ => self.commits(*next) && self.go_on(*next, Vec::new()),
            }
        })
    }

    /// Goes on with a transaction that sees these.
    fn go_on(&mut self, next: usize, seen: Vec<usize>) -> bool {
        let mut state = self.states[self.placed.len()].clone();
        for op in &self.records[next].ops {
            if let Op::Write(key, value) = op {
                state.entry(*key).or_default().push(*value);
            }
        }
        self.placed.push(next);
        self.states.push(state);
        self.visible.push(seen);
        let found = self.go();
        self.placed.pop();
        self.states.pop();
        self.visible.pop();
        found
    }

    /// All that a transaction may see, of those that are placed, if it comes next.
    fn sights(&self, next: usize) -> Vec<Vec<usize>> {
        let record = &self.records[next];
        let writes_same = |other: usize| {
            let mut ops = record.ops.iter();
            ops.any(|op| matches!(op, Op::Write(key, _) if self.writes(other, *key)))
        };
        let is_whole = |seen: &[usize]| {
            self.placed.iter().zip(&self.visible).all(|(other, others)| {
                match seen.contains(other) {
                    true => others.iter().all(|third| seen.contains(third)),
                    false => !writes_same(*other) && !self.before[*other][next],
                }
            })
        };
        let fits = |seen: &[usize]| {
            (0..record.ops.len()).filter(|_| record.is_ok()).all(|at| {
                let Op::Read(key, read) = &record.ops[at] else { return true };
                let there = seen.iter().flat_map(|other| self.records[*other].writes(*key));
                let own = record.ops[..at].iter().filter_map(|op| op.writes(*key));
                self.is_due(there.chain(own).collect(), read)
            })
        };
        let sets = (0..1_u32 << self.placed.len()).map(|set| {
            let placed = self.placed.iter().enumerate();
            placed.filter(|(at, _)| set >> at & 1 == 1).map(|(_, other)| *other).collect()
        });
        sets.filter(|seen: &Vec<usize>| is_whole(seen) && fits(seen)).collect()
    }

    /// Whether a transaction passes the test if it comes next.
    fn commits(&self, next: usize) -> bool {
        let record = &self.records[next];
        if !record.is_ok() {
            // Nobody knows what it read.
            return true;
        }
        let now = self.placed.len();
        let reads = || (0..record.ops.len()).filter(|at| matches!(record.ops[*at], Op::Read(..)));
        let mut earlier = 0..=now;
        let is_new_enough =
            |state: usize| self.placed[state..].iter().all(|other| !self.before[*other][next]);
        match self.test {
            Test::Serial => reads().all(|at| self.fits(record, at, now)),
            Test::Snapshot => earlier.any(|state| {
                let has_conflict = self.placed[state..].iter().any(|other| {
                    record
                        .ops
                        .iter()
                        .any(|op| matches!(op, Op::Write(key, _) if self.writes(*other, *key)))
                });
                !has_conflict
                    && is_new_enough(state)
                    && reads().all(|at| self.fits(record, at, state))
            }),
            Test::Parallel => !self.sights(next).is_empty(),
            Test::Prefix => earlier.any(|state| {
                let fits = |at: usize| {
                    let is_own =
                        record.ops[..at].iter().any(|op| op.writes(record.ops[at].key()).is_some());
                    self.fits(record, at, state) && (!is_own || self.fits(record, at, now))
                };
                is_new_enough(state) && reads().all(fits)
            }),
            Test::Uncommitted => {
                let mut over = self.overwrites.iter().filter(|(_, later)| *later == next);
                over.all(|(earlier, _)| self.placed.contains(earlier))
            }
            Test::Committed => reads().all(|at| self.fit_some(next, &[at], &|_| false)),
            Test::Sees(Level::ReadCommitted) => reads().all(|at| {
                let earlier = &record.ops[..at];
                self.fit_some(next, &[at], &|other| {
                    earlier.iter().any(|op| writer(self.records, op) == Some(other))
                })
            }),
            Test::Sees(_) => reads().all(|at| {
                let same_key: Vec<usize> = reads()
                    .filter(|other| record.ops[*other].key() == record.ops[at].key())
                    .collect();
                self.fit_some(next, &same_key, &|other| self.sees[next][other])
            }),
        }
    }

    /// Whether reads of one key fit some earlier state after all writes of it that they see; and
    /// those after the transaction's own writes, the state on top of which these are.
    fn fit_some(&self, next: usize, reads: &[usize], sees: &dyn Fn(usize) -> bool) -> bool {
        let record = &self.records[next];
        let key = record.ops[reads[0]].key();
        let now = self.placed.len();
        let has_all = |state: usize| {
            let mut later = self.placed[state..].iter();
            later.all(|other| !(sees(*other) && self.writes(*other, key)))
        };
        let is_own = |at: &usize| record.ops[..*at].iter().any(|op| op.writes(key).is_some());
        let fits = |at: &usize, state| {
            self.fits(record, *at, state) && (!is_own(at) || self.fits(record, *at, now))
        };
        (0..=now)
            .any(|state| reads.iter().all(|at| (is_own(at) || has_all(state)) && fits(at, state)))
    }

    fn writes(&self, writer: usize, key: i64) -> bool {
        self.records[writer].writes(key).next().is_some()
    }

    /// Whether a read sees that state, with what its transaction had written until then.
    fn fits(&self, record: &Record, at: usize, state: usize) -> bool {
        let Op::Read(key, seen) = &record.ops[at] else { return false };
        let there = self.states[state].get(key).into_iter().flatten().copied();
        let own = record.ops[..at].iter().filter_map(|op| op.writes(*key));
        self.is_due(there.chain(own).collect(), seen)
    }

    /// Whether a read of what these writes left sees that.
    fn is_due(&self, due: Vec<i64>, seen: &[i64]) -> bool {
        match self.kind {
            Datatype::List => due == seen,
            Datatype::Register => due.last() == seen.last(),
        }
    }
}

/// Who wrote the last value that a read saw.
fn writer(records: &[Record], op: &Op) -> Option<usize> {
    let Op::Read(key, seen) = op else { return None };
    let last = seen.last()?;
    records.iter().position(|record| record.writes(*key).any(|value| value == *last))
}
