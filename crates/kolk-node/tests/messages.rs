//! What becomes of messages: `init`, requests, replies, whatever does not fit.

mod common;

use std::cell::Cell;
use std::rc::Rc;

use common::{INIT, Stepper};
use kolk_node::{Context, ErrorCode, Node, RpcError};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Add { delta: i64 },
    Read,
    WhoAsks {},
    Fail { code: u32 },
    Silence,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    AddOk,
    ReadOk { value: i64 },
    Asker { src: String, wants_reply: bool, me: String, peers: Vec<String> },
}

#[derive(Default)]
struct Counter {
    value: Cell<i64>,
}

impl Node for Counter {
    type Request = Request;
    type Reply = Option<Reply>;

    async fn handle(&self, cx: &Context, request: Request) -> Result<Option<Reply>, RpcError> {
        Ok(Some(match request {
            Request::Add { delta } => {
                self.value.set(self.value.get() + delta);
                Reply::AddOk
            }
            Request::Read => Reply::ReadOk { value: self.value.get() },
            Request::WhoAsks {} => Reply::Asker {
                src: cx.src().to_owned(),
                wants_reply: cx.wants_reply(),
                me: cx.node_id().to_owned(),
                peers: cx.peers().to_vec(),
            },
            Request::Fail { code } => return Err(RpcError::new(ErrorCode(code), "as asked")),
            Request::Silence => return Ok(None),
        }))
    }
}

