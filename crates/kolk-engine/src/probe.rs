//! One program by itself: lines in, lines out, each waited for no longer than is asked.

use std::os::fd::AsFd;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::host::LastWords as _;
use crate::host::programs::{Family, Program, ProgramEvent, Recipe, timespec};
use crate::run::EngineError;

/// How long a program that was given a line may keep it in its pipe before it is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// A program that is spoken to without a cluster. It ends when this is dropped.
pub struct Probe {
    program: Program,
    family: Rc<Family>,
    /// Its stdin is to be closed once all is written.
    closing: bool,
}

/// What a program had to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line without its end. What is no UTF-8 in it is replaced.
    Line(String),
    /// Nothing, as long as it was waited for.
    Nothing,
    /// It will never say anything again.
    Closed,
}

impl Probe {
    /// Starts a program in `place`, a folder that is there, in which its stderr goes to
    /// `stderr.log`.
    ///
    /// # Errors
    ///
    /// [`EngineError::Start`] if it cannot be started.
    pub fn start(path: &Path, args: &[String], place: &Path) -> Result<Probe, EngineError> {
        let family = Rc::new(Family::new());
        let recipe = Recipe {
            name: "n1".to_owned(),
            path: path.to_owned(),
            args: args.to_vec(),
            place: place.to_owned(),
            data: place.to_owned(),
            log: place.join("stderr.log"),
        };
        let program = Program::spawn(recipe, Rc::clone(&family))?;
        Ok(Probe { program, family, closing: false })
    }

    /// Writes bytes to its stdin, at once or while it is listened to.
    pub fn write(&mut self, bytes: &[u8]) {
        self.program.pending().extend_from_slice(bytes);
        self.program.flush();
    }

    /// Closes its stdin, when all that was written is there.
    pub fn close_input(&mut self) {
        self.closing = true;
        self.close_if_written();
    }

    fn close_if_written(&mut self) {
        if self.closing && !self.program.has_pending() {
            self.program.stdin = None;
        }
    }

    /// The next line that it writes.
    #[expect(clippy::disallowed_methods, reason = "programs on the real clock are waited for")]
    pub fn hear(&mut self, patience: Duration) -> Heard {
        let began = Instant::now();
        loop {
            if let Some(range) = self.program.lines.next_line() {
                let line = self.program.lines.line(range);
                return Heard::Line(String::from_utf8_lossy(line).into_owned());
            }
            self.program.flush();
            self.close_if_written();
            match self.program.read() {
                ProgramEvent::Read => continue,
                ProgramEvent::Closed => return Heard::Closed,
                ProgramEvent::Nothing => {}
            }
            let waited = began.elapsed();
            let Some(left) = patience.checked_sub(waited).filter(|left| !left.is_zero()) else {
                return Heard::Nothing;
            };
            let wait = if self.program.has_pending() { left.min(PAUSE) } else { left };
            if let Some(stdout) = &self.program.stdout {
                let mut descriptors = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN)];
                // A wait that a signal cuts short is followed by another one.
                let _ = poll(&mut descriptors, Some(&timespec(wait)));
            }
        }
    }

    /// What it wrote after its last line end.
    pub fn unfinished(&self) -> Option<String> {
        let rest = self.program.lines.rest();
        let text = String::from_utf8_lossy(self.program.lines.tail(rest)).into_owned();
        (rest > 0).then_some(text)
    }

    /// How it ended, in words, and whether that is well; `None` if it still runs.
    pub fn ended(&mut self) -> Option<(String, bool)> {
        self.program.ended()
    }

    /// The last lines of its stderr, oldest first.
    pub fn last_stderr(&self) -> Vec<String> {
        self.program.words().stderr()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.program.stdin = None;
        self.family.end();
    }
}
