//! The wrong nodes of `examples/wrong`: kolk finds each mistake within the seeds that are named
//! there, and names it as it stands there. With the change that its page shows, the node is valid
//! under the same seeds, so that what is found is that mistake and nothing else.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;
use support::tests;

tests! {
    mistakes_are_found_and_mended: [PYTHON];
    what_maelstrom_overlooks_is_said: [PYTHON];
    the_list_is_whole: [];
    changes_are_applied: [];
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/wrong")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A row of the list.
struct Wrong {
    name: String,
    workload: String,
    kind: String,
    /// How many seeds are tried, from 1 on.
    seeds: u32,
}

fn listed() -> Vec<Wrong> {
    let row = |line: &str| {
        let cells: Vec<String> =
            line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
        let [_, node, workload, _, kind, seeds, _] = &cells[..] else { panic!("{line}") };
        let name = node.split('`').nth(1).expect("a name").to_owned();
        let seeds = seeds.trim_start_matches("1 to ").parse().expect("a number");
        Wrong { name, workload: workload.clone(), kind: kind.clone(), seeds }
    };
    text("README.md").lines().filter(|line| line.starts_with("| [`")).map(row).collect()
}

/// The lines of a page's only block in this language.
fn block<'a>(page: &'a str, language: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("```{language}\n")).expect("a block");
    rest.split_once("```").expect("its end").0
}

/// The program with a page's change: each part stands in it once, as whole lines.
fn mended(program: &str, change: &str) -> String {
    let mut program = format!("\n{program}");
    for part in change.split("@@\n").filter(|part| !part.is_empty()) {
        let side = |left_out: char| -> String {
            let lines = part.lines().filter(|line| !line.starts_with(left_out));
            lines.map(|line| format!("\n{}", line.get(1..).unwrap_or_default())).collect()
        };
        let (old, new) = (format!("{}\n", side('+')), format!("{}\n", side('-')));
        assert_eq!(program.matches(&old).count(), 1, "{old}");
        program = program.replace(&old, &new);
    }
    program.split_off(1)
}

