//! Counters: adds that were acknowledged are in the sum, each once. For g-counter and pn-counter.
//!
//! The *definite* sum is that of all `ok` adds. An add of unknown outcome may have happened or not,
//! so what is *acceptable* is the definite sum plus the sum of any of those: kept as ranges of
//! integers, merged where they touch. Invalid iff a final read that is `ok` is not acceptable
//! (`wrong-total`). Maelstrom looks at no other read.
//!
//! Stronger, beside Maelstrom:
//!
//! - a read during the load holds at least what its own process had acknowledged before, with all
//!   that others might have taken away (`too-low`), and at most that with all that others might
//!   have added before it completed (`too-high`);
//! - after the faults have healed each node comes to an acceptable sum (`wrong-total`) and all to
//!   the same (`diverged`), and each answers (`silent`).
//!
//! Linear in the history; the ranges are few, because the workloads' deltas are small.

mod evidence;
mod reads;

use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation, Outcome, Phase, Value};

use crate::check::{Anomaly, Check, PROOF_MAX, Validity};
use crate::convergence::LastReads;
use crate::kind::Kind;
use crate::tree::{count, key, list, some_of};
use evidence::wrong_total;
pub use reads::check as check_reads;

/// With more ranges than this only their least and greatest sum are kept.
const RANGES_MAX: usize = 1 << 16;

/// Checks a history in which [`Function::Add`] adds its value, an integer, and [`Function::Read`]
/// reads the sum.
///
/// ```
/// use kolk_check::counter;
///
/// let history = r#"
///     {:process 0 :type :invoke :f :add :value 2}
///     {:process 0 :type :ok :f :add :value 2}
///     {:process 1 :type :invoke :f :read :final? true}
///     {:process 1 :type :ok :f :read :value 1 :final? true}
/// "#;
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// assert_eq!(counter::check(&history).anomalies[0].kind, "wrong-total");
/// ```
pub fn check(history: &History) -> Check {
    let mut check = Check::new("workload");
    let adds = Adds::new(history);
    let acceptable = Acceptable::new(&adds);
    if adds.strange > 0 {
        check.validity = Validity::Unknown;
        check.notes.push(format!("adds of what is no integer were left out: {}", adds.strange));
    }
    if !acceptable.is_exact {
        check.notes.push(
            "adds of unknown outcome come to too many different sums: only the least and the \
             greatest were held against the reads"
                .to_owned(),
        );
    }
    check_final(&mut check, history, &adds, &acceptable);
    check_bounds(&mut check, history);
    check_convergence(&mut check, history, &adds, &acceptable);
    check
}

/// An add's delta, if it counts and is an integer.
fn delta(operation: &Operation) -> Option<i128> {
    let counts = operation.function == Function::Add && operation.is_counted();
    counts.then(|| integer(operation.told()))?
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(int) => Some((*int).into()),
        // As many adds as fit into memory cannot exceed 128 bits with such summands.
        Value::BigInt(digits) if digits.len() <= 30 => digits.parse().ok(),
        _ => None,
    }
}

fn as_value(sum: i128) -> Value {
    i64::try_from(sum).map_or_else(|_| Value::text(sum.to_string()), Value::Int)
}

/// What the adds come to.
#[derive(Default)]
struct Adds {
    definite: i128,
    /// The deltas of those whose outcome is unknown, but for zeros.
    pending: Vec<i128>,
    /// The acknowledged sum by the node that served it.
    by_node: BTreeMap<Option<u16>, i128>,
    /// How many were of no integer.
    strange: usize,
}

impl Adds {
    fn new(history: &History) -> Adds {
        let mut adds = Adds::default();
        for operation in history.counted().filter(|op| op.function == Function::Add) {
            match (delta(operation), operation.outcome) {
                (None, _) => adds.strange += 1,
                (_, Outcome::Fail) | (Some(0), Outcome::Info) => {}
                (Some(delta), Outcome::Info) => adds.pending.push(delta),
                (Some(delta), Outcome::Ok) => {
                    adds.definite += delta;
                    *adds.by_node.entry(operation.node).or_default() += delta;
                }
            }
        }
        adds
    }
}

/// The sums that a final read may show, as closed ranges: ascending, with a gap between any two.
struct Acceptable {
    ranges: Vec<(i128, i128)>,
    /// False if there were too many ranges, and this is one that holds them all.
    is_exact: bool,
}

impl Acceptable {
    fn new(adds: &Adds) -> Acceptable {
        let mut pending = adds.pending.clone();
        // Small deltas first: they close the gaps before large ones copy them.
        pending.sort_unstable_by_key(|delta| delta.unsigned_abs());
        let mut acceptable =
            Acceptable { ranges: vec![(adds.definite, adds.definite)], is_exact: true };
        for delta in pending {
            acceptable.or_add(delta);
        }
        acceptable
    }

