//! Tests that need a program which a machine may lack: where it is missing they are listed as
//! ignored, and what is missing is named.

#![allow(dead_code, unused_macros, unused_imports, reason = "each test program uses a part")]

use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Trial};

/// A program that is looked for, and arguments with which it ends well if it can be used.
pub type Tool = (&'static str, &'static [&'static str]);

pub const CHROMIUM: Tool = ("chromium", &["--version"]);
pub const ELIXIR: Tool = ("elixir", &["--version"]);
pub const GO: Tool = ("go", &["version"]);
pub const JAVAC: Tool = ("javac", &["--version"]);
pub const NODE: Tool = ("node", &["-e", ""]);
pub const PARALLEL: Tool = ("parallel", &["--version"]);
pub const PERL: Tool = ("perl", &["-e", "use JSON::PP"]);
pub const PYTHON: Tool = ("python3", &["-c", "import json"]);
pub const RUBY: Tool = ("ruby", &["-e", "require 'json'"]);
/// The compiler of TypeScript, with the types of Node.js where npm puts them.
pub const TSC: Tool = (
    "sh",
    &["-c", "tsc --version && test -d \"$(npm root -g)/@types/node\" # tsc with @types/node"],
);

/// A test, and the programs without which it cannot run.
pub struct Test {
    pub name: &'static str,
    pub needs: &'static [Tool],
    pub run: fn(),
    /// Why it runs only when it is asked for, or nothing.
    pub by_hand: &'static str,
}

/// Whether a program is there and can be used.
pub fn is_there((name, arguments): Tool) -> bool {
    Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The `main` of a test program: each test, the programs that it needs, and why it runs only by
/// hand if it does.
macro_rules! tests {
    ($($test:path: [$($needs:ident),*] $(= $by_hand:literal)?;)+) => {
        fn main() -> std::process::ExitCode {
            support::run(&[$(
                support::Test {
                    name: stringify!($test),
                    needs: &[$(support::$needs),*],
                    run: $test,
                    by_hand: [$($by_hand,)? ""][0],
                }
            ),+])
        }
    };
}
pub(crate) use tests;

/// Runs the tests of a program without the standard harness.
pub fn run(tests: &[Test]) -> ExitCode {
    let trials = tests.iter().map(|test| {
        let missing = test.needs.iter().find(|tool| !is_there(**tool));
        let why = missing.map_or(test.by_hand.to_owned(), |(name, arguments)| {
            let what = arguments.last().and_then(|last| last.split_once("# "));
            format!("there is no {} here", what.map_or(*name, |(_, what)| what))
        });
        let body = test.run;
        let is_ignored = !why.is_empty();
        Trial::test(test.name, move || {
            body();
            Ok(())
        })
        .with_kind(why)
        .with_ignored_flag(is_ignored)
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
