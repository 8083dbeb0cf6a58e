//! What comes out of the engine, and what it says while it runs.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use kolk_history::journal::JournalEvent;
use kolk_history::summary::Triggered;
use kolk_history::summary::Violation;
use kolk_history::{History, Plan, Summary};
use kolk_node::Machine;
use kolk_protocol::Time;

use crate::{Trace, Workload};

/// A finished run, as far as it came.
#[derive(Debug)]
pub struct Run {
    /// All operations and fault events.
    pub history: History,
    /// What the network saw.
    pub summary: Summary,
    /// Over journal, history and fault events, as they are stored; of a run that was traced, over
    /// what happened to its messages.
    pub digest: Digest,
    /// How it ended.
    pub ending: Ending,
    /// When the load began: faults count from here.
    pub load_began: Time,
    /// When the load ended.
    pub load_ended: Time,
    /// When the run ended.
    pub ended: Time,
    /// How many events the engine handled.
    pub event_count: u64,
    /// The faults that waited for an event, or for a leader, and came.
    pub triggered: Vec<Triggered>,
    /// The journal, if it was kept in memory.
    pub journal: Option<Vec<u8>>,
    /// The trace, if one was asked for.
    pub trace: Option<Trace>,
    /// The nodes' processes that could not be ended.
    pub survivors: Vec<Survivor>,
    /// Why the run was ended, if journal or history could not be written: what is stored of them
    /// ends somewhere, perhaps within a line.
    pub unwritten: Option<EngineError>,
}

/// A process that could not be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Its id.
    pub pid: u32,
    /// What it is called, as far as is known.
    pub command: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It came to its end.
    Completed,
    /// A node ended or broke the protocol in a way that nothing can follow; the summary's last
    /// violation says how.
    NodeFailed {
        /// Which.
        node: String,
    },
    /// No operation had been answered for so long that nothing more was to be expected.
    Silent,
    /// Journal and history had all the room there was for them.
    Full,
    /// Somebody asked it to stop.
    Interrupted,
}

/// A digest of everything stored: equal digests, equal runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub u128);

/// 32 hexadecimal digits.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop now, and keep what there is.
    Stop,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The present instant.
    pub now: Time,
    /// When the run will end, as far as is known.
    pub end: Time,
    /// Operations invoked.
    pub invoked: u64,
    /// Operations that ended well.
    pub ok: u64,
    /// Messages sent.
    pub messages: u64,
    /// What goes on: `starting nodes`, `load`, `healing`, `final operations`, `convergence`.
    pub stage: &'static str,
    /// The faults that are open, in words, and other trouble that shows.
    pub faults: &'a [String],
}

/// Is told how far a run has come, now and then, and may stop it.
pub trait Observer {
    /// Called at least about ten times a second of wall-clock time, and more often.
    fn progress(&mut self, progress: &Progress<'_>) -> Flow;
}

impl<F: FnMut(&Progress<'_>) -> Flow> Observer for F {
    fn progress(&mut self, progress: &Progress<'_>) -> Flow {
        self(progress)
    }
}

/// Why a run could not begin, or kolk's own failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The plan cannot be carried out.
    #[error("{0}")]
    BadPlan(String),
    /// A node could not be started, did not answer `init`, or refused it.
    #[error("node {node} {problem}")]
    Start {
        /// Which.
        node: String,
        /// What is wrong, as a verb phrase.
        problem: String,
        /// What to do about it, one or more lines.
        advice: String,
        /// What its stderr began and ended with, and how much is left out between.
        stderr: Box<[String]>,
        /// The last lines of its stdout.
        stdout: Box<[String]>,
        /// The line that it should not have written, if that is it.
        violation: Option<Box<Violation>>,
    },
    /// Something could not be written.
    #[error("cannot write {what}")]
    Write {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The operating system refused something.
    #[error("{what}")]
    System {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// Everything a run needs beside its plan.
pub struct Setup<'a> {
    /// What decides the run.
    pub plan: &'a Plan,
    /// What is under test.
    pub nodes: NodeSource<'a>,
    /// Who loads it.
    pub workload: Box<dyn Workload>,
    /// Where the journal goes.
    pub journal: JournalSink<'a>,
    /// Where the history goes, as JSON lines; it is also kept in memory.
    pub history: Option<&'a mut dyn Write>,
    /// The folder for the nodes' logs, `n0.log` and so on, and [`kolk_history::log_times::FILE`];
    /// it must exist. Without one, logs of in-process nodes are dropped, and those of programs go
    /// to a temporary folder.
    pub logs: Option<PathBuf>,
    /// The folder for what nodes write to find it again when they have been killed: an empty one in
    /// it for each program, which stays. Without one it is a temporary folder.
    pub data: Option<PathBuf>,
    /// How much may be stored.
    pub room: Room,
    /// Who is told how far the run has come.
    pub observer: &'a mut dyn Observer,
}

/// How much a run may store, in bytes. No part of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// For the log of each node, at least [`Room::NODE_LOG_MIN`]: of a longer one both ends are
    /// kept.
    pub node_log: u64,
    /// For the journal, and the history in its three formats: a run that needs more is ended.
    pub run: u64,
}

impl Room {
    /// The least that a node's log may have.
    pub const NODE_LOG_MIN: u64 = 1 << 16;
}

impl Default for Room {
    fn default() -> Room {
        Room { node_log: 64 << 20, run: 8 << 30 }
    }
}

/// Where nodes come from.
pub enum NodeSource<'a> {
    /// Made here, one for each position in the list of nodes; virtual clock only.
    InProcess(&'a dyn Fn(usize) -> Box<dyn Machine>),
    /// A program, run once for each node: in lockstep on the virtual clock, freely on the real one.
    Program {
        /// Where it lies.
        path: PathBuf,
        /// Its arguments.
        args: Vec<String>,
        /// How long it may take over `init`, and in lockstep over a step, by the wall clock.
        patience: Patience,
    },
}

/// How long a program may take, by the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To answer `init`.
    pub init: Duration,
    /// In lockstep, to become idle.
    pub step: Duration,
    /// Says whether the run is to stop, which is asked while a program in lockstep is waited for
    /// and the [`Observer`] cannot be. It must answer at once.
    pub stop_wanted: fn() -> bool,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            init: Duration::from_secs(10),
            step: Duration::from_secs(5),
            stop_wanted: || false,
        }
    }
}

/// Where a journal goes.
pub enum JournalSink<'a> {
    /// Nowhere: it only enters the digest.
    Digest,
    /// Into [`Run::journal`].
    Memory,
    /// Into [`Run::trace`], as typed events: no line of it is written, and of the history only
    /// where that has somewhere to go.
    Trace,
    /// Into a file or the like.
    Write(&'a mut dyn Write),
    /// Into a file or the like; and each of its events goes to somebody who looks on, when it
    /// happens.
    Watched(&'a mut dyn Write, Watcher<'a>),
}

/// Is told every event of a journal, when it happens.
pub type Watcher<'a> = &'a mut dyn FnMut(&JournalEvent<'_>);
