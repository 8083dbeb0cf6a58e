//! Transactions on the nodes themselves, under faults.
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-txn-list-append --test raft
//! ```

use kolk_sweep::{for_seeds, load, measure, trouble};
use kolk_workload::planner::{Concurrency, Nemesis};

const FAULTS: [Nemesis; 5] =
    [Nemesis::Partition, Nemesis::OneWay, Nemesis::Kill, Nemesis::Pause, Nemesis::Power];

#[test]
fn transactions_are_strict_serializable_under_many_faults_at_once() {
    let seeds = std::env::var("KOLK_SEEDS").map_or(3, |seeds| seeds.parse().expect("KOLK_SEEDS"));
    for (nodes, budget) in [(3, 1), (5, 2)] {
        for_seeds(0..seeds, |seed| {
            let mut settings = load("txn-list-append", "--raft", seed, nodes, 100.0);
            settings.concurrency = Concurrency::PerNode(2);
            let models = ("consistency-models".to_owned(), "strict-serializable".to_owned());
            settings.workload_settings.extend([models]);
            trouble::exponential(&mut settings, 10.0);
            trouble::lossy(&mut settings, 0.03);
            settings.nemesis = FAULTS.to_vec();
            settings.nemesis_interval = 2.0;
            settings.fault_budget = Some(budget);
            let run = measure(&settings, |args| {
                kolk_node::machine(kolk_txn_list_append::factory(args).expect("arguments"))
            });
            run.assert_valid(&format!("{nodes} nodes"));
            assert!(run.of("availability") > 0.5, "{nodes} nodes, seed {seed}: little was done");
        });
    }
}

#[test]
fn settings_do_not_contradict_each_other() {
    let factory = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        kolk_txn_list_append::factory(&args).map(|_| ())
    };
    assert_eq!(factory(&["--raft"]), Ok(()));
    let error = factory(&["--raft", "--whole"]).expect_err("not both");
    assert_eq!(error.lines().next(), Some("--whole is for the service: not with --raft"));
}
