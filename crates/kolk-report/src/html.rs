//! `report.html`: a run as one page that needs no server and no network.
//!
//! The page is static text and scripts of our own; what the run left behind stands in it as
//! compressed tables in base64, an alphabet that cannot end a script element, whatever a node
//! printed. The scripts put data on the page as text nodes alone, and a content security policy
//! that names the digests of our script and style lets nothing else run.
//!
//! The data's parts, each an element `<script type="application/octet-stream" id="…">`:
//!
//! | id | what |
//! |---|---|
//! | `meta` | JSON: plan, results, names, how many of what |
//! | `columns` | messages and operations as columns of numbers (`html::columns`) |
//! | `log-times-K` | when the lines of a log were there: a column of instants, each and one, 0 where it is not known |
//! | `node-events` | what became of nodes and of their disks: columns (`html::node_events`) |
//! | `states-K` | what a node said of its state, in its log: columns (`html::states`) |
//! | `offsets` | for the log: columns of what stands at which offset (`html::offsets`) |
//! | `bodies-N`, `values-N`, `offset-values-N`, `logs-K-N` | texts, in chunks that are unpacked when they are looked at (`html::texts`) |
//!
//! The same run gives the same bytes.

mod assets;
mod columns;
mod difference;
mod error;
mod files;
mod intern;
mod logs;
mod messages;
mod meta;
mod node_events;
mod offsets;
mod operations;
mod pack;
mod page;
mod states;
mod texts;

use std::io::{BufRead, Write};

use kolk_history::{History, Plan};

pub use error::HtmlError;
pub use files::{write_from, write_run};
pub use logs::Log;
pub(crate) use page::digest;
pub use page::{COLORS, DOM, FORMAT, Page, SHAPES};

use intern::Names;
use messages::Messages;
use pack::Sections;

/// A run as it is stored, its journal aside.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// What decided it.
    pub plan: &'a Plan,
    /// The content of `results.json`.
    pub results: &'a str,
    /// All its operations.
    pub history: &'a History,
}

/// What else may stand in a run's folder.
#[derive(Clone, Debug)]
pub struct Beside<E> {
    /// What became of nodes and of their disks: [`kolk_history::node_events`].
    pub events: Option<E>,
    /// Of a run that was made small: the content of `shrunk.json`.
    pub small: Option<String>,
}

/// The page of every run, without its data.
pub fn page() -> &'static Page {
    &assets::REPORT
}

/// The page of a run that goes on, whole: it fetches what there is from where it lies,
/// `/runs/WORKLOAD/TIME/live`:
///
/// | path | what |
/// |---|---|
/// | `/api/runs/WORKLOAD/TIME` | JSON: the run's `row` and `plan` |
/// | `/api/runs/WORKLOAD/TIME/row` | JSON: its `row` as it is now, with its `state` |
/// | `/api/runs/WORKLOAD/TIME/journal/N`, `…/history/N` | whole lines from byte N of the file on |
pub fn live_page() -> &'static Page {
    &assets::LIVE
}

/// Draws the page of a run. The journal is read line by line, and so are the logs; what has been
/// read is compressed and written at once.
///
/// # Errors
///
/// If the journal is not one, the results are no JSON, or anything cannot be read or written.
pub fn write<R: BufRead>(
    out: &mut dyn Write,
    stored: &Stored<'_>,
    journal: impl BufRead,
    logs: impl IntoIterator<Item = Log<R>>,
    beside: Beside<impl BufRead>,
) -> Result<(), HtmlError> {
    assets::REPORT.write_head(out)?;
    let mut sections = Sections::new(out);
    let messages = Messages::read(journal, stored.history, &mut sections)?;
    let operations = operations::write(stored.history, &mut sections)?;
    let is_log = stored.plan.workload.name == "kafka";
    let offsets = is_log.then(|| offsets::write(stored.history, &mut sections)).transpose()?;
    let (mut stored_logs, mut state_names) = (Vec::new(), Names::default());
    for (number, log) in logs.into_iter().enumerate() {
        stored_logs.push(logs::write(number, log, &mut state_names, &mut sections)?);
    }
    let events = beside.events.map(|events| node_events::write(events, &mut sections));
    let events = events.transpose()?.unwrap_or_default();
    sections.write("columns", &columns::join(&messages.columns(), &operations.columns))?;
    let small = beside.small.as_deref();
    let of_nodes = meta::OfNodes { logs: &stored_logs, state_names: &state_names, events: &events };
    let meta = meta::json(stored, &messages, &operations, offsets.as_ref(), &of_nodes, small)?;
    sections.write("meta", meta.as_bytes())?;
    assets::REPORT.write_tail(out)?;
    Ok(())
}
