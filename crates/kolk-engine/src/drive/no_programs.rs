//! Where programs cannot be hosted.

use std::path::PathBuf;

use kolk_history::Plan;

use crate::host::Hosts;
use crate::logs::Logs;
use crate::run::{Ending, EngineError, Observer, Patience, Survivor};
use crate::simulation::Simulation;

/// No processes.
pub(super) struct Programs;

impl Programs {
    pub(super) fn new() -> Programs {
        Programs
    }

    pub(super) fn start<'a>(
        &mut self,
        _: &Plan,
        _: (PathBuf, Vec<String>, Patience),
        _: (Option<PathBuf>, u64),
        _: Option<PathBuf>,
    ) -> Result<(Hosts<'a>, Logs), EngineError> {
        let text = "programs are hosted on Unix systems alone: nodes run in this process here";
        Err(EngineError::BadPlan(text.to_owned()))
    }

    pub(super) fn end(&self) -> Vec<Survivor> {
        Vec::new()
    }
}

/// Only programs are driven by the machine's clock.
pub(super) fn drive_real(
    _: &mut Simulation<'_>,
    _: &mut dyn Observer,
) -> Result<Ending, EngineError> {
    unreachable!("no program was started")
}
