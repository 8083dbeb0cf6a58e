//! Nodes in other languages, in their plain standard libraries, pass echo.

mod support;

use std::path::Path;
use std::process::Command;
use support::tests;

tests! {
    python_on_the_real_clock: [PYTHON];
    python_in_lockstep: [PYTHON];
    perl_on_the_real_clock: [PERL];
}

/// Runs the echo workload against an example, and expects it to be valid.
fn passes_echo(example: &str, clock: &str) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
    let store = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kolk"))
        .args(["test", "-w", "echo", "--node-count", "2", "--rate", "50", "--time-limit", "1"])
        .args(["--clock", clock])
        .arg("--bin")
        .arg(&example)
        .arg("--store")
        .arg(store.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}\n{errors}");
}

fn python_on_the_real_clock() {
    passes_echo("python/echo.py", "real");
}

fn python_in_lockstep() {
    passes_echo("python/echo.py", "virtual");
}

fn perl_on_the_real_clock() {
    passes_echo("perl/echo.pl", "real");
}
