//! Separate programs: their pipes, their end.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use kolk_history::summary::ViolationKind;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, setrlimit};

use super::Words;
use super::family::{End, Family};
use super::lines::{LINE_BYTES_MAX, LineBuffer};
use super::timespec::timespec;
use super::words::{describe_end, is_whole};
use crate::host::HostFailure;
use crate::run::EngineError;

/// How long a whole message may stand there without a line end until the node is at fault, where
/// all wait for it.
pub(crate) const UNENDED: Duration = Duration::from_secs(1);
/// How often a program must be found without stdin before that counts.
const DEAF_LOOKS: u32 = 4;

/// What a program needs to be started, and to be started again.
#[derive(Clone)]
pub(crate) struct Recipe {
    /// The node that it is.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) args: Vec<String>,
    /// The folder it works in.
    pub(crate) place: PathBuf,
    /// The folder for what it wants to find again.
    pub(crate) data: PathBuf,
    /// The file that its stderr is appended to.
    pub(crate) log: PathBuf,
}

/// The variables of the environment that name a node's folder for data.
pub(super) const DATA_VARIABLES: [&str; 2] = ["KOLK_DATA_DIR", "MAELSTROM_DATA_DIR"];

/// One program.
pub(crate) struct Program {
    pub(super) recipe: Recipe,
    /// The processes it belongs to.
    pub(super) family: Rc<Family>,
    pub(super) pid: Pid,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    /// What waits to be written, from `written` on.
    pub(super) pending: Vec<u8>,
    pub(super) written: usize,
    /// What was read and not yet dealt with.
    pub(crate) lines: LineBuffer,
    /// It has been told to stand still.
    pub(super) paused: bool,
    /// A step of it was given up after so long.
    pub(crate) given_up: Option<Duration>,
    /// How often somebody looked and found its stdin closed and its stdout open.
    deaf_looks: u32,
    /// The line that it has begun: how long it was when it last grew, and when that was.
    pub(super) unended: Option<(usize, Instant)>,
    /// It has been said that a line of it has no end.
    unended_said: bool,
}

/// What a program has for us.
pub(crate) enum ProgramEvent {
    /// Bytes were read; there may be lines.
    Read,
    /// Nothing now.
    Nothing,
    /// It will never say anything again.
    Closed,
}

