//! The node by itself; under faults it is run by the engine's tests.

use std::collections::BTreeSet;

use kolk_node::{Input, Machine, Outputs, Time};

/// A node in one of its lives, which differ in their entropy.
fn node(name: &str, life: u64) -> Box<dyn Machine> {
    let factory = kolk_unique_ids::factory(&[]).expect("no settings");
    let mut node = kolk_node::machine(factory);
    let init = format!(
        r#"{{"type":"init","msg_id":1,"node_id":"{name}","node_ids":["n1","n2"],
            "lockstep":{{"version":1,"seed":"{life:016x}"}}}}"#
    );
    let input = Input::Message { src: "c0", body: &init };
    assert_eq!(node.step(Time::ZERO, input, &mut Outputs::new()), None);
    node
}

#[test]
fn no_id_comes_twice() {
    let mut ids = BTreeSet::new();
    let mut outputs = Outputs::new();
    for (name, life) in [("n1", 1), ("n2", 1), ("n1", 2), ("n2", 3)] {
        let mut node = node(name, life);
        for _ in 0..100 {
            outputs.clear();
            let body = r#"{"type":"generate","msg_id":1}"#;
            node.step(Time::ZERO, Input::Message { src: "c1", body }, &mut outputs);
            let (_, reply) = outputs.messages().next().expect("every request is answered");
            assert!(
                reply.starts_with(r#"{"type":"generate_ok","in_reply_to":1,"id":""#),
                "{reply}"
            );
            assert!(ids.insert(reply.to_owned()), "{reply} came twice");
        }
    }
    assert_eq!(ids.len(), 400);
}
