//! What a traced program is started with, and what a step of it gives.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use crate::Follower;

/// What a program is started with.
#[derive(Debug)]
pub struct Settings {
    /// Where it lies.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// Variables of its environment beside those of this process.
    pub env: Vec<(OsString, OsString)>,
    /// The folder it starts in; this process's without one.
    pub folder: Option<PathBuf>,
    /// Where its standard error goes; this process's without one.
    pub stderr: Option<File>,
    /// What everything random is drawn from.
    pub seed: u64,
    /// In which order its threads go on.
    pub order: Order,
    /// How long a step may take by the wall clock.
    pub patience: Duration,
    /// What of the files it stores is followed, and by whom; nothing without one.
    pub files: Option<Follower>,
    /// The program whose `main` calls [`crate::launch_if_asked`]; this one without one.
    pub launcher: Option<PathBuf>,
}

impl Settings {
    /// A program without arguments, in this process's folder and environment, with seed 0.
    pub fn new(program: impl Into<PathBuf>) -> Settings {
        Settings {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: None,
            stderr: None,
            seed: 0,
            order: Order::default(),
            patience: Duration::from_secs(5),
            files: None,
            launcher: None,
        }
    }
}

/// In which order threads that can go on do so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Who could go on first goes on first.
    #[default]
    Fair,
    /// Drawn from the seed: other seeds find other races between a program's own threads.
    Shuffled,
}

/// What came of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// What it wrote to its standard output.
    pub output: Vec<u8>,
    /// When something in it wants to go on, in virtual nanoseconds: later than now. `None` if only
    /// input can move it.
    pub wake_at: Option<u64>,
    /// True if nobody can write to its standard output any more.
    pub is_output_closed: bool,
    /// True if nobody reads its standard input any more.
    pub is_input_closed: bool,
    /// How its first process ended, if it has.
    pub ended: Option<Ended>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With an exit status.
    Exit(i32),
    /// By a signal.
    Signal(i32),
}
