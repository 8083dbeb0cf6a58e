//! Several registers that are read and set together, as Knossos has them: each transaction takes
//! effect at one moment between its invocation and its completion.
//!
//! A read that says nothing (`nil`) fits everything, as in Knossos. Values may be written more than
//! once; where they are not, [`rw_register`](crate::txn::rw_register) decides faster, and more than
//! this.

use std::collections::BTreeMap;

use kolk_history::{Function, History, Operation, Outcome, Value};

use super::{Step, Task, judge};
use crate::check::{Check, Validity};
use crate::said;
use crate::tree::{count, key};
use crate::txn::codes::Codes;

/// Reads and writes: whether it writes, the key, and the value; of a read none if it is not known.
type Act = Vec<(bool, i64, Option<i64>)>;

/// What each register holds; those that are not there hold what they did in the beginning.
type Registers = BTreeMap<i64, i64>;

fn step(initial: i64) -> impl Fn(&Registers, Act) -> Option<Registers> {
    move |registers, act| {
        let mut next = registers.clone();
        for (is_write, key, value) in act {
            let Some(value) = value else { continue };
            if is_write {
                next.insert(key, value);
            } else if next.get(&key).copied().unwrap_or(initial) != value {
                return None;
            }
        }
        next.retain(|_, value| *value != initial);
        Some(next)
    }
}

/// An operation's reads and writes: a transaction, or a read or a write of several registers.
fn act(operation: &Operation, codes: &mut Codes) -> Option<Act> {
    let value = if operation.is_ok() { operation.told() } else { &operation.value };
    let alone = match operation.function {
        Function::Write => Some("w"),
        Function::Read => Some("r"),
        _ => None,
    };
    let part = |(is_write, key, value): (bool, Value, Value)| {
        // What a read saw that is not known to have happened is not known either.
        let is_known = is_write || operation.is_ok() && !value.is_null();
        (is_write, codes.code(&key), is_known.then(|| codes.code(&value)))
    };
    Some(said::micro_ops(value, alone)?.into_iter().map(part).collect())
}

fn tasks(history: &History, codes: &mut Codes, check: &mut Check) -> Vec<Task<Act>> {
    let mut tasks = Vec::new();
    for operation in history.counted().filter(|op| op.outcome != Outcome::Fail) {
        let Some(act) = act(operation, codes) else {
            check.validity = check.validity.worst(Validity::Unknown);
            check.notes.push(format!("operation {} cannot be read", operation.index));
            continue;
        };
        let end = if operation.is_ok() { operation.completion_or_end() } else { u32::MAX };
        // What may not have happened and sets nothing matters to nobody.
        if operation.is_ok() || act.iter().any(|(is_write, ..)| *is_write) {
            tasks.push(Task { index: operation.index, begin: operation.index, end, act });
        }
    }
    tasks
}

/// Checks that registers which all hold `initial` in the beginning, null for nothing, are
/// linearizable.
///
/// ```
/// use kolk_history::Value;
///
/// let history = "
///     {:process 0 :type :invoke :f :txn :value [[:write :x 1] [:write :y 1]]}
///     {:process 0 :type :ok :f :txn :value [[:write :x 1] [:write :y 1]]}
///     {:process 1 :type :invoke :f :txn :value [[:read :x nil] [:read :y nil]]}
///     {:process 1 :type :ok :f :txn :value [[:read :x 1] [:read :y 0]]}";
/// let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
/// let check = kolk_check::objects::multi_register::check(&history, &Value::Int(0));
/// assert_eq!(check.anomalies[0].kind, "not-linearizable");
/// ```
pub fn check(history: &History, initial: &Value) -> Check {
    let mut check = Check::new("workload");
    let mut codes = Codes::default();
    let initial = codes.code(initial);
    let tasks = tasks(history, &mut codes, &mut check);
    let sees =
        |task: &Task<Act>| task.act.iter().any(|(is_write, _, value)| !is_write && value.is_some());
    if !tasks.iter().any(sees) {
        check.checked_nothing("no read was answered");
    }
    check.results = vec![(key(&"operation-count"), count(tasks.len()))];
    let step = step(initial);
    let step: &Step<'_, Registers, Act> = &step;
    let text = |registers: &Registers| {
        let all = registers.iter();
        let all =
            all.map(|(key, value)| format!("{} = {}", codes.value(*key), codes.value(*value)));
        match all.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "as in the beginning".to_owned(),
            all => format!("({all})"),
        }
    };
    judge(&mut check, "what the registers hold", Registers::new(), tasks, step, text);
    check
}

#[cfg(test)]
mod tests {
    use kolk_protocol::Key;

    use super::super::tests::by_definition;
    use super::*;

    #[test]
    fn registers_are_judged_as_defined() {
        let mut seen = [0, 0];
        for seed in 0..2000 {
            let mut random = Key::new(seed).random();
            let mut text = String::new();
            let mut open: [Option<String>; 3] = [const { None }; 3];
            for _ in 0..4 + random.index(9) {
                let process = random.index(3);
                let (kind, what) = match open[process].take() {
                    Some(what) => (*random.choose(&["ok", "ok", "ok", "info"]).expect("one"), what),
                    None => {
                        let ops: Vec<String> = (0..1 + random.index(2))
                            .map(|_| {
                                let (key, value) = (random.index(2), random.index(2));
                                let f = if random.chance(0.5) { "read" } else { "write" };
                                format!("[:{f} {key} {value}]")
                            })
                            .collect();
                        let ops = ops.join(" ");
                        open[process] = Some(ops.clone());
                        ("invoke", ops)
                    }
                };
                text += &format!("{{:process {process} :type :{kind} :f :txn :value [{what}]}}\n");
            }
            let history =
                kolk_history::jepsen::read(text.as_bytes(), Vec::new()).expect("a history");
            let mut codes = Codes::default();
            let initial = codes.code(&Value::Int(0));
            let tasks = tasks(&history, &mut codes, &mut Check::new("workload"));
            let is_valid = by_definition(&Registers::new(), &tasks, &step(initial));
            let found = check(&history, &Value::Int(0)).validity;
            assert_eq!(found == Validity::Valid, is_valid, "{text}");
            seen[usize::from(is_valid)] += 1;
        }
        assert!(seen.iter().all(|count| *count > 300), "{seen:?}");
    }
}
