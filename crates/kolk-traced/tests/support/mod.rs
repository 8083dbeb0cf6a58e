//! Runs programs on the virtual clock, and finds out what is there to run them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::bounded;

/// How long any process of these tests may take.
pub const BOUND: Duration = Duration::from_secs(300);

/// A file of these tests.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// Where a program lies that is looked for as shells do, if it answers to these arguments.
pub fn find(name: &str, args: &[&str]) -> Option<PathBuf> {
    let found = std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())?;
    let output = bounded::output(Command::new(&found).args(args), BOUND);
    output.is_ok_and(|output| output.status.success()).then_some(found)
}

/// What a traced run gave.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Each line with its time.
    pub output: String,
    pub errors: String,
    pub status: Option<i32>,
}

/// Runs a program for so many virtual milliseconds, with flags of the tool before it.
///
/// # Errors
///
/// If that has not ended within [`BOUND`].
pub fn traced(
    program: &Path,
    args: &[String],
    script: &str,
    until_ms: u64,
    flags: &[&str],
    env: &[(&str, String)],
) -> Result<Outcome, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("script");
    std::fs::write(&path, script).expect("a script");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kolk-traced"));
    command
        .args(["--until", &until_ms.to_string(), "--patience", "60000", "--script"])
        .arg(&path)
        .args(flags)
        .arg("--")
        .arg(program)
        .args(args)
        .envs(env.iter().map(|(key, value)| (*key, value.as_str())));
    let output = bounded::output(&mut command, BOUND)?;
    Ok(Outcome {
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: output.status.code(),
    })
}
