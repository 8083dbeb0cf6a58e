//! kafka: logs that clients append to and poll.
//!
//! Jepsen's checker of that name (0.3.7). Each key has a log: for each offset the values seen
//! there, by polls of any outcome and by sends that have happened (`ok`, or of unknown outcome
//! with a value that was polled). A message's *index* is its place among the offsets at which
//! anything was seen, so offsets may have holes.
//!
//! | anomaly | what it is |
//! |---|---|
//! | `inconsistent-offsets` | an offset with two values or more |
//! | `duplicate` | a value at two offsets of a key |
//! | `G1a` | an `ok` poll returned a value whose send failed |
//! | `lost-write` | a value that was sent and never polled, before one that was |
//! | `unseen` | acknowledged values that no poll ever returned |
//! | `int-poll-skip`, `int-nonmonotonic-poll` | inside one operation, polled values of a key that are not neighbours in the log |
//! | `poll-skip`, `nonmonotonic-poll` | the same between a process's operation and its previous one that read the key |
//! | `nonmonotonic-send`, `int-nonmonotonic-send` | a process's sends that went backwards |
//! | `precommitted-read` | an operation polled what it sent itself |
//! | `G1c`, `G1c-process`, `G1c-realtime` | `cycles` |
//!
//! All are fatal. `int-send-skip` is reported and allowed. Maelstrom's verdict is unknown when a
//! value was polled that nobody sent; here that is `garbage-read`, and invalid.
//!
//! Stronger, beside Maelstrom: `promises`.
//!
//! Measures: `realtime-lag-max` (ms), the worst lag of a poll; `offset-holes`, how many offsets
//! below each key's greatest hold nothing; `messages`, how many different ones were sent or seen.
//!
//! Everything is near-linear in the number of pairs `[offset value]`: messages are numbered once,
//! logs are sorted offsets rather than vectors indexed by offset (offsets may be as large as an
//! integer of 64 bits; what does not fit has no known place, and is noted), and the graph of
//! `cycles` is built only where one is possible.

mod commits;
mod cycles;
mod facts;
mod findings;
mod lag;
mod layout;
mod logs;
mod losses;
mod promises;
mod walk;

pub use layout::{Entry, KeyLog, logs};

use kolk_history::{Function, History, Operation, Outcome, Value};

use crate::check::Check;
use crate::tree::{count, key, list};
use facts::Facts;
use findings::Findings;

/// How many different errors of operations with unknown outcome the results list.
const CAUSES_MAX: usize = 32;

/// Checks a history of [`Function::Send`], [`Function::Poll`] and [`Function::Assign`].
///
/// ```
/// use kolk_check::kafka;
///
/// let history = r#"
///     {:process 0 :type :invoke :f :send :value [[:send 9 1]]}
///     {:process 0 :type :ok :f :send :value [[:send 9 [0 1]]]}
///     {:process 1 :type :invoke :f :send :value [[:send 9 2]]}
///     {:process 1 :type :ok :f :send :value [[:send 9 [0 2]]]}
/// "#;
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// let check = kafka::check(&history);
/// assert!(check.anomalies.iter().any(|anomaly| anomaly.kind == "inconsistent-offsets"));
/// ```
pub fn check(history: &History) -> Check {
    let mut facts = Facts::new(history);
    let mut findings = Findings::new();
    let orders = logs::lay_out(&mut facts, &mut findings);
    losses::check(&facts, &mut findings);
    walk::check(&facts, &orders, &mut findings);
    cycles::check(&facts, &mut findings);
    promises::check(&facts, &mut findings);
    let lag = lag::worst(&facts);
    let mut results = vec![
        (key(&"worst-realtime-lag"), lag_value(&facts, lag)),
        (key(&"info-txn-causes"), causes(history)),
    ];
    results.extend(findings.results());
    let mut check = findings.check;
    check.results = results;
    if let Some(lag) = lag {
        check.measure("realtime-lag-max", lag.nanos as f64 / 1e6, "ms");
    }
    check.measure("offset-holes", orders.holes, "");
    check.measure("messages", facts.messages.len() as f64, "");
    if facts.messages.is_empty() {
        check.checked_nothing("no message was sent or polled");
    }
    if facts.odd_offsets > 0 {
        let odd = facts.odd_offsets;
        check.notes.push(format!(
            "polled messages without an offset of 64 bits, whose place in the log is not known: \
             {odd}"
        ));
    }
    check
}

/// The worst lag as Maelstrom has it, in seconds.
fn lag_value(facts: &Facts<'_>, lag: Option<lag::Lag>) -> Value {
    let seconds = |nanos: u64| Value::Float(nanos as f64 / 1e9);
    let Some(lag) = lag else {
        return Value::map(vec![(key(&"time"), seconds(0)), (key(&"lag"), seconds(0))]);
    };
    Value::map(vec![
        (key(&"time"), seconds(lag.invoked.as_nanos())),
        (key(&"process"), count(lag.process)),
        (key(&"key"), Value::text(facts.keys[lag.key as usize].as_ref())),
        (key(&"lag"), seconds(lag.nanos)),
    ])
}

/// What left operations with an unknown outcome, each cause once.
fn causes(history: &History) -> Value {
    let unknown = |operation: &&Operation| {
        matches!(operation.function, Function::Send | Function::Poll | Function::Txn)
            && operation.outcome == Outcome::Info
            && operation.completion_index.is_some()
    };
    let mut causes: Vec<&Value> = Vec::new();
    for operation in history.counted().filter(unknown) {
        if causes.len() < CAUSES_MAX && !causes.contains(&&operation.result) {
            causes.push(&operation.result);
        }
    }
    list(causes.into_iter().cloned())
}

#[cfg(test)]
mod tests;
