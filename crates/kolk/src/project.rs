//! `kolk.toml`, the defaults of a project: words that go before those of the command line.
//!
//! What the file gives is written as flags and read by the same parser as what is typed, so a flag
//! means the same in both, and every flag there is can stand in the file.

mod file;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, Parser};
use kolk_report::Role;
use kolk_report::failure::{Failure, Trouble};

use crate::args::{self, Cli, RunArgs};
use crate::status::Stop;
use crate::{request, terminal};

pub use self::file::{COMMANDS, NAME, ProjectFile};
use self::file::{Entry, given_long};

/// The commands that run the project's program.
const RUNNERS: [&str; 3] = ["test", "challenge", "check-node"];

/// A command line with the project's defaults in it.
#[derive(Debug, Default)]
pub struct Completed {
    /// All words, the program's name first.
    pub words: Vec<OsString>,
    /// What was taken from the file.
    used: Vec<Entry>,
    /// The command that makes the program, if the program comes from the file.
    build: Option<String>,
}

/// The command line as typed, with what the `kolk.toml` of this folder adds to it.
///
/// # Errors
///
/// If the file cannot be read, or holds what kolk does not know.
pub fn complete(words: Vec<OsString>) -> Result<Completed, Stop> {
    let typed = Completed { words, ..Completed::default() };
    let name = typed.words.get(1).and_then(|word| word.to_str()).unwrap_or_default().to_owned();
    let name = name.as_str();
    let takes_store = matches!(name, "store" | "watch");
    if !(COMMANDS.contains(&name) || takes_store) {
        return Ok(typed);
    }
    let Some(file) = ProjectFile::read(Path::new(NAME))? else { return Ok(typed) };
    let mut cli = Cli::command();
    cli.build();
    // Whoever asks for help, or made a mistake, is answered without the file.
    let matches = cli.clone().ignore_errors(true).try_get_matches_from(&typed.words);
    let Ok(matches) = matches else { return Ok(typed) };
    // `store prune` is two words.
    let depth = if name == "store" { 2 } else { 1 };
    let (mut command, mut matches) = (&cli, &matches);
    for _ in 0..depth {
        let Some((name, inner)) = matches.subcommand() else { return Ok(typed) };
        let Some(found) = command.find_subcommand(name) else { return Ok(typed) };
        (command, matches) = (found, inner);
    }
    Ok(with_defaults(typed, &file, name, depth, (command, matches)))
}

fn with_defaults(
    typed: Completed,
    file: &ProjectFile,
    name: &str,
    depth: usize,
    (command, matches): (&Command, &ArgMatches),
) -> Completed {
    let Completed { mut words, mut used, .. } = typed;
    let mut build = None;
    let mut ending: Vec<OsString> = Vec::new();
    let is_free = |long: &str| is_free(command, matches, long);
    let is_list = name == "challenge" && matches.get_flag("list");
    if RUNNERS.contains(&name) && !is_list {
        let own_bin = file.flags_of(name).any(|entry| entry.long == "bin" || entry.long == "node");
        if let Some(bin) = file.bin.as_ref().filter(|_| is_free("bin") && !own_bin) {
            let given_args = matches.value_source("args") == Some(ValueSource::CommandLine);
            if !given_args && !file.args.is_empty() {
                ending.push("--".into());
                ending.extend(file.args.iter().map(OsString::from));
            }
            used.push(bin.clone());
            build.clone_from(&file.build);
        }
    }
    if let Some(store) = file.store.as_ref().filter(|_| is_free("store")) {
        used.push(store.clone());
    }
    let flags = file.flags_of(name).filter(|entry| is_free(&entry.long));
    used.extend(flags.cloned());
    let added = used.iter().flat_map(|entry| entry.words_for(name)).map(OsString::from);
    let place = (depth + 1).min(words.len());
    words.splice(place..place, added);
    words.extend(ending);
    Completed { words, used, build }
}

