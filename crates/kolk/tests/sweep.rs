//! Sweeps: many seeds, several processes, one report.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::tests;

tests! {
    shards_merged_are_one_process: [];
    a_killed_sweep_goes_on: [];
    what_does_not_belong_together_is_refused: [];
    plans_of_failures_are_replayed: [];
    the_file_for_parallel_runs: [PARALLEL];
    the_files_for_clusters_and_ci_run: [];
}

/// A store that is only sequentially consistent, held to linearizability: some runs fail.
const ASKED: &str = "explore -w lin-kv --node seq-kv";

fn command(folder: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kolk"));
    command.args(words.split_whitespace());
    command.current_dir(folder).env_remove("CARGO_MANIFEST_DIR").stdin(Stdio::null());
    command
}

fn kolk(folder: &Path, words: &str) -> Output {
    command(folder, words).output().expect("kolk runs")
}

fn text(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors, "", "standard error");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// For each number of processes: some are killed in the midst of a line and go on, and what their
/// files come to is what one process says, as a screen, as JSON and as JUnit's XML.
fn shards_merged_are_one_process() {
    let home = tempfile::tempdir().expect("a folder");
    let at = home.path();
    let read = |name: &str| fs::read_to_string(at.join(name)).expect(name);
    let words = format!("{ASKED} --seeds 100..142 --results one.jsonl --junit one.xml");
    let one = kolk(at, &words);
    assert_eq!(one.status.code(), Some(1));
    let one = text(&one);
    assert!(one.contains("lin-kv · node seq-kv · seeds 100..142"), "{one}");
    let json = text(&kolk(at, &format!("{words} --json")));
    assert_eq!(read("one.jsonl").lines().count(), 43, "nothing is run again");
    let value: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&value["runs"], &value["valid"]), (&42.into(), &false.into()));
    for shards in [1, 2, 3, 7] {
        let names: Vec<String> =
            (1..=shards).map(|shard| format!("{shards}-{shard}.jsonl")).collect();
        for (place, name) in names.iter().enumerate() {
            let words = format!(
                "{ASKED} --seeds 100..142 --shard {}/{shards} --results {name} --quiet",
                place + 1
            );
            kolk(at, &words);
            let whole = read(name);
            // As if killed: of this many lines, and a part of the next one.
            let lines: Vec<&str> = whole.split_inclusive('\n').collect();
            let keep = 1 + (place + shards) % lines.len();
            let cut: String =
                lines[..keep].concat() + lines.get(keep).map_or("", |line| &line[..9]);
            fs::write(at.join(name), &cut).expect("written");
            kolk(at, &words);
            let again = read(name);
            assert!(again.starts_with(&lines[..keep].concat()), "what is there stays");
            let sorted = |text: &str| {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            assert_eq!(sorted(&again), sorted(&whole), "{name}");
        }
        let files = names.iter().rev().cloned().collect::<Vec<_>>().join(" ");
        let merged = kolk(at, &format!("merge {files} --junit many.xml"));
        assert_eq!(merged.status.code(), Some(1));
        assert_eq!(text(&merged), one, "{shards} shards");
        assert_eq!(text(&kolk(at, &format!("merge {files} --json"))), json, "{shards} shards");
        assert_eq!(read("many.xml"), read("one.xml"));
        if shards == 7 {
            let some = kolk(at, &format!("merge {} {}", names[0], names[1]));
            let some = text(&some);
            assert!(some.contains("seeds 102..107, 109..114, 116..121"), "{some}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "another process's progress is waited for")]
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "it did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whatever it is killed in, what was there is there, and the rest is made up for. No more is lost
/// than what was under way, one run on each core.
fn a_killed_sweep_goes_on() {
    let home = tempfile::tempdir().expect("a folder");
    let at = home.path();
    let words = format!("{ASKED} --seeds 0..400 --results killed.jsonl");
    let file = at.join("killed.jsonl");
    let lines = || fs::read_to_string(&file).unwrap_or_default().lines().count();
    let mut child = command(at, &words).stdout(Stdio::null()).spawn().expect("kolk runs");
    wait_until(|| lines() > 20);
    child.kill().expect("killed");
    child.wait().expect("ended");
    let before = fs::read_to_string(&file).expect("a file");
    let whole = &before[..before.rfind('\n').map_or(0, |end| end + 1)];
    assert!(whole.lines().count() < 401, "it was killed on its way");
    // Seeds are begun in their order, so what is missing before the last of these was under way.
    let seed = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        line["seed"].as_u64().expect("a seed")
    };
    let done: BTreeSet<u64> = whole.lines().skip(1).map(seed).collect();
    let missing = (0..*done.last().expect("some")).filter(|seed| !done.contains(seed)).count();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(missing < cores, "{missing} are lost beside what another core was at: {done:?}");
    let resumed = text(&kolk(at, &words));
    assert!(fs::read_to_string(&file).expect("a file").starts_with(whole));
    assert_eq!(lines(), 401, "no seed is run twice");
    let one = text(&kolk(at, &format!("{ASKED} --seeds 0..400 --results one.jsonl")));
    assert_eq!(resumed, one);
}

fn what_does_not_belong_together_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let at = home.path();
    let refused = |words: &str, why: &str| {
        let output = kolk(at, words);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(254), "{words}: {errors}");
        assert!(errors.contains(why), "{words}: {errors}");
    };
    kolk(at, &format!("{ASKED} --seeds 0..3 --results a.jsonl"));
    let two = "results of two sweeps";
    for (number, other) in [
        format!("{ASKED} --seeds 0..4"),
        format!("{ASKED} --seeds 0..3 --loss 0"),
        format!("{ASKED} --seeds 0..3 --nemesis-interval 7"),
        "explore -w lin-kv --node lin-kv --seeds 0..3".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        kolk(at, &format!("{other} --results b{number}.jsonl"));
        refused(&format!("merge a.jsonl b{number}.jsonl"), two);
        refused(&format!("{other} --results a.jsonl"), two);
    }
    let text = fs::read_to_string(at.join("a.jsonl")).expect("a file");
    fs::write(at.join("c.jsonl"), text.replace("\"operations\":", "\"operations\":1"))
        .expect("written");
    refused("merge a.jsonl c.jsonl", "has two results that differ");
    fs::write(at.join("d.jsonl"), "what\n").expect("written");
    refused("merge a.jsonl d.jsonl", "cannot use the results in d.jsonl");
    refused(&format!("{ASKED} --seeds 0..3 --results d.jsonl"), "cannot use the results");
    assert_eq!(fs::read_to_string(at.join("d.jsonl")).expect("a file"), "what\n");
    fs::write(at.join("f.jsonl"), "nothing of a sweep").expect("written");
    refused(&format!("{ASKED} --seeds 0..3 --results f.jsonl"), "no line of a sweep");
    let kept = fs::read_to_string(at.join("f.jsonl")).expect("a file");
    assert_eq!(kept, "nothing of a sweep");
    fs::write(at.join("e.jsonl"), "").expect("written");
    refused("merge e.jsonl", "there are no results");
    refused("merge nothing.jsonl", "cannot read nothing.jsonl");
    refused(&format!("{ASKED} --seeds 0..3 --clock real"), "must be repeatable");
    refused(&format!("{ASKED} --seeds 0..3 --shard auto/3"), "none of these variables is set");
    let file = fs::File::open(at.join("a.jsonl")).expect("a file");
    let lock = rustix::fs::FlockOperation::NonBlockingLockExclusive;
    rustix::fs::flock(&file, lock).expect("nobody else has it");
    refused(&format!("{ASKED} --seeds 0..3 --results a.jsonl"), "another process adds results");
}

/// A class's smallest seed is replayed by its plan.
fn plans_of_failures_are_replayed() {
    let home = tempfile::tempdir().expect("a folder");
    let at = home.path();
    kolk(at, &format!("{ASKED} --seeds 0..20 --results a.jsonl"));
    let merged = kolk(at, "merge a.jsonl --plans plans --json --github");
    let report: Value = serde_json::from_slice(&merged.stdout).expect("JSON");
    let failures = report["failures"].as_array().expect("failures");
    assert!(!failures.is_empty());
    let notes = String::from_utf8_lossy(&merged.stderr).into_owned();
    assert_eq!(notes.lines().filter(|line| line.starts_with("::error ")).count(), failures.len());
    for failure in failures {
        let seed = failure["smallest-seed"].as_str().expect("a seed").trim_start_matches("0x");
        let seed = u64::from_str_radix(seed, 16).expect("a number");
        let class = failure["class"].as_str().expect("a class").replace('/', "-");
        let output = kolk(at, &format!("replay plans/{class}-{seed}.json --json"));
        assert_eq!(output.status.code(), Some(1), "{class}");
        let replayed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let found = replayed["findings"].as_array().expect("findings");
        let kind = failure["class"].as_str().expect("a class").rsplit('/').next();
        assert!(found.iter().any(|one| one["type"].as_str() == kind), "{class}: {found:?}");
    }
}

/// The files of `examples/sweep`, with fewer seeds.
fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/sweep").join(name);
    let text = fs::read_to_string(path).expect(name);
    assert!(text.contains(SEEDS), "{name}");
    text.replace(SEEDS, "--seeds 0..40")
}

