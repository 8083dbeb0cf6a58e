//! A stored run's `results.json`, read back: what the checkers said then, not what they would say
//! now.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use kolk_check::{Anomaly, Check, Kind, Measure, Validity, Verdict};
use kolk_history::{Summary, Value};
use serde::Deserialize;
use thiserror::Error;

use crate::facts::Facts;
use crate::results::{self, FORMAT};
use crate::sanitize::sanitize;

/// The oldest format that can be read.
const FORMAT_MIN: u32 = 1;

/// What `results.json` says of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// What the checkers said.
    pub verdict: Verdict,
    /// What the network saw.
    pub summary: Summary,
    /// How the run ended.
    pub facts: Facts,
}

/// Why stored results could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoredError {
    /// They are no JSON, or something is missing or of the wrong kind.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// They are of another version.
    #[error("its format is {0}, and this version of kolk reads formats {FORMAT_MIN} to {FORMAT}")]
    Format(u32),
    /// They are JSON, and no results.
    #[error("it holds no results")]
    NotResults,
}

/// The part of the file that has a fixed shape.
#[derive(Deserialize)]
struct File {
    format: u32,
    run: Facts,
    summary: Summary,
    #[serde(default)]
    measures: Vec<StoredMeasure>,
    #[serde(default)]
    strict: bool,
}

#[derive(Deserialize)]
struct StoredMeasure {
    check: String,
    name: String,
    /// Null if it is no number.
    value: Option<f64>,
    unit: String,
}

/// Reads the content of `results.json`.
///
/// # Errors
///
/// If it is not what [`crate::results::json`] writes, or of another version.
pub fn read(json: &str) -> Result<Results, StoredError> {
    let file: File = serde_json::from_str(json)?;
    if !(FORMAT_MIN..=FORMAT).contains(&file.format) {
        return Err(StoredError::Format(file.format));
    }
    let tree = Value::from_json(json).map_err(|_| StoredError::NotResults)?;
    let Value::Map(entries) = &tree else { return Err(StoredError::NotResults) };
    let is_check = |value: &Value| value.get("valid").is_some();
    let mut checks: Vec<Check> = entries
        .iter()
        .filter(|(key, value)| key.as_str() != Some("timeline") && is_check(value))
        .filter_map(|(key, value)| Some(check(key.as_str()?, value)))
        .collect();
    for measure in file.measures {
        if let Some(check) = checks.iter_mut().find(|check| check.name == measure.check) {
            check.measures.push(Measure {
                name: name(&measure.name),
                value: measure.value.unwrap_or(f64::NAN),
                unit: name(&measure.unit),
            });
        }
    }
    let stored = validity(tree.get("valid"));
    let workload = tree.get("run").and_then(|run| run.get("workload")).and_then(Value::as_str);
    let verdict = Verdict {
        validity: stored,
        // Until format 2 nobody wrote down what it would have been.
        lenient: tree.get("lenient").map_or(stored, |lenient| validity(Some(lenient))),
        checks,
        strict: file.strict,
        workload: workload.unwrap_or_default().to_owned(),
        causes: tree.get("causes").map_or(Vec::new(), texts),
    };
    Ok(Results { verdict, summary: file.summary, facts: file.run })
}

/// The same results in this version's format: those of format 1 do not say yet which findings
/// count. What cannot be read stays as it is.
pub fn current(json: &str) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let is_old = serde_json::from_str(json).is_ok_and(|head: Head| head.format < FORMAT);
    let upgraded = || {
        let Value::Map(entries) = Value::from_json(json).ok()? else { return None };
        let mut entries = entries.to_vec();
        entries.extend(results::judgement(&read(json).ok()?.verdict));
        let mut out = Vec::new();
        crate::json::write_pretty(&mut out, &Value::map(entries));
        String::from_utf8(out).ok()
    };
    is_old.then(upgraded).flatten().map_or(Cow::Borrowed(json), Cow::Owned)
}

fn check(key: &str, tree: &Value) -> Check {
    let mut check = Check::new(name(key));
    check.validity = validity(tree.get("valid"));
    let Value::Map(entries) = tree else { return check };
    for (key, value) in entries.iter() {
        match key.as_str() {
            Some("valid") => {}
            Some("anomalies") => check.anomalies = list(value).iter().map(anomaly).collect(),
            Some("stronger") => check.stronger = list(value).iter().map(anomaly).collect(),
            Some("notes") => check.notes = texts(value),
            Some("counts") => check.counts = counts(value),
            _ => check.results.push((key.clone(), value.clone())),
        }
    }
    check
}

fn anomaly(tree: &Value) -> Anomaly {
    let text = |key| tree.get(key).and_then(Value::as_str);
    let index = |value: &Value| u32::try_from(value.as_int()?).ok();
    let indices = |key| -> Vec<u32> {
        tree.get(key).map_or(Vec::new(), list).iter().filter_map(index).collect()
    };
    Anomaly {
        kind: Kind::stored(name(text("type").unwrap_or_default())),
        claim: text("claim").unwrap_or_default().to_owned(),
        operations: indices("operations"),
        node: text("node").map(str::to_owned),
        key: text("key").map(str::to_owned),
        values: tree.get("values").map_or(Vec::new(), list),
        violation: tree.get("violation").and_then(index).map(|place| place as usize),
        steps: tree.get("steps").map_or(Vec::new(), texts),
        smallest: indices("smallest"),
    }
}

fn counts(tree: &Value) -> Vec<(Kind, u64)> {
    let Value::Map(entries) = tree else { return Vec::new() };
    let count = |(key, value): &(Value, Value)| {
        Some((Kind::stored(name(key.as_str()?)), u64::try_from(value.as_int()?).ok()?))
    };
    entries.iter().filter_map(count).collect()
}

fn list(tree: &Value) -> Vec<Value> {
    tree.as_list().map_or(Vec::new(), std::borrow::Cow::into_owned)
}

fn texts(tree: &Value) -> Vec<String> {
    list(tree).iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

fn validity(tree: Option<&Value>) -> Validity {
    match tree {
        Some(Value::Bool(true)) => Validity::Valid,
        Some(Value::Bool(false)) => Validity::Invalid,
        _ => Validity::Unknown,
    }
}

/// A name that checkers have as a constant. Each is kept once, for as long as the program runs.
/// Checkers' names are drawn as they are, so what others wrote in their place is made harmless
/// here.
fn name(text: &str) -> &'static str {
    let text = &*sanitize(text);
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    names.insert(kept);
    kept
}
