//! The page: its data is all that the run left, the same each time, and cannot get out of its
//! elements.

use kolk_history::log_times::LogTime;
use kolk_history::{Plan, jsonl};
use kolk_protocol::Time;
use kolk_report::html::{self, Beside, Log, Stored};
use sha2::{Digest, Sha256};

const PLAN: &str = r#"{
  "format": 1, "draws": 1, "kolk-version": "0.1.0", "seed": "0x0000000000000007", "clock": "virtual",
  "node": {"kind": "built-in", "name": "echo", "args": []}, "nodes": ["n0", "n1"],
  "concurrency": 2, "rate": 5.0, "time-limit": 1000000000, "workload": {"name": "echo"},
  "network": {"latency": 0.0, "latency-dist": "constant"}, "faults": [], "strict": false,
  "availability": null
}"#;

const HISTORY: &str = r#"
{"index":0,"time":1000,"type":"invoke","process":0,"f":"echo","value":"</script><!--","node":"n0"}
{"index":1,"time":2000,"type":"invoke","process":1,"f":"echo","value":"b","node":"n1"}
{"index":2,"time":3000,"type":"ok","process":0,"f":"echo","value":"</script><!--","node":"n0"}
"#;

/// Every fate: received, answered, received twice, lost, cut off, sent to the dead, still on its
/// way.
const JOURNAL: &str = r#"
{"event":"send","time":1000,"id":0,"src":"c0","dest":"n0","op":0,"body":{"type":"echo","msg_id":1}}
{"event":"receive","time":1500,"id":0,"src":"c0","dest":"n0"}
{"event":"send","time":1500,"id":1,"src":"n0","dest":"c0","op":0,"cause":0,"body":{"type":"echo_ok","in_reply_to":1}}
{"event":"send","time":2000,"id":2,"src":"c1","dest":"n1","op":1,"body":{"type":"echo","msg_id":1}}
{"event":"duplicate","time":2000,"id":2,"src":"c1","dest":"n1"}
{"event":"receive","time":2100,"id":2,"src":"c1","dest":"n1"}
{"event":"receive","time":2200,"id":2,"src":"c1","dest":"n1"}
{"event":"receive","time":3000,"id":1,"src":"n0","dest":"c0"}
{"event":"send","time":3000,"id":3,"src":"n0","dest":"n1","body":{"type":"</script>"}}
{"event":"drop","time":3000,"id":3,"src":"n0","dest":"n1","reason":"loss"}
{"event":"send","time":3000,"id":5,"src":"n0","dest":"n1","body":{"type":"x"}}
{"event":"drop","time":3500,"id":5,"src":"n0","dest":"n1","reason":"partition"}
{"event":"send","time":3600,"id":6,"src":"n0","dest":"n1","cause":5,"body":{}}
{"event":"drop","time":3700,"id":6,"src":"n0","dest":"n1","reason":"dead-node"}
{"event":"send","time":3800,"id":7,"src":"n0","dest":"</script>","body":{"type":"x"}}
"#;

/// A node's log; its last line says in which state the node is.
const LOG: &str = concat!(
    "one\n</script>\n\u{1b}[31m\n",
    r#"state {"term":3,"role":"leader","leader":"n1","commit":17,"log":[1,20]}"#,
    "\n",
);

/// What became of the nodes.
const EVENTS: &str = r#"
{"time":10,"node":"n0","event":"append","file":"</script>","bytes":12}
{"time":20,"node":"n0","event":"corrupt","file":"</script>","from":512,"bytes":512}
{"time":30,"node":"n1","event":"resumed","delivered":3,"dropped":2}
{"time":40,"node":"n0","event":"rename","file":"</script>","to":"log"}
{"time":50,"node":"n0","event":"torn","file":"log","was":12,"is":9}
{"time":50,"node":"n1","event":"failed","call":"sync-names"}
"#;

fn drawn(journal: &str) -> Result<String, html::HtmlError> {
    let plan: Plan = serde_json::from_str(PLAN).expect("a plan");
    let history = jsonl::read(HISTORY.as_bytes(), plan.nodes.to_vec()).expect("a history");
    let results = r#"{"valid": true, "run": {"ended": 4000}}"#;
    let stored = Stored { plan: &plan, results, history: &history };
    // The first line came by itself, the second in two parts, the third after anybody looked.
    let known = |time, bytes| LogTime { time: Time::from_nanos(time), bytes };
    let log = Log {
        node: "n0".to_owned(),
        lines: LOG.as_bytes(),
        times: vec![known(1500, 4), known(2000, 9), known(2100, 14)],
    };
    let beside = Beside { events: Some(EVENTS.trim_start().as_bytes()), small: None };
    let mut page = Vec::new();
    html::write(&mut page, &stored, journal.as_bytes(), [log], beside)?;
    Ok(String::from_utf8(page).expect("text"))
}

