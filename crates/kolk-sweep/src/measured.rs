//! One run, judged and measured.

use kolk_check::{Validity, Verdict, check_run};
use kolk_engine::{Ending, Flow, JournalSink, NodeSource, Progress, Run, Setup};
use kolk_history::Plan;
use kolk_history::plan::NodeSpec;
use kolk_node::Machine;
use kolk_workload::planner::Nodes;
use kolk_workload::{Settings, by_name, options, plan};

use crate::raft::{self, Told};

/// A built-in node with these arguments, parted by spaces.
pub fn built_in(name: &str, args: &str) -> NodeSpec {
    let args = args.split_whitespace().map(str::to_owned).collect();
    NodeSpec::BuiltIn { name: name.to_owned(), args, separate: false }
}

/// The settings of a sweep's run: the built-in node of the workload's name with these arguments, a
/// load of 20 s at `rate` operations a second, and stronger findings counted.
pub fn load(workload: &str, args: &str, seed: u64, nodes: usize, rate: f64) -> Settings {
    let mut settings = Settings::new(workload, built_in(workload, args), seed);
    settings.nodes = Nodes::Count(nodes);
    settings.time_limit = 20.0;
    settings.rate = rate;
    settings.strict = true;
    settings
}

/// A finished run and what is to be said of it.
#[derive(Debug)]
pub struct Judged {
    /// What was carried out.
    pub plan: Plan,
    /// What came out of it.
    pub run: Run,
    /// What the checkers say.
    pub verdict: Verdict,
}

/// Runs what these settings say on the virtual clock, with the node in this process, and judges
/// it; whether stronger findings count is among the settings.
///
/// # Panics
///
/// If the settings do not make a plan, the run does not come to its end, or the trouble that was
/// asked for did not happen: a sweep under loss in which nothing was lost proves nothing.
pub fn judge(settings: &Settings, make: impl Fn(&[String]) -> Box<dyn Machine>) -> Judged {
    judge_with(settings, make, false)
}

/// As [`judge`], for nodes that Raft keeps the same: its invariants are [checked](raft::check) as
/// well. Gives also what the journal told.
///
/// # Panics
///
/// If one is broken, and for the reasons that [`judge`] gives.
pub fn judge_replicated(
    settings: &Settings,
    make: impl Fn(&[String]) -> Box<dyn Machine>,
) -> (Judged, Told) {
    let mut judged = judge_with(settings, make, true);
    let journal = judged.run.journal.take().expect("it was kept in memory");
    let told = raft::check(&journal, judged.plan.nodes.len())
        .unwrap_or_else(|found| panic!("seed {}: {found}", settings.seed));
    (judged, told)
}

fn judge_with(
    settings: &Settings,
    make: impl Fn(&[String]) -> Box<dyn Machine>,
    keeps_journal: bool,
) -> Judged {
    let plan = plan(settings).expect("a plan");
    let args = match &plan.node {
        NodeSpec::BuiltIn { args, .. } => args.as_slice(),
        NodeSpec::Program { .. } => panic!("a sweep runs built-in nodes"),
    };
    let spec = &plan.workload;
    let run = kolk_engine::run(Setup {
        plan: &plan,
        nodes: NodeSource::InProcess(&|_| make(args)),
        workload: by_name(&spec.name, &spec.settings, &plan.nodes).expect("known"),
        journal: if keeps_journal { JournalSink::Memory } else { JournalSink::Digest },
        history: None,
        logs: None,
        data: None,
        room: kolk_engine::Room::default(),
        observer: &mut |_: &Progress<'_>| Flow::Continue,
    })
    .expect("it runs");
    assert_eq!(run.ending, Ending::Completed, "seed {}", settings.seed);
    let idle = run.summary.servers.send_count < 100;
    assert!(settings.loss == 0.0 || idle || run.summary.lost_count > 0, "nothing was lost");
    let duplicated = run.summary.duplicated_count > 0;
    assert!(settings.duplication == 0.0 || idle || duplicated, "nothing was duplicated");
    let options = options(&plan).expect("a plan has what its checkers want");
    let verdict = check_run(&run.history, Some(&run.summary), &options);
    Judged { plan, run, verdict }
}

