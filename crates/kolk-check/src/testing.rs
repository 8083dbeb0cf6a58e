//! Histories in a few words, for tests.

use std::ops::{Deref, DerefMut};

pub(crate) use kolk_history::Open;
use kolk_history::{Function, History, Outcome, Phase, Value};

/// A [`kolk_history::Story`] to which tests add their own words.
#[derive(Debug)]
pub(crate) struct Story(kolk_history::Story);

impl Deref for Story {
    type Target = kolk_history::Story;

    fn deref(&self) -> &kolk_history::Story {
        &self.0
    }
}

impl DerefMut for Story {
    fn deref_mut(&mut self) -> &mut kolk_history::Story {
        &mut self.0
    }
}

impl Story {
    pub(crate) fn new(nodes: usize) -> Story {
        Story(kolk_history::Story::new(nodes))
    }

    pub(crate) fn into_history(self) -> History {
        self.0.history
    }

    /// An acknowledged broadcast; the index of its invocation.
    pub(crate) fn add(&mut self, millis: u64, process: u32, value: i64) -> u32 {
        self.ok(millis, process, Function::Broadcast, value, Value::Null)
    }

    /// A read that succeeds within a millisecond.
    pub(crate) fn read(&mut self, millis: u64, process: u32, values: &[i64]) -> u32 {
        self.read_in(Phase::Load, millis, process, values)
    }

    /// Such a read in another phase.
    pub(crate) fn read_in(
        &mut self,
        phase: Phase,
        millis: u64,
        process: u32,
        values: &[i64],
    ) -> u32 {
        let open = self.invoke_in(phase, millis, process, Function::Read, Value::Null);
        self.end(millis + 1, open, Outcome::Ok, Value::ints(values.to_vec()));
        self.index_of(open)
    }
}
