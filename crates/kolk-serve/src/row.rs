//! A row of the table of runs: the parts of `plan.json` and `results.json` that it shows.
//!
//! Both are read leniently. A store outlives versions of kolk, folders are copied and cut short,
//! and one that cannot be read is listed with the reason, like any other.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Valid: every check holds.
    Valid,
    /// Invalid: some check does not hold.
    Invalid,
    /// Unknown: some check cannot tell, and none is invalid.
    Unknown,
    /// The run goes on: the program that carries it out is alive.
    Running,
    /// The run has no results, and no program is carrying it out any more.
    Unfinished,
    /// The plan or the results cannot be read.
    Damaged,
    /// The folder holds no run.
    Foreign,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The folder's name in the store: the workload, as a rule.
    pub workload: String,
    /// The name of the run's own folder: the time at which the run began.
    pub time: String,
    /// Changes when the run's files do.
    pub stamp: String,
    /// The state of the run.
    pub state: State,
    /// The reason for which the run cannot be read, if it cannot.
    pub problem: Option<String>,
    /// The node under test: a program, or a built-in node.
    pub node: String,
    /// True for one of kolk's own nodes.
    pub is_built_in: bool,
    /// The number of nodes.
    pub node_count: usize,
    /// The number of faults of each kind.
    pub faults: BTreeMap<String, usize>,
    /// The probability that a message is lost.
    pub loss: f64,
    /// The probability that a message arrives twice.
    pub duplication: f64,
    /// The mean latency of the network in milliseconds.
    pub latency_ms: f64,
    /// The clock: `real` or `virtual`.
    pub clock: String,
    /// The seed, as in the plan: `0x` and hexadecimal digits.
    pub seed: String,
    /// The rate that was asked for, in operations a second.
    pub rate: f64,
    /// How long the run lasted by its clock, in nanoseconds.
    pub duration: Option<u64>,
    /// The number of operations that clients invoked.
    pub operations: Option<u64>,
    /// Messages between servers for each operation.
    pub server_messages_per_operation: Option<f64>,
    /// The median latency of operations in milliseconds.
    pub latency_median_ms: Option<f64>,
    /// The median time until a value is in every read, in milliseconds, where that is measured.
    pub stable_latency_median_ms: Option<f64>,
    /// The kinds of anomaly that count.
    pub anomalies: Vec<String>,
    /// The challenge it was run for, and whether its limits hold.
    pub challenge: Option<Challenge>,
}

