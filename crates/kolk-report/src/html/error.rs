//! Why a page could not be drawn.

use std::io;

use kolk_history::ReadError;
use thiserror::Error;

/// Why a page could not be drawn.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HtmlError {
    /// The plan is none, or of another version.
    #[error("plan.json: {0}")]
    Plan(serde_json::Error),
    /// The history is not what it should be.
    #[error("history.jsonl: {0}")]
    History(ReadError),
    /// The journal is not what it should be.
    #[error("journal.jsonl: {0}")]
    Journal(#[from] ReadError),
    /// What says when the nodes' logs grew is not what it should be.
    #[error("node-logs: {0}")]
    Logs(ReadError),
    /// The results are no JSON.
    #[error("results.json: {0}")]
    Results(serde_json::Error),
    /// What is said of how the run was made small is no JSON.
    #[error("shrunk.json: {0}")]
    Small(serde_json::Error),
    /// One of the run's files could not be opened.
    #[error("cannot read {name}: {source}")]
    Open {
        /// Its name in the run folder.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Something could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
