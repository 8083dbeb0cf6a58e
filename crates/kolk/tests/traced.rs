//! Programs that know nothing of virtual time run on it all the same, and the same each time.
//!
//! Nodes of a dozen lines in many languages, and the projects that `kolk new` writes, with timers
//! and threads of their own. What is not installed is listed as ignored.

#[path = "../../kolk-traced/tests/load/mod.rs"]
mod load;
mod support;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "../../kolk-traced/tests/denied/mod.rs"]
mod denied;

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
    ("go", support::GO, "./build.sh", "bin/{}"),
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
    let more = [
        trial("race_of_threads".to_owned(), ("cc", &["--version"]), Box::new(check_race)),
        trial("where_it_is_denied".to_owned(), ("cc", &["--version"]), Box::new(check_denied)),
        trial("what_is_stored".to_owned(), support::PYTHON, Box::new(check_stored)),
        trial("who_never_waits".to_owned(), support::PYTHON, Box::new(check_polling)),
        trial("who_is_traced".to_owned(), support::PYTHON, Box::new(check_hosts)),
        trial("what_the_watchdog_ends".to_owned(), ("sh", &["-c", ""]), Box::new(check_given_up)),
    ];
    libtest_mimic::run(&arguments, small.chain(projects).chain(more).collect()).exit_code()
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

    /// What it says, where it is to end with this status.
    fn fails(&self, words: &str, status: i32) -> Result<String, Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kolk"));
        command.current_dir(self.0.path()).args(words.split_whitespace());
        let output = bounded::output(&mut command, BOUND)?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        if output.status.code() == Some(status) {
            return Ok(text);
        }
        Err(format!("{words}: {}\n{text}", output.status).into())
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

    /// Runs something so many times, and expects it to be traced, valid, exactly repeatable and the
    /// same each time, whatever else the machine does.
    fn same(&self, words: &str, times: usize) -> Result<(), Failed> {
        let screen = self.kolk(words)?;
        let header = screen.lines().next().unwrap_or_default();
        if !header.contains(" traced ") || !header.contains("· deterministic ·") {
            return Err(format!("{words}: {screen}").into());
        }
        let first = self.latest()?;
        if first.0.lines().count() < 50 || !first.1.contains("\"deterministic\": true") {
            return Err(format!("{words}: {first:?}").into());
        }
        for number in 1..times {
            let load = (number % 2 == 1).then(|| Load::begin(2));
            self.kolk(words)?;
            drop(load);
            let again = self.latest()?;
            if again.0 != first.0 {
                return Err(format!("{words}: {}", difference(&first.0, &again.0)).into());
            }
            if again.1 != first.1 {
                return Err(format!("{words}: results: {}", difference(&first.1, &again.1)).into());
            }
        }
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
         --latency 5 --init-timeout 120 --step-timeout 120",
        load::runs().div_ceil(3),
    )?;
    let verified = home.kolk("verify -w echo --bin ./node --seeds 3 --time-limit 3 --init-timeout 120 --step-timeout 120")?;
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
        let words = format!(
            "test -w {workload} --bin {bin} --clock virtual --host traced --node-count 3 --rate 20 \
             --time-limit 10 --seed 5 --init-timeout 120 --step-timeout 120 {flags}"
        );
        home.same(&words, load::runs().div_ceil(4))?;
    }
    Ok(())
}

/// Two threads of a node race: in order who comes first wins, and all is well; shuffled, one run in
/// a few shows it, and shows it again.
fn check_race() -> Result<(), Failed> {
    let home = Home::new()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traced/race.c");
    let env = [("IN", source.as_path()), ("OUT", &home.path("node"))];
    home.shell(home.0.path(), "cc -O1 -pthread -o $OUT $IN", &env)?;
    let words =
        "-w unique-ids --bin ./node --clock virtual --node-count 1 --rate 10 --time-limit 3";
    home.same(&format!("test {words} --seed 1"), 2)?;
    let explored =
        home.fails(&format!("explore {words} --threads shuffled --runs 20 --seed 1"), 1)?;
    if !explored.contains("duplicate") {
        return Err(explored.into());
    }
    let words = format!("test {words} --threads shuffled --seed 1 --rate 100");
    let first = home.fails(&words, 1)?;
    let header = first.lines().next().unwrap_or_default();
    if !header.contains("node traced, threads shuffled") || !header.contains("· deterministic ·")
    {
        return Err(first.into());
    }
    let replayed = home.fails("replay store/latest", 1)?;
    if !replayed.contains("the same run, byte for byte") {
        return Err(replayed.into());
    }
    Ok(())
}

