//! Runs of the log's challenges against this node, and what they come to.

use kolk_check::{Options, Validity, check_run};
use kolk_engine::{Ending, Flow, JournalSink, NodeSource, Progress, Setup};
use kolk_history::plan::{LatencyDistribution, NodeSpec};
use kolk_workload::planner::{Nemesis, Nodes};
use kolk_workload::{Settings, by_name, plan};

/// What a load and its network are like.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub args: &'static str,
    pub nodes: usize,
    pub rate: f64,
    pub time_limit: f64,
    pub latency: f64,
    pub loss: f64,
    pub duplication: f64,
    pub partitions: bool,
}

/// Challenge 5b and 5c: `-w kafka --node-count 2 --concurrency 2n --time-limit 20 --rate 1000`.
pub const TWO_NODES: Scenario = Scenario {
    args: "",
    nodes: 2,
    rate: 1000.0,
    time_limit: 20.0,
    latency: 0.0,
    loss: 0.0,
    duplication: 0.0,
    partitions: false,
};

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Measured {
    pub seed: u64,
    /// Messages between servers.
    pub per_operation: f64,
    pub availability: f64,
    /// Operations a second.
    pub rate: f64,
    pub latency_max_ms: f64,
    /// Offsets below a key's greatest that hold nothing.
    pub holes: f64,
    /// How long ago what a poll saw of a log was surely no longer its end.
    pub lag_max_ms: f64,
    /// Why it is not valid, with the stronger checks.
    pub problems: Vec<String>,
}

/// Runs the scenario on the virtual clock.
pub fn measure(scenario: &Scenario, seed: u64) -> Measured {
    let args: Vec<String> = scenario.args.split_whitespace().map(str::to_owned).collect();
    let spec = NodeSpec::BuiltIn { name: "kafka".into(), args: args.clone(), separate: false };
    let mut settings = Settings::new("kafka", spec, seed);
    settings.nodes = Nodes::Count(scenario.nodes);
    settings.concurrency = "2n".parse().expect("a concurrency");
    settings.time_limit = scenario.time_limit;
    settings.rate = scenario.rate;
    settings.latency = scenario.latency;
    settings.latency_dist = LatencyDistribution::Exponential;
    settings.loss = scenario.loss;
    settings.duplication = scenario.duplication;
    settings.nemesis.extend(scenario.partitions.then_some(Nemesis::Partition));
    settings.nemesis_interval = 5.0;
    settings.strict = true;
    let plan = plan(&settings).expect("a plan");
    let factory = kolk_kafka::factory(&args).expect("arguments");
    let run = kolk_engine::run(Setup {
        plan: &plan,
        nodes: NodeSource::InProcess(&|_| kolk_node::machine(factory.clone())),
        workload: by_name("kafka", &plan.workload.settings, &plan.nodes).expect("known"),
        journal: JournalSink::Digest,
        history: None,
        logs: None,
        observer: &mut |_: &Progress<'_>| Flow::Continue,
    })
    .expect("it runs");
    assert_eq!(run.ending, Ending::Completed);
    let options = Options { workload: "kafka", strict: true, ..Options::default() };
    let verdict = check_run(&run.history, Some(&run.summary), &options);
    let mut problems: Vec<String> = verdict
        .anomalies()
        .iter()
        .map(|(_, anomaly)| format!("{}: {}", anomaly.kind, anomaly.claim))
        .collect();
    if verdict.validity != Validity::Valid && problems.is_empty() {
        problems.push(format!("{:?}", verdict.validity));
    }
    let measured = |name: &str| verdict.measure(name).unwrap_or(f64::NAN);
    Measured {
        seed,
        per_operation: measured("server-messages-per-operation"),
        availability: measured("availability"),
        rate: measured("rate"),
        latency_max_ms: measured("latency-max"),
        holes: measured("offset-holes"),
        lag_max_ms: measured("realtime-lag-max"),
        problems,
    }
}

/// Least, median and greatest.
pub fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}

/// The mean.
pub fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
