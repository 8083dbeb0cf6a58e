//! Where nodes run: in this process, in lockstep, traced, or freely on the real clock.

mod failure;
mod in_process;
#[cfg(unix)]
pub(crate) mod programs;

use std::time::Duration;

use kolk_history::summary::Unrepeatable;
use kolk_node::Outputs;
use kolk_node::storage::{DiskEvent, Record};
use kolk_protocol::Time;
use kolk_protocol::message::Body;

use crate::endpoint::{Directory, Endpoint};
use crate::run::{EngineError, Survivor};

pub(crate) use failure::{HostFailure, NO_LOCKSTEP, find_string, in_the_words_of_json, shorten};
pub(crate) use in_process::InProcessHost;

/// How long a node on the virtual clock may take to answer `init`, in simulated time.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a kind of host is like, whatever its nodes do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nature {
    /// Nodes take the simulation's time, and act only when they are stepped.
    pub(crate) is_virtual: bool,
    /// Nodes are offered lockstep, and must accept it.
    pub(crate) offers_lockstep: bool,
    /// Several nodes can be between the beginning and the end of a step at once.
    pub(crate) is_concurrent: bool,
    /// How long a node may take to answer `init`: by the wall clock if that is the clock, else in
    /// simulated time.
    pub(crate) init_patience: Duration,
    /// How long a step may take by the wall clock, if that is bounded.
    pub(crate) step_patience: Option<Duration>,
    /// The flag that gives a slow program more time to start, if there is one.
    pub(crate) patience_flag: Option<&'static str>,
}

/// What a node is stepped with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    pub(crate) now: Time,
    /// The message's number; `None` for a wake.
    pub(crate) id: Option<u64>,
    /// Who sent the message, and its body; `None` for a wake.
    pub(crate) message: Option<(&'a str, &'a Body<'a>)>,
    /// The node has answered `init`.
    pub(crate) is_started: bool,
}

/// The one seam between the simulation and the nodes: what can be done with the nodes of a run,
/// wherever they run. A node is named by its position.
///
/// On the virtual clock a node is stepped: [`Host::begin`] gives it its input, [`Host::finish`]
/// takes all that it does because of that. On the real clock nodes are given their input by
/// [`Host::begin`] alone, and what they write is taken when it is there ([`Host::real`]).
pub(crate) trait Host {
    /// What it is like.
    fn nature(&self) -> Nature;

    /// Gives a node its input.
    fn begin(&mut self, node: u16, given: Given<'_>);

    /// Takes what the node sent, and when it wants to be woken. A machine's messages go to
    /// `outputs`, the lines that a program wrote to `lines`, each with its end.
    fn finish(
        &mut self,
        node: u16,
        given: Given<'_>,
        outputs: &mut Outputs,
        lines: &mut Vec<u8>,
    ) -> Result<Option<Time>, HostFailure>;

    /// Kills a node at once, and gives the lines that it had written and nobody had read, each with
    /// its end.
    fn kill(&mut self, node: u16) -> Vec<u8>;

    /// Takes the power from a node that was killed: what its disk has not synced is kept, lost or
    /// torn, as it is drawn from `seed`. Where no disk is simulated nothing is lost.
    ///
    /// # Errors
    ///
    /// If that cannot be written down for a program.
    fn lose_power(&mut self, _node: u16, _seed: u64) -> Result<(), EngineError> {
        Ok(())
    }

    /// How many syncs of a node's disk have ended, where that is known: on a simulated disk.
    fn syncs(&mut self, _node: u16) -> u64 {
        0
    }

    /// From now on what happens to simulated disks is kept for [`Host::disk_events`].
    fn watch_disks(&mut self) {}

    /// What has happened to a node's disk since this was last called, where disks are simulated.
    fn disk_events(&mut self, _node: u16) -> Vec<DiskEvent> {
        Vec::new()
    }

    /// Has a fault of a node's disk begin or end. A disk of the node library is told; of the files
    /// of any other program only a sector can be overwritten.
    ///
    /// # Errors
    ///
    /// If that cannot be written.
    fn disturb_disk(&mut self, node: u16, fault: Record) -> Result<(), EngineError>;

    /// How often faults of a node's disk have done something so far: calls that failed, and sectors
    /// that were overwritten.
    fn harms(&mut self, node: u16) -> u64;

    /// Starts a node again that was killed. It knows nothing, and is sent nothing here; if it is
    /// traced, its entropy comes from `seed`.
    ///
    /// # Errors
    ///
    /// If the program cannot be started.
    fn restart(&mut self, node: u16, seed: u64) -> Result<(), EngineError>;

    /// Has a node stand still. On the virtual clock a node does whenever it is not stepped.
    fn pause(&mut self, _node: u16) {}

    /// Has it go on.
    fn resume(&mut self, _node: u16) {}

    /// A program's last words; a node in this process has none.
    fn words(&self, _node: u16) -> Option<Box<dyn LastWords + '_>> {
        None
    }

