//! What nodes wrote to stderr, line by line.

use std::io::BufRead;

use kolk_history::log_times::LogTime;

use super::columns::Columns;
use super::error::HtmlError;
use super::pack::Sections;
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
}

/// Writes one log. Bytes that are no UTF-8 are replaced in the browser.
pub fn write<R: BufRead>(
    number: usize,
    mut log: Log<R>,
    sections: &mut Sections<'_>,
) -> Result<StoredLog, HtmlError> {
    let mut texts = Texts::new(format!("logs-{number}"));
    let (mut line, mut count) = (Vec::new(), 0);
    let (mut known, mut end, mut times) = (log.times.iter().peekable(), 0, Vec::new());
    loop {
        line.clear();
        if log.lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        count += 1;
        end += line.len() as u64;
        while known.next_if(|known| known.bytes < end).is_some() {}
        // A line that nobody saw come came after the last look.
        times.push(known.peek().map_or(0, |known| 1 + known.time.as_nanos()));
        let text = line.trim_ascii_end();
        if text.len() > LINE_BYTES_MAX {
            let mut cut = text[..LINE_BYTES_MAX].to_vec();
            let more = format!("… ({} bytes in all, in node-logs)", text.len());
            cut.extend_from_slice(more.as_bytes());
            texts.push(&cut, sections)?;
        } else {
            texts.push(text, sections)?;
        }
    }
    let starts = texts.finish(sections)?;
    let is_timed = count > 0 && !log.times.is_empty();
    if is_timed {
        let mut columns = Columns::default();
        columns.differences(times);
        sections.write(&format!("log-times-{number}"), columns.bytes())?;
    }
    Ok(StoredLog { node: log.node, count, starts, is_timed })
}
