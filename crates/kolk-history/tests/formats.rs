//! The formats to the letter: what files look like, what is accepted, and what errors say.

use kolk_history::{Format, Function, Outcome, Phase, Value, edn, jepsen, jsonl};
use kolk_protocol::Time;

const JSON: &str = r#"{"index":0,"time":0,"type":"invoke","process":0,"f":"broadcast","value":3,"node":"n0"}
{"index":1,"time":5,"type":"info","process":"nemesis","f":"start-partition","value":{"n1":["n0"]}}
{"index":2,"time":7,"type":"invoke","process":1,"f":"read","value":null,"final":true,"node":"n1"}
{"index":3,"time":9,"type":"info","process":0,"f":"broadcast","value":3,"error":[0,"timeout"],"node":"n0"}
{"index":4,"time":9,"type":"ok","process":1,"f":"read","value":[3,1],"final":true,"node":"n1"}
{"index":5,"time":11,"type":"invoke","process":1,"f":"read","value":null,"convergence":true,"node":"n1"}
"#;

const EDN: &str = r#"{:index 0, :time 0, :type :invoke, :process 0, :f :broadcast, :value 3, :node "n0"}
{:index 1, :time 5, :type :info, :process :nemesis, :f :start-partition, :value {"n1" ["n0"]}}
{:index 2, :time 7, :type :invoke, :process 1, :f :read, :value nil, :final? true, :node "n1"}
{:index 3, :time 9, :type :info, :process 0, :f :broadcast, :value 3, :error [0 "timeout"], :node "n0"}
{:index 4, :time 9, :type :ok, :process 1, :f :read, :value [3 1], :final? true, :node "n1"}
{:index 5, :time 11, :type :invoke, :process 1, :f :read, :value nil, :convergence? true, :node "n1"}
"#;

