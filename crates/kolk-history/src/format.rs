//! Which format a stored history has, from what stands in it.

use std::io::BufRead;

use crate::error::ReadError;
use crate::history::History;
use crate::{awdit, columns, jepsen, jsonl};

/// A format of histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Kolk's own [JSON lines](jsonl).
    JsonLines,
    /// Jepsen's [EDN](jepsen).
    Edn,
    /// Jepsen's text and log, in [columns].
    Columns,
    /// [AWDIT's text](awdit).
    Awdit,
}

impl Format {
    /// The format of a text, from its beginning: JSON lines begin with a JSON object, that is with
    /// `{` and a string, columns with a process and a type, AWDIT's with a read, a write or a rule;
    /// anything else can only be EDN.
    pub fn of(beginning: &[u8]) -> Format {
        let beginning = beginning.trim_ascii_start();
        let inside = beginning.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
        if inside.is_some_and(|inside| inside.starts_with(b"\"")) {
            Format::JsonLines
        } else if !beginning.starts_with(b"{") && awdit::is_awdit(beginning) {
            Format::Awdit
        } else if !beginning.starts_with(b"{") && columns::is_columns(beginning) {
            Format::Columns
        } else {
            Format::Edn
        }
    }
}

/// Reads a history of any [`Format`]. Nodes get their positions from `nodes`; a name that is not
/// among them is appended.
///
/// # Errors
///
/// If `input` cannot be read, or its text is not a history; errors name line and column.
pub fn read(mut input: impl BufRead, nodes: Vec<String>) -> Result<History, ReadError> {
    match Format::of(input.fill_buf()?) {
        Format::JsonLines => jsonl::read(input, nodes),
        Format::Edn => jepsen::read(input, nodes),
        Format::Columns => columns::read(input, nodes),
        Format::Awdit => awdit::read(input),
    }
}
