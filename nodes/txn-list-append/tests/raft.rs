//! Transactions on the nodes themselves, under faults.
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-txn-list-append --test raft
//! ```

#[test]
fn transactions_are_strict_serializable_under_many_faults_at_once() {
    kolk_sweep::assert_strict("txn-list-append", "--raft", |args| {
        kolk_node::machine(kolk_txn_list_append::factory(args).expect("arguments"))
    });
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
