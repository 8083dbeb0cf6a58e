//! The store on the nodes' disks, under kills and losses of power and much else at once.
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-seq-kv --test durable -- --nocapture
//! ```

use kolk_node::Machine;
use kolk_sweep::{assert_replicated, load, measure};

fn make(args: &[String]) -> Box<dyn Machine> {
    kolk_node::machine(kolk_seq_kv::factory(args).expect("arguments"))
}

#[test]
fn it_is_sequentially_consistent_under_many_faults_at_once() {
    assert_replicated("seq-kv", "--durable", &[], make);
}

#[test]
fn reads_take_no_time() {
    let mut settings = load("seq-kv", "--durable", 1, 5, 100.0);
    settings.latency = 10.0;
    let measured = measure(&settings, make);
    measured.assert_valid("no faults");
    let messages = measured.of("server-messages-per-operation");
    println!("{messages:.2} messages an operation, median {} ms", measured.of("latency-median"));
    assert!(messages < 5.0, "{messages}");
    assert_eq!(measured.of("latency-median"), 0.0, "half of the operations are reads");
}

#[test]
fn it_goes_with_no_other_setting() {
    let factory = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        kolk_seq_kv::factory(&args).map(|_| ())
    };
    assert_eq!(factory(&["--durable"]), Ok(()));
    assert_eq!(factory(&["--refresh-ms", "20"]), Ok(()));
    let error = factory(&["--durable", "--refresh-ms", "20"]).expect_err("not both");
    assert_eq!(error.lines().next(), Some("--durable goes with no other setting"));
}
