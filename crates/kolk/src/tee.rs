//! `--log-net-send` and `--log-net-recv`: the journal's events on standard error, as they happen.

use std::io::{self, Write};

use kolk_history::journal::JournalLine;
use kolk_report::sanitize::{excerpt, sanitize};

use crate::terminal;

/// How much of a body is shown.
const BODY_WIDTH: usize = 400;

/// A journal that also shows what passes through it.
pub struct MessageLog<W> {
    journal: W,
    sends: bool,
    receives: bool,
    /// Of a line that has not come to its end.
    partial: Vec<u8>,
}

impl<W: Write> MessageLog<W> {
    /// Passes everything on to `journal`, and shows sends, receives, or nothing.
    pub fn new(journal: W, sends: bool, receives: bool) -> MessageLog<W> {
        MessageLog { journal, sends, receives, partial: Vec::new() }
    }

    /// The journal itself.
    pub fn into_inner(self) -> W {
        self.journal
    }

    fn show(&self, line: &[u8]) {
        let Ok(event) = serde_json::from_slice::<JournalLine<'_>>(line) else { return };
        let verb = match event.event {
            "send" if self.sends => "send",
            "receive" if self.receives => "recv",
            _ => return,
        };
        let body = event.body.map_or("", |body| body.get());
        terminal::print_error(&format!(
            "{verb} {} #{} {} → {} {}\n",
            event.time,
            event.id,
            sanitize(&event.src),
            sanitize(&event.dest),
            excerpt(body, None, BODY_WIDTH).text
        ));
    }
}

impl<W: Write> Write for MessageLog<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.sends || self.receives {
            self.partial.extend_from_slice(bytes);
            while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.partial.drain(..=end).collect();
                self.show(&line);
            }
        }
        self.journal.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.journal.flush()
    }
}
