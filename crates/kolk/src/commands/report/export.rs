//! `kolk report --export`: a stored run for another program's viewer.

use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use kolk_report::export::{self, ExportError, SHIVIZ_PARSER};
use kolk_report::failure::{Failure, Trouble};
use kolk_report::figures::Run;
use kolk_report::numbers::counted;

use super::{BUFFER_BYTES, refused};
use crate::args::{ExportArg, ReportArgs};
use crate::status::Stop;
use crate::whole::Whole;
use crate::{stored, terminal};

/// With more events than this, ShiViz takes long.
const SHIVIZ_EVENTS: u64 = 5000;

/// Writes the run and says where it is and how to open it.
///
/// # Errors
///
/// If the journal cannot be read, or the file cannot be written.
pub fn write(
    format: ExportArg,
    folder: &Path,
    run: &Run<'_>,
    args: &ReportArgs,
) -> Result<(), Stop> {
    let name = match format {
        ExportArg::Perfetto => "perfetto.pftrace",
        ExportArg::Shiviz => "shiviz.log",
    };
    let path = args.output.clone().unwrap_or_else(|| folder.join(name));
    let journal = stored::open(folder, "journal.jsonl")
        .map_err(|error| refused(folder, "journal.jsonl", &error.to_string()))?;
    let journal = BufReader::with_capacity(BUFFER_BYTES, journal);
    let cannot_write = || format!("cannot write {}", path.display());
    let mut out = Whole::create(&path).with_context(cannot_write)?;
    let written = match format {
        ExportArg::Perfetto => export::perfetto(&mut out, run, journal, args.window),
        ExportArg::Shiviz => export::shiviz(&mut out, journal, args.window),
    };
    let count = written.map_err(|error| {
        let problem = format!("cannot export {}", folder.display());
        match error {
            ExportError::Io(_) => Stop::from(anyhow::Error::from(error).context(problem)),
            error => Stop::user(Failure::new(Trouble::RunFolder, problem).cause(error.to_string())),
        }
    })?;
    out.finish().with_context(cannot_write)?;
    let events = counted(count, "event", "events");
    terminal::print(&format!("wrote {} ({events})\n", path.display()));
    terminal::print(&advice(format, count));
    Ok(())
}

/// How to open it.
fn advice(format: ExportArg, count: u64) -> String {
    match format {
        ExportArg::Perfetto => "open it at https://ui.perfetto.dev\n".to_owned(),
        ExportArg::Shiviz => {
            let mut advice = format!(
                "open it at https://bestchai.bitbucket.io/shiviz/ with the log parsing \
                 expression\n  {SHIVIZ_PARSER}\n"
            );
            if count > SHIVIZ_EVENTS {
                advice += "that is much for ShiViz: choose a part with --window 12.5..13\n";
            }
            advice
        }
    }
}
