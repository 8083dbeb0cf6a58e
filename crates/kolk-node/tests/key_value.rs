//! The clients of the services, answered by hand in virtual time.

mod common;

use std::rc::Rc;

use common::{Stepper, ms};
use kolk_node::{Context, KeyValue, Node, RpcError};
use serde::{Deserialize, Serialize};

type Script = Rc<dyn Fn(KeyValue) -> std::pin::Pin<Box<dyn Future<Output = Outcome>>>>;
type Outcome = Result<String, RpcError>;

struct Client(Script);

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Go {
    Go,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Done { text: String },
}

impl Node for Client {
    type Request = Go;
    type Reply = Done;

    async fn handle(&self, cx: &Context, Go::Go: Go) -> Result<Done, RpcError> {
        let text = (self.0)(cx.seq_kv().within(ms(100))).await?;
        Ok(Done::Done { text })
    }
}

fn script<F: Future<Output = Outcome> + 'static>(act: impl Fn(KeyValue) -> F + 'static) -> Script {
    Rc::new(move |store| Box::pin(act(store)))
}

/// How a test answers a request: not at all, well, or with an error of this code.
#[derive(Clone, Copy)]
enum Answer {
    No,
    Ok(&'static str),
    Error(u32),
}
use Answer::{Error, No, Ok as Good};

/// A text like the ones that nobody has used before.
fn is_fresh(text: &str) -> bool {
    text.starts_with("\"n1-") && text.len() == 2 + 3 + 32
}

/// Runs a script: each request it is expected to send (its `type`, and what follows the `msg_id`;
/// `FRESH` stands for a text never used before), and how it is answered; then what comes of it.
fn check(name: &str, act: &Script, exchange: &[(&str, Answer)], outcome: Result<&str, u32>) {
    let (mut node, _) = Stepper::new({
        let act = Rc::clone(act);
        move |_| Client(act)
    });
    let mut sent = node.get("c1", r#"{"type":"go","msg_id":1}"#);
    for (number, (request, answer)) in exchange.iter().enumerate() {
        let id = number + 1;
        while sent.is_empty() {
            sent = node.wake();
        }
        let (kind, rest) = request.split_once(' ').unwrap_or((request, ""));
        let expected = format!(r#"seq-kv {{"type":"{kind}","msg_id":{id},{rest}}}"#);
        let (before, after) = expected.split_once("FRESH").unwrap_or((&expected, ""));
        let fresh = sent[0].strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        let fits = fresh.is_some_and(|fresh| fresh.is_empty() || is_fresh(fresh));
        assert!(sent.len() == 1 && fits, "{name}: {sent:?}, not {expected}");
        sent = match answer {
            No => node.wake(),
            Good(body) => {
                node.get("seq-kv", &format!(r#"{{"type":"{kind}_ok","in_reply_to":{id}{body}}}"#))
            }
            Error(code) => {
                let body =
                    format!(r#"{{"type":"error","in_reply_to":{id},"code":{code},"text":"e"}}"#);
                node.get("seq-kv", &body)
            }
        };
    }
    while sent.is_empty() {
        sent = node.wake();
    }
    let expected = match outcome {
        Ok(text) => format!(r#"c1 {{"type":"done","in_reply_to":1,"text":"{text}"}}"#),
        Err(code) => format!(r#"c1 {{"type":"error","in_reply_to":1,"code":{code},"#),
    };
    assert!(sent[0].starts_with(&expected), "{name}: {sent:?}, not {expected}");
    assert_eq!((sent.len(), node.deadline), (1, None), "{name}");
}

#[test]
fn reading_and_writing() {
    let read = script(async |kv| Ok(format!("{:?}", kv.read::<u64>("k").await?)));
    let key = r#"read "key":"k""#;
    for (answer, outcome) in [
        (Good(r#","value":5"#), Ok("Some(5)")),
        (Good(r#","value":"x""#), Err(13)),
        (Error(20), Ok("None")),
        (Error(11), Err(11)),
        (No, Err(0)),
    ] {
        check("read", &read, &[(key, answer)], outcome);
    }
    let write = script(async |kv| kv.write(&(1, 2), "v").await.map(|()| String::new()));
    let set = r#"write "key":[1,2],"value":"v""#;
    for (answer, outcome) in [(Good(""), Ok("")), (No, Err(0)), (Error(11), Err(11))] {
        check("write", &write, &[(set, answer)], outcome);
    }
}

#[test]
fn a_compare_and_set_without_an_answer_has_not_failed() {
    let cas = script(async |kv| Ok(kv.cas("k", &1, &2).await?.to_string()));
    let or_create = script(async |kv| Ok(kv.cas_or_create("k", &1, &2).await?.to_string()));
    let create = script(async |kv| Ok(kv.create_if_not_exists("k", &2).await?.to_string()));
    let swap = |create| format!(r#"cas "key":"k","from":1,"to":2,"create_if_not_exists":{create}"#);
    let first = r#"cas "key":"k","from":FRESH,"to":2,"create_if_not_exists":true"#;
    for (answer, outcome) in [
        (Good(""), Ok("true")),
        (Error(22), Ok("false")),
        (Error(20), Err(20)),
        (Error(11), Err(11)),
        (Error(13), Err(13)),
        (Error(99), Err(99)),
        (No, Err(0)),
    ] {
        check("cas", &cas, &[(&swap(false), answer)], outcome);
        check("cas or create", &or_create, &[(&swap(true), answer)], outcome);
        check("create", &create, &[(first, answer)], outcome);
    }
}

#[test]
fn updates() {
    let count = script(async |kv| {
        let next = kv.update("k", |count: Option<u64>| count.unwrap_or(0) + 1).await?;
        Ok(next.to_string())
    });
    let read = r#"read "key":"k""#;
    let first = r#"cas "key":"k","from":FRESH,"to":1,"create_if_not_exists":true"#;
    let second = r#"cas "key":"k","from":1,"to":2,"create_if_not_exists":false"#;
    let barrier = r#"write "key":"barrier-n1","value":FRESH"#;
    for (name, exchange, outcome) in [
        ("the first", &[(read, Error(20)), (first, Good(""))][..], Ok("1")),
        (
            "another was quicker",
            &[
                (read, Error(20)),
                (first, Error(22)),
                (barrier, Good("")),
                (read, Good(r#","value":1"#)),
                (second, Good("")),
            ],
            Ok("2"),
        ),
        ("nobody knows", &[(read, Good(r#","value":1"#)), (second, No)], Err(0)),
    ] {
        check(name, &count, exchange, outcome);
    }
}

/// What a barrier writes must never have been there before.
#[test]
fn barriers_write_something_new() {
    let act = script(async |kv| {
        kv.barrier().await?;
        kv.barrier().await.map(|()| String::new())
    });
    let (mut node, _) = Stepper::new(move |_| Client(act));
    let mut written = Vec::new();
    let mut sent = node.get("c1", r#"{"type":"go","msg_id":1}"#);
    for id in 1..=2 {
        let request: serde_json::Value =
            serde_json::from_str(sent[0].strip_prefix("seq-kv ").expect("to the store"))
                .expect("is JSON");
        assert_eq!(request["type"], "write");
        assert_eq!(request["key"], "barrier-n1");
        written.push(request["value"].clone());
        sent = node.get("seq-kv", &format!(r#"{{"type":"write_ok","in_reply_to":{id}}}"#));
    }
    assert_ne!(written[0], written[1]);
    assert_eq!(sent, [r#"c1 {"type":"done","in_reply_to":1,"text":""}"#]);
}

#[test]
fn timestamps() {
    struct Clock;
    impl Node for Clock {
        type Request = Go;
        type Reply = Done;
        async fn handle(&self, cx: &Context, Go::Go: Go) -> Result<Done, RpcError> {
            Ok(Done::Done { text: cx.lin_tso().next().await?.to_string() })
        }
    }
    let (mut node, _) = Stepper::new(|_| Clock);
    let asked = node.get("c1", r#"{"type":"go","msg_id":1}"#);
    assert_eq!(asked, [r#"lin-tso {"type":"ts","msg_id":1}"#]);
    assert_eq!(
        node.get("lin-tso", r#"{"type":"ts_ok","in_reply_to":1,"ts":9}"#),
        [r#"c1 {"type":"done","in_reply_to":1,"text":"9"}"#]
    );
}
