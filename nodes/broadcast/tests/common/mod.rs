//! Runs of a challenge's load against this node, and what they come to.
#![allow(dead_code, reason = "each test program uses a part")]

use kolk_check::{Options, Validity, check_run};
use kolk_engine::faults::Cut;
use kolk_engine::{Ending, Flow, JournalSink, NodeSource, Progress, Setup};
use kolk_history::plan::{LatencyDistribution, NodeSpec};
use kolk_workload::planner::{Nemesis, Nodes};
use kolk_workload::{Settings, by_name, plan};

/// The settings under test: a name, and the node's arguments.
pub const SETTINGS: [(&str, &str); 3] =
    [("default", ""), ("few messages", "--flush-ms 1500"), ("low latency", "--direct")];

/// What a load and its network are like.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub args: &'static str,
    pub nodes: usize,
    pub latency: f64,
    pub latency_dist: LatencyDistribution,
    pub loss: f64,
    pub duplication: f64,
    pub partitions: bool,
    pub cut: Option<String>,
    pub topology: &'static str,
    pub rate: f64,
}

impl Scenario {
    /// Challenge 3d: `-w broadcast --node-count 25 --time-limit 20 --rate 100 --latency 100`.
    pub fn of(args: &'static str) -> Scenario {
        Scenario {
            args,
            nodes: 25,
            latency: 100.0,
            latency_dist: LatencyDistribution::Constant,
            loss: 0.0,
            duplication: 0.0,
            partitions: false,
            cut: None,
            topology: "grid",
            rate: 100.0,
        }
    }
}

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Measured {
    pub seed: u64,
    pub per_operation: f64,
    pub per_broadcast: f64,
    pub median_ms: f64,
    pub max_ms: f64,
    /// Why it is not valid, with the stronger checks.
    pub problems: Vec<String>,
}

/// Runs the scenario.
pub fn measure(scenario: &Scenario, seed: u64) -> Measured {
    let args: Vec<String> = scenario.args.split_whitespace().map(str::to_owned).collect();
    let spec = NodeSpec::BuiltIn { name: "broadcast".into(), args: args.clone(), separate: false };
    let mut settings = Settings::new("broadcast", spec, seed);
    settings.workload_settings.insert("topology".into(), scenario.topology.into());
    settings.nodes = Nodes::Count(scenario.nodes);
    settings.time_limit = 20.0;
    settings.rate = scenario.rate;
    settings.latency = scenario.latency;
    settings.latency_dist = scenario.latency_dist;
    settings.loss = scenario.loss;
    settings.duplication = scenario.duplication;
    settings.nemesis.extend(scenario.partitions.then_some(Nemesis::Partition));
    settings.cuts.extend(scenario.cut.iter().map(|cut| cut.parse::<Cut>().expect("a cut")));
    settings.strict = true;
    let plan = plan(&settings).expect("a plan");
    let factory = kolk_broadcast::factory(&args).expect("arguments");
    let run = kolk_engine::run(Setup {
        plan: &plan,
        nodes: NodeSource::InProcess(&|_| kolk_node::machine(factory.clone())),
        workload: by_name("broadcast", &plan.workload.settings, &plan.nodes).expect("known"),
        journal: JournalSink::Digest,
        history: None,
        logs: None,
        observer: &mut |_: &Progress<'_>| Flow::Continue,
    })
    .expect("it runs");
    assert_eq!(run.ending, Ending::Completed);
    // The trouble that was asked for did happen.
    assert!(scenario.loss == 0.0 || scenario.nodes < 2 || run.summary.lost_count > 0);
    assert!(scenario.duplication == 0.0 || run.summary.duplicated_count > 0);
    assert!(scenario.cut.is_none() || run.summary.cut_count > 0);
    let options = Options { workload: "broadcast", strict: true, ..Options::default() };
    let verdict = check_run(&run.history, Some(&run.summary), &options);
    let mut problems: Vec<String> =
        verdict.anomalies().iter().map(|(_, anomaly)| anomaly.claim.clone()).collect();
    if verdict.validity != Validity::Valid && problems.is_empty() {
        problems.push(format!("{:?}", verdict.validity));
    }
    let counted: Vec<_> = run
        .history
        .operations
        .iter()
        .filter(|operation| operation.phase != kolk_history::Phase::Convergence)
        .collect();
    let broadcasts =
        counted.iter().filter(|op| op.function == kolk_history::Function::Broadcast).count();
    let sent = run.summary.servers.send_count as f64;
    Measured {
        seed,
        per_operation: sent / counted.len() as f64,
        per_broadcast: sent / broadcasts as f64,
        median_ms: verdict.measure("stable-latency-median").unwrap_or(f64::NAN),
        max_ms: verdict.measure("stable-latency-max").unwrap_or(f64::NAN),
        problems,
    }
}

/// Least, median and greatest.
pub fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}