/// The exit status, and which anomalies count.
fn run(folder: &Path, words: &[&str], seed: u32) -> (i32, Vec<String>) {
    let mut words: Vec<&str> = words.iter().copied().filter(|word| *word != "-q").collect();
    let seed = seed.to_string();
    let place = words.iter().position(|word| *word == "--seed").expect("a seed");
    words[place + 1] = &seed;
    let output = Command::new(env!("CARGO_BIN_EXE_kolk"))
        .args(&words)
        .args(["--json", "--step-timeout", "120"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("kolk");
    let errors = String::from_utf8_lossy(&output.stderr);
    let results: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{errors}"));
    let kinds = results["findings"].as_array().expect("findings").iter();
    let kinds = kinds.map(|one| one["type"].as_str().expect("a type").to_owned());
    (output.status.code().expect("a status"), kinds.collect())
}

/// Runs a node as its page does, but without `--strict`, held to this model: the exit status, the
/// screen, and the type of each finding, with whether it counts.
fn as_maelstrom(
    wrong: &Wrong,
    model: &str,
) -> (tempfile::TempDir, i32, String, Vec<(String, bool)>) {
    let page = text(&format!("{}.md", wrong.name));
    let command = block(&page, "console").lines().next().expect("a command");
    let words = command.trim_start_matches("$ kolk ").split(' ');
    let mut words: Vec<&str> = words.filter(|word| !matches!(*word, "-q" | "--strict")).collect();
    if let Some(place) = words.iter().position(|word| *word == "--consistency-models") {
        words.drain(place..place + 2);
    }
    let home = tempfile::tempdir().expect("a folder");
    for file in [&*format!("{}.py", wrong.name), "kolknode.py", "kolkdisk.py"] {
        fs::copy(folder().join(file), home.path().join(file)).expect("copied");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_kolk"))
        .args(&words)
        .args(["--consistency-models", model, "--step-timeout", "120"])
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()
        .expect("kolk");
    let screen = String::from_utf8_lossy(&output.stdout).into_owned();
    let results = fs::read(home.path().join("store/latest/results.json"));
    let results = results.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let results: Value = serde_json::from_slice(&results).expect("JSON");
    let findings = results["findings"].as_array().expect("findings").iter();
    let findings = findings.map(|finding| {
        let counts = finding["counts"].as_bool().expect("whether it counts");
        (finding["type"].as_str().expect("a type").to_owned(), counts)
    });
    let findings = findings.collect();
    (home, output.status.code().expect("a status"), screen, findings)
}

/// Without `--strict` a test gives Maelstrom's verdict, and never by itself where kolk knows
/// better.
fn what_maelstrom_overlooks_is_said() {
    let (mut accepted, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for wrong in listed().iter().filter(|wrong| wrong.workload.starts_with("txn-")) {
        for model in ["read-uncommitted", "causal", "serializable"] {
            let (home, status, screen, findings) = as_maelstrom(wrong, model);
            let what = format!("{}, {model}: {findings:?}\n{screen}", wrong.name);
            let overlooked: BTreeSet<&str> =
                findings.iter().filter(|(_, counts)| !counts).map(|(kind, _)| &**kind).collect();
            assert_eq!(status, i32::from(findings.iter().any(|(_, counts)| *counts)), "{what}");
            let verdict = match (status, overlooked.is_empty()) {
                (0, true) => "✓ valid\n",
                (0, false) => "✓ valid for Maelstrom, but not with --strict\n",
                _ => "✗ invalid: ",
            };
            assert!(screen.contains(verdict), "{what}");
            for kind in &overlooked {
                let is_told = |line: &str| {
                    line.starts_with("  ! ")
                        && line.contains(&format!("[{kind}"))
                        && line.ends_with("(counts with --strict)")
                };
                let mut above = screen.lines().rev().skip(1);
                assert!(above.any(is_told), "{kind}: {what}");
            }
            if status == 0 && !overlooked.is_empty() {
                accepted.insert(wrong.name.clone());
                kinds.extend(overlooked.iter().map(|kind| (*kind).to_owned()));
                // The same history is judged by all that is proved where it is judged again.
                let check = Command::new(env!("CARGO_BIN_EXE_kolk"))
                    .args(["check", "store/latest"])
                    .current_dir(home.path())
                    .output()
                    .expect("kolk");
                assert_eq!(check.status.code(), Some(1), "{what}");
            }
        }
    }
    assert!(accepted.len() >= 2 && kinds.len() >= 2, "{accepted:?}, {kinds:?}");
}

/// What is not as it should be.
fn fault(wrong: &Wrong) -> Option<String> {
    let (page, name) = (text(&format!("{}.md", wrong.name)), &wrong.name);
    let command = block(&page, "console").lines().next().expect("a command");
    let words: Vec<&str> = command.trim_start_matches("$ kolk ").split(' ').collect();
    let home = tempfile::tempdir().expect("a folder");
    let file = format!("{name}.py");
    for file in [&*file, "kolknode.py", "kolkdisk.py"] {
        fs::copy(folder().join(file), home.path().join(file)).expect("copied");
    }
    if !words.windows(2).any(|pair| pair == ["-w", &*wrong.workload]) {
        return Some(format!("{name}: its page has another workload"));
    }
    let mut found = (0, Vec::new());
    for seed in 1..=wrong.seeds {
        found = run(home.path(), &words, seed);
        // Under another name it may be found before.
        if seed < wrong.seeds && found.1.contains(&wrong.kind) {
            return Some(format!("{name}: seed {seed} finds it already"));
        }
    }
    if found.0 != 1 || !found.1.contains(&wrong.kind) {
        return Some(format!("{name}: status {}, {:?}", found.0, found.1));
    }
    let program = mended(&text(&file), block(&page, "diff"));
    fs::write(home.path().join(&file), program).expect("written");
    (1..=wrong.seeds).find_map(|seed| {
        let (status, kinds) = run(home.path(), &words, seed);
        (status != 0).then(|| format!("{name}, mended, seed {seed}: status {status}, {kinds:?}"))
    })
}

fn mistakes_are_found_and_mended() {
    let (all, next, faults) = (listed(), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(wrong) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let fault = fault(wrong);
            faults.lock().expect("no other has failed").extend(fault);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(work);
        }
    });
    let faults = faults.into_inner().expect("none has failed");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(all.len() >= 15, "{} wrong nodes", all.len());
}

/// None is forgotten, and all stand on the library that a reader gets.
fn the_list_is_whole() {
    let entries =
        fs::read_dir(folder()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let programs: BTreeSet<String> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "py"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| !matches!(&**name, "kolknode" | "kolkdisk"))
        .collect();
    let names: BTreeSet<String> = listed().into_iter().map(|wrong| wrong.name).collect();
    assert_eq!(names, programs);
    for name in ["kolknode.py", "kolkdisk.py"] {
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/python").join(name);
        assert_eq!(text(name), fs::read_to_string(library).expect("the library"));
    }
}

fn changes_are_applied() {
    let program = "a\nb\n\nc\nd\n";
    assert_eq!(mended(program, " a\n-b\n+e\n+f\n@@\n-d\n"), "a\ne\nf\n\nc\n");
    assert_eq!(mended(program, "-b\n-\n c\n"), "a\nc\nd\n");
}