/// Runs and judges what these settings say, as [`judge`] does, and keeps only the numbers.
///
/// # Panics
///
/// For the reasons that [`judge`] gives.
pub fn measure(settings: &Settings, make: impl Fn(&[String]) -> Box<dyn Machine>) -> Measured {
    judge(settings, make).measured()
}

impl Judged {
    /// What is worth keeping of it.
    pub fn measured(&self) -> Measured {
        let anomalies = self.verdict.anomalies();
        let problem =
            |anomaly: &kolk_check::Anomaly| format!("{}: {}", anomaly.kind, anomaly.claim);
        let mut problems: Vec<String> =
            anomalies.iter().map(|(_, anomaly)| problem(anomaly)).collect();
        if self.verdict.validity != Validity::Valid && problems.is_empty() {
            problems.push(self.verdict.validity.name().to_owned());
        }
        let measures = self.verdict.checks.iter().flat_map(|check| &check.measures);
        let measures = measures.map(|measure| (measure.name, measure.value)).collect();
        Measured { seed: self.plan.seed, problems, measures }
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// What its random decisions were drawn from.
    pub seed: u64,
    /// Why it is not valid, each with the kind of anomaly; empty if it is.
    pub problems: Vec<String>,
    measures: Vec<(&'static str, f64)>,
}

impl Measured {
    /// The number of this name: the checkers' measures, and what was added. Not a number if there
    /// is none, as when nothing was ok.
    pub fn of(&self, name: &str) -> f64 {
        let found = self.measures.iter().find(|(known, _)| *known == name);
        found.map_or(f64::NAN, |(_, value)| *value)
    }

    /// Adds a number of the test's own.
    pub fn with(mut self, name: &'static str, value: f64) -> Measured {
        self.measures.push((name, value));
        self
    }

    /// # Panics
    ///
    /// If the run is not valid; `what` says which run it was.
    pub fn assert_valid(&self, what: &str) {
        assert!(self.problems.is_empty(), "{what}, seed {}: {:#?}", self.seed, self.problems);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kolk_node::{Context, Node, RpcError, machine};

    use super::*;

    /// A run that came to these problems, and has measured nothing.
    pub(crate) fn measured(seed: u64, problems: &[&str]) -> Measured {
        let problems = problems.iter().map(|problem| (*problem).to_owned()).collect();
        Measured { seed, problems, measures: Vec::new() }
    }

    fn settings(strict: bool) -> Settings {
        let mut settings = Settings::new("unique-ids", built_in("always", "a 7"), 3);
        settings.time_limit = 2.0;
        settings.strict = strict;
        settings
    }

    /// Every id is the same, the node's argument.
    struct Always(String);

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Request {
        Generate {},
    }

    #[derive(serde::Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Reply {
        GenerateOk { id: String },
    }

    impl Node for Always {
        type Request = Request;
        type Reply = Reply;

        async fn handle(&self, _: &Context, request: Request) -> Result<Reply, RpcError> {
            let Request::Generate {} = request;
            Ok(Reply::GenerateOk { id: self.0.clone() })
        }
    }

    fn always(args: &[String]) -> Box<dyn Machine> {
        let id = args.concat();
        machine(move |_| Always(id.clone()))
    }

    #[test]
    fn a_run_is_judged_and_measured() {
        let judged = judge(&settings(true), always);
        assert_eq!(judged.verdict.validity, Validity::Invalid);
        let measured = judged.measured().with("pets", 2.0);
        assert_eq!(measured.problems.len(), 1);
        assert!(measured.problems[0].contains("a7"), "{:?}", measured.problems);
        assert_eq!(measured.of("operations"), judged.run.history.operations.len() as f64);
        assert_eq!(measured.of("pets"), 2.0);
        assert!(measured.of("no-such-measure").is_nan());
        let again = measure(&settings(true), always).with("pets", 2.0);
        assert_eq!(again, measured);
    }

    #[test]
    #[should_panic(expected = "always, seed 3")]
    fn an_invalid_run_fails_a_test() {
        measure(&settings(false), always).assert_valid("always");
    }
}
