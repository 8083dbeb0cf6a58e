//! The processes of one run: all that it started, and what those started in their turn.
//!
//! What belongs to a run is never guessed. A process does if it is one of the run's programs, is in
//! the process group of one, descends from one, or carries the run's mark in its environment, which
//! children inherit and daemons keep. Several runs can therefore go on in one process at once and
//! none ever touches another's.

mod mark;
#[cfg(target_os = "linux")]
mod proc;
mod warden;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;
use rustix::event::poll;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, kill_process_group, waitid,
    waitpid,
};

use super::timespec::timespec;
use crate::run::Survivor;
use mark::Mark;
pub(super) use mark::VARIABLE;
pub use warden::{set as set_warden, watch as watch_over};

/// How long programs are given to end by themselves once their stdin has ended.
const GRACE: Duration = Duration::from_millis(100);
/// How long processes that were killed are waited for: one that hangs in the system (a dead network
/// file system, say) cannot end.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest pause between two looks.
const PAUSE_MAX: Duration = Duration::from_millis(10);

/// The programs of all runs that go on, by run: for an exit that unwinds nothing.
static LIVING: Mutex<BTreeMap<u32, BTreeSet<i32>>> = Mutex::new(BTreeMap::new());

fn living() -> MutexGuard<'static, BTreeMap<u32, BTreeSet<i32>>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

/// All processes of one run. When it is dropped none is left, unless the system will not let it go.
#[derive(Debug)]
pub(crate) struct Family {
    mark: Mark,
    programs: RefCell<Vec<Child>>,
    /// Pipes that stay open until their programs have ended, so that no last word breaks one.
    pipes: RefCell<Vec<OwnedFd>>,
    /// There were programs, if only for a while.
    had_programs: Cell<bool>,
}

impl Family {
    /// A family without members.
    pub(crate) fn new() -> Family {
        Family {
            mark: Mark::fresh(),
            programs: RefCell::default(),
            pipes: RefCell::default(),
            had_programs: Cell::new(false),
        }
    }

    /// Where the run's programs may work, and nobody else: a path where nothing is yet.
    pub(crate) fn folder(&self) -> PathBuf {
        let name = format!("{}{}", self.mark.folder_prefix(), self.mark.run);
        std::env::temp_dir().join(name)
    }

    /// Starts a program as a member, in a process group of its own. The caller takes its pipes
    /// through `piped`.
    pub(crate) fn spawn<T>(
        &self,
        command: &mut Command,
        piped: impl FnOnce(&mut Child) -> T,
    ) -> io::Result<(Pid, T)> {
        command.env(VARIABLE, self.mark.to_string()).process_group(0);
        warden::start(self.mark);
        self.had_programs.set(true);
        // Whoever kills all programs finds this one too: nobody gets between start and note.
        let mut living = living();
        let mut child = command.spawn()?;
        let pid = Pid::from_child(&child);
        living.entry(self.mark.run).or_default().insert(pid.as_raw_nonzero().get());
        drop(living);
        let pipes = piped(&mut child);
        self.programs.borrow_mut().push(child);
        Ok((pid, pipes))
    }

