//! The course: its pages show what the stages say and what the programs are, and `kolk learn` goes
//! through it. `KOLK_RENEW=1 cargo test -p kolk --test course` draws the parts of pages anew.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kolk_report::numbers;
use kolk_workload::challenge::ChallengeRun;
use kolk_workload::course::{self, STAGES, Stage};
use serde_json::Value;
use support::tests;

tests! {
    pages_show_what_the_stages_say: [];
    quoted_code_is_the_programs: [];
    one_goes_through_it: [PYTHON];
    what_is_refused: [];
    projects_are_graded: [PYTHON];
    stages_fail_the_wrong_nodes: [PYTHON];
    stages_fail_what_their_pages_warn_of: [PYTHON];
    every_wrong_node_has_a_stage: [];
    the_nodes_in_go_are_right: [GO];
    what_survives_power_was_synced: [PYTHON];
    the_whole_course: [PYTHON] = "takes minutes; run it by hand";
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("book/src/course")).expect("the course");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
}

/// A stage's task as its page shows it.
fn task(stage: &Stage) -> String {
    let flags = |runs: &[ChallengeRun]| {
        let all: Vec<String> = runs.iter().map(|run| format!("`{}`", run.flags())).collect();
        all.join(", and ")
    };
    let (theirs, own) = (flags(stage.official()), flags(stage.own()));
    let whose = match (stage.official(), stage.own()) {
        ([], _) => format!("The flags are kolk's own: {own}."),
        (_, []) => format!("The flags are those of the Gossip Glomers: {theirs}."),
        _ => format!(
            "The flags are those of the Gossip Glomers: {theirs}. One more run is kolk's own: {own}."
        ),
    };
    format!(
        "### {}: {}\n\n{}\n\n{whose} A check runs {} under {}, with `--strict`: what *counts with \
         --strict* fails the stage.",
        stage.id,
        stage.title,
        stage.task,
        if stage.runs().count() == 1 { "it" } else { "each" },
        numbers::counted(stage.seeds.into(), "seed", "seeds"),
    )
}

/// Its hints, folded.
fn hints(stage: &Stage) -> String {
    let count = stage.hints.len();
    let hint = |(place, text): (usize, &&str)| {
        let summary = format!("{}: hint {} of {count}", stage.id, place + 1);
        format!("<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>")
    };
    stage.hints.iter().enumerate().map(hint).collect::<Vec<_>>().join("\n\n")
}

/// The page with its drawn parts as they should be, and which these are.
fn redrawn(text: &str) -> (String, Vec<String>) {
    let (mut out, mut parts, mut rest) = (String::new(), Vec::new(), text);
    while let Some(start) =
        ["<!-- task ", "<!-- hints "].iter().filter_map(|mark| rest.find(mark)).min()
    {
        let (before, after) = rest.split_at(start);
        let (mark, after) = after.split_once(" -->\n").expect("a mark's end");
        let (_, after) = after.split_once("<!-- end -->").expect("a part's end");
        let name = mark.trim_start_matches("<!-- ");
        let (what, id) = name.split_once(' ').expect("a stage");
        let stage = course::find(id).unwrap_or_else(|| panic!("there is no stage {id}"));
        let drawn = if what == "task" { task(stage) } else { hints(stage) };
        out.push_str(&format!("{before}{mark} -->\n\n{drawn}\n\n<!-- end -->"));
        parts.push(name.to_owned());
        rest = after;
    }
    out.push_str(rest);
    (out, parts)
}

fn pages_show_what_the_stages_say() {
    let mut shown = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        let (now, parts) = redrawn(&text);
        if std::env::var_os("KOLK_RENEW").is_some() {
            fs::write(&page, &now).expect("written");
        } else {
            assert!(
                now == text,
                "{}: to renew it: KOLK_RENEW=1 cargo test -p kolk --test course",
                page.display()
            );
        }
        let name = page.file_stem().expect("a name").to_string_lossy().into_owned();
        shown.extend(parts.into_iter().map(|part| format!("{name} {part}")));
    }
    shown.sort();
    let parts =
        |stage: &Stage| ["task", "hints"].map(|what| format!("{} {what} {}", stage.page, stage.id));
    let mut expected: Vec<String> = STAGES.iter().flat_map(parts).collect();
    expected.sort();
    assert_eq!(shown, expected);
}