impl Program {
    /// Starts a program: its stderr is appended to its log.
    pub(crate) fn spawn(recipe: Recipe, family: Rc<Family>) -> Result<Program, EngineError> {
        let Recipe { name, path, args, place, data, log } = &recipe;
        let system = |what: String| move |source| EngineError::System { what, source };
        let stderr = File::options().append(true).create(true).open(log);
        let stderr =
            stderr.map_err(|error| match Errno::from_io_error(&error).and_then(shortage) {
                Some(_) => start_failure(name, path, &error),
                None => system(format!("cannot write the log {}", log.display()))(error),
            })?;
        let mut command = Command::new(path);
        command
            .args(args)
            .envs(DATA_VARIABLES.map(|variable| (variable, data)))
            .current_dir(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let (pid, (stdin, stdout)) = family
            .spawn(&mut command, |child| (child.stdin.take(), child.stdout.take()))
            .map_err(|error| start_failure(name, path, &error))?;
        let program = Program {
            recipe,
            family,
            pid,
            stdin,
            stdout,
            pending: Vec::new(),
            written: 0,
            lines: LineBuffer::default(),
            paused: false,
            given_up: None,
            deaf_looks: 0,
            unended: None,
            unended_said: false,
        };
        let set_up = || -> rustix::io::Result<()> {
            if let Some(stdin) = &program.stdin {
                fcntl_setfl(stdin, fcntl_getfl(stdin)? | OFlags::NONBLOCK)?;
            }
            if let Some(stdout) = &program.stdout {
                fcntl_setfl(stdout, fcntl_getfl(stdout)? | OFlags::NONBLOCK)?;
            }
            Ok(())
        };
        set_up().map_err(|error| system("cannot set up a pipe".into())(error.into()))?;
        Ok(program)
    }

    /// The node's name.
    pub(crate) fn name(&self) -> &str {
        &self.recipe.name
    }

    /// How long it has been ready to run and had no processor, as Linux counts it for each thread
    /// (`/proc/[pid]/task/[tid]/schedstat`): that of the thread that waited most.
    pub(crate) fn starved(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid.as_raw_nonzero()));
        let waits = tasks.into_iter().flatten().flatten().filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().nth(1)?.parse().ok()
        });
        Duration::from_nanos(waits.max().unwrap_or_default())
    }

    /// Room for a line to be written.
    pub(crate) fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// True if something waits to be written.
    pub(crate) fn has_pending(&self) -> bool {
        self.written < self.pending.len() && self.stdin.is_some()
    }

    /// Writes as much as the pipe takes now.
    pub(crate) fn flush(&mut self) {
        let Some(stdin) = &mut self.stdin else {
            self.pending.clear();
            return;
        };
        while self.written < self.pending.len() {
            match stdin.write(&self.pending[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    // It reads no more: its end, if it has ended, shows at its stdout.
                    self.stdin = None;
                    self.pending.clear();
                    self.written = 0;
                    return;
                }
            }
        }
        if self.written == self.pending.len() {
            self.pending.clear();
            self.written = 0;
        } else if self.written > (1 << 20) {
            self.pending.drain(..self.written);
            self.written = 0;
        }
    }

    /// What is wrong with it if all programs together leave too much unread, and it the most.
    pub(super) fn overdue_failure(&self) -> HostFailure {
        let failure = HostFailure::plain(
            ViolationKind::Overrun,
            format!("does not read its input: {} MiB wait for it", self.unread() >> 20),
            "A node must keep reading stdin while it works.".into(),
        );
        self.words().told(failure)
    }

    /// How many bytes wait to be written.
    pub(super) fn unread(&self) -> usize {
        self.pending.len() - self.written
    }

    /// Reads what there is, up to a limit, without waiting.
    pub(crate) fn read(&mut self) -> ProgramEvent {
        let Some(stdout) = &mut self.stdout else { return ProgramEvent::Closed };
        loop {
            match self.lines.fill(stdout) {
                Ok(1..) => return ProgramEvent::Read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return ProgramEvent::Nothing;
                }
                Ok(0) | Err(_) => {
                    self.stdout = None;
                    return ProgramEvent::Closed;
                }
            }
        }
    }

    /// True if a line has begun and grown beyond all bounds.
    pub(crate) fn overrun(&self) -> Option<HostFailure> {
        (self.lines.rest() > LINE_BYTES_MAX).then(HostFailure::endless_line)
    }

    /// Why it says nothing any more: it ended, or closed its stdout.
    pub(crate) fn closed_failure(&mut self) -> HostFailure {
        let failure = match self.wait_a_little() {
            Some(end) => HostFailure::died(end),
            None => HostFailure::closed_output(),
        };
        self.words().told(failure)
    }

    /// Finds out whether its stdin still has a reader. No write need fail for want of one: a pipe
    /// takes a line before the program that was to read it closes its end.
    fn notice_closed_stdin(&mut self) {
        let Some(stdin) = &self.stdin else { return };
        let mut descriptors = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::empty())];
        let now = timespec(Duration::ZERO);
        if poll(&mut descriptors, Some(&now)).is_ok()
            && descriptors[0].revents().contains(PollFlags::ERR)
        {
            self.stdin = None;
            self.pending.clear();
            self.written = 0;
        }
    }

    /// What is wrong if it has closed its stdin and not its stdout. A program that ends closes
    /// both, one after the other, so this takes more than one look.
    pub(crate) fn deaf_failure(&mut self) -> Option<HostFailure> {
        self.notice_closed_stdin();
        if self.stdin.is_some() || self.stdout.is_none() {
            return None;
        }
        self.deaf_looks += 1;
        if self.deaf_looks < DEAF_LOOKS {
            return None;
        }
        let failure = match self.family.ended(self.pid) {
            Some(end) => HostFailure::left_output(end),
            None => HostFailure::closed_input(),
        };
        Some(self.words().told(failure))
    }

    /// How it ended, given a moment to get there after its pipe was closed.
    fn wait_a_little(&mut self) -> Option<End> {
        for _ in 0..50 {
            if let Some(end) = self.family.ended(self.pid) {
                return Some(end);
            }
            // Waiting on no descriptor is a pause that signals may end.
            let _ = poll(&mut [], Some(&timespec(Duration::from_millis(4))));
        }
        None
    }

    /// How it ended, in words, and whether with status 0; `None` if it still runs.
    pub(crate) fn ended(&mut self) -> Option<(String, bool)> {
        self.wait_a_little().map(|end| (describe_end(end), end == End::Status(0)))
    }

    /// What is wrong if it has written a whole message and no line end, and nothing since for so
    /// long. It is said once.
    #[expect(clippy::disallowed_methods, reason = "programs on pipes take the wall clock's time")]
    pub(crate) fn unended_failure(&mut self, patience: Duration) -> Option<HostFailure> {
        let length = self.lines.rest();
        if length == 0 || self.unended_said || self.paused {
            self.unended = None;
            return None;
        }
        let now = Instant::now();
        let (known, since) = *self.unended.get_or_insert((length, now));
        if known != length {
            self.unended = Some((length, now));
            return None;
        }
        if now.duration_since(since) < patience || !is_whole(self.lines.unfinished()) {
            return None;
        }
        self.unended_said = true;
        Some(HostFailure::unended(self.lines.unfinished()))
    }

    /// Its last words.
    pub(crate) fn words(&self) -> Words<'_> {
        Words { log: &self.recipe.log, lines: &self.lines }
    }
}