    /// Every sum, and every sum plus `delta`.
    fn or_add(&mut self, delta: i128) {
        let shifted = self.ranges.iter().map(|(low, high)| (low + delta, high + delta));
        let mut all: Vec<(i128, i128)> = self.ranges.iter().copied().chain(shifted).collect();
        // Two lists in order, put together: that takes no more than going through them.
        all.sort();
        all.dedup_by(|next, before| {
            let touches = next.0 <= before.1 + 1;
            if touches {
                before.1 = before.1.max(next.1);
            }
            touches
        });
        if all.len() > RANGES_MAX {
            self.is_exact = false;
            all = vec![(all[0].0, all[all.len() - 1].1)];
        }
        self.ranges = all;
    }

    fn contains(&self, sum: i128) -> bool {
        self.meets(sum, sum)
    }

    /// Whether some sum lies between these two, themselves included.
    fn meets(&self, least: i128, most: i128) -> bool {
        let after = self.ranges.partition_point(|(low, _)| *low <= most);
        after > 0 && least <= self.ranges[after - 1].1
    }

    /// The acceptable sum that is nearest to one that is not; of two the smaller.
    fn nearest(&self, sum: i128) -> i128 {
        let ends = self.ranges.iter().flat_map(|(low, high)| [*low, *high]);
        ends.min_by_key(|end| end.abs_diff(sum)).unwrap_or_default()
    }

    fn value(&self) -> Value {
        list(self.ranges.iter().map(|(low, high)| list([as_value(*low), as_value(*high)])))
    }

    /// For people: `17`, or `17 to 21, 30 to 31`.
    fn text(&self) -> String {
        let ranges = self.ranges.iter().map(|(low, high)| {
            if low == high { low.to_string() } else { format!("{low} to {high}") }
        });
        some_of(ranges, PROOF_MAX)
    }
}

fn is_ok_read(operation: &Operation, phase: Phase) -> bool {
    operation.function == Function::Read && operation.is_ok() && operation.phase == phase
}

/// Maelstrom's verdict and results.
fn check_final(check: &mut Check, history: &History, adds: &Adds, acceptable: &Acceptable) {
    let mut errors = Vec::new();
    let mut reads = Vec::new();
    for read in history.operations.iter().filter(|op| is_ok_read(op, Phase::Final)) {
        reads.push(read.result.clone());
        match integer(&read.result) {
            Some(sum) if acceptable.contains(sum) => {
                if !acceptable.is_exact {
                    check.validity = check.validity.worst(Validity::Unknown);
                }
            }
            Some(sum) => {
                errors.push(described(read));
                check.anomaly(Kind::WrongTotal, || {
                    wrong_total(history, adds, acceptable, read, sum, "final read")
                });
            }
            None => {
                check.validity = check.validity.worst(Validity::Unknown);
                let (at, result) = (read.index, &read.result);
                check.notes.push(format!("final read {at} gave {result}, which is no integer"));
            }
        }
    }
    if reads.is_empty() {
        check.checked_nothing("no final read was answered");
    }
    check.results = vec![
        (key(&"errors"), if errors.is_empty() { Value::Null } else { list(errors) }),
        (key(&"final-reads"), list(reads)),
        (key(&"acceptable"), acceptable.value()),
    ];
}

/// A read's completion, as Maelstrom lists it.
fn described(read: &Operation) -> Value {
    Value::map(vec![
        (key(&"index"), count(read.completion_or_end())),
        (key(&"time"), count(read.completed.as_nanos())),
        (key(&"type"), key(&"ok")),
        (key(&"process"), count(read.process)),
        (key(&"f"), read.function.keyword()),
        (key(&"final?"), Value::Bool(true)),
        (key(&"value"), read.result.clone()),
    ])
}

fn by(history: &History, read: &Operation) -> String {
    history.node_name(read).map_or(String::new(), |node| format!(" by {node}"))
}

