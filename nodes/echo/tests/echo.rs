//! The node by itself; under faults it is run by the engine's tests.

use kolk_node::{Input, Outputs, Time};

#[test]
fn payloads_come_back_unchanged() {
    let factory = kolk_echo::factory(&[]).expect("no settings");
    let (mut node, mut outputs) = (kolk_node::machine(factory), Outputs::new());
    let init = r#"{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}"#;
    node.step(Time::ZERO, Input::Message { src: "c0", body: init }, &mut outputs);
    for payload in ["\"Please echo 35\"", "null", "[1,{\"a\":[]}]", "1.5", "\"\\u0000ä\""] {
        outputs.clear();
        let body = format!(r#"{{"echo":{payload},"type":"echo","msg_id":7}}"#);
        node.step(Time::ZERO, Input::Message { src: "c1", body: &body }, &mut outputs);
        let expected = format!(r#"{{"type":"echo_ok","in_reply_to":7,"echo":{payload}}}"#);
        assert_eq!(outputs.messages().collect::<Vec<_>>(), [("c1", &*expected)]);
    }
}

#[test]
fn there_are_no_settings() {
    let error = kolk_echo::factory(&["--loud".to_owned()]).err();
    assert_eq!(error.as_deref(), Some("unknown argument `--loud`: this node has no settings"));
}
