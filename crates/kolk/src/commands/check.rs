//! `kolk check`.

mod elle;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use kolk_check::explain::{Explanation, explain};
use kolk_check::models::Models;
use kolk_check::txn::Levels;
use kolk_check::txn::rw_register::AssumedKeys;
use kolk_check::{Options, Validity, Verdict, workloads};
use kolk_history::{Function, History, Plan, Value, edn};
use kolk_report::failure::{Failure, Trouble};
use kolk_report::sanitize::sanitize;
use kolk_report::screen::Judged;
use kolk_report::{results, screen};
use kolk_workload::WorkloadError;
use kolk_workload::planner::Availability;

use crate::args::{CheckArgs, JudgeArg};
use crate::status::{Status, Stop};
use crate::suggest::did_you_mean;
use crate::{request, terminal};

/// Judges stored histories.
pub fn run(args: &CheckArgs) -> Result<Status, Stop> {
    if let Some(model) = &args.elle.model {
        return elle::run(args, model);
    }
    match args.histories.as_slice() {
        [one] => one_alone(args, one),
        all => several(args, all),
    }
}

/// A history that was judged.
struct Case {
    history: History,
    verdict: Verdict,
    workload: String,
    availability: Option<f64>,
    /// What it rests on, if that was asked for.
    explanation: Option<Explanation>,
}

fn one_alone(args: &CheckArgs, path: &Path) -> Result<Status, Stop> {
    let case = judge(args, path)?;
    if args.json {
        let value = results::verdict_value(&case.verdict, None, case.explanation.as_ref());
        terminal::print(&String::from_utf8_lossy(&results::pretty(&value)));
    } else {
        let judged = Judged {
            history: &case.history,
            summary: None,
            verdict: &case.verdict,
            availability: case.availability,
            rate: None,
            run: None,
        };
        let style = terminal::out_style();
        let source = named(path);
        terminal::print(&screen::draw_judged(&judged, &case.workload, &source, style));
        if let Some(explanation) = &case.explanation {
            terminal::print(&screen::draw_explanation(explanation, style));
        }
    }
    let status = Status::from(case.verdict.validity);
    // The process ends: to free millions of small values takes longer than to judge them.
    std::mem::forget(case);
    Ok(status)
}

/// A line for each history, and the worst verdict of all. What cannot be read is told where it
/// comes, and the others are judged nevertheless.
fn several(args: &CheckArgs, paths: &[PathBuf]) -> Result<Status, Stop> {
    check_flags(args)?;
    let mut validity = Validity::Valid;
    let mut unread: Option<Status> = None;
    let mut documents = Vec::new();
    for path in paths {
        let case = match judge(args, path) {
            Ok(case) => case,
            Err(stop) => {
                terminal::print_error(&stop.failure.draw(terminal::error_style()));
                unread = unread.max(Some(stop.status));
                continue;
            }
        };
        validity = validity.worst(case.verdict.validity);
        if args.json {
            let explanation = case.explanation.as_ref();
            let name = named(path);
            documents.push(results::verdict_value(&case.verdict, Some(&name), explanation));
        } else {
            let style = terminal::out_style();
            terminal::print(&format!("{}\n", line(&named(path), &case.verdict)));
            let explanation = case.explanation.as_ref();
            let told = explanation.map(|explanation| screen::draw_explanation(explanation, style));
            terminal::print(&told.unwrap_or_default());
        }
    }
    if args.json {
        terminal::print(&String::from_utf8_lossy(&results::pretty(&Value::list(documents))));
    }
    Ok(unread.unwrap_or(Status::from(validity)))
}

