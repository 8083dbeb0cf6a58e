//! Every setting under every kind of trouble, for many seeds: prints the table of the README, and
//! fails if anything is lost.
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-broadcast --test sweep -- --ignored --nocapture
//! ```
//!
//! `KOLK_ARGS="--flush-ms 1000"` measures these arguments instead of the settings, and
//! `KOLK_TROUBLE=loss` only the kinds of trouble whose names begin so.

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Measured, SETTINGS, Scenario, measure, spread};
use kolk_history::plan::LatencyDistribution;

type Trouble = (&'static str, fn(&mut Scenario, u64));

const TROUBLES: [Trouble; 9] = [
    ("none", |_, _| {}),
    ("partition", |scenario, _| scenario.partitions = true),
    ("loss 0.1", |scenario, _| scenario.loss = 0.1),
    ("cut each node", |scenario, seed| scenario.cut = Some(format!("n{}@0..20", seed % 25))),
    ("cut n0", |scenario, _| scenario.cut = Some("n0@0..20".to_owned())),
    ("duplication 0.1", |scenario, _| scenario.duplication = 0.1),
    ("exponential", |scenario, _| scenario.latency_dist = LatencyDistribution::Exponential),
    ("uniform", |scenario, _| scenario.latency_dist = LatencyDistribution::Uniform),
    ("all at once", |scenario, _| {
        scenario.latency_dist = LatencyDistribution::Exponential;
        (scenario.loss, scenario.duplication, scenario.partitions) = (0.1, 0.1, true);
    }),
];

fn sweep(args: &'static str, trouble: &Trouble, seeds: u64) -> Vec<Measured> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if seed >= seeds {
                        return;
                    }
                    let mut scenario = Scenario::of(args);
                    trouble.1(&mut scenario, seed);
                    let measured = measure(&scenario, seed);
                    results.lock().expect("nobody panics").push(measured);
                }
            });
        }
    });
    results.into_inner().expect("nobody panics")
}

#[test]
#[ignore = "minutes long: the sweep of the README"]
fn table() {
    let variable = |name: &str| std::env::var(name).ok();
    let seeds = variable("KOLK_SEEDS").and_then(|seeds| seeds.parse().ok()).unwrap_or(25);
    let only = variable("KOLK_TROUBLE").unwrap_or_default();
    let settings: Vec<(&str, &'static str)> = match variable("KOLK_ARGS") {
        Some(args) => vec![("given", args.leak())],
        None => SETTINGS.to_vec(),
    };
    println!(
        "| setting | trouble | runs | invalid | messages per operation | median ms | max ms |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut failures = Vec::new();
    for (name, args) in settings {
        for trouble in TROUBLES.iter().filter(|(name, _)| name.starts_with(&only)) {
            let results = sweep(args, trouble, seeds);
            let invalid: Vec<_> = results.iter().filter(|m| !m.problems.is_empty()).collect();
            let column = |digits: usize, of: fn(&Measured) -> f64| {
                let (least, median, greatest) = spread(results.iter().map(of));
                format!("{least:.digits$} / {median:.digits$} / {greatest:.digits$}")
            };
            println!(
                "| {name} | {} | {seeds} | {} | {} | {} | {} |",
                trouble.0,
                invalid.len(),
                column(3, |m| m.per_operation),
                column(0, |m| m.median_ms),
                column(0, |m| m.max_ms),
            );
            if args.contains("--direct") {
                println!("  per broadcast: {}", column(2, |m| m.per_broadcast));
            }
            for measured in invalid {
                failures.push(format!("{name}, {}, seed {}", trouble.0, measured.seed));
                println!("  seed {}: {}", measured.seed, measured.problems.join("; "));
            }
        }
    }
    assert!(failures.is_empty(), "invalid: {failures:?}");
}