/// A challenge that a run was held to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Challenge {
    /// The challenge's number, such as `3d`.
    pub id: String,
    /// True if all limits of the challenge hold.
    pub holds: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Plan {
    seed: String,
    clock: String,
    node: Node,
    nodes: Vec<IgnoredAny>,
    rate: f64,
    network: Network,
    faults: Vec<Fault>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Node {
    kind: String,
    name: String,
    path: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Network {
    latency: f64,
    loss: f64,
    duplication: f64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    fault: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Results {
    valid: Value,
    run: Run,
    stats: Stats,
    measures: Vec<Measure>,
    findings: Vec<Finding>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Run {
    ended: Option<u64>,
    challenge: Option<Held>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Held {
    id: String,
    limits: Vec<Limit>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Limit {
    holds: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stats {
    count: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Measure {
    name: String,
    value: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Finding {
    #[serde(rename = "type")]
    kind: String,
    counts: bool,
}

impl Row {
    /// A folder that holds no run.
    pub fn foreign(workload: &str, time: &str) -> Row {
        Row {
            workload: workload.to_owned(),
            time: time.to_owned(),
            stamp: String::new(),
            state: State::Foreign,
            problem: None,
            node: String::new(),
            is_built_in: false,
            node_count: 0,
            faults: BTreeMap::new(),
            loss: 0.0,
            duplication: 0.0,
            latency_ms: 0.0,
            clock: String::new(),
            seed: String::new(),
            rate: 0.0,
            duration: None,
            operations: None,
            server_messages_per_operation: None,
            latency_median_ms: None,
            stable_latency_median_ms: None,
            anomalies: Vec::new(),
            challenge: None,
        }
    }

    /// A run, from the text of its plan, and of its results if it has any.
    pub fn of(
        workload: &str,
        time: &str,
        plan: Result<Vec<u8>, String>,
        results: Option<Result<Vec<u8>, String>>,
    ) -> Row {
        let mut row = Row { state: State::Unfinished, ..Row::foreign(workload, time) };
        match parsed(plan) {
            Ok(plan) => row.plan(plan),
            Err(problem) => row.damaged("plan.json", &problem),
        }
        let current = |text: Vec<u8>| match String::from_utf8(text) {
            Ok(text) => kolk_report::stored::current(&text).into_owned().into_bytes(),
            Err(error) => error.into_bytes(),
        };
        match results.map(|text| parsed(text.map(current))) {
            None => {}
            Some(Ok(results)) => row.results(results),
            Some(Err(problem)) => row.damaged("results.json", &problem),
        }
        row
    }

    fn damaged(&mut self, name: &str, problem: &str) {
        self.state = State::Damaged;
        self.problem.get_or_insert_with(|| format!("{name}: {problem}"));
    }

    fn plan(&mut self, plan: Plan) {
        self.is_built_in = plan.node.kind == "built-in";
        let path = plan.node.path.rsplit('/').next().unwrap_or_default();
        self.node = if self.is_built_in { plan.node.name } else { path.to_owned() };
        self.node_count = plan.nodes.len();
        for fault in plan.faults {
            *self.faults.entry(fault.fault).or_default() += 1;
        }
        self.loss = plan.network.loss;
        self.duplication = plan.network.duplication;
        self.latency_ms = plan.network.latency;
        self.clock = plan.clock;
        self.seed = plan.seed;
        self.rate = plan.rate;
    }

    fn results(&mut self, results: Results) {
        if self.state != State::Damaged {
            self.state = match results.valid {
                Value::Bool(true) => State::Valid,
                Value::Bool(false) => State::Invalid,
                _ => State::Unknown,
            };
        }
        let measure = |name: &str| {
            let found = results.measures.iter().find(|measure| measure.name == name);
            found.and_then(|measure| measure.value)
        };
        self.duration = results.run.ended;
        self.operations = results.stats.count;
        self.server_messages_per_operation = measure("server-messages-per-operation");
        self.latency_median_ms = measure("latency-median");
        self.stable_latency_median_ms = measure("stable-latency-median");
        self.challenge = results.run.challenge.map(|held| Challenge {
            holds: held.limits.iter().all(|limit| limit.holds),
            id: held.id,
        });
        for finding in results.findings.into_iter().filter(|finding| finding.counts) {
            if !self.anomalies.contains(&finding.kind) {
                self.anomalies.push(finding.kind);
            }
        }
    }
}

fn parsed<T: DeserializeOwned>(text: Result<Vec<u8>, String>) -> Result<T, String> {
    serde_json::from_slice(&text?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"format": 9, "seed": "0x2a", "clock": "virtual", "new": [[]],
        "node": {"kind": "program", "path": "/home/a/b.py", "args": []}, "nodes": ["n0", "n1"],
        "rate": 10.0, "network": {"latency": 100.0, "loss": 0.1},
        "faults": [{"fault": "partition", "blocked": {}}, {"fault": "kill"}, {"fault": "kill"}]}"#;

    const RESULTS: &str = r#"{"run": {"ended": 5, "challenge": {"id": "3d", "name": "x",
        "limits": [{"holds": true}, {"holds": false, "value": null}]}}, "valid": false,
        "stats": {"valid": true, "count": 7}, "findings": [{"type": "lost", "counts": true},
        {"type": "lost", "counts": true}, {"type": "stale", "counts": true},
        {"type": "diverged", "counts": false}],
        "measures": [{"check": "net", "name": "server-messages-per-operation", "value": 0.5}]}"#;

    fn row(plan: &str, results: Option<&str>) -> Row {
        Row::of("broadcast", "t", Ok(plan.into()), results.map(|text| Ok(text.into())))
    }

    #[test]
    fn says_what_the_files_say() {
        let row = row(PLAN, Some(RESULTS));
        assert_eq!((row.state, &row.problem), (State::Invalid, &None));
        assert_eq!((row.node.as_str(), row.is_built_in, row.node_count), ("b.py", false, 2));
        assert_eq!(
            row.faults.iter().map(|(kind, n)| (kind.as_str(), *n)).collect::<Vec<_>>(),
            [("kill", 2), ("partition", 1)]
        );
        assert_eq!((row.loss, row.duplication, row.latency_ms), (0.1, 0.0, 100.0));
        assert_eq!((row.duration, row.operations), (Some(5), Some(7)));
        assert_eq!(row.server_messages_per_operation, Some(0.5));
        assert_eq!(row.anomalies, ["lost", "stale"]);
        assert_eq!(row.challenge, Some(Challenge { id: "3d".to_owned(), holds: false }));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let deep = "[".repeat(100_000);
        for (plan, results, state, problem) in [
            (PLAN, None, State::Unfinished, ""),
            ("{}", Some("{}"), State::Unknown, ""),
            ("{}", Some(r#"{"valid": "unknown"}"#), State::Unknown, ""),
            ("{}", Some(r#"{"valid": true}"#), State::Valid, ""),
            ("", Some(RESULTS), State::Damaged, "plan.json: EOF"),
            (PLAN, Some(&RESULTS[..99]), State::Damaged, "results.json: EOF"),
            ("7", Some("7"), State::Damaged, "plan.json: invalid"),
            (r#"{"seed": 1}"#, None, State::Damaged, "plan.json: invalid type: integer"),
            (&deep, None, State::Damaged, "plan.json: "),
        ] {
            let row = row(plan, results);
            assert_eq!(row.state, state, "{plan}");
            let told = row.problem.unwrap_or_default();
            assert!(told.starts_with(problem) && told.is_empty() == problem.is_empty(), "{told}");
        }
    }
}
