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
        (r#"{"type":"read","msg_id":1}"#, 12, "`read` needs `key`"),
        (r#"{"type":"write","msg_id":1,"key":1}"#, 12, "`write` needs `value`"),
        (r#"{"type":"write","msg_id":1,"value":1}"#, 12, "`write` needs `key`"),
        (r#"{"type":"cas","msg_id":1,"key":1,"to":1}"#, 12, "`cas` needs `from`"),
        (r#"{"type":"cas","msg_id":1,"key":1,"from":1}"#, 12, "`cas` needs `to`"),
        (
            r#"{"type":"cas","msg_id":1,"key":1,"from":1,"to":2,"create_if_not_exists":"yes"}"#,
            12,
            "`create_if_not_exists` must be true or false, not \"yes\"",
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

#[test]
fn without_a_message_id_the_work_is_done_in_silence() {
    for name in ["lin-kv", "seq-kv"] {
        let mut tester = Tester::new(name, 0);
        assert_eq!(tester.ask("n0", r#"{"type":"write","key":1,"value":5}"#), None);
        assert_eq!(tester.ask("n0", r#"{"type":"fly"}"#), None);
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
    assert!(stale > 5000, "{stale}");
}

#[test]
fn seq_kv_shows_the_newest_state_to_who_has_changed_something() {
    let mut tester = Tester::new("seq-kv", 3);
    tester.write("writer", 1);
    tester.write("writer", 2);
    for _ in 0..50 {
        assert!(tester.read("reader") < Some(2), "who only reads never catches up");
    }
    // Writing what is already there changes nothing, and may act on an old state.
    let write = r#"{"type":"write","msg_id":1,"key":2,"value":0}"#;
    assert!(tester.ask("reader", write).is_some());
    assert_eq!(tester.read("reader"), Some(2));
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
        ["- 1 2 2 2 4 5 6 8 8 8 9", "1 1 3 4 4 5 6 6 9 10 11 10"]
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
