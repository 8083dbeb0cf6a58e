//! What the node keeps when nodes die: everything with `--durable`, under all faults at once; and
//! without it not what was added at a node that was killed.

use kolk_node::Machine;
use kolk_sweep::{assert_caught, assert_durable};

fn make(args: &[String]) -> Box<dyn Machine> {
    kolk_node::machine(kolk_g_set::factory(args).expect("arguments"))
}

#[test]
fn a_durable_set_loses_nothing_under_any_fault() {
    assert_durable("g-set", "--durable", make);
}

#[test]
fn a_set_in_memory_is_caught_when_nodes_are_killed() {
    assert_caught("g-set", "", make);
}

#[test]
fn settings_do_not_contradict_each_other() {
    let factory = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        kolk_g_set::factory(&args).map(|_| ())
    };
    assert_eq!(factory(&["--durable"]), Ok(()));
    for args in [&["--durable", "--direct"][..], &["--full-state-ms", "5", "--durable"]] {
        let error = factory(args).expect_err("not both");
        assert!(error.starts_with("--durable goes with no other setting\n"), "{error}");
    }
}
