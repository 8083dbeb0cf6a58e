//! A run's pictures, written into its folder under the names that Maelstrom's users look for.

use std::io::{BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use kolk_report::figures::{self, Run, Span};

use crate::stored;
use crate::whole::Whole;

/// The charts: their files, and what draws them.
const CHARTS: [(&str, fn(&Run<'_>) -> String); 3] = [
    ("latency-raw.svg", figures::latency_raw),
    ("latency-quantiles.svg", figures::latency_quantiles),
    ("rate.svg", figures::rate),
];

/// How much is read at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// Draws all pictures of a run whose other files are in `folder`: of its messages those of `span`,
/// if it is given.
///
/// # Errors
///
/// If the journal cannot be read, or a picture cannot be written.
pub fn write(folder: &Path, run: &Run<'_>, span: Option<Span>) -> Result<()> {
    for (name, draw) in CHARTS {
        replace(&folder.join(name), draw(run).as_bytes())?;
    }
    replace(&folder.join("timeline.html"), figures::timeline(run, span).as_bytes())?;
    let path = folder.join("journal.jsonl");
    let journal = stored::open(folder, "journal.jsonl")
        .with_context(|| format!("cannot read {}", path.display()))?;
    let journal = BufReader::with_capacity(BUFFER_BYTES, journal);
    let messages = figures::messages(run, journal, span)
        .with_context(|| format!("cannot draw the messages of {}", path.display()))?;
    replace(&folder.join("messages.svg"), messages.as_bytes())
}

fn replace(path: &Path, content: &[u8]) -> Result<()> {
    Whole::create(path)
        .and_then(|mut out| out.write_all(content).and_then(|()| out.finish()))
        .with_context(|| format!("cannot write {}", path.display()))
}
