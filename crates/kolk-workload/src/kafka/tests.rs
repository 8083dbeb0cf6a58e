use kolk_protocol::Key;

use super::*;

const WORKER: Worker = Worker { number: 1, process: 1, node: 0 };

/// Does an operation against a node that gives these replies; what it is asked, and the end.
fn exchange(
    kafka: &mut Kafka,
    worker: &Worker,
    invocation: &Invocation,
    replies: &[&str],
) -> (Vec<String>, Result<Completion, ReplyError>) {
    let mut requests = Vec::new();
    let mut body = Vec::new();
    let mut step = Ok(kafka.start(worker, invocation, &mut Call::new(&mut body, 7)));
    for reply in replies {
        assert_eq!(step, Ok(Step::Call), "{invocation:?}: {reply} is one too many");
        requests.push(String::from_utf8(std::mem::take(&mut body)).expect("text"));
        let reply = Body::parse(reply).expect("a body");
        step = kafka.reply(worker, invocation, &reply, &mut Call::new(&mut body, 7));
    }
    let end = step.map(|step| match step {
        Step::Done(completion) => completion,
        Step::Call => panic!("{invocation:?} wants to know more"),
    });
    (requests, end)
}

fn ok(json: &str) -> Result<Completion, ReplyError> {
    Ok(Completion::Ok(Value::from_json(json).expect("JSON")))
}

/// As JSON: keywords are told from text by nobody here.
fn same(end: Result<Completion, ReplyError>, json: &str) {
    match end {
        Ok(Completion::Ok(value)) => assert_eq!(value.to_string(), json),
        other => panic!("{other:?}, not {json}"),
    }
}

fn poll() -> Invocation {
    Invocation::new(Function::Poll, Kafka::new(1, 1).poll)
}

fn assign(of: &[&str]) -> Invocation {
    let of: Vec<Arc<String>> = of.iter().map(|key| Arc::new((*key).to_owned())).collect();
    assignment(of.iter())
}

fn send(key: &str, message: i64) -> Invocation {
    let value = send_value(&Arc::new(key.to_owned()), Value::Int(message));
    Invocation::new(Function::Send, value)
}

