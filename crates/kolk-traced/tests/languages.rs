//! Programs in many languages, unmodified: their timers are on time, a minute of them takes far
//! less, and every run gives the same bytes, however busy the machine is.
//!
//! What is not installed is listed as ignored.

mod bounded;
mod load;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use load::Load;
use support::{BOUND, Outcome, file, find, traced};

/// What every program is told, and when: milliseconds, and a line.
const SCRIPT: &str = "500 hello\n700 set it\n1500 twice\n2500 bye\n";
const UNTIL_MS: u64 = 60_000;

/// A program of a language.
struct Case {
    name: &'static str,
    /// What runs or builds it.
    tool: &'static str,
    /// Arguments that tell whether the tool does.
    probe: &'static [&'static str],
    build: Build,
    file: &'static str,
    /// When the first tick comes after the start, in nanoseconds, and how exactly: Elixir's machine
    /// takes a moment to start, in its own virtual time.
    tick: Option<(u64, u64)>,
}

/// How to come from a file to a command.
#[derive(Clone, Copy)]
enum Build {
    /// The tool runs the file.
    Interpreted,
    /// `go build`.
    Go,
    /// `javac`.
    Java,
    /// A compiler for C, with these flags beside the usual ones.
    C(&'static [&'static str]),
    /// A compiler for C++. What it builds draws from the processor's random numbers.
    Random,
    /// An example of this package, which Cargo has built.
    Example,
}

