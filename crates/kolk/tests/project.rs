//! A folder with a `kolk.toml`: what stands there, what is typed, and `kolk watch`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const KOLK: &str = env!("CARGO_BIN_EXE_kolk");

/// A project whose program is a node of kolk's own, on the virtual clock.
fn project(more: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "bin = {KOLK:?}\nargs = [\"node\", \"echo\"]\nbuild = \"echo built >> builds\"\n\
         sources = [\"source\"]\nstore = \"runs\"\n\n[test]\nworkload = \"echo\"\n\
         clock = \"virtual\"\nnode-count = 2\ntime-limit = 1\nseed = 7\n{more}"
    );
    fs::write(folder.path().join("kolk.toml"), text).expect("written");
    fs::write(folder.path().join("source"), "1").expect("written");
    folder
}

fn kolk(folder: &Path, words: &str) -> (i32, String) {
    let mut command = Command::new(KOLK);
    command.args(words.split_whitespace()).current_dir(folder).stdin(Stdio::null());
    let output = command.env_remove("CARGO_MANIFEST_DIR").output().expect("kolk");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a status"), String::from_utf8_lossy(&text).into_owned())
}

fn plan(folder: &Path, store: &str) -> Value {
    let text = fs::read(folder.join(store).join("latest/plan.json")).expect("a plan");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn what_is_typed_goes_before_the_file() {
    for (words, store, nodes, seed, workload) in [
        ("test", "runs", 2, 7, "echo"),
        ("test --node-count 3 --seed 0x9", "runs", 3, 9, "echo"),
        ("test --store other", "other", 2, 7, "echo"),
        ("test --node broadcast -w broadcast", "runs", 2, 7, "broadcast"),
    ] {
        let folder = project("");
        let (status, text) = kolk(folder.path(), words);
        assert_eq!(status, 0, "{words}: {text}");
        let plan = plan(folder.path(), store);
        assert_eq!(plan["nodes"].as_array().expect("nodes").len(), nodes, "{words}");
        assert_eq!(plan["seed"], format!("0x{seed:016x}"), "{words}");
        assert_eq!(plan["workload"]["name"], workload, "{words}");
        // What is not the project's program is not made.
        let is_built = folder.path().join("builds").exists();
        assert_eq!(is_built, !words.contains("--node "), "{words}");
    }
}

#[test]
fn commands_that_take_the_program() {
    let folder = project("");
    for words in ["check-node --strict", "challenge 1 --clock virtual --time-limit 1"] {
        let (status, text) = kolk(folder.path(), words);
        assert_eq!(status, 0, "{words}: {text}");
        assert!(text.contains("build  echo built >> builds\n"), "{text}");
    }
    let (_, text) = kolk(folder.path(), "store prune --dry-run");
    assert_eq!(text, "runs: 0 runs would go, 0 B; 1 run kept\n");
    let (status, text) = kolk(folder.path(), "challenge --list");
    assert!(status == 0 && !text.contains("build"), "{text}");
    let json = Command::new(KOLK).args(["test", "--json"]).current_dir(folder.path()).output();
    let json = json.expect("kolk").stdout;
    assert_eq!(serde_json::from_slice::<Value>(&json).expect("only JSON")["stats"]["valid"], true);
}

/// What the flags' own parser cannot see is told with the line too.
#[test]
fn mistakes_are_told_with_their_line() {
    for (more, problem, line) in [
        ("nemesis = [\"partiton\"]", "unknown nemesis `partiton`", "line 13 of kolk.toml"),
        ("\nrate = -3", "rate", "line 14 of kolk.toml"),
        ("availability = 3", "availability", "line 13 of kolk.toml"),
        ("node-cuont = 3", "kolk.toml, line 13: `kolk test` has no flag", "did you mean"),
        ("[", "kolk.toml, line 13: ", ""),
    ] {
        let folder = project(more);
        let (status, text) = kolk(folder.path(), "test -q");
        assert_eq!(status, 254, "{more}: {text}");
        assert!(text.contains(problem) && text.contains(line), "{more}: {text}");
    }
    let folder = project("");
    // What was typed is not the file's fault.
    let (status, text) = kolk(folder.path(), "test --nemesis partiton");
    assert!(status == 254 && text.contains("did you mean `partition`"), "{text}");
    assert!(!text.contains("kolk.toml says"), "{text}");
    fs::write(folder.path().join("kolk.toml"), "bin = \"./gone\"\n").expect("written");
    let (status, text) = kolk(folder.path(), "test");
    assert!(status == 254 && text.contains("line 1 of kolk.toml says `bin"), "{text}");
    fs::write(folder.path().join("kolk.toml"), "bin = \"x\"\nbuild = \"exit 3\"\n")
        .expect("written");
    let (status, text) = kolk(folder.path(), "test");
    assert!(status == 254 && text.contains("`exit 3` failed"), "{text}");
}

/// The lines of a `kolk watch`, as they come.
struct Watch {
    child: std::process::Child,
    lines: mpsc::Receiver<String>,
}

impl Watch {
    fn new(folder: &Path, words: &str) -> Watch {
        let mut command = Command::new(KOLK);
        command.arg("watch").args(words.split_whitespace()).current_dir(folder);
        command.env_remove("CARGO_MANIFEST_DIR");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("kolk");
        let stderr = BufReader::new(child.stderr.take().expect("stderr"));
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| drop(send.send(line)));
        });
        Watch { child, lines }
    }

    fn wait_for(&self, text: &str) {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            if line.unwrap_or_else(|_| panic!("no {text:?}")).contains(text) {
                return;
            }
        }
    }

    fn ended(mut self) -> i32 {
        self.child.wait().expect("an end").code().expect("a status")
    }
}