    /// How a program ended, if it has. Its number stays taken until the whole family ends, so that
    /// nobody else can be meant by it.
    pub(crate) fn ended(&self, pid: Pid) -> Option<End> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(pid), options).ok()??;
        let code = status.exit_status().map(End::Status);
        Some(code.or(status.terminating_signal().map(End::Signal)).unwrap_or(End::Status(0)))
    }

    /// Kills a program and its process group, and waits for its end.
    pub(crate) fn kill(&self, pid: Pid) {
        let _ = kill_process_group(pid, Signal::KILL);
        // It may have left its group.
        let _ = kill_process(pid, Signal::KILL);
        if !wait_until(PATIENCE, || self.ended(pid).is_some()) {
            // It hangs in the system: the end of the family waits for it again.
            return;
        }
        let mut programs = self.programs.borrow_mut();
        let Some(place) = programs.iter().position(|child| Pid::from_child(child) == pid) else {
            return;
        };
        // From here on its number can be somebody else's.
        let mut living = living();
        let _ = programs.swap_remove(place).try_wait();
        if let Some(pids) = living.get_mut(&self.mark.run) {
            pids.remove(&pid.as_raw_nonzero().get());
        }
    }

    /// Keeps a pipe open until the end.
    pub(crate) fn keep(&self, pipe: impl Into<OwnedFd>) {
        self.pipes.borrow_mut().push(pipe.into());
    }

    /// Ends all members: those that read their stdin's end get a moment, then all are killed. Gives
    /// those that even that did not end.
    pub(crate) fn end(&self) -> Vec<Survivor> {
        let programs = std::mem::take(&mut *self.programs.borrow_mut());
        let pids: Vec<Pid> = programs.iter().map(Pid::from_child).collect();
        if !self.had_programs.take() {
            return Vec::new();
        }
        if !std::thread::panicking() {
            wait_until(GRACE, || pids.iter().all(|pid| self.ended(*pid).is_some()));
        }
        let mut killed = FxHashSet::default();
        let mut others = Vec::new();
        let mut alive = Vec::new();
        let is_over = wait_until(PATIENCE, || {
            // Looked for before anything is killed: the children of the dead are somebody else's.
            others = self.others(&pids);
            for pid in &pids {
                let _ = kill_process_group(*pid, Signal::KILL);
                // It may have left its group.
                let _ = kill_process(*pid, Signal::KILL);
            }
            for other in &others {
                let _ = kill_process(other.pid, Signal::KILL);
                killed.insert(other.pid);
            }
            for pid in &killed {
                // One that came to us when its parent ended; what is no child of ours is refused.
                let _ = waitpid(Some(*pid), WaitOptions::NOHANG);
            }
            alive = pids.iter().copied().filter(|pid| self.ended(*pid).is_none()).collect();
            alive.is_empty() && others.is_empty()
        });
        // From here on a number can be somebody else's.
        let mut living = living();
        for mut program in programs {
            let _ = program.try_wait();
        }
        living.remove(&self.mark.run);
        drop(living);
        self.pipes.borrow_mut().clear();
        if is_over {
            return Vec::new();
        }
        let left = alive.into_iter().chain(others.into_iter().map(|other| other.pid));
        left.map(Survivor::of).collect()
    }

    /// The living processes that belong here, but the programs themselves.
    #[cfg(target_os = "linux")]
    fn others(&self, programs: &[Pid]) -> Vec<proc::Seen> {
        let seen = proc::all();
        let is_marked =
            |seen: &proc::Seen| proc::mark_of(seen.pid).is_some_and(|mark| mark == self.mark);
        let mut family = proc::kin(seen, programs, is_marked);
        family.retain(|seen| !programs.contains(&seen.pid));
        family
    }

    /// Elsewhere than on Linux process groups are all that there is.
    #[cfg(not(target_os = "linux"))]
    fn others(&self, _: &[Pid]) -> Vec<Other> {
        Vec::new()
    }
}

#[cfg(not(target_os = "linux"))]
struct Other {
    pid: Pid,
}