/// What a page quotes of a program stands in that program, and every program is quoted from
/// somewhere.
fn quoted_code_is_the_programs() {
    let mut quoted = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let is_code = ["```python", "```rust", "```go", "```story"].contains(&line);
            assert!(!is_code, "{}: `{line}` does not say from where", page.display());
            let Some(from) = line.strip_prefix("<!-- from ") else { continue };
            let from = from.trim_end_matches(" -->");
            assert!(lines.next().is_some_and(|line| line.starts_with("```")), "{from}: no code");
            let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let program = fs::read_to_string(root().join(from)).expect(from);
            assert!(program.contains(&code.join("\n")), "{}: not in {from}", page.display());
            quoted += 1;
        }
    }
    assert!(quoted > 15, "{quoted} quotations");
}

/// A project for the course.
struct Project {
    folder: PathBuf,
    _home: tempfile::TempDir,
}

impl Project {
    fn new() -> Project {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("my-course");
        let project = Project { folder: home.path().to_owned(), _home: home };
        let (status, text) = project.kolk("new my-course --lang python");
        assert_eq!(status, 0, "{text}");
        Project { folder, ..project }
    }

    fn kolk(&self, words: &str) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_kolk"))
            .args(words.split_whitespace())
            .current_dir(&self.folder)
            .env_remove("CARGO_MANIFEST_DIR")
            .stdin(Stdio::null())
            .output()
            .expect("kolk");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().expect("a status"), String::from_utf8(text).expect("UTF-8"))
    }

    fn json(&self, words: &str) -> (i32, Value) {
        let (status, text) = self.kolk(words);
        // The build says on standard error what it does.
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// Adds a program that is right.
    fn add(&self, name: &str) {
        let from = root().join("examples/course").join(name);
        fs::copy(from, self.folder.join(name)).expect("copied");
    }
}

fn one_goes_through_it() {
    let project = Project::new();
    let (status, text) = project.kolk("learn");
    let none = format!("0 of {} stages passed", STAGES.len());
    assert!(status == 0 && text.contains(&none), "{text}");
    assert!(text.contains("→ 1 ") && text.contains("program  ./main.py"), "{text}");

    // A stage that is named is told alone.
    let (status, text) = project.kolk("learn raft");
    assert!(status == 0 && text.starts_with("raft · "), "{text}");

    let (status, text) = project.kolk("learn check --step-timeout 120");
    assert!(status == 0 && text.contains("2 · Unique ids"), "{text}");
    assert!(text.contains("./main.py, or ./unique-ids.py if it is there"), "{text}");
    // The echo gives out no ids.
    let (status, text) = project.kolk("learn check --step-timeout 120");
    assert!(status == 1 && text.contains("1 of 2 stages do not hold"), "{text}");

    for (count, given) in [(1, 1), (2, 2), (3, 3), (3, 3)] {
        let (status, text) = project.kolk("learn hint");
        assert!(status == 0 && text.matches("2 · hint").count() == count, "{given}: {text}");
    }
    project.add("unique-ids.py");
    let (status, results) = project.json("learn check --json --step-timeout 120");
    assert!(status == 0 && results["held"] == 2 && results["checked"] == 2, "{results:#}");
    let (_, progress) = project.json("learn --json");
    assert!(progress["passed"] == 2 && progress["next"] == "3a", "{progress:#}");
    assert_eq!(progress["stages"][1]["hints-given"], 3);

    // What is broken again is not passed any more.
    fs::copy(project.folder.join("unique-ids.py"), project.folder.join("main.py")).expect("copied");
    let (status, text) = project.kolk("learn check -q --junit junit.xml --step-timeout 120");
    assert_eq!(status, 1, "{text}");
    let junit = fs::read_to_string(project.folder.join("junit.xml")).expect("JUnit's file");
    assert!(junit.contains("tests=\"1\" failures=\"1\""), "{junit}");
    let (_, progress) = project.json("learn --json");
    assert_eq!(progress["next"], "1");
    // It is told, and who goes another way is not sent through a whole task.
    let (status, text) = project.kolk("learn check 2 --step-timeout 120");
    assert!(status == 0 && text.contains("next    kolk learn 1: Echo\n"), "{text}");
    assert!(!text.contains("1 · Echo"), "{text}");
    project.add("echo.py");
    let (status, text) = project.kolk("learn check 2 --bin ./echo.py --step-timeout 120");
    assert!(status == 1 && text.contains("passed  2 no longer counts as passed\n"), "{text}");
}

