//! All programs that run now, so that none outlives kolk however it ends.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn groups() -> MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a process group.
pub(super) fn add(pid: Pid) {
    groups().insert(pid.as_raw_nonzero().get());
}

/// Kills a process group, children and grandchildren among it, and forgets it.
pub(super) fn kill(pid: Pid) {
    // The group may be gone already; then there is nothing left to kill.
    let _ = kill_process_group(pid, Signal::KILL);
    groups().remove(&pid.as_raw_nonzero().get());
}

/// Kills every program that any run in this process has started and not yet ended.
///
/// A run kills its own when it ends, fails or panics. This is for an exit that unwinds nothing,
/// such as the second Ctrl-C.
pub fn kill_all() {
    for raw in std::mem::take(&mut *groups()) {
        if let Some(pid) = Pid::from_raw(raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
