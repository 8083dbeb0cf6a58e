//! Who ends a run's processes if the process that carries it out is killed and can do nothing more.
//!
//! A warden is another process, which lives as long as it: it waits for the end of its stdin, whose
//! other end nobody else holds, and then ends whatever bears the dead process's mark. It stands in
//! a process group of its own, so that what is meant for the whole group spares it.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::mark::Mark;

/// The program that is a warden, and the one that runs.
static WARDEN: Mutex<(Option<Program>, Option<Child>)> = Mutex::new((None, None));

/// A path and the arguments before the mark.
type Program = (PathBuf, Vec<String>);

/// From the first program on, a warden watches over what this process starts: this program, which
/// calls [`watch`] with its last argument. Only Linux shows whose a process is; elsewhere none is
/// started.
pub fn set(path: PathBuf, args: Vec<String>) {
    WARDEN.lock().unwrap_or_else(PoisonError::into_inner).0 = Some((path, args));
}

/// Starts the warden, if there is to be one and none runs.
pub(super) fn start(mark: Mark) {
    let mut warden = WARDEN.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some((path, args)), None) = &*warden else { return };
    if cfg!(target_os = "linux") {
        let started = Command::new(path)
            .args(args)
            .arg(mark.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        // Without one a run is carried out as well.
        warden.1 = started.ok();
    }
    warden.0 = None;
}

/// Waits until `parent` ends, then ends whatever was started by the process of this mark.
pub fn watch(mark: &str, mut parent: impl Read) {
    let Ok(mark) = mark.parse::<Mark>() else { return };
    let mut rest = [0; 64];
    loop {
        match parent.read(&mut rest) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
    }
    super::end_all_of(mark);
}
