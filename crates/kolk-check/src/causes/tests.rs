use kolk_history::summary::{MessageCounts, NodeTraffic, StaleAnswer};

use super::*;
use crate::run::{Options, check_run};
use crate::testing::Story;

fn causes(story: &Story, summary: Option<&Summary>, workload: &str) -> Vec<String> {
    let options = Options { workload, ..Options::default() };
    check_run(&story.history, summary, &options).causes
}

fn json(text: &str) -> Value {
    Value::from_json(text).expect("JSON")
}

/// Transactions, each at a node: what was asked for and what came back.
fn transactions(all: &[(u32, &str, &str)]) -> Story {
    let mut story = Story::new(2);
    for (at, (node, asked, done)) in all.iter().enumerate() {
        story.ok(10 * at as u64, *node, Function::Txn, json(asked), json(done));
    }
    story
}

fn talk(count: u64) -> Summary {
    let servers = MessageCounts { send_count: count, recv_count: count, msg_count: count };
    Summary { servers, ..Summary::default() }
}

#[test]
fn nodes_that_say_nothing_are_told() {
    let mut story = Story::new(3);
    for value in 0..6 {
        story.add(value * 10, (value % 3) as u32, value as i64);
    }
    for node in 0..3 {
        story.read(100, node, &[i64::from(node), i64::from(node) + 3]);
    }
    let silent = causes(&story, Some(&talk(0)), "broadcast");
    assert_eq!(silent, ["the nodes sent each other no message at all"]);
    for summary in [Some(&talk(5)), None] {
        let found = causes(&story, summary, "broadcast");
        assert_eq!(found, ["no node ever showed a value that another node was given"]);
    }
    story.read(200, 0, &[0, 1, 3]);
    let found = causes(&story, None, "broadcast");
    assert_eq!(found, ["n1, n2 never showed a value that another node was given"]);
}

#[test]
fn a_program_for_something_else_is_told() {
    let mut story = Story::new(2);
    let refused = |story: &mut Story, millis, function, code| {
        let open = story.invoke(millis, 0, function, Value::Null);
        story.end(millis + 1, open, Outcome::Fail, json(&format!("[{code}, \"unknown\"]")));
    };
    refused(&mut story, 0, Function::Add, 10);
    refused(&mut story, 10, Function::Read, 10);
    let found = unknown_requests(&story.history, "g-set");
    let expected =
        "the program answers every request with error 10: it is not for the workload g-set";
    assert_eq!(found.as_deref(), Some(expected));
    // Another error says that it knows the request.
    refused(&mut story, 20, Function::Read, 11);
    assert_eq!(unknown_requests(&story.history, "g-set"), None);
    assert_eq!(unknown_requests(&Story::new(2).history, "g-set"), None);
}

#[test]
fn nodes_that_are_left_out_are_told() {
    let mut story = Story::new(3);
    story.add(0, 0, 1);
    story.read(10, 0, &[1]);
    story.read(20, 1, &[]);
    let node = |node: &str, to_nodes, from_nodes| NodeTraffic {
        node: node.to_owned(),
        to_nodes,
        from_nodes,
        from_clients: 1,
        ..NodeTraffic::default()
    };
    let stale = |service: &str| StaleAnswer {
        service: service.to_owned(),
        node: "n1".to_owned(),
        time: 0,
        id: 0,
        op: None,
        key: "1".to_owned(),
        answered: None,
        newest: None,
    };
    let summary = Summary {
        traffic: vec![node("n0", 9, 1), node("n1", 0, 9), node("n2", 1, 0)],
        stale_answers: vec![stale("seq-kv"), stale("seq-kv")],
        ..talk(10)
    };
    assert_eq!(
        causes(&story, Some(&summary), "broadcast"),
        [
            "n2 was never sent a message by another node",
            "n1 never sent a message to another node",
            "seq-kv answered n1 from an old state, as it may: whoever writes first, and then \
             reads, is answered from the newest one",
        ]
    );
}

#[test]
fn what_is_valid_needs_no_cause() {
    let mut story = Story::new(2);
    story.add(0, 0, 1);
    story.read(10, 0, &[1]);
    story.read(20, 1, &[1]);
    assert!(causes(&story, Some(&talk(0)), "broadcast").is_empty());
}

