//! Killing nodes, starting them again, and having them stand still.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use kolk_node::storage::{JOURNAL, Record};
use rustix::process::{Signal, kill_process_group};

use super::lines::LineBuffer;
use super::{Hosts, Program, ProgramEvent};
use crate::run::EngineError;

/// As much as is read of what a program wrote before it was killed: one that its children keep open
/// could go on for ever.
const LAST_WORDS_MAX: usize = 64 << 20;

impl Hosts<'_> {
    /// Kills a node at once, and gives the lines that it had written and nobody had read, each with
    /// its end.
    pub(crate) fn kill(&mut self, node: u16) -> Vec<u8> {
        match self {
            // A machine in this process is only never stepped again.
            Hosts::InProcess { .. } => Vec::new(),
            Hosts::Lockstep(hosts) => hosts.programs[usize::from(node)].kill(),
            Hosts::Traced(hosts) => {
                hosts.kill(node);
                Vec::new()
            }
            Hosts::Real(hosts) => hosts.programs[usize::from(node)].kill(),
        }
    }

    /// Takes the power from a node that was killed: what its disk has not synced is kept, lost or
    /// torn, as it is drawn from `seed`.
    ///
    /// # Errors
    ///
    /// If that cannot be written down for a program.
    pub(crate) fn lose_power(&mut self, node: u16, seed: u64) -> Result<(), EngineError> {
        let number = usize::from(node);
        match self {
            Hosts::InProcess { disks, .. } => disks[number].lose_power(seed),
            Hosts::Lockstep(hosts) => hosts.programs[number].lose_power(seed)?,
            Hosts::Traced(_) | Hosts::Real(_) => {}
        }
        Ok(())
    }

    /// Starts a node again that was killed. It knows nothing, and is sent nothing here; if it is
    /// traced, its entropy comes from `seed`.
    ///
    /// # Errors
    ///
    /// If the program cannot be started.
    pub(crate) fn restart(&mut self, node: u16, seed: u64) -> Result<(), EngineError> {
        let number = usize::from(node);
        match self {
            Hosts::InProcess { machines, disks, make, .. } => {
                machines[number] = make(number);
                machines[number].attach(disks[number].clone());
                Ok(())
            }
            Hosts::Lockstep(hosts) => hosts.programs[number].restart(),
            Hosts::Traced(hosts) => hosts.restart(node, seed),
            Hosts::Real(hosts) => hosts.programs[number].restart(),
        }
    }

    /// Has a node stand still. On the virtual clock a node does whenever it is not stepped.
    pub(crate) fn pause(&mut self, node: u16) {
        if let Hosts::Real(hosts) = self {
            hosts.programs[usize::from(node)].stand_still();
        }
    }

    /// Has it go on.
    pub(crate) fn resume(&mut self, node: u16) {
        if let Hosts::Real(hosts) = self {
            hosts.programs[usize::from(node)].go_on();
        }
    }
}

impl Program {
    /// Kills it with all processes of its group, and gives the whole lines that were left to read.
    /// An unfinished one is gone with it.
    fn kill(&mut self) -> Vec<u8> {
        self.stdin = None;
        self.pending.clear();
        self.written = 0;
        self.paused = false;
        self.recipe.family.kill(self.pid);
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
    fn lose_power(&self, seed: u64) -> Result<(), EngineError> {
        let path = self.recipe.data.join(JOURNAL);
        let file = match OpenOptions::new().append(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file,
        };
        let line = serde_json::to_string(&Record::Power(seed)).expect("a record is JSON");
        file.and_then(|mut file| writeln!(file, "{line}")).map_err(|source| {
            let what = format!("cannot write {}", path.display());
            EngineError::System { what, source }
        })
    }

    fn restart(&mut self) -> Result<(), EngineError> {
        *self = Program::spawn(self.recipe.clone())?;
        Ok(())
    }

    fn stand_still(&mut self) {
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
