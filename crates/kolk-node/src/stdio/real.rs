//! The driver for the real clock, on Tokio's single-threaded runtime, so that Tokio's own
//! primitives work in handlers.
//!
//! What counts is how little is done per message. Input is read in large pieces, all its whole
//! lines are worked off, and what they led to is written at once when the input runs dry. Tokio's
//! `stdin` would hand every read to another thread; here a pipe is polled like a socket, and only
//! what is no pipe (a file, a terminal, a socket pair) gets a thread. And while there is no task
//! and no timer, so that nothing but input can make the node act, it waits in `read` itself instead
//! of asking the kernel first when it may.

use std::fs::File;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use kolk_protocol::{Line, Time};
use tokio::sync::mpsc;

use super::lines::{Lines, read};
use super::session::Session;
use crate::runtime::Runtime;

/// How many tasks are polled before Tokio gets its turn. Its primitives refuse to be polled for
/// ever without one ("cooperative scheduling").
const POLLS_MAX: usize = 512;

/// How much the reader thread reads at once, and how many such pieces may wait.
const PIECE: usize = 64 * 1024;
const PIECES_MAX: usize = 4;

/// Runs the node until its input ends.
pub(super) fn drive<R: Runtime>(
    mut session: Session<R>,
    lines: Lines,
    stdin: File,
) -> io::Result<()> {
    session.node.bound_polls(POLLS_MAX);
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio.block_on(async {
        let clock = Clock::new();
        let mut driver =
            Driver { session, lines, source: Source::new(stdin)?, clock, ended: false };
        let mut sleep = pin!(tokio::time::sleep_until(driver.clock.begin.into()));
        std::future::poll_fn(|cx| driver.poll(cx, sleep.as_mut())).await
    })
}

/// The machine's clock, counted from the node's beginning.
struct Clock {
    begin: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the driver for the real clock")]
    fn new() -> Clock {
        Clock { begin: Instant::now() }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.begin.elapsed()
    }

    /// The machine's instant of a time; `None` if it is too far away to be represented.
    fn instant(&self, time: Time) -> Option<tokio::time::Instant> {
        self.begin.checked_add(time.since(Time::ZERO)).map(tokio::time::Instant::from_std)
    }
}

struct Driver<R> {
    session: Session<R>,
    lines: Lines,
    source: Source,
    clock: Clock,
    /// True when the input has ended.
    ended: bool,
}

