//! All checks of a run, and the verdict they come to.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kolk_history::{Function, History, Operation, Phase, Summary, Value};

use crate::check::{Anomaly, Check, Validity};
use crate::models::{Model, Models};
use crate::tree::{count, key, list, text};
use crate::txn::Levels;
use crate::txn::rw_register::AssumedKeys;
use crate::txn::table::Kind;
use crate::{
    answered, asked, availability, causes, counter, echo, kafka, linearizable, net, perf, protocol,
    sequential, set_full, stats, txn, unique_ids, workloads,
};

/// What a checker must be told beside the history.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The workload's name, one of [`WORKLOADS`](crate::WORKLOADS).
    pub workload: &'a str,
    /// Whether stronger findings count.
    pub strict: bool,
    /// What availability must be: a fraction, 1 for `total`. Without it, it is only measured.
    pub availability: Option<f64>,
    /// Operations a second that were asked for, in all.
    pub rate: Option<f64>,
    /// How long the load lasted. Without it, the time from its first to its last invocation.
    pub load: Option<Duration>,
    /// What transactions are held to; if there is no model, to strict serializability.
    pub consistency_models: Models,
    /// How read committed, read atomic and causal are meant, where they are among the models.
    pub levels: Levels,
    /// What is assumed of each key of `txn-rw-register`; means nothing to other workloads.
    pub assumed_keys: AssumedKeys,
    /// What a register holds in the beginning; means nothing to workloads other than `register`.
    pub initial: Option<&'a Value>,
    /// Whether it is known that nothing was in the way of a message: no fault, no loss, and
    /// latencies far below the time that a client waits. Requests must then be answered.
    pub calm: bool,
}

/// What all checks of a run come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// That of the worst check.
    pub validity: Validity,
    /// All checks, in the order of the results.
    pub checks: Vec<Check>,
    /// Whether stronger findings count.
    pub strict: bool,
    /// What the verdict is if stronger findings do not count: Maelstrom's, but for the protocol.
    pub lenient: Validity,
    /// The workload's name.
    pub workload: String,
    /// What lies behind the findings, where the history or the network's numbers show it:
    /// sentences without a full stop.
    pub causes: Vec<String>,
}

/// An anomaly, which check found it, and whether it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding<'a> {
    /// Who found it.
    pub check: &'a Check,
    /// What was found.
    pub anomaly: &'a Anomaly,
    /// True for a stronger finding: Maelstrom overlooks it.
    pub is_stronger: bool,
    /// Its place in [`Check::anomalies`], or in [`Check::stronger`].
    pub place: usize,
    /// Whether it makes the run invalid.
    pub counts: bool,
}

impl Finding<'_> {
    /// What kolk asks here and Maelstrom does not, as a clause; `None` if Maelstrom asks it too.
    pub fn promise(&self) -> Option<&'static str> {
        self.is_stronger.then(|| asked::promise(self.check.name, self.anomaly.kind))
    }
}

/// Makes all checks of a run. A history without a summary is nobody's run: the checks of the network
/// and the protocol are left out, and that a kind of operation never succeeded is only noted. A
/// checker that panics gives unknown, with the reason, and so does a history that is not the
/// workload's.
pub fn check_run(history: &History, summary: Option<&Summary>, options: &Options<'_>) -> Verdict {
    let mut checks = vec![guarded("perf", || perf::check(history))];
    if let Some(summary) = summary {
        checks.push(guarded("exceptions", || protocol::exceptions(summary)));
    }
    let is_run = summary.is_some();
    checks.push(guarded("stats", || {
        let mut check = stats::check(history, options.rate, options.load, is_run);
        if options.calm {
            answered::check(&mut check, history);
        }
        check
    }));
    checks.push(guarded("availability", || availability::check(history, options.availability)));
    if let Some(summary) = summary {
        checks.push(guarded("net", || net::check(history, summary)));
        checks.push(guarded("protocol", || protocol::check(summary)));
    }
    let mut judged = guarded("workload", || workload(history, options));
    if !is_run && judged.is_vacuous() {
        judged.validity = judged.validity.worst(Validity::Unknown);
    }
    checks.push(judged);
    let worst = |strict| checks.iter().map(|check| check.validity(strict)).max();
    let mut verdict = Verdict {
        validity: worst(options.strict).unwrap_or_default(),
        lenient: worst(false).unwrap_or_default(),
        checks,
        strict: options.strict,
        workload: options.workload.to_owned(),
        causes: Vec::new(),
    };
    verdict.causes = causes::find(history, summary, &verdict);
    verdict
}