impl Drop for Family {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

impl Survivor {
    /// A process that is still there.
    pub(super) fn of(pid: Pid) -> Survivor {
        Survivor { pid: pid.as_raw_nonzero().get().unsigned_abs(), command: command_name(pid) }
    }
}

/// What a process is called, for people.
fn command_name(pid: Pid) -> String {
    let path = format!("/proc/{}/comm", pid.as_raw_nonzero());
    std::fs::read_to_string(path).unwrap_or_default().trim_end().to_owned()
}

/// Looks again and again until it is so, or the time is over; returns whether it is so.
#[expect(clippy::disallowed_methods, reason = "the end of processes takes the wall clock's time")]
fn wait_until(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        if is_so() {
            return true;
        }
        if began.elapsed() >= patience {
            return false;
        }
        // Waiting on no descriptor is a pause that signals may end.
        let _ = poll(&mut [], Some(&timespec(pause)));
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Kills every program that any run in this process has started and not yet ended.
///
/// A run ends its own when it is over, fails or panics. This is for an exit that unwinds nothing,
/// such as the second Ctrl-C. Whoever holds what it gives keeps all runs from ending: none can
/// report that its nodes died before this process has exited.
pub fn kill_all() -> Killed {
    let mut living = living();
    let programs: Vec<Pid> =
        std::mem::take(&mut *living).into_values().flatten().filter_map(Pid::from_raw).collect();
    wait_until(PATIENCE, || {
        let others = all_others(&programs);
        for pid in &programs {
            let _ = kill_process_group(*pid, Signal::KILL);
            let _ = kill_process(*pid, Signal::KILL);
        }
        for pid in &others {
            let _ = kill_process(*pid, Signal::KILL);
            let _ = waitpid(Some(*pid), WaitOptions::NOHANG);
        }
        // A killed process goes on until the system gets round to it.
        others.is_empty() && programs.iter().all(|pid| has_ended(*pid))
    });
    if !programs.is_empty() {
        remove_folders(Mark::fresh());
    }
    Killed { _living: living }
}

/// True if a program has ended, whether or not somebody has asked for its status yet.
fn has_ended(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// Removes the folders of all runs of a process, whose owners cannot any more.
fn remove_folders(mark: Mark) {
    let prefix = mark.folder_prefix();
    let Ok(folder) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for entry in folder.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Ends whatever bears a mark of the same process, and what descends from that.
#[cfg(target_os = "linux")]
fn end_all_of(mark: Mark) {
    let is_theirs = |seen: &proc::Seen| {
        proc::mark_of(seen.pid).is_some_and(|found| found.is_of_process_of(mark))
    };
    wait_until(PATIENCE, || {
        let left = proc::kin(proc::all(), &[], is_theirs);
        for seen in &left {
            let _ = kill_process(seen.pid, Signal::KILL);
        }
        left.is_empty()
    });
    remove_folders(mark);
}

#[cfg(not(target_os = "linux"))]
fn end_all_of(_: Mark) {}

/// All programs are killed; while this is held, no run gets past the end of one.
#[must_use = "runs go on as soon as it is dropped"]
#[derive(Debug)]
pub struct Killed {
    _living: MutexGuard<'static, BTreeMap<u32, BTreeSet<i32>>>,
}

/// What belongs to any run of this process, or came to it when its parent ended.
#[cfg(target_os = "linux")]
fn all_others(programs: &[Pid]) -> Vec<Pid> {
    let own = rustix::process::getpid();
    let adopts = ADOPTS.load(std::sync::atomic::Ordering::SeqCst);
    let is_ours = |seen: &proc::Seen| {
        (adopts && seen.parent == Some(own))
            || proc::mark_of(seen.pid).is_some_and(|mark| mark.is_of_this_process())
    };
    proc::kin(proc::all(), programs, is_ours)
        .into_iter()
        .map(|seen| seen.pid)
        .filter(|pid| !programs.contains(pid))
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn all_others(_: &[Pid]) -> Vec<Pid> {
    Vec::new()
}

#[cfg(target_os = "linux")]
static ADOPTS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// From now on what nodes leave behind (daemons, say) becomes this process's child when its parent
/// ends, and no longer the system's: it is found and ended with its run, or at the latest when
/// [`kill_all`] takes every child that is left.
///
/// Only for a process that has no other children when it ends. Linux alone can do this; elsewhere
/// nothing happens.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpid, set_child_subreaper};
        let adopts = set_child_subreaper(Some(getpid())).is_ok();
        ADOPTS.store(adopts, std::sync::atomic::Ordering::SeqCst);
    }
}
