//! Texts that are nearly right, at every door: nothing panics, and what is let in can be used. The
//! mutations are drawn from fixed seeds; `KOLK_MUTATIONS` multiplies their number.
//!
//! `cargo fuzz` in the folder `fuzz` goes through the same doors, led by coverage.

#[path = "mutated/doors.rs"]
mod doors;
#[path = "mutated/mutate.rs"]
mod mutate;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use doors::{DOORS, checked};
use kolk_protocol::random::Key;
use mutate::mutate;

/// How many texts are tried at a door.
const COUNT: u64 = 1500;

/// The repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn corpus(name: &str) -> Vec<u8> {
    let path = root().join("crates/kolk/tests/mutated/corpus").join(name);
    fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn rounds(count: u64) -> u64 {
    let factor = std::env::var("KOLK_MUTATIONS").ok().and_then(|text| text.parse::<u64>().ok());
    count * factor.unwrap_or(1)
}

/// Has many texts that are like those of the corpus tried, and tells the first that is not coped
/// with. Some must be let in, or what lies behind the door is not tried.
fn try_mutated(name: &str, files: &[&str], count: u64, enter: impl Fn(&[u8]) -> bool + Copy) {
    let mut let_in = 0;
    let texts: Vec<Vec<u8>> = files.iter().map(|file| corpus(file)).collect();
    for text in &texts {
        enter(text);
    }
    for number in 0..rounds(count) {
        let mut random = Key::new(7).with_name(name).with(number).random();
        let text = mutate(random.choose(&texts).expect("a text"), &mut random);
        let entered = catch_unwind(AssertUnwindSafe(|| enter(&text)));
        let_in += u64::from(entered.unwrap_or_else(|_| {
            panic!("{name}, text {number}:\n{}", String::from_utf8_lossy(&text))
        }));
    }
    assert!(let_in * 50 > rounds(count), "{name}: {let_in} of {} are let in", rounds(count));
}

#[test]
fn doors_cope_with_any_text() {
    for (name, enter) in DOORS {
        let files: &[&str] = match *name {
            "message" => &["message.json", "answer.json"],
            "json-lines" => &["kafka.jsonl", "txn-list-append.jsonl", "odd.jsonl"],
            "edn" => &["history.edn", "txn.edn"],
            "columns" => &["history.txt"],
            "awdit" => &["history.awdit"],
            "any-history" => &["history.edn", "history.txt", "history.awdit", "array.json"],
            "journal" => &["journal.jsonl"],
            "log-times" => &["times.jsonl"],
            "plan" => &["plan.json", "plan-kill.json"],
            "results" => &["results.json", "results-escapes.json"],
            "check" => &["txn.edn", "history.txt", "history.awdit", "register.jsonl"],
            _ => panic!("{name} has no corpus"),
        };
        // Some do much with each text.
        let count = if matches!(*name, "plan" | "results" | "check") { COUNT / 5 } else { COUNT };
        try_mutated(name, files, count, *enter);
    }
}

#[test]
fn checkers_cope_with_any_history() {
    for workload in kolk_check::WORKLOADS {
        let file = format!("{workload}.jsonl");
        try_mutated(workload, &[&file], COUNT / 5, |text| checked(workload, text));
    }
}

/// A door that no fuzzer goes through is tried by these texts alone.
#[test]
fn each_door_has_a_fuzz_target_that_runs_every_week() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect(path);
    let (manifest, weekly) = (read("fuzz/Cargo.toml"), read(".github/workflows/weekly.yml"));
    let targets = weekly.lines().find_map(|line| line.trim().strip_prefix("target: ["));
    let targets: Vec<&str> = targets.expect("a matrix").trim_end_matches(']').split(", ").collect();
    let doors: Vec<&str> = DOORS.iter().map(|(name, _)| *name).collect();
    assert_eq!(targets, doors, "weekly.yml");
    for name in doors {
        assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "fuzz has no `{name}`");
        let target = read(&format!("fuzz/targets/{name}.rs"));
        assert!(target.contains(&format!("kolk_fuzz::target!(\"{name}\");")), "{name}");
    }
}