/// The check of a workload's own semantics.
fn workload(history: &History, options: &Options<'_>) -> Check {
    let is_known = crate::WORKLOADS.contains(&options.workload);
    if let Some(reason) = workloads::mismatch(history, options.workload).filter(|_| is_known) {
        let mut check = Check { validity: Validity::Unknown, ..Check::new("workload") };
        check.checked_nothing(&reason);
        return check;
    }
    let models = match options.consistency_models {
        none if none.is_empty() => Models::new(&[Model::StrictSerializable]),
        models => models,
    };
    match options.workload {
        "broadcast" => set_full::check(history, Function::Broadcast),
        "g-counter" | "pn-counter" => counter::check(history),
        "g-set" => set_full::check(history, Function::Add),
        "seq-kv" => sequential::check(history),
        "unique-ids" => unique_ids::check(history),
        "echo" => echo::check(history),
        "kafka" => kafka::check(history),
        "kv" => linearizable::check(history, linearizable::Model::Texts),
        "lin-kv" => linearizable::check(history, linearizable::Model::LinKv),
        "register" => {
            let initial = options.initial.unwrap_or(&Value::Null);
            linearizable::check_from(history, linearizable::Model::Register, initial)
        }
        "txn-list-append" => {
            let mut check = txn::list_append::check(history, models);
            txn::levels::settle(&mut check, models, options.levels, history.in_sessions);
            txn::convergence::check(&mut check, history, Kind::Append, models);
            check
        }
        "txn-rw-register" => {
            let mut check = txn::rw_register::check_assuming(history, models, options.assumed_keys);
            txn::levels::settle(&mut check, models, options.levels, history.in_sessions);
            txn::convergence::check(&mut check, history, Kind::Write, models);
            check
        }
        name => {
            Check::unknown("workload", format!("there is no checker for the workload `{name}`"))
        }
    }
}

/// How many checkers run now.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// True while a checker runs. If one panics, that is told as a verdict: a program's own panic hook
/// need not tell it too.
pub fn is_checking() -> bool {
    RUNNING.load(Ordering::SeqCst) > 0
}

/// Runs a checker; if it panics, its check is unknown, with the reason.
pub fn guarded(name: &'static str, check: impl FnOnce() -> Check) -> Check {
    RUNNING.fetch_add(1, Ordering::SeqCst);
    let checked = catch_unwind(AssertUnwindSafe(check));
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    checked.unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        Check::unknown(
            name,
            format!(
                "the checker failed, which says nothing about the history and is a mistake in kolk: \
                 {reason}. Please send the history to {}/issues",
                env!("CARGO_PKG_REPOSITORY")
            ),
        )
    })
}

/// True if an operation counts in statistics: not one of the convergence phase.
pub(crate) fn counts(operation: &Operation) -> bool {
    operation.phase != Phase::Convergence
}

impl Verdict {
    /// The check with this name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// The number with this name, whichever check measured it.
    pub fn measure(&self, name: &str) -> Option<f64> {
        let mut measures = self.checks.iter().flat_map(|check| &check.measures);
        measures.find(|measure| measure.name == name).map(|measure| measure.value)
    }

    /// All anomalies: those that count first, and of these what explains most first: a broken
    /// protocol, then the workload, then the rest. This decides for every report what is told and
    /// in which order.
    pub fn findings(&self) -> Vec<Finding<'_>> {
        let place = |check: &Check| match check.name {
            "protocol" => 0,
            "workload" => 1,
            _ => 2,
        };
        let mut findings: Vec<Finding<'_>> = Vec::new();
        for check in &self.checks {
            for (anomalies, is_stronger) in [(&check.anomalies, false), (&check.stronger, true)] {
                findings.extend(anomalies.iter().enumerate().map(|(place, anomaly)| {
                    let counts = !is_stronger || self.strict;
                    Finding { check, anomaly, is_stronger, place, counts }
                }));
            }
        }
        findings.sort_by_key(|finding| (!finding.counts, place(finding.check)));
        findings
    }

    /// The anomalies that count, in the order of [`Verdict::findings`].
    pub fn anomalies(&self) -> Vec<(&Check, &Anomaly)> {
        let counting = self.findings().into_iter().filter(|finding| finding.counts);
        counting.map(|finding| (finding.check, finding.anomaly)).collect()
    }

    /// What kolk asks and Maelstrom does not, of all findings that count: each once, as clauses.
    pub fn promises(&self) -> Vec<&'static str> {
        let mut promises: Vec<&str> = Vec::new();
        for finding in self.findings().iter().filter(|finding| finding.counts) {
            let promise = finding.promise().filter(|promise| !promises.contains(promise));
            promises.extend(promise);
        }
        promises
    }

    /// The findings as they are stored beside the results: which anomaly of which check each is,
    /// whether it counts, and what Maelstrom does not ask for.
    pub fn findings_value(&self) -> Value {
        let finding = |finding: &Finding<'_>| {
            let mut entries = vec![
                (key(&"check"), text(finding.check.name)),
                (key(&"type"), text(finding.anomaly.kind)),
                (key(&"stronger"), Value::Bool(finding.is_stronger)),
                (key(&"place"), count(finding.place)),
                (key(&"counts"), Value::Bool(finding.counts)),
            ];
            let promise = finding.promise();
            entries.extend(promise.map(|promise| (key(&"promise"), text(promise))));
            Value::map(entries)
        };
        list(self.findings().iter().map(finding))
    }

    /// The results in the shape of `results.edn`. As JSON, keys lose their question mark.
    pub fn results(&self) -> Value {
        // The original's picture of all operations; a picture that was not drawn is not wrong.
        let timeline = Check::new("timeline");
        let mut entries = Vec::new();
        for check in &self.checks {
            entries.push((name_key(check.name), check.tree(self.strict)));
            if check.name == "perf" {
                entries.push((name_key(timeline.name), timeline.tree(self.strict)));
            }
        }
        entries.push((key(&"valid?"), self.validity.value()));
        Value::map(entries)
    }
}

/// A check's name as a keyword.
fn name_key(name: &str) -> Value {
    static NAMES: [&str; 8] =
        ["perf", "timeline", "exceptions", "stats", "availability", "net", "protocol", "workload"];
    NAMES.iter().find(|known| **known == name).map_or_else(|| Value::text(name), Value::Keyword)
}

#[cfg(test)]
mod tests;
