//! Which format a stored history has, from what stands in it.

use std::io::BufRead;

use crate::error::ReadError;
use crate::history::History;
use crate::{awdit, columns, jepsen, jsonl};

/// A format of histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// [JSON lines](jsonl): kolk's own, and elle-cli's.
    JsonLines,
    /// One [JSON array](jsonl::read_array) of all events, as elle-cli reads it.
    JsonArray,
    /// Jepsen's [EDN](jepsen).
    Edn,
    /// Jepsen's text and log, in [columns].
    Columns,
    /// [AWDIT's text](awdit).
    Awdit,
}

impl Format {
    /// The format of a text, from its beginning: JSON lines begin with a JSON object, that is with
    /// `{` and a string, an array with `[` and an object, columns with a process and a type,
    /// AWDIT's with a read, a write or a rule; anything else can only be EDN. A byte order mark
    /// says nothing.
    pub fn of(beginning: &[u8]) -> Format {
        let beginning = beginning.strip_prefix(BYTE_ORDER_MARK).unwrap_or(beginning);
        let beginning = beginning.trim_ascii_start();
        let is_object = |text: &[u8]| {
            let inside = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
            inside.is_some_and(|inside| inside.starts_with(b"\""))
        };
        let in_array = beginning.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
        if is_object(beginning) {
            Format::JsonLines
        } else if in_array.is_some_and(is_object) {
            Format::JsonArray
        } else if !beginning.starts_with(b"{") && awdit::is_awdit(beginning) {
            Format::Awdit
        } else if !beginning.starts_with(b"{") && columns::is_columns(beginning) {
            Format::Columns
        } else {
            Format::Edn
        }
    }
}

/// What some editors and Windows' tools put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a history of any [`Format`]. Nodes get their positions from `nodes`; a name that is not
/// among them is appended.
///
/// # Errors
///
/// If `input` cannot be read, or its text is not a history; errors name line and column.
pub fn read(mut input: impl BufRead, nodes: Vec<String>) -> Result<History, ReadError> {
    if input.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        input.consume(BYTE_ORDER_MARK.len());
    }
    let beginning = input.fill_buf()?;
    // A device, or an archive: it might have no end.
    if let Some(at) = beginning.iter().position(|byte| *byte == 0) {
        return Err(ReadError::at(beginning, at, "a zero byte: this is no text"));
    }
    match Format::of(beginning) {
        Format::JsonLines => jsonl::read(input, nodes),
        Format::JsonArray => jsonl::read_array(input, nodes),
        Format::Edn => jepsen::read(input, nodes),
        Format::Columns => columns::read(input, nodes),
        Format::Awdit => awdit::read(input),
    }
}