/// A data part, unpacked.
fn part(page: &str, id: &str) -> Vec<u8> {
    let begin = format!("<script type=\"application/octet-stream\" id=\"{id}\">");
    let text = page.split_once(&begin).expect(id).1.split_once("</script>").expect(id).0;
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)));
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let value = |byte: &u8| digits.iter().position(|digit| digit == byte).expect("a digit");
        let number = group.iter().fold(0, |number, byte| number << 6 | value(byte) as u32);
        let number = number << (6 * (4 - group.len()));
        bytes.extend_from_slice(&number.to_be_bytes()[1..group.len()]);
    }
    miniz_oxide::inflate::decompress_to_vec(&bytes).expect("deflated")
}

/// Columns as the page reads them: lengths, then numbers of seven bits a byte.
fn columns(mut bytes: &[u8]) -> Vec<Vec<u64>> {
    fn number(bytes: &mut &[u8]) -> u64 {
        let mut number = 0;
        for place in 0.. {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                break;
            }
        }
        number
    }
    let mut columns = Vec::new();
    while !bytes.is_empty() {
        let length = number(&mut bytes) as usize;
        let (mut column, rest) = bytes.split_at(length);
        bytes = rest;
        let mut numbers = Vec::new();
        while !column.is_empty() {
            numbers.push(number(&mut column));
        }
        columns.push(numbers);
    }
    columns
}

#[test]
fn the_data_is_all_that_the_run_left() {
    let page = drawn(JOURNAL).expect("a page");
    assert_eq!(drawn(JOURNAL).expect("a page"), page, "the same run gives the same bytes");
    let mut meta: serde_json::Value = serde_json::from_slice(&part(&page, "meta")).expect("JSON");
    // Which functions there are is said elsewhere, and grows.
    let functions = meta.as_object_mut().and_then(|meta| meta.remove("functions"));
    assert_eq!(functions.expect("functions")[0], "echo");
    insta::assert_snapshot!("page_meta", serde_json::to_string_pretty(&meta).expect("JSON"));
    let names = [
        "id",
        "sent",
        "order",
        "src",
        "dest",
        "kind",
        "op",
        "cause",
        "request",
        "fate",
        "end",
        "end order",
        "copy of",
        "copy's fate",
        "copy's end",
        "copy's end order",
        "op's index",
        "invoked",
        "took",
        "process",
        "node",
        "function",
        "outcome",
        "phase",
    ];
    let found = columns(&part(&page, "columns"));
    assert_eq!(found.len(), names.len());
    let lines = names.iter().zip(found).map(|(name, column)| format!("{name}: {column:?}\n"));
    insta::assert_snapshot!("page_columns", lines.collect::<String>());
    assert_eq!(columns(&part(&page, "log-times-0")), [[3002, 1200, 4201, 0]], "zigzag differences");
    let rows = columns(&part(&page, "node-events"));
    let expected: [&[u64]; 7] = [
        &[20, 20, 20, 20, 20, 0],
        &[1, 1, 2, 1, 1, 2],
        &[5, 13, 4, 7, 17, 11],
        &[1, 1, 0, 1, 4, 0],
        &[0, 0, 0, 4, 0, 5],
        &[12, 512, 3, 0, 12, 0],
        &[0, 512, 2, 0, 9, 0],
    ];
    assert_eq!(rows, expected);
    let states = columns(&part(&page, "states-0"));
    assert_eq!(states, [[6], [1], [2], [8], [36], [4], [42]], "zigzag differences");
    let texts = ["bodies-0", "values-0", "logs-0-0"]
        .map(|id| String::from_utf8_lossy(&part(&page, id)).escape_debug().to_string());
    insta::assert_snapshot!("page_texts", texts.join("\n"));
}

/// The same run gives the same bytes on every machine and in every process: those of its data, for
/// what else stands in a page is our own text.
#[test]
fn the_bytes_are_known() {
    let page = drawn(JOURNAL).expect("a page");
    let begin = page.find("<script type=\"application/octet-stream\"").expect("data");
    let end = page.find("<script type=\"module\">").expect("the script");
    let digest = Sha256::digest(&page.as_bytes()[begin..end]);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!("page_data_sha256", hex);
}

/// Nothing that a node printed stands in the page as it is, and the elements are those we wrote.
#[test]
fn data_cannot_get_out() {
    let page = drawn(JOURNAL).expect("a page");
    assert_eq!(page.matches("<script").count(), page.matches("</script").count());
    assert_eq!(page.matches("<script").count(), 9, "eight data parts and the script");
    for trace in ["<!--", "\u{1b}", "echo_ok"] {
        let ours = page.split_once("<script").expect("parts").0;
        let parts = page.rsplit_once("<script").expect("parts").0;
        assert!(!parts[ours.len()..].contains(trace), "{trace:?}");
    }
    let policy = page.split_once("Content-Security-Policy\" content=\"").expect("a policy").1;
    let policy = policy.split_once('"').expect("its end").0;
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

/// A journal that is none is refused with its line.
#[test]
fn says_what_is_wrong_with_a_journal() {
    let problem = |journal: &str| drawn(journal).expect_err("refused").to_string();
    assert_eq!(problem("what\n"), "journal.jsonl: line 1, column 1: expected value");
    // An end of a message nobody sent says nothing.
    drawn("{\"event\":\"receive\",\"time\":1,\"id\":9,\"src\":\"a\",\"dest\":\"b\"}\n")
        .expect("a page");
}
