//! Histories that others recorded, as `kolk check` judges them.

#[path = "check/overlooked.rs"]
mod overlooked;

use std::fs;
use std::process::Command;

use tempfile::TempDir;

/// Runs `kolk` in a folder; its exit status, and what it printed.
fn kolk(folder: &TempDir, words: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kolk"))
        .args(words)
        .current_dir(folder.path())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("kolk runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = text(&output.stdout) + &text(&output.stderr);
    (output.status.code().unwrap_or(-1), all)
}

/// Checks a history with these flags.
fn check(history: &str, flags: &str) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("history"), history).expect("a file");
    let words: Vec<&str> =
        ["check", "history"].into_iter().chain(flags.split_whitespace()).collect();
    kolk(&folder, &words)
}

/// A cycle of writes: Elle's G0.
const WRITES_IN_A_CIRCLE: &str = "\
{:index 0 :process 0 :type :invoke :f :txn :value [[:append :x 1] [:append :y 1]]}
{:index 1 :process 1 :type :invoke :f :txn :value [[:append :x 2] [:append :y 2]]}
{:index 2 :process 0 :type :ok :f :txn :value [[:append :x 1] [:append :y 1]]}
{:index 3 :process 1 :type :ok :f :txn :value [[:append :x 2] [:append :y 2]]}
{:index 4 :process 2 :type :invoke :f :txn :value [[:r :x nil] [:r :y nil]]}
{:index 5 :process 2 :type :ok :f :txn :value [[:r :x [1 2]] [:r :y [2 1]]]}
";

const READ_OF_WHAT_NOBODY_WROTE: [&str; 4] = [
    r#"{"process":0,"type":"invoke","f":"write","value":1,"index":0}"#,
    r#"{"process":0,"type":"ok","f":"write","value":1,"index":1}"#,
    r#"{"process":0,"type":"invoke","f":"read","value":null,"index":2}"#,
    r#"{"process":0,"type":"ok","f":"read","value":2,"index":3}"#,
];

/// What is proved of transactions counts, but where Maelstrom's word is asked for.
#[test]
fn whose_checks_count() {
    // Whoever reads x as 2 saw the second transaction's y, too late.
    let torn = "\
        {:process 0 :type :ok :f :txn :value [[:w :x 1] [:w :y 1]]}
        {:process 1 :type :ok :f :txn :value [[:r :x 1] [:r :y nil]]}";
    let atomic = "-w txn-rw-register --consistency-models read-atomic";
    for (flags, status, said) in [
        ("", 1, "✗ invalid"),
        ("--as maelstrom", 0, "it counts without --as maelstrom)"),
        ("--as kolk", 1, "✗ invalid"),
        ("--strict", 1, "✗ invalid"),
        ("--as jepsen", 254, "possible values: maelstrom, kolk"),
        ("--as kolk --strict", 254, "cannot be used with"),
    ] {
        let (code, screen) = check(torn, &format!("{atomic} {flags}"));
        assert_eq!(code, status, "{flags}: {screen}");
        assert!(screen.contains(said), "{flags}: {screen}");
    }
}

