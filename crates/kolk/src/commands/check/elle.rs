//! `kolk check --model`: in place of elle-cli, with its flags, its output and its exit status.

use std::fs;
use std::path::Path;

use kolk_check::models::{self, Model, Models};
use kolk_check::{Kind, Validity, workloads};
use kolk_history::Value;
use kolk_report::failure::{Failure, Trouble};
use kolk_report::results;

use super::{Case, check_flags, history_in, judge_as, named, own_functions, read};
use crate::args::CheckArgs;
use crate::status::{Status, Stop};
use crate::suggest::did_you_mean;
use crate::terminal;

/// Judges one history after the other, and ends at the first that cannot be read.
pub(super) fn run(args: &CheckArgs, model: &str) -> Result<Status, Stop> {
    let workload = workload(model)?;
    check_flags(args)?;
    let consistency_models = consistency_models(args)?;
    let anomalies = anomalies(args);
    let is_json = args.elle.verbose || args.elle.output.as_deref() == Some("json");
    let mut is_any_invalid = false;
    for path in &args.histories {
        let path = &history_in(path);
        if path != Path::new("-") && !path.exists() {
            let failure =
                Failure::new(Trouble::History, format!("File not found: {}", path.display()));
            return Err(Stop::internal(failure));
        }
        let history = read(path)?;
        own_functions(path, &history, workload)
            .map_err(|stop| Stop { status: Status::Invalid, failure: stop.failure })?;
        let is_empty = history.operations.is_empty();
        let mut case = judge_as(args, history, workload, consistency_models)?;
        if is_empty {
            case.verdict.validity = Validity::Unknown;
        }
        if !anomalies.is_empty() {
            ask_for(args, &mut case, &anomalies)?;
        }
        is_any_invalid |= case.verdict.validity == Validity::Invalid;
        report(args, path, &case, is_json)?;
    }
    Ok(if is_any_invalid { Status::Invalid } else { Status::Valid })
}

/// The workload that elle-cli or Knossos calls by this name.
fn workload(model: &str) -> Result<&str, Stop> {
    // Before version 0.1.3 the names said whose checker it is.
    let prefixes = ["elle-", "jepsen-", "knossos-"];
    let name = prefixes.iter().find_map(|prefix| model.strip_prefix(prefix)).unwrap_or(model);
    let workload = workloads::canonical(name);
    if kolk_check::WORKLOADS.contains(&workload) {
        return Ok(workload);
    }
    let mut known: Vec<&str> = kolk_check::WORKLOADS.to_vec();
    known.extend(workloads::ALIASES.iter().map(|(alias, _)| *alias));
    known.sort_unstable();
    let failure = Failure::new(Trouble::Arguments, format!("there is no model `{model}`"))
        .advice(did_you_mean(model, known.iter().copied()))
        .advice(format!("Must be one of {}", known.join(", ")));
    Err(Stop { status: Status::Invalid, failure })
}

/// What transactions are held to. An empty list leaves the anomalies that were named, as in
/// elle-cli; here that is the weakest of all models.
fn consistency_models(args: &CheckArgs) -> Result<Models, Stop> {
    match args.consistency_models.as_deref() {
        None => Ok(Models::new(&[Model::StrictSerializable])),
        Some(names) if names.trim().is_empty() => Ok(Models::new(&[Model::ReadUncommitted])),
        Some(names) => names.parse().map_err(|error: models::UnknownModel| {
            let failure = Failure::new(Trouble::Arguments, error.to_string());
            Stop { status: Status::Invalid, failure }
        }),
    }
}

fn anomalies(args: &CheckArgs) -> Vec<&str> {
    let names = args.elle.anomalies.as_deref().unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).collect()
}

/// Lets anomalies count that were named, whatever the models that were asked for say of them.
fn ask_for(args: &CheckArgs, case: &mut Case, anomalies: &[&str]) -> Result<(), Stop> {
    if case.verdict.validity == Validity::Invalid || !case.workload.starts_with("txn-") {
        return Ok(());
    }
    let history = std::mem::take(&mut case.history);
    let all = judge_as(args, history, &case.workload, Models::new(&[Model::StrictSerializable]))?;
    let is_named = |kind: Kind| anomalies.iter().any(|name| models::implies(kind, name));
    if all.verdict.findings().iter().any(|finding| is_named(finding.anomaly.kind)) {
        *case = all;
    } else {
        case.history = all.history;
    }
    Ok(())
}

fn report(args: &CheckArgs, path: &Path, case: &Case, is_json: bool) -> Result<(), Stop> {
    let source = named(path);
    let document = || {
        let value = results::verdict_value(&case.verdict, None, case.explanation.as_ref());
        let Value::Map(entries) = &value else { return results::pretty(&value) };
        let renamed = entries.iter().map(|(name, value)| match name.as_str() {
            Some("valid") => (Value::text("valid?"), value.clone()),
            _ => (name.clone(), value.clone()),
        });
        results::pretty(&Value::map(renamed.collect()))
    };
    if let Some(folder) = &args.elle.directory {
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        let file = folder.join(format!("{name}-results.json"));
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, document()));
        written.map_err(|error| {
            let failure = Failure::new(Trouble::Files, format!("cannot write {}", file.display()));
            Stop::internal(failure.cause(error.to_string()))
        })?;
    }
    if is_json {
        terminal::print(&String::from_utf8_lossy(&document()));
        return Ok(());
    }
    let validity = match case.verdict.validity {
        Validity::Valid => "true",
        Validity::Invalid => "false",
        Validity::Unknown => "unknown",
    };
    terminal::print(&format!("{source} \t {validity}\n"));
    Ok(())
}
