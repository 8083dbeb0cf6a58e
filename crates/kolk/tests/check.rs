//! Histories that others recorded, as `kolk check` judges them.

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
        ("--as maelstrom", 0, "(counts with --strict)"),
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
        (cut, "-w register", 2, "the history breaks off in line 4, which was left out"),
        (&without_f, lists, 1, "[G0]"),
        (&completions, lists, 1, "[G0]"),
        (early, "-w register", 1, "[read-before-write]"),
        (early, "-w register --initial 0", 0, "✓ valid"),
        (early, "-w register --initial {", 254, "`--initial {` is neither JSON nor EDN"),
        (early, "-w lin-kv --initial 0", 254, "`--initial` is for the workload `register`"),
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
        (other_value, "", 254, "its functions are those of kv, lin-kv, register or seq-kv"),
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

/// Answers to what nobody asked say nothing: neither that all is well.
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
            2,
            "operation 0 has micro-operation 2, [\"append\",226,[1,2,3]], in answer to [\"r\",226,null]",
        ),
        ("[[:append 224 6] [:r 227 nil]]", 2, "[\"r\",227,null], in answer to [\"r\",226,null]"),
        ("[[:append 224 6]]", 2, "operation 0 has 1 micro-operations where 2 were asked for"),
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