/// History, flags, exit status, and something that is said.
#[test]
fn histories_of_others() {
    let lines = READ_OF_WHAT_NOBODY_WROTE.join("\n");
    let array = format!("[{}]", READ_OF_WHAT_NOBODY_WROTE.join(",\n"));
    let mark = format!("\u{feff}{lines}");
    let without_f = WRITES_IN_A_CIRCLE.replace(" :f :txn", "");
    let completions = WRITES_IN_A_CIRCLE.lines().filter(|line| !line.contains(":invoke"));
    let completions = format!("[{}]", completions.collect::<Vec<_>>().join("\n "));
    let cut = &lines[..lines.len() - 20];
    let lists = "-w txn-list-append --consistency-models serializable";
    let early =
        "{:process 1 :type :invoke :f :read :value nil} {:process 1 :type :ok :f :read :value 0}
        {:process 2 :type :invoke :f :write :value 0} {:process 2 :type :fail :f :write :value 0}
        {:process 2 :type :invoke :f :write :value 1} {:process 2 :type :ok :f :write :value 1}";
    let pending = "{:process 0, :type :invoke, :f :read, :value nil}
        {:process 1, :type :invoke, :f :write, :value 3} {:process 1, :type :info, :f :write, :value 3}
        {:process 0, :type :ok, :f :read, :value 3}";
    let other_value =
        "{:process 0 :type :invoke :f :write :value 1} {:process 0 :type :ok :f :write :value 2}
        {:process 1 :type :invoke :f :read :value nil} {:process 1 :type :ok :f :read :value 2}";
    let orphan = "{:index 0, :process 0, :type :invoke, :f :write, :value 1}
{:index 1, :process 0, :type :ok, :f :write, :value 1}
{:index 2, :process 1, :type :ok, :f :read, :value 1}";
    let twice = "{:index 0, :process 0, :type :invoke, :f :write, :value 1}
{:index 1, :process 0, :type :invoke, :f :read, :value nil}";
    for (history, flags, status, said) in [
        (lines.as_str(), "-w register", 1, "[never-written]"),
        (&array, "-w register", 1, "[never-written]"),
        (&mark, "-w register", 1, "[never-written]"),
        (
            cut,
            "-w register",
            254,
            "line 4 breaks off in a record; operation 2, `read`, is the last",
        ),
        (&array[..array.len() - 1], "-w register", 254, "line 4 breaks off"),
        (&without_f[..without_f.len() - 8], lists, 254, "breaks off in a record"),
        (&without_f, lists, 1, "[G0]"),
        (&completions, lists, 1, "[G0]"),
        (early, "-w register", 1, "[read-before-write]"),
        (early, "-w register --initial 0", 0, "✓ valid"),
        (early, "-w register --initial {", 254, "`--initial {` is neither JSON nor EDN"),
        (early, "-w lin-kv --initial 0", 254, "`--initial` is for the workloads `register`"),
        (pending, "-w register", 0, "no `write` succeeded: 0 failed, 1 unknown"),
        (pending, "-w register --availability 0.9", 1, "[unavailable]"),
        (other_value, "-w register", 0, "✓ valid"),
        (
            orphan,
            "-w register",
            254,
            "line 3, column 1: process 1 completes `read`, which it never",
        ),
        (twice, "-w register", 254, "line 2, column 1: process 0 invokes `read` while its `write`"),
        (other_value, "", 254, "its functions are those of comments, kv"),
    ] {
        let (found, told) = check(history, flags);
        assert_eq!(found, status, "{flags}: {told}\n{history}");
        assert!(told.contains(said), "{flags}: {told}\n{history}");
    }
}

/// What a history's operations do must be what the workload's do.
#[test]
fn a_history_of_another_workload() {
    for workload in
        ["lin-kv", "kv", "register", "kafka", "echo", "unique-ids", "g-counter", "pn-counter"]
    {
        let (status, told) = check(WRITES_IN_A_CIRCLE, &format!("-w {workload}"));
        if workload == "kafka" {
            // Its transactions go by the same name.
            assert_eq!(status, 2, "{told}");
            continue;
        }
        assert_eq!(status, 254, "{workload}: {told}");
        assert!(told.contains("`txn` is no function of this workload"), "{told}");
        assert!(told.contains("txn-list-append or txn-rw-register: say so with -w"), "{told}");
    }
}

