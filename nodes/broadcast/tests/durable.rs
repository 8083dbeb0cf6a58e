//! What the node keeps when nodes die: everything with `--durable`, under all faults at once; and
//! without it not what was told to a node that was killed.

use kolk_node::Machine;
use kolk_sweep::{assert_caught, assert_durable};

fn make(args: &[String]) -> Box<dyn Machine> {
    kolk_node::machine(kolk_broadcast::factory(args).expect("arguments"))
}

#[test]
fn a_durable_node_loses_nothing_under_any_fault() {
    assert_durable("broadcast", "--durable", make);
}

#[test]
fn a_node_in_memory_is_caught_when_nodes_are_killed() {
    assert_caught("broadcast", "", make);
}
