//! The pictures: the same for the same run, well-formed XML whatever nodes print, complete or with
//! words about what is not there.

use std::fmt::Write;

use kolk_check::{Anomaly, Check, Kind, Validity, Verdict};
use kolk_history::plan::{Fault, FaultKind};
use kolk_history::{History, Plan, jsonl};
use kolk_protocol::Time;
use kolk_report::export;
use kolk_report::facts::{Ending, Facts};
use kolk_report::figures::{self, Run};

const PLAN: &str = r#"{
  "format": 1, "draws": 1, "kolk-version": "0.1.0", "seed": "0x0000000000000007", "clock": "virtual",
  "node": {"kind": "built-in", "name": "broadcast", "args": []}, "nodes": ["n0", "n1", "n2"],
  "concurrency": 2, "rate": 5.0, "time-limit": 1000000000, "workload": {"name": "broadcast"},
  "network": {"latency": 0.0, "latency-dist": "constant"}, "faults": [], "strict": false,
  "availability": null
}"#;

/// One that succeeds, one that fails, one nobody knows of, one never answered.
const HISTORY: &str = r#"
{"index":0,"time":1000000,"type":"invoke","process":0,"f":"broadcast","value":1,"node":"n0"}
{"index":1,"time":1000000,"type":"ok","process":0,"f":"broadcast","value":1,"node":"n0"}
{"index":2,"time":9000000,"type":"invoke","process":1,"f":"broadcast","value":2,"node":"n1"}
{"index":3,"time":10000000,"type":"invoke","process":0,"f":"read","value":null,"node":"n0"}
{"index":4,"time":12000000,"type":"fail","process":1,"f":"broadcast","value":2,"error":[11,"later & <b>"],"node":"n1"}
{"index":5,"time":45000000,"type":"ok","process":0,"f":"read","value":[1],"node":"n0"}
{"index":6,"time":50000000,"type":"invoke","process":1,"f":"broadcast","value":3,"node":"n1"}
{"index":7,"time":60000000,"type":"info","process":1,"f":"broadcast","value":3,"error":"timeout","node":"n1"}
{"index":8,"time":70000000,"type":"invoke","process":3,"f":"read","value":null,"node":"n1"}
"#;

/// Every fate: received, answered, received twice, lost, cut off, sent to the dead, still on its
/// way, sent to oneself and to a service.
const JOURNAL: &str = r#"
{"event":"send","time":1000000,"id":0,"src":"c0","dest":"n0","op":0,"body":{"type":"broadcast","message":1,"msg_id":1}}
{"event":"receive","time":1000000,"id":0,"src":"c0","dest":"n0"}
{"event":"send","time":1000000,"id":1,"src":"n0","dest":"c0","op":0,"cause":0,"body":{"type":"broadcast_ok","in_reply_to":1}}
{"event":"send","time":1000000,"id":2,"src":"n0","dest":"n1","op":0,"cause":0,"body":{"type":"gossip","values":[1],"to":"n1"}}
{"event":"send","time":1000000,"id":3,"src":"n0","dest":"n2","op":0,"cause":0,"body":{"type":"gossip","values":[1],"to":"n2"}}
{"event":"duplicate","time":1000000,"id":2,"src":"n0","dest":"n1"}
{"event":"receive","time":1000000,"id":1,"src":"n0","dest":"c0"}
{"event":"receive","time":6000000,"id":2,"src":"n0","dest":"n1"}
{"event":"drop","time":6000000,"id":3,"src":"n0","dest":"n2","reason":"partition"}
{"event":"receive","time":7000000,"id":2,"src":"n0","dest":"n1"}
{"event":"send","time":8000000,"id":4,"src":"n1","dest":"n2","body":{"type":"gossip","values":[1]}}
{"event":"drop","time":8000000,"id":4,"src":"n1","dest":"n2","reason":"loss"}
{"event":"send","time":9000000,"id":6,"src":"n2","dest":"n1","body":{"type":"gossip"}}
{"event":"drop","time":20000000,"id":6,"src":"n2","dest":"n1","reason":"dead-node"}
{"event":"send","time":21000000,"id":7,"src":"n1","dest":"n1","body":{"type":"wake"}}
{"event":"receive","time":21000000,"id":7,"src":"n1","dest":"n1"}
{"event":"send","time":22000000,"id":8,"src":"n1","dest":"lin-kv","body":{"type":"read","key":"x","msg_id":1}}
{"event":"receive","time":26000000,"id":8,"src":"n1","dest":"lin-kv"}
{"event":"send","time":26000000,"id":9,"src":"lin-kv","dest":"n1","cause":8,"body":{"type":"error","code":20,"text":"key does not exist","in_reply_to":1}}
"#;

