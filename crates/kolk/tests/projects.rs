//! `kolk new` in every language: what it writes builds, holds every probe of `kolk check-node`, and
//! passes workloads on both clocks; and on the virtual one all languages leave the same journal.
//!
//! Beside this file, in `projects/`, lie a broadcast and a counter over seq-kv for each language,
//! on the library that the project comes with.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::tests;
use tempfile::TempDir;

tests! {
    python: [PYTHON];
    javascript: [NODE, PYTHON];
    typescript: [NODE, TSC, PYTHON];
    go: [GO, PYTHON];
    ruby: [RUBY, PYTHON];
    java: [JAVAC, PYTHON];
    elixir: [ELIXIR, PYTHON];
    rust: [PYTHON] = "compiles a package of its own; .ci/run runs it";
    rust_is_like_the_others: [PYTHON];
    the_test_script: [PYTHON];
    a_handler_that_fails: [PYTHON, NODE, TSC, GO, RUBY, JAVAC, ELIXIR];
    what_is_refused: [];
}

/// A language, and how its project is built with the test's own programs in it.
struct Language {
    name: &'static str,
    build: &'static str,
    /// Where the programs are: `{}` is `main`, `broadcast` or `counter`.
    program: &'static str,
}

const PYTHON: Language = Language { name: "python", build: "./build.sh", program: "{}.py" };
const JAVASCRIPT: Language = Language { name: "javascript", build: "./build.sh", program: "{}.js" };
const RUBY: Language = Language { name: "ruby", build: "./build.sh", program: "{}.rb" };
const GO: Language = Language {
    name: "go",
    build: "test -z \"$(gofmt -l .)\" && ./build.sh && cp bin/node bin/main",
    program: "bin/{}",
};
const JAVA: Language =
    Language { name: "java", build: "./build.sh && cp node main", program: "{}" };
const ELIXIR: Language = Language {
    name: "elixir",
    build: "mix format --check-formatted ./*.ex ./*.exs && ./build.sh && cp node main",
    program: "{}",
};
// The compiler and Node's types are those that are there: a test fetches nothing.
const TYPESCRIPT: Language = Language {
    name: "typescript",
    build: "tsc --typeRoots \"$(npm root -g)/@types\" && chmod +x dist/*.js",
    program: "dist/{}.js",
};

/// What each of a language's programs must pass, with the flags for the virtual clock.
const RUNS: [(&str, &str, &str); 3] = [
    ("main", "echo", ""),
    ("broadcast", "broadcast", "--latency 20 --loss 0.1"),
    ("counter", "g-counter", "--latency 5"),
];

fn kolk(folder: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kolk"));
    let output = command.current_dir(folder).args(words).output().expect("kolk");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("a status"), String::from_utf8_lossy(&text).into_owned())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("copied");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
    }
}

fn shell(folder: &Path, command: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder).env("KOLK", env!("CARGO_BIN_EXE_kolk"));
    let output = shell.output().expect("a shell");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command}: {text}");
}

/// A project with the test's programs in it, built.
struct Project {
    language: Language,
    folder: PathBuf,
    _home: TempDir,
}

impl Project {
    fn new(language: Language) -> Project {
        let home = tempfile::tempdir().expect("a folder");
        let (status, text) = kolk(home.path(), &["new", "kolkproject", "--lang", language.name]);
        assert_eq!(status, 0, "{text}");
        let folder = home.path().join("kolkproject");
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects");
        copy(&programs.join(language.name), &folder);
        shell(&folder, language.build);
        Project { language, folder, _home: home }
    }

    fn program(&self, name: &str) -> String {
        format!("./{}", self.language.program.replace("{}", name))
    }

