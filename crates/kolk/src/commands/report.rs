//! `kolk report`: a stored run's screen, page and pictures, drawn again from its folder alone.

mod export;

use std::io::{BufReader, Write};
use std::path::Path;

use anyhow::Context;
use kolk_history::{History, Plan, jsonl};
use kolk_report::failure::{Failure, Trouble};
use kolk_report::figures::Run;
use kolk_report::html::{self, HtmlError, Stored};
use kolk_report::screen::{self, Report};
use kolk_report::stored;

use crate::args::ReportArgs;
use crate::status::{Status, Stop};
use crate::whole::Whole;
use crate::{commands, figures, request, stored as stored_run, terminal};

/// The page's file in a run folder.
const PAGE: &str = "report.html";

/// How much is read at a time.
const BUFFER_BYTES: usize = 1 << 18;

/// Draws a stored run.
pub fn run(args: &ReportArgs) -> Result<Status, Stop> {
    let folder = if args.run.is_dir() {
        args.run.clone()
    } else {
        args.run.parent().map(Path::to_owned).unwrap_or_default()
    };
    let plan = request::stored_plan_to_show(&args.run)?;
    let json = stored_run::text(&folder, "results.json")
        .map_err(|error| refused(&folder, "results.json", &error.to_string()))?;
    let results = stored::read(&json)
        .map_err(|error| refused(&folder, "results.json", &error.to_string()))?;
    let history = stored_run::open(&folder, "history.jsonl")
        .map_err(|error| error.to_string())
        .and_then(|file| {
            let input = BufReader::with_capacity(BUFFER_BYTES, file);
            jsonl::read(input, plan.nodes.to_vec()).map_err(|error| error.to_string())
        })
        .map_err(|error| refused(&folder, "history.jsonl", &error))?;
    let (verdict, facts) = (&results.verdict, &results.facts);
    let drawn = Run { plan: &plan, history: &history, verdict, facts };
    if let Some(format) = args.export {
        export::write(format, &folder, &drawn, args)?;
        return Ok(Status::from(verdict.validity));
    }
    let path = args.output.clone().unwrap_or_else(|| folder.join(PAGE));
    write_page(&path, &folder, &plan, &json, &history)?;
    if args.output.is_none() {
        figures::write(&folder, &drawn, args.window)?;
    }
    if args.json {
        terminal::print(&json);
    } else {
        let shown = folder.display().to_string();
        let report = Report {
            plan: &plan,
            history: &history,
            summary: &results.summary,
            verdict: &results.verdict,
            facts: &results.facts,
            wall: None,
            folder: Some(shown.trim_end_matches('/')),
            program: commands::program(),
        };
        terminal::print(&screen::draw(&report, terminal::out_style()));
    }
    Ok(Status::from(results.verdict.validity))
}

fn refused(folder: &Path, file: &str, cause: &str) -> Stop {
    let failure =
        Failure::new(Trouble::RunFolder, format!("cannot read {}", folder.join(file).display()))
            .cause(cause);
    // Of a challenge that holds the plan and the results are kept, and nothing to draw.
    let is_trimmed = folder.join("results.json").is_file() && !folder.join(file).exists();
    let advice = if is_trimmed {
        format!(
            "it was not kept: kolk challenge --keep all keeps everything, and {} replay {} runs \
             this again",
            commands::program(),
            folder.display()
        )
    } else {
        "name a run folder, such as store/latest, or the plan.json in one".to_owned()
    };
    Stop::user(failure.advice(advice))
}

/// Writes `report.html` into a run folder that has everything else.
///
/// # Errors
///
/// If the journal or a log cannot be read, or the page cannot be written.
pub fn write(folder: &Path, plan: &Plan, results: &str, history: &History) -> Result<(), Stop> {
    write_page(&folder.join(PAGE), folder, plan, results, history)
}

fn write_page(
    path: &Path,
    folder: &Path,
    plan: &Plan,
    results: &str,
    history: &History,
) -> Result<(), Stop> {
    let cannot_write = || format!("cannot write {}", path.display());
    let mut out = Whole::create(path).with_context(cannot_write)?;
    draw(&mut out, folder, &Stored { plan, results, history })?;
    out.finish().with_context(cannot_write)?;
    Ok(())
}

fn draw(out: &mut dyn Write, folder: &Path, stored: &Stored<'_>) -> Result<(), Stop> {
    html::write_from(out, stored, |name| stored_run::open(folder, name)).map_err(|error| {
        let problem = format!("cannot draw the report of {}", folder.display());
        match error {
            HtmlError::Io(_) => Stop::from(anyhow::Error::from(error).context(problem)),
            // One of the run's files is missing, or is not what it should be.
            error => Stop::user(Failure::new(Trouble::RunFolder, problem).cause(error.to_string())),
        }
    })
}
