//! `kolk watch`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitStatus};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::Parser;
use kolk_report::Role;
use kolk_report::failure::{Failure, Trouble};
use kolk_report::sanitize::sanitize;
use rustix::process::{Pid, Signal, kill_process};

use crate::args::{Cli, Command, LearnArgs, LearnCommand, WatchArgs};
use crate::status::{Status, Stop};
use crate::{commands, project, signals, terminal};

/// How often files are looked at.
const PERIOD: Duration = Duration::from_millis(100);

/// How often in a row files must look the same before they count as written.
const CALM: u32 = 3;

/// How many files are looked at, at most: a folder may lead anywhere.
const FILES_MAX: usize = 10_000;

/// Where a store notes the last command.
const NOTE: &str = ".last-command.json";

/// Notes what was typed, for a `kolk watch` to come. What cannot be noted is no reason not to run.
pub fn note(store: &Path) {
    let words: Option<Vec<String>> =
        std::env::args_os().skip(1).map(|word| word.into_string().ok()).collect();
    // A watched command is a repetition, and would lose the words that it repeats.
    let is_watched = std::env::var_os(WATCHED).is_some();
    let is_repeated = |words: &Vec<String>| {
        !is_watched && matches!(words.first().map(String::as_str), Some("test" | "challenge"))
    };
    if let Some(words) = words.filter(is_repeated) {
        let _ = fs::write(store.join(NOTE), serde_json::json!(words).to_string());
    }
}

/// Set for the commands that are run here.
const WATCHED: &str = "KOLK_WATCHED";

/// Runs a command, and again whenever what it tests changes.
pub fn run(args: &WatchArgs) -> Result<Status, Stop> {
    let words = if args.words.is_empty() { last(args)? } else { args.words.clone() };
    let completed = [OsString::from("kolk")].into_iter().chain(words.iter().map(OsString::from));
    let completed = project::complete(completed.collect())?;
    let watched = watched(&words, &completed)?;
    let me = std::env::current_exe().context("cannot find this program")?;
    let line = format!("{} {}", commands::program(), words.join(" "));
    let mut why = String::new();
    loop {
        let before = stamps(&watched);
        say(Role::Strong, &format!("{line}{why}"));
        let status = repeat(&me, &words)?;
        let code = status.code();
        if code == Some(Status::Interrupted as i32) {
            return Ok(Status::Interrupted);
        }
        if signals::stop_wanted() {
            return Ok(Status::Valid);
        }
        let holds = status.success();
        if !holds && args.exit_on_failure {
            return Ok(match code {
                Some(1) => Status::Invalid,
                Some(2) => Status::Unknown,
                Some(254) => Status::BadArguments,
                _ => Status::Internal,
            });
        }
        let (role, how) =
            if holds { (Role::Good, "✓ it holds") } else { (Role::Bad, "✗ it does not hold") };
        let names: Vec<_> = watched.iter().map(|path| path.display().to_string()).collect();
        say(role, &format!("{how}; waiting for a change of {}", names.join(", ")));
        let Some(changed) = change(&watched, &before) else { return Ok(Status::Valid) };
        why = format!("   ({} has changed)", changed.display());
    }
}

fn say(role: Role, text: &str) {
    let style = terminal::error_style();
    terminal::print_error(&format!("\n{}\n", style.paint(role, sanitize(text))));
}

/// The command that was last typed with this store.
fn last(args: &WatchArgs) -> Result<Vec<String>, Stop> {
    let text = fs::read_to_string(args.store.join(NOTE)).ok();
    let words: Option<Vec<String>> = text.and_then(|text| serde_json::from_str(&text).ok());
    if let Some(words) = words.filter(|words| !words.is_empty()) {
        return Ok(words);
    }
    // A project knows what to test.
    if Path::new(project::NAME).is_file() {
        return Ok(vec!["test".to_owned()]);
    }
    let store = args.store.display();
    Err(Stop::user(
        Failure::new(
            Trouble::RunFolder,
            format!("no test or challenge was run with the store {store} yet"),
        )
        .advice("name the command: kolk watch test -w echo --bin ./my-node"),
    ))
}

