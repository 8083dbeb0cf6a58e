//! Linearizability of registers and of texts that grow. For the workload `lin-kv`, and for
//! `register` and `kv` of `kolk check`.
//!
//! A history is linearizable if every operation can be put at one point between its invocation and
//! its completion, so that each sees what those before it left (Herlihy & Wing, *Linearizability: a
//! correctness condition for concurrent objects*, ACM Transactions on Programming Languages and
//! Systems 12, 1990). Whether it is can be told key by key, and the keys are judged in parallel.
//!
//! Operations that failed did not happen. Those of unknown outcome may have taken effect at any
//! time after their invocation, or may yet, or never: pending reads say nothing, pending updates
//! that set what nobody saw need not have happened, and of the others those that do the same are
//! counted, not told apart.
//!
//! | history of a key | method | worst case |
//! |---|---|---|
//! | every value that was seen was set once | zones of Gibbons & Korach, with swaps (`zones`) | O(n log n) |
//! | any other | all that can be, event by event (`frontier`) | exponential in the updates open at once; polynomial in pending ones |
//!
//! The search has limits, which are counts and not times: beyond them the verdict is unknown, and a
//! note says so. Memory is a few words for each operation and for each way that things can stand.
//!
//! A valid key comes with its order ([`linearize`]). One that is not comes with the operation at
//! which it breaks, what the register can hold there, why nothing that is open helps, and the
//! smallest part of the history that still shows it; all of it stands in the results as
//! `counterexamples`. What breaks is named:
//!
//! | type | what |
//! |---|---|
//! | `never-written` | a value was seen that nobody set |
//! | `failed-write` | … that only somebody set whose operation had failed; or all would fit if it had not |
//! | `read-before-write` | … before anybody set it |
//! | `stale-read` | a value was seen after another had been set, and acknowledged, in its place |
//! | `lost-write` | the same, and nobody ever saw the other |
//! | `resurrected-value` | the same, though somebody had seen the other, and nobody saw it after |
//! | `non-atomic-cas` | two swaps of a value that was set once both took place |
//! | `stale-cas` | a swap saw a value that was not there any more |
//! | `not-linearizable` | anything else |
//!
//! In Maelstrom a read of a key that is not there is always legal: for `lin-kv` such reads (and
//! error 20) count only with `strict`. That a swap failed with error 22 would say that the register
//! held something else at some point; like Maelstrom this checker makes no use of it.

use kolk_history::{History, Value};
use rayon::prelude::*;

use crate::check::{ANOMALIES_MAX, Anomaly, Check, Validity};
use crate::tree::{count, key as word, list, some_of};

mod explain;
mod frontier;
mod problem;
mod registers;
mod rows;
mod shrink;
mod texts;
mod zones;

use frontier::{Limits, Searched, Stuck};
use problem::{Effect, INITIAL, Op, Problem};
use zones::Zoned;

/// How many keys a note names.
const NAMED_MAX: usize = 8;

/// What is held in a history, and how its operations say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Registers with keys: [`Read`](kolk_history::Function::Read) with values `[key, value]`,
    /// [`Write`](kolk_history::Function::Write) with `[key, value]`,
    /// [`Cas`](kolk_history::Function::Cas) with `[key, [from, to]]`; absent in the beginning,
    /// which reads say with error 20 or null, and which Maelstrom always believes.
    LinKv,
    /// A single register, and no keys: `value`, `value`, `[from, to]`; null in the beginning.
    Register,
    /// Texts with keys, empty in the beginning: `Read` with values `[key, text]`, `Write` with
    /// `[key, text]`, [`Append`](kolk_history::Function::Append) with `[key, text]`.
    Texts,
}

/// What came of one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Linearization {
    /// The key; null if there is only one register.
    pub key: Value,
    /// Whether it is linearizable.
    pub outcome: Outcome,
}

/// Whether a key's history is linearizable. Operations are named by the event indices of their
/// invocations.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// This order of its operations explains what all saw. Pending ones are in it if they took
    /// effect.
    Order(Vec<u32>),
    /// There is no order.
    None(Counterexample),
    /// More than the limits allow.
    Unknown,
}