/// Where nothing can be traced the reason is said, whether tracing was asked for or not.
fn check_denied() -> Result<(), Failed> {
    let home = Home::new()?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traced/echo.c");
    let env = [("IN", source.as_path()), ("OUT", &home.path("node"))];
    home.shell(home.0.path(), "cc -O1 -pthread -o $OUT $IN", &env)?;
    let words = "test -w echo --bin ./node --clock virtual --time-limit 1";
    for words in [words.to_owned(), format!("{words} --host traced")] {
        let told = without_tracing(|| home.fails(&words, 254))?;
        for part in ["the system does not allow tracing", "--cap-add SYS_PTRACE", "--clock real"] {
            if !told.contains(part) {
                return Err(format!("{words}\nno {part:?} in\n{told}").into());
            }
        }
    }
    Ok(())
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn without_tracing<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    denied::without(&[libc::SYS_ptrace], work)
}

/// Nothing can be traced anyway.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn without_tracing<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    work()
}

/// What is ended by the machine's clock is not called deterministic.
/// The ways in which `tests/traced/keeper.py` stores what it acknowledges, and whether a loss of
/// power finds that it is not safe.
const WAYS: &[(&str, bool)] = &[
    ("log", false),
    ("unsynced", true),
    ("through", false),
    ("overwritten", true),
    ("renamed", true),
    ("halfway", true),
    ("replaced", false),
    ("linked", false),
    ("folders", false),
    ("mapped", false),
    ("mapped-unsynced", true),
    ("sqlite-delete-off", true),
    // Its manual says that only `extra` makes the removal of the journal safe, and that `normal`
    // does not sync what is ahead in the log.
    ("sqlite-delete-full", true),
    ("sqlite-delete-extra", false),
    ("sqlite-wal-normal", true),
    ("sqlite-wal-full", false),
];

/// A loss of power takes from a program's own files what it has not synced, and nothing else.
fn check_stored() -> Result<(), Failed> {
    let home = Home::new()?;
    let node = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traced/keeper.py");
    let has_sqlite = support::is_there(("python3", &["-c", "import sqlite3"]));
    let line = |way: &str, faults: &str, seed: u32| {
        format!(
            "test -w g-set --bin {node} --clock virtual --host traced --node-count 1 \
             --concurrency 8 --rate 150 --time-limit 3.4 --seed {seed} {faults} -- {way}"
        )
    };
    let losses = ["0.5..0.6", "1..1.1", "1.5..1.6", "2..2.1", "2.5..2.6", "3..3.1"];
    let all = |flag: &str| losses.map(|time| format!("{flag} n0@{time}")).join(" ");
    let (kills, powers) = (all("--kill"), all("--power"));
    for (way, is_unsafe) in WAYS {
        if way.starts_with("sqlite") && !has_sqlite {
            continue;
        }
        if !is_unsafe {
            home.kolk(&line(way, &powers, 1))?;
            continue;
        }
        let is_found = |seed: u32| home.fails(&line(way, &powers, seed), 1);
        let screen = (1..=20).find_map(|seed| is_found(seed).ok());
        let screen = screen.ok_or_else(|| format!("{way}: 20 runs are valid"))?;
        // What is left of a database can be worse than old.
        if !screen.contains("[lost") && !screen.contains("[died]") {
            return Err(format!("{way}: {screen}").into());
        }
    }
    // A kill takes nothing that was written.
    home.kolk(&line("unsynced", &kills, 1))?;
    // A disk that fails, or is full, tells the program so, and changes nothing.
    let harms = "--disk n0:failing@0.5..1.5 --disk n0:full@2..3";
    let screen = home.kolk(&line("log", harms, 1))?;
    let results = home.latest()?.1;
    let results: serde_json::Value = serde_json::from_str(&results).expect("JSON");
    let disks = &results["faults"]["disk"];
    if disks["effective"] != 2 || !screen.contains(" crash") {
        return Err(format!("{disks}\n{screen}").into());
    }
    home.same(&line("replaced", &format!("{powers} {harms}"), 2).replace("  ", " "), 3)
}

