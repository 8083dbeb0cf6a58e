//! Jepsen's counter: every read shows what had been added by then.
//!
//! Adds that were acknowledged before a read began are in its sum; those that were invoked before
//! it ended, and not acknowledged before it began, may be, each once; those that failed are not. So
//! a read is right iff its value is the first sum plus that of some of the second. Jepsen asks only
//! that it lies between the least and the greatest of these, and does not know of what is taken
//! away.

use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation, Outcome};

use super::{Acceptable, Adds, as_value, delta, integer};
use crate::check::{Anomaly, Check, PROOF_MAX, Validity};
use crate::kind::Kind;
use crate::tree::{count, key};

/// How many ranges of sums are looked at in all. Beyond that only their ends are.
const WORK_MAX: usize = 1 << 27;

enum Moment<'a> {
    Invoked(&'a Operation, i128),
    Acknowledged(&'a Operation, i128),
    Read(&'a Operation, i128),
}

/// Checks every acknowledged read of a history in which [`Function::Add`] adds its value, an
/// integer, and [`Function::Read`] reads the sum.
///
/// ```
/// use kolk_check::counter;
///
/// let history = r#"
///     {:process 0 :type :invoke :f :add :value 2}
///     {:process 0 :type :ok :f :add :value 2}
///     {:process 1 :type :invoke :f :read}
///     {:process 1 :type :ok :f :read :value 1}
/// "#;
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// assert_eq!(counter::check_reads(&history).anomalies[0].kind, "wrong-total");
/// ```
pub fn check(history: &History) -> Check {
    let mut check = Check::new("workload");
    let adds = Adds::new(history);
    if adds.strange > 0 {
        check.validity = Validity::Unknown;
        check.notes.push(format!("adds of what is no integer were left out: {}", adds.strange));
    }
    let mut sweep = Sweep::default();
    let mut reads = 0;
    for (_, moment) in moments(history, &mut check) {
        match moment {
            Moment::Invoked(add, delta) if add.outcome == Outcome::Info => {
                sweep.unknown.or_add(delta);
            }
            Moment::Invoked(add, delta) => {
                sweep.open.insert(add.index, delta);
            }
            Moment::Acknowledged(add, delta) => {
                sweep.open.remove(&add.index);
                sweep.total += delta;
                sweep.done.push((add.completion_or_end(), add.index, delta));
            }
            Moment::Read(read, sum) => {
                reads += 1;
                sweep.judge(&mut check, read, sum);
            }
        }
    }
    if reads == 0 {
        check.checked_nothing("no read was answered");
    }
    if !sweep.is_exact {
        check.notes.push(
            "adds that may count come to too many different sums: only the least and the greatest \
             were held against some of the reads"
                .to_owned(),
        );
    }
    check.results =
        vec![(key(&"read-count"), count(reads)), (key(&"total"), as_value(sweep.total))];
    check
}

fn moments<'a>(history: &'a History, check: &mut Check) -> Vec<(u32, Moment<'a>)> {
    let mut moments = Vec::new();
    for operation in history.counted() {
        let end = operation.completion_or_end();
        match (delta(operation), operation.outcome) {
            (_, Outcome::Fail) => {}
            (Some(delta), outcome) => {
                moments.push((operation.index, Moment::Invoked(operation, delta)));
                if outcome == Outcome::Ok {
                    moments.push((end, Moment::Acknowledged(operation, delta)));
                }
            }
            (None, Outcome::Ok) if operation.function == Function::Read => {
                match integer(&operation.result) {
                    Some(sum) => moments.push((end, Moment::Read(operation, sum))),
                    None => {
                        check.validity = check.validity.worst(Validity::Unknown);
                        let (at, result) = (operation.index, &operation.result);
                        check.notes.push(format!("read {at} gave {result}, which is no integer"));
                    }
                }
            }
            (None, _) => {}
        }
    }
    moments.sort_by_key(|(index, _)| *index);
    moments
}

/// What was added up to some event.
struct Sweep {
    /// Acknowledged adds: completion, invocation and delta, and the sum of all.
    done: Vec<(u32, u32, i128)>,
    total: i128,
    /// Adds under way that will be acknowledged, by invocation.
    open: BTreeMap<u32, i128>,
    /// What adds of unknown outcome can come to.
    unknown: Acceptable,
    is_exact: bool,
    work: usize,
}

impl Default for Sweep {
    fn default() -> Sweep {
        let unknown = Acceptable { ranges: vec![(0, 0)], is_exact: true };
        let (done, open) = (Vec::new(), BTreeMap::new());
        Sweep { done, total: 0, open, unknown, is_exact: true, work: 0 }
    }
}

impl Sweep {
    fn judge(&mut self, check: &mut Check, read: &Operation, sum: i128) {
        let meanwhile = self.done.partition_point(|(completion, ..)| *completion < read.index);
        let meanwhile = &self.done[meanwhile..];
        let definite = self.total - meanwhile.iter().map(|(_, _, delta)| delta).sum::<i128>();
        let acknowledged = meanwhile.iter().map(|(_, index, delta)| (*index, *delta));
        let open = self.open.iter().map(|(index, delta)| (*index, *delta));
        let under_way: Vec<(u32, i128)> = acknowledged.chain(open).collect();
        let mut deltas: Vec<i128> = under_way.iter().map(|(_, delta)| *delta).collect();
        deltas.sort_unstable_by_key(|delta| delta.unsigned_abs());
        let mut some = Acceptable { ranges: vec![(0, 0)], is_exact: true };
        for delta in &deltas {
            if self.work > WORK_MAX
                && let (Some(first), Some(last)) = (some.ranges.first(), some.ranges.last())
            {
                some = Acceptable { ranges: vec![(first.0, last.1)], is_exact: false };
            }
            some.or_add(*delta);
            self.work += some.ranges.len();
        }
        let is_exact = some.is_exact && self.unknown.is_exact;
        self.is_exact &= is_exact;
        let wanted = sum - definite;
        let fits = |(low, high): &(i128, i128)| self.unknown.meets(wanted - high, wanted - low);
        if some.ranges.iter().any(fits) {
            if !is_exact {
                check.validity = check.validity.worst(Validity::Unknown);
            }
            return;
        }
        check.anomaly(Kind::WrongTotal, || {
            let shifted = |(low, high): &(i128, i128)| (low + definite, high + definite);
            let ranges = self.unknown.ranges.iter().map(shifted).collect();
            let mut acceptable = Acceptable { ranges, is_exact };
            deltas.iter().for_each(|delta| acceptable.or_add(*delta));
            let claim = format!(
                "read {} of process {} is {sum}, but what was added by then comes to {}",
                read.index,
                read.process,
                acceptable.text()
            );
            let others = under_way.iter().take(PROOF_MAX - 1).map(|(index, _)| *index);
            let operations = std::iter::once(read.index).chain(others).collect();
            let steps = vec![
                format!("adds that were acknowledged before it began come to {definite}"),
                format!(
                    "of {} adds that were under way, and of those whose outcome is unknown, any \
                     may be in it",
                    under_way.len()
                ),
            ];
            Anomaly { steps, ..Anomaly::new(Kind::WrongTotal, claim, operations) }
        });
    }
}

#[cfg(test)]
mod tests {
    use kolk_protocol::Key;

    use super::*;

    fn history(events: &[String]) -> History {
        kolk_history::jepsen::read(events.concat().as_bytes(), Vec::new()).expect("a history")
    }

    /// Whether each read is the sum of some set of adds that holds all it must and none it cannot.
    fn by_definition(history: &History) -> bool {
        let adds: Vec<&Operation> = history
            .operations
            .iter()
            .filter(|op| op.function == Function::Add && op.outcome != Outcome::Fail)
            .collect();
        history.operations.iter().filter(|op| op.function == Function::Read && op.is_ok()).all(
            |read| {
                (0..1u32 << adds.len()).any(|set| {
                    let is_in = |at: usize| set >> at & 1 == 1;
                    let fits = adds.iter().enumerate().all(|(at, add)| {
                        let must = add.is_ok() && add.completion_or_end() < read.index;
                        let may = add.index < read.completion_or_end();
                        if is_in(at) { may } else { !must }
                    });
                    let chosen = (0..adds.len()).filter(|at| is_in(*at));
                    let sum: i128 = chosen.filter_map(|at| delta(adds[at])).sum();
                    fits && integer(&read.result) == Some(sum)
                })
            },
        )
    }

    #[test]
    fn reads_are_judged_as_defined() {
        let mut seen = [0, 0];
        for seed in 0..3000 {
            let mut random = Key::new(seed).random();
            let (mut events, mut open) = (Vec::new(), [None; 4]);
            let (mut low, mut high) = (0, 0);
            for _ in 0..14 {
                let process = random.index(4);
                let event = match open[process].take() {
                    None => {
                        let delta = random.index(5) as i64 - 1;
                        let is_read = random.chance(0.4);
                        open[process] = Some((is_read, delta));
                        if is_read {
                            format!("{{:process {process} :type :invoke :f :read}}\n")
                        } else {
                            (low, high) = (low + delta.min(0), high + delta.max(0));
                            format!("{{:process {process} :type :invoke :f :add :value {delta}}}\n")
                        }
                    }
                    Some((true, _)) => {
                        let value = low + random.index((high - low + 2) as usize) as i64;
                        format!("{{:process {process} :type :ok :f :read :value {value}}}\n")
                    }
                    Some((false, delta)) => {
                        let kind = *random.choose(&["ok", "ok", "fail", "info"]).expect("one");
                        format!("{{:process {process} :type :{kind} :f :add :value {delta}}}\n")
                    }
                };
                events.push(event);
            }
            let history = history(&events);
            let is_valid = check(&history).validity != Validity::Invalid;
            assert_eq!(is_valid, by_definition(&history), "{seed}: {}", events.concat());
            seen[usize::from(is_valid)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 300), "{seen:?}");
    }
}
