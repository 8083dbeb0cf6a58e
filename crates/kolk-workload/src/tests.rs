//! What every workload asks, and what it makes of the answers.

use std::collections::BTreeMap;

use kolk_engine::{Call, Completion, Invocation, Step, Worker, Workload};
use kolk_history::{Function, Value};
use kolk_protocol::Key;
use kolk_protocol::message::Body;

use crate::by_name;

const WORKER: Worker = Worker { number: 1, process: 1, node: 0 };

fn workload(name: &str) -> Box<dyn Workload> {
    by_name(name, &BTreeMap::new(), &["n0".to_owned(), "n1".to_owned()]).expect("known")
}

fn generate(name: &str, seed: u64, count: u64) -> Vec<Invocation> {
    let mut workload = workload(name);
    (0..count)
        .filter_map(|n| workload.next(&WORKER, n, &mut Key::new(seed).with(n).random()))
        .collect()
}

/// The request, and what becomes of the reply.
fn exchange(name: &str, invocation: &Invocation, reply: &str) -> (String, Result<Value, String>) {
    let mut workload = workload(name);
    let mut request = Vec::new();
    let mut call = Call::new(&mut request, 7);
    assert_eq!(workload.start(&WORKER, invocation, &mut call), Step::Call);
    let body = Body::parse(reply).expect("a body");
    let step = workload.reply(&WORKER, invocation, &body, &mut call);
    let outcome = match step {
        Ok(Step::Done(Completion::Ok(value))) => Ok(value),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.0),
    };
    (String::from_utf8(request).expect("text"), outcome)
}

#[test]
fn requests_and_replies() {
    let echo = Invocation::new(Function::Echo, "Please echo 3");
    let generate = Invocation::new(Function::Generate, Value::Null);
    let broadcast = Invocation::new(Function::Broadcast, 5);
    let add = Invocation::new(Function::Add, 5);
    let read = Invocation::new(Function::Read, Value::Null);
    let get = Invocation::new(Function::Read, Value::list(vec![3.into(), Value::Null]));
    let put = Invocation::new(Function::Write, Value::ints(vec![3, 4]));
    let swap = Value::list(vec![3.into(), Value::ints(vec![4, 5])]);
    let swap = Invocation::new(Function::Cas, swap);
    for (name, invocation, request, reply, expected) in [
        (
            "echo",
            &echo,
            r#"{"type":"echo","msg_id":7,"echo":"Please echo 3"}"#,
            r#"{"type":"echo_ok","msg_id":1,"in_reply_to":7,"echo":"Please echo 3"}"#,
            Ok(Value::text("Please echo 3")),
        ),
        (
            "echo",
            &echo,
            r#"{"type":"echo","msg_id":7,"echo":"Please echo 3"}"#,
            r#"{"type":"echo_ok","in_reply_to":7,"echo":["Please echo 3"]}"#,
            Ok(Value::list(vec!["Please echo 3".into()])),
        ),
        (
            "unique-ids",
            &generate,
            r#"{"type":"generate","msg_id":7}"#,
            r#"{"type":"generate_ok","in_reply_to":7,"id":"n1-4"}"#,
            Ok(Value::text("n1-4")),
        ),
        (
            "broadcast",
            &broadcast,
            r#"{"type":"broadcast","msg_id":7,"message":5}"#,
            r#"{"type":"broadcast_ok","in_reply_to":7}"#,
            Ok(Value::Int(5)),
        ),
        (
            "broadcast",
            &read,
            r#"{"type":"read","msg_id":7}"#,
            r#"{"type":"read_ok","in_reply_to":7,"messages":[3,1]}"#,
            Ok(Value::ints(vec![3, 1])),
        ),
        (
            "g-set",
            &add,
            r#"{"type":"add","msg_id":7,"element":5}"#,
            r#"{"type":"add_ok","in_reply_to":7}"#,
            Ok(Value::Int(5)),
        ),
        (
            "g-set",
            &read,
            r#"{"type":"read","msg_id":7}"#,
            r#"{"type":"read_ok","in_reply_to":7,"value":[]}"#,
            Ok(Value::ints(vec![])),
        ),
        (
            "g-counter",
            &add,
            r#"{"type":"add","msg_id":7,"delta":5}"#,
            r#"{"type":"add_ok","in_reply_to":7}"#,
            Ok(Value::Int(5)),
        ),
        (
            "pn-counter",
            &read,
            r#"{"type":"read","msg_id":7}"#,
            r#"{"type":"read_ok","in_reply_to":7,"value":-3}"#,
            Ok(Value::Int(-3)),
        ),
        (
            "seq-kv",
            &get,
            r#"{"type":"read","msg_id":7,"key":3}"#,
            r#"{"type":"read_ok","in_reply_to":7,"value":4}"#,
            Ok(Value::ints(vec![3, 4])),
        ),
        (
            "seq-kv",
            &get,
            r#"{"type":"read","msg_id":7,"key":3}"#,
            r#"{"type":"read_ok","in_reply_to":7,"value":null}"#,
            Ok(get.value.clone()),
        ),
        (
            "seq-kv",
            &put,
            r#"{"type":"write","msg_id":7,"key":3,"value":4}"#,
            r#"{"type":"write_ok","in_reply_to":7}"#,
            Ok(put.value.clone()),
        ),
        (
            "seq-kv",
            &swap,
            r#"{"type":"cas","msg_id":7,"key":3,"from":4,"to":5}"#,
            r#"{"type":"cas_ok","in_reply_to":7}"#,
            Ok(swap.value.clone()),
        ),
    ] {
        assert_eq!(exchange(name, invocation, reply), (request.to_owned(), expected), "{reply}");
    }
}