struct Made {
    plan: Plan,
    history: History,
    verdict: Verdict,
    facts: Facts,
}

impl Made {
    fn of(history: &str) -> Made {
        let mut plan: Plan = serde_json::from_str(PLAN).expect("a plan");
        let deaf = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let blocked = [("n0", deaf(&["n2"])), ("n1", deaf(&["n2"])), ("n2", deaf(&["n0", "n1"]))];
        let blocked = blocked.map(|(node, senders)| (node.to_owned(), senders)).into();
        let kind = FaultKind::Partition { shape: "cut".to_owned(), blocked };
        plan.faults = vec![Fault::new(3_000_000, 30_000_000, kind)];
        let history = jsonl::read(history.as_bytes(), plan.nodes.to_vec()).expect("a history");
        let verdict = Verdict::default();
        let facts = Facts {
            digest: String::new(),
            ending: Ending::Completed,
            load_began: 0,
            load_ended: 60_000_000,
            ended: 100_000_000,
            event_count: 9,
            challenge: None,
            triggered: Vec::new(),
        };
        Made { plan, history, verdict, facts }
    }

    fn run(&self) -> Run<'_> {
        let Made { plan, history, verdict, facts } = self;
        Run { plan, history, verdict, facts }
    }

    /// Every picture by its name.
    fn pictures(&self, journal: &str) -> [(&'static str, String); 5] {
        let run = self.run();
        [
            ("latency-raw", figures::latency_raw(&run)),
            ("latency-quantiles", figures::latency_quantiles(&run)),
            ("rate", figures::rate(&run)),
            ("timeline", figures::timeline(&run, None)),
            ("messages", figures::messages(&run, journal.as_bytes(), None).expect("a journal")),
        ]
    }

    /// Makes the run invalid, by an operation.
    fn accuse(&mut self, operation: u32) {
        let mut check = Check::new("workload");
        check.anomaly(Kind::Lost, || Anomaly::new(Kind::Lost, "lost".to_owned(), vec![operation]));
        self.verdict =
            Verdict { validity: Validity::Invalid, checks: vec![check], ..Verdict::default() };
    }
}

/// Reads a picture as XML; a page's first line is HTML's alone, and so are its elements without
/// end.
fn parsed(name: &str, picture: &str) -> usize {
    let xml = picture.replacen("<!doctype html>\n", "", 1);
    let mut text = String::new();
    for line in xml.lines() {
        let is_void = line.starts_with("<meta ") && line.ends_with("\">");
        let _ = writeln!(text, "{}{}", line, if is_void { "</meta>" } else { "" });
    }
    let document =
        roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(node.tag_name().name() != "script", "{name}");
        for attribute in node.attributes() {
            let (key, value) = (attribute.name(), attribute.value());
            assert!(
                !key.starts_with("on") && key != "href" && !value.contains("javascript"),
                "{name}"
            );
        }
    }
    document.descendants().count()
}

#[test]
fn pictures_are_drawn() {
    let made = Made::of(HISTORY);
    for (name, picture) in made.pictures(JOURNAL) {
        assert!(parsed(name, &picture) > 20, "{name}");
        // The style sheet is the same in all of them.
        let (before, rest) = picture.split_once("<style>").expect("a style");
        let after = rest.split_once("</style>").expect("its end").1;
        insta::assert_snapshot!(format!("figure_{name}"), format!("{before}{after}"));
    }
}

#[test]
fn a_run_without_operations_and_messages_is_drawn() {
    for (name, picture) in Made::of("").pictures("") {
        assert!(parsed(name, &picture) > 5, "{name}");
    }
}