fn what_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let project = Project { folder: home.path().to_owned(), _home: home };
    for (words, expected) in [
        ("learn check", "there is no program to check"),
        ("learn g-sett", "there is no stage `g-sett`"),
        ("learn check 3z --bin ./x", "there is no stage `3z`"),
        ("learn hint 1 2", "unexpected argument"),
        ("learn check --all 1", "cannot be used with"),
    ] {
        let (status, text) = project.kolk(words);
        assert!(status == 254 || status == 2, "{words}: {status}");
        assert!(text.contains(expected), "{words}: {text}");
    }
    fs::write(project.folder.join("learn.json"), "{\"format\": 9").expect("written");
    let (status, text) = project.kolk("learn");
    assert!(status == 254 && text.contains("cannot use learn.json"), "{text}");
}

/// The script for classes, on a folder with one project.
fn projects_are_graded() {
    let project = Project::new();
    let output = Command::new("python3")
        .arg(root().join("examples/grading/grade.py"))
        .arg(project.folder.parent().expect("a folder"))
        .args(["1", "2", "--seed", "7"])
        .env("KOLK", env!("CARGO_BIN_EXE_kolk"))
        .output()
        .expect("python3");
    let errors = String::from_utf8_lossy(&output.stderr);
    let table = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "student,passed,1,2,first that does not hold", "{errors}");
    assert!(lines[1].starts_with("my-course,1,1,0,"), "{table}{errors}");
}

/// Those that the pages of the Gossip Glomers show beside Python and Rust, on the library that a
/// reader gets; with less load than the challenges ask for, and no limits.
fn the_nodes_in_go_are_right() {
    let folder = root().join("examples/course/go");
    let home = tempfile::tempdir().expect("a folder");
    let project = Project { folder: home.path().to_owned(), _home: home };
    let built = Command::new("sh")
        .args(["-c", "test -z \"$(gofmt -l .)\" && go vet ./... && go build -o \"$BIN/\" ./..."])
        .current_dir(&folder)
        .env("BIN", &project.folder)
        .output()
        .expect("a shell");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    for (node, challenge) in [
        ("echo", "1"),
        ("unique-ids", "2"),
        ("broadcast", "3c"),
        ("g-counter", "4"),
        ("kafka", "5b"),
        ("txn-rw-register", "6c"),
    ] {
        let (status, text) = project.kolk(&format!(
            "challenge {challenge} --bin ./{node} --clock virtual --time-limit 6 --rate 50 \
             --step-timeout 120"
        ));
        assert_eq!(status, 0, "{node}: {text}");
    }
}

/// The stages in which nodes go away hold with the course's programs, and not with the same
/// programs when they wait for no disk.
fn what_survives_power_was_synced() {
    let project = Project::new();
    for (program, sync, stage) in [
        ("g-set.py", "await log.sync()", "g-set-kill"),
        ("pn-counter.py", "await log.sync()", "pn-counter-kill"),
        ("raft.py", "await disk.sync()", "raft-kill"),
    ] {
        project.add(program);
        let (status, text) = project.kolk(&format!("learn check {stage} --step-timeout 120"));
        assert_eq!(status, 0, "{stage}: {text}");
        let path = project.folder.join(program);
        let right = fs::read_to_string(&path).expect("a program");
        assert!(right.contains(sync), "{program}");
        fs::write(&path, right.replace(sync, "pass")).expect("written");
        let (status, text) = project.kolk(&format!("learn check {stage} --step-timeout 120"));
        assert_eq!(status, 1, "{stage}: {text}");
        // It is the power that takes it, and kills do not.
        let is_it = |line: &str| line.contains("loss of power") && line.contains(" invalid ");
        assert!(text.lines().any(is_it), "{stage}: {text}");
    }
}