#[test]
fn a_send_ends_with_its_offset() {
    let mut kafka = Kafka::new(1, 1);
    let reply = r#"{"type":"send_ok","in_reply_to":7,"offset":9007199254740993}"#;
    let (requests, end) = exchange(&mut kafka, &WORKER, &send("3", 5), &[reply]);
    assert_eq!(requests, [r#"{"type":"send","msg_id":7,"key":"3","msg":5}"#]);
    same(end, r#"[["send","3",[9007199254740993,5]]]"#);
}

#[test]
fn a_poll_commits_what_it_saw_and_moves_on() {
    let mut kafka = Kafka::new(1, 1);
    let committed =
        r#"{"type":"list_committed_offsets_ok","in_reply_to":7,"offsets":{"2":6,"9":1}}"#;
    let (requests, end) = exchange(&mut kafka, &WORKER, &assign(&["1", "2"]), &[committed]);
    assert_eq!(requests, [r#"{"type":"list_committed_offsets","msg_id":7,"keys":["1","2"]}"#]);
    assert_eq!(end, ok(r#"["1","2"]"#));
    let polled = r#"{"type":"poll_ok","in_reply_to":7,"msgs":{"1":[[0,4],[3,"x"]],"2":[],"3":[]}}"#;
    let (requests, end) = exchange(
        &mut kafka,
        &WORKER,
        &poll(),
        &[polled, r#"{"type":"commit_offsets_ok","in_reply_to":7}"#],
    );
    assert_eq!(
        requests,
        [
            r#"{"type":"poll","msg_id":7,"offsets":{"1":0,"2":6}}"#,
            r#"{"type":"commit_offsets","msg_id":7,"offsets":{"1":3}}"#
        ]
    );
    same(end, r#"[["poll",{"1":[[0,4],[3,"x"]],"2":[],"3":[]}]]"#);
    // Its own position comes before what is committed; a poll that returns nothing commits nothing.
    let committed = r#"{"type":"list_committed_offsets_ok","in_reply_to":7,"offsets":{"1":1}}"#;
    exchange(&mut kafka, &WORKER, &assign(&["1"]), &[committed]).1.expect("assigned");
    let (requests, end) = exchange(
        &mut kafka,
        &WORKER,
        &poll(),
        &[r#"{"type":"poll_ok","in_reply_to":7,"msgs":{}}"#],
    );
    assert_eq!(requests, [r#"{"type":"poll","msg_id":7,"offsets":{"1":4}}"#]);
    same(end, r#"[["poll",{}]]"#);
}

#[test]
fn a_poll_that_did_not_end_well_did_not_move() {
    let mut kafka = Kafka::new(1, 1);
    let none = r#"{"type":"list_committed_offsets_ok","in_reply_to":7,"offsets":{}}"#;
    exchange(&mut kafka, &WORKER, &assign(&["1"]), &[none]).1.expect("assigned");
    let mut body = Vec::new();
    let polled = r#"{"type":"poll_ok","in_reply_to":7,"msgs":{"1":[[0,4]]}}"#;
    let polled = Body::parse(polled).expect("a body");
    kafka.start(&WORKER, &poll(), &mut Call::new(&mut body, 7));
    let step = kafka.reply(&WORKER, &poll(), &polled, &mut Call::new(&mut body, 8));
    assert_eq!(step, Ok(Step::Call));
    kafka.ended(&WORKER, &poll(), true);
    kafka.start(&WORKER, &poll(), &mut Call::new(&mut body, 9));
    assert_eq!(
        String::from_utf8(body.clone()).expect("text"),
        r#"{"type":"poll","msg_id":9,"offsets":{"1":0}}"#
    );
    // A new process is a fresh client: nothing is assigned to it.
    let fresh = Worker { process: 5, ..WORKER };
    kafka.start(&fresh, &poll(), &mut Call::new(&mut body, 1));
    assert_eq!(
        String::from_utf8(body).expect("text"),
        r#"{"type":"poll","msg_id":1,"offsets":{}}"#
    );
}

#[test]
fn replies_that_do_not_fit_are_refused() {
    for (invocation, reply, problem) in [
        (send("1", 1), r#"{"type":"send_ok","in_reply_to":7}"#, "missing field `offset`"),
        (
            send("1", 1),
            r#"{"type":"send_ok","in_reply_to":7,"offset":"0"}"#,
            "field `offset`: invalid type: string \"0\", expected i64",
        ),
        (
            send("1", 1),
            r#"{"type":"send_ok","in_reply_to":7,"offset":null}"#,
            "field `offset`: invalid type: null, expected i64",
        ),
        (
            poll(),
            r#"{"type":"poll_ok","in_reply_to":7,"msgs":null}"#,
            "field `msgs`: invalid type: null, expected a map",
        ),
        (
            poll(),
            r#"{"type":"poll_ok","in_reply_to":7,"msgs":{"1":null}}"#,
            "field `msgs`: invalid type: null, expected a sequence",
        ),
        (
            poll(),
            r#"{"type":"poll_ok","in_reply_to":7,"msgs":{"1":[[null,4]]}}"#,
            "field `msgs`: invalid type: null, expected i64",
        ),
        (
            assign(&["1"]),
            r#"{"type":"list_committed_offsets_ok","in_reply_to":7,"offsets":null}"#,
            "field `offsets`: invalid type: null, expected a map",
        ),
        (
            assign(&["1"]),
            r#"{"type":"list_committed_offsets_ok","in_reply_to":7,"offsets":{"1":null}}"#,
            "field `offsets`: invalid type: null, expected i64",
        ),
        (
            poll(),
            r#"{"type":"poll_ok","in_reply_to":7,"msgs":{"1":[[0]]}}"#,
            "field `msgs`: invalid length 1, expected a tuple of size 2",
        ),
        (
            poll(),
            r#"{"type":"poll_ok","in_reply_to":7,"msgs":{},"more":1}"#,
            "unknown field `more`, expected `msgs`",
        ),
        (
            poll(),
            r#"{"type":"send_ok","in_reply_to":7,"offset":0}"#,
            "the reply's type is `send_ok`: `poll_ok` was expected",
        ),
    ] {
        let (_, end) = exchange(&mut Kafka::new(1, 1), &WORKER, &invocation, &[reply]);
        assert_eq!(end, Err(ReplyError(problem.to_owned())), "{reply}");
    }
}

#[test]
fn at_the_end_everything_is_polled_from_the_beginning() {
    let mut kafka = Kafka::new(1, 1);
    assert_eq!(kafka.last(&WORKER, 0), None, "nothing is known to be there");
    let sent = r#"{"type":"send_ok","in_reply_to":7,"offset":3}"#;
    exchange(&mut kafka, &WORKER, &send("1", 1), &[sent]).1.expect("sent");
    exchange(&mut kafka, &WORKER, &send("2", 1), &[sent]).1.expect("sent");
    let crash = kafka.last(&WORKER, 0).expect("a crash");
    assert_eq!(crash.function, Function::Crash);
    let (_, end) = exchange(&mut kafka, &WORKER, &crash, &[]);
    assert_eq!(end, Ok(Completion::Info(Value::Null)));
    let worker = Worker { process: 3, ..WORKER };
    let all = kafka.last(&worker, 1).expect("an assignment");
    let (requests, end) = exchange(&mut kafka, &worker, &all, &[]);
    assert_eq!((requests.len(), end), (0, ok(r#"["1","2"]"#)));
    let committed = r#"{"type":"commit_offsets_ok","in_reply_to":7}"#;
    for (nth, polled, requested) in [
        (2, r#""1":[[3,1]]"#, r#"{"1":0,"2":0}"#),
        (3, r#""2":[[2,1]]"#, r#"{"1":4,"2":0}"#),
        (4, r#""2":[[3,2]]"#, r#"{"1":4,"2":3}"#),
    ] {
        let invocation = kafka.last(&worker, nth).expect("a poll");
        let polled = format!(r#"{{"type":"poll_ok","in_reply_to":7,"msgs":{{{polled}}}}}"#);
        let (requests, _) = exchange(&mut kafka, &worker, &invocation, &[&polled, committed]);
        assert_eq!(requests[0], format!(r#"{{"type":"poll","msg_id":7,"offsets":{requested}}}"#));
    }
    assert_eq!(kafka.last(&worker, 5), None, "all is seen");
    assert_eq!(kafka.pause(&worker, 2), Duration::ZERO);
    assert_eq!(kafka.pause(&worker, 3), FINAL_PAUSE);
}

#[test]
fn operations_are_mixed_as_in_maelstrom() {
    let mut kafka = Kafka::new(10, 16);
    kafka.crash_chance = 1e-3;
    let operations: Vec<Invocation> = (0..100_000)
        .map(|n| kafka.next(&WORKER, n, &mut Key::new(3).with(n).random()).expect("endless"))
        .collect();
    let count =
        |function| operations.iter().filter(|operation| operation.function == function).count();
    for (function, expected) in [
        (Function::Crash, 100),
        (Function::Assign, 100_000 / 64),
        (Function::Send, 49_200),
        (Function::Poll, 49_200),
    ] {
        let count = count(function);
        assert!(count.abs_diff(expected) < expected / 4, "{function}: {count}");
    }
    let mut sent: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for operation in operations.iter().filter(|operation| operation.function == Function::Send) {
        let (key, message) = sending(&operation.value);
        sent.entry(key.to_string()).or_default().push(message);
    }
    // Values count up from 1 for each key, to 16, and then the key is replaced.
    assert!(sent.values().all(|values| values.iter().copied().eq(1..=values.len() as i64)));
    let full = sent.values().filter(|values| values.len() == 16).count();
    assert!(sent.len() - full <= 10 && sent.values().all(|values| values.len() <= 16));
}

#[test]
fn some_assignments_catch_up() {
    let mut kafka = Kafka::new(2, 16);
    let sent = r#"{"type":"send_ok","in_reply_to":7,"offset":0}"#;
    for key in ["a", "b"] {
        exchange(&mut kafka, &WORKER, &send(key, 1), &[sent]).1.expect("sent");
    }
    let mut lengths: BTreeMap<usize, u32> = BTreeMap::new();
    for n in 0..3000 {
        let assign = kafka.assign(0, &mut Key::new(5).with(n).random());
        *lengths.entry(keys(&assign.value).count()).or_default() += 1;
    }
    assert_eq!(lengths.keys().copied().collect::<Vec<_>>(), [1, 3]);
    assert!(lengths[&3].abs_diff(1000) < 150, "{lengths:?}");
}