#[test]
fn replies_that_do_not_fit_name_the_fault() {
    let broadcast = Invocation::new(Function::Broadcast, 5);
    let read = Invocation::new(Function::Read, Value::Null);
    for (invocation, reply, expected) in [
        (
            &broadcast,
            r#"{"in_reply_to":7}"#,
            "the reply has no `type`: `broadcast_ok` was expected",
        ),
        (
            &broadcast,
            r#"{"type":"read_ok","in_reply_to":7,"messages":[]}"#,
            "the reply's type is `read_ok`: `broadcast_ok` was expected",
        ),
        (
            &broadcast,
            r#"{"type":"broadcast_ok","in_reply_to":7,"message":5}"#,
            "unknown field `message`, there are no fields",
        ),
        (&read, r#"{"type":"read_ok","in_reply_to":7}"#, "missing field `messages`"),
        (
            &read,
            r#"{"type":"read_ok","in_reply_to":7,"messages":"all"}"#,
            "field `messages`: invalid type: string \"all\", expected a sequence",
        ),
        (
            &read,
            r#"{"type":"read_ok","in_reply_to":7,"messages":[1,2.5]}"#,
            "field `messages`: invalid type: floating point `2.5`, expected i64",
        ),
    ] {
        let (_, outcome) = exchange("broadcast", invocation, reply);
        assert_eq!(outcome, Err(expected.to_owned()), "{reply}");
    }
}

/// Where a list, a map or a number must be.
#[test]
fn null_is_a_malformed_reply() {
    let read = Invocation::new(Function::Read, Value::Null);
    let sequence = "invalid type: null, expected a sequence";
    let integer = "invalid type: null, expected i64";
    for (name, field, expected) in [
        ("broadcast", "messages", sequence),
        ("g-set", "value", sequence),
        ("g-counter", "value", integer),
        ("pn-counter", "value", integer),
    ] {
        let reply = format!(r#"{{"type":"read_ok","in_reply_to":7,"{field}":null}}"#);
        let (_, outcome) = exchange(name, &read, &reply);
        assert_eq!(outcome, Err(format!("field `{field}`: {expected}")), "{name}");
    }
    let reply = r#"{"type":"read_ok","in_reply_to":7,"messages":[1,null]}"#;
    assert_eq!(exchange("broadcast", &read, reply).1, Err(format!("field `messages`: {integer}")));
}

#[test]
fn echo_draws_all_payloads() {
    let mut payloads: Vec<String> = generate("echo", 1, 4000)
        .iter()
        .map(|invocation| invocation.value.as_str().expect("a string").to_owned())
        .collect();
    payloads.sort();
    payloads.dedup();
    let mut expected: Vec<String> = (0..128).map(|n| format!("Please echo {n}")).collect();
    expected.sort();
    assert_eq!(payloads, expected);
}

#[test]
fn sets_count_up_and_are_read_half_the_time() {
    for (name, adds) in [("broadcast", Function::Broadcast), ("g-set", Function::Add)] {
        let operations = generate(name, 2, 2000);
        let values: Vec<i64> = operations
            .iter()
            .filter(|invocation| invocation.function == adds)
            .map(|invocation| invocation.value.as_int().expect("an integer"))
            .collect();
        assert_eq!(values, (0..values.len() as i64).collect::<Vec<_>>());
        assert!((900..1100).contains(&values.len()), "{}", values.len());
        let others = operations.iter().filter(|invocation| invocation.function != adds);
        for read in others {
            assert_eq!(*read, Invocation::new(Function::Read, Value::Null));
        }
    }
}

#[test]
fn counters_draw_all_deltas() {
    for (name, least, adds_expected) in [("g-counter", 0, 1000), ("pn-counter", -5, 1500)] {
        let operations = generate(name, 3, 3000);
        let mut deltas: Vec<i64> =
            operations.iter().filter_map(|invocation| invocation.value.as_int()).collect();
        assert!(deltas.len().abs_diff(adds_expected) < 100, "{name}: {}", deltas.len());
        deltas.sort_unstable();
        deltas.dedup();
        assert_eq!(deltas, (least..=4).collect::<Vec<i64>>(), "{name}");
    }
}

/// What a seed means is part of the format of a plan: this may never change.
#[test]
fn draws_are_frozen() {
    let shown = |name| {
        let operations = generate(name, 42, 8);
        let texts = operations.iter().map(|op| format!("{} {}", op.function, op.value));
        texts.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(
        ["echo", "broadcast", "g-set", "g-counter", "pn-counter", "seq-kv"].map(shown),
        [
            "echo \"Please echo 117\", echo \"Please echo 88\", echo \"Please echo 47\", \
             echo \"Please echo 28\", echo \"Please echo 69\", echo \"Please echo 0\", \
             echo \"Please echo 101\", echo \"Please echo 11\"",
            "read null, read null, broadcast 0, broadcast 1, read null, broadcast 2, read null, \
             broadcast 3",
            "read null, read null, add 0, add 1, read null, add 2, read null, add 3",
            "read null, read null, add 4, add 4, read null, add 3, read null, add 3",
            "read null, read null, add 4, add -4, read null, add 3, read null, add 3",
            "write [4,1], write [3,2], cas [1,[0,3]], read [1,null], write [2,4], cas [0,[0,5]], \
             cas [3,[0,6]], cas [0,[0,7]]",
        ]
    );
    let appends = r#"txn [["r",9,null],["append",9,1],["append",8,1],["r",8,null]], txn [["r",9,null],["append",5,1],["r",9,null]], txn [["r",9,null],["r",8,null]], txn [["r",7,null]], txn [["append",9,2],["append",9,3],["append",9,4]], txn [["r",9,null]], txn [["r",9,null],["r",9,null],["r",9,null],["append",7,1]], txn [["r",9,null]]"#;
    assert_eq!(shown("txn-list-append"), appends);
    assert_eq!(shown("txn-rw-register"), appends.replace("append", "w"));
}

#[test]
fn sets_and_counters_have_final_reads_and_converge() {
    for (name, expected) in [
        ("echo", false),
        ("unique-ids", false),
        ("broadcast", true),
        ("g-set", true),
        ("g-counter", true),
        ("pn-counter", true),
    ] {
        let mut workload = workload(name);
        let read = expected.then(|| Invocation::new(Function::Read, Value::Null));
        assert_eq!(workload.has_final(), expected, "{name}");
        assert_eq!(workload.last(&WORKER, 0), read, "{name}");
        assert_eq!(workload.last(&WORKER, 1), None, "{name}");
        assert_eq!(workload.converge(), read, "{name}");
    }
}

#[test]
fn broadcast_alone_has_a_setup() {
    let mut body = Vec::new();
    assert!(workload("broadcast").setup(&WORKER, &mut Call::new(&mut body, 1)));
    assert_eq!(
        String::from_utf8_lossy(&body),
        r#"{"type":"topology","msg_id":1,"topology":{"n0":["n1"],"n1":["n0"]}}"#
    );
    for name in ["echo", "unique-ids", "g-set"] {
        assert!(!workload(name).setup(&WORKER, &mut Call::new(&mut body, 1)), "{name}");
    }
}
