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

/// A program has ended and been waited for.
pub(super) fn ended() {
    if groups().is_empty() {
        orphans::kill();
    }
}

/// Kills every program that any run in this process has started and not yet ended.
///
/// A run kills its own when it ends, fails or panics. This is for an exit that unwinds nothing,
/// such as the second Ctrl-C. Whoever holds what it gives keeps all runs from ending: none can
/// report that its nodes died before this process has exited.
pub fn kill_all() -> Killed {
    let mut groups = groups();
    for raw in std::mem::take(&mut *groups) {
        if let Some(pid) = Pid::from_raw(raw) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
    orphans::kill();
    Killed { _groups: groups }
}

/// All programs are killed; while this is held, no run gets past the end of one.
#[must_use = "runs go on as soon as it is dropped"]
#[derive(Debug)]
pub struct Killed {
    _groups: MutexGuard<'static, BTreeSet<i32>>,
}

/// From now on what nodes leave behind in process groups or sessions of its own (daemons, say)
/// becomes this process's child when its parent ends, and is killed when no node runs any more.
///
/// Only for a process that has no other children, and has runs one after the other: every child
/// that is not a node is taken for one that a node left behind. Linux alone can do this; elsewhere
/// nothing happens.
pub fn adopt_orphans() {
    orphans::adopt();
}

#[cfg(target_os = "linux")]
mod orphans {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::process::{
        Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
    };

    static ADOPTS: AtomicBool = AtomicBool::new(false);

    /// How often to look again: whoever is killed leaves its own children to us.
    const ROUNDS_MAX: u32 = 1000;

    pub(super) fn adopt() {
        ADOPTS.store(set_child_subreaper(Some(getpid())).is_ok(), Ordering::SeqCst);
    }

    pub(super) fn kill() {
        if !ADOPTS.load(Ordering::SeqCst) {
            return;
        }
        for _ in 0..ROUNDS_MAX {
            let children = children();
            if children.is_empty() {
                return;
            }
            for child in children {
                let _ = kill_process(child, Signal::KILL);
                let _ = waitpid(Some(child), WaitOptions::empty());
            }
        }
    }

    /// All children of this process, from `/proc/<pid>/stat`: the number of the parent is the
    /// second field after the name in parentheses, which may hold anything (proc(5)).
    fn children() -> Vec<Pid> {
        let own = getpid().as_raw_nonzero().get().to_string();
        let Ok(folder) = std::fs::read_dir("/proc") else { return Vec::new() };
        let processes = folder.flatten().filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read(entry.path().join("stat")).ok()?;
            let stat = String::from_utf8_lossy(&stat);
            let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?;
            if parent == own { Pid::from_raw(pid) } else { None }
        });
        processes.collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod orphans {
    pub(super) fn adopt() {}

    pub(super) fn kill() {}
}
