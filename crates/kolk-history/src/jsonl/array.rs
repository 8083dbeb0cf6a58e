//! One JSON array of all events, as elle-cli reads it and JSON libraries write it.

use std::io::Read;

use kolk_protocol::scan::Scanner;

use super::general::RecordError;
use super::record;
use crate::batch::Batch;
use crate::builder::HistoryBuilder;
use crate::error::ReadError;
use crate::history::History;
use crate::micro_ops::Packer;

/// Reads a history that is one array; its objects are those of [JSON lines](super). Nodes get their
/// positions from `nodes`; a name that is not among them is appended. An array that breaks off is
/// read as far as it goes, which [`History::cut`] says.
///
/// # Errors
///
/// If `input` cannot be read, is no array of events, or an event does not follow those before it.
pub fn read(mut input: impl Read, nodes: Vec<String>) -> Result<History, ReadError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| ReadError::at(&bytes, error.valid_up_to(), "not UTF-8"))?;
    let mut builder = HistoryBuilder::new(nodes);
    if let Err(error) = events(text, &mut builder) {
        let error_at = ReadError::at(&bytes, error.offset, error.problem);
        match error_at {
            ReadError::Text { line, .. }
                if error.offset >= text.trim_ascii_end().len() && !builder.is_empty() =>
            {
                builder.cut(line);
            }
            error => return Err(error),
        }
    }
    Ok(builder.finish())
}

fn events(text: &str, builder: &mut HistoryBuilder) -> Result<(), RecordError> {
    let (mut batch, mut packer) = (Batch::default(), Packer::default());
    let mut scanner = Scanner::new(text);
    scanner.expect(b'[', "expected `[`")?;
    if !scanner.take(b']') {
        loop {
            scanner.peek();
            let start = scanner.offset();
            let at = |error: RecordError| RecordError { offset: start + error.offset, ..error };
            let whole = scanner.value()?;
            let fields = record(whole.as_bytes(), &mut packer).map_err(at)?;
            fields
                .add(start, &mut batch)
                .map_err(|problem| RecordError { offset: start, problem: problem.into() })?;
            batch.add(builder).map_err(|(offset, error)| RecordError {
                offset,
                problem: error.to_string().into(),
            })?;
            if !scanner.take(b',') {
                scanner.expect(b']', "expected `,` or `]`")?;
                break;
            }
        }
    }
    Ok(scanner.end()?)
}
