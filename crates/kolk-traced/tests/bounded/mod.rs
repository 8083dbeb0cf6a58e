//! What tests start is ended after a bound, whatever it does, and what it printed so far is told.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end once it has been killed.
const KILLED: Duration = Duration::from_secs(10);

/// Runs a command to its end, in a process group of its own and without input.
///
/// # Errors
///
/// If it cannot be run, or has not ended within the bound: then it is killed with its group.
pub fn output(command: &mut Command, bound: Duration) -> Result<Output, String> {
    let fail = |error: io::Error| format!("{command:?}: {error}");
    // Files, not pipes: whoever inherits the end of a pipe keeps its reader waiting.
    let (mut stdout, mut stderr) = (tempfile::tempfile(), tempfile::tempfile());
    let (stdout, stderr) = match (&mut stdout, &mut stderr) {
        (Ok(stdout), Ok(stderr)) => (stdout, stderr),
        _ => return Err("no temporary file can be made".to_owned()),
    };
    let copies = stdout.try_clone().and_then(|out| Ok((out, stderr.try_clone()?)));
    let (out, err) = copies.map_err(fail)?;
    let started = command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0).spawn();
    let mut child = started.map_err(|error| format!("{command:?}: {error}"))?;
    let status = end_within(&mut child, bound);
    let (stdout, stderr) = (read(stdout), read(stderr));
    match status {
        Some(status) => Ok(Output { status, stdout, stderr }),
        None => {
            let _ = Command::new("kill").args(["-9", "--", &format!("-{}", child.id())]).status();
            let _ = child.kill();
            let left = match end_within(&mut child, KILLED) {
                Some(_) => "was killed",
                None => "was killed in vain",
            };
            Err(format!(
                "{command:?} did not end within {} s and {left}; it printed:\n{}\n{}",
                bound.as_secs(),
                String::from_utf8_lossy(&stdout),
                String::from_utf8_lossy(&stderr),
            ))
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "processes take the wall clock's time")]
fn end_within(child: &mut Child, bound: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if began.elapsed() > bound {
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn read(file: &mut File) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes));
    if let Err(error) = read {
        bytes.extend_from_slice(format!("(cannot be read: {error})").as_bytes());
    }
    bytes
}
