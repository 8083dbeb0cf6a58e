//! What nodes wrote to stderr, line by line.

use std::io::BufRead;

use kolk_history::log_times::LogTime;

use super::columns::Columns;
use super::error::HtmlError;
use super::intern::Names;
use super::pack::Sections;
use super::states::States;
use super::texts::Texts;

/// How much of a line is kept: the file has the rest.
const LINE_BYTES_MAX: usize = 1 << 14;

/// One node's log.
#[derive(Debug)]
pub struct Log<R> {
    /// The node's name.
    pub node: String,
    /// Its lines.
    pub lines: R,
    /// When it had come how far, in the order in which that was found out; empty if nobody looked.
    pub times: Vec<LogTime>,
}

/// A log as it stands in the page.
#[derive(Clone, Debug)]
pub struct StoredLog {
    /// The node's name.
    pub node: String,
    /// How many lines it has.
    pub count: u64,
    /// With which line each chunk begins.
    pub starts: Vec<u64>,
    /// True if there is a part `log-times-N` that says when each line was there.
    pub is_timed: bool,
    /// How many of its lines are states; if any, there is a part `states-N` that has them.
    pub states: usize,
}

/// Writes one log. Bytes that are no UTF-8 are replaced in the browser. Names that states have are
/// numbered in `names`.
pub fn write<R: BufRead>(
    number: usize,
    mut log: Log<R>,
    names: &mut Names,
    sections: &mut Sections<'_>,
) -> Result<StoredLog, HtmlError> {
    let mut states = States::default();
    let mut texts = Texts::new(format!("logs-{number}"));
    let (mut line, mut count) = (Vec::new(), 0);
    let (mut known, mut end, mut times) = (log.times.iter().peekable(), 0, Vec::new());
    loop {
        line.clear();
        let (length, is_whole) = read_line(&mut log.lines, &mut line)?;
        if length == 0 {
            break;
        }
        count += 1;
        end += length;
        while known.next_if(|known| known.bytes < end).is_some() {}
        // A line that nobody saw come came after the last look.
        times.push(known.peek().map_or(0, |known| 1 + known.time.as_nanos()));
        let is_cut = length > LINE_BYTES_MAX as u64 && line.trim_ascii_end().len() > LINE_BYTES_MAX;
        if is_cut {
            line.truncate(LINE_BYTES_MAX);
            let text = length - u64::from(is_whole);
            let more = format!("… ({text} bytes in all, in node-logs)");
            line.extend_from_slice(more.as_bytes());
            texts.push(&line, sections)?;
        } else {
            states.take(count - 1, line.trim_ascii_end(), names);
            texts.push(line.trim_ascii_end(), sections)?;
        }
    }
    let starts = texts.finish(sections)?;
    let is_timed = count > 0 && !log.times.is_empty();
    if is_timed {
        let mut columns = Columns::default();
        columns.differences(times);
        sections.write(&format!("log-times-{number}"), columns.bytes())?;
    }
    if states.count() > 0 {
        sections.write(&format!("states-{number}"), states.columns().bytes())?;
    }
    Ok(StoredLog { node: log.node, count, starts, is_timed, states: states.count() })
}

/// Reads the next line with its end, and keeps a little more of it than is shown; gives its length,
/// 0 at the end, and whether it had one.
fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<(u64, bool)> {
    let mut length = 0;
    loop {
        let buffer = from.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let part = end.unwrap_or(buffer.len());
        let room = (2 * LINE_BYTES_MAX).saturating_sub(line.len());
        line.extend_from_slice(&buffer[..part.min(room)]);
        from.consume(part);
        length += part as u64;
        if end.is_some() || part == 0 {
            return Ok((length, end.is_some()));
        }
    }
}