const SECOND: u64 = 1_000_000_000;
const EXACTLY: Option<(u64, u64)> = Some((SECOND, 0));

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "python_threads", tool: "python3", probe: &["-c", ""], build: Build::Interpreted, file: "programs/threads.py", tick: EXACTLY },
    Case { name: "python_asyncio", tool: "python3", probe: &["-c", "import asyncio"], build: Build::Interpreted, file: "programs/tasks.py", tick: Some((SECOND, 2_000_000)) },
    Case { name: "python_processes", tool: "python3", probe: &["-c", "import multiprocessing"], build: Build::Interpreted, file: "programs/processes.py", tick: None },
    Case { name: "node_timers", tool: "node", probe: &["-e", ""], build: Build::Interpreted, file: "programs/timers.js", tick: Some((SECOND, 2_000_000)) },
    Case { name: "node_workers", tool: "node", probe: &["-e", ""], build: Build::Interpreted, file: "programs/workers.js", tick: Some((SECOND, 2_000_000)) },
    Case { name: "ruby_threads", tool: "ruby", probe: &["-e", ""], build: Build::Interpreted, file: "programs/threads.rb", tick: Some((SECOND, 200_000)) },
    Case { name: "perl_select", tool: "perl", probe: &["-e", "use Time::HiRes"], build: Build::Interpreted, file: "programs/select.pl", tick: EXACTLY },
    Case { name: "bash_children", tool: "bash", probe: &["-c", "[ ${BASH_VERSINFO[0]} -ge 5 ]"], build: Build::Interpreted, file: "programs/children.sh", tick: EXACTLY },
    Case { name: "go", tool: "go", probe: &["version"], build: Build::Go, file: "programs/go", tick: Some((SECOND, 2_000_000)) },
    Case { name: "java_executors", tool: "java", probe: &["-version"], build: Build::Java, file: "programs/Executors.java", tick: Some((SECOND, 100_000)) },
    Case { name: "elixir_processes", tool: "elixir", probe: &["--version"], build: Build::Interpreted, file: "programs/process.exs", tick: Some((SECOND, 300_000_000)) },
    Case { name: "c_pthreads", tool: "gcc", probe: &["--version"], build: Build::C(&[]), file: "programs/threads.c", tick: Some((SECOND, 2_000_000)) },
    // Without a loader and with a C library of its own.
    Case { name: "c_static_musl", tool: "musl-gcc", probe: &["--version"], build: Build::C(&["-static"]), file: "programs/threads.c", tick: Some((SECOND, 2_000_000)) },
    Case { name: "cpp_random", tool: "g++", probe: &["--version"], build: Build::Random, file: "programs/random.cpp", tick: None },
    Case { name: "rust_threads", tool: "", probe: &[], build: Build::Example, file: "threads", tick: EXACTLY },
    Case { name: "rust_tokio", tool: "", probe: &[], build: Build::Example, file: "tokio", tick: Some((SECOND, 2_000_000)) },
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They compete for the processors enough as it is.
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(1));
    let trials = CASES.iter().map(|case| {
        let is_there = kolk_traced::is_supported()
            && (case.tool.is_empty() || find(case.tool, case.probe).is_some());
        let kind = if is_there { String::new() } else { format!("there is no {} here", case.tool) };
        let (is_there, kind) = match case.build {
            Build::Random if !can_hide_abilities() => {
                (false, "this processor's random numbers cannot be hidden".to_owned())
            }
            _ => (is_there, kind),
        };
        Trial::test(case.name, || check(case)).with_kind(kind).with_ignored_flag(!is_there)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Whether `cpuid` can be made to trap here.
fn can_hide_abilities() -> bool {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    processors.split_whitespace().any(|word| word == "cpuid_fault")
}

fn check(case: &'static Case) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (program, args) = command(case, folder.path())?;
    #[expect(clippy::disallowed_methods, reason = "what is measured is the wall clock's time")]
    let began = Instant::now();
    let first = traced(&program, &args, SCRIPT, UNTIL_MS, &[], &[])?;
    let took = began.elapsed();
    if first.status != Some(0) {
        return Err(format!("{first:?}").into());
    }
    if !first.errors.is_empty() {
        return Err(format!("not repeatable:\n{}", first.errors).into());
    }
    check_times(case, &first)?;
    // A minute; with all that a machine under load may add.
    if took > Duration::from_secs(20) {
        return Err(format!("{UNTIL_MS} virtual milliseconds took {took:?}").into());
    }
    // Another environment, and a machine that has other things to do. Go copies the environment to
    // its heap, whose size decides when it collects garbage: there it is input like any other.
    for number in 1..load::runs() {
        let bytes = if matches!(case.build, Build::Go) { 0 } else { number * 999 % 5000 };
        let env = [("KOLK_TEST", "x".repeat(bytes))];
        let env = if bytes > 0 { &env[..] } else { &[] };
        let load = (number % 3 == 1).then(|| Load::begin(number % 2 + 1));
        let again = traced(&program, &args, SCRIPT, UNTIL_MS, &[], env)?;
        drop(load);
        if again != first {
            return Err(difference(&first, &again).into());
        }
    }
    // Another seed is another run, for whoever draws or has threads.
    let flags = ["--seed", "7", "--shuffled"];
    let shuffled = traced(&program, &args, SCRIPT, UNTIL_MS, &flags, &[])?;
    let again = traced(&program, &args, SCRIPT, UNTIL_MS, &flags, &[])?;
    if shuffled != again {
        return Err(format!("shuffled: {}", difference(&shuffled, &again)).into());
    }
    check_times(case, &shuffled)
}

/// Every line of input is echoed at once, and followed by a `later` 250 ms after it; ticks come
/// every second.
fn check_times(case: &Case, outcome: &Outcome) -> Result<(), Failed> {
    let lines: Vec<(u64, &str)> = outcome.output.lines().filter_map(parse).collect();
    let times = |word: &str| -> Vec<u64> {
        let found = lines.iter().filter(|(_, line)| line.split(' ').next() == Some(word));
        found.map(|(time, _)| *time).collect()
    };
    let fail = |what: &str| Err(Failed::from(format!("{what}\n{}", outcome.output)));
    let input: Vec<u64> =
        SCRIPT.lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
    let slack = case.tick.map_or(0, |(_, slack)| slack);
    let echoes = times("echo");
    // What a program does one after the other may come late; the first is never.
    if echoes.len() != input.len() || echoes[0].abs_diff(input[0] * 1_000_000) > slack {
        return fail("lines of input are not echoed at once");
    }
    let Some((first, slack)) = case.tick else { return Ok(()) };
    let ticks = times("tick");
    let count = UNTIL_MS / 1000;
    if (ticks.len() as u64) < count - 1 || ticks.len() as u64 > count {
        return fail("there is not one tick a second");
    }
    // Small delays add up where a program sleeps for a second after each tick.
    for (number, time) in ticks.iter().enumerate() {
        let due = first + number as u64 * SECOND;
        if time.abs_diff(due) > slack.saturating_mul(number as u64 + 1) {
            return fail(&format!("tick {number} comes at {time}"));
        }
    }
    // Of the last line: what a program does for the others may hinder one another.
    let due = input.last().map_or(0, |last| last * 1_000_000 + 250_000_000);
    if !times("later").iter().any(|time| time.abs_diff(due) <= 4 * slack.max(1)) {
        return fail("what is to come 250 ms later does not");
    }
    Ok(())
}

/// A line of the tool: `[  1.000000000] tick …`.
fn parse(line: &str) -> Option<(u64, &str)> {
    let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (seconds, nanos) = time.trim().split_once('.')?;
    let seconds: u64 = seconds.parse().ok()?;
    Some((seconds * SECOND + nanos.parse::<u64>().ok()?, rest))
}

fn command(case: &Case, folder: &Path) -> Result<(PathBuf, Vec<String>), Failed> {
    let text = |path: &Path| path.display().to_string();
    let source = file(case.file);
    let tool = find(case.tool, case.probe);
    let run = |command: &mut Command| -> Result<(), Failed> {
        let output = bounded::output(command, BOUND)?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(errors.into()) }
    };
    match (case.build, tool) {
        (Build::Example, _) => {
            let tests = std::env::current_exe()?;
            let target = tests.ancestors().nth(2).ok_or("no target folder")?;
            Ok((target.join("examples").join(case.file), Vec::new()))
        }
        (Build::Interpreted, Some(tool)) => {
            // Wrappers that look for the interpreter are programs of their own: they are traced
            // too.
            Ok((tool, vec![text(&source)]))
        }
        (Build::Go, Some(tool)) => {
            let program = folder.join("node");
            run(Command::new(tool)
                .args(["build", "-o", &text(&program), "."])
                .env("GOFLAGS", "-mod=mod")
                .env("GOCACHE", std::env::temp_dir().join("kolk-go-cache"))
                .current_dir(source))?;
            Ok((program, Vec::new()))
        }
        (Build::Java, Some(tool)) => {
            run(Command::new("javac").args(["-d", &text(folder)]).arg(source))?;
            Ok((tool, vec!["-cp".into(), text(folder), "Executors".into()]))
        }
        (Build::C(_) | Build::Random, Some(tool)) => {
            let program = folder.join("node");
            let flags = if let Build::C(flags) = case.build { flags } else { &[] };
            run(Command::new(tool)
                .args(["-O2", "-pthread", "-o", &text(&program)])
                .args(flags)
                .arg(source))?;
            Ok((program, Vec::new()))
        }
        (_, None) => Err("its tool has gone".into()),
    }
}

fn difference(first: &Outcome, other: &Outcome) -> String {
    let lines = first.output.lines().zip(other.output.lines());
    let different = lines.enumerate().find(|(_, (a, b))| a != b);
    match different {
        Some((number, (a, b))) => format!("line {number} was\n{a}\nand is\n{b}"),
        None => format!("{first:?}\nand\n{other:?}"),
    }
}