/// Why there is no order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counterexample {
    /// The operation whose completion cannot be: all before that is linearizable.
    pub operation: u32,
    /// An order of what completed before: the longest linearizable beginning of the history.
    pub longest: Vec<u32>,
    /// The operations that may have set what the register holds then; none for its initial value.
    pub states: Vec<Option<u32>>,
    /// What that is, in words.
    pub values: Vec<String>,
    /// The operations that had begun and are not in `longest`, `operation` first.
    pub remaining: Vec<Remaining>,
    /// A part of the history that is not linearizable, as small as could be found, in the order of
    /// invocations.
    pub minimal: Vec<u32>,
}

/// An operation that has no place in the longest order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// The event index of its invocation.
    pub operation: u32,
    /// Why it does not help: a sentence without a full stop.
    pub why: String,
}

/// One key's history.
#[derive(Debug, Default)]
struct Key {
    name: Value,
    /// There are no keys: values stand bare.
    is_bare: bool,
    /// What is there in the beginning, in a sentence.
    initial: String,
    problem: Problem,
    /// Updates that failed, as if they had not.
    failed: Vec<Op>,
    /// Operations that saw what nobody set, with one that failed to set it; as positions.
    impossible: Vec<(u32, Option<u32>)>,
}

/// What an algorithm says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Decision {
    Order(Vec<u32>),
    /// There is no order: by these operations alone, or because the search came to an end here.
    Broken {
        proof: Option<Vec<u32>>,
        stuck: Option<Stuck>,
    },
    GaveUp,
}

/// Decides a problem that is [pruned](Problem::prune).
fn decide(problem: &Problem, limits: Limits) -> Decision {
    match zones::decide(problem) {
        Zoned::Order(order) => Decision::Order(order),
        Zoned::None { proof } => Decision::Broken { proof: Some(proof), stuck: None },
        Zoned::Ambiguous => match frontier::search(problem, limits) {
            Searched::Order(order) => Decision::Order(order),
            Searched::Stuck(stuck) => Decision::Broken { proof: None, stuck: Some(stuck) },
            Searched::GaveUp => Decision::GaveUp,
        },
    }
}

/// The same of a part of a problem, in which pending operations may have become useless.
fn decide_part(mut problem: Problem, limits: Limits) -> Decision {
    problem.prune();
    decide(&problem, limits)
}

/// A key's verdicts.
struct Judged {
    /// With all that is known.
    exact: Verdict,
    /// As Maelstrom sees it, where that differs.
    original: Option<Verdict>,
}

enum Verdict {
    Order(Vec<u32>),
    None(Box<Counterexample>, Anomaly),
    Unknown,
}

/// Checks a history.
pub fn check(history: &History, model: Model) -> Check {
    check_from(history, model, &Value::Null)
}

/// Checks a history of registers that hold this in the beginning; null stands for nothing. Texts
/// are empty in the beginning, whatever is given.
///
/// ```
/// use kolk_check::linearizable::{Model, check, check_from};
/// use kolk_history::Value;
///
/// let history = "{:process 0 :type :invoke :f :read} {:process 0 :type :ok :f :read :value 0}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// assert_eq!(check(&history, Model::Register).anomalies[0].kind, "never-written");
/// assert!(check_from(&history, Model::Register, &Value::Int(0)).anomalies.is_empty());
/// ```
pub fn check_from(history: &History, model: Model, initial: &Value) -> Check {
    let mut check = Check::new("workload");
    let keys = keys(history, model, initial, &mut check);
    let judged: Vec<Judged> =
        keys.par_iter().map(|key| judge(history, key, model, Limits::default())).collect();
    report(&mut check, history, &keys, judged);
    check
}

/// Each key's order, or why there is none. Reads of what nobody set are left out: they are in
/// [`check`]'s anomalies.
///
/// ```
/// use kolk_check::linearizable::{Model, Outcome, linearize};
///
/// let history = r#"
///     {:process 0 :type :invoke :f :write :value 1}
///     {:process 1 :type :invoke :f :read}
///     {:process 1 :type :ok :f :read :value 1}
///     {:process 0 :type :ok :f :write :value 1}
/// "#;
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// let register = &linearize(&history, Model::Register)[0];
/// assert_eq!(register.outcome, Outcome::Order(vec![0, 1]));
/// ```
pub fn linearize(history: &History, model: Model) -> Vec<Linearization> {
    let mut check = Check::new("workload");
    let keys = keys(history, model, &Value::Null, &mut check);
    keys.par_iter()
        .map(|key| {
            let outcome = match judge(history, key, model, Limits::default()).exact {
                Verdict::Order(order) => Outcome::Order(order),
                Verdict::None(counterexample, _) => Outcome::None(*counterexample),
                Verdict::Unknown => Outcome::Unknown,
            };
            Linearization { key: key.name.clone(), outcome }
        })
        .collect()
}

