use kolk_protocol::Key;

use super::*;

const WORKER: Worker = Worker { number: 1, process: 1, node: 0 };

fn append() -> Txn {
    Txn::new(Writes::Append, 10, 4, 16)
}

fn transaction(micro_ops: Vec<Value>) -> Invocation {
    Invocation::new(Function::Txn, Value::List(Arc::new(micro_ops)))
}

/// Runs a transaction against a node that gives these replies: what it is asked, and the end.
fn exchange(
    workload: &mut Txn,
    invocation: &Invocation,
    replies: &[&str],
) -> (Vec<String>, Result<Step, String>) {
    let (mut requests, mut body) = (Vec::new(), Vec::new());
    let mut step = Ok(workload.start(&WORKER, invocation, &mut Call::new(&mut body, 7)));
    for reply in replies {
        requests.push(String::from_utf8(std::mem::take(&mut body)).expect("text"));
        let reply = Body::parse(reply).expect("a body");
        step = workload.reply(&WORKER, invocation, &reply, &mut Call::new(&mut body, 7));
    }
    (requests, step.map_err(|error| error.0))
}

fn ok(step: Result<Step, String>) -> String {
    match step {
        Ok(Step::Done(Completion::Ok(value))) => value.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_are_filled_in() {
    let write = |writes: Writes| micro_op(writes.name(), Value::Int(2), Value::Int(5));
    for (writes, reply, expected) in [
        (
            Writes::Append,
            r#"[["r",1,null],["append",2,5],["r",2,[4,5]],["r",3,[]]]"#,
            r#"[["r",1,null],["append",2,5],["r",2,[4,5]],["r",3,[]]]"#,
        ),
        (
            Writes::Set,
            r#"[["r",1,null],["w",2,5],["r",2,5],["r",3,"x"]]"#,
            r#"[["r",1,null],["w",2,5],["r",2,5],["r",3,"x"]]"#,
        ),
    ] {
        let mut workload = Txn::new(writes, 10, 4, 16);
        let invocation = transaction(vec![read(1), write(writes), read(2), read(3)]);
        let reply = format!(r#"{{"type":"txn_ok","in_reply_to":7,"txn":{reply}}}"#);
        let (requests, step) = exchange(&mut workload, &invocation, &[&reply]);
        let word = writes.name();
        let request = format!(r#"[["r",1,null],["{word}",2,5],["r",2,null],["r",3,null]]"#);
        assert_eq!(requests, [format!(r#"{{"type":"txn","msg_id":7,"txn":{request}}}"#)]);
        assert_eq!(ok(step), expected);
    }
}

#[test]
fn keywords_stay_keywords() {
    let reply = r#"{"type":"txn_ok","in_reply_to":7,"txn":[["r",1,[3]]]}"#;
    let (_, step) = exchange(&mut append(), &transaction(vec![read(1)]), &[reply]);
    let expected = micro_op(&"r", Value::Int(1), Value::ints(vec![3]));
    assert_eq!(step, Ok(Step::Done(Completion::Ok(Value::list(vec![expected])))));
}

#[test]
fn replies_that_do_not_fit_name_the_fault() {
    let write = micro_op(&"append", Value::Int(2), Value::Int(5));
    let invocation = transaction(vec![read(1), write]);
    for (reply, expected) in [
        (r#""ok""#, "field `txn`: invalid type: string \"ok\", expected a sequence"),
        ("null", "field `txn`: invalid type: null, expected a sequence"),
        ("[null]", "field `txn`: invalid type: null, expected a tuple of size 3"),
        (r#"[["r",1]]"#, "field `txn`: invalid length 2, expected a tuple of size 3"),
        (r#"[["r",1,null]]"#, "the transaction has 2 micro-operations, and the reply 1"),
        (
            r#"[["append",2,5],["r",1,null]]"#,
            r#"["r",1,null] was asked for, and the reply has ["append",2,5]"#,
        ),
        (
            r#"[["r","1",null],["append",2,5]]"#,
            r#"["r",1,null] was asked for, and the reply has ["r","1",null]"#,
        ),
        (
            r#"[["r",1,null],["append",2,6]]"#,
            r#"["append",2,5] was asked for, and the reply has ["append",2,6]"#,
        ),
        (r#"[["r",1,4],["append",2,5]]"#, "key 1 was read as 4, which is no list"),
    ] {
        let reply = format!(r#"{{"type":"txn_ok","in_reply_to":7,"txn":{reply}}}"#);
        let (_, step) = exchange(&mut append(), &invocation, &[&reply]);
        assert_eq!(step, Err(expected.to_owned()), "{reply}");
    }
}

#[test]
fn at_the_end_every_key_is_read_in_pieces() {
    let mut workload = Txn::new(Writes::Set, 2, 1, 1);
    for n in 0..2000 {
        workload.next(&WORKER, n, &mut Key::new(1).with(n).random());
    }
    let invocation = workload.converge().expect("reads");
    let count = micro_ops(&invocation).len();
    assert!((900..1100).contains(&count), "about one write in two transactions: {count}");
    let numbers: Vec<String> = (0..count).map(|key| format!(r#"["r",{key},{key}]"#)).collect();
    let replies: Vec<String> = numbers
        .chunks(READ_AT_ONCE)
        .map(|part| format!(r#"{{"type":"txn_ok","in_reply_to":7,"txn":[{}]}}"#, part.join(",")))
        .collect();
    let replies: Vec<&str> = replies.iter().map(String::as_str).collect();
    let (requests, step) = exchange(&mut workload, &invocation, &replies);
    assert_eq!(requests.len(), count.div_ceil(READ_AT_ONCE));
    assert!(requests[1].starts_with(r#"{"type":"txn","msg_id":7,"txn":[["r",512,null],"#));
    assert_eq!(ok(step), format!("[{}]", numbers.join(",")));
    assert!(workload.read.is_empty());
}

#[test]
fn transactions_are_those_of_maelstrom() {
    let mut workload = append();
    let (mut lengths, mut reads, mut written) = ([0; 5], 0, BTreeMap::<i64, Vec<i64>>::new());
    for n in 0..20_000 {
        let random = &mut Key::new(3).with(n).random();
        let invocation = workload.next(&WORKER, n, random).expect("endless");
        assert_eq!(invocation.function, Function::Txn);
        lengths[micro_ops(&invocation).len()] += 1;
        for micro_op in micro_ops(&invocation) {
            let Value::List(parts) = micro_op else { panic!("{micro_op}") };
            let key = parts[1].as_int().expect("an integer");
            match (parts[0].as_str(), &parts[2]) {
                (Some("r"), Value::Null) => reads += 1,
                (Some("append"), Value::Int(value)) => written.entry(key).or_default().push(*value),
                _ => panic!("{micro_op}"),
            }
        }
    }
    for length in &lengths[1..] {
        assert!(i32::abs_diff(*length, 5000) < 400, "{lengths:?}");
    }
    let count: usize =
        lengths.iter().zip(0..).map(|(count, length)| *count as usize * length).sum();
    assert!(count.abs_diff(2 * reads) < count / 50, "{reads} of {count}");
    // Values count up from 1 for each key, to 16, and then the key is replaced.
    assert!(written.values().all(|values| values.iter().copied().eq(1..=values.len() as i64)));
    let full = written.values().filter(|values| values.len() == 16).count();
    assert!(written.len() - full <= 10 && written.values().all(|values| values.len() <= 16));
}
