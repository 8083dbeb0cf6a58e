//! Each emulated call against the kernel: small programs print what calls gave, on the machine's
//! clock and traced, and both must print the same.
//!
//! Without a C compiler they are listed as ignored.

mod bounded;
mod support;

use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use support::{BOUND, file, find, traced};

/// The programs, each a file of `tests/kernel`, and what may be left to the kernel.
const PROGRAMS: &[(&str, &str)] = &[
    ("clocks", ""),
    ("futexes", ""),
    ("waiting", ""),
    ("signals", ""),
    ("children", ""),
    ("timers", ""),
    ("locks", ""),
    ("queues", "msgrcv"),
];

/// As long as any of them may take.
const UNTIL_MS: u64 = 1_000_000;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(arguments.test_threads.unwrap_or(2));
    let is_there = kolk_traced::is_supported() && find("cc", &["--version"]).is_some();
    let kind = if is_there { "" } else { "there is no C compiler here" };
    let trials = PROGRAMS.iter().map(|(name, left)| {
        Trial::test(*name, move || check(name, left)).with_kind(kind).with_ignored_flag(!is_there)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn check(name: &str, left_to_kernel: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join(name);
    compile(name, &program)?;
    let output = bounded::output(&mut Command::new(&program), BOUND)?;
    let expected = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("on the machine's clock: {}\n{expected}", output.status).into());
    }
    for flags in [&[][..], &["--shuffled", "--seed", "3"]] {
        let found = traced(&program, &[], "", UNTIL_MS, flags, &[])?;
        let lines: Vec<&str> =
            found.output.lines().filter_map(|line| Some(line.split_once("] ")?.1)).collect();
        let text = lines.join("\n") + "\n";
        if text != expected || found.status != Some(0) {
            return Err(format!(
                "{flags:?}: on the machine's clock:\n{expected}\ntraced:\n{text}\n{:?} {}",
                found.status, found.errors
            )
            .into());
        }
        let is_expected = |line: &str| !left_to_kernel.is_empty() && line.contains(left_to_kernel);
        if let Some(line) = found.errors.lines().find(|line| !is_expected(line)) {
            return Err(line.to_owned().into());
        }
    }
    Ok(())
}

fn compile(name: &str, program: &Path) -> Result<(), Failed> {
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-pthread", "-w", "-o"])
        .arg(program)
        .arg(file("kernel").join(name).with_extension("c"))
        .arg("-lrt");
    let output = bounded::output(&mut cc, BOUND)?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
}
