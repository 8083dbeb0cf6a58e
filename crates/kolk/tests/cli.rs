//! What a user types, and what the program says to it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// What came back.
struct Answer {
    status: i32,
    stdout: String,
    stderr: String,
}

/// Runs `kolk` with these words in this folder.
fn kolk(folder: &Path, words: &str) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_kolk"))
        .args(words.split_whitespace())
        .current_dir(folder)
        // Where tests are run must not show.
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("COLUMNS")
        .env_remove("CLICOLOR_FORCE")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("kolk runs");
    let text = |bytes: Vec<u8>| redact(&String::from_utf8(bytes).expect("UTF-8"), folder);
    Answer {
        status: output.status.code().unwrap_or(-1),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Takes out what differs from run to run: folders' names and wall-clock times.
fn redact(text: &str, folder: &Path) -> String {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let text = text.replace(&*real.to_string_lossy(), "DIR");
    let text = text.replace(&*folder.to_string_lossy(), "DIR");
    let text = without_lists(&text);
    let clean = |line: &str| without_size(&without_digest(&without_wall(&without_time(line))));
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// Which workloads, nodes and challenges there are is said elsewhere, and grows: here the place
/// where they are listed counts.
fn without_lists(text: &str) -> String {
    let workloads: Vec<&str> =
        kolk_workload::registry::WORKLOADS.iter().map(|info| info.name).collect();
    let challenges: Vec<&str> =
        kolk_workload::challenge::CHALLENGES.iter().map(|challenge| challenge.id).collect();
    let text = text
        .replace(&workloads.join(", "), "WORKLOADS")
        .replace(&kolk_check::WORKLOADS.join(", "), "WORKLOADS")
        .replace(&challenges.join(", "), "CHALLENGES");
    let mut lines: Vec<String> = Vec::new();
    let mut is_list = false;
    for line in text.lines() {
        // In help the list may go on for several lines.
        is_list = is_list && !line.trim_start().starts_with('-') && !line.is_empty();
        if is_list {
            continue;
        }
        if let Some((before, _)) = line.split_once("The workload: ") {
            is_list = true;
            lines.push(format!("{before}The workload: WORKLOADS"));
        } else if let Some((before, _)) = line.split_once("; for a program of yours use --bin") {
            let there_are = before.find("there are ").unwrap_or(before.len());
            lines.push(format!(
                "{}there are NODES; for a program of yours use --bin",
                &before[..there_are]
            ));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}

/// What runs amount to is the engine's business; its own tests hold digests fast.
fn without_digest(line: &str) -> String {
    let is_digest = |word: &str| word.len() == 32 && word.chars().all(|c| c.is_ascii_hexdigit());
    let found = line.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| is_digest(word));
    found.map_or(line.to_owned(), |digest| line.replace(digest, "DIGEST"))
}

/// How large files are is not what is said here.
fn without_size(line: &str) -> String {
    match (line.trim_start().starts_with("kept in "), line.rfind('('), line.rfind(')')) {
        (true, Some(begin), Some(end)) => format!("{}SIZE{}", &line[..=begin], &line[end..]),
        _ => line.to_owned(),
    }
}

/// `20261121T101502.123` becomes `TIME`.
fn without_time(line: &str) -> String {
    let is_time = |word: &str| {
        let pattern = "00000000T000000.000";
        word.len() == pattern.len()
            && word
                .chars()
                .zip(pattern.chars())
                .all(|(c, p)| if p == '0' { c.is_ascii_digit() } else { c == p })
    };
    let parts = line.split('/').map(|part| {
        let end = part.find(|c: char| c.is_whitespace()).unwrap_or(part.len());
        if is_time(&part[..end]) { format!("TIME{}", &part[end..]) } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// `5.0 s virtual in 3 ms · …` becomes `5.0 s virtual in WALL · …`.
fn without_wall(line: &str) -> String {
    for begin in [" virtual in ", " s in "] {
        if let Some((before, after)) = line.split_once(begin) {
            let end = after.find(" · ").unwrap_or(after.len());
            return format!("{before}{begin}WALL{}", &after[end..]);
        }
    }
    line.to_owned()
}

/// A command with its answer, as one reads it on a screen.
fn screen(folder: &Path, words: &str) -> String {
    let answer = kolk(folder, words);
    let mut text = format!("$ kolk {words}\n");
    for part in [answer.stdout, answer.stderr] {
        if !part.is_empty() {
            text.push_str(part.trim_end());
            text.push('\n');
        }
    }
    text + &format!("[status {}]\n", answer.status)
}

fn screens(folder: &Path, all: &[&str]) -> String {
    all.iter().map(|words| screen(folder, words)).collect::<Vec<_>>().join("\n")
}

#[test]
fn help() {
    let folder = folder();
    insta::assert_snapshot!(screens(
        folder.path(),
        &[
            "",
            "help",
            "test --help",
            "challenge --help",
            "replay --help",
            "serve --help",
            "verify --help",
            "node --help",
            "check --help",
        ]
    ));
}

/// Every node that is listed can be made and run.
#[test]
fn nodes_are_listed() {
    let folder = folder();
    let listed = kolk(folder.path(), "node --list").stdout;
    let names: Vec<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"echo") && names.contains(&"broadcast"), "{listed}");
    for name in names {
        let answer = kolk(folder.path(), &format!("node {name} --no-such-setting"));
        assert_eq!(answer.status, 254, "{name}: {}", answer.stderr);
        assert_eq!(kolk(folder.path(), &format!("node {name}")).status, 0, "{name}");
    }
}

#[test]
fn mistakes() {
    let folder = folder();
    let script = folder.path().join("script.py");
    fs::write(&script, "print()").expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).expect("a mode");
    fs::create_dir(folder.path().join("folder")).expect("a folder");
    fs::write(folder.path().join("plan.json"), "{\"format\":1,\"draws\":99}").expect("a file");
    fs::write(folder.path().join("empty.jsonl"), "").expect("a file");
    fs::write(folder.path().join("bad.edn"), "{:index 0, :type :invoke").expect("a file");
    insta::assert_snapshot!(screens(
        folder.path(),
        &[
            "frobnicate",
            "test",
            "test -w echo",
            "test --node echo --bin x",
            "test -w ecko --node echo",
            "test -w echo --node ecko",
            "test -w echo --node echo -- --loud",
            "test -w echo --bin missing",
            "test -w echo --bin folder",
            "test -w echo --bin script.py",
            "test -w echo --node echo --ratee 5",
            "test -w broadcst",
            "test -w echo --node echo --rate fast",
            "test -w echo --node echo --node-count three",
            "test -w echo --node echo --rate 1e-10",
            "test -w echo --node echo --key-count 0",
            "test -w echo --node echo --nemesis partiton",
            "test -w broadcast --node broadcast --topology gird",
            "test -w echo --node echo --loss 2",
            "test -w echo --node echo --node-count 0",
            "test -w echo --node echo --concurrency 2m",
            "test -w echo --node echo --kill n9@1..2",
            "test -w echo --node echo --cut n9@0..1",
            "test -w echo --node echo --availability most",
            "test -w echo --node echo --seed seven",
            "test -w echo --node echo --clock sundial",
            "test -w echo --node echo --test-count 0",
            "challenge",
            "challenge 9",
            "challenge 3",
            "challenge --list 3b",
            "challenge echo",
            "challenge 3dd",
            "demo --rate 5",
            "doc",
            "analyze",
            "man tset",
            "completions zhs",
            "store prune --store nowhere",
            "challenge 1 --bin missing",
            "replay nowhere",
            "replay plan.json",
            "verify -w echo --node echo --clock real",
            "node",
            "node ecko",
            "node echo loud",
            "check",
            "check nowhere -w echo",
            "check empty.jsonl -w echo",
            "check bad.edn -w echo",
            "check bad.edn -w ecko",
            "check bad.edn -w txn-list-append --sequential-keys",
            "check bad.edn -w lin-kv --linearizable-keys",
            "check bad.edn -w echo --linearizable-keys",
        ]
    ));
    let entries: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(entries.len(), 5, "a mistake leaves no run folder behind: {entries:?}");
}

/// Files drawn again are the same; a window and an export go where they are asked to.
#[test]
fn pictures_are_drawn_again_and_exported() {
    let folder = folder();
    insta::assert_snapshot!(screens(
        folder.path(),
        &[
            "test -w broadcast --node broadcast --node-count 3 --time-limit 3 --latency 10 --seed 7",
            "report store/latest --export perfetto",
            "report store/latest --export shiviz --window 0.5..2 --output part.log",
            "report store/latest --export shiviz --output missing/part.log",
            "report store/latest --export svg",
            "report store/latest --window 2..1",
        ]
    ));
    let run = folder.path().join("store/latest");
    let read = |name: &str| std::fs::read(run.join(name)).expect(name);
    let names = ["messages.svg", "timeline.html", "latency-raw.svg", "rate.svg"];
    let before = names.map(read);
    screens(folder.path(), &["report store/latest --window 0.5..2"]);
    let changed: Vec<bool> =
        names.iter().zip(&before).map(|(name, old)| read(name) != *old).collect();
    assert_eq!(changed, [true, true, false, false]);
    screens(folder.path(), &["report store/latest/plan.json"]);
    assert!(names.map(read) == before, "the same run gives the same bytes");
    let log = std::fs::read_to_string(folder.path().join("part.log")).expect("a log");
    assert!(log.starts_with("0.") && log.lines().count() > 10, "{log}");
}

#[test]
fn a_run_is_shown_stored_and_repeated() {
    let folder = folder();
    insta::assert_snapshot!(screens(
        folder.path(),
        &[
            "test -w echo --node echo --node-count 2 --time-limit 3 --seed 0x2a",
            "replay store/latest",
            "check store/latest/history.jsonl -w echo",
            "check store/latest/history.edn -w echo",
            "verify store/latest",
            "verify -w unique-ids --node unique-ids --time-limit 2 --seeds 3",
        ]
    ));
    let run = folder.path().join("store/echo/latest");
    for name in [
        "plan.json",
        "results.json",
        "results.edn",
        "history.jsonl",
        "history.edn",
        "history.txt",
        "journal.jsonl",
        "node-logs",
        "node-logs/times.jsonl",
        "report.html",
        "messages.svg",
        "timeline.html",
        "latency-raw.svg",
        "latency-quantiles.svg",
        "rate.svg",
    ] {
        assert!(run.join(name).exists(), "{name}");
    }
    let text = |name: &str| {
        let text = fs::read_to_string(run.join(name)).expect(name);
        redact(&text, folder.path()).replace(env!("CARGO_PKG_VERSION"), "VERSION")
    };
    insta::assert_snapshot!("plan_json", text("plan.json"));
    insta::assert_snapshot!("results_json", text("results.json"));
    insta::assert_snapshot!("results_edn", text("results.edn"));
}

/// Both runs of one plan leave the same files, byte for byte.
#[test]
fn two_runs_leave_the_same_files() {
    let folder = folder();
    let words = "test -w unique-ids --node unique-ids --time-limit 2 --rate 50 --seed 9 --store";
    for store in ["a", "b"] {
        assert_eq!(kolk(folder.path(), &format!("{words} {store}")).status, 0);
    }
    for name in [
        "plan.json",
        "results.json",
        "results.edn",
        "history.jsonl",
        "history.edn",
        "journal.jsonl",
        "node-logs/times.jsonl",
        "report.html",
    ] {
        let read = |store: &str| {
            fs::read(folder.path().join(store).join("latest").join(name)).expect(name)
        };
        assert_eq!(read("a"), read("b"), "{name}");
    }
}

/// Messages are shown one a line, as many as the journal has, and only those that were asked for.
#[test]
fn messages_are_shown_as_they_go() {
    let folder = folder();
    let words = "test -w echo --node echo --node-count 1 --time-limit 0.2 --rate 50 --seed 3";
    for flags in ["", "--log-net-send", "--log-net-recv", "--log-net-send --log-net-recv"] {
        let answer = kolk(folder.path(), &format!("{words} {flags}"));
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        let journal = fs::read_to_string(folder.path().join("store/latest/journal.jsonl"));
        let journal = journal.expect("a journal");
        for (flag, verb, event) in [
            ("--log-net-send", "send ", "{\"event\":\"send\""),
            ("--log-net-recv", "recv ", "{\"event\":\"receive\""),
        ] {
            let shown: Vec<&str> =
                answer.stderr.lines().filter(|line| line.starts_with(verb)).collect();
            let count = journal.lines().filter(|line| line.starts_with(event)).count();
            let wanted = if flags.contains(flag) { count } else { 0 };
            assert_eq!(shown.len(), wanted, "{flags}: {}", answer.stderr);
            if let Some(first) = shown.first() {
                assert!(first.contains("#0 c0 → n0"), "{first}");
                assert_eq!(first.contains("{\"type\":\"init\""), verb == "send ", "{first}");
            }
        }
    }
}

#[test]
fn json_stands_alone_on_standard_output() {
    let folder = folder();
    let answer = kolk(
        folder.path(),
        "test -w echo --node echo --time-limit 1 --seed 1 --json --no-ssh --ssh-private-key x",
    );
    assert_eq!(answer.status, 0);
    assert_eq!(answer.stderr, "note: --no-ssh, --ssh-private-key have no meaning here");
    let results: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
    assert_eq!(results["valid"], true);
    let words = "check store/latest/history.jsonl -w echo --json";
    let judged: serde_json::Value =
        serde_json::from_str(&kolk(folder.path(), words).stdout).expect("JSON");
    assert_eq!(judged["workload"], results["workload"]);
}

/// The same node, in this process and as programs of its own on the virtual clock.
#[test]
fn lockstep_is_the_same_run() {
    let folder = folder();
    let words = "verify -w unique-ids --node unique-ids --node-count 3 --time-limit 1 --lockstep";
    insta::assert_snapshot!(screen(folder.path(), words));
}

#[test]
fn challenges() {
    let folder = folder();
    insta::assert_snapshot!(screen(folder.path(), "challenge 1 2"));
}

/// A history that is not valid: the screen names the operations, and the status is 1.
#[test]
fn an_invalid_history() {
    let folder = folder();
    let history = "\
{:index 0, :time 0, :type :invoke, :process 0, :f :generate, :value nil}
{:index 1, :time 1000000, :type :ok, :process 0, :f :generate, :value \"a\\u001b[31m\"}
{:index 2, :time 2000000, :type :invoke, :process 1, :f :generate, :value nil}
{:index 3, :time 3000000, :type :ok, :process 1, :f :generate, :value \"a\\u001b[31m\"}
{:index 4, :time 4000000, :type :invoke, :process 1, :f :generate, :value nil}
";
    fs::write(folder.path().join("history.edn"), history).expect("a file");
    insta::assert_snapshot!(screen(folder.path(), "check history.edn -w unique-ids"));
}