/// What happens in a history, in the order of event indices.
enum Moment<'a> {
    Invoked(i128),
    Acknowledged(&'a Operation, i128),
    ReadInvoked(&'a Operation),
    ReadOk(&'a Operation, i128),
}

fn moments(history: &History) -> Vec<(u32, Moment<'_>)> {
    let mut moments = Vec::new();
    for operation in history.counted() {
        let end = operation.completion_index.map(std::num::NonZeroU32::get);
        match (delta(operation), operation.outcome) {
            (Some(_), Outcome::Fail) => {}
            (Some(delta), outcome) => {
                moments.push((operation.index, Moment::Invoked(delta)));
                if let (Outcome::Ok, Some(end)) = (outcome, end) {
                    moments.push((end, Moment::Acknowledged(operation, delta)));
                }
            }
            (None, Outcome::Ok) if operation.function == Function::Read => {
                if let (Some(sum), Some(end)) = (integer(&operation.result), end) {
                    moments.push((operation.index, Moment::ReadInvoked(operation)));
                    moments.push((end, Moment::ReadOk(operation, sum)));
                }
            }
            _ => {}
        }
    }
    moments.sort_unstable_by_key(|(index, _)| *index);
    moments
}

/// What a process has had acknowledged: what it added, and what it took away.
#[derive(Clone, Copy, Default)]
struct Own {
    added: i128,
    removed: i128,
    last: Option<u32>,
}

/// Reads of the load and at its end against what they can have seen.
fn check_bounds(check: &mut Check, history: &History) {
    let (mut added, mut removed) = (0_i128, 0_i128);
    let mut own: BTreeMap<u32, Own> = BTreeMap::new();
    // What its process had when a read began; a process has one operation at a time.
    let mut begun: BTreeMap<u32, Own> = BTreeMap::new();
    for (_, moment) in moments(history) {
        match moment {
            Moment::Invoked(delta) if delta > 0 => added += delta,
            Moment::Invoked(delta) => removed += delta,
            Moment::Acknowledged(add, delta) => {
                let own = own.entry(add.process).or_default();
                *(if delta > 0 { &mut own.added } else { &mut own.removed }) += delta;
                own.last = Some(add.index);
            }
            Moment::ReadInvoked(read) => {
                begun.insert(read.process, own.get(&read.process).copied().unwrap_or_default());
            }
            Moment::ReadOk(read, sum) => {
                let own = begun.get(&read.process).copied().unwrap_or_default();
                let (least, most) = (own.added + removed, added + own.removed);
                if sum < least {
                    check.stronger(Kind::TooLow, || too_low(history, read, sum, own, least));
                }
                if sum > most {
                    check.stronger(Kind::TooHigh, || too_high(history, read, sum, most));
                }
            }
        }
    }
}

fn too_low(history: &History, read: &Operation, sum: i128, own: Own, least: i128) -> Anomaly {
    let by = by(history, read);
    let mut claim = format!(
        "a read{by} at {} is {sum}, but its own process had already been told of {} added",
        read.invoked, own.added
    );
    if least < own.added {
        let removed = own.added - least;
        claim += &format!(", and no more than {removed} had been taken away");
    }
    let operations = std::iter::once(read.index).chain(own.last).collect();
    let node = history.node_name(read).map(str::to_owned);
    Anomaly { node, ..Anomaly::new(Kind::TooLow, claim, operations) }
}

fn too_high(history: &History, read: &Operation, sum: i128, most: i128) -> Anomaly {
    let by = by(history, read);
    let claim = format!(
        "a read{by} at {} is {sum}, but all adds invoked before it completed come to {most} at \
         most",
        read.invoked
    );
    let end = read.completion_or_end();
    let last = history.operations.iter().rfind(|op| op.index < end && delta(op).is_some());
    let operations = std::iter::once(read.index).chain(last.map(|add| add.index)).collect();
    let node = history.node_name(read).map(str::to_owned);
    Anomaly { node, ..Anomaly::new(Kind::TooHigh, claim, operations) }
}

/// After the faults have healed: every node's last read. A final one was judged as such already.
fn check_convergence(check: &mut Check, history: &History, adds: &Adds, acceptable: &Acceptable) {
    let phases = [Phase::Convergence, Phase::Final];
    let Some(reads) = LastReads::find(check, history, Function::Read, &phases) else { return };
    let mut sums: Vec<(i128, &Operation)> = Vec::new();
    for (_, read) in reads.answered() {
        let Some(sum) = integer(&read.result) else { continue };
        sums.push((sum, read));
        if read.phase == Phase::Convergence && !acceptable.contains(sum) {
            check.stronger(Kind::WrongTotal, || {
                wrong_total(history, adds, acceptable, read, sum, "last read")
            });
        }
    }
    reads.report_silent(check);
    if let [(first, _), rest @ ..] = &*sums
        && rest.iter().any(|(sum, _)| sum != first)
    {
        check.stronger(Kind::Diverged, || {
            let shown = sums.iter().map(|(sum, read)| {
                format!("{sum} at {}", history.node_name(read).unwrap_or("a node"))
            });
            let shown: Vec<String> = shown.collect();
            let shown = some_of(shown.iter(), PROOF_MAX);
            let claim = format!("nodes do not come to the same sum: {shown}");
            Anomaly::new(Kind::Diverged, claim, sums.iter().map(|(_, read)| read.index).collect())
        });
    }
}

#[cfg(test)]
mod tests;
