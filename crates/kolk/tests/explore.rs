//! Exploring, and what is left of what it finds.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::tests;

tests! {
    a_sound_node_holds: [];
    what_is_left_open_is_drawn: [];
    what_is_given_beside_a_challenge_is_given: [];
    a_program_that_is_broken_is_found_and_shrunk: [PYTHON];
    a_program_in_perl_that_is_broken_is_found_and_shrunk: [PERL];
    a_stored_run_is_shrunk_beside_itself: [PYTHON];
    files_for_ci_are_written: [];
    a_program_that_is_late_is_no_end: [PYTHON];
    priorities_tell_their_probability: [];
}

fn kolk(store: &Path, words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kolk"))
        .args(words.split_whitespace())
        .arg("--store")
        .arg(store)
        .env_remove("CARGO_MANIFEST_DIR")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("kolk runs")
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{errors}"))
}

/// A node in Python, broken so.
fn node(bug: &str) -> String {
    program("node.py", bug)
}

fn program(file: &str, bug: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explore").join(file);
    format!("--bin {} {bug}", path.display())
}

fn a_sound_node_holds() {
    let store = tempfile::tempdir().unwrap();
    let words = "explore -w broadcast --node broadcast --runs 150 --seed 7 --json";
    let output = kolk(store.path(), words);
    let results = json(&output);
    assert_eq!(output.status.code(), Some(0), "{results:#}");
    assert_eq!(results["runs"], 150);
    assert!(results["runs-valid"].as_u64() > Some(140), "{results:#}");
    assert_eq!(results["failures"], Value::Array(Vec::new()));
    // Nothing is stored of runs that hold.
    assert!(!store.path().join("broadcast").exists());
}

/// A fault may need what each run draws for itself: slow links a latency.
fn what_is_left_open_is_drawn() {
    let store = tempfile::tempdir().unwrap();
    let words = "explore -w broadcast --node broadcast --nemesis slow --runs 20 --seed 7 --json";
    let output = kolk(store.path(), words);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(json(&output)["runs"], 20);
}

/// Flags count beside a challenge, whose conditions stand for those that are not given.
fn what_is_given_beside_a_challenge_is_given() {
    for (flags, troubles) in [
        ("", &["kill", "loss", "partition"][..]),
        ("--loss 0", &["kill", "partition"]),
        ("--nemesis power", &["loss", "power"]),
        ("--nemesis rolling --loss 0", &["partition"]),
        ("--node-count 5 --nemesis none --kill n4@1..2", &["kill", "loss"]),
    ] {
        let store = tempfile::tempdir().unwrap();
        let words = format!("explore --challenge raft-kill --runs 10 --seed 1 --json {flags}");
        let output = kolk(store.path(), &words);
        let results = json(&output);
        assert_eq!(output.status.code(), Some(0), "{flags}: {results:#}");
        let found = results["troubles"].as_array().expect("a list").iter();
        let mut found: Vec<&str> = found
            .map(|trouble| trouble["name"].as_str().expect("a name"))
            // Which shape a partition has comes after the word.
            .map(|name| name.split(' ').next().expect("a word"))
            .collect();
        found.dedup();
        assert_eq!(found, troubles, "{flags}");
    }
}

/// Broken in five ways, explored in lockstep and shrunk: what is left fails in the same way when it
/// is replayed, and the failure is run first the next time.
fn a_program_that_is_broken_is_found_and_shrunk() {
    is_found_and_shrunk("node.py");
}

/// The same in Perl.
fn a_program_in_perl_that_is_broken_is_found_and_shrunk() {
    is_found_and_shrunk("node.pl");
}

fn is_found_and_shrunk(file: &str) {
    for (bug, classes) in [
        ("no-retry", &["lost", "diverged"][..]),
        ("duplicates", &["duplicate"]),
        ("no-relay", &["lost", "diverged"]),
        ("forgets", &["lost", "diverged"]),
        ("garbles", &["never-added", "lost", "diverged"]),
    ] {
        let store = tempfile::tempdir().unwrap();
        let words = format!(
            "explore -w broadcast {} --seed 1 --runs 120 --node-count 3 --step-timeout 120 \
             --shrink-for 1h --json",
            program(file, bug)
        );
        let output = kolk(store.path(), &words);
        let results = json(&output);
        assert_eq!(output.status.code(), Some(1), "{bug}: {results:#}");
        let failure = &results["failures"][0];
        let class = failure["class"].as_str().unwrap();
        assert!(classes.contains(&class), "{bug}: {class}");
        let after = &failure["shrunk"]["after"];
        let at_most = |what: &str, most: u64| {
            assert!(after[what].as_u64() <= Some(most), "{bug}, {what}: {after:#}");
        };
        at_most("nodes", 3);
        at_most("operations", 4);
        at_most("faults", 1);
        at_most("messages", 25);
        let folder = failure["shrunk"]["folder"].as_str().unwrap();
        nearest_holds(&store, Path::new(folder), bug);
        let replayed = kolk(store.path(), &format!("replay {folder}"));
        let text = String::from_utf8_lossy(&replayed.stdout);
        assert_eq!(replayed.status.code(), Some(1), "{bug}: {text}");
        assert!(text.contains("the same run, byte for byte"), "{bug}: {text}");
        if bug == "no-retry" {
            let again = json(&kolk(store.path(), &words));
            assert!(again["earlier-failures"]["failed"].as_u64() > Some(0), "{again:#}");
        }
    }
}

