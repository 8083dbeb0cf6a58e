//! `kolk check`.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use kolk_check::models::Models;
use kolk_check::txn::Levels;
use kolk_check::txn::rw_register::AssumedKeys;
use kolk_check::{Options, Verdict, workloads};
use kolk_history::{Function, History, Plan, Value, edn};
use kolk_report::failure::Failure;
use kolk_report::screen::Judged;
use kolk_report::{results, screen};
use kolk_workload::WorkloadError;
use kolk_workload::planner::Availability;

use crate::args::{CheckArgs, JudgeArg};
use crate::status::{Status, Stop};
use crate::suggest::did_you_mean;
use crate::{request, terminal};

/// Judges a stored history.
pub fn run(args: &CheckArgs) -> Result<Status, Stop> {
    let path = history_in(&args.history);
    // What is wrong with the flags is said before a long history is read.
    if let Some(workload) = &args.workload {
        known(workload)?;
        assumed_keys(args, workload)?;
    }
    let availability: Option<Availability> = match &args.availability {
        Some(text) => Some(text.parse().map_err(request::bad_plan)?),
        None => None,
    };
    let initial = initial(args)?;
    let plan = match args.workload {
        Some(_) => None,
        None => plan_beside(&path)?,
    };
    let consistency_models = models(args, plan.as_ref())?;
    let history = read(&path)?;
    let workload = match (&args.workload, &plan) {
        (Some(workload), _) => workload.as_str(),
        (None, Some(plan)) => plan.workload.name.as_str(),
        (None, None) => return Err(no_workload(&path, &history)),
    };
    known(workload)?;
    let assumed_keys = assumed_keys(args, workload)?;
    own_functions(&path, &history, workload)?;
    let availability = availability.map(Availability::fraction);
    let options = Options {
        workload,
        strict: args.strict || args.judge == Some(JudgeArg::Kolk),
        availability,
        consistency_models,
        levels: match args.judge {
            Some(JudgeArg::Maelstrom) => Levels::Elle,
            _ => Levels::Exact,
        },
        assumed_keys,
        initial: initial.as_ref(),
        ..Options::default()
    };
    let mut verdict = kolk_check::check_run(&history, None, &options);
    note_cut(&history, &mut verdict);
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
        let source = path.display().to_string();
        let style = terminal::out_style();
        terminal::print(&screen::draw_judged(&judged, workload, &source, style));
    }
    // The process ends: to free millions of small values takes longer than to judge them.
    std::mem::forget(history);
    Ok(Status::from(verdict.validity))
}

/// The history that is meant: of a run folder, the one in it.
fn history_in(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let names = ["history.jsonl", "history.edn"].map(|name| path.join(name));
    let found = names.iter().find(|name| name.is_file());
    found.unwrap_or(&names[0]).clone()
}

/// The plan in the folder that a history lies in, if it is a run's.
fn plan_beside(history: &Path) -> Result<Option<Plan>, Stop> {
    let plan = history.with_file_name("plan.json");
    if plan.is_file() { request::stored_plan_to_show(&plan).map(Some) } else { Ok(None) }
}

/// The models that transactions are held to: those named, or else the run's own.
fn models(args: &CheckArgs, plan: Option<&Plan>) -> Result<Models, Stop> {
    let of_plan = plan.and_then(|plan| plan.workload.settings.get("consistency-models"));
    let names = match (args.consistency_models.as_str(), of_plan) {
        ("", Some(names)) => names,
        (names, _) => names,
    };
    names.parse().map_err(|error| request::bad_plan(WorkloadError::ConsistencyModel(error).into()))
}

/// Refuses a workload that there is no checker for.
fn known(workload: &str) -> Result<(), Stop> {
    let known = kolk_check::WORKLOADS;
    if known.contains(&workload) {
        return Ok(());
    }
    let failure = Failure::new(format!("there is no checker for the workload `{workload}`"))
        .advice(did_you_mean(workload, known.iter().copied()))
        .advice(format!("known are {}", known.join(", ")));
    Err(Stop::user(failure))
}

fn no_workload(path: &Path, history: &History) -> Stop {
    let advice = match workloads::fitting(history).as_slice() {
        [] => format!("say which with -w: {}", kolk_check::WORKLOADS.join(", ")),
        fitting => format!("say which with -w; its functions are those of {}", listed(fitting)),
    };
    let cause = format!("there is no plan.json beside {}", path.display());
    Stop::user(Failure::new("no workload was given").cause(cause).advice(advice))
}

/// Refuses a history with functions that are none of the workload's.
fn own_functions(path: &Path, history: &History, workload: &str) -> Result<(), Stop> {
    let names = |functions: &[Function]| -> Vec<&str> {
        functions.iter().map(|function| function.name()).collect()
    };
    let foreign = workloads::foreign(history, workload);
    let cause = match names(&foreign).as_slice() {
        [] => return Ok(()),
        [one] => format!("`{one}` is no function of this workload"),
        several => format!("{} are no functions of this workload", listed(several)),
    };
    let own = names(workloads::functions(workload));
    let problem = format!("{} is no history of `{workload}`", path.display());
    let failure = Failure::new(problem).cause(format!("{cause}, whose are {}", listed(&own)));
    Err(Stop::user(match workloads::fitting(history).as_slice() {
        [] => failure,
        fitting => failure.advice(format!("it may be one of {}: say so with -w", listed(fitting))),
    }))
}

/// `a, b or c`, without the last word where there is one alone.
fn listed(words: &[&str]) -> String {
    match words {
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
        [] => String::new(),
    }
}

/// What a register holds in the beginning, as JSON or EDN.
fn initial(args: &CheckArgs) -> Result<Option<Value>, Stop> {
    let Some(text) = &args.initial else { return Ok(None) };
    if args.workload.as_deref() != Some("register") {
        let cause = "the keys of the other workloads hold nothing in the beginning";
        let problem = "`--initial` is for the workload `register`";
        return Err(Stop::user(Failure::new(problem).cause(cause)));
    }
    Value::from_json(text).or_else(|_| edn::read(text)).map(Some).map_err(|error| {
        let problem = format!("`--initial {text}` is neither JSON nor EDN");
        Stop::user(Failure::new(problem).cause(error.to_string()))
    })
}

/// Says what of the text was left out.
fn note_cut(history: &History, verdict: &mut Verdict) {
    let workload = verdict.checks.iter_mut().find(|check| check.name == "workload");
    if let (Some(line), Some(check)) = (history.cut, workload) {
        check.notes.push(format!("the history breaks off in line {line}, which was left out"));
    }
}

/// What is assumed of each key; refused where the order of values is known without.
fn assumed_keys(args: &CheckArgs, workload: &str) -> Result<AssumedKeys, Stop> {
    let keys =
        AssumedKeys { sequential: args.sequential_keys, linearizable: args.linearizable_keys };
    if keys.is_none() || workload == "txn-rw-register" {
        return Ok(keys);
    }
    let flag = if keys.sequential { "--sequential-keys" } else { "--linearizable-keys" };
    let reason = match workload {
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
                "name a run folder, a history.jsonl of kolk's, a history.edn or history.txt of Jepsen's, \
                 a JSON array of events, or a text of AWDIT's",
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