/// Each wrong node of `examples/wrong`, and stages that fail it as `kolk learn check` runs them.
const WRONG: &[(&str, &[&str])] = &[
    ("print-debugging", &["1"]),
    ("one-request-for-all", &["1"]),
    ("clock-ids", &["2"]),
    ("request-number-ids", &["2"]),
    ("tell-once", &["3c"]),
    ("neighbours-only", &["3b"]),
    ("clears-too-much", &["3c"]),
    ("list-and-retry", &["3c"]),
    ("passes-on-everything", &["3b"]),
    ("longer-is-newer", &["g-set"]),
    ("answers-before-storing", &["g-set-kill"]),
    ("writes-without-syncing", &["g-set-kill"]),
    ("adds-again", &["4", "4-kill"]),
    ("reads-then-writes", &["4"]),
    ("barrier-that-changes-nothing", &["4"]),
    ("delta-twice", &["pn-counter"]),
    ("early-break", &["5b"]),
    ("skips-the-gap", &["5b"]),
    ("numbers-by-itself", &["5b"]),
    ("reads-its-own-copy", &["lin-kv"]),
    ("compares-then-sets", &["lin-kv"]),
    ("whoever-is-heard-leads", &["raft"]),
    ("reads-from-anybody", &["seq-kv"]),
    ("last-arrival-wins", &["6b"]),
    ("no-isolation", &["txn-list-append"]),
    ("aborts-halfway", &["txn-list-append"]),
    ("shows-its-middle", &["txn-list-append"]),
    ("answers-from-later", &["txn-list-append"]),
    ("writes-back-the-whole", &["txn-list-append"]),
    ("reads-key-by-key", &["txn-list-append"]),
    ("checks-only-writes", &["txn-list-append"]),
    ("reads-an-old-snapshot", &["txn-list-append"]),
];

/// A mistake of which a stage's page or hints warn, made in the course's program that is right.
struct Mistake {
    stage: &'static str,
    program: &'static str,
    right: &'static str,
    wrong: &'static str,
}

const MISTAKES: &[Mistake] = &[
    // A client's own update is not seen by its next read.
    Mistake { stage: "seq-kv", program: "seq-kv", right: "        take(reply)\n", wrong: "" },
    Mistake {
        stage: "seq-kv",
        program: "seq-kv",
        right: "if body[\"version\"] > version:",
        wrong: "if True:  # A copy goes back.",
    },
    Mistake {
        stage: "4",
        program: "g-counter",
        right: "    await store.write(node.id, node.random.getrandbits(50))\n",
        wrong: "",
    },
    Mistake {
        stage: "4-kill",
        program: "g-counter",
        right: "    await store.write(node.id, node.random.getrandbits(50))\n",
        wrong: "",
    },
    // What may have been done is done again.
    Mistake {
        stage: "4",
        program: "g-counter",
        right: "if error.code != 22:",
        wrong: "if error.code not in (0, 22):",
    },
    Mistake {
        stage: "txn-list-append",
        program: "txn-list-append",
        right: "if error.code != 22:",
        wrong: "if error.code not in (0, 22):",
    },
    Mistake {
        stage: "lin-kv",
        program: "lin-kv",
        right: "    await store.write(body[\"key\"], body[\"value\"])\n",
        wrong: "    await node.retry(\"lin-kv\", {k: body[k] for k in (\"type\", \"key\", \"value\")})\n",
    },
    // The leader answers reads from its own state.
    Mistake {
        stage: "raft",
        program: "raft",
        right: "    if role == \"leader\":\n        waiting[add(command)]",
        wrong: "    if role == \"leader\" and command[\"type\"] == \"read\":\n        \
                return perform(command)\n    \
                if role == \"leader\":\n        waiting[add(command)]",
    },
    // Nobody else's vote or copy is waited for.
    Mistake {
        stage: "raft",
        program: "raft",
        right: "index = has[len(node.ids) // 2]",
        wrong: "index = has[0]",
    },
    // A vote that its giver does not know again.
    Mistake {
        stage: "raft-kill",
        program: "raft",
        right: "    now = term\n    await disk.sync()\n",
        wrong: "    now = term\n",
    },
    // A second vote in a term.
    Mistake { stage: "raft-txn", program: "raft", right: "vote in (None, src) and ", wrong: "" },
    // A longer log is taken for a newer one.
    Mistake {
        stage: "raft-txn",
        program: "raft",
        right: "(body[\"last_term\"], body[\"last\"]) >= (log[-1][0], len(log) - 1)",
        wrong: "body[\"last\"] >= len(log) - 1",
    },
];

