//! Transactions on the nodes themselves, under faults.
//!
//! ```text
//! KOLK_SEEDS=200 cargo test --release -p kolk-txn-list-append --test raft
//! ```

#[test]
fn transactions_are_strict_serializable_under_many_faults_at_once() {
    kolk_sweep::assert_strict("txn-list-append", "", |args| {
        kolk_node::machine(kolk_txn_list_append::factory(args).expect("arguments"))
    });
}

#[test]
fn settings_do_not_contradict_each_other() {
    let factory = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        kolk_txn_list_append::factory(&args).map(|_| ())
    };
    for args in [&[][..], &["--service", "lin-kv"], &["--service=lin-kv", "--whole"]] {
        assert_eq!(factory(args), Ok(()), "{args:?}");
    }
    for (args, expected) in [
        (&["--whole"][..], "--whole is for the service: it needs --service lin-kv"),
        (&["--service", "seq-kv"], "--service must be lin-kv"),
        (&["--raft"], "unknown argument `--raft`"),
    ] {
        let error = factory(args).expect_err("refused");
        assert_eq!(error.lines().next(), Some(expected), "{args:?}");
    }
}