/// Integers of any size are ids, each its own.
#[test]
fn ids_beyond_64_bits() {
    let ids = [
        "36893488147419103233",
        "36893488147419103234",
        "9223372036854775809",
        "9223372036854775810",
    ];
    let generated = |ids: &[&str], open: &str, json: bool| -> String {
        ids.iter()
            .flat_map(|id| [("invoke", open), ("ok", id)])
            .map(|(kind, value)| match json {
                true => format!(
                    "{{\"type\":\"{kind}\",\"process\":0,\"f\":\"generate\",\"value\":{value}}}\n"
                ),
                false => format!("{{:type :{kind}, :process 0, :f :generate, :value {value}}}\n"),
            })
            .collect()
    };
    for history in [generated(&ids, "null", true), generated(&ids, "nil", false)] {
        let (status, told) = check(&history, "-w unique-ids");
        assert_eq!(status, 0, "{told}");
    }
    let again = [ids[0], ids[1], ids[0]];
    let (status, told) = check(&generated(&again, "null", true), "-w unique-ids");
    assert_eq!(status, 1, "{told}");
    assert!(told.contains("id 36893488147419103233 is given out 2 times"), "{told}");
}

/// A run's plan says which workload it is, and what its transactions are held to.
#[test]
fn a_run_folder_says_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = "test -w txn-rw-register --node txn-rw-register --node-count 1 --time-limit 1 --rate 20 \
               --seed 7 --consistency-models read-committed";
    let (status, told) = kolk(&folder, &run.split_whitespace().collect::<Vec<_>>());
    assert_eq!(status, 0, "{told}");
    for history in ["store/latest", "store/latest/history.jsonl", "store/latest/history.edn"] {
        let (status, told) = kolk(&folder, &["check", history]);
        assert_eq!(status, 0, "{told}");
        assert!(told.contains("read-committed was decided exactly"), "{told}");
        let (_, told) = kolk(&folder, &["check", history, "--consistency-models", "read-atomic"]);
        assert!(told.contains("read-atomic was decided exactly"), "{told}");
    }
}

