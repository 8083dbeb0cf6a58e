//! Programs that know nothing of virtual time run on it all the same, and the same each time.
//!
//! Nodes of a dozen lines in many languages, and the projects that `kolk new` writes, with timers and
//! threads of their own. What is not installed is listed as ignored.

#[path = "../../kolk-traced/tests/load/mod.rs"]
mod load;
mod support;

#[path = "../../kolk-traced/tests/bounded/mod.rs"]
mod bounded;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use load::Load;
use tempfile::TempDir;

/// How long any process of these tests may take.
const BOUND: Duration = Duration::from_secs(300);

/// A node of `tests/traced`.
struct Small {
    file: &'static str,
    /// What runs it, and arguments that tell whether it does.
    tool: support::Tool,
    /// What it is built with, if it is: `$IN`, `$OUT`.
    build: &'static str,
}

const SMALL: &[Small] = &[
    Small { file: "echo.py", tool: support::PYTHON, build: "" },
    Small { file: "echo.js", tool: support::NODE, build: "" },
    Small { file: "echo.rb", tool: support::RUBY, build: "" },
    Small { file: "echo.pl", tool: support::PERL, build: "" },
    Small { file: "echo.sh", tool: ("bash", &["--version"]), build: "" },
    Small { file: "echo.go", tool: support::GO, build: "go build -o $OUT $IN" },
    Small { file: "echo.c", tool: ("cc", &["--version"]), build: "cc -O1 -pthread -o $OUT $IN" },
    Small {
        file: "echo.c",
        tool: ("musl-gcc", &["--version"]),
        build: "musl-gcc -static -O1 -o $OUT $IN",
    },
];

/// A project of `kolk new` with the programs of `tests/projects`: its language, what is looked for,
/// how it is built, and where the programs then are.
const PROJECTS: &[(&str, support::Tool, &str, &str)] = &[
    ("python", support::PYTHON, "./build.sh", "{}.py"),
    ("javascript", support::NODE, "./build.sh", "{}.js"),
    ("ruby", support::RUBY, "./build.sh", "{}.rb"),
    ("go", support::GO, "./build.sh && go build -o bin/ ./broadcast ./counter", "bin/{}"),
    ("java", support::JAVAC, "./build.sh", "{}"),
    ("elixir", support::ELIXIR, "./build.sh", "{}"),
];

/// What the programs of a project are held to.
const RUNS: &[(&str, &str, &str)] = &[
    ("broadcast", "broadcast", "--latency 20 --loss 0.1 --nemesis partition --nemesis-interval 2"),
    ("counter", "g-counter", "--latency 5"),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(1));
    let trial = |name: String, tool: support::Tool, check: Check| {
        let is_there = kolk_engine::can_trace() && support::is_there(tool);
        let kind = if is_there { String::new() } else { format!("there is no {} here", tool.0) };
        Trial::test(name, check).with_kind(kind).with_ignored_flag(!is_there)
    };
    let small = SMALL.iter().map(|small| {
        let name = format!("{}_{}", small.file.replace('.', "_"), small.tool.0);
        trial(name, small.tool, Box::new(|| check_small(small)))
    });
    let projects = PROJECTS.iter().map(|project| {
        trial(format!("project_{}", project.0), project.1, Box::new(|| check_project(project)))
    });
    libtest_mimic::run(&arguments, small.chain(projects).collect()).exit_code()
}

type Check = Box<dyn FnOnce() -> Result<(), Failed> + Send>;

/// A folder to work in, and kolk in it.
struct Home(TempDir);

impl Home {
    fn new() -> Result<Home, Failed> {
        Ok(Home(tempfile::tempdir()?))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn kolk(&self, words: &str) -> Result<String, Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kolk"));
        command.current_dir(self.0.path()).args(words.split(' '));
        let output = bounded::output(&mut command, BOUND)?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        if output.status.success() { Ok(text) } else { Err(format!("{words}\n{text}").into()) }
    }