#[test]
fn transactions_that_see_nothing_are_told() {
    let mut all = vec![(0, r#"[["append",1,1]]"#, r#"[["append",1,1]]"#)];
    all.extend([(1, r#"[["r",1,null]]"#, r#"[["r",1,null]]"#); 4]);
    let found = causes(&transactions(&all), None, "txn-list-append");
    assert_eq!(found, ["no read ever saw what an earlier transaction wrote"]);
    all.push((1, r#"[["r",1,null]]"#, r#"[["r",1,[1]]]"#));
    assert!(causes(&transactions(&all), None, "txn-list-append").is_empty());
}

#[test]
fn the_zero_value_of_a_language_is_told() {
    for (zero, expected) in [("0", true), ("\"\"", true), ("[0]", true), ("null", false)] {
        let read = format!(r#"[["r",7,{zero}],["r",8,{zero}],["w",7,3]]"#);
        let story = transactions(&[
            (0, r#"[["r",7,null],["r",8,null],["w",7,3]]"#, &read),
            (1, r#"[["r",7,null],["w",7,4]]"#, r#"[["r",7,3],["w",7,4]]"#),
        ]);
        let found = causes(&story, None, "txn-rw-register");
        let told = found.iter().any(|cause| {
            cause.starts_with("a key that was never written must read as null")
                && cause.ends_with(&format!("a node answers {zero}, for key 8 among others"))
        });
        assert_eq!(told, expected, "{zero}: {found:?}");
    }
    let mut story = Story::new(2);
    for (at, result) in ["[5,0]", "[6,0]"].iter().enumerate() {
        let asked = Value::list(vec![Value::Int(5 + at as i64), Value::Null]);
        story.ok(at as u64 * 10, 0, Function::Read, asked, json(result));
    }
    story.ok(50, 0, Function::Write, json("[5,3]"), json("[5,3]"));
    let found = causes(&story, None, "lin-kv");
    assert_eq!(
        found,
        [
            "a key that was never written must read as null: a node answers 0, for key 5 among others"
        ]
    );
}

#[test]
fn nodes_that_count_offsets_each_by_itself_are_told() {
    let mut story = Story::new(2);
    for (node, value) in [(0, 1), (1, 2)] {
        let asked = json(&format!(r#"[["send","x",{value}]]"#));
        let done = json(&format!(r#"[["send","x",[0,{value}]]]"#));
        story.ok(10 * value, node, Function::Send, asked, done);
    }
    let found = causes(&story, None, "kafka");
    assert_eq!(
        found,
        ["n0 and n1 number the messages of a key each by itself: both gave out offset 0 of key x"]
    );
}

#[test]
fn who_forgets_what_it_acknowledged_is_told() {
    use kolk_history::FaultEvent;
    use kolk_protocol::Time;
    let told = "n0 acknowledged op 2 and was killed at 0.050 s: what a node has in memory alone is \
                lost then, so write it to disk before it is acknowledged, or wait until a majority \
                has done so";
    let alike = told.replace("0.050 s:", "0.050 s (one more anomaly is of this kind):");
    let power = "n0 acknowledged op 2 and lost its power at 0.050 s: what a node has not synced to \
                 its disk is lost then, so sync it before it is acknowledged, or wait until a \
                 majority has done so";
    for (function, hit, at, values, expected) in [
        ("kill", r#"{"n0": "killed"}"#, 50, 1, Some(told)),
        ("power", r#"{"n0": "killed"}"#, 50, 1, Some(power)),
        ("kill", r#"{"n0": "killed"}"#, 50, 2, Some(alike.as_str())),
        // Somebody else, nobody, another fault, too early and too late.
        ("kill", r#"{"n1": "killed"}"#, 50, 1, None),
        ("kill", r#"{"n0": "already-dead"}"#, 50, 1, None),
        ("pause", r#"{"n0": "paused"}"#, 50, 1, None),
        ("kill", r#"{"n0": "killed"}"#, 0, 1, None),
        ("kill", r#"{"n0": "killed"}"#, 200, 1, None),
    ] {
        let mut story = Story::new(2);
        let fault = |story: &mut Story, millis| {
            // Faults and operations are numbered together: a read of nothing takes a number.
            let index = story.read(millis, 1, &[]);
            if millis == at {
                let (time, function) = (Time::from_millis(millis), function.to_owned());
                let fault = FaultEvent { index, time, function, value: json(hit) };
                story.history.faults.push(fault);
            }
        };
        fault(&mut story, 0);
        for value in 0..values {
            story.add(10 + value, 0, value as i64);
        }
        fault(&mut story, 50);
        story.read(100, 0, &[]);
        fault(&mut story, 200);
        let found = causes(&story, Some(&talk(9)), "broadcast");
        let found: Vec<&str> = found
            .iter()
            .map(String::as_str)
            .filter(|cause| cause.contains("acknowledged op"))
            .collect();
        assert_eq!(found, Vec::from_iter(expected), "{function} {hit} at {at}");
    }
}
