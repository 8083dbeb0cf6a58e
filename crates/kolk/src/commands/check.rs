//! `kolk check`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use kolk_check::Options;
use kolk_check::models::Models;
use kolk_history::{History, ReadError, jepsen, jsonl};
use kolk_report::failure::Failure;
use kolk_report::screen::Judged;
use kolk_report::{results, screen};
use kolk_workload::WorkloadError;
use kolk_workload::planner::Availability;

use crate::args::CheckArgs;
use crate::status::{Status, Stop};
use crate::{request, terminal};

/// Judges a stored history.
pub fn run(args: &CheckArgs) -> Result<Status, Stop> {
    if !kolk_check::WORKLOADS.contains(&args.workload.as_str()) {
        let known = kolk_check::WORKLOADS;
        let failure =
            Failure::new(format!("there is no checker for the workload `{}`", args.workload))
                .advice(request::did_you_mean(&args.workload, known.iter().copied()))
                .advice(format!("known are {}", known.join(", ")));
        return Err(Stop::user(failure));
    }
    let availability: Option<Availability> = match &args.availability {
        Some(text) => Some(text.parse().map_err(request::bad_plan)?),
        None => None,
    };
    let consistency_models: Models = args
        .consistency_models
        .parse()
        .map_err(|error| request::bad_plan(WorkloadError::ConsistencyModel(error).into()))?;
    let history = read(&args.history)?;
    let availability = availability.map(Availability::fraction);
    let options = Options {
        workload: &args.workload,
        strict: args.strict,
        availability,
        consistency_models,
        ..Options::default()
    };
    let verdict = kolk_check::check_run(&history, None, &options);
    if args.json {
        terminal::print(&String::from_utf8_lossy(&results::verdict_json(&verdict)));
    } else {
        let judged = Judged {
            history: &history,
            summary: None,
            verdict: &verdict,
            availability,
            rate: None,
        };
        let source = args.history.display().to_string();
        let style = terminal::out_style();
        terminal::print(&screen::draw_judged(&judged, &args.workload, &source, style));
    }
    Ok(Status::from(verdict.validity))
}

fn read(path: &Path) -> Result<History, Stop> {
    let refused = |cause: String| {
        let failure = Failure::new(format!("cannot read the history {}", path.display()))
            .cause(cause)
            .advice("name a history.jsonl of kolk's, or a history.edn of Jepsen's");
        Stop::user(failure)
    };
    let file = File::open(path).map_err(|error| refused(error.to_string()))?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let read = match is_edn(&mut reader) {
        Ok(true) => jepsen::read(reader, Vec::new()),
        Ok(false) => jsonl::read(reader, Vec::new()),
        Err(error) => Err(ReadError::Io(error)),
    };
    let history = read.map_err(|error| refused(error.to_string()))?;
    if history.operations.is_empty() {
        return Err(refused("there is no operation in it".to_owned()));
    }
    Ok(history)
}

/// True unless the first thing in it is a JSON object: `{` and a string.
fn is_edn(reader: &mut impl BufRead) -> std::io::Result<bool> {
    let beginning = reader.fill_buf()?.trim_ascii_start();
    let inside = beginning.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    Ok(!inside.is_some_and(|inside| inside.starts_with(b"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_edn_from_json() {
        for (text, expected) in [
            ("{\"index\":0}", false),
            ("\n { \"index\":0}", false),
            ("{:index 0}", true),
            ("[{:index 0}]", true),
            ("#jepsen.history.Op{:index 0}", true),
        ] {
            assert_eq!(is_edn(&mut text.as_bytes()).expect("bytes"), expected, "{text}");
        }
    }
}
