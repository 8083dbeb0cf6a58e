//! Challenge 4, and worse than it asks for: every mode of the node under every kind of trouble.
//!
//! The sweep of the README:
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-g-counter --test challenge -- --ignored --nocapture
//! ```

use kolk_check::{Options, Validity, check_run};
use kolk_engine::{Ending, Flow, JournalSink, NodeSource, Progress, Setup};
use kolk_history::plan::{LatencyDistribution, NodeSpec};
use kolk_workload::planner::{Concurrency, Nemesis, Nodes};
use kolk_workload::{Settings, by_name, plan};

/// The modes: a name, the node's arguments, and the most server messages an operation may cost when
/// nothing but partitions goes wrong.
const MODES: [(&str, &str, f64); 2] =
    [("stored", "", 0.8), ("write-behind", "--write-behind-ms 1000", 0.3)];

/// What goes wrong beside partitions, and how the network is.
const TROUBLES: [(&str, fn(&mut Settings)); 6] = [
    ("none", |_| {}),
    ("no partitions", |settings| settings.nemesis.clear()),
    ("latency 100 ms", |settings| {
        settings.latency = 100.0;
        settings.latency_dist = LatencyDistribution::Exponential;
    }),
    ("loss 0.05", |settings| settings.loss = 0.05),
    ("duplication 0.1", |settings| settings.duplication = 0.1),
    ("all at once", |settings| {
        settings.latency = 100.0;
        settings.latency_dist = LatencyDistribution::Exponential;
        (settings.loss, settings.duplication) = (0.1, 0.1);
        settings.concurrency = Concurrency::Workers(12);
    }),
];

/// Flags of the challenge: `-w g-counter --node-count 3 --rate 100 --time-limit 20 --nemesis
/// partition`.
fn settings(args: &[String], seed: u64) -> Settings {
    let spec = NodeSpec::BuiltIn { name: "g-counter".into(), args: args.to_vec(), separate: false };
    let mut settings = Settings::new("g-counter", spec, seed);
    settings.nodes = Nodes::Count(3);
    settings.time_limit = 20.0;
    settings.rate = 100.0;
    settings.nemesis.push(Nemesis::Partition);
    settings.strict = true;
    settings
}

/// Server messages per operation, the part of operations that were ok, and what is wrong.
fn measure(args: &str, trouble: fn(&mut Settings), seed: u64) -> (f64, f64, Vec<String>) {
    let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
    let mut settings = settings(&args, seed);
    trouble(&mut settings);
    let plan = plan(&settings).expect("a plan");
    let factory = kolk_g_counter::factory(&args).expect("arguments");
    let run = kolk_engine::run(Setup {
        plan: &plan,
        nodes: NodeSource::InProcess(&|_| kolk_node::machine(factory.clone())),
        workload: by_name("g-counter", &plan.workload.settings, &plan.nodes).expect("known"),
        journal: JournalSink::Digest,
        history: None,
        logs: None,
        observer: &mut |_: &Progress<'_>| Flow::Continue,
    })
    .expect("it runs");
    assert_eq!(run.ending, Ending::Completed);
    let options = Options { workload: "g-counter", strict: true, ..Options::default() };
    let verdict = check_run(&run.history, Some(&run.summary), &options);
    let mut problems: Vec<String> =
        verdict.anomalies().iter().map(|(_, anomaly)| anomaly.claim.clone()).collect();
    if verdict.validity != Validity::Valid && problems.is_empty() {
        problems.push(format!("{:?}", verdict.validity));
    }
    let measure = |name| verdict.measure(name).unwrap_or(f64::NAN);
    let ok = run.history.counted().filter(|operation| operation.is_ok()).count();
    let share = ok as f64 / run.history.counted().count() as f64;
    (measure("server-messages-per-operation"), share, problems)
}

#[test]
fn holds_its_promises() {
    for (mode, args, most) in MODES {
        for (trouble, change) in TROUBLES {
            for seed in 0..3 {
                let (messages, _, problems) = measure(args, change, seed);
                assert!(problems.is_empty(), "{mode}, {trouble}, seed {seed}: {problems:?}");
                assert!(trouble != "none" || messages <= most, "{mode}, seed {seed}: {messages}");
            }
        }
    }
}

#[test]
#[ignore = "a minute long: the sweep of the README"]
fn table() {
    let seeds = std::env::var("KOLK_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    let seeds: u64 = seeds.unwrap_or(25);
    println!("| mode | beside partitions | runs | invalid | messages per operation | ok |");
    println!("|---|---|---|---|---|---|");
    let mut failures = Vec::new();
    for (mode, args, _) in MODES {
        for (trouble, change) in TROUBLES {
            let results: Vec<_> =
                (0..seeds).map(|seed| (seed, measure(args, change, seed))).collect();
            let invalid: Vec<_> =
                results.iter().filter(|(_, (.., problems))| !problems.is_empty()).collect();
            let mut messages: Vec<f64> =
                results.iter().map(|(_, (messages, ..))| *messages).collect();
            messages.sort_by(f64::total_cmp);
            let mean = messages.iter().sum::<f64>() / messages.len() as f64;
            let ok = results.iter().map(|(_, (_, ok, _))| *ok).fold(1.0, f64::min);
            println!(
                "| {mode} | {trouble} | {seeds} | {} | {:.3} / {mean:.3} / {:.3} | {ok:.4} |",
                invalid.len(),
                messages[0],
                messages[messages.len() - 1],
            );
            for (seed, (.., problems)) in invalid {
                println!("  seed {seed}: {}", problems.join("; "));
                failures.push(format!("{mode}, {trouble}, seed {seed}"));
            }
        }
    }
    assert!(failures.is_empty(), "invalid: {failures:?}");
}