/// True if the command has the flag, and neither it nor one that excludes it was typed.
fn is_free(command: &Command, matches: &ArgMatches, long: &str) -> bool {
    let Some(arg) = given_long(command, long) else { return false };
    let typed = |id: &clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
    let is_excluded = command.get_arguments().any(|other| {
        let excludes = |one: &clap::Arg, other: &clap::Arg| {
            command.get_arg_conflicts_with(one).iter().any(|found| found.get_id() == other.get_id())
        };
        typed(other.get_id()) && (excludes(arg, other) || excludes(other, arg))
    });
    !typed(arg.get_id()) && !is_excluded
}

impl Completed {
    /// True if the program is the one that the file names.
    pub fn is_projects(&self) -> bool {
        self.used.iter().any(|entry| entry.long == "bin")
    }

    /// True if the file says how the program is made.
    pub fn is_built(&self) -> bool {
        self.build.is_some()
    }

    /// Makes the program, if the file says how and names it.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn build(&self, quiet: bool) -> Result<(), Stop> {
        self.build.as_deref().map_or(Ok(()), |build| carry_out(build, quiet))
    }

    /// The same failure, with the line of the file that it comes from, if it comes from there.
    pub fn blame(&self, stop: Stop) -> Stop {
        let Some(problem) = self.problem_without(&[]) else { return stop };
        if problem != stop.failure.problem {
            return stop;
        }
        // Best an entry without which all is well; else one without which something else is wrong,
        // if it is the one that the problem is about: without a program nothing can be right.
        let without = |entry: &&Entry| self.problem_without(&entry.words_for("test"));
        let is_about = |entry: &&Entry| entry.is_named_in(&problem);
        let to_blame = self.used.iter().find(|entry| without(entry).is_none()).or_else(|| {
            let mut named = self.used.iter().filter(is_about);
            named.find(|entry| without(entry).as_ref() != Some(&problem))
        });
        match to_blame {
            Some(entry) => Stop { failure: stop.failure.cause(entry.place()), ..stop },
            None => stop,
        }
    }

    /// What is wrong with the plan of a test, if some of its words are left out.
    fn problem_without(&self, left_out: &[String]) -> Option<String> {
        let is_kept = |word: &&OsString| !left_out.iter().any(|other| other.as_str() == **word);
        let cli = Cli::try_parse_from(self.words.iter().filter(is_kept)).ok()?;
        let args::Command::Test(test) = cli.command else { return None };
        let asked = RunArgs { node_args: test.args.clone(), ..test.run };
        request::plan_of(&asked, 0).err().map(|stop| stop.failure.problem)
    }
}

/// What the program of this folder's project is made of, files and folders.
///
/// # Errors
///
/// If the file cannot be read, or holds what kolk does not know.
pub fn sources() -> Result<Vec<PathBuf>, Stop> {
    Ok(ProjectFile::read(Path::new(NAME))?.map(|file| file.sources).unwrap_or_default())
}

/// The project of this folder, if there is one.
///
/// # Errors
///
/// If the file cannot be read, or holds what kolk does not know.
pub fn here() -> Result<Option<ProjectFile>, Stop> {
    ProjectFile::read(Path::new(NAME))
}

/// Makes the program of this folder's project, if its file says how.
///
/// # Errors
///
/// If it cannot be made.
pub fn make(quiet: bool) -> Result<(), Stop> {
    match here()?.and_then(|file| file.build) {
        Some(build) => carry_out(&build, quiet),
        None => Ok(()),
    }
}

/// Carries out a build command.
fn carry_out(build: &str, quiet: bool) -> Result<(), Stop> {
    if !quiet {
        let text = format!("build  {}", kolk_report::sanitize::sanitize(build));
        let note = terminal::error_style().paint(Role::Faint, text).to_string();
        terminal::print_error(&format!("{note}\n"));
    }
    let mut shell = Process::new("sh");
    // Standard output is for results.
    shell.args(["-c", &format!("exec 1>&2\n{build}")]).stdin(Stdio::null());
    let failed = match shell.status() {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    let failure =
        Failure::new(Trouble::Program, format!("the program cannot be made: `{build}` failed"))
            .cause(failed)
            .advice(format!("the command stands in {NAME}, as `build`"));
    Err(Stop::user(failure))
}