/// Whatever stands in types, bodies, names and values is text.
#[test]
fn what_nodes_print_is_text() {
    let bad = r#"</text></title></style><script>alert(1)</script><img src=x onerror=\"x\">]]>&amp;\u0000\u001b[31m\u202e\ufffe\uffff"#;
    let mut journal = String::new();
    let pairs = [("n0", "n1"), (bad, "n1"), ("n1", bad)];
    for (id, (src, dest)) in pairs.iter().enumerate() {
        let link = format!("\"id\":{id},\"src\":\"{src}\",\"dest\":\"{dest}\"");
        let _ = writeln!(
            journal,
            "{{\"event\":\"send\",\"time\":{id},{link},\"body\":{{\"type\":\"{bad}\",\"{bad}\":\"{bad}\"}}}}\n\
             {{\"event\":\"receive\",\"time\":{id},{link}}}"
        );
    }
    let history = format!(
        "{{\"index\":0,\"time\":0,\"type\":\"invoke\",\"process\":0,\"f\":\"read\",\"value\":\"{bad}\",\"node\":\"n0\"}}\n\
         {{\"index\":1,\"time\":9,\"type\":\"fail\",\"process\":0,\"f\":\"read\",\"value\":\"{bad}\",\"error\":\"{bad}\",\"node\":\"n0\"}}\n"
    );
    for (name, picture) in Made::of(&history).pictures(&journal) {
        parsed(name, &picture);
        assert!(!picture.contains("<script") && !picture.contains("<img"), "{name}");
        let acts = |c: char| {
            (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{fffe}' | '\u{ffff}')
        };
        assert!(!picture.chars().any(acts), "{name}");
    }
}

/// So many messages from n0 to n1, each a millisecond after the last and as long on its way, each
/// for an operation.
fn long(count: u32) -> (String, String) {
    let (mut history, mut journal) = (String::new(), String::new());
    for id in 0..count {
        let (sent, received) = (u64::from(id) * 2_000_000, u64::from(id) * 2_000_000 + 1_000_000);
        let (begin, end) = (2 * id, 2 * id + 1);
        let _ = writeln!(
            history,
            "{{\"index\":{begin},\"time\":{sent},\"type\":\"invoke\",\"process\":0,\"f\":\"read\",\"value\":null,\"node\":\"n0\"}}\n\
             {{\"index\":{end},\"time\":{received},\"type\":\"ok\",\"process\":0,\"f\":\"read\",\"value\":[{id}],\"node\":\"n0\"}}"
        );
        let link = format!("\"id\":{id},\"src\":\"n0\",\"dest\":\"n1\"");
        let _ = writeln!(
            journal,
            "{{\"event\":\"send\",\"time\":{sent},{link},\"body\":{{\"type\":\"ping\",\"number\":{id}}}}}\n\
             {{\"event\":\"receive\",\"time\":{received},{link}}}"
        );
    }
    (history, journal)
}

/// The numbers on the arrows of `messages.svg`.
fn numbers(picture: &str) -> Vec<u32> {
    let parts = picture.split("&quot;number&quot;:").skip(1);
    parts.filter_map(|part| part.split('}').next()?.parse().ok()).collect()
}

/// What does not fit is left out in words, around what matters; nothing is drawn that is not said.
#[test]
fn long_runs_are_shown_in_windows() {
    let (history, journal) = long(20_000);
    let mut made = Made::of(&history);
    made.facts.ended = 40_000_000_000;
    let draw = |made: &Made, span| {
        let picture = figures::messages(&made.run(), journal.as_bytes(), span).expect("a journal");
        parsed("messages", &picture);
        picture
    };
    let picture = draw(&made, None);
    assert_eq!(numbers(&picture), (0..1200).collect::<Vec<_>>());
    assert!(picture.contains(
        "messages 1 to 1 200 of 20 000 messages, sent 0.000 s … 2.399 s. Another window"
    ));
    made.accuse(20_000);
    let picture = draw(&made, None);
    let shown = numbers(&picture);
    assert!(shown.contains(&10_000) && shown.len() == 1200, "{:?}", (shown.first(), shown.len()));
    assert!(picture.contains("messages 9 976 to 11 175 of 20 000 messages"), "{}", shown[0]);
    assert!(picture.contains("those around the first anomaly"));
    // What was asked for, and what was on its way when it began.
    let at = |micros: u64| Time::from_nanos(micros * 1000);
    let picture = draw(&made, Some((at(100_500), at(104_000))));
    assert_eq!(numbers(&picture), [50, 51, 52]);
    assert!(picture.contains("messages 52 to 53 of 20 000 messages, sent 0.101 s … 0.104 s"));
    let picture = draw(&made, Some((Time::ZERO, Time::MAX)));
    assert_eq!(numbers(&picture).len(), 12_000);
    assert!(picture.contains("of the window asked for the rest had no room"));

    let page = figures::timeline(&made.run(), None);
    assert_eq!(page.matches("<g class=\"o\">").count(), 12_000);
    assert!(page.contains("12 000 of 20 000 operations, those around the first anomaly"));
    assert!(page.contains("op 20000, process 0 → n0: read → [10000]"));
    let page = figures::timeline(&made.run(), Some((at(100_000), at(104_000))));
    assert_eq!(page.matches("<g class=\"o\">").count(), 3);
    assert!(page.contains("3 of 20 000 operations: invoked 0.100 s … 0.104 s"));
    let points = figures::latency_raw(&made.run());
    assert!(points.contains("20 000 operations, drawn as "), "the points fall together");
    assert!(points.len() < 60_000, "{}", points.len());
}

#[test]
fn a_journal_that_is_none_is_refused() {
    let made = Made::of(HISTORY);
    let error =
        figures::messages(&made.run(), "{\"event\":1}\n".as_bytes(), None).expect_err("no event");
    assert!(error.to_string().starts_with("line 1, column 10: "), "{error}");
}

/// A varint, and what follows it.
fn varint(bytes: &[u8]) -> (u64, &[u8]) {
    let length = bytes.iter().position(|byte| *byte < 0x80).expect("an end") + 1;
    let number =
        bytes[..length].iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f));
    (number, &bytes[length..])
}

