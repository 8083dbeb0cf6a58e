//! Programs on the real clock: they run freely, and are read when they have written something.

use std::os::fd::AsFd;
use std::time::Duration;

use kolk_node::Outputs;
use kolk_node::storage::Record;
use kolk_protocol::{Time, write_line};
use rustix::event::{PollFd, PollFlags, poll};

use super::process::UNENDED;
use super::timespec::timespec;
use super::{Program, disks};
use crate::host::{Given, Host, HostFailure, LastWords, Nature};
use crate::run::EngineError;

/// How much input may wait for programs that do not read it, for all together.
const PENDING_BYTES_MAX: usize = 256 << 20;
/// How long a whole message may stand there without a line end while others go on.
const UNENDED_IN_MID_RUN: Duration = Duration::from_secs(5);

/// Programs on the real clock.
pub(crate) struct RealHost {
    programs: Vec<Program>,
    files: disks::Files,
    /// Which have something to be written.
    dirty: Vec<u16>,
    /// How long they may take to answer `init`.
    init_patience: Duration,
}

impl RealHost {
    pub(crate) fn new(programs: Vec<Program>, init_patience: Duration) -> RealHost {
        RealHost { programs, files: disks::Files::default(), dirty: Vec::new(), init_patience }
    }

    /// Writes what waits, as far as the pipes take it. Gives the node that is in trouble, if one
    /// is.
    pub(crate) fn flush(&mut self) -> Option<(u16, HostFailure)> {
        let programs = &mut self.programs;
        let mut unread = 0;
        self.dirty.retain(|node| {
            let program = &mut programs[usize::from(*node)];
            program.flush();
            unread += program.unread();
            program.has_pending()
        });
        if unread <= PENDING_BYTES_MAX {
            return None;
        }
        let node =
            *self.dirty.iter().max_by_key(|node| self.programs[usize::from(**node)].unread())?;
        Some((node, self.programs[usize::from(node)].overdue_failure()))
    }

    /// The first node that has closed its stdin and lives on.
    pub(crate) fn deaf(&mut self) -> Option<(u16, HostFailure)> {
        self.programs.iter_mut().enumerate().find_map(|(number, program)| {
            program.deaf_failure().map(|failure| (number as u16, failure))
        })
    }

    /// What programs have left without a line end. Before the load all wait for them.
    pub(crate) fn unended(&mut self, before_load: bool) -> Vec<(u16, HostFailure)> {
        let patience = if before_load { UNENDED } else { UNENDED_IN_MID_RUN };
        let programs = self.programs.iter_mut().enumerate();
        programs
            .filter_map(|(number, program)| {
                Some((number as u16, program.unended_failure(patience)?))
            })
            .collect()
    }

    /// Waits until a program has written something, or one takes input again, or `timeout` is over.
    /// Gives the nodes that may be read.
    pub(crate) fn wait(&mut self, timeout: Duration, ready: &mut Vec<u16>) -> std::io::Result<()> {
        ready.clear();
        let mut descriptors = Vec::with_capacity(2 * self.programs.len());
        let mut owners = Vec::with_capacity(2 * self.programs.len());
        for (number, program) in self.programs.iter().enumerate() {
            if let Some(stdout) = &program.stdout {
                descriptors.push(PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN));
                owners.push(Some(number as u16));
            }
            if let Some(stdin) = program.stdin.as_ref().filter(|_| program.has_pending()) {
                descriptors.push(PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::OUT));
                owners.push(None);
            }
        }
        match poll(&mut descriptors, Some(&timespec(timeout))) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for (descriptor, owner) in descriptors.iter().zip(owners) {
            if let Some(node) = owner.filter(|_| !descriptor.revents().is_empty()) {
                ready.push(node);
            }
        }
        Ok(())
    }

    /// One program.
    pub(crate) fn program(&mut self, node: u16) -> &mut Program {
        &mut self.programs[usize::from(node)]
    }
}

impl Host for RealHost {
    fn nature(&self) -> Nature {
        Nature {
            is_virtual: false,
            offers_lockstep: false,
            is_concurrent: false,
            init_patience: self.init_patience,
            step_patience: None,
            patience_flag: Some("--init-timeout"),
        }
    }

    fn begin(&mut self, node: u16, given: Given<'_>) {
        let Some((src, body)) = given.message else { return };
        let program = &mut self.programs[usize::from(node)];
        if !program.has_pending() {
            self.dirty.push(node);
        }
        let Program { pending, recipe, .. } = program;
        write_line(pending, given.id, None, src, &recipe.name, body.json.as_bytes());
    }

    /// What it writes is taken when it is there.
    fn finish(
        &mut self,
        _: u16,
        _: Given<'_>,
        _: &mut Outputs,
        _: &mut Vec<u8>,
    ) -> Result<Option<Time>, HostFailure> {
        Ok(None)
    }

    fn kill(&mut self, node: u16) -> Vec<u8> {
        self.program(node).kill()
    }

    fn disturb_disk(&mut self, node: u16, fault: Record) -> Result<(), EngineError> {
        self.files.disturb(node, &self.programs[usize::from(node)].recipe.data, &fault)
    }

    fn harms(&mut self, node: u16) -> u64 {
        self.files.harms(node, &self.programs[usize::from(node)].recipe.data)
    }

    fn restart(&mut self, node: u16, _: u64) -> Result<(), EngineError> {
        self.program(node).restart()
    }

    fn pause(&mut self, node: u16) {
        self.program(node).stand_still();
    }

    fn resume(&mut self, node: u16) {
        self.program(node).go_on();
    }

    fn words(&self, node: u16) -> Option<Box<dyn LastWords + '_>> {
        self.programs.get(usize::from(node)).map(|program| program.words().boxed())
    }

    fn real(&mut self) -> Option<&mut RealHost> {
        Some(self)
    }
}
