//! Where programs cannot be traced: the same names, and an error.

use crate::{FellThrough, Settings, SpawnError, Step, Stuck};

/// Whether programs can be traced here at all.
pub const fn is_supported() -> bool {
    false
}

/// Does nothing here.
pub fn launch_if_asked() {}

/// What traced programs share: there are none here.
#[derive(Debug)]
pub struct Tracer(std::convert::Infallible);

impl Tracer {
    /// Never succeeds here.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn new(_stop_wanted: fn() -> bool) -> Result<Tracer, SpawnError> {
        Err(SpawnError::Unsupported)
    }
}

/// A traced program: there is none here.
#[derive(Debug)]
pub struct Traced(std::convert::Infallible);

impl Traced {
    /// Never succeeds here.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn spawn(tracer: &Tracer, _settings: Settings) -> Result<Traced, SpawnError> {
        match tracer.0 {}
    }

    /// Never called here.
    ///
    /// # Errors
    ///
    /// None.
    pub fn step(&mut self, _now: u64, _input: &[u8]) -> Result<Step, Stuck> {
        match self.0 {}
    }

    /// Never called here.
    pub fn now(&self) -> u64 {
        match self.0 {}
    }

    /// Never called here.
    pub fn group(&self) -> i32 {
        match self.0 {}
    }

    /// Never called here.
    pub fn fell_through(&self) -> &FellThrough {
        match self.0 {}
    }

    /// Never called here.
    pub fn end(self) -> Vec<i32> {
        match self.0 {}
    }

    /// Never called here.
    pub fn set_patience(&mut self, _patience: std::time::Duration) {
        match self.0 {}
    }
}