const SEEDS: &str = "--seeds 0..10000";

/// A folder in which `kolk` is this one, and what one process says of the same seeds.
struct Home {
    folder: tempfile::TempDir,
    one: String,
}

impl Home {
    fn new() -> Home {
        let folder = tempfile::tempdir().expect("a folder");
        let words = "explore -w broadcast --node broadcast --seeds 0..40 --results one";
        let one = kolk(folder.path(), words);
        assert_eq!(one.status.code(), Some(0));
        Home { one: text(&one), folder }
    }

    /// Runs a script as a system would that sets these variables; what it prints.
    fn sh(&self, script: &str, variables: &[(&str, String)]) -> String {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_kolk"));
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", program.parent().expect("a folder").display());
        let output = Command::new("sh")
            .args(["-c", script])
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("PATH", path)
            .env_remove("CARGO_MANIFEST_DIR")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("sh runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What this command of a file prints is what one process says; then its results are removed.
    fn merges(&self, script: &str) {
        assert_eq!(self.sh(script, &[]), self.one, "{script}");
        self.sh("rm sweep-*.jsonl", &[]);
    }
}

fn the_file_for_parallel_runs() {
    let home = Home::new();
    let printed = home.sh(&example("parallel.sh"), &[]);
    assert!(printed.ends_with(&home.one), "{printed}");
    assert_eq!(printed.matches("sweep · broadcast").count(), 5, "four processes and the whole");
}

/// The command of a file that begins so, without what stands around it.
fn command_in(file: &str, begins: &str) -> String {
    let lines = file.lines().map(|line| line.trim_start().trim_start_matches("- "));
    let mut lines = lines.filter(|line| line.starts_with(begins));
    let command = lines.next().expect("a command").to_owned();
    assert_eq!(lines.next(), None, "one such command");
    command
}

fn the_files_for_clusters_and_ci_run() {
    let home = Home::new();
    let slurm = example("slurm.sh");
    for task in 1..=4 {
        let set = |name, value: u32| (name, value.to_string());
        let variables = [
            set("SLURM_ARRAY_TASK_ID", task),
            set("SLURM_ARRAY_TASK_MIN", 1),
            set("SLURM_ARRAY_TASK_MAX", 4),
            set("SLURM_ARRAY_TASK_STEP", 1),
            set("SLURM_ARRAY_TASK_COUNT", 4),
        ];
        home.sh(&slurm, &variables);
    }
    assert!(slurm.contains("kolk merge sweep-*-of-4.jsonl"));
    home.merges("kolk merge sweep-*-of-4.jsonl");
    let kubernetes = command_in(&example("kubernetes.yaml"), "kolk explore");
    for index in 0..4 {
        home.sh(&kubernetes, &[("JOB_COMPLETION_INDEX", index.to_string())]);
    }
    home.merges("kolk merge sweep-*-of-4.jsonl");
    let github = example("github.yml");
    for shard in 1..=4 {
        let command = command_in(&github, "kolk explore")
            .replace("${{ matrix.shard }}", &shard.to_string())
            .replace("${{ strategy.job-total }}", "4");
        home.sh(&command, &[]);
    }
    home.merges(&command_in(&github, "kolk merge"));
    let gitlab = example("gitlab.yml");
    for index in 1..=4 {
        let variables = [("CI_NODE_INDEX", index.to_string()), ("CI_NODE_TOTAL", "4".to_owned())];
        home.sh(&command_in(&gitlab, "kolk explore"), &variables);
    }
    home.merges(&command_in(&gitlab, "kolk merge"));
    assert!(home.folder.path().join("junit.xml").is_file());
}
