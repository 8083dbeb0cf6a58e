//! What comes from outside is checked where it comes in, and what goes out arrives or is missed.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn kolk(folder: &Path, words: &str, stdout: Stdio) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kolk"))
        .args(words.split_whitespace())
        .current_dir(folder)
        .env_remove("CARGO_MANIFEST_DIR")
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .expect("kolk runs")
}

/// Status, standard output, standard error.
fn answer(folder: &Path, words: &str) -> (i32, String, String) {
    let output = kolk(folder, words, Stdio::piped());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("an entry").file_name().into_string().expect("UTF-8")
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// A plan that somebody sent makes nothing outside the store, and nothing at all if it is refused.
#[test]
fn plans_of_others_are_held_to_what_flags_are_held_to() {
    let folder = folder();
    let (status, ..) = answer(
        folder.path(),
        "test -w echo --node echo --node-count 2 --time-limit 1 --nemesis partition --store s",
    );
    assert_eq!(status, 0);
    let plan = fs::read_to_string(folder.path().join("s/latest/plan.json")).expect("a plan");
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).expect("a folder");
    fs::write(folder.path().join("victim.log"), "precious").expect("a file");
    for (pointer, value, problem) in [
        ("/nodes/0", r#""../../../victim""#, "node name `../../../victim` may only hold"),
        ("/nodes", "[]", "there must be 1 to 1000 nodes"),
        ("/workload/name", r#""../../escape""#, "unknown workload `../../escape`"),
        ("/workload/name", r#""/escape""#, "unknown workload `/escape`"),
        ("/concurrency", "4294967295", "concurrency must be 1 to 100000 workers"),
        ("/rate", "1e-10", "--rate must be 0, or 0.000001 to 1e9, not 0.0000000001"),
        ("/network/loss", "5", "--loss must be 0 to 1, not 5"),
        ("/network/latency", "-1", "--latency must be 0 to 3600000 ms, not -1"),
        ("/time-limit", "18446744073709551615", "--time-limit must be above 0"),
        ("/faults/0/end", "18446744073709551615", "its fault 0 ends after the load"),
    ] {
        let mut changed = plan.clone();
        *changed.pointer_mut(pointer).expect(pointer) = serde_json::from_str(value).expect(value);
        let text = serde_json::to_string(&changed).expect("JSON");
        fs::write(inner.join("plan.json"), text).expect("a file");
        for words in ["replay plan.json", "report ."] {
            let (status, _, errors) = answer(&inner, words);
            assert_eq!(status, 254, "{words} {pointer}: {errors}");
            assert!(errors.contains(problem), "{words} {pointer}: {errors}");
        }
        assert_eq!(names(&inner), ["plan.json"], "{pointer}");
        assert_eq!(names(folder.path()), ["inner", "s", "victim.log"], "{pointer}");
    }
    let victim = fs::read_to_string(folder.path().join("victim.log")).expect("a file");
    assert_eq!(victim, "precious");
}

/// Command lines as they are written for Maelstrom: a program's arguments without `--`, a count
/// beside names, blanks after commas, a file of names, a link in place of the program.
#[test]
fn command_lines_of_maelstrom_run() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_kolk");
    symlink(program, folder.path().join("link")).expect("a link");
    fs::write(folder.path().join("names"), "a\n  b  \n\nd\n").expect("a file");
    let usual = ["--time-limit", "0.2", "--rate", "20", "--seed", "7", "--no-ssh"];
    for (words, nodes) in [
        (vec!["-w", "echo", "--bin", program, "node", "echo", "--node-count", "1"], "n0"),
        (vec!["--bin", "./link", "node", "echo", "-w", "echo", "--node-count=2"], "n0 n1"),
        (vec!["--bin", program, "-w", "echo", "--nodes", "n7, n8", "--", "node", "echo"], "n7 n8"),
        (
            vec!["--nodes", "x,y", "--node-count", "2", "-wecho", "--bin", program, "node", "echo"],
            "n0 n1",
        ),
        (vec!["-w", "echo", "--nodes-file", "names", "--bin", program, "node", "echo"], "a b d"),
        (vec!["-w", "echo", "-n", "a", "-n", "b", "--bin", program, "node", "echo"], "a b"),
        // A second, since this node elects a leader first; and so many operations that a swap that
        // fits is among them on the busiest of machines.
        (
            [
                &["--bin", program, "node", "lin-kv", "-n", "n0"][..],
                &["--rate", "500", "--concurrency", "20n", "--time-limit=1"],
            ]
            .concat(),
            "n0",
        ),
    ] {
        let output = Command::new(program)
            .arg("test")
            .args(usual)
            .args(&words)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("kolk runs");
        let shown = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {shown}\n{errors}");
        assert_eq!(shown.lines().last(), Some("Everything looks good! ヽ(‘ー`)ノ"), "{words:?}");
        let plan =
            fs::read_to_string(folder.path().join("store/latest/plan.json")).expect("a plan");
        let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
        let found: Vec<&str> = plan["nodes"]
            .as_array()
            .expect("names")
            .iter()
            .filter_map(|name| name.as_str())
            .collect();
        assert_eq!(found.join(" "), nodes, "{words:?}");
        let log = fs::read_to_string(folder.path().join("store/latest/jepsen.log")).expect("a log");
        assert_eq!(log.lines().last(), shown.lines().last(), "{words:?}");
    }
}

/// Nobody is waited for who may never write, and nothing is read that has no end.
#[test]
fn what_has_no_end_is_no_input() {
    let folder = folder();
    let made = Command::new("mkfifo").arg(folder.path().join("kolk.toml")).status();
    assert!(made.expect("mkfifo runs").success());
    for (words, problem) in [
        ("test -w echo --node echo --time-limit 1", "it is no regular file"),
        ("replay kolk.toml", "it is no regular file"),
        ("replay /dev/zero", "it is no regular file"),
        ("check /dev/zero -w echo", "a zero byte: this is no text"),
    ] {
        let (status, _, errors) = answer(folder.path(), words);
        assert_eq!(status, 254, "{words}: {errors}");
        assert!(errors.contains(problem), "{words}: {errors}");
    }
}

/// A link in a run folder is not followed, neither to read nor to write.
#[test]
fn links_in_a_run_folder_lead_nowhere() {
    let folder = folder();
    let words = "test -w echo --node echo --node-count 1 --time-limit 1 --seed 1";
    assert_eq!(answer(folder.path(), words).0, 0);
    let secret = folder.path().join("secret");
    fs::write(&secret, "{}").expect("a file");
    let run = fs::canonicalize(folder.path().join("store/latest")).expect("a run");
    symlink(&secret, run.join("report.html.new")).expect("a link");
    fs::remove_file(run.join("report.html")).expect("a page");
    symlink(&secret, run.join("report.html")).expect("a link");
    let (status, _, errors) = answer(folder.path(), "report store/latest");
    assert_eq!((status, errors.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(&secret).expect("a file"), "{}");
    assert!(fs::symlink_metadata(run.join("report.html")).expect("a page").is_file());
    for name in ["history.jsonl", "results.json", "plan.json"] {
        fs::rename(run.join(name), folder.path().join(name)).expect("a file");
        symlink(folder.path().join(name), run.join(name)).expect("a link");
        let (status, _, errors) = answer(folder.path(), "report store/latest");
        assert_eq!(status, 254, "{name}");
        assert!(errors.contains("links in a run folder are not followed"), "{name}: {errors}");
    }
}

/// A run that is judged is judged, though nobody can link to it.
#[test]
fn a_verdict_stands_whatever_happens_afterwards() {
    let folder = folder();
    for name in ["latest/x", "current/x"] {
        fs::create_dir_all(folder.path().join("store").join(name)).expect("a folder");
    }
    let (status, shown, errors) =
        answer(folder.path(), "test -w echo --node echo --time-limit 1 --seed 1");
    assert_eq!(status, 0, "{errors}");
    assert!(shown.contains("✓ valid") && shown.ends_with("Everything looks good! ヽ(‘ー`)ノ\n"));
    for link in ["current", "latest"] {
        assert!(errors.contains(&format!("cannot make the link store/{link}")), "{errors}");
    }
    assert!(errors.contains("the verdict stands"), "{errors}");
}

/// What could not be printed is no success.
#[test]
#[cfg(target_os = "linux")]
fn output_that_is_lost_is_a_failure() {
    let folder = folder();
    for words in [
        "test -w echo --node echo --time-limit 1",
        "--help",
        "help",
        "node --list",
        "completions bash",
    ] {
        let full = File::options().write(true).open("/dev/full").expect("a full device");
        let output = kolk(folder.path(), words, full.into());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(255), "{words}: {errors}");
        assert!(errors.contains("cannot write to standard output"), "{words}: {errors}");
    }
}

/// Where a file cannot be written the machine is at fault, whichever flag names the file; one that
/// was named for reading is the user's.
#[test]
fn files_that_cannot_be_written_and_those_that_cannot_be_read() {
    let folder = folder();
    let test = "test -w echo --node echo --node-count 1 --time-limit 1 --seed 1";
    assert_eq!(answer(folder.path(), test).0, 0);
    let sweep = "explore -w echo --node echo --seeds 0..1";
    answer(folder.path(), &format!("{sweep} --results one.jsonl"));
    let stored = format!("{test} --store /dev/null/store");
    let added = format!("{sweep} --results /dev/null/one.jsonl");
    for words in [
        stored.as_str(),
        added.as_str(),
        "merge one.jsonl --plans /dev/null/plans",
        "merge one.jsonl --junit /dev/null/one.xml",
        "report store/latest --output /dev/null/page.html",
        "report store/latest --export shiviz --output /dev/null/shiviz.log",
        "new /dev/null/node --lang python",
    ] {
        let (status, _, errors) = answer(folder.path(), words);
        assert_eq!(status, 255, "{words}: {errors}");
        assert!(errors.contains("kolk help trouble files"), "{words}: {errors}");
    }
    fs::remove_file(folder.path().join("store/latest/journal.jsonl")).expect("a journal");
    for words in [
        "report store/latest",
        "report store/latest --export shiviz",
        "merge two.jsonl",
        "check two.jsonl -w echo",
        "replay two.json",
        "test -w echo --node echo --nodes-file two",
    ] {
        let (status, _, errors) = answer(folder.path(), words);
        assert_eq!(status, 254, "{words}: {errors}");
    }
}

/// A challenge that holds leaves little, and says so.
#[test]
fn challenges_keep_what_is_asked_for() {
    let folder = folder();
    let run = folder.path().join("store/latest");
    let small = ["jepsen.log", "node-logs", "plan.json", "results.edn", "results.json"];
    for (keep, is_whole) in [("all", true), ("failing", false), ("none", false)] {
        let words = format!("challenge 1 --time-limit 1 --keep {keep}");
        let (status, shown, errors) = answer(folder.path(), &words);
        assert_eq!((status, errors.as_str()), (0, ""), "{keep}");
        assert_eq!(names(&run) == small, !is_whole, "{keep}: {:?}", names(&run));
        let kept = if is_whole { "everything of 1 run" } else { "plan and results of 1 run" };
        assert!(shown.contains(kept), "{shown}");
    }
    let (status, _, errors) = answer(folder.path(), "report store/latest");
    assert_eq!(status, 254);
    assert!(errors.contains("it was not kept") && errors.contains("kolk replay"), "{errors}");
    assert_eq!(answer(folder.path(), "replay store/latest").0, 0);
}

/// The oldest runs go, and nothing else.
#[test]
fn a_store_is_pruned() {
    let folder = folder();
    let store = folder.path().join("store");
    for name in ["echo/20240102T030405.006", "echo/20240102T030405.007", "echo/20250102T030405.006"]
    {
        fs::create_dir_all(store.join(name)).expect("a folder");
        fs::write(store.join(name).join("plan.json"), "{}").expect("a file");
    }
    fs::create_dir_all(store.join("echo/notes")).expect("a folder");
    symlink("echo/20240102T030405.006", store.join("latest")).expect("a link");
    symlink(folder.path(), store.join("echo/20200102T030405.006")).expect("a link");
    let (status, shown, _) = answer(folder.path(), "store prune --keep 1 --dry-run");
    assert_eq!(status, 0);
    assert_eq!(
        shown,
        "would remove store/echo/20240102T030405.007 (2 B)\nstore: 1 run would go, 2 B; 2 runs kept\n"
    );
    assert_eq!(answer(folder.path(), "store prune --keep 1 --older-than 36500").0, 0);
    assert_eq!(names(&store.join("echo")).len(), 5);
    let (status, shown, _) = answer(folder.path(), "store prune --keep 1");
    assert_eq!(status, 0, "{shown}");
    assert_eq!(
        names(&store.join("echo")),
        ["20200102T030405.006", "20240102T030405.006", "20250102T030405.006", "notes"]
    );
}

/// Shells and `man` get something to read about every command.
#[test]
fn completions_and_manual_pages_are_made() {
    let folder = folder();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (status, script, _) = answer(folder.path(), &format!("completions {shell}"));
        assert!(status == 0 && script.contains("challenge"), "{shell}");
    }
    let (status, page, _) = answer(folder.path(), "man test");
    assert!(status == 0 && page.starts_with(".ie") && page.contains("node\\-count"), "{page}");
    assert_eq!(answer(folder.path(), "man --output pages").0, 0);
    let pages = names(&folder.path().join("pages"));
    for page in ["kolk.1", "kolk-test.1", "kolk-store-prune.1"] {
        assert!(pages.iter().any(|name| name == page), "{pages:?}");
    }
    assert!(!pages.iter().any(|name| name == "kolk-demo.1"), "{pages:?}");
}