/// What is no transaction is said, and where; and nothing panics.
#[test]
fn torn_transactions() {
    let history = |appends: &str, second: &str| {
        format!(
            "{{\"type\":\"invoke\",\"process\":0,\"f\":\"txn\",\"value\":[{appends}]}}\n\
             {{\"type\":\"ok\",\"process\":0,\"f\":\"txn\",\"value\":[{appends}]}}\n\
             {{\"type\":\"invoke\",\"process\":1,\"f\":\"txn\",\"value\":[[\"r\",1,null],[\"r\",2,null]]}}\n\
             {{\"type\":\"ok\",\"process\":1,\"f\":\"txn\",\"value\":[[\"r\",1,[3]],[\"r\",2,{second}]]}}\n"
        )
    };
    for appends in
        [r#"["append",1,1],["append",1,2],["append",1,3]"#, r#"["append",1,2],["append",1,3]"#]
    {
        let (status, told) = check(&history(appends, "7"), "-w txn-list-append");
        assert_eq!(status, 2, "{told}");
        let said =
            "operation 2 has micro-operation 2, [\"r\",2,7], which reads 7 where a list belongs";
        assert!(told.contains(said), "{told}");
        assert!(!told.contains("panicked"), "{told}");
        let (status, told) = check(&history(appends, "null"), "-w txn-list-append");
        assert_eq!(status, 1, "{told}");
        assert!(!told.contains("panicked"), "{told}");
    }
}

/// Whoever answers what nobody asked has not carried out what was asked, under any model.
#[test]
fn answers_of_another_shape() {
    let history = |answer: &str| {
        format!(
            "{{:process 0 :type :invoke :f :txn :value [[:append 224 6] [:r 226 nil]]}}
             {{:process 0 :type :ok :f :txn :value {answer}}}
             {{:process 1 :type :invoke :f :txn :value [[:r 224 nil]]}}
             {{:process 1 :type :ok :f :txn :value [[:r 224 [6]]]}}"
        )
    };
    for (answer, status, said) in [
        ("[[:append 224 6] [:r 226 nil]]", 0, "✓ valid"),
        (
            "[[:append 224 6] [:append 226 [1 2 3]]]",
            1,
            "operation 0 was acknowledged, but has micro-operation 2, [\"append\",226,[1,2,3]], in answer",
        ),
        ("[[:append 224 6] [:r 227 nil]]", 1, "[\"r\",227,null], in answer to [\"r\",226,null]"),
        (
            "[[:append 224 6]]",
            1,
            "but has 1 micro-operations where 2 were asked for [wrong-answer]",
        ),
    ] {
        let (found, told) = check(&history(answer), "-w txn-list-append");
        assert_eq!(found, status, "{told}");
        assert!(told.contains(said), "{told}");
    }
}

/// One key of which nobody knows what was read leaves the others to be judged.
#[test]
fn one_ambiguous_key() {
    let twice = "{:process 0 :type :invoke :f :txn :value [[:w :z 1]]} {:process 0 :type :ok :f :txn :value [[:w :z 1]]}
{:process 1 :type :invoke :f :txn :value [[:w :z 1]]} {:process 1 :type :ok :f :txn :value [[:w :z 1]]}\n";
    let circle = "{:process 2 :type :invoke :f :txn :value [[:w :x 1] [:r :y nil]]}
{:process 3 :type :invoke :f :txn :value [[:w :y 1] [:r :x nil]]}
{:process 2 :type :ok :f :txn :value [[:w :x 1] [:r :y 1]]}
{:process 3 :type :ok :f :txn :value [[:w :y 1] [:r :x 1]]}\n";
    let read = "{:process 4 :type :invoke :f :txn :value [[:r :z nil]]}
{:process 4 :type :ok :f :txn :value [[:r :z 1]]}\n";
    let written = "{:process 5 :type :invoke :f :txn :value [[:w :x 7]]}
{:process 5 :type :ok :f :txn :value [[:w :x 7]]} {:process 5 :type :invoke :f :txn :value [[:r :x nil]]}
{:process 5 :type :ok :f :txn :value [[:r :x 7]]}\n";
    for (parts, status, said) in [
        // That z was twice set to 1 confuses nothing where nobody read it.
        (&[twice, circle][..], 1, "[G1c]"),
        (&[twice, written], 0, "✓ valid"),
        (&[twice, read, circle], 1, "[G1c]"),
        (
            &[twice, read, written],
            2,
            "operation 0 and operation 2 both write 1 to z, which was read",
        ),
    ] {
        let flags = "-w txn-rw-register --consistency-models serializable";
        let (found, told) = check(&parts.concat(), flags);
        assert_eq!(found, status, "{told}");
        assert!(told.contains(said), "{told}");
    }
}

/// Many processes that write the same few values: the search ends within its bound, and says so.
#[test]
fn a_search_that_is_too_wide() {
    let mut history = String::new();
    for (kind, time) in [("invoke", 0), ("ok", 1)] {
        for process in 0..1000 {
            let value = process % 3;
            history += &format!(
                "{{\"type\":\"{kind}\",\"process\":{process},\"f\":\"write\",\"value\":[0,{value}],\"time\":{time}}}\n"
            );
        }
    }
    for (process, value) in [(0, 1), (1, 0), (0, 2), (2, 1), (1, 1), (3, 0)] {
        history += &format!(
            "{{\"type\":\"invoke\",\"process\":{process},\"f\":\"read\",\"value\":[0,null]}}\n\
             {{\"type\":\"ok\",\"process\":{process},\"f\":\"read\",\"value\":[0,{value}]}}\n"
        );
    }
    let (status, told) = check(&history, "-w seq-kv");
    assert!([0, 2].contains(&status), "{told}");
}

/// Runs `kolk check` with these words, this on its standard input and these files in its folder.
fn check_files(words: &str, input: &str, files: &[(&str, &str)]) -> (i32, String, String) {
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_kolk"))
        .arg("check")
        .args(words.split_whitespace())
        .current_dir(folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("kolk runs");
    // Nobody reads where a flag is refused.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("kolk ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

const ACQUIRED_TWICE: &str = "\
{:process 0 :type :invoke :f :acquire} {:process 0 :type :ok :f :acquire}
{:process 1 :type :invoke :f :acquire} {:process 1 :type :ok :f :acquire}
";
const READ_OF_ONE: &str = r#"[{"process":0,"type":"invoke","f":"txn","value":[["w","x",1]]},
{"process":0,"type":"ok","f":"txn","value":[["w","x",1]]},
{"process":1,"type":"invoke","f":"txn","value":[["r","x",null]]},
{"process":1,"type":"ok","f":"txn","value":[["r","x",1]]}]"#;
const LATE_READ: &str = r#"{"process":0,"type":"invoke","f":"txn","value":[["w","x",1]]}
{"process":0,"type":"ok","f":"txn","value":[["w","x",1]]}
{"process":1,"type":"invoke","f":"txn","value":[["r","x",null]]}
{"process":1,"type":"ok","f":"txn","value":[["r","x",null]]}"#;

/// Words, exit status, and all that is printed on standard output.
#[test]
fn in_place_of_elle_cli() {
    let orphan = "{:process 1, :type :ok, :f :acquire}";
    let files = [
        ("lock.edn", ACQUIRED_TWICE),
        ("one.json", READ_OF_ONE),
        ("late.json", LATE_READ),
        ("orphan.edn", orphan),
        ("empty.edn", ""),
    ];
    for (words, status, printed) in [
        ("--model rw-register one.json", 0, "one.json \t true\n"),
        ("-m rw-register one.json late.json", 1, "one.json \t true\nlate.json \t false\n"),
        ("-m rw-register -c serializable late.json", 0, "late.json \t true\n"),
        (
            "-m rw-register -c serializable -a G-single-realtime late.json",
            1,
            "late.json \t false\n",
        ),
        ("-m rw-register -c serializable -a G0,G1a late.json", 0, "late.json \t true\n"),
        (
            "--model rw-register --format json --output text --cycle-search-timeout 100 -p svg -t 1 \
             -b 99 one.json",
            0,
            "one.json \t true\n",
        ),
        ("-m mutex lock.edn", 1, "lock.edn \t false\n"),
        ("-m knossos-mutex lock.edn", 1, "lock.edn \t false\n"),
        ("-m rw-register empty.edn", 0, "empty.edn \t unknown\n"),
        ("-m mutex one.json", 1, ""),
        ("-m mutes lock.edn", 1, ""),
        ("-m rw-register -c serialisable one.json", 1, ""),
        ("-m mutex nowhere.edn", 255, ""),
        ("-m mutex orphan.edn", 254, ""),
        ("-m mutex -w mutex lock.edn", 254, ""),
        ("-a G0 lock.edn", 254, ""),
    ] {
        let (found, out, errors) = check_files(words, "", &files);
        assert_eq!((found, out.as_str()), (status, printed), "{words}: {errors}");
        assert_eq!(printed.is_empty(), !errors.is_empty(), "{words}: {errors}");
    }
    let (status, out, _) = check_files("-m mutex --verbose lock.edn", "", &files);
    assert_eq!(status, 1);
    assert!(out.contains("\"valid?\": false"), "{out}");
    let (status, out, errors) = check_files("-m mutex - -d out", ACQUIRED_TWICE, &[]);
    assert_eq!((status, out.as_str()), (1, "standard input \t false\n"), "{errors}");
}

#[test]
fn from_standard_input_and_several() {
    let (status, out, _) = check_files("- -w txn-rw-register", READ_OF_ONE, &[]);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("✓ valid") && out.contains("standard input"), "{out}");
    let files = [("one", READ_OF_ONE), ("late", LATE_READ), ("lock", ACQUIRED_TWICE)];
    let (status, out, errors) = check_files("one late -w rw-register", "", &files);
    assert_eq!(status, 1, "{out}{errors}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "one\tvalid");
    assert!(lines[1].starts_with("late\tinvalid\t"), "{out}");
    let (status, out, errors) = check_files("one lock nowhere -w rw-register", "", &files);
    assert_eq!((status, out.as_str()), (254, "one\tvalid\n"), "{errors}");
    assert!(errors.contains("lock is no history of `txn-rw-register`"), "{errors}");
    assert!(errors.contains("cannot read the history nowhere"), "{errors}");
    let (status, out, _) = check_files("one late -w rw-register --json", "", &files);
    assert_eq!(status, 1);
    assert!(out.starts_with('[') && out.contains("\"file\": \"late\""), "{out}");
}

#[test]
fn explained() {
    let words = "- -w txn-rw-register --consistency-models serializable --explain";
    let (status, out, _) = check_files(words, LATE_READ, &[]);
    assert_eq!(status, 0, "{out}");
    for said in [
        "asked for: serializable",
        "keys hold nothing in the beginning",
        "proved: ",
        "strong-session-serializable",
        "refuted, with all that imply it: strong-snapshot-isolation",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
}

/// What `--json` prints has the shape that the schema promises.
#[test]
fn json_has_its_schema() {
    let schema = fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book/src/check.schema.json"),
    );
    let schema: serde_json::Value =
        serde_json::from_str(&schema.expect("the schema")).expect("JSON");
    let histories = [
        (READ_OF_ONE, "-w txn-rw-register --explain"),
        (LATE_READ, "-w txn-rw-register"),
        (WRITES_IN_A_CIRCLE, "-w txn-list-append"),
        (ACQUIRED_TWICE, "-w mutex --explain"),
        (&READ_OF_WHAT_NOBODY_WROTE.join("\n"), "-w register --availability 0.5"),
    ];
    for (history, flags) in histories {
        let (_, out, errors) = check_files(&format!("- --json {flags}"), history, &[]);
        let value: serde_json::Value = serde_json::from_str(&out).expect(&errors);
        if let Err(place) = fits(&schema, &schema, &value, "") {
            panic!("{flags}: {place}\n{out}");
        }
    }
    for wrong in [
        "{}",
        r#"{"format": 2, "valid": 1, "anomaly-types": [], "anomalies": [], "workload": {"valid": true}}"#,
    ] {
        let value = serde_json::from_str(wrong).expect("JSON");
        assert!(fits(&schema, &schema, &value, "").is_err(), "{wrong}");
    }
}

/// As much of JSON schema as this one uses; the place that does not fit.
fn fits(
    root: &serde_json::Value,
    schema: &serde_json::Value,
    value: &serde_json::Value,
    place: &str,
) -> Result<(), String> {
    let name = |key: &str| format!("{place}/{key}");
    let of = |key: &str| schema.get(key);
    if let Some(reference) = of("$ref").and_then(|reference| reference.as_str()) {
        let target = root.pointer(&reference[1..]).expect("a definition");
        return fits(root, target, value, place);
    }
    if let Some(allowed) = of("enum").and_then(|allowed| allowed.as_array()) {
        return if allowed.contains(value) { Ok(()) } else { Err(place.to_owned()) };
    }
    let is_type = match of("type").and_then(|kind| kind.as_str()) {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        None => true,
        Some(other) => panic!("a type that is not known here: {other}"),
    };
    if !is_type {
        return Err(place.to_owned());
    }
    for key in of("required").and_then(|keys| keys.as_array()).into_iter().flatten() {
        let key = key.as_str().expect("a key");
        value.get(key).ok_or_else(|| format!("{} is missing", name(key)))?;
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        match of("properties").and_then(|all| all.get(key)) {
            Some(schema) => fits(root, schema, inner, &name(key))?,
            None if of("additionalProperties") == Some(&serde_json::Value::Bool(false)) => {
                return Err(format!("{} is not told of", name(key)));
            }
            None => {}
        }
    }
    if let (Some(schema), Some(items)) = (of("items"), value.as_array()) {
        for (at, item) in items.iter().enumerate() {
            fits(root, schema, item, &name(&at.to_string()))?;
        }
    }
    Ok(())
}
