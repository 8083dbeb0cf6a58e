//! Histories in columns: process, type, function, value, and perhaps an error.
//!
//! `3 :ok :cas [1 2]`, with tabs or spaces between: Jepsen's `history.txt`, which
//! [`jepsen::write_text`](crate::jepsen::write_text) writes, and its log, in which a logger's name
//! stands before each line (`INFO  jepsen.util - 3 :ok :cas [1 2]`). Lines of a
//! log that are no operations (anything that does not begin with a process and a type) are passed
//! over. There are no indices, so lines are counted; and no times.

use std::io::Read;

use crate::builder::{HistoryBuilder, Record};
use crate::edn::Parser;
use crate::error::ReadError;
use crate::history::{EventKind, History};
use crate::{Phase, Value, fields};

/// What stands between a logger's name and its message.
const LOGGED: &str = " - ";

/// Reads a history in columns.
///
/// # Errors
///
/// If `input` cannot be read, a column is not what it should be, or an event does not follow those
/// before it.
pub fn read(mut input: impl Read, nodes: Vec<String>) -> Result<History, ReadError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| ReadError::at(&bytes, error.valid_up_to(), "not UTF-8"))?;
    let mut builder = HistoryBuilder::new(nodes);
    let mut start = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        read_line(line, &mut builder).map_err(|(column, problem)| ReadError::Text {
            line: number,
            column,
            problem,
        })?;
        start += line.len();
    }
    debug_assert_eq!(start, text.len());
    Ok(builder.finish())
}

/// True if one of a text's first lines looks like one of these; a map of EDN that begins with
/// `:type` does but for its bracket.
pub(crate) fn is_columns(text: &[u8]) -> bool {
    let lines = text.split(|byte| *byte == b'\n').take(64);
    let mut found = lines.filter_map(|line| columns(std::str::from_utf8(line).ok()?));
    found.any(|(process, ..)| !process.contains(['[', '{']))
}

/// An event's process, type, function and the rest of the line.
fn columns(line: &str) -> Option<(&str, EventKind, &str, &str)> {
    let message = line.split_once(LOGGED).map_or(line, |(_, message)| message);
    let split = |text: &'_ str| -> Option<usize> { text.find([' ', '\t']) };
    let message = message.trim();
    let (process, rest) = message.split_at(split(message)?);
    let rest = rest.trim_start();
    let (kind, rest) = rest.split_at(split(rest)?);
    let kind = fields::kind(kind.strip_prefix(':')?)?;
    let rest = rest.trim_start();
    let (function, rest) = rest.split_at(split(rest).unwrap_or(rest.len()));
    Some((process, kind, function.strip_prefix(':')?, rest.trim_start()))
}

/// An event; an error comes with the column where it is.
fn read_line(line: &str, builder: &mut HistoryBuilder) -> Result<(), (u64, String)> {
    let Some((process, kind, function, rest)) = columns(line) else {
        let is_log = line.contains(LOGGED) || line.trim().is_empty();
        return if is_log { Ok(()) } else { Err((1, "expected a process and a type".to_owned())) };
    };
    let at = |part: &str| (part.as_ptr() as usize - line.as_ptr() as usize) as u64 + 1;
    let mut parser = Parser::new(rest);
    let value = |parser: &mut Parser<'_>| -> Result<Option<Value>, (u64, String)> {
        let place = |error: crate::edn::EdnError| {
            (at(rest) + error.offset as u64, error.problem.into_owned())
        };
        match parser.peek().map_err(place)? {
            None => Ok(None),
            Some(_) => parser.value(0).map(Some).map_err(place),
        }
    };
    let first = value(&mut parser)?.unwrap_or_default();
    let error = value(&mut parser)?;
    let here = |text: String| (at(process), text);
    if process == ":nemesis" {
        let fault = builder.fault(None, None, function.to_owned(), first);
        return fault.map_err(|error| here(error.to_string()));
    }
    let Ok(process) = process.parse() else {
        return if process.starts_with(':') {
            builder.skip(None, None).map_err(|error| here(error.to_string()))
        } else {
            Err(here(format!("process {process} is not an integer of 32 bits")))
        };
    };
    let function = fields::function(function).map_err(|error| (at(function), error.to_string()))?;
    // Old logs have the error where the value was.
    let error = match (error, &first) {
        (Some(error), _) => error,
        (None, Value::Text(_) | Value::Keyword(_)) => first.clone(),
        (None, _) => Value::Null,
    };
    let record = Record {
        index: None,
        time: None,
        kind,
        process,
        function: Some(function),
        value: first,
        error,
        phase: Phase::Load,
        node: None,
    };
    builder.event(record).map_err(|error| here(error.to_string()))
}
