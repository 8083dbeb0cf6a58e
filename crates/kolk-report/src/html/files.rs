//! A run's files, by the names they have in its folder, and the page drawn from them.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};

use kolk_history::{History, Plan, jsonl, log_times, node_events};

use super::{Beside, HtmlError, Log, Stored, write};

/// What says of a run how it was made small.
const SMALL: &str = "shrunk.json";

/// How much is read at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// Draws the page of a run whose plan, results and history are at hand; the journal and the nodes'
/// logs are opened by their names: `journal.jsonl`, `node-logs/n0.log`. A node without a log wrote
/// nothing. So are `node-logs/events.jsonl` and `shrunk.json`, which need not be there.
///
/// # Errors
///
/// As [`write()`], and if a file cannot be opened.
pub fn write_from<R: Read>(
    out: &mut dyn Write,
    stored: &Stored<'_>,
    open: impl Fn(&str) -> io::Result<R>,
) -> Result<(), HtmlError> {
    let journal = opened(&open, "journal.jsonl")?;
    // A run of an older kolk does not say when its logs grew.
    let times = if_there(opened(&open, &format!("node-logs/{}", log_times::FILE)))?;
    let mut times = times.map_or(Ok(BTreeMap::new()), log_times::read).map_err(HtmlError::Logs)?;
    let mut logs = Vec::new();
    for node in &stored.plan.nodes {
        if let Some(lines) = if_there(opened(&open, &format!("node-logs/{node}.log")))? {
            let times = times.remove(node).unwrap_or_default();
            logs.push(Log { node: node.clone(), lines, times });
        }
    }
    let events = format!("node-logs/{}", node_events::FILE);
    let mut small = None;
    if let Some(mut file) = if_there(opened(&open, SMALL))? {
        file.read_to_string(small.insert(String::new()))?;
    }
    let beside = Beside { events: if_there(opened(&open, &events))?, small };
    write(out, stored, journal, logs, beside)
}

/// A file that need not be there.
fn if_there<R>(file: Result<R, HtmlError>) -> Result<Option<R>, HtmlError> {
    match file {
        Err(HtmlError::Open { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        file => file.map(Some),
    }
}

/// Draws the page of a run from its files alone.
///
/// # Errors
///
/// If a file cannot be opened or read, or is not what its name says.
pub fn write_run<R: Read>(
    out: &mut dyn Write,
    open: impl Fn(&str) -> io::Result<R>,
) -> Result<(), HtmlError> {
    let mut text = String::new();
    opened(&open, "plan.json")?.read_to_string(&mut text)?;
    let plan: Plan = serde_json::from_str(&text).map_err(HtmlError::Plan)?;
    let mut results = String::new();
    opened(&open, "results.json")?.read_to_string(&mut results)?;
    let history: History = jsonl::read(opened(&open, "history.jsonl")?, plan.nodes.to_vec())
        .map_err(HtmlError::History)?;
    write_from(out, &Stored { plan: &plan, results: &results, history: &history }, open)
}

fn opened<R: Read>(
    open: &impl Fn(&str) -> io::Result<R>,
    name: &str,
) -> Result<BufReader<R>, HtmlError> {
    let file = open(name).map_err(|source| HtmlError::Open { name: name.to_owned(), source })?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}