/// The small run's folder says what it was made of, and which run beside it holds: that one and the
/// original are plans that can be run.
fn nearest_holds(store: &tempfile::TempDir, folder: &Path, bug: &str) {
    let text = fs::read_to_string(folder.join("shrunk.json")).unwrap();
    let shrunk: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shrunk["format"], 2);
    assert!(Path::new(shrunk["original"].as_str().unwrap()).join("plan.json").is_file());
    let nearest = &shrunk["nearest"];
    // A run of a single operation, without which nothing is left, has none.
    let has_text = nearest["text"].as_str().is_some_and(|text| !text.is_empty());
    let is_alone = shrunk["shrunk"]["after"]["operations"] == 1 && nearest.is_null();
    assert!(has_text || (is_alone && bug != "no-retry"), "{bug}: {shrunk:#}");
    for (plan, status) in [("holds.json", 0), ("original.json", 1)] {
        assert_eq!(folder.join(plan).is_file(), has_text || status == 1, "{bug}, {plan}");
        if !folder.join(plan).is_file() {
            continue;
        }
        let words = format!("replay {}", folder.join(plan).display());
        let run = kolk(store.path(), &words);
        let text = String::from_utf8_lossy(&run.stdout);
        assert_eq!(run.status.code(), Some(status), "{bug}, {plan}: {text}");
    }
    if bug != "no-retry" {
        return;
    }
    // Messages are those of the journal.
    let lost = nearest["differences"].as_array().unwrap();
    let lost = lost.iter().find(|difference| difference["small"]["end"] == "lost");
    let Some(lost) = lost else { return };
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    let lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let dropped = lines.filter(|line| line["event"] == "drop").map(|line| line["id"].clone());
    assert!(dropped.collect::<Vec<_>>().contains(&lost["small"]["id"]), "{lost:#}");
}

fn a_stored_run_is_shrunk_beside_itself() {
    let store = tempfile::tempdir().unwrap();
    let words = format!(
        "test -w broadcast {} --clock virtual --seed 3 --strict --node-count 4 --time-limit 5 \
         --rate 10 --loss 0.2 --latency 10 --latency-dist exponential --step-timeout 120",
        node("no-retry")
    );
    assert_eq!(kolk(store.path(), &words).status.code(), Some(1));
    let latest = store.path().join("latest");
    let original = fs::canonicalize(&latest).unwrap();
    let output = kolk(
        store.path(),
        &format!("shrink {} --for 1h --step-timeout 120 --json", latest.display()),
    );
    let small = json(&output);
    assert_eq!(output.status.code(), Some(1), "{small:#}");
    assert_eq!(small["least"], true);
    assert!(small["after"]["operations"].as_u64() <= Some(2), "{small:#}");
    assert_eq!(small["after"]["nodes"], 2, "{small:#}");
    let folder = fs::canonicalize(small["folder"].as_str().unwrap()).unwrap();
    assert_eq!(folder.parent(), original.parent());
    let holds = kolk(store.path(), "test -w broadcast --node broadcast --time-limit 2 --seed 1");
    assert_eq!(holds.status.code(), Some(0));
    let nothing = kolk(store.path(), &format!("shrink {}", latest.display()));
    assert_eq!(nothing.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&nothing.stdout).contains("nothing to shrink"));
}

fn files_for_ci_are_written() {
    let store = tempfile::tempdir().unwrap();
    let junit = store.path().join("junit.xml");
    let words = format!(
        "explore -w g-set --node g-set --runs 20 --seed 1 --quiet --github --junit {}",
        junit.display()
    );
    assert_eq!(kolk(store.path(), &words).status.code(), Some(0));
    let text = fs::read_to_string(junit).unwrap();
    assert!(text.contains("failures=\"0\""), "{text}");
}

/// Runs in which the program does not get ready in time are counted and said, and the others go on;
/// where there are no others, that is told.
fn a_program_that_is_late_is_no_end() {
    let store = tempfile::tempdir().unwrap();
    let words = |bug: &str| {
        format!(
            "explore -w broadcast {} --seed 2 --runs 16 --step-timeout 5 --keep-going",
            node(bug)
        )
    };
    let output = kolk(store.path(), &(words("late-sometimes") + " --json"));
    let results = json(&output);
    assert_eq!(output.status.code(), Some(0), "{results:#}");
    assert_eq!(results["runs"], 16);
    let errors = results["runs-error"].as_u64().unwrap();
    assert!(errors > 0 && results["runs-valid"].as_u64() > Some(0), "{results:#}");
    let why = results["first-error"]["why"].as_str().unwrap();
    assert!(why.contains("did not become idle within 5 s"), "{why}");
    let output = kolk(store.path(), &words("late"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(254), "{text}");
    assert!(text.contains("did not become idle within 5 s"), "{text}");
}

fn priorities_tell_their_probability() {
    let store = tempfile::tempdir().unwrap();
    let words = "explore -w broadcast --node broadcast --strategy priorities --depth 2 --runs 100 \
                 --seed 7 --json";
    let output = kolk(store.path(), words);
    let results = json(&output);
    assert_eq!(output.status.code(), Some(0), "{results:#}");
    let chance = results["chance"].as_str().unwrap();
    assert!(chance.contains("of 2: 1 in "), "{chance}");
}