    /// A valid run's journal, read: texts may differ in blanks and in the order of keys.
    fn run(&self, name: &str, workload: &str, flags: &str) -> Vec<Value> {
        let bin = self.program(name);
        let words = format!(
            "test -w {workload} --bin {bin} --node-count 3 --rate 20 --seed 5 --init-timeout 60 \
             --step-timeout 60 {flags}"
        );
        let (status, text) = kolk(&self.folder, &words.split_whitespace().collect::<Vec<_>>());
        assert_eq!(status, 0, "{words}\n{text}");
        let journal = fs::read_to_string(self.folder.join("store/latest/journal.jsonl"));
        let journal = journal.expect("a journal");
        let event = |line| -> Value {
            let mut event: Value = serde_json::from_str(line).expect("JSON");
            // What a library does for storage is its own.
            if let Some(Value::Object(accepted)) = event.pointer_mut("/body/lockstep") {
                accepted.remove("storage");
            }
            event
        };
        journal.lines().map(event).collect()
    }

    /// All that a language must pass.
    fn check(&self) {
        // On a loaded machine a virtual machine takes its time to start.
        let patience = ["--init-timeout", "60", "--reply-timeout", "20"];
        let bin = self.program("main");
        let (status, text) =
            kolk(&self.folder, &[&["check-node", "--strict", &bin], &patience[..]].concat());
        assert!(status == 0 && text.ends_with("all probes hold\n"), "{text}");
        for (name, workload, _) in RUNS {
            self.run(name, workload, "--clock real --time-limit 1");
        }
    }

    /// In lockstep the languages cannot be told apart.
    fn is_like(&self, other: &Project) {
        for (name, workload, flags) in RUNS {
            let flags = format!("{flags} --clock virtual --time-limit 10");
            let [mine, theirs] = [self, other].map(|project| project.run(name, workload, &flags));
            assert!(mine.len() > 500, "{name}: {} events", mine.len());
            let different = mine.iter().zip(&theirs).find(|(mine, theirs)| mine != theirs);
            assert_eq!(different, None, "{name} in {}", self.language.name);
            assert_eq!(mine.len(), theirs.len(), "{name}");
        }
    }
}

fn python() {
    let project = Project::new(PYTHON);
    project.check();
    project.is_like(&project);
}

fn javascript() {
    let project = Project::new(JAVASCRIPT);
    project.check();
    project.is_like(&Project::new(PYTHON));
}

fn typescript() {
    let project = Project::new(TYPESCRIPT);
    project.check();
    project.is_like(&Project::new(PYTHON));
}

fn go() {
    let project = Project::new(GO);
    project.check();
    project.is_like(&Project::new(PYTHON));
}

fn ruby() {
    let project = Project::new(RUBY);
    project.check();
    project.is_like(&Project::new(PYTHON));
}

fn java() {
    let project = Project::new(JAVA);
    project.check();
    project.is_like(&Project::new(PYTHON));
}

fn elixir() {
    let project = Project::new(ELIXIR);
    project.check();
    project.is_like(&Project::new(PYTHON));
}

// `main` is one of the project's own programs in the other languages; in Rust it is the package's.
const RUST: Language = Language {
    name: "rust",
    // The programs of these tests are formatted as this repository is.
    build: "./test.sh && rustfmt --check --edition 2024 src/lib.rs src/main.rs tests/cluster.rs && \
            mv target/debug/kolkproject target/debug/main",
    program: "target/debug/{}",
};

/// A package of its own: it compiles what it stands on, which takes a minute or two.
fn rust() {
    let project = Project::new(RUST);
    project.check();
    project.is_like(&Project::new(PYTHON));
}

/// The same nodes as programs of this workspace, so that there is no package to compile.
fn rust_is_like_the_others() {
    let home = tempfile::tempdir().expect("a folder");
    let kolk = Path::new(env!("CARGO_BIN_EXE_kolk"));
    let script = format!("#!/bin/sh\nexec {} node echo\n", kolk.display());
    fs::write(home.path().join("main"), script).expect("written");
    fs::set_permissions(home.path().join("main"), fs::Permissions::from_mode(0o755))
        .expect("a mode");
    for name in ["broadcast", "counter"] {
        let program = kolk.with_file_name("examples").join(format!("project-{name}"));
        std::os::unix::fs::symlink(program, home.path().join(name)).expect("a link");
    }
    let language = Language { name: "rust", build: "true", program: "{}" };
    let project = Project { language, folder: home.path().to_owned(), _home: home };
    project.is_like(&Project::new(PYTHON));
}

