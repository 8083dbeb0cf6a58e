//! A run for other programs' viewers: Perfetto's traces and ShiViz's logs.
//!
//! Both are written while the journal is read: what is held is what is on its way.

mod perfetto;
mod protobuf;
mod shiviz;

use std::io;

use kolk_history::ReadError;
use kolk_history::journal::{HeadKind, JournalHead, JournalLine};
use kolk_protocol::message::Body;
use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::figures::Span;

pub use perfetto::perfetto;
pub use shiviz::{PARSER as SHIVIZ_PARSER, shiviz};

/// Why a run could not be exported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The journal is not what it should be.
    #[error("journal.jsonl: {0}")]
    Journal(#[from] ReadError),
    /// Something could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Messages that are on their way, each with what was noted when it was sent.
#[derive(Debug)]
struct OnTheirWay<T> {
    messages: FxHashMap<u64, (T, u8)>,
}

impl<T> Default for OnTheirWay<T> {
    fn default() -> OnTheirWay<T> {
        OnTheirWay { messages: FxHashMap::default() }
    }
}

impl<T: Clone> OnTheirWay<T> {
    fn send(&mut self, id: u64, note: T) {
        self.messages.insert(id, (note, 1));
    }

    /// A second copy will follow.
    fn duplicate(&mut self, id: u64) {
        if let Some((_, open)) = self.messages.get_mut(&id) {
            *open += 1;
        }
    }

    /// A copy arrived, or never will: what was noted, and whether it was the last.
    fn end(&mut self, id: u64) -> Option<(T, bool)> {
        let (note, open) = self.messages.get_mut(&id)?;
        *open -= 1;
        let is_last = *open == 0;
        let note = note.clone();
        if is_last {
            self.messages.remove(&id);
        }
        Some((note, is_last))
    }
}

/// Whether an event lies in the part of the run that is wanted.
fn is_wanted(head: JournalHead, span: Option<Span>) -> bool {
    head.event != HeadKind::Duplicate
        && span.is_none_or(|(from, to)| (from..=to).contains(&head.time))
}

/// The type of a message that is sent.
fn kind(line: &JournalLine<'_>) -> String {
    let body = line.body.map_or("{}", |body| body.get());
    Body::parse(body).map_or_else(|_| "message".to_owned(), |body| body.kind.into_owned())
}

#[cfg(test)]
mod tests;