    /// True if a step was given up because somebody wants the run to stop.
    fn is_stopped(&self) -> bool {
        false
    }

    /// What in the run may not be repeatable, though the clock is virtual.
    fn unrepeatable(&self) -> Vec<Unrepeatable> {
        Vec::new()
    }

    /// Ends all nodes that do not belong to a family, and gives those that could not be ended.
    fn end(self: Box<Self>) -> Vec<Survivor> {
        Vec::new()
    }

    /// The programs, if they run freely on the real clock.
    #[cfg(unix)]
    fn real(&mut self) -> Option<&mut programs::RealHost> {
        None
    }
}

/// What a program said last.
pub(crate) trait LastWords {
    /// What its stderr began and ended with.
    fn stderr(&self) -> Vec<String>;

    /// The last lines of its stdout, oldest first, an unfinished one among them.
    fn stdout(&self) -> Vec<String>;

    /// What is wrong if its stdout ends in a whole message without a line end.
    fn unended(&self) -> Option<HostFailure>;
}

/// All nodes of a run, and which of them have answered `init`.
pub(crate) struct Hosts<'a> {
    host: Box<dyn Host + 'a>,
    nature: Nature,
    started: Vec<bool>,
    /// What the program that was stepped last wrote: lines with their ends.
    lines: Vec<u8>,
}

impl<'a> Hosts<'a> {
    /// So many nodes of this host.
    pub(crate) fn new(host: impl Host + 'a, count: usize) -> Hosts<'a> {
        let (nature, started) = (host.nature(), vec![false; count]);
        Hosts { host: Box::new(host), nature, started, lines: Vec::new() }
    }

    /// What its host is like.
    pub(crate) fn nature(&self) -> Nature {
        self.nature
    }

    /// True on the virtual clock.
    pub(crate) fn is_virtual(&self) -> bool {
        self.nature.is_virtual
    }

    /// The host, for what only it decides.
    pub(crate) fn host(&mut self) -> &mut (dyn Host + 'a) {
        &mut *self.host
    }

    /// True if a step was given up because somebody wants the run to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.host.is_stopped()
    }

    /// What in the run may not be repeatable, though the clock is virtual.
    pub(crate) fn unrepeatable(&self) -> Vec<Unrepeatable> {
        self.host.unrepeatable()
    }

    /// Ends all nodes that do not belong to a family, and gives those that could not be ended.
    pub(crate) fn end(self) -> Vec<Survivor> {
        self.host.end()
    }

    /// Begins a step: gives a separate program its line.
    pub(crate) fn begin(
        &mut self,
        node: u16,
        now: Time,
        id: Option<u64>,
        message: Option<(&str, &Body<'_>)>,
    ) {
        let given = Given { now, id, message, is_started: self.is_started(node) };
        self.host.begin(node, given);
    }

    /// Ends a step: takes what the node sent, and when it wants to be woken.
    pub(crate) fn finish(
        &mut self,
        node: u16,
        now: Time,
        message: Option<(&str, &Body<'_>)>,
        outputs: &mut Outputs,
    ) -> Result<Option<Time>, HostFailure> {
        let given = Given { now, id: None, message, is_started: self.is_started(node) };
        self.host.finish(node, given, outputs, &mut self.lines)
    }

    /// The lines that a program wrote during the last step, each with its end.
    pub(crate) fn take_lines(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.lines)
    }

    /// Gives their memory back.
    pub(crate) fn recycle_lines(&mut self, mut lines: Vec<u8>) {
        lines.clear();
        self.lines = lines;
    }

    /// True if the node has answered `init`.
    pub(crate) fn is_started(&self, node: u16) -> bool {
        self.started[usize::from(node)]
    }

    /// The node has answered `init`, or is yet to do so.
    pub(crate) fn set_started(&mut self, node: u16, started: bool) {
        self.started[usize::from(node)] = started;
    }

    /// What a program's stderr began and ended with.
    pub(crate) fn stderr(&self, node: u16) -> Vec<String> {
        self.host.words(node).map(|words| words.stderr()).unwrap_or_default()
    }

    /// What is wrong with a node whose stdout ends in a whole message without a line end.
    pub(crate) fn unended(&self, node: u16) -> Option<HostFailure> {
        self.host.words(node).and_then(|words| words.unended())
    }

    /// The error of a node that could not be started, with what it said last.
    pub(crate) fn start_error(
        &self,
        node: u16,
        directory: &Directory,
        problem: String,
        advice: String,
    ) -> EngineError {
        let words = self.host.words(node);
        EngineError::Start {
            node: directory.name(Endpoint::Node(node)).to_owned(),
            problem,
            advice,
            stderr: words.as_ref().map(|words| words.stderr()).unwrap_or_default().into(),
            stdout: words.as_ref().map(|words| words.stdout()).unwrap_or_default().into(),
            violation: None,
        }
    }
}
