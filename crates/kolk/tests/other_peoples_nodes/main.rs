//! Other people's kinds of node, re-made in a few lines each, against the verdict that Maelstrom
//! gives of them: what runs there must run here, on both clocks.
//!
//! The nodes stand in `node.py`, the verdicts in `kinds.rs`.

mod kinds;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kinds::{Clocks, KINDS, Kind, Verdict};
use support::tests;

tests! {
    on_the_virtual_clock: [PYTHON];
    on_the_real_clock: [PYTHON];
    traced: [PYTHON];
    what_depended_on_the_seed: [PYTHON];
    the_table_can_be_read: [];
    what_is_stored_is_read_again: [PYTHON];
    another_name_counts_when_strict: [PYTHON];
    there_are_many_kinds: [];
}

/// How many runs go on at once: each is a few processes that mostly wait.
const AT_ONCE: usize = 4;

fn node() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/other_peoples_nodes/node.py")
}

fn run(kind: &Kind, clock: &str, more: &[&str]) -> Output {
    let store = tempfile::tempdir().expect("a folder");
    run_in(store.path(), kind, clock, more)
}

fn run_in(store: &Path, kind: &Kind, clock: &str, more: &[&str]) -> Output {
    let time_limit = if clock == "real" { "0.5" } else { "2" };
    let mut usual = vec![
        ("-w", "echo"),
        ("--node-count", "2"),
        ("--rate", "20"),
        ("--time-limit", time_limit),
        ("--seed", "7"),
        // Python takes its time to start on a machine that is busy with other tests.
        ("--init-timeout", "60"),
        ("--step-timeout", "60"),
    ];
    if kind.total {
        usual.push(("--availability", "total"));
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_kolk"));
    let (clock, host) = match clock {
        "traced" => ("virtual", &["--host", "traced"][..]),
        clock => (clock, &[][..]),
    };
    command.args(["test", "--clock", clock]).args(host).arg("--bin").arg(node());
    let flags: Vec<&str> = kind.flags.split_whitespace().collect();
    for (name, value) in usual {
        if !flags.contains(&name) && !more.contains(&name) {
            command.args([name, value]);
        }
    }
    command.args(flags).args(more).arg("--store").arg(store).args(["--", kind.name]);
    command.stdin(Stdio::null()).env_remove("COLUMNS").output().expect("kolk runs")
}

/// What is wrong with the outcome of a run, if anything is.
fn complaint(kind: &Kind, output: &Output) -> Option<String> {
    let screen = String::from_utf8_lossy(&output.stdout);
    let status = match kind.verdict {
        Verdict::Valid => 0,
        Verdict::Invalid | Verdict::InvalidHere => 1,
    };
    let missing = kind.says.iter().find(|words| !screen.contains(**words));
    if output.status.code() == Some(status) && missing.is_none() {
        return None;
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let what = match missing {
        Some(words) if output.status.code() == Some(status) => format!("does not say `{words}`"),
        _ => format!("ended with {:?}, not {status}", output.status.code()),
    };
    Some(format!("{} ({}) {what}:\n{screen}\n{errors}", kind.name, kind.why))
}

fn check_all(clock: &str, wanted: impl Fn(&Kind) -> bool) {
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| wanted(kind)).collect();
    let next = AtomicUsize::new(0);
    let complaints = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(kind) = kinds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(complaint) = complaint(kind, &run(kind, clock, &[])) {
                        complaints.lock().expect("no panic").push(complaint);
                    }
                }
            });
        }
    });
    let complaints = complaints.into_inner().expect("no panic");
    let count = complaints.len();
    assert!(complaints.is_empty(), "{count} of {}:\n{}", kinds.len(), complaints.join("\n\n"));
}

fn on_the_virtual_clock() {
    check_all("virtual", |_| true);
}

fn on_the_real_clock() {
    check_all("real", |kind| kind.clocks == Clocks::Both);
}

/// They know nothing of virtual time then, and must not notice.
fn traced() {
    if kolk_engine::can_trace() {
        check_all("traced", |_| true);
    }
}

/// Whoever only reads from `seq-kv` comes up to date whatever the seed, and no order of commits
/// makes a log invalid that keeps the last of them.
fn what_depended_on_the_seed() {
    for name in ["who_only_reads_comes_up_to_date", "keeps_the_last_commit"] {
        let kind = KINDS.iter().find(|kind| kind.name == name).expect("it is among them");
        for seed in ["1", "2", "3", "4"] {
            let output = run(kind, "virtual", &["--seed", seed]);
            if let Some(complaint) = complaint(kind, &output) {
                panic!("seed {seed}: {complaint}");
            }
        }
    }
}

/// `expected.txt` says of every kind what Maelstrom and kolk make of it.
fn the_table_can_be_read() {
    let mut text = format!(
        "{:<42} {:<16} {:<8} {}\n",
        "kind of node (node.py)", "Maelstrom", "kolk", "what Maelstrom does with it"
    );
    for Kind { name, verdict, why, .. } in KINDS {
        let (theirs, ours) = match verdict {
            Verdict::Valid => ("valid", "valid"),
            Verdict::Invalid => ("invalid", "invalid"),
            Verdict::InvalidHere => ("does not see it", "invalid"),
        };
        text.push_str(&format!("{name:<42} {theirs:<16} {ours:<8} {why}\n"));
    }
    let path = node().with_file_name("expected.txt");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|word| word == "always") {
        std::fs::write(&path, &text).expect("a file");
    }
    let stored = std::fs::read_to_string(&path).expect("expected.txt");
    assert!(stored == text, "expected.txt is old: run this test with INSTA_UPDATE=always");
}

/// What a node may say can be stored, and read by all who read it: values of any kind and depth,
/// and a page whose messages have ids of any kind.
fn what_is_stored_is_read_again() {
    let store = tempfile::tempdir().expect("a folder");
    for name in ["ids_of_every_kind", "ids_object_to_peers"] {
        let kind = KINDS.iter().find(|kind| kind.name == name).expect("a kind");
        let output = run_in(store.path(), kind, "virtual", &[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let run = store.path().join("latest");
        let workload = if name == "ids_of_every_kind" { "unique-ids" } else { "echo" };
        let kolk = |words: &[&str], file: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_kolk"));
            let output = command.arg(words[0]).arg(run.join(file)).args(&words[1..]).output();
            let output = output.expect("kolk runs");
            assert_eq!(output.status.code(), Some(0), "{words:?} {file}: {output:?}");
        };
        kolk(&["check", "-w", workload], "history.jsonl");
        kolk(&["check", "-w", workload], "history.edn");
        kolk(&["report"], "");
    }
}

/// A message in another's name counts when the checks are strict, and not before.
fn another_name_counts_when_strict() {
    let kind = KINDS.iter().find(|kind| kind.name == "passes_messages_on").expect("a kind");
    let output = run(kind, "virtual", &["--strict"]);
    let screen = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{screen}");
    assert!(screen.contains("[foreign-source"), "{screen}");
}

/// The table is of use only if it is large, and every kind stands in it once.
fn there_are_many_kinds() {
    let mut names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), KINDS.len(), "a kind stands twice in the table");
    assert!(names.len() >= 80, "{}", names.len());
}