/// Protocol Buffers as text: `field:value`, messages in braces. Which fields hold messages is known
/// by how deep they stand: packets, their content, annotations.
fn decoded(mut bytes: &[u8], depth: usize) -> String {
    let is_message = |field: u64| matches!((depth, field), (0, 1) | (1, 11 | 60) | (2, 4));
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (key, rest) = varint(bytes);
        let field = key >> 3;
        bytes = match key & 7 {
            0 => {
                let (number, rest) = varint(rest);
                parts.push(format!("{field}:{number}"));
                rest
            }
            1 => {
                let (number, rest) = rest.split_first_chunk().expect("eight bytes");
                parts.push(format!("{field}:fixed {}", u64::from_le_bytes(*number)));
                rest
            }
            2 => {
                let (length, rest) = varint(rest);
                let (content, rest) = rest.split_at(length as usize);
                parts.push(if is_message(field) {
                    format!("{field}{{{}}}", decoded(content, depth + 1))
                } else {
                    format!("{field}:{:?}", std::str::from_utf8(content).expect("UTF-8"))
                });
                rest
            }
            other => panic!("wire type {other}"),
        };
    }
    parts.join(if depth == 0 { "\n" } else { " " })
}

/// The fields' numbers are those of Perfetto's `TracePacket`, `TrackDescriptor`, `TrackEvent` and
/// `DebugAnnotation`; its own definitions read the same file.
#[test]
fn a_trace_for_perfetto() {
    let made = Made::of(HISTORY);
    let mut trace = Vec::new();
    let count = export::perfetto(&mut trace, &made.run(), JOURNAL.as_bytes(), None);
    let text = decoded(&trace, 0);
    assert_eq!(count.expect("a trace") as usize, text.matches(" 11{").count());
    insta::assert_snapshot!("perfetto", text);

    let at = Time::from_millis;
    let mut part = Vec::new();
    let span = Some((at(20), at(26)));
    let count = export::perfetto(&mut part, &made.run(), JOURNAL.as_bytes(), span);
    // The partition and the read are open; a drop, three sendings, two arrivals.
    assert_eq!(count.expect("a trace"), 2 + 2 + 6, "{}", decoded(&part, 0));
}