/// A change starts the command again, a failure is told and the next change waited for, and Ctrl-C
/// ends it.
#[test]
fn watch_repeats_the_last_command() {
    let folder = project("");
    let write = |text| fs::write(folder.path().join("source"), text).expect("written");
    assert_eq!(kolk(folder.path(), "test --seed 5 -q").0, 0);
    let watch = Watch::new(folder.path(), "");
    watch.wait_for("kolk test --seed 5 -q");
    watch.wait_for("✓ it holds; waiting for a change of source, kolk.toml");
    write("22");
    watch.wait_for("(source has changed)");
    watch.wait_for("✓ it holds");
    // Half a project is no program.
    let text = fs::read_to_string(folder.path().join("kolk.toml")).expect("a file");
    fs::write(folder.path().join("kolk.toml"), text.replace("\"echo\"]", "\"g-set\"]"))
        .expect("written");
    watch.wait_for("(kolk.toml has changed)");
    watch.wait_for("✗ it does not hold");
    fs::write(folder.path().join("kolk.toml"), text).expect("written");
    watch.wait_for("✓ it holds");
    let ctrl_c = Command::new("kill").args(["-INT", &watch.child.id().to_string()]).status();
    assert!(ctrl_c.expect("kill").success());
    assert_eq!(watch.ended(), 0);
    let builds = fs::read_to_string(folder.path().join("builds")).expect("builds");
    assert_eq!(builds.lines().count(), 5);
}

#[test]
fn watch_can_end_at_the_first_failure() {
    let folder = project("");
    let bin = format!("--bin {KOLK} --clock virtual --time-limit 1 -- node echo");
    let watch = Watch::new(folder.path(), &format!("--exit-on-failure challenge 1 2 3a {bin}"));
    assert_eq!(watch.ended(), 1);
    // The first holds, the second does not, and the third was not begun.
    assert!(folder.path().join("runs/unique-ids").exists());
    assert!(!folder.path().join("runs/broadcast").exists());
}

#[test]
fn what_watch_refuses() {
    let folder = tempfile::tempdir().expect("a folder");
    for (words, problem) in [
        ("watch", "no test or challenge was run with the store store yet"),
        ("watch check x", "`kolk check x` is not watched"),
        ("watch test --node echo", "there is nothing to watch"),
        ("watch test --raet 5", "unexpected argument '--raet' found"),
    ] {
        let (status, text) = kolk(folder.path(), words);
        assert!(status == 254 && text.contains(problem), "{words}: {text}");
    }
    fs::write(folder.path().join("kolk.toml"), "bin = \"x\"\nbuild = \"make\"").expect("written");
    let (status, text) = kolk(folder.path(), "watch");
    assert!(status == 254 && text.contains("says how to build, and not from what"), "{text}");
}
