//! The runs of many seeds, whose results are kept in a file as soon as each is there.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kolk_explore::sweep::{Results, Sweep};
use kolk_explore::{Halt, Lab, Observation, run_all};
use kolk_history::Plan;
use kolk_history::plan::ClockKind;
use kolk_report::explore::{Explored, Failed};
use kolk_report::failure::{Failure, Trouble};
use kolk_report::numbers::{counted, grouped};
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::bench::Bench;
use super::{asked, shard, tell};
use crate::args::ExploreArgs;
use crate::progress::Bar;
use crate::status::{Status, Stop};
use crate::{request, signals};

/// How many plans are made at once.
const AT_ONCE: usize = 512;

/// Runs these seeds, or this process's share of them, but for those whose results are there.
pub fn run(args: &ExploreArgs, seeds: Range<u64>) -> Result<Status, Stop> {
    let share = shard::share(args.shard, &|name| std::env::var(name).ok())?;
    let asked = asked::asked(args)?;
    if asked.settings.clock == ClockKind::Real {
        let failure = Failure::new(
            Trouble::Arguments,
            "the runs of a sweep must be repeatable, which those on the machine's clock are not",
        );
        return Err(Stop::user(failure.advice("leave out `--clock real`, or `--seeds`")));
    }
    let sweep = Sweep::new(asked.settings.clone(), asked.open, seeds).map_err(request::bad_plan)?;
    let path = args.results.clone().unwrap_or_else(|| default_path(share));
    let (file, results) = open(&path, &sweep)?;
    let (shard, of) = share.unwrap_or((1, 1));
    let done: BTreeSet<u64> =
        results.lines().keys().copied().filter(|seed| results.has(*seed)).collect();
    let done = &done;
    let left = || sweep.seeds(shard, of).filter(move |seed| !done.contains(seed));
    let bar = Bar::new(format!("sweep of {}", asked.settings.workload), args.output.quiet);
    let runs = Some(left().count() as u64);
    let bench = Bench::new(&bar, args.patience, args.time, runs, &asked.settings);
    let kept = Mutex::new(Kept { file, results });
    let recorder = Recorder { bench: &bench, sweep: &sweep, path: &path, kept: &kept };
    let mut left = left();
    loop {
        let plans = left.by_ref().take(AT_ONCE).map(|seed| sweep.plan(seed));
        let plans = plans.collect::<Result<Vec<Plan>, _>>().map_err(request::bad_plan)?;
        if plans.is_empty() || bench.is_over() {
            break;
        }
        run_all(&recorder, &plans, false, |_| false).map_err(|stop| *stop)?;
    }
    bar.finish();
    let kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    let explored = explored(&kept.results, share);
    tell(args.output.json, &args.formats, &explored)?;
    Ok(status(&explored))
}

fn default_path(share: Option<(u64, u64)>) -> PathBuf {
    match share {
        Some((shard, of)) => format!("sweep-{shard}-of-{of}.jsonl").into(),
        None => "sweep.jsonl".into(),
    }
}

/// A file that results are added to cannot be opened or written.
fn failed(what: &str, path: &Path, error: &std::io::Error) -> Stop {
    let failure = Failure::new(Trouble::Files, format!("cannot {what} {}", path.display()));
    Stop::internal(failure.cause(error.to_string()))
}