/// The exit status of a stage's check of a program in the project, and what was printed.
fn checked(project: &Project, stage: &str, program: &str) -> (i32, String) {
    project.kolk(&format!("learn check {stage} --bin ./{program}.py --step-timeout 120"))
}

/// Every stage of the table fails its wrong nodes, and passes the course's own program.
fn stages_fail_the_wrong_nodes() {
    let project = Project::new();
    for (name, stages) in WRONG {
        let file = format!("{name}.py");
        fs::copy(root().join("examples/wrong").join(&file), project.folder.join(&file))
            .expect("copied");
        for stage in *stages {
            let (status, text) = checked(&project, stage, name);
            assert_eq!(status, 1, "{name} and stage {stage}: {text}");
        }
    }
    let stages: BTreeSet<&str> = WRONG.iter().flat_map(|(_, stages)| *stages).copied().collect();
    for id in stages {
        let stage = course::find(id).expect(id);
        project.add(&format!("{}.py", stage.program()));
        let program = stage.program();
        // One seed shows that not everything fails; the whole course is checked under all of them.
        let (status, text) = project
            .kolk(&format!("learn check {id} --bin ./{program}.py --seeds 1 --step-timeout 120"));
        assert_eq!(status, 0, "{id}: {text}");
    }
}

fn stages_fail_what_their_pages_warn_of() {
    let project = Project::new();
    for Mistake { stage, program, right, wrong } in MISTAKES {
        let name = format!("{program}.py");
        project.add(&name);
        let path = project.folder.join(&name);
        let text = fs::read_to_string(&path).expect("a program");
        assert_eq!(text.matches(right).count(), 1, "{program}: {right}");
        fs::write(&path, text.replace(right, wrong)).expect("written");
        let (status, text) = checked(&project, stage, program);
        assert_eq!(status, 1, "{stage}, {wrong}: {text}");
    }
}

fn every_wrong_node_has_a_stage() {
    let list = fs::read_to_string(root().join("examples/wrong/README.md")).expect("the list");
    let rows = list.lines().filter(|line| line.starts_with("| [`"));
    let listed: Vec<(&str, &str)> = rows
        .map(|row| {
            let words: Vec<&str> = row.split('`').collect();
            (words[1], words[3])
        })
        .collect();
    let names: Vec<&str> = listed.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, WRONG.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for ((name, workload), (_, stages)) in listed.iter().zip(WRONG) {
        assert!(!stages.is_empty(), "{name}");
        for id in *stages {
            assert_eq!(course::find(id).map(Stage::workload), Some(*workload), "{name}, {id}");
        }
    }
}

/// All of it, with the programs of `examples/course`: minutes on a small machine.
fn the_whole_course() {
    let project = Project::new();
    for entry in fs::read_dir(root().join("examples/course")).expect("programs") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if !name.starts_with("kolk") && name.ends_with(".py") {
            project.add(&name);
        }
    }
    let (status, results) = project.json("learn check --all --json --step-timeout 120");
    assert_eq!(status, 0, "{results:#}");
    assert_eq!(results["held"], STAGES.len());
}
