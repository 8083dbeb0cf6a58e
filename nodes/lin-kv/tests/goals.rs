//! What the store costs and how long it is away, as the README's table has it. With more seeds:
//!
//! ```text
//! KOLK_SEEDS=100 cargo test -p kolk-lin-kv --test goals -- --nocapture
//! ```

mod common;

use common::{Gone, gap, goal, latencies, quantile, store};
use kolk_sweep::{for_seeds, judge, seeds};

/// 5 nodes, 30 clients, 500 operations a second, 10 ms.
#[test]
fn messages_and_latencies_without_faults() {
    let runs = for_seeds(0..seeds(2), |seed| {
        let judged = judge(&goal("", seed, 500.0, 20.0), store);
        judged.measured().assert_valid("no faults");
        let messages = judged.measured().of("server-messages-per-operation");
        let latencies = latencies(&judged);
        let medians = latencies.iter().map(|(_, values)| quantile(values, 0.5));
        let leader = medians.fold(f64::MAX, f64::min);
        let all: Vec<f64> = latencies.into_iter().flat_map(|(_, values)| values).collect();
        (messages, quantile(&all, 0.5), leader, quantile(&all, 0.99))
    });
    for (seed, (messages, all, leader, late)) in runs.iter().enumerate() {
        println!(
            "seed {seed}: {messages:.2} messages an operation, median {all:.1} ms, of the leader's \
             clients {leader:.1} ms, 99 of 100 within {late:.1} ms"
        );
    }
    for (messages, all, leader, _) in runs {
        assert!(messages <= 4.0, "{messages} messages an operation");
        assert!(all <= 45.0, "a median of {all} ms");
        assert!(leader <= 25.0, "a median of {leader} ms for the leader's clients");
    }
}

#[test]
fn the_service_is_back_soon_after_its_leader_is_gone() {
    for gone in [Gone::Killed, Gone::Powerless, Gone::Paused, Gone::CutOff] {
        let gaps = for_seeds(0..seeds(1), |seed| gap(seed, gone));
        println!(
            "{gone:?}: back after {:.0} ms in half of {} seeds, {:.0} ms in 99 of 100, {:.0} ms at most",
            quantile(&gaps, 0.5),
            gaps.len(),
            quantile(&gaps, 0.98),
            quantile(&gaps, 1.0)
        );
        let late = gaps.iter().filter(|gap| **gap > 500.0).count();
        assert!(late * 100 <= gaps.len().max(100), "{gone:?}: {gaps:?}");
        assert!(quantile(&gaps, 1.0) <= 2_000.0, "{gone:?}: {gaps:?}");
    }
}

/// 10 000 operations a second; faster than time, without optimisation perhaps not.
#[test]
fn ten_thousand_operations_a_second() {
    let mut settings = goal("", 0, 10_000.0, 3.0);
    settings.concurrency = kolk_workload::planner::Concurrency::PerNode(200);
    let judged = judge(&settings, store);
    judged.measured().assert_valid("10 000 a second");
    let done = judged.run.history.counted().filter(|operation| operation.is_ok()).count();
    println!("{done} operations in 3 s");
    assert!(done >= 15_000, "{done} operations");
}
