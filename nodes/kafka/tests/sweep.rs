//! Many seeds under every kind of trouble. The table of the README:
//! `cargo test --release -p kolk-kafka --test sweep -- --ignored --nocapture`, with `KOLK_SEEDS`
//! for more or fewer seeds than 25 and `KOLK_TROUBLE` for rows that begin so.

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Measured, Scenario, TWO_NODES, mean, measure, spread};

const TROUBLES: &[(&str, Scenario)] = &[
    ("5a", Scenario { nodes: 1, ..TWO_NODES }),
    ("5b and 5c", TWO_NODES),
    ("batches of 2 ms", Scenario { args: "--batch-ms 2", ..TWO_NODES }),
    ("batches of 5 ms", Scenario { args: "--batch-ms 5", ..TWO_NODES }),
    ("partitions", Scenario { partitions: true, ..TWO_NODES }),
    ("loss 0.05", Scenario { loss: 0.05, ..TWO_NODES }),
    ("duplication 0.05", Scenario { duplication: 0.05, ..TWO_NODES }),
    ("exponential latency of 20 ms", Scenario { latency: 20.0, rate: 100.0, ..TWO_NODES }),
    (
        "all at once",
        Scenario {
            latency: 20.0,
            rate: 100.0,
            loss: 0.05,
            duplication: 0.05,
            partitions: true,
            ..TWO_NODES
        },
    ),
    ("five nodes", Scenario { nodes: 5, ..TWO_NODES }),
    (
        "five nodes, all at once",
        Scenario {
            nodes: 5,
            latency: 20.0,
            rate: 100.0,
            loss: 0.05,
            duplication: 0.05,
            partitions: true,
            ..TWO_NODES
        },
    ),
];

fn sweep(scenario: &Scenario, seeds: u64) -> Vec<Measured> {
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
                    let measured = measure(scenario, seed);
                    results.lock().expect("nobody panics").push(measured);
                }
            });
        }
    });
    let mut results = results.into_inner().expect("nobody panics");
    results.sort_by_key(|measured| measured.seed);
    results
}

#[test]
#[ignore = "minutes long: the sweep of the README"]
fn table() {
    let variable = |name: &str| std::env::var(name).ok();
    let seeds = variable("KOLK_SEEDS").and_then(|seeds| seeds.parse().ok()).unwrap_or(25);
    let only = variable("KOLK_TROUBLE").unwrap_or_default();
    println!(
        "| run | seeds | invalid | messages per operation: mean (least, greatest) | availability | operations/s | longest operation, ms | worst lag, ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut failures = Vec::new();
    for (name, scenario) in TROUBLES.iter().filter(|(name, _)| name.starts_with(&only)) {
        let results = sweep(scenario, seeds);
        let invalid = results.iter().filter(|measured| !measured.problems.is_empty());
        for measured in invalid.clone() {
            let shown: Vec<&String> = measured.problems.iter().take(4).collect();
            failures.push(format!("{name}, seed {}: {shown:?}", measured.seed));
        }
        assert!(results.iter().all(|measured| measured.holes == 0.0), "{name}: offsets have holes");
        let of = |value: fn(&Measured) -> f64| spread(results.iter().map(value));
        let (least, _, greatest) = of(|m| m.per_operation);
        println!(
            "| {name} | {seeds} | {} | {:.3} ({least:.3}, {greatest:.3}) | {:.5} | {:.0} | {:.0} | {:.0} |",
            invalid.count(),
            mean(results.iter().map(|m| m.per_operation)),
            of(|m| m.availability).0,
            of(|m| m.rate).1,
            of(|m| m.latency_max_ms).2,
            of(|m| m.lag_max_ms).2,
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
