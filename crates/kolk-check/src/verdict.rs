//! The verdict of a run: what all its checks come to, what counts, and in which order it is told.

use kolk_history::Value;

use crate::asked;
use crate::check::{Anomaly, Check, Validity};
use crate::tree::{count, key, list, text};

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
        self.is_stronger.then(|| asked::promise(self.anomaly.kind))
    }
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
        // Maelstrom draws a picture of all operations; a picture that was not drawn is not wrong.
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
