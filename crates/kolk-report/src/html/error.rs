//! Why a page could not be drawn.

use std::io;

use kolk_history::ReadError;
use thiserror::Error;

/// Why a page could not be drawn.
#[derive(Debug, Error)]
pub enum HtmlError {
    /// The journal is not what it should be.
    #[error("journal.jsonl: {0}")]
    Journal(#[from] ReadError),
    /// The results are no JSON.
    #[error("results.json: {0}")]
    Results(serde_json::Error),
    /// Something could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