/// A program that looks for its input again and again sees the clock go on.
fn check_polling() -> Result<(), Failed> {
    let home = Home::new()?;
    let node = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traced/polling.py");
    for how in ["tries", "asks"] {
        let words = format!(
            "test -w echo --bin {node} --clock virtual --host traced --node-count 1 --rate 50 \
             --time-limit 0.6 --seed 7 --step-timeout 60 -- {how}"
        );
        home.same(&words, 2)?;
    }
    Ok(())
}

/// A program in lockstep whose files the faults would not reach is traced, if nobody insists.
fn check_hosts() -> Result<(), Failed> {
    let home = Home::new()?;
    home.kolk("new own --lang python")?;
    let main = fs::read_to_string(home.path("own/main.py"))?;
    let main = main.replacen('\n', "\nimport kolkdisk\n", 1);
    fs::write(home.path("own/logging.py"), main)?;
    fs::set_permissions(home.path("own/logging.py"), fs::Permissions::from_mode(0o755))?;
    // The library of `kolk new` alone, with its log, which a loss of power reaches, and the one of
    // nodes in Rust, with a disk that everything reaches.
    let plain = ["own/main.py"].as_slice();
    let logging = ["own/logging.py"].as_slice();
    let rust = [env!("CARGO_BIN_EXE_kolk"), "node", "echo"].as_slice();
    let (power, full) = (["--power", "n0@0.1..0.2"], ["--disk", "n0:full@0.1..0.2"]);
    let at_a_sync = ["--kill", "n0 on sync#1 for 0.1s"];
    let insisting = [power.as_slice(), &["--host", "lockstep"]].concat();
    let table: &[(&[&str], &[&str], &str)] = &[
        (plain, &[], "lockstep"),
        (plain, &["--kill", "n0@0.1..0.2", "--disk", "n0:corrupt@0.1.."], "lockstep"),
        (plain, &power, "traced"),
        (plain, &["--nemesis", "power", "--nemesis-interval", "0.1"], "traced"),
        (plain, &["--disk", "n0:failing@0.1..0.2"], "traced"),
        (plain, &full, "traced"),
        (plain, &at_a_sync, "traced"),
        (plain, &insisting, "lockstep"),
        (logging, &power, "lockstep"),
        (logging, &full, "traced"),
        (logging, &at_a_sync, "traced"),
        (rust, &[power, full, at_a_sync].concat(), "lockstep"),
    ];
    for (program, faults, host) in table {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kolk"));
        let run = "test -w echo --clock virtual --node-count 1 --time-limit 0.4 --seed 1 --bin";
        command.args(run.split(' ')).arg(program[0]).args(*faults).arg("--").args(&program[1..]);
        let output = bounded::output(command.current_dir(home.0.path()), BOUND)?;
        let plan = fs::read_to_string(home.path("store/latest/plan.json")).unwrap_or_default();
        if !plan.contains(&format!("\"host\": \"{host}\"")) {
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            return Err(format!("{program:?} {faults:?}: not {host}\n{plan}\n{text}").into());
        }
        fs::remove_dir_all(home.path("store"))?;
    }
    Ok(())
}

fn check_given_up() -> Result<(), Failed> {
    let home = Home::new()?;
    let node = home.path("node");
    fs::write(&node, GIVEN_UP)?;
    fs::set_permissions(&node, fs::Permissions::from_mode(0o755))?;
    let told = home.fails(
        "test -w echo --bin ./node --clock virtual --host traced --node-count 1 --time-limit 5 \
         --step-timeout 0.5 --init-timeout 120",
        1,
    )?;
    let header = told.lines().next().unwrap_or_default();
    let said = "not exactly repeatable: a step given up after 0.5 s of the machine's time by n0";
    if !header.contains(said) || !home.latest()?.1.contains("\"deterministic\": false") {
        return Err(told.into());
    }
    Ok(())
}

const GIVEN_UP: &str = r#"#!/bin/sh
read line
echo '{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}'
read line
while :; do :; done
"#;

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
