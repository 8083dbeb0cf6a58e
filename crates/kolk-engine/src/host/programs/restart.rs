//! Killing programs, starting them again, and having them stand still.

use std::rc::Rc;

use rustix::process::{Signal, kill_process_group};

use super::lines::LineBuffer;
use super::{Program, ProgramEvent, disks};
use crate::run::EngineError;

/// As much as is read of what a program wrote before it was killed: one that its children keep open
/// could go on for ever.
const LAST_WORDS_MAX: usize = 64 << 20;

impl Program {
    /// Kills it with all processes of its group, and gives the whole lines that were left to read.
    /// An unfinished one is gone with it.
    pub(super) fn kill(&mut self) -> Vec<u8> {
        self.stdin = None;
        self.pending.clear();
        self.written = 0;
        self.paused = false;
        self.family.kill(self.pid);
        let mut last = Vec::new();
        while last.len() < LAST_WORDS_MAX {
            let is_more = matches!(self.read(), ProgramEvent::Read);
            while let Some(range) = self.lines.next_line() {
                last.extend_from_slice(self.lines.line(range));
                last.push(b'\n');
            }
            if !is_more {
                break;
            }
        }
        self.stdout = None;
        self.lines = LineBuffer::default();
        self.unended = None;
        last
    }

    /// A program in lockstep that uses the node library's disk makes it again from the changes that
    /// it wrote down; one that has written none has lost none.
    pub(super) fn lose_power(&self, seed: u64) -> Result<(), EngineError> {
        disks::lose_power(&self.recipe.data, seed)
    }

    pub(super) fn restart(&mut self) -> Result<(), EngineError> {
        *self = Program::spawn(self.recipe.clone(), Rc::clone(&self.family))?;
        Ok(())
    }

    pub(super) fn stand_still(&mut self) {
        self.paused = true;
        self.unended = None;
        // It may have ended just now, which its stdout will tell.
        let _ = kill_process_group(self.pid, Signal::STOP);
    }

    /// Has it go on, if it was told to stand still.
    pub(super) fn go_on(&mut self) {
        if std::mem::take(&mut self.paused) {
            let _ = kill_process_group(self.pid, Signal::CONT);
        }
    }
}
