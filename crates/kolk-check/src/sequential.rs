//! Sequential consistency, for key-value stores that promise only that. For the workload `seq-kv`.
//!
//! A store is sequentially consistent if all operations, on all keys together, can be put into one
//! order that keeps each process's own and in which every read sees the last write before it
//! (Lamport, *How to make a multiprocessor computer that correctly executes multiprocess programs*,
//! IEEE Transactions on Computers C-28, 1979). Real time does not matter: a read may be as old as
//! it likes. Invalid iff there is no such order (`not-sequential`).
//!
//! Deciding that is NP-complete even if every value is written once (Gibbons & Korach, *Testing
//! shared memories*, SIAM Journal on Computing 26, 1997), but histories of running stores are kind.
//! First everything is derived that any order must keep (`saturate`); a contradiction there is a
//! short proof. What is left open is searched, with a memory that has an end: beyond
//! it the verdict is unknown.
//!
//! Sequential consistency alone lets a store show a client an old state for ever. Stores of use to
//! anybody promise more, and Maelstrom's does: updates keep their order in real time, so whoever
//! has made one sees all that were acknowledged before ("ordered sequential consistency": Lev-Ari,
//! Bortnikov, Keidar & Shraer, Information Processing Letters 123, 2017). In the final phase each
//! process makes an update, a *barrier*, and reads; what it sees may then not be older
//! (`stale-after-barrier`). The same of the reads before that is a stronger finding (`stale-view`).
//! Both are found by saturation alone: what they find is proved, but they need not find all.
//!
//! Failed operations are left out, but for error 20, which says that the key was not there; an
//! operation of unknown outcome is left out if nobody saw what it would have set. A value that
//! nobody wrote (`never-written`), or only somebody whose write had failed (`failed-write`), is
//! named apart.

use kolk_history::{History, Operation, Phase};

use crate::check::{Anomaly, Check, Validity};
use crate::kind::Kind;
use crate::search::{Effect, Found, Limits, Problem, search};
use crate::tree::{count, key, some_of};

mod accesses;
mod saturate;

use accesses::{Access, Accesses};
use saturate::{Cycle, Why, saturate};

/// How much the search remembers: 2^18 states, and at most 128 MiB, which is fewer states where
/// there are many processes. `saturate` needs a number for each operation and process, and has a
/// bound of its own.
const LIMITS: Limits = Limits { states: 1 << 18, numbers: 1 << 25 };

/// How many parts of a proof a claim spells out, and how many operations stand for what has no
/// short proof.
const NAMED_MAX: usize = 6;

/// Checks a history of [`Read`](kolk_history::Function::Read) with values `[key, value]`,
/// [`Write`](kolk_history::Function::Write) with `[key, value]` and
/// [`Cas`](kolk_history::Function::Cas) with `[key, [from, to]]`.
///
/// ```
/// use kolk_check::{Validity, sequential};
///
/// let history = r#"
///     {:process 0 :type :invoke :f :write :value [9 1]}
///     {:process 0 :type :ok :f :write :value [9 1]}
///     {:process 1 :type :invoke :f :read :value [9 nil]}
///     {:process 1 :type :ok :f :read :value [9 1]}
///     {:process 1 :type :invoke :f :read :value [9 nil]}
///     {:process 1 :type :ok :f :read :value [9 nil]}
/// "#;
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// // Process 1 forgets what it saw: no order of all operations has that.
/// assert_eq!(sequential::check(&history).validity, Validity::Invalid);
/// ```
pub fn check(history: &History) -> Check {
    let mut check = Check::new("workload");
    let accesses = Accesses::new(history, &mut check);
    check.results = vec![
        (key(&"operation-count"), count(accesses.all.len())),
        (key(&"key-count"), count(accesses.keys)),
    ];
    if !accesses.all.iter().any(|access| access.step.seen().is_some()) {
        check.validity = check.validity.worst(Validity::Unknown);
        check.checked_nothing("no read was answered");
    }
    if check_order(&mut check, history, &accesses) {
        check_barriers(&mut check, history, &accesses);
    }
    check
}

/// Sequential consistency proper. True if it holds, as far as is known.
fn check_order(check: &mut Check, history: &History, accesses: &Accesses<'_>) -> bool {
    let mut problem = accesses.in_process_order();
    match saturate(&problem) {
        Ok(after) => problem.after = after,
        Err(cycle) => {
            check.anomaly(Kind::NotSequential, || {
                let (claim, operations) = explain(history, accesses, &problem, &cycle);
                let claim = format!("no order of all operations explains what they saw: {claim}");
                Anomaly::new(Kind::NotSequential, claim, operations)
            });
            return false;
        }
    }
    match search(&problem, LIMITS) {
        Found::Order(_) => true,
        Found::None { longest } => {
            check.anomaly(Kind::NotSequential, || {
                let (claim, operations) = stuck(history, accesses, &problem, &longest);
                Anomaly::new(Kind::NotSequential, claim, operations)
            });
            false
        }
        Found::GaveUp { states } => {
            check.validity = check.validity.worst(Validity::Unknown);
            check.notes.push(format!(
                "no order was found, nor that there is none: the search ended after {states} \
                 states, the most it may remember of {} processes",
                problem.chains.len()
            ));
            true
        }
    }
}

