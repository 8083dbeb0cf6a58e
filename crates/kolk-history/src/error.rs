//! Why a stored history or journal could not be read.

use std::io;

use thiserror::Error;

/// Why a stored history or journal could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes could not be had.
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
    /// The text is not what it should be.
    #[error("line {line}, column {column}: {problem}")]
    Text {
        /// The line, from 1.
        line: u64,
        /// The column, from 1, in bytes.
        column: u64,
        /// What is wrong.
        problem: String,
    },
}

impl ReadError {
    /// A problem at a byte of a whole text.
    pub(crate) fn at(text: &[u8], offset: usize, problem: impl Into<String>) -> ReadError {
        let before = &text[..offset.min(text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        ReadError::Text {
            line: line as u64,
            column: (before.len() - line_start) as u64 + 1,
            problem: problem.into(),
        }
    }

    /// The same so many lines further on.
    pub(crate) fn after(self, lines: u64) -> ReadError {
        match self {
            ReadError::Text { line, column, problem } => {
                ReadError::Text { line: line + lines, column, problem }
            }
            ReadError::Io(error) => ReadError::Io(error),
        }
    }

    /// A problem that `serde_json` found in one line.
    pub(crate) fn json(line: u64, error: &serde_json::Error) -> ReadError {
        // serde_json appends its own place, which counts lines from the beginning of this line.
        let text = error.to_string();
        let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
        ReadError::Text { line, column: error.column() as u64, problem: problem.to_owned() }
    }
}
