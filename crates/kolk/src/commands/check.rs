//! `kolk check`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use kolk_check::Options;
use kolk_check::models::Models;
use kolk_check::txn::Levels;
use kolk_check::txn::rw_register::AssumedKeys;
use kolk_history::History;
use kolk_report::failure::Failure;
use kolk_report::screen::Judged;
use kolk_report::{results, screen};
use kolk_workload::WorkloadError;
use kolk_workload::planner::Availability;

use crate::args::CheckArgs;
use crate::status::{Status, Stop};
use crate::suggest::did_you_mean;
use crate::{request, terminal};

/// Judges a stored history.
pub fn run(args: &CheckArgs) -> Result<Status, Stop> {
    if !kolk_check::WORKLOADS.contains(&args.workload.as_str()) {
        let known = kolk_check::WORKLOADS;
        let failure =
            Failure::new(format!("there is no checker for the workload `{}`", args.workload))
                .advice(did_you_mean(&args.workload, known.iter().copied()))
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
    let assumed_keys = assumed_keys(args)?;
    let history = read(&args.history)?;
    let availability = availability.map(Availability::fraction);
    let options = Options {
        workload: &args.workload,
        strict: args.strict,
        availability,
        consistency_models,
        levels: Levels::Exact,
        assumed_keys,
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
            run: None,
        };
        let source = args.history.display().to_string();
        let style = terminal::out_style();
        terminal::print(&screen::draw_judged(&judged, &args.workload, &source, style));
    }
    // The process ends: to free millions of small values takes longer than to judge them.
    std::mem::forget(history);
    Ok(Status::from(verdict.validity))
}

/// What is assumed of each key; refused where the order of values is known without.
fn assumed_keys(args: &CheckArgs) -> Result<AssumedKeys, Stop> {
    let keys =
        AssumedKeys { sequential: args.sequential_keys, linearizable: args.linearizable_keys };
    if keys.is_none() || args.workload == "txn-rw-register" {
        return Ok(keys);
    }
    let flag = if keys.sequential { "--sequential-keys" } else { "--linearizable-keys" };
    let reason = match args.workload.as_str() {
        "txn-list-append" => "lists tell themselves in which order they were appended to",
        "lin-kv" | "kv" | "register" | "seq-kv" => {
            "whether keys keep that promise is what this workload's check finds out"
        }
        _ => "this workload has no keys whose values are set",
    };
    Err(Stop::user(
        Failure::new(format!("`{flag}` is for the workload `txn-rw-register`")).cause(reason),
    ))
}

fn read(path: &Path) -> Result<History, Stop> {
    let refused = |cause: String| {
        let failure = Failure::new(format!("cannot read the history {}", path.display()))
            .cause(cause)
            .advice(
                "name a history.jsonl of kolk's, a history.edn or history.txt of Jepsen's, or a text \
                 of AWDIT's",
            );
        Stop::user(failure)
    };
    let file = File::open(path).map_err(|error| refused(error.to_string()))?;
    let reader = BufReader::with_capacity(1 << 18, file);
    let read = kolk_history::read(reader, Vec::new());
    let history = read.map_err(|error| refused(error.to_string()))?;
    if history.operations.is_empty() {
        return Err(refused("there is no operation in it".to_owned()));
    }
    Ok(history)
}