/// What is looked at: what the project's program is made of, or the program that was named.
fn watched(words: &[String], completed: &project::Completed) -> Result<Vec<PathBuf>, Stop> {
    let cli = Cli::try_parse_from(&completed.words).map_err(|error| {
        let text = error.to_string();
        let problem = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        Stop::user(
            Failure::new(Trouble::Arguments, problem)
                .advice("kolk watch repeats tests and challenges"),
        )
    })?;
    let bin = match cli.command {
        Command::Test(args) => args.run.bin,
        Command::Challenge(args) => args.bin,
        Command::CheckNode(args) => args.bin,
        Command::Learn(LearnArgs { command: Some(LearnCommand::Check(args)), .. }) => {
            let mut watched = super::learn::programs(&args)?;
            if args.bin.is_none() {
                watched.extend(project::sources()?);
                watched.push(PathBuf::from(project::NAME));
            }
            watched.sort();
            watched.dedup();
            return Ok(watched);
        }
        _ => {
            let failure = Failure::new(
                Trouble::Arguments,
                format!("`kolk {}` is not watched", words.join(" ")),
            )
            .advice("kolk watch repeats `test`, `challenge` and `check-node`");
            return Err(Stop::user(failure));
        }
    };
    let Some(bin) = bin else {
        let failure = Failure::new(
            Trouble::Program,
            "there is nothing to watch: no program of yours is under test",
        )
        .advice("name one with --bin: kolk watch test -w echo --bin ./my-node");
        return Err(Stop::user(failure));
    };
    if !completed.is_projects() {
        return Ok(vec![bin]);
    }
    let mut watched = project::sources()?;
    if watched.is_empty() {
        if completed.is_built() {
            // The build changes the program, and that would be the next reason to build.
            let failure = Failure::new(
                Trouble::Project,
                format!("{} says how to build, and not from what", project::NAME),
            )
            .advice("add the files and folders that the program is made of: sources = [\"src\"]");
            return Err(Stop::user(failure));
        }
        watched.push(bin);
    }
    watched.push(PathBuf::from(project::NAME));
    Ok(watched)
}

/// Runs the command in a process of its own, to its end. A signal is passed on once: the command
/// writes what it has.
fn repeat(me: &Path, words: &[String]) -> Result<ExitStatus, Stop> {
    let mut process = Process::new(me);
    process.env(WATCHED, "1").args(&words[..1]);
    if words[0] == "challenge" {
        process.arg("--fail-fast");
    }
    // Ctrl-C goes to a whole group, and twice means at once.
    process.args(&words[1..]).process_group(0);
    let mut child = process.spawn().context("cannot start kolk again")?;
    let mut is_told = false;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for kolk")? {
            return Ok(status);
        }
        if signals::stop_wanted() && !is_told {
            is_told = true;
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::INT);
            }
        }
        pause();
    }
}

/// What a file looks like: when it was written and how long it is; nothing for one that is not
/// there.
type Stamp = Option<(SystemTime, u64)>;

/// All files in these places, with what they look like.
fn stamps(places: &[PathBuf]) -> Vec<(PathBuf, Stamp)> {
    let mut open = places.to_vec();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if found.len() == FILES_MAX {
            break;
        }
        let metadata = fs::metadata(&path).ok();
        if metadata.as_ref().is_some_and(fs::Metadata::is_dir) {
            let entries = fs::read_dir(&path).into_iter().flatten().filter_map(Result::ok);
            let is_hidden =
                |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with('.');
            open.extend(entries.filter(|entry| !is_hidden(entry)).map(|entry| entry.path()));
        } else {
            let stamp = metadata.and_then(|file| Some((file.modified().ok()?, file.len())));
            found.push((path, stamp));
        }
    }
    found.sort();
    found
}

/// Waits until something is not as it was, and is written to its end. Gives back what; nothing if
/// it is to wait no longer.
fn change(places: &[PathBuf], before: &[(PathBuf, Stamp)]) -> Option<PathBuf> {
    let mut last = before.to_vec();
    let mut calm = 0;
    loop {
        if signals::stop_wanted() {
            return None;
        }
        let now = stamps(places);
        calm = if now == last { calm + 1 } else { 0 };
        // A file that is being replaced is away for a moment; what a project names and does not
        // have yet is not waited for.
        let is_there = |file: &(PathBuf, Stamp)| file.1.is_some() || before.contains(file);
        let is_whole = now.iter().all(is_there);
        if now != before && calm >= CALM && is_whole {
            let changed = now.iter().find(|file| !before.contains(file));
            let gone = || before.iter().find(|file| !now.contains(file));
            return changed.or_else(gone).map(|(path, _)| path.clone());
        }
        last = now;
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "files are written by the machine's clock")]
fn pause() {
    std::thread::sleep(PERIOD);
}
