//! What the nodes keep when they die and there is no store: everything with `--durable`, under all
//! faults at once; and without it not what was added at a node that was killed.

use kolk_node::Machine;
use kolk_sweep::{assert_caught, assert_durable};

fn make(args: &[String]) -> Box<dyn Machine> {
    kolk_node::machine(kolk_g_counter::factory(args).expect("arguments"))
}

#[test]
fn a_durable_counter_loses_nothing_under_any_fault() {
    assert_durable("g-counter", "--crdt --durable", make);
}

#[test]
fn a_counter_in_memory_is_caught_when_nodes_are_killed() {
    assert_caught("g-counter", "--crdt", make);
}
