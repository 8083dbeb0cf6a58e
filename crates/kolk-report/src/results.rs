//! The stored results: `results.json`, `results.edn`, `plan.json`.

use kolk_check::Verdict;
use kolk_check::explain::Explanation;
use kolk_history::plan::ClockKind;
use kolk_history::{Plan, Summary, Value, edn};

use crate::effects;
use crate::facts::{Facts, value_of};
use crate::json;

/// The version of `results.json`'s format. Since 2 it says which findings count, in which order.
pub const FORMAT: u32 = 2;

/// How many columns `results.edn` has, as far as lines can be broken.
const EDN_WIDTH: usize = 100;

/// `results.edn`: the verdict's tree under Maelstrom's names.
pub fn edn(verdict: &Verdict) -> Vec<u8> {
    let mut out = Vec::new();
    edn::write_pretty(&mut out, &verdict.results(), EDN_WIDTH);
    out.push(b'\n');
    out
}

/// `results.json`: the same tree, and beside it what else a report is drawn from: the run, and what
/// the network saw. It holds nothing that is not decided by the plan, so that two runs of a
/// deterministic plan give the same file.
pub fn json(plan: &Plan, summary: &Summary, verdict: &Verdict, facts: &Facts) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_pretty(&mut out, &json_tree(plan, summary, verdict, facts));
    out
}

/// What `results.json` holds.
pub fn json_tree(plan: &Plan, summary: &Summary, verdict: &Verdict, facts: &Facts) -> Value {
    let mut run = vec![
        (Value::text("workload"), Value::text(plan.workload.name.as_str())),
        (Value::text("seed"), Value::text(format!("{:#018x}", plan.seed))),
        (Value::text("clock"), value_of(&plan.clock)),
        (
            Value::text("deterministic"),
            Value::Bool(plan.clock == ClockKind::Virtual && summary.unrepeatable.is_empty()),
        ),
    ];
    if let Value::Map(entries) = value_of(facts) {
        run.extend(entries.iter().cloned());
    }
    let mut entries = vec![
        (Value::text("format"), Value::Int(i64::from(FORMAT))),
        (Value::text("kolk-version"), Value::text(plan.kolk_version.as_str())),
        (Value::text("run"), Value::map(run)),
    ];
    if let Value::Map(tree) = verdict.results() {
        entries.extend(tree.iter().cloned());
    }
    entries.push((Value::text("strict"), Value::Bool(verdict.strict)));
    entries.extend(judgement(verdict));
    entries.push((Value::text("measures"), measures(verdict)));
    if !plan.faults.is_empty() {
        entries.push((Value::text("faults"), effects::value(plan, summary)));
    }
    entries.push((Value::text("summary"), value_of(summary)));
    Value::map(entries)
}

/// What the verdict decides beyond its checks, for whoever shows it: `lenient`, the verdict if
/// stronger findings do not count; `findings`, in their order; `causes`.
pub(crate) fn judgement(verdict: &Verdict) -> Vec<(Value, Value)> {
    let causes = verdict.causes.iter().map(|cause| Value::text(cause.as_str())).collect();
    vec![
        (Value::text("lenient"), verdict.lenient.value()),
        (Value::text("findings"), verdict.findings_value()),
        (Value::text("causes"), Value::list(causes)),
    ]
}

/// What the checks measured. It stands beside their trees, whose shape is Maelstrom's.
fn measures(verdict: &Verdict) -> Value {
    let all = verdict.checks.iter().flat_map(|check| {
        check.measures.iter().map(|measure| {
            Value::map(vec![
                (Value::text("check"), Value::text(check.name)),
                (Value::text("name"), Value::text(measure.name)),
                (
                    Value::text("value"),
                    // Those that read it back want a float or nothing.
                    if measure.value.is_finite() {
                        Value::Float(measure.value)
                    } else {
                        Value::Null
                    },
                ),
                (Value::text("unit"), Value::text(measure.unit)),
            ])
        })
    });
    Value::list(all.collect())
}

/// `plan.json`.
pub fn plan_json(plan: &Plan) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_pretty(&mut out, &value_of(plan));
    out
}

/// The verdict's tree alone as JSON, for a history of unknown origin: before it, whether it is
/// valid, and all anomalies that count, whichever check found them.
pub fn verdict_json(verdict: &Verdict) -> Vec<u8> {
    pretty(&verdict_value(verdict, None, None))
}

/// A value as JSON on several lines.
pub fn pretty(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_pretty(&mut out, value);
    out
}

/// What [`verdict_json`] writes; `source` is the history's name, where it is one of several, and
/// `explanation` what the verdict rests on, where that was asked for. Its shape is a promise:
/// `book/src/check.schema.json` has it.
pub fn verdict_value(
    verdict: &Verdict,
    source: Option<&str>,
    explanation: Option<&Explanation>,
) -> Value {
    let anomalies = verdict.anomalies();
    let mut types: Vec<&str> = anomalies.iter().map(|(_, anomaly)| anomaly.kind.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    let mut entries = vec![
        (Value::text("format"), Value::Int(i64::from(FORMAT))),
        (Value::text("valid"), verdict.validity.value()),
        (Value::text("anomaly-types"), Value::list(types.into_iter().map(Value::text).collect())),
        (
            Value::text("anomalies"),
            Value::list(anomalies.iter().map(|(_, anomaly)| anomaly.value()).collect()),
        ),
    ];
    if let Some(source) = source {
        entries.insert(0, (Value::text("file"), Value::text(source)));
    }
    if let Value::Map(tree) = verdict.results() {
        let checks = tree.iter().filter(|(_, check)| matches!(check, Value::Map(_)));
        entries.extend(checks.cloned());
    }
    if let Some(Explanation { checked, assumed, strongest }) = explanation {
        let list = |told: &[String]| {
            Value::list(told.iter().map(|sentence| Value::text(sentence.as_str())).collect())
        };
        let told = vec![
            (Value::text("checked"), list(checked)),
            (Value::text("assumed"), list(assumed)),
            (Value::text("strongest"), list(strongest)),
        ];
        entries.push((Value::text("explanation"), Value::map(told)));
    }
    Value::map(entries)
}