/// Whatever a request is called, its answer calls it the same; what answers none of the node's own
/// requests is passed over.
#[test]
fn requests_may_be_called_anything() {
    for id in [
        "0",
        "-0",
        "1.0",
        "1.50",
        "9223372036854775808",
        "\"7d4f0f2e-8a39\"",
        "\"\\u00e9\"",
        "[1, 2]",
        "{\"b\": 1}",
        "true",
    ] {
        let (mut node, _) = Stepper::new(counter);
        let ok = node.get("n2", &format!(r#"{{"type":"add","msg_id": {id} ,"delta":3}}"#));
        assert_eq!(ok, [format!(r#"n2 {{"type":"add_ok","in_reply_to":{id}}}"#)]);
        let error = node.get("n2", &format!(r#"{{"type":"fly","msg_id":{id}}}"#));
        assert!(
            error[0].starts_with(&format!(r#"n2 {{"type":"error","in_reply_to":{id},"code":10"#))
        );
        assert_eq!(node.get("n2", &format!(r#"{{"type":"add","in_reply_to":{id}}}"#)), [""; 0]);
    }
    // Null is none.
    let (mut node, _) = Stepper::new(counter);
    assert_eq!(node.get("n2", r#"{"type":"add","msg_id":null,"delta":3}"#), [""; 0]);
}

fn counter(_: &Context) -> Counter {
    Counter::default()
}

#[test]
fn requests_and_what_does_not_fit() {
    let (mut node, _) = Stepper::new(counter);
    let none: &[&str] = &[];
    for (body, sent) in [
        (
            r#"{"type":"add","msg_id":0,"delta":3}"#,
            &[r#"c1 {"type":"add_ok","in_reply_to":0}"#][..],
        ),
        // One-way: done, and not answered.
        (r#"{"type":"add","delta":4}"#, none),
        (
            r#"{"type":"read","msg_id":-2,"more":{}}"#,
            &[r#"c1 {"type":"read_ok","in_reply_to":-2,"value":7}"#],
        ),
        (
            r#"{"type":"who_asks","msg_id":3}"#,
            &[concat!(
                r#"c1 {"type":"asker","in_reply_to":3,"src":"c1","wants_reply":true,"#,
                r#""me":"n1","peers":["n0","n2"]}"#
            )],
        ),
        (
            r#"{"type":"fail","msg_id":4,"code":11}"#,
            &[r#"c1 {"type":"error","in_reply_to":4,"code":11,"text":"as asked"}"#],
        ),
        (
            r#"{"type":"subtract","msg_id":5}"#,
            &[r#"c1 {"type":"error","in_reply_to":5,"code":10,"text":"unknown type `subtract`"}"#],
        ),
        (
            r#"{"type":"add","msg_id":6,"delta":"x"}"#,
            &[concat!(
                r#"c1 {"type":"error","in_reply_to":6,"code":12,"#,
                r#""text":"field `delta`: invalid type: string \"x\", expected i64"}"#
            )],
        ),
        (
            r#"{"type":"silence","msg_id":7}"#,
            &[concat!(
                r#"c1 {"type":"error","in_reply_to":7,"code":13,"#,
                r#""text":"the answer cannot be written: none is no body: it must be an enum's variant"}"#
            )],
        ),
        (r#"{"type":"silence"}"#, none),
        // Answers to nothing, and what is not even a body.
        (r#"{"type":"read_ok","in_reply_to":77}"#, none),
        (r#"{"type":"error","in_reply_to":77,"code":1}"#, none),
        (r#"{"type":"subtract"}"#, none),
        (r#"{"type":"fail","code":11}"#, none),
        ("[1]", none),
        ("", none),
    ] {
        assert_eq!(node.get("c1", body), sent, "{body}");
    }
    assert_eq!(
        node.log.lines().collect::<Vec<_>>(),
        [
            "a message to c1 cannot be written: none is no body: it must be an enum's variant",
            "dropped `subtract` from c1: error 10 (not-supported): unknown type `subtract`",
            "a one-way message from c1 failed: error 11 (temporarily-unavailable): as asked",
            "dropped a message from c1: `body` must be an object",
            "dropped a message from c1: the line is not JSON: the text ends too early",
        ]
    );
}

#[test]
fn messages_before_init_and_a_second_init() {
    let made = Rc::new(Cell::new(0));
    let count = Rc::clone(&made);
    let mut node = Stepper::raw(move |_| {
        count.set(count.get() + 1);
        Counter::default()
    });
    let refused = r#"c1 {"type":"error","in_reply_to":1,"code":11,"text":"got `read` from c1 before `init`"}"#;
    assert_eq!(node.get("c1", r#"{"type":"read","msg_id":1}"#), [refused]);
    assert_eq!(node.get("n2", r#"{"type":"add","delta":1}"#), [""; 0]);
    assert_eq!(node.get("n2", r#"{"type":"init_ok","in_reply_to":1}"#), [""; 0]);
    assert!(node.get("c0", r#"{"type":"init","msg_id":1}"#)[0].contains(r#""code":12"#));
    assert_eq!(made.get(), 0);

    assert_eq!(node.get("c0", INIT), [r#"c0 {"type":"init_ok","in_reply_to":1}"#]);
    assert_eq!(node.get("c0", INIT), [r#"c0 {"type":"init_ok","in_reply_to":1}"#]);
    let other = INIT.replace(r#""node_id":"n1""#, r#""node_id":"n2""#);
    assert_eq!(
        node.get("c0", &other),
        [r#"c0 {"type":"error","in_reply_to":1,"code":12,"text":"this node is n1 already"}"#]
    );
    assert_eq!(made.get(), 1);
}

#[test]
fn lockstep_is_accepted_if_it_was_offered() {
    let plain = r#"c0 {"type":"init_ok","in_reply_to":1}"#;
    let accepted = r#"c0 {"type":"init_ok","in_reply_to":1,"lockstep":{"version":1,"storage":["power","disk","sync"]}}"#;
    for (offer, expected) in [
        (r#"{"version":1,"seed":"00000000000000ff"}"#, accepted),
        (r#"{"version":2,"seed":"00000000000000ff"}"#, plain),
        (r#"{"version":1,"seed":"ff"}"#, plain),
        ("null", plain),
    ] {
        let init = INIT.replace("\"msg_id\"", &format!("\"lockstep\":{offer},\"msg_id\""));
        assert_eq!(Stepper::raw(counter).get("c0", &init), [expected], "{offer}");
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Gossip {
    Rumour { value: i64 },
    Question,
}

#[test]
fn receivers_take_one_way_messages() {
    let (mut node, _) = Stepper::new(|cx| {
        cx.receive(|cx, gossip: Gossip| match gossip {
            Gossip::Rumour { value } => {
                cx.send_to_all(cx.peers(), &Gossip::Rumour { value: value + 1 });
            }
            Gossip::Question => cx.send(cx.src(), &Gossip::Rumour { value: 0 }),
        });
        Counter::default()
    });
    assert_eq!(
        node.get("n0", r#"{"type":"rumour","value":1}"#),
        [r#"n0 {"type":"rumour","value":2}"#, r#"n2 {"type":"rumour","value":2}"#]
    );
    assert_eq!(node.get("n2", r#"{"type":"question"}"#), [r#"n2 {"type":"rumour","value":0}"#]);
    assert_eq!(
        node.get("n2", r#"{"type":"question","msg_id":8}"#),
        [
            r#"n2 {"type":"error","in_reply_to":8,"code":10,"text":"`question` is a one-way message"}"#
        ]
    );
    assert_eq!(node.get("n2", r#"{"type":"rumour"}"#), [""; 0]);
    assert!(node.log.contains("dropped `rumour` from n2: error 12"), "{}", node.log);
}

#[test]
fn a_part_of_a_node_answers_requests_of_its_own() {
    let (mut node, _) = Stepper::new(|cx| {
        cx.serve(|cx, gossip: Gossip| match gossip {
            Gossip::Rumour { value: 0 } => {
                Err(RpcError::new(ErrorCode::ABORT, format!("heard from {}", cx.src())))
            }
            Gossip::Rumour { value } => Ok(Gossip::Rumour { value: value + 1 }),
            Gossip::Question => Ok(Gossip::Rumour { value: 0 }),
        });
        Counter::default()
    });
    for (request, expected) in [
        (
            r#"{"type":"rumour","value":1,"msg_id":4}"#,
            r#"{"type":"rumour","in_reply_to":4,"value":2}"#,
        ),
        (
            r#"{"type":"rumour","value":0,"msg_id":5}"#,
            r#"{"type":"error","in_reply_to":5,"code":14,"text":"heard from n2"}"#,
        ),
        (
            r#"{"type":"rumour","msg_id":6}"#,
            r#"{"type":"error","in_reply_to":6,"code":12,"text":"missing field `value`"}"#,
        ),
    ] {
        assert_eq!(node.get("n2", request), [format!("n2 {expected}")]);
    }
    // Nobody wants the answer.
    assert_eq!(node.get("n2", r#"{"type":"question"}"#), [""; 0]);
}

/// No message that cannot be written is sent, all of them are logged, and nothing panics.
#[test]
fn messages_that_cannot_be_written_are_logged() {
    let (mut node, sent) = Stepper::new(|cx| {
        cx.send("n0", &5);
        cx.send_to_all(cx.peers(), &[5]);
        Counter::default()
    });
    assert_eq!(sent, [""; 0]);
    let lines: Vec<&str> = node.log.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("a message to n0 cannot be written: "), "{lines:?}");
    assert!(lines[1].starts_with("a message to several nodes cannot be written: "), "{lines:?}");
    assert_eq!(node.get("c1", r#"{"type":"read","msg_id":1}"#).len(), 1, "the node goes on");
}

/// A receiver of something that is no message would never get one.
#[test]
#[should_panic(expected = "`alloc::string::String` must be an enum")]
fn receivers_take_enums() {
    Stepper::new(|cx| {
        cx.receive(|_, _: String| {});
        Counter::default()
    });
}

#[test]
fn entropy_is_a_function_of_the_offer() {
    let draw = |seed: &str| {
        let init = INIT.replace(
            "\"msg_id\"",
            &format!("\"lockstep\":{{\"version\":1,\"seed\":\"{seed}\"}},\"msg_id\""),
        );
        let mut node = Stepper::raw(|cx| {
            let (first, second) = (cx.rng().next_u64(), cx.rng().next_u64());
            assert_ne!(first, second);
            cx.log(format_args!("{first} {second}"));
            Counter::default()
        });
        node.get("c0", &init);
        node.log
    };
    assert_eq!(draw("0000000000000001"), draw("0000000000000001"));
    assert_ne!(draw("0000000000000001"), draw("0000000000000002"));
}
