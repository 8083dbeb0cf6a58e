//! Tables of requests and replies, and what each service promises and does not.

use std::collections::BTreeMap;

use kolk_protocol::Key;

use super::*;

/// A service and a count of its requests, which their draws are keyed by.
struct Tester {
    service: Box<dyn Service>,
    seed: u64,
    count: u64,
}

impl Tester {
    fn new(name: &str, seed: u64) -> Tester {
        let service = all().into_iter().find(|service| service.name() == name).expect("known");
        Tester { service, seed, count: 0 }
    }

    fn ask(&mut self, src: &str, request: &str) -> Option<String> {
        self.count += 1;
        let mut random = Key::new(self.seed).with(self.count).random();
        let mut reply = Vec::new();
        let body = Body::parse(request).expect("a body");
        let answered = self.service.handle(src, &body, &mut random, &mut reply);
        answered.then(|| String::from_utf8(reply).expect("text"))
    }

    /// The integer at key 1, `None` if there is none.
    fn read(&mut self, src: &str) -> Option<i64> {
        let reply = self.ask(src, r#"{"type":"read","msg_id":1,"key":1}"#).expect("a reply");
        let reply: serde_json::Value = serde_json::from_str(&reply).expect("JSON");
        match reply["type"].as_str() {
            Some("read_ok") => Some(reply["value"].as_i64().expect("an integer")),
            _ => {
                assert_eq!(reply["code"], 20);
                None
            }
        }
    }

    fn write(&mut self, src: &str, value: i64) {
        let request = format!(r#"{{"type":"write","msg_id":1,"key":1,"value":{value}}}"#);
        assert_eq!(
            self.ask(src, &request).as_deref(),
            Some(r#"{"type":"write_ok","in_reply_to":1}"#)
        );
    }
}

const NO_SUCH_KEY: &str =
    r#"{"type":"error","in_reply_to":7,"code":20,"text":"key does not exist"}"#;

#[test]
fn a_story_of_each_service() {
    let key_value: &[(&str, &str)] = &[
        (r#"{"type":"read","msg_id":7,"key":"x"}"#, NO_SUCH_KEY),
        (r#"{"type":"cas","msg_id":7,"key":"x","from":1,"to":2}"#, NO_SUCH_KEY),
        (
            r#"{"type":"write","msg_id":0,"key":"x","value":{"b":[1,2],"a":null}}"#,
            r#"{"type":"write_ok","in_reply_to":0}"#,
        ),
        (
            r#"{"type":"read","msg_id":-3,"key":"\u0078"}"#,
            r#"{"type":"read_ok","in_reply_to":-3,"value":{"a":null,"b":[1,2]}}"#,
        ),
        (
            r#"{"type":"cas","msg_id":7,"key":"x","from":{"a":null,"b":[1,2]},"to":1}"#,
            r#"{"type":"cas_ok","in_reply_to":7}"#,
        ),
        (
            r#"{"type":"cas","msg_id":7,"key":"x","from":"2","to":3}"#,
            r#"{"type":"error","in_reply_to":7,"code":22,"text":"current value 1 is not \"2\""}"#,
        ),
        (
            r#"{"type":"cas","msg_id":7,"key":"x","from":1.0,"to":3}"#,
            r#"{"type":"error","in_reply_to":7,"code":22,"text":"current value 1 is not 1.0"}"#,
        ),
        (
            r#"{"type":"cas","msg_id":7,"key":"x","from":1,"to":1,"create_if_not_exists":true}"#,
            r#"{"type":"cas_ok","in_reply_to":7}"#,
        ),
        (
            r#"{"type":"read","msg_id":7,"key":"x"}"#,
            r#"{"type":"read_ok","in_reply_to":7,"value":1}"#,
        ),
        (r#"{"type":"read","msg_id":7,"key":null}"#, NO_SUCH_KEY),
        (
            r#"{"type":"write","msg_id":7,"key":null,"value":null}"#,
            r#"{"type":"write_ok","in_reply_to":7}"#,
        ),
        (
            r#"{"type":"read","msg_id":7,"key":null}"#,
            r#"{"type":"read_ok","in_reply_to":7,"value":null}"#,
        ),
    ];
    let timestamps: &[(&str, &str)] = &[
        (r#"{"type":"ts","msg_id":7}"#, r#"{"type":"ts_ok","in_reply_to":7,"ts":0}"#),
        (r#"{"type":"ts","msg_id":8}"#, r#"{"type":"ts_ok","in_reply_to":8,"ts":1}"#),
        (
            r#"{"type":"read","msg_id":8}"#,
            r#"{"type":"error","in_reply_to":8,"code":10,"text":"lin-tso does not know `read`; it knows `ts`"}"#,
        ),
        (r#"{"type":"ts","msg_id":9}"#, r#"{"type":"ts_ok","in_reply_to":9,"ts":2}"#),
    ];
    // For a single client, seq-kv is no other than lin-kv.
    for (name, story) in [("lin-kv", key_value), ("seq-kv", key_value), ("lin-tso", timestamps)] {
        for seed in 0..20 {
            let mut tester = Tester::new(name, seed);
            for (request, reply) in story {
                assert_eq!(tester.ask("n0", request).as_deref(), Some(*reply), "{name} {request}");
            }
        }
    }
}

#[test]
fn requests_that_do_not_fit_are_answered() {
    for (request, code, text) in [
        (
            r#"{"type":"fly","msg_id":1}"#,
            10,
            "lin-kv does not know `fly`; it knows `read`, `write` and `cas`",
        ),
        (
            r#"{"msg_id":1}"#,
            10,
            "the request has no `type`; lin-kv knows `read`, `write` and `cas`",
        ),
        (
            r#"{"type":"read","msg_id":1,"key":"\ud800"}"#,
            12,
            "unpaired surrogate in a string at byte 8",
        ),
    ] {
        let reply = Tester::new("lin-kv", 0).ask("n0", request).expect("a reply");
        let reply: serde_json::Value = serde_json::from_str(&reply).expect("JSON");
        let expected =
            serde_json::json!({"type": "error", "in_reply_to": 1, "code": code, "text": text});
        assert_eq!(reply, expected, "{request}");
    }
}

/// What a request leaves out is null, and true is whatever is not null or false.
#[test]
fn what_is_left_out_is_null() {
    let ok = |kind: &str| format!(r#"{{"type":"{kind}_ok","in_reply_to":7}}"#);
    let read = |value: &str| format!(r#"{{"type":"read_ok","in_reply_to":7,"value":{value}}}"#);
    let mismatch = |current: &str, from: &str| {
        format!(
            r#"{{"type":"error","in_reply_to":7,"code":22,"text":"current value {current} is not {from}"}}"#
        )
    };
    let stories: &[&[(&str, String)]] = &[
        &[
            (r#""cas","key":1,"to":5,"create_if_not_exists":true"#, ok("cas")),
            (r#""read","key":1"#, read("5")),
            (r#""cas","key":1,"to":6"#, mismatch("5", "null")),
            (r#""cas","key":1,"from":5"#, ok("cas")),
            (r#""read","key":1"#, read("null")),
            (r#""cas","key":1,"to":7"#, ok("cas")),
            (r#""read","key":1"#, read("7")),
        ],
        &[
            (r#""read""#, NO_SUCH_KEY.to_owned()),
            (r#""write""#, ok("write")),
            (r#""read""#, read("null")),
            (r#""read","key":null"#, read("null")),
            (r#""read","key":"""#, NO_SUCH_KEY.to_owned()),
            (r#""write","value":3"#, ok("write")),
            (r#""read""#, read("3")),
        ],
        &[(r#""cas","key":1,"to":1,"create_if_not_exists":null"#, NO_SUCH_KEY.to_owned())],
        &[(r#""cas","key":1,"to":1,"create_if_not_exists":false"#, NO_SUCH_KEY.to_owned())],
        &[(r#""cas","key":1,"to":1,"create_if_not_exists":0"#, ok("cas"))],
        &[(r#""cas","key":1,"to":1,"create_if_not_exists":"""#, ok("cas"))],
        &[(r#""cas","key":1,"to":1,"create_if_not_exists":"no""#, ok("cas"))],
        &[(r#""cas","key":1,"to":1,"create_if_not_exists":[]"#, ok("cas"))],
        &[(r#""cas","key":1,"to":1,"create_if_not_exists":{}"#, ok("cas"))],
    ];
    for name in ["lin-kv", "seq-kv"] {
        for story in stories {
            let mut tester = Tester::new(name, 0);
            for (request, expected) in *story {
                let request = format!(r#"{{"msg_id":7,"type":{request}}}"#);
                let reply = tester.ask("n0", &request);
                assert_eq!(reply.as_deref(), Some(&**expected), "{name} {request}");
            }
        }
    }
}

/// What a request is called comes back as it came.
#[test]
fn requests_may_be_called_anything() {
    for id in [
        "1",
        "-7",
        "0",
        "-0",
        "1.0",
        "1.50",
        "1e3",
        "1180591620717411303425",
        "\"7d4f0f2e-8a39\"",
        "\"\\u00e9 \\\"\"",
        "[1, 2]",
        r#"{"b":1, "a":2}"#,
        "true",
        "false",
        "null",
    ] {
        for (name, request, rest) in [
            (
                "lin-kv",
                r#""type":"write","key":1,"value":2"#,
                r#"{"type":"write_ok","in_reply_to":"#,
            ),
            ("seq-kv", r#""type":"read","key":1"#, r#"{"type":"error","in_reply_to":"#),
            ("lin-tso", r#""type":"ts""#, r#"{"type":"ts_ok","in_reply_to":"#),
        ] {
            let request = format!("{{{request},\"msg_id\": {id} }}");
            let reply = Tester::new(name, 0).ask("n0", &request).expect("a reply");
            let expected = format!("{rest}{id}");
            assert!(reply.starts_with(&expected), "{request}: {reply}");
        }
    }
}

/// A request without an id is answered too, with null for one; whoever says something unknown, and
/// wants no answer, gets none.
#[test]
fn without_a_message_id_null_is_answered() {
    for name in ["lin-kv", "seq-kv"] {
        let mut tester = Tester::new(name, 0);
        let reply = tester.ask("n0", r#"{"type":"write","key":1,"value":5}"#);
        assert_eq!(reply.as_deref(), Some(r#"{"type":"write_ok","in_reply_to":null}"#));
        assert_eq!(tester.ask("n0", r#"{"type":"fly"}"#), None);
        assert_eq!(tester.ask("n0", r#"{"type":"fly","msg_id":null}"#), None);
        assert_eq!(tester.read("n0"), Some(5), "{name}");
    }
}

#[test]
fn cas_creates_if_told_to() {
    let request =
        r#"{"type":"cas","msg_id":7,"key":1,"from":0,"to":5,"create_if_not_exists":true}"#;
    for (name, expected, value) in [
        ("lin-kv", r#"{"type":"cas_ok","in_reply_to":7}"#, Some(5)),
        ("seq-kv", r#"{"type":"cas_ok","in_reply_to":7}"#, Some(5)),
        ("lww-kv", NO_SUCH_KEY, None),
    ] {
        let mut tester = Tester::new(name, 0);
        assert_eq!(tester.ask("n0", request).as_deref(), Some(expected), "{name}");
        assert_eq!(tester.read("n0"), value, "{name}");
    }
}

#[test]
fn seq_kv_reads_are_stale_and_never_go_back() {
    let mut stale = 0;
    for seed in 0..20 {
        let mut tester = Tester::new("seq-kv", seed);
        let mut random = Key::new(seed).with_name("who").random();
        // Per client, the value it last saw; values only grow.
        let mut seen: BTreeMap<&str, i64> = BTreeMap::new();
        for value in 1..=300 {
            tester.write("writer", value);
            assert_eq!(tester.read("writer"), Some(value), "who wrote sees it");
            let reader = *random.choose(&["a", "b", "c"]).expect("one");
            let read = tester.read(reader).unwrap_or(0);
            let before = seen.insert(reader, read).unwrap_or(0);
            assert!(read >= before, "{reader} saw {before}, then {read}");
            assert!(read > value - 32, "{read} is no longer kept at {value}");
            stale += u32::from(read < value);
        }
    }
    assert!((4500..5500).contains(&stale), "{stale}");
}

/// Whoever only reads comes up to date in the end, and changes nothing by it.
#[test]
fn seq_kv_readers_come_up_to_date() {
    for seed in 0..200 {
        let mut tester = Tester::new("seq-kv", seed);
        for value in 1..=40 {
            tester.write("writer", value);
        }
        let reads = (0..64).map(|_| tester.read("reader")).position(|read| read == Some(40));
        assert!(reads.is_some(), "seed {seed}: 64 reads, and none saw the newest state");
        assert_eq!(tester.read("reader"), Some(40), "seed {seed}: it does not go back");
    }
}

/// Of three states each is drawn as often as the others, the newest like the oldest.
#[test]
fn seq_kv_draws_evenly() {
    let mut seen: BTreeMap<Option<i64>, u32> = BTreeMap::new();
    for seed in 0..3000 {
        let mut tester = Tester::new("seq-kv", seed);
        tester.write("writer", 1);
        tester.write("writer", 2);
        *seen.entry(tester.read("reader")).or_default() += 1;
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [None, Some(1), Some(2)]);
    assert!(seen.values().all(|count| (900..1100).contains(count)), "{seen:?}");
}

#[test]
fn seq_kv_may_answer_who_changes_nothing_from_an_old_state() {
    // Writing what is already there changes nothing in a state that has it, and something in one
    // that does not: either way the client has seen the newest of what it wrote.
    for seed in 0..50 {
        let mut tester = Tester::new("seq-kv", seed);
        tester.write("writer", 1);
        tester.write("reader", 1);
        assert_eq!(tester.read("reader"), Some(1));
    }
}

#[test]
fn seq_kv_changes_act_on_the_newest_state() {
    for seed in 0..20 {
        let mut tester = Tester::new("seq-kv", seed);
        for value in 1..=40 {
            tester.write("writer", value);
        }
        // Wherever the client stands, `from` is compared with 40, or the request changes nothing.
        for from in 1..40 {
            let request =
                format!(r#"{{"type":"cas","msg_id":7,"key":1,"from":{from},"to":-{from}}}"#);
            let reply = tester.ask("late", &request).expect("a reply");
            assert!(reply.contains(r#""code":2"#), "{reply}");
        }
        let request = r#"{"type":"write","msg_id":7,"key":2,"value":1}"#;
        assert!(tester.ask("late", request).is_some());
        assert_eq!(tester.read("late"), Some(40));
    }
}

#[test]
fn seq_kv_forgets_what_nobody_can_see() {
    let mut service = SeqKv::default();
    let mut random = Key::new(1).random();
    for number in 0..10_000 {
        let key = if number < 5_000 { number % 7 } else { 100 };
        let json = format!(r#"{{"type":"write","msg_id":1,"key":{key},"value":{number}}}"#);
        let body = Body::parse(&json).expect("a body");
        assert!(service.handle("n0", &body, &mut random, &mut Vec::new()));
    }
    // One value of each of the seven old keys, and those of the 32 states that are kept.
    assert_eq!(service.version_count(), 7 + 32);
}

#[test]
fn lww_kv_loses_updates_and_forgets_what_was_read() {
    let (mut lost, mut back) = (0, 0);
    for seed in 0..100 {
        let mut tester = Tester::new("lww-kv", seed);
        tester.write("a", 1);
        tester.write("b", 2);
        // Read until both replicas must have been merged both ways.
        let reads: Vec<Option<i64>> = (0..60).map(|_| tester.read("c")).collect();
        let end = &reads[40..];
        assert!(end.iter().all(|read| read.is_some() && *read == end[0]), "{reads:?}");
        lost += u32::from(end[0] == Some(1));
        back += u32::from(reads.windows(2).any(|pair| pair[1] < pair[0]));
    }
    assert!((5..60).contains(&lost), "in {lost} of 100 runs the later write lost");
    assert!(back > 10, "in {back} of 100 runs a read went back");
}

#[test]
fn services_are_in_their_order() {
    assert_eq!(all().map(|service| service.name()), crate::endpoint::SERVICES);
}

/// What a seed means is part of the format of a plan: this may never change.
#[test]
fn draws_are_frozen() {
    let story = |name| {
        let mut tester = Tester::new(name, 42);
        (1..=12)
            .map(|value| {
                tester.write("writer", value);
                tester.read("reader").map_or("-".to_owned(), |value| value.to_string())
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        ["seq-kv", "lww-kv"].map(story),
        ["- 1 3 3 3 5 6 7 9 9 9 10", "1 1 3 4 4 5 6 6 9 10 11 10"]
    );
}

/// Every answer that the newest state would not have given is noted, and no other.
#[test]
fn stale_answers_are_noted() {
    for name in ["seq-kv", "lww-kv", "lin-kv"] {
        let place = all().iter().position(|service| service.name() == name).expect("a service");
        let mut service = all().into_iter().nth(place).expect("a service");
        let (mut noted, mut random) = (0, Key::new(3).random());
        for number in 1..=200 {
            let mut ask = |src: &str, json: &str| {
                let (body, mut reply) = (Body::parse(json).expect("a body"), Vec::new());
                assert!(service.handle(src, &body, &mut random, &mut reply));
                (String::from_utf8(reply).expect("JSON"), service.take_stale())
            };
            let write = format!(r#"{{"type":"write","msg_id":1,"key":"x","value":{number}}}"#);
            assert_eq!(ask("writer", &write).1, None, "{name}: a write is a write");
            let (reply, stale) = ask("reader", r#"{"type":"read","msg_id":1,"key":"x"}"#);
            match stale {
                None if name == "lww-kv" => {}
                None => assert!(reply.contains(&format!("\"value\":{number}")), "{name}: {reply}"),
                Some(stale) => {
                    noted += 1;
                    let answered = stale.answered.map(|value| value.text().to_owned());
                    let value = answered.as_ref().map(|value| format!("\"value\":{value}}}"));
                    assert!(value.is_none_or(|value| reply.contains(&value)), "{name}: {reply}");
                    assert_ne!(answered, stale.newest.map(|value| value.text().to_owned()));
                }
            }
        }
        assert_eq!(noted > 20, name != "lin-kv", "{name}: {noted} stale answers");
    }
}
