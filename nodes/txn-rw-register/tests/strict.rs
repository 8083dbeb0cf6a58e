//! Strict transactions under faults.
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-txn-rw-register --test strict
//! ```

#[test]
fn transactions_are_strict_serializable_under_many_faults_at_once() {
    kolk_sweep::assert_strict("txn-rw-register", "--strict", |args| {
        kolk_node::machine(kolk_txn_rw_register::factory(args).expect("arguments"))
    });
}

#[test]
fn settings_do_not_contradict_each_other() {
    let factory = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        kolk_txn_rw_register::factory(&args).map(|_| ())
    };
    assert_eq!(factory(&["--strict"]), Ok(()));
    let error = factory(&["--strict", "--flush-ms", "50"]).expect_err("not both");
    assert_eq!(error.lines().next(), Some("--strict goes with no other setting"));
}