fn keys(history: &History, model: Model, initial: &Value, check: &mut Check) -> Vec<Key> {
    match model {
        Model::LinKv | Model::Register => registers::keys(history, model, initial, check),
        Model::Texts => texts::keys(history, check),
    }
}

fn judge(history: &History, key: &Key, model: Model, limits: Limits) -> Judged {
    let exact = verdict(history, key, &key.problem, limits);
    let is_absence = |op: &Op| op.effect == Effect::Read(INITIAL);
    let differs = model == Model::LinKv && key.problem.ops.iter().any(is_absence);
    let original = (differs && !matches!(exact, Verdict::Order(_))).then(|| {
        let ops = key.problem.ops.iter().copied().filter(|op| !is_absence(op)).collect();
        verdict(history, key, &key.problem.with(ops), limits)
    });
    Judged { exact, original }
}

fn verdict(history: &History, key: &Key, problem: &Problem, limits: Limits) -> Verdict {
    match decide(problem, limits) {
        Decision::Order(order) => Verdict::Order(indices(problem, &order)),
        Decision::GaveUp => Verdict::Unknown,
        Decision::Broken { stuck, .. } => {
            let (counterexample, anomaly) = explain::explain(history, key, problem, stuck, limits);
            Verdict::None(Box::new(counterexample), anomaly)
        }
    }
}

/// The event indices of operations.
fn indices(problem: &Problem, ops: &[u32]) -> Vec<u32> {
    ops.iter().map(|op| problem.ops[*op as usize].call).collect()
}

fn report(check: &mut Check, history: &History, keys: &[Key], judged: Vec<Judged>) {
    let operations: usize = keys.iter().map(|key| key.problem.ops.len()).sum();
    let mut counterexamples = Vec::new();
    let (mut failures, mut unknown, mut unknown_strictly) = (Vec::new(), Vec::new(), Vec::new());
    for (key, judged) in keys.iter().zip(judged) {
        let mut is_failure = !key.impossible.is_empty();
        for (at, by) in &key.impossible {
            explain::impossible(check, history, key, *at, *by);
        }
        let (counts, strict) = match judged.original {
            Some(original) => (original, Some(judged.exact)),
            None => (judged.exact, None),
        };
        match counts {
            Verdict::Order(_) => match strict {
                Some(Verdict::None(counterexample, anomaly)) => {
                    counterexamples.push((key, counterexample));
                    check.stronger(anomaly.kind, || anomaly);
                }
                Some(Verdict::Unknown) => unknown_strictly.push(explain::key_text(key)),
                Some(Verdict::Order(_)) | None => {}
            },
            Verdict::None(counterexample, anomaly) => {
                is_failure = true;
                counterexamples.push((key, counterexample));
                check.anomaly(anomaly.kind, || anomaly);
            }
            Verdict::Unknown => unknown.push(explain::key_text(key)),
        }
        if is_failure {
            failures.push(key.name.clone());
        }
    }
    if !unknown.is_empty() {
        check.validity = check.validity.worst(Validity::Unknown);
        let some = some_of(unknown.iter(), NAMED_MAX);
        check.notes.push(format!("{some}: not decided: too many ways to order its operations"));
    }
    if !unknown_strictly.is_empty() {
        let some = some_of(unknown_strictly.iter(), NAMED_MAX);
        check.notes.push(format!(
            "{some}: whether reads of absent keys fit was not decided: too many ways to order them"
        ));
    }
    let sees = |key: &Key| key.problem.ops.iter().any(|op| op.effect.seen().is_some());
    if !keys.iter().any(|key| sees(key) || !key.impossible.is_empty()) {
        check.checked_nothing("no read was answered");
    }
    check.results = vec![
        (word(&"operation-count"), count(operations)),
        (word(&"key-count"), count(keys.len())),
        (word(&"failures"), list(failures)),
    ];
    if !counterexamples.is_empty() {
        let shown = counterexamples.iter().take(ANOMALIES_MAX);
        let trees = list(shown.map(|(key, found)| explain::tree(&key.name, found)));
        check.results.push((word(&"counterexamples"), trees));
    }
}

#[cfg(test)]
mod tests;
