//! A node between stdin and stdout: lines in, lines out.

use std::io::{self, Write};

use kolk_protocol::{Line, Time, message::write_line};

use crate::machine::{Input, Outputs};
use crate::runtime::Runtime;

/// How many bytes of output may be pending before they are written.
const WAITING_MAX: usize = 64 * 1024;

/// How many bytes are quoted of a line that is not a message.
const QUOTED_MAX: usize = 200;

/// A node and its output that has not been written yet.
pub(super) struct Session<R> {
    pub(super) node: R,
    /// This node's name; before its `init`, the one it was addressed with.
    name: String,
    outputs: Outputs,
    out: Vec<u8>,
}

impl<R: Runtime> Session<R> {
    pub(super) fn new(node: R) -> Session<R> {
        Session { node, name: String::new(), outputs: Outputs::new(), out: Vec::new() }
    }

    /// Lets the node react to a message.
    pub(super) fn message(&mut self, now: Time, line: &Line<'_>) -> io::Result<()> {
        if self.node.node_id().is_none() {
            self.name.clear();
            self.name.push_str(&line.dest);
        }
        self.node.message(now, &line.src, &line.body, &mut self.outputs);
        if line.body.kind == "init"
            && let Some(name) = self.node.node_id()
        {
            self.name.clear();
            self.name.push_str(name);
        }
        self.gather()
    }

    /// Lets the node react to the time, and to tasks that got ready.
    pub(super) fn wake(&mut self, now: Time) -> io::Result<()> {
        self.node.step(now, Input::Wake, &mut self.outputs);
        self.gather()
    }

    /// Logs why a line is dropped. Blank lines are dropped silently.
    pub(super) fn drop_line(&mut self, line: &[u8], error: &dyn std::error::Error) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let quoted = String::from_utf8_lossy(&line[..line.len().min(QUOTED_MAX)]);
        let more = if line.len() > QUOTED_MAX { " …" } else { "" };
        // Quoted with escapes: the text is another program's, and may end up on a terminal. If
        // stderr cannot be written, there is nowhere to say so.
        let _ = writeln!(io::stderr(), "dropped a line, because {error}: {quoted:?}{more}");
    }

    /// Adds a line that the driver itself sends.
    pub(super) fn push(&mut self, dest: &str, body: &[u8]) {
        write_line(&mut self.out, None, None, &self.name, dest, body);
    }

    fn gather(&mut self) -> io::Result<()> {
        if self.outputs.is_empty() {
            return Ok(());
        }
        let logged = self.outputs.logged();
        if !logged.is_empty() {
            // If stderr cannot be written, there is nowhere to say so.
            let _ = io::stderr().lock().write_all(logged);
        }
        for (dest, body) in self.outputs.messages_raw() {
            write_line(&mut self.out, None, None, &self.name, dest, body);
        }
        self.outputs.clear();
        if self.out.len() >= WAITING_MAX { self.flush() } else { Ok(()) }
    }

    /// Writes all pending output to stdout.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(&self.out)?;
        stdout.flush()?;
        self.out.clear();
        Ok(())
    }
}