    fn shell(&self, folder: &Path, command: &str, env: &[(&str, &Path)]) -> Result<(), Failed> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(folder).env("KOLK", env!("CARGO_BIN_EXE_kolk"));
        shell.env("GOCACHE", std::env::temp_dir().join("kolk-go-cache"));
        let output = bounded::output(shell.envs(env.iter().copied()), BOUND)?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{command}: {text}").into()) }
    }

    /// The journal and `results.json` of the latest run.
    fn latest(&self) -> Result<(String, String), Failed> {
        let read = |name: &str| fs::read_to_string(self.path("store/latest").join(name));
        Ok((read("journal.jsonl")?, read("results.json")?))
    }

    /// Runs something several times, and expects it to be traced, valid, exactly repeatable and the
    /// same each time, whatever else the machine does.
    fn same(&self, words: &str) -> Result<(), Failed> {
        let screen = self.kolk(words)?;
        let header = screen.lines().next().unwrap_or_default();
        if !header.contains(" traced ") || !header.contains("· deterministic ·") {
            return Err(format!("{words}: {screen}").into());
        }
        let first = self.latest()?;
        if first.0.lines().count() < 50 || !first.1.contains("\"deterministic\": true") {
            return Err(format!("{words}: {first:?}").into());
        }
        let load = Load::begin(2);
        for _ in 0..2 {
            self.kolk(words)?;
            let again = self.latest()?;
            // A program that was pre-empted under load may have been counted as not exactly
            // repeatable: the results then say so, and the messages are held to be the same anyway.
            let is_sure = again.1.contains("\"deterministic\": true");
            if again.0 != first.0 || is_sure && again.1 != first.1 {
                return Err(format!("{words}: {}", difference(&first.0, &again.0)).into());
            }
        }
        drop(load);
        let replayed = self.kolk("replay store/latest")?;
        if !replayed.contains("the same run, byte for byte") {
            return Err(replayed.into());
        }
        Ok(())
    }
}

fn difference(first: &str, other: &str) -> String {
    let mut lines = first.lines().zip(other.lines()).enumerate();
    match lines.find(|(_, (a, b))| a != b) {
        Some((number, (a, b))) => format!("event {number} was\n{a}\nand is\n{b}"),
        None => format!("{} lines, and {}", first.lines().count(), other.lines().count()),
    }
}

fn check_small(small: &Small) -> Result<(), Failed> {
    let home = Home::new()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traced").join(small.file);
    let program = home.path("node");
    if small.build.is_empty() {
        fs::copy(&source, &program)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    } else {
        let env = [("IN", source.as_path()), ("OUT", program.as_path())];
        home.shell(home.0.path(), small.build, &env)?;
    }
    home.same(
        "test -w echo --bin ./node --clock virtual --node-count 3 --rate 20 --time-limit 20 --seed 3 \
         --latency 5 --step-timeout 60",
    )?;
    let verified = home.kolk("verify -w echo --bin ./node --seeds 3 --time-limit 3")?;
    if !verified.contains("byte for byte") {
        return Err(verified.into());
    }
    Ok(())
}

fn check_project(
    (language, _, build, program): &(&str, (&str, &[&str]), &str, &str),
) -> Result<(), Failed> {
    let home = Home::new()?;
    home.kolk(&format!("new kolkproject --lang {language}"))?;
    let folder = home.path("kolkproject");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects").join(language);
    copy(&own, &folder)?;
    home.shell(&folder, build, &[])?;
    for (name, workload, flags) in RUNS {
        let bin = format!("kolkproject/{}", program.replace("{}", name));
        home.same(&format!(
            "test -w {workload} --bin {bin} --clock virtual --host traced --node-count 3 --rate 20 \
             --time-limit 10 --seed 5 --init-timeout 60 --step-timeout 60 {flags}"
        ))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
            fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}