/// Updates in real-time order as well, and the reads of the final phase, or all.
fn check_barriers(check: &mut Check, history: &History, accesses: &Accesses<'_>) {
    let prove = |is_read_wanted: fn(&Access<'_>) -> bool| {
        let problem = accesses.with_updates_in_real_time(is_read_wanted);
        let cycle = saturate(&problem).err()?;
        Some(explain(history, accesses, &problem, &cycle))
    };
    if let Some((claim, operations)) = prove(|access| access.operation.phase == Phase::Final) {
        let claim =
            format!("a process does not see what was acknowledged before its own write: {claim}");
        check.anomaly(Kind::StaleAfterBarrier, || {
            Anomaly::new(Kind::StaleAfterBarrier, claim, operations)
        });
    } else if let Some((claim, operations)) = prove(|_| true) {
        let claim =
            format!("a process does not see what was acknowledged before its own write: {claim}");
        check.stronger(Kind::StaleView, || Anomaly::new(Kind::StaleView, claim, operations));
    }
}

/// An access in a few words.
fn describe(history: &History, access: &Access<'_>) -> String {
    let Operation { function, value, result, process, .. } = access.operation;
    let at = history.node_name(access.operation);
    let at = at.map_or(String::new(), |node| format!(" at {node}"));
    let shown = match access.step.effect {
        Effect::Read(_) if access.operation.is_ok() => result,
        _ => value,
    };
    format!("{function} {shown} of process {process}{at}")
}

/// A contradiction in words, and its operations.
fn explain(
    history: &History,
    accesses: &Accesses<'_>,
    problem: &Problem,
    cycle: &Cycle,
) -> (String, Vec<u32>) {
    let of = |step: u32| accesses.all.get(step as usize);
    let text = |step: u32| of(step).map_or(String::new(), |access| describe(history, access));
    let mut operations = Vec::new();
    let mut parts = Vec::new();
    for (from, why, to) in cycle.without_marks(problem) {
        operations.push(from);
        let (a, b) = (text(from), text(to));
        parts.push(match why {
            Why::Process => format!("{a} comes before {b} in its process"),
            Why::Given => format!("{a} was acknowledged before {b} began"),
            Why::SeenFrom => format!("{b} saw what {a} set"),
            Why::Overwritten => format!("{a} comes before {b}, which replaced what it saw"),
            Why::Hidden { read } => {
                operations.push(read);
                let read = text(read);
                format!(
                    "{a} comes before {b}, because {read} comes after it and saw what the other set"
                )
            }
        });
    }
    let operations = operations.into_iter().filter_map(|step| Some(of(step)?.operation.index));
    let mut seen: Vec<u32> = Vec::new();
    for operation in operations {
        if !seen.contains(&operation) {
            seen.push(operation);
        }
    }
    let more = parts.len().saturating_sub(NAMED_MAX);
    parts.truncate(NAMED_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    (parts.join("; ") + &more, seen)
}

/// What no beginning of an order can be continued with.
fn stuck(
    history: &History,
    accesses: &Accesses<'_>,
    problem: &Problem,
    longest: &[u32],
) -> (String, Vec<u32>) {
    let taken = |step: &u32| longest.contains(step);
    let heads: Vec<&Access<'_>> = problem
        .chains
        .iter()
        .filter_map(|chain| chain.iter().find(|step| !taken(step)))
        .filter_map(|step| accesses.all.get(*step as usize))
        .collect();
    let shown: Vec<String> = heads.iter().map(|access| describe(history, access)).collect();
    let claim = format!(
        "no order of all operations explains what they saw; the longest beginning of one has {} \
         of {}, and does not go on with any of: {}",
        longest.len(),
        problem.steps.len(),
        some_of(shown.iter(), NAMED_MAX)
    );
    let last = longest.iter().rev().take(NAMED_MAX);
    let last = last.filter_map(|step| Some(accesses.all.get(*step as usize)?.operation.index));
    let heads = heads.iter().take(NAMED_MAX).map(|access| access.operation.index);
    (claim, heads.chain(last).collect())
}

#[cfg(test)]
mod tests;
