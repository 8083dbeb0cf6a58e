//! What a verdict rests on, for people: what was checked, what was assumed, and what is true.

use kolk_history::{History, Outcome, Value};

use crate::check::Validity;
use crate::models::{Model, Models};
use crate::run::Options;
use crate::verdict::Verdict;

/// What a verdict rests on; whole sentences without a full stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// What was checked.
    pub checked: Vec<String>,
    /// What was assumed.
    pub assumed: Vec<String>,
    /// The strongest that is known to be true, and what is known not to be.
    pub strongest: Vec<String>,
}

/// Explains a verdict on a history.
pub fn explain(history: &History, verdict: &Verdict, options: &Options<'_>) -> Explanation {
    Explanation {
        checked: checked(verdict, options),
        assumed: assumed(history, options),
        strongest: strongest(verdict, options),
    }
}

fn requested(options: &Options<'_>) -> Models {
    match options.consistency_models {
        none if none.is_empty() => Models::new(&[Model::StrictSerializable]),
        models => models,
    }
}

fn is_transactional(workload: &str) -> bool {
    matches!(workload, "txn-list-append" | "txn-rw-register")
}

fn checked(verdict: &Verdict, options: &Options<'_>) -> Vec<String> {
    let what = match options.workload {
        "bank" => {
            "whether every read of all accounts shows the same sum, no new account, and none \
             overdrawn"
        }
        "broadcast" | "g-set" => "whether every value that was known stays in all later reads",
        "comments" => {
            "whether every read that shows a value shows all that had been acknowledged before it \
             began"
        }
        "counter" => {
            "whether every read is a sum of all adds acknowledged before it and of some under way"
        }
        "echo" => "whether every answer is what was sent",
        "fifo-queue" => "whether the queue is linearizable, first in, first out",
        "g-counter" | "pn-counter" => {
            "whether every final read is a sum of all acknowledged adds and of some of unknown \
             outcome, and every other read lies between what its process was told and what all had \
             begun"
        }
        "kafka" => "whether each log has one order, of which nothing is lost, skipped or repeated",
        "kv" | "lin-kv" | "register" => "whether each key is linearizable",
        "long-fork" => "whether all reads of the same keys fall into one order of what they saw",
        "multi-register" => "whether all registers together are linearizable",
        "mutex" => "whether the lock is linearizable",
        "seq-kv" => "whether all operations are sequentially consistent",
        "sequential" => "whether no read lacks a subkey that was inserted before one that was seen",
        "set" => "whether the last read holds all that was acknowledged and nothing else",
        "total-queue" => "whether all that was acknowledged was taken, and nothing else",
        "txn-list-append" | "txn-rw-register" => "whether the history has the models asked for",
        "unique-ids" => "whether no id was given out twice",
        "unordered-queue" => "whether the queue, which promises no order, is linearizable",
        _ => "nothing that is known here",
    };
    let mut all = vec![what.to_owned()];
    if is_transactional(options.workload) {
        let models: Vec<&str> = requested(options).iter().map(Model::name).collect();
        all.push(format!("asked for: {}", models.join(", ")));
    }
    all.push(match options.strict {
        true => "everything that is proved counts".to_owned(),
        false => "only what Maelstrom checks counts".to_owned(),
    });
    let notes = verdict.check("workload").map(|check| check.notes.as_slice()).unwrap_or_default();
    all.extend(notes.iter().cloned());
    all
}

fn assumed(history: &History, options: &Options<'_>) -> Vec<String> {
    let count = |outcome| history.counted().filter(|op| op.outcome == outcome).count();
    let mut all = Vec::new();
    let unknown = count(Outcome::Info);
    if unknown > 0 {
        all.push(format!(
            "operations of unknown outcome ({unknown}) may have happened, at any time, or not"
        ));
    }
    let failed = count(Outcome::Fail);
    if failed > 0 {
        all.push(format!("operations that failed ({failed}) did not happen"));
    }
    if history.untimed {
        all.push("nothing is known of real time: the history has no invocations".to_owned());
    } else {
        all.push("the order of the events in the history is that of real time".to_owned());
    }
    match options.workload {
        "txn-rw-register" => {
            all.push("no value is written to a key twice, where it was read".to_owned());
            all.push("keys hold nothing in the beginning".to_owned());
            if options.assumed_keys.sequential {
                all.push("each key by itself is sequentially consistent".to_owned());
            }
            if options.assumed_keys.linearizable {
                all.push("each key by itself is linearizable".to_owned());
            }
        }
        "txn-list-append" => {
            all.push("no element is appended to a list twice, where it was read".to_owned());
            all.push("lists are empty in the beginning".to_owned());
        }
        "register" | "multi-register" => {
            let initial = options.initial.unwrap_or(&Value::Null);
            let held = if initial.is_null() { "nothing".to_owned() } else { initial.to_string() };
            all.push(format!("registers hold {held} in the beginning"));
        }
        "bank" => all.push(match options.total_amount {
            Some(total) => format!("all accounts hold {total} together"),
            None => "all accounts hold together what the first read shows".to_owned(),
        }),
        "counter" | "g-counter" | "pn-counter" => {
            all.push("the counter stands at 0 in the beginning".to_owned());
        }
        "fifo-queue" | "unordered-queue" | "total-queue" => {
            all.push("the queue is empty in the beginning".to_owned());
        }
        "mutex" => all.push("the lock is free in the beginning".to_owned()),
        _ => {}
    }
    all
}

fn strongest(verdict: &Verdict, options: &Options<'_>) -> Vec<String> {
    let Some(check) = verdict.check("workload") else { return Vec::new() };
    if is_transactional(options.workload) {
        let names = |word: &str| -> Vec<String> {
            let found = check.results.iter().find(|(key, _)| key.as_str() == Some(word));
            let list = found.and_then(|(_, value)| value.as_list()).unwrap_or_default();
            list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        let (holds, not) = (names("strongest-models"), names("not"));
        let mut all = vec![match (check.proved, holds.as_slice()) {
            (_, []) => "no model is known to hold".to_owned(),
            (Some(_), holds) => format!("proved: {}", holds.join(", ")),
            (None, holds) => format!("nothing speaks against {}", holds.join(", ")),
        }];
        if !not.is_empty() {
            all.push(format!("refuted, with all that imply it: {}", not.join(", ")));
        }
        return all;
    }
    let model = match options.workload {
        "fifo-queue" | "kv" | "lin-kv" | "multi-register" | "mutex" | "register"
        | "unordered-queue" => "linearizable",
        "seq-kv" => "sequentially consistent",
        _ => "as it should be",
    };
    vec![match check.validity(options.strict) {
        Validity::Valid => format!("the history is {model}"),
        Validity::Unknown => format!("whether the history is {model} is not known"),
        Validity::Invalid => format!("the history is not {model}"),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_told_of() {
        let verdict = |workload: &str| {
            let history = "{:process 0 :type :invoke :f :read}";
            let history = kolk_history::jepsen::read(history.as_bytes(), Vec::new()).unwrap();
            let options = Options { workload, ..Options::default() };
            let verdict = crate::check_run(&history, None, &options);
            explain(&history, &verdict, &options)
        };
        for workload in crate::WORKLOADS {
            let told = verdict(workload);
            assert!(!told.checked[0].starts_with("nothing"), "{workload}");
            assert!(told.assumed[0].starts_with("operations of unknown outcome (1)"), "{workload}");
            assert!(!told.strongest.is_empty(), "{workload}");
        }
    }
}