/// Opens the file to which results are added, and reads those that are there. What was being
/// written when a process was killed is cut off.
fn open(path: &Path, sweep: &Sweep) -> Result<(File, Results), Stop> {
    let cannot = |what: &'static str| move |error: std::io::Error| failed(what, path, &error);
    let mut options = OpenOptions::new();
    let options = options.read(true).append(true).create(true);
    let mut file = options.open(path).map_err(cannot("open"))?;
    // Not every file system can lock; then nobody is kept from doing the same work twice.
    let lock = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
    if lock == Err(Errno::WOULDBLOCK) {
        let failure = Failure::new(
            Trouble::Sweep,
            format!("another process adds results to {}", path.display()),
        );
        return Err(Stop::user(
            failure.advice("each process has a file of its own: --results FILE"),
        ));
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(|error| {
        let failure = Failure::new(Trouble::Sweep, format!("cannot read {}", path.display()));
        Stop::user(failure.cause(error.to_string()))
    })?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    // Of what else may stand in a file nothing is cut off.
    let (begins, end): (&[u8], &[u8]) =
        (if whole == 0 { b"{\"kolk-sweep\"" } else { b"{\"sweep\"" }, &text[whole..]);
    let known = end.len().min(begins.len());
    if end[..known] != begins[..known] {
        let failure =
            Failure::new(Trouble::Sweep, format!("cannot use the results in {}", path.display()));
        return Err(Stop::user(failure.cause("its last line is no line of a sweep")));
    }
    let mut results = Results::default();
    take(&mut results, path, &text[..whole])?;
    let is_new = results.sweep().is_none();
    results.header(sweep.header().clone()).map_err(|error| {
        let failure =
            Failure::new(Trouble::Sweep, format!("cannot add results to {}", path.display()));
        Stop::user(failure.cause(error.to_string()).advice("another file: --results FILE"))
    })?;
    file.set_len(whole as u64).map_err(cannot("write"))?;
    if is_new {
        let header = serde_json::to_string(sweep.header()).expect("it can be stored");
        file.write_all(format!("{header}\n").as_bytes()).map_err(cannot("write"))?;
    }
    Ok((file, results))
}

/// Takes the lines of a file.
pub fn take(results: &mut Results, path: &Path, text: &[u8]) -> Result<(), Stop> {
    let taken = std::str::from_utf8(text).map_err(|error| error.to_string());
    let taken = taken.and_then(|text| results.take(text).map_err(|error| error.to_string()));
    taken.map(drop).map_err(|problem| {
        let failure =
            Failure::new(Trouble::Sweep, format!("cannot use the results in {}", path.display()));
        Stop::user(failure.cause(problem))
    })
}

/// Results, in a file and in memory.
struct Kept {
    file: File,
    results: Results,
}

/// A lab that keeps what comes of each run before it goes on.
struct Recorder<'a> {
    bench: &'a Bench<'a>,
    sweep: &'a Sweep,
    path: &'a Path,
    kept: &'a Mutex<Kept>,
}

impl Lab for Recorder<'_> {
    type Error = Box<Stop>;

    fn run(&self, plan: &Plan, detail: bool) -> Result<Observation, Halt<Box<Stop>>> {
        let seen = self.bench.run(plan, detail)?;
        let line = self.sweep.line(plan, &seen);
        let text = serde_json::to_string(&line).expect("it can be stored") + "\n";
        let Ok(mut kept) = self.kept.lock() else { return Err(Halt::Interrupted) };
        kept.file
            .write_all(text.as_bytes())
            .map_err(|error| Halt::Failed(Box::new(failed("write", self.path, &error))))?;
        kept.results.line(line).map_err(|error| {
            let failure = Failure::new(
                Trouble::Sweep,
                format!("cannot use the results in {}", self.path.display()),
            );
            Halt::Failed(Box::new(Stop::user(failure.cause(error.to_string()))))
        })?;
        Ok(seen)
    }

    fn is_over(&self) -> bool {
        self.bench.is_over()
    }

    fn cores(&self) -> usize {
        self.bench.cores()
    }
}

/// What the runs of a sweep showed, or those of a share of it. It has nothing that differs from
/// machine to machine.
pub fn explored(results: &Results, share: Option<(u64, u64)>) -> Explored {
    let tally = results.tally();
    let missing = results.missing(results.seeds(share));
    let runs = counted(tally.runs, "run", "runs");
    let ending = match (tally.valid, missing.is_empty()) {
        (0, _) => format!("no run of {} could be judged", grouped(tally.runs)),
        (_, false) => format!("no failure in {runs}, and seeds are missing"),
        (_, true) => format!("no failure in {runs}"),
    };
    let unseen = tally.unseen_pairs();
    let header = results.sweep();
    let text = |part: fn(&kolk_explore::sweep::Header) -> &String| header.map(part).cloned();
    let failures = tally.failures.into_iter().map(|(class, (count, seed, claim))| Failed {
        class: class.to_string(),
        count,
        seed,
        claim,
        ..Failed::default()
    });
    Explored {
        workload: text(|header| &header.workload).unwrap_or_default(),
        node: text(|header| &header.node).unwrap_or_default(),
        strategy: "sweep".to_owned(),
        seeds: text(|header| &header.seeds),
        shard: share,
        runs: tally.runs,
        valid: tally.valid,
        unknown: tally.unknown,
        errors: tally.errors,
        first_error: tally.first_error,
        operations: tally.operations,
        messages: tally.messages,
        timelines: tally.timelines.len() as u64,
        pairs: tally.pairs.len() as u64,
        unseen,
        troubles: tally
            .troubles
            .into_iter()
            .map(|(name, (planned, struck))| (name, planned, struck))
            .collect(),
        ending,
        failures: failures.collect(),
        missing,
        ..Explored::default()
    }
}

/// Invalid if a run failed; else interrupted, or unknown if the sweep is not whole or no run could
/// be judged.
pub fn status(explored: &Explored) -> Status {
    match explored {
        _ if !explored.failures.is_empty() => Status::Invalid,
        _ if signals::stop_wanted() => Status::Interrupted,
        _ if !explored.missing.is_empty() || explored.valid == 0 => Status::Unknown,
        _ => Status::Valid,
    }
}