const TEXT: &str = "0\t:invoke\t:broadcast\t3
:nemesis\t:info\t:start-partition\t{\"n1\" [\"n0\"]}
1\t:invoke\t:read\tnil
0\t:info\t:broadcast\t3\t[0 \"timeout\"]
1\t:ok\t:read\t[3 1]
1\t:invoke\t:read\tnil
";

#[test]
fn all_formats_say_the_same() {
    let nodes = || vec!["n0".to_owned(), "n1".to_owned()];
    let history = jsonl::read(JSON.as_bytes(), nodes()).unwrap();
    assert_eq!(jepsen::read(EDN.as_bytes(), nodes()).unwrap(), history);
    assert_eq!(jepsen::read(EDN.as_bytes(), Vec::new()).unwrap(), history);

    let written = |write: fn(&mut Vec<u8>, &kolk_history::History)| {
        let mut out = Vec::new();
        write(&mut out, &history);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(jsonl::write), JSON);
    assert_eq!(written(jepsen::write), EDN);
    assert_eq!(written(jepsen::write_text), TEXT);

    let [add, read, open] = history.operations.as_slice() else { panic!("three operations") };
    assert_eq!((add.function, add.outcome), (Function::Broadcast, Outcome::Info));
    assert_eq!(add.result, Value::list(vec![Value::Int(0), Value::text("timeout")]));
    assert_eq!((read.phase, read.completed), (Phase::Final, Time::from_nanos(9)));
    assert_eq!(read.result, Value::ints(vec![3, 1]));
    assert_eq!(
        (open.phase, open.outcome, open.completion_index),
        (Phase::Convergence, Outcome::Info, None)
    );
    assert_eq!(history.counted().count(), 2);
    assert_eq!(history.node_name(read), Some("n1"));
}

/// What a completion says that is not `ok` is not lost: others' clients say what they had seen.
#[test]
fn partial_results_are_kept() {
    let json = "\
{\"index\":0,\"time\":5,\"type\":\"invoke\",\"process\":0,\"f\":\"poll\",\"value\":[[\"poll\"]]}
{\"index\":1,\"time\":6,\"type\":\"info\",\"process\":0,\"f\":\"poll\",\"value\":[[\"poll\",{\"k\":[[0,7]]}]],\"error\":\"timeout\"}
{\"index\":2,\"time\":7,\"type\":\"invoke\",\"process\":1,\"f\":\"poll\",\"value\":[[\"poll\"]]}
{\"index\":3,\"time\":8,\"type\":\"fail\",\"process\":1,\"f\":\"poll\",\"value\":[[\"poll\"]],\"error\":\"timeout\"}
";
    let history = jsonl::read(json.as_bytes(), Vec::new()).unwrap();
    assert_eq!(history.partial.len(), 1);
    for (position, known) in [(0, r#"[["poll",{"k":[[0,7]]}]]"#), (1, r#"[["poll"]]"#)] {
        assert_eq!(history.known_value(position), &Value::from_json(known).unwrap());
        assert_eq!(history.operations[position].result, Value::text("timeout"));
    }
    let mut written = Vec::new();
    jsonl::write(&mut written, &history);
    assert_eq!(String::from_utf8(written).unwrap(), json);
    let mut written = Vec::new();
    jepsen::write(&mut written, &history);
    assert_eq!(jepsen::read(written.as_slice(), Vec::new()).unwrap(), history);
}

/// Ways to write one invocation and its completion.
#[test]
fn edn_of_many_kinds_is_accepted() {
    for text in [
        "{:type :invoke :process 0 :f :read :value nil} {:type :ok :process 0 :f :read :value [1 2]}",
        "[{:type :invoke, :process 0, :f :read}\n {:type :ok, :process 0, :f :read, :value (1 2)}]",
        "#jepsen.history.History ({:type :invoke, :process 0, :f :read, :value nil}
          #jepsen.history.Op{:type :ok, :process 0, :f :read, :value #{1 2}})",
        "; a comment\n{:f \"read\" :process 0 :type \"invoke\"} ,,, #_ {:nonsense 1}
         {:f :read :process 0 :type :ok :value [1 #_ 7 2N] :clock 123456789012345678901234567890
          :exception {:via [{:type java.lang.Error, :at [a.b$c \"d\" 3]}], :trace #error{}, \"k\" \\newline}}",
        "{:type :info :process :nemesis :f :start :value nil :index 0}
         {:type :info :process :logger :f :x :value nil :index 1}
         {:index -1 :type :invoke :process 0 :f :read :value nil}
         {:type :ok :process 0 :f :read :value ^{:a 1} [1 2]}",
        "\u{feff}{:type :invoke :process 0 :f :read :value #:a{:b ##NaN}}
         {:type :ok :process 0 :f :read :value #tag [1 2]}",
    ] {
        let history = jepsen::read(text.as_bytes(), Vec::new()).unwrap();
        let [read] = history.operations.as_slice() else { panic!("one operation: {text}") };
        assert_eq!(read.result, Value::ints(vec![1, 2]), "{text}");
        assert!(read.is_ok());
    }
}

#[test]
fn missing_indices_and_times_are_filled_in() {
    let text = "{:time 7 :type :invoke :process 0 :f :read}
                {:type :info :process :nemesis :f :stop}
                {:index 5 :type :invoke :process 1 :f :read}
                {:type :ok :process 0 :f :read :time 9}";
    let history = jepsen::read(text.as_bytes(), Vec::new()).unwrap();
    let [first, second] = history.operations.as_slice() else { panic!("two operations") };
    assert_eq!((first.index, first.invoked), (0, Time::from_nanos(7)));
    assert_eq!((history.faults[0].index, history.faults[0].time), (1, Time::from_nanos(7)));
    assert_eq!((second.index, second.invoked), (5, Time::from_nanos(7)));
    assert_eq!((first.completion_or_end(), first.completed), (6, Time::from_nanos(9)));
}

#[test]
fn edn_values() {
    let words = edn::read("[:append :nonsense nil \\a \\space \\u0041 sym/bol]").unwrap();
    let Value::List(words) = words else { panic!("a list") };
    assert!(matches!(words[0], Value::Keyword(word) if *word == "append"));
    let names: Vec<_> = words.iter().map(Value::as_str).collect();
    let expected = [Some("append"), Some("nonsense"), None, Some("a"), Some(" "), Some("A")];
    assert_eq!(names[..6], expected);
    for (text, value) in [
        ("+7", Value::Int(7)),
        ("-0", Value::Int(0)),
        ("007N", Value::Int(7)),
        ("1.5M", Value::Float(1.5)),
        ("-2e3", Value::Float(-2000.0)),
        ("\"\\u00e9\\ud83d\\ude00\\n\"", Value::text("é😀\n")),
        ("{:a 1}", Value::map(vec![(Value::text("a"), Value::Int(1))])),
        ("#\"a\\\"b\"", Value::text("a\\\"b")),
    ] {
        assert_eq!(edn::read(text).unwrap(), value, "{text}");
    }
}

#[test]
fn edn_errors_say_where() {
    let invoke = "{:type :invoke :process 0 :f :read}\n";
    let deep = "[".repeat(2000);
    let deep = format!("{{:value {deep}");
    for (text, error) in [
        ("{:type :invoke", "line 1, column 1: `{` is never closed"),
        ("\n  7", "line 2, column 3: expected an operation: a map"),
        ("[", "line 1, column 2: the text ends within a list of operations"),
        ("{:type :invoke :f}", "line 1, column 18: a key without a value"),
        ("{:type :invoke :f :read}", "line 1, column 1: an event without a process"),
        ("{:type :ok :process 1 :f :fly}", "line 1, column 1: unknown function `fly`"),
        ("{:type :oops :process 1 :f :read}", "line 1, column 1: unknown type `oops`"),
        ("{:process 1/2}", "line 1, column 11: `1/2` is a ratio, which has no place here"),
        ("{:value 08x}", "line 1, column 9: `08x` is not a number"),
        ("{:value \"a", "line 1, column 9: the string has no end"),
        ("{:value \"\\q\"}", "line 1, column 10: unknown escape in a string"),
        ("{:value \"\\ud800\"}", "line 1, column 10: unpaired surrogate in a string"),
        ("{:value [1)}", "line 1, column 11: `)` closes nothing"),
        (&deep, "line 1, column 1013: nested too deeply"),
        (
            "{:index 99999999999999999999}",
            "line 1, column 9: :index 99999999999999999999 is not an integer of 64 bits",
        ),
        (
            "{:index 99999999999 :process 1 :f :read :type :ok}",
            "line 1, column 1: index 99999999999 needs more than 32 bits",
        ),
        (
            "{:type :ok :process 1 :f :read}",
            "line 1, column 1: process 1 completes `read`, which it never invoked",
        ),
        (
            &format!("{invoke} {invoke}"),
            "line 2, column 2: process 0 invokes `read` while its `read` is still open",
        ),
        (
            &format!("{invoke}{{:type :ok :process 0 :f :add}}"),
            "line 2, column 1: process 0 completes `add`, but it had invoked `read`",
        ),
        (
            "{:index 3 :type :invoke :process 0 :f :read}{:index 2 :type :ok :process 0 :f :read}",
            "line 1, column 45: index 2 where 4 or more is due",
        ),
    ] {
        let found = jepsen::read(text.as_bytes(), Vec::new()).unwrap_err().to_string();
        assert_eq!(found, error, "{text}");
    }
    let found = jepsen::read(&b"{\n:value \"\xff\"}"[..], Vec::new()).unwrap_err().to_string();
    assert_eq!(found, "line 2, column 9: not UTF-8");
}

#[test]
fn json_errors_say_where() {
    let first = JSON.lines().next().unwrap();
    for (line, error) in [
        ("nonsense", "line 3, column 1: expected an event: an object"),
        (r#"{"type":"ok""#, "line 3, column 13: the text ends too early"),
        (r#"{"type":"ok","f":"read"}"#, "line 3, column 1: an event without a process"),
        (
            r#"{"type":"ok","f":"read","process":5000000000}"#,
            "line 3, column 1: process 5000000000 is not an integer of 32 bits",
        ),
        (
            r#"{"type":"ok","f":"read","process":5}"#,
            "line 3, column 1: process 5 completes `read`, which it never invoked",
        ),
        (r#"{"type":"x","f":"read","process":5}"#, "line 3, column 1: unknown type `x`"),
        (r#"{"type":"ok","type":"ok"}"#, "line 3, column 14: the key `type` comes twice"),
        (r#"{"type":"ok","f":7}"#, "line 3, column 18: `f` is 7, which is not a string"),
        (
            r#"{"type":"invoke","process":5,"value":3}"#,
            "line 3, column 1: an operation without a function",
        ),
        (r#"{"type":"ok","f":"fly","process":5}"#, "line 3, column 1: unknown function `fly`"),
    ] {
        let text = format!("{first}\n\n{line}\n");
        let found = jsonl::read(text.as_bytes(), Vec::new()).unwrap_err().to_string();
        assert_eq!(found, error, "{line}");
    }
}

#[test]
fn results_look_like_jepsens() {
    let key = |word: &'static &'static str| Value::Keyword(word);
    let stats = Value::map(vec![
        (key(&"valid?"), Value::Bool(true)),
        (key(&"count"), Value::Int(205)),
        (key(&"lost"), Value::list(vec![])),
        (key(&"latencies"), Value::map(vec![(Value::Float(0.5), Value::Int(1))])),
    ]);
    let tree = Value::map(vec![(key(&"stats"), stats), (key(&"valid?"), Value::Bool(false))]);
    let pretty = |width: usize| {
        let mut out = Vec::new();
        edn::write_pretty(&mut out, &tree, width);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        pretty(79),
        "{:stats {:valid? true, :count 205, :lost (), :latencies {0.5 1}},\n :valid? false}"
    );
    assert_eq!(
        pretty(40),
        "{:stats {:valid? true,\n         :count 205,\n         :lost (),\n         \
         :latencies {0.5 1}},\n :valid? false}"
    );
    assert_eq!(
        tree.to_string(),
        r#"{"stats":{"valid":true,"count":205,"lost":[],"latencies":{"0.5":1}},"valid":false}"#
    );
}

/// Jepsen's text and its log, as knossos and porcupine read it.
#[test]
fn columns_are_read() {
    let log = "INFO  jepsen.core - Running test\n\
               INFO  jepsen.util - 4\t:invoke\t:read\tnil\n\
               INFO  jepsen.util - 1   :invoke :cas    [2 4]\n\
               INFO  jepsen.util - :nemesis\t:info\t:start\t\"cut off\"\n\
               INFO  jepsen.util - 4\t:ok\t:read\tnil\n\
               INFO  jepsen.util - 1\t:info\t:cas\t:timed-out\n\n";
    assert_eq!(Format::of(log.as_bytes()), Format::Columns);
    let history = kolk_history::read(log.as_bytes(), Vec::new()).unwrap();
    let [read, cas] = history.operations.as_slice() else { panic!("two operations") };
    assert_eq!((read.index, read.completion_or_end(), read.outcome), (0, 3, Outcome::Ok));
    assert_eq!((cas.index, cas.process, cas.outcome), (1, 1, Outcome::Info));
    assert_eq!((&cas.value, &cas.result), (&Value::ints(vec![2, 4]), &Value::text("timed-out")));
    assert_eq!((history.faults[0].index, history.faults[0].function.as_str()), (2, "start"));

    // What `write_text` writes, but for times, marks and nodes.
    let history = kolk_history::read(TEXT.as_bytes(), Vec::new()).unwrap();
    let [add, read, _] = history.operations.as_slice() else { panic!("three operations") };
    assert_eq!(add.result, Value::list(vec![Value::Int(0), Value::text("timeout")]));
    assert_eq!(read.result, Value::ints(vec![3, 1]));
    let mut written = Vec::new();
    jepsen::write_text(&mut written, &history);
    assert_eq!(String::from_utf8(written).unwrap(), TEXT);
}

#[test]
fn column_errors_say_where() {
    let first = "0\t:invoke\t:read\tnil\n";
    for (line, error) in [
        ("nonsense", "line 2, column 1: expected a process and a type"),
        ("0\t:ok\t:fly\t1", "line 2, column 8: unknown function `fly`"),
        ("0\t:ok\t:read\t[1", "line 2, column 13: `[` is never closed"),
        ("x\t:ok\t:read\t1", "line 2, column 1: process x is not an integer of 32 bits"),
        (
            "log - 5\t:ok\t:read\t1",
            "line 2, column 7: process 5 completes `read`, which it never invoked",
        ),
    ] {
        let text = format!("{first}{line}\n");
        let found = kolk_history::read(text.as_bytes(), Vec::new()).unwrap_err().to_string();
        assert_eq!(found, error, "{line}");
    }
}

#[test]
fn formats_are_told_by_their_beginnings() {
    for (text, format) in [
        (JSON, Format::JsonLines),
        ("\n { \"index\":0}", Format::JsonLines),
        ("\u{feff}{\"index\":0}", Format::JsonLines),
        (" [\n {\"index\":0}]", Format::JsonArray),
        (EDN, Format::Edn),
        ("[{:index 0}]", Format::Edn),
        ("[{:type :invoke :process 0 :f :read}]", Format::Edn),
        ("[#jepsen.history.Op{:type :invoke :f :read}]", Format::Edn),
        ("; a comment\n{:type :invoke :f :read}", Format::Edn),
        ("#jepsen.history.Op{:index 0}", Format::Edn),
        ("; a comment\n{:index 0}", Format::Edn),
        (TEXT, Format::Columns),
        ("w 0 1\n-----\nr 0 1\n", Format::Awdit),
        ("", Format::Edn),
    ] {
        assert_eq!(Format::of(text.as_bytes()), format, "{text}");
    }
}

/// The key beside the value, and the words of other stores.
#[test]
fn keys_beside_values() {
    let text = "{:process 0, :type :invoke, :f :append, :key \"0\", :value \"x\"}
                {:process 0, :type :ok, :f :append, :key \"0\", :value \"x\"}
                {:process 0, :type :invoke, :f :get, :key \"0\", :value nil}
                {:process 0, :type :ok, :f :get, :key \"0\", :value \"x\"}
                {:process 0, :type :invoke, :f :put, :key \"0\", :value \"y\"}";
    let history = kolk_history::read(text.as_bytes(), Vec::new()).unwrap();
    let [append, get, put] = history.operations.as_slice() else { panic!("three operations") };
    let pair = |value| Value::list(vec![Value::text("0"), value]);
    assert_eq!((append.function, &append.value), (Function::Append, &pair(Value::text("x"))));
    assert_eq!((get.function, &get.value), (Function::Read, &pair(Value::Null)));
    assert_eq!(get.result, pair(Value::text("x")));
    assert_eq!((put.function, put.outcome), (Function::Write, Outcome::Info));
}

/// A write of 1 and a read of 2, one process after the other.
const JSON_EVENTS: [&str; 4] = [
    r#"{"process":0,"type":"invoke","f":"write","value":1,"index":0,"time":-1}"#,
    r#"{"process":0,"type":"ok","f":"write","value":1,"index":1}"#,
    r#"{"process":0,"type":":invoke","f":":read","value":null,"index":-1}"#,
    r#"{"process":0,"type":"ok","f":"get","value":2,"index":3}"#,
];

fn read(text: &str) -> Result<kolk_history::History, String> {
    kolk_history::read(text.as_bytes(), Vec::new()).map_err(|error| error.to_string())
}

/// Lines, an array however it is broken into lines, and a byte order mark before either.
#[test]
fn json_of_many_kinds_is_accepted() {
    let lines = read(&JSON_EVENTS.join("\n")).unwrap();
    assert_eq!(lines.operations.len(), 2);
    assert_eq!(lines.operations[1].result, Value::Int(2));
    for text in [
        JSON_EVENTS.join("\n") + "\n",
        format!("[{}]", JSON_EVENTS.join(",")),
        format!(" [\n{}\n]\n", JSON_EVENTS.join(",\n").replace(',', " ,\n ")),
    ] {
        assert_eq!(read(&text).as_ref(), Ok(&lines), "{text}");
        assert_eq!(read(&format!("\u{feff}{text}")).as_ref(), Ok(&lines), "{text}");
    }
    assert_eq!(
        read("[{\"type\":\"ok\"}]").unwrap_err(),
        "line 1, column 2: an event without a process"
    );
    let twice = format!("[{},\n{}]", JSON_EVENTS[0], JSON_EVENTS[2]);
    let error = "line 2, column 1: process 0 invokes `read` while its `write` is still open";
    assert_eq!(read(&twice).unwrap_err(), error);
}

/// No digit of an integer is lost, in either format.
#[test]
fn integers_are_exact() {
    for digits in ["9223372036854775808", "18446744073709551616", "-36893488147419103233"] {
        let json = format!(
            "{{\"type\":\"invoke\",\"process\":0,\"f\":\"generate\",\"value\":null}}\n\
             {{\"type\":\"ok\",\"process\":0,\"f\":\"generate\",\"value\":[{digits}]}}\n"
        );
        let edn = format!(
            "{{:type :invoke :process 0 :f :generate}} {{:type :ok :process 0 :f :generate :value [{digits}N]}}"
        );
        let expected = Value::from_json(&format!("[{digits}]")).unwrap();
        assert_eq!(expected.to_string(), format!("[{digits}]"));
        for text in [json.as_str(), edn.as_str(), &format!("[{}]", json.trim().replace('\n', ","))]
        {
            assert_eq!(read(text).unwrap().operations[0].result, expected, "{text}");
        }
    }
}

/// Elle's histories may say nothing but what transactions did.
#[test]
fn transactions_without_functions_and_invocations() {
    let without_f = "{:process 0 :type :invoke :value [[:append :x 1]]}
        {:process 0 :type :ok :value [[:append :x 1]]}
        {:process 1 :type :invoke :value []} {:process 1 :type :info :value nil}";
    let history = read(without_f).unwrap();
    let functions: Vec<Function> = history.operations.iter().map(|op| op.function).collect();
    assert_eq!(functions, [Function::Txn, Function::Txn]);
    assert!(!history.untimed);

    let completions = "[{:index 0 :process 0 :type :ok :f :txn :value [[:append :x 1]]}
        {:index 1 :process 0 :type :fail :value [[:append :x 2]] :error :taken}
        {:index 7 :process 2 :type :info :value [[:append :x 3]]}]";
    let history = read(completions).unwrap();
    assert!(history.untimed);
    let told: Vec<_> = history
        .operations
        .iter()
        .map(|op| (op.index, op.completion_or_end(), op.outcome, op.value.to_string()))
        .collect();
    let append = |value: i64| format!("[[\"append\",\"x\",{value}]]");
    assert_eq!(
        told,
        [
            (0, 1, Outcome::Ok, append(1)),
            (1, 2, Outcome::Fail, append(2)),
            (7, 8, Outcome::Info, append(3)),
        ]
    );
    for (text, error) in [
        (
            "{:process 0 :type :ok :f :read :value 1}",
            "line 1, column 1: process 0 completes `read`, which it never invoked",
        ),
        (
            "{:process 1 :type :ok :value [[:r :x 1]]}\n{:process 2 :type :invoke :value [[:r :x nil]]}",
            "line 2, column 1: process 2 invokes an operation, but event 0 completes one of process 1, \
             which it never invoked: either all operations are invoked, or none is",
        ),
        (
            "{:process 1 :type :invoke :value [[:r :x nil]]}\n{:process 2 :type :ok :value [[:r :x 1]]}",
            "line 2, column 1: process 2 completes `txn`, which it never invoked",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), error, "{text}");
    }
}

/// Whoever was stopped while writing left the beginning of a record: what stands before it is read,
/// and where the text breaks off is said.
#[test]
fn texts_may_break_off() {
    let lines = JSON_EVENTS.join("\n");
    let array = format!("[{}", JSON_EVENTS.join(",\n"));
    let edn = EDN.trim_end();
    let vector = format!("[{}\n]", edn.replace('\n', "\n "));
    for (text, records, last) in [
        (lines.as_str(), 4, lines.rfind('\n').unwrap() + 1),
        (&array, 4, array.rfind('\n').unwrap() + 1),
        (edn, 6, edn.rfind('\n').unwrap() + 1),
        (&vector, 6, vector.trim_end_matches("\n]").rfind('\n').unwrap() + 2),
    ] {
        for end in last + 1..text.len() - 2 {
            let history =
                read(&text[..end]).unwrap_or_else(|error| panic!("{error}: {}", &text[..end]));
            assert_eq!(history.cut, Some(records), "{}", &text[..end]);
            let whole = read(text).map(|history| history.operations.len()).unwrap_or(2);
            assert!((whole - 1..=whole).contains(&history.operations.len()), "{}", &text[..end]);
        }
    }
    // What is wrong before others is no end.
    for text in [
        format!("{}\n{}\n{}\n", JSON_EVENTS[0], &JSON_EVENTS[1][..30], JSON_EVENTS[2]),
        edn.replacen("\"n0\"}\n", "\"n0\n", 1),
        format!("{}\n", &JSON_EVENTS[0][..30]),
        JSON_EVENTS[0][..30].to_owned(),
    ] {
        assert!(read(&text).is_err(), "{text}");
    }
}

/// Jepsen's checker wants an echo's whole reply.
#[test]
fn an_echo_is_answered_with_a_body() {
    let json = "\
{\"index\":0,\"time\":0,\"type\":\"invoke\",\"process\":0,\"f\":\"echo\",\"value\":\"a\"}
{\"index\":1,\"time\":0,\"type\":\"ok\",\"process\":0,\"f\":\"echo\",\"value\":\"a\"}
";
    let history = read(json).unwrap();
    let mut out = Vec::new();
    jepsen::write(&mut out, &history);
    let edn = String::from_utf8(out).unwrap();
    assert!(edn.contains(":value {:type \"echo_ok\", :echo \"a\"}"), "{edn}");
    assert_eq!(read(&edn).as_ref(), Ok(&history));
    // Maelstrom's own has the messages' numbers too.
    let whole = edn.replace("{:type", "{:msg_id 3, :in_reply_to 1, :type");
    assert_eq!(read(&whole).as_ref(), Ok(&history));
}
