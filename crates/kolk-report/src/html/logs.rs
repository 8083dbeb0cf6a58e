//! What nodes wrote to stderr, line by line.

use std::io::BufRead;

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
}

/// Writes one log. Bytes that are no UTF-8 are replaced in the browser.
pub fn write<R: BufRead>(
    number: usize,
    mut log: Log<R>,
    sections: &mut Sections<'_>,
) -> Result<StoredLog, HtmlError> {
    let mut texts = Texts::new(format!("logs-{number}"));
    let (mut line, mut count) = (Vec::new(), 0);
    loop {
        line.clear();
        if log.lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        count += 1;
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
    Ok(StoredLog { node: log.node, count, starts: texts.finish(sections)? })
}