/// A history's name, its verdict, and what counts most, with tabs between.
fn line(name: &str, verdict: &Verdict) -> String {
    let name = sanitize(name);
    let validity = verdict.validity.name();
    let findings = verdict.anomalies();
    let notes = || verdict.check("workload").and_then(|check| check.notes.first());
    let why = match (findings.first(), verdict.validity) {
        (Some((_, anomaly)), _) => format!("{} [{}]", anomaly.claim, anomaly.kind),
        (None, Validity::Unknown) => notes().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    format!("{name}\t{validity}\t{}", sanitize(&why)).trim_end().to_owned()
}

/// What a history is called.
fn named(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// Says what is wrong with the flags before a long history is read.
fn check_flags(args: &CheckArgs) -> Result<(), Stop> {
    if let Some(workload) = &args.workload {
        let workload = workloads::canonical(workload);
        known(workload)?;
        assumed_keys(args, workload)?;
    }
    availability(args)?;
    initial(args)?;
    Ok(())
}

fn availability(args: &CheckArgs) -> Result<Option<f64>, Stop> {
    let Some(text) = &args.availability else { return Ok(None) };
    let availability: Availability = text.parse().map_err(request::bad_plan)?;
    Ok(Some(availability.fraction()))
}

fn judge(args: &CheckArgs, path: &Path) -> Result<Case, Stop> {
    check_flags(args)?;
    let path = history_in(path);
    let plan = match args.workload {
        None if !is_standard_input(&path) => plan_beside(&path)?,
        _ => None,
    };
    let consistency_models = models(args, plan.as_ref())?;
    let history = read(&path)?;
    if history.operations.is_empty() {
        return Err(refused(&path, "there is no operation in it".to_owned()));
    }
    let workload = match (&args.workload, &plan) {
        (Some(workload), _) => workloads::canonical(workload),
        (None, Some(plan)) => plan.workload.name.as_str(),
        (None, None) => return Err(no_workload(&path, &history)),
    };
    known(workload)?;
    own_functions(&path, &history, workload)?;
    judge_as(args, history, workload, consistency_models)
}

/// Judges a history as that of a workload.
fn judge_as(
    args: &CheckArgs,
    history: History,
    workload: &str,
    consistency_models: Models,
) -> Result<Case, Stop> {
    let initial = initial(args)?;
    let availability = availability(args)?;
    let options = Options {
        workload,
        strict: args.judge != Some(JudgeArg::Maelstrom),
        availability,
        consistency_models,
        levels: match args.judge {
            Some(JudgeArg::Maelstrom) => Levels::Elle,
            _ => Levels::Exact,
        },
        assumed_keys: assumed_keys(args, workload)?,
        initial: initial.as_ref(),
        total_amount: args.total_amount,
        negative_balances: args.allow_negative_balances,
        group_size: args.group_size,
        ..Options::default()
    };
    let verdict = kolk_check::check_run(&history, None, &options);
    let explanation = args.explain.then(|| explain(&history, &verdict, &options));
    Ok(Case { history, verdict, workload: workload.to_owned(), availability, explanation })
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
    let names = match (args.consistency_models.as_deref().unwrap_or_default(), of_plan) {
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
    let failure = Failure::new(
        Trouble::Arguments,
        format!("there is no checker for the workload `{workload}`"),
    )
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
    Stop::user(Failure::new(Trouble::History, "no workload was given").cause(cause).advice(advice))
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
    let failure = Failure::new(Trouble::History, problem)
        .cause(format!("{cause}, whose are {}", listed(&own)));
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
    let workload = args.workload.as_ref().or(args.elle.model.as_ref());
    let workload = workload.map(|workload| workloads::canonical(workload));
    if !matches!(workload, Some("register" | "multi-register")) {
        let cause = "the keys of the other workloads hold nothing in the beginning";
        let problem = "`--initial` is for the workloads `register` and `multi-register`";
        return Err(Stop::user(Failure::new(Trouble::Arguments, problem).cause(cause)));
    }
    Value::from_json(text).or_else(|_| edn::read(text)).map(Some).map_err(|error| {
        let problem = format!("`--initial {text}` is neither JSON nor EDN");
        Stop::user(Failure::new(Trouble::Arguments, problem).cause(error.to_string()))
    })
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
        Failure::new(Trouble::Arguments, format!("`{flag}` is for the workload `txn-rw-register`"))
            .cause(reason),
    ))
}

fn refused(path: &Path, cause: String) -> Stop {
    let failure = Failure::new(
        Trouble::History,
        format!("cannot read the history {}", named(path)),
    )
    .cause(cause)
    .advice(
        "name a run folder, a history.jsonl of kolk's, a history.edn or history.txt of Jepsen's, \
             a JSON array of events, or a text of AWDIT's",
    );
    Stop::user(failure)
}

fn read(path: &Path) -> Result<History, Stop> {
    const BUFFER: usize = 1 << 18;
    let read = if is_standard_input(path) {
        let input = std::io::stdin().lock();
        kolk_history::read(BufReader::with_capacity(BUFFER, input), Vec::new())
    } else {
        let file = File::open(path).map_err(|error| refused(path, error.to_string()))?;
        kolk_history::read(BufReader::with_capacity(BUFFER, file), Vec::new())
    };
    let history = read.map_err(|error| refused(path, error.to_string()))?;
    match history.cut {
        Some(line) => Err(cut(path, line, &history)),
        None => Ok(history),
    }
}

/// Refuses a history whose text breaks off: what is missing may be what matters.
fn cut(path: &Path, line: u64, history: &History) -> Stop {
    let last = history.operations.last().map(|last| {
        let (index, name) = (last.index, last.function.name());
        format!("; operation {index}, `{name}`, is the last that was invoked before it")
    });
    let cause = format!("line {line} breaks off in a record{}", last.unwrap_or_default());
    let failure = Failure::new(
        Trouble::History,
        format!("cannot judge the history {}", named(path)),
    )
    .cause(cause)
    .advice("if it is still being written, wait for its end")
    .advice(format!(
        "to judge what is whole, remove everything from line {line} on, and close the bracket of \
             an array or vector"
    ));
    Stop::user(failure)
}