impl Drop for Program {
    /// Its stdin ends, which asks it to end; its family sees to it that it does.
    fn drop(&mut self) {
        self.stdin = None;
        self.go_on();
        if let Some(stdout) = self.stdout.take() {
            self.family.keep(stdout);
        }
    }
}

/// True for what compilers make: it begins as ELF, Mach-O and PE files do.
fn is_machine_code(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok()
        && (matches!(&magic, b"\x7fELF" | b"\xcf\xfa\xed\xfe" | b"\xca\xfe\xba\xbe")
            || magic.starts_with(b"MZ"))
}

/// What to do if the system has too little of something.
fn shortage(error: Errno) -> Option<&'static str> {
    match error {
        Errno::MFILE => Some(
            "kolk may open no more files, and needs three for each node: raise the limit, such as \
             with `ulimit -n 4096`, or start fewer nodes.",
        ),
        Errno::NFILE => Some("The whole machine has too many files open: end other programs."),
        Errno::AGAIN => Some(
            "The system starts no more processes for this user: end some, start fewer nodes, or \
             raise the limit (`ulimit -u`, or that of the container).",
        ),
        Errno::NOMEM => Some(
            "There is too little memory for another process: start fewer nodes, or raise the limit \
             (`ulimit -v`, or that of the container).",
        ),
        _ => None,
    }
}

/// Makes room for the descriptors that so many programs need, as far as the system allows: the
/// limit that a shell gives is often lower than what it would give if asked.
pub(crate) fn make_room(programs: usize) {
    /// Those that kolk has open besides: its own files, and a run's.
    const OTHERS: u64 = 64;
    /// Stdin, stdout, and while one starts a few more.
    const EACH: u64 = 3;
    let needed = EACH * programs as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    if let Some(current) = limit.current.filter(|current| *current < needed) {
        let most = limit.maximum.unwrap_or(u64::MAX);
        // If it cannot be had, starting a program says what is missing.
        let current = Some(needed.min(most).max(current));
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum });
    }
}

pub(super) fn start_failure(name: &str, path: &Path, error: &std::io::Error) -> EngineError {
    let short = Errno::from_io_error(error).and_then(shortage);
    let advice = match error.kind() {
        _ if short.is_some() => short.unwrap_or_default().to_owned(),
        ErrorKind::NotFound if path.exists() => {
            "The program is there; the interpreter that its first line names may not be.".to_owned()
        }
        ErrorKind::NotFound => "Give the path of a program: `--bin ./my-node`.".to_owned(),
        ErrorKind::PermissionDenied => {
            format!("Make it executable: `chmod +x {}`.", path.display())
        }
        _ if is_machine_code(path) => {
            "It is a compiled program, for another kind of machine or system: build it here."
                .to_owned()
        }
        _ => "A script needs a first line such as `#!/usr/bin/env python3`.".to_owned(),
    };
    EngineError::Start {
        node: name.to_owned(),
        problem: format!("cannot be started: {}: {error}", path.display()),
        advice,
        stderr: Box::default(),
        stdout: Box::default(),
        violation: None,
    }
}
