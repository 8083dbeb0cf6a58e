//! The program's standard input and output.

use std::io::{ErrorKind, Read, Write};
use std::process::{ChildStdin, ChildStdout};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pipe::fcntl_setpipe_size;

/// How much a pipe holds, if the system allows it.
const PIPE_BYTES: usize = 1 << 20;

/// The pipes of a program.
#[derive(Debug)]
pub(super) struct Pipes {
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    /// What waits to be read by the program.
    pending: Vec<u8>,
    /// What the program has written.
    output: Vec<u8>,
}

impl Pipes {
    pub(super) fn new(stdin: ChildStdin, stdout: ChildStdout) -> rustix::io::Result<Pipes> {
        fcntl_setfl(&stdin, fcntl_getfl(&stdin)? | OFlags::NONBLOCK)?;
        fcntl_setfl(&stdout, fcntl_getfl(&stdout)? | OFlags::NONBLOCK)?;
        // Smaller ones do as well: the program is let go on when they have been emptied.
        let _ = fcntl_setpipe_size(&stdin, PIPE_BYTES);
        let _ = fcntl_setpipe_size(&stdout, PIPE_BYTES);
        Ok(Pipes {
            stdin: Some(stdin),
            stdout: Some(stdout),
            pending: Vec::new(),
            output: Vec::new(),
        })
    }

    /// Adds to what the program may read.
    pub(super) fn push(&mut self, input: &[u8]) {
        self.pending.extend_from_slice(input);
    }

    /// Writes as much as the pipe takes.
    pub(super) fn feed(&mut self) {
        let Some(stdin) = &mut self.stdin else {
            self.pending.clear();
            return;
        };
        let mut written = 0;
        while written < self.pending.len() {
            match stdin.write(&self.pending[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.stdin = None;
                    self.pending.clear();
                    return;
                }
            }
        }
        self.pending.drain(..written);
    }

    /// Reads what there is.
    pub(super) fn drain(&mut self) {
        let Some(stdout) = &mut self.stdout else { return };
        let mut buffer = [0; 1 << 16];
        loop {
            match stdout.read(&mut buffer) {
                Ok(0) => break self.stdout = None,
                Ok(count) => {
                    self.output.extend_from_slice(&buffer[..count]);
                    // What has not filled the buffer was all: the program stands still.
                    if count < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => break self.stdout = None,
            }
        }
    }

    /// How much the program has written since it was last taken.
    pub(super) fn output_bytes(&self) -> usize {
        self.output.len()
    }

    /// What the program has written since this was last asked.
    pub(super) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// True if nobody can write to the standard output any more.
    pub(super) fn is_output_closed(&mut self) -> bool {
        let Some(stdout) = &self.stdout else { return true };
        has_hung_up(PollFd::new(stdout, PollFlags::empty()), PollFlags::HUP)
    }

    /// True if nobody can read the standard input any more.
    pub(super) fn is_input_closed(&mut self) -> bool {
        let Some(stdin) = &self.stdin else { return true };
        has_hung_up(PollFd::new(stdin, PollFlags::empty()), PollFlags::ERR)
    }
}

fn has_hung_up(descriptor: PollFd<'_>, sign: PollFlags) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut descriptors = [descriptor];
    poll(&mut descriptors, Some(&now)).is_ok() && descriptors[0].revents().contains(sign)
}