/// The script that a project comes with, as its first user runs it.
fn the_test_script() {
    let home = tempfile::tempdir().expect("a folder");
    let (_, text) = kolk(home.path(), &["new", "first", "--lang", "python"]);
    assert!(text.contains("cd first\n  ./test.sh"), "{text}");
    shell(&home.path().join("first"), "./test.sh");
}

fn what_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir(home.path().join("empty")).expect("a folder");
    assert_eq!(kolk(home.path(), &["new", "empty", "--lang", "python"]).0, 0);
    let screens = [
        &["new", "empty", "--lang", "python"][..],
        &["new", "My Node", "--lang", "go"],
        &["new", "node", "--lang", "pyton"],
        &["new", "node"],
    ]
    .map(|words| {
        let (status, text) = kolk(home.path(), words);
        format!("$ kolk {}\n{text}[status {status}]\n", words.join(" "))
    });
    insta::assert_snapshot!(screens.join("\n"));
}

/// A language's echo, and what makes its handler fail: the file, a piece of it, and what takes its
/// place.
const FAILING: [(Language, &str, &str, &str); 7] = [
    (PYTHON, "main.py", "body[\"echo\"]", "body[\"nothing\"]"),
    (JAVASCRIPT, "main.js", "\"echo_ok\", echo }", "\"echo_ok\", echo: echo.nothing.at }"),
    (TYPESCRIPT, "src/main.ts", "\"echo_ok\", echo }", "\"echo_ok\", echo: echo.nothing.at }"),
    (RUBY, "main.rb", "body['echo']", "body['nothing'].first"),
    (JAVA, "Main.java", "body.get(\"echo\"))", "body.get(\"nothing\").toString())"),
    (ELIXIR, "main.exs", "body[\"echo\"]", "Map.fetch!(body, \"nothing\")"),
    (GO, "main.go", ", nil\n", ", kolknode.ErrNothing\n"),
];

/// What fails is told on standard error as the language tells it, and in the answer in one line.
fn a_handler_that_fails() {
    for (language, file, right, wrong) in FAILING {
        let project = Project::new(language);
        let name = project.language.name;
        let path = project.folder.join(file);
        let text = fs::read_to_string(&path).expect("a program");
        assert_eq!(text.matches(right).count(), 1, "{name}");
        fs::write(&path, text.replace(right, wrong)).expect("written");
        if name == "go" {
            let more = "package kolknode\n\nimport \"errors\"\n\n// ErrNothing fails.\n\
                        var ErrNothing = errors.New(\"there is nothing\")\n";
            fs::write(project.folder.join("kolknode/nothing.go"), more).expect("written");
        }
        shell(&project.folder, project.language.build);
        let bin = project.program("main");
        let words = ["test", "-w", "echo", "--node-count", "1", "--time-limit", "2", "--rate", "5"];
        let more = ["--clock", "virtual", "--seed", "1", "--step-timeout", "60", "--bin", &bin];
        kolk(&project.folder, &[&words[..], &more[..]].concat());
        let folder = project.folder.join("store/latest");
        let journal = fs::read_to_string(folder.join("journal.jsonl")).expect("a journal");
        let texts: Vec<String> = journal
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .filter(|event| event.pointer("/body/code") == Some(&Value::from(13)))
            .map(|event| event["body"]["text"].as_str().expect("a text").to_owned())
            .collect();
        assert!(!texts.is_empty(), "{name}");
        let log = fs::read_to_string(folder.join("node-logs/n0.log")).expect("a log");
        for text in texts {
            assert!(!text.is_empty() && !text.contains('\n'), "{name}: {text}");
            let message = text.split_once(" (").map_or(&*text, |(message, _)| message);
            assert!(log.contains(message), "{name}: {text}\n{log}");
        }
        // Where it failed; an error in Go does not know that.
        let place = file.rsplit('/').next().expect("a name").replace(".ts", ".js");
        assert!(name == "go" || log.contains(&place), "{name}: {log}");
    }
}