impl<R: Runtime> Driver<R> {
    /// Does all there is to do; ready when the input has ended.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        sleep: Pin<&mut tokio::time::Sleep>,
    ) -> Poll<io::Result<()>> {
        loop {
            self.work_off()?;
            self.sync_files()?;
            if self.ended {
                return Poll::Ready(self.session.flush());
            }
            match self.source.poll_read(cx, &mut self.lines)? {
                Poll::Ready(count) => self.ended = count == 0,
                Poll::Pending => {
                    self.session.wake(self.clock.now())?;
                    self.sync_files()?;
                    self.session.flush()?;
                    match self.wait_in_read()? {
                        Some(count) => self.ended = count == 0,
                        None => break,
                    }
                }
            }
        }
        if !self.session.node.watch(cx.waker()) || self.poll_deadline(cx, sleep) {
            // There is more to do, after Tokio's turn.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Reads, and does not come back before there is something, if nothing else can happen: no
    /// task waits, be it the node's or Tokio's, and no timer runs. None if something can.
    fn wait_in_read(&mut self) -> io::Result<Option<usize>> {
        let Some(stdin) = self.source.blocking() else { return Ok(None) };
        let tokio = tokio::runtime::Handle::current();
        if !self.session.node.is_dormant() || tokio.metrics().num_alive_tasks() > 0 {
            return Ok(None);
        }
        match self.lines.read_from(stdin) {
            // The parent process set O_NONBLOCK on our stdin.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            result => result.map(Some),
        }
    }

    /// Reacts to all lines that have been read.
    fn work_off(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        while let Some(line) = self.lines.next() {
            react(&mut self.session, now, line)?;
        }
        if self.ended {
            react(&mut self.session, now, self.lines.rest())?;
        }
        Ok(())
    }

    /// Makes the syncs that all lines so far led to, once for all of them, and what follows.
    fn sync_files(&mut self) -> io::Result<()> {
        while self.session.node.sync_files() {
            self.session.wake(self.clock.now())?;
        }
        Ok(())
    }

    /// Sees to it that the driver is polled when the next timer is due. True if it is due already.
    fn poll_deadline(&self, cx: &mut Context<'_>, mut sleep: Pin<&mut tokio::time::Sleep>) -> bool {
        let deadline = self.session.node.deadline().and_then(|due| self.clock.instant(due));
        let Some(deadline) = deadline else { return false };
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.poll(cx).is_ready()
    }
}

fn react<R: Runtime>(session: &mut Session<R>, now: Time, line: &[u8]) -> io::Result<()> {
    match Line::parse(line) {
        Ok(line) => session.message(now, &line),
        Err(error) => {
            session.drop_line(line, &error);
            Ok(())
        }
    }
}

/// The source of input.
enum Source {
    /// Stdin is a pipe; the file is the same pipe opened for blocking reads, where the system can.
    #[cfg(unix)]
    Pipe(tokio::net::unix::pipe::Receiver, Option<File>),
    /// Stdin is read by another thread, which sends the pieces, or the error that ended it.
    Thread(mpsc::Receiver<io::Result<Vec<u8>>>),
}

impl Source {
    fn new(stdin: File) -> io::Result<Source> {
        #[cfg(unix)]
        if std::os::unix::fs::FileTypeExt::is_fifo(&stdin.metadata()?.file_type()) {
            use tokio::net::unix::pipe;
            // Opened a second time, where the system can: whether reading blocks is then a thing of
            // this opening, and the stdin that was inherited (and may be shared) stays as it was.
            return match pipe::OpenOptions::new().open_receiver("/proc/self/fd/0") {
                Ok(pipe) => Ok(Source::Pipe(pipe, Some(stdin))),
                Err(_) => pipe::Receiver::from_file(stdin).map(|pipe| Source::Pipe(pipe, None)),
            };
        }
        Source::thread(stdin)
    }

    /// A file in which to wait for input.
    fn blocking(&mut self) -> Option<&mut File> {
        match self {
            #[cfg(unix)]
            Source::Pipe(_, file) => file.as_mut(),
            Source::Thread(_) => None,
        }
    }

    fn thread(mut stdin: File) -> io::Result<Source> {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let result = read(&mut stdin, &mut piece).map(|count| {
                    piece.truncate(count);
                    piece
                });
                let last = !matches!(&result, Ok(piece) if !piece.is_empty());
                if sender.blocking_send(result).is_err() || last {
                    return;
                }
            }
        })?;
        Ok(Source::Thread(receiver))
    }

    /// Reads once; 0 at the end of the input.
    fn poll_read(&mut self, cx: &mut Context<'_>, lines: &mut Lines) -> io::Result<Poll<usize>> {
        match self {
            #[cfg(unix)]
            Source::Pipe(pipe, _) => {
                let mut space = tokio::io::ReadBuf::new(lines.space());
                match tokio::io::AsyncRead::poll_read(Pin::new(pipe), cx, &mut space) {
                    Poll::Pending => Ok(Poll::Pending),
                    Poll::Ready(result) => {
                        let count = space.filled().len();
                        lines.filled(count);
                        result.map(|()| Poll::Ready(count))
                    }
                }
            }
            Source::Thread(pieces) => {
                let piece = match pieces.poll_recv(cx) {
                    Poll::Pending => return Ok(Poll::Pending),
                    Poll::Ready(None) => Vec::new(),
                    Poll::Ready(Some(piece)) => piece?,
                };
                lines.space()[..piece.len()].copy_from_slice(&piece);
                lines.filled(piece.len());
                Ok(Poll::Ready(piece.len()))
            }
        }
    }
}
