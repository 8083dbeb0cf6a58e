//! The kinds of trouble that keep kolk from doing what it was asked for: the book's page on them
//! and `kolk help trouble` are drawn from here, and every failure names its own.

use std::fmt;

/// What kind of trouble a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The command line.
    Arguments,
    /// `kolk.toml`, `kolk new` and the progress of the course.
    Project,
    /// The program under test.
    Program,
    /// Nodes that do not get ready.
    Start,
    /// Plans.
    Plan,
    /// Run folders and what they hold.
    RunFolder,
    /// Histories.
    History,
    /// Results of sweeps.
    Sweep,
    /// Files and folders that cannot be written.
    Files,
    /// What the operating system refuses.
    System,
    /// kolk itself.
    Kolk,
}

impl Trouble {
    /// All of them, in the order of the page.
    pub const ALL: &[Trouble] = &[
        Trouble::Arguments,
        Trouble::Project,
        Trouble::Program,
        Trouble::Start,
        Trouble::Plan,
        Trouble::RunFolder,
        Trouble::History,
        Trouble::Sweep,
        Trouble::Files,
        Trouble::System,
        Trouble::Kolk,
    ];

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Trouble> {
        Trouble::ALL.iter().copied().find(|trouble| trouble.name() == name)
    }

    /// What it is called in `kolk help trouble NAME`.
    pub fn name(self) -> &'static str {
        match self {
            Trouble::Arguments => "arguments",
            Trouble::Project => "project",
            Trouble::Program => "program",
            Trouble::Start => "start",
            Trouble::Plan => "plan",
            Trouble::RunFolder => "run-folder",
            Trouble::History => "history",
            Trouble::Sweep => "sweep",
            Trouble::Files => "files",
            Trouble::System => "system",
            Trouble::Kolk => "kolk",
        }
    }

    /// What has happened; whole sentences.
    fn what(self) -> &'static str {
        match self {
            Trouble::Arguments => {
                "The command line names something that does not exist, or asks for things that \
                 exclude each other. Nothing was run, read or written."
            }
            Trouble::Project => {
                "What describes a project cannot be used: `kolk.toml`, the folder that `kolk new` \
                 was to make, or `learn.json`, in which `kolk learn` keeps what was passed."
            }
            Trouble::Program => {
                "The program under test cannot be run: it is not there, is not executable, is \
                 written for an interpreter that is not installed, or the command that makes it \
                 failed. No node was started."
            }
            Trouble::Start => {
                "A node was started and did not get ready: it ended, wrote something other than a \
                 message, refused `init`, or did not answer it in time. On the virtual clock it \
                 may also be a program that neither speaks lockstep nor can be traced on this \
                 machine. No operation was performed, so nothing is said about the node's \
                 algorithm."
            }
            Trouble::Plan => {
                "A plan cannot be carried out: the file is no plan, was made by a version of kolk \
                 whose plans mean something else, or asks for what this kolk refuses, such as more \
                 nodes than there are names for."
            }
            Trouble::RunFolder => {
                "What a run left behind is missing or cannot be read. If a challenge passes, only \
                 `plan.json`, `results.json`, `results.edn`, `jepsen.log`, `node-logs/` and \
                 `node-data/` are kept, unless `--keep all` is given; a run that was killed has no \
                 results."
            }
            Trouble::History => {
                "A history cannot be judged: the file is not there or in none of the known \
                 formats, a line of it is no event, an operation completes that was never invoked, \
                 a process invokes twice, the text breaks off in the middle of a record, or its \
                 operations belong to another workload. Such a history gets no verdict at all, \
                 because what is missing may be what matters."
            }
            Trouble::Sweep => {
                "The results of a sweep cannot be used: a file has lines that are no results, \
                 comes from another node, plan or version than those beside it, or is being \
                 written by another process; or the share of the seeds that this process takes is \
                 not known."
            }
            Trouble::Files => {
                "A file or a folder cannot be written or read. If a run was going on, it was \
                 ended, and what was stored of it up to then is whole."
            }
            Trouble::System => {
                "The operating system refused what every run needs: a process, a descriptor, \
                 memory, a port, a terminal."
            }
            Trouble::Kolk => {
                "kolk itself failed. That is a mistake in kolk and says nothing about the node or \
                 the history that it was given."
            }
        }
    }

    /// What to do; whole sentences.
    fn advice(self) -> &'static str {
        match self {
            Trouble::Arguments => {
                "The message lists what there is, and what comes near to the word that was given. \
                 `kolk help COMMAND` explains every flag of a command, and `kolk challenge --list` \
                 shows the challenges."
            }
            Trouble::Project => {
                "The message names the line. `kolk new --help` shows what a project consists of; \
                 a `kolk.toml` has the keys `bin`, `args`, `build`, `sources` and `store`, and \
                 tables with flags of commands: `[test]`, `[challenge]`, `[check-node]`, \
                 `[verify]` and `[serve]`. The file in which progress is kept may be removed: \
                 `kolk learn check` finds out again what holds."
            }
            Trouble::Program => {
                "Start the program by hand: it should wait for a line and print nothing. The first \
                 line of a script names its interpreter (`#!/usr/bin/env python3`), and `chmod +x` \
                 makes it executable. `kolk check-node PROGRAM` then goes through the protocol \
                 step by step."
            }
            Trouble::Start => {
                "Read the end of its stderr below the message, and the whole of it in the run's \
                 `node-logs`. A node reads one line of JSON from stdin, answers `init` with \
                 `init_ok`, and writes everything that is no message to stderr: `kolk help \
                 protocol` shows these lines, and `kolk check-node PROGRAM` tries them one at a \
                 time. A node that needs long to start is given more time by `--init-timeout \
                 SECONDS`. A program that cannot be traced runs on the real clock: `--clock real`."
            }
            Trouble::Plan => {
                "Make the plan anew with the flags of `kolk test`: `--seed` gives the same run \
                 again. A plan of another version is carried out by the version that made it, \
                 which its `kolk-version` names."
            }
            Trouble::RunFolder => {
                "Name a folder that holds `plan.json` and `results.json`, such as `store/latest`. \
                 `kolk replay FOLDER` carries its plan out again and leaves everything there is to \
                 know."
            }
            Trouble::History => {
                "The message names the line and the operation. `kolk check --help` lists the \
                 formats, and `-w` says which workload the history is of. If it is still being \
                 written, wait for its end."
            }
            Trouble::Sweep => {
                "Give each process a file of its own (`--results FILE`), and merge only files that \
                 come from one node, one version and the same flags: `kolk merge FILES`. `--shard \
                 2/7` says which share of the seeds is taken."
            }
            Trouble::Files => {
                "See whether the disk is full and whether the folder may be written. `kolk store \
                 prune` removes old runs, `--store FOLDER` stores runs elsewhere, and `--run-max` \
                 and `--node-log-max` bound what one run may take."
            }
            Trouble::System => {
                "The message says which limit was met. Fewer nodes (`--node-count`) need less; \
                 `ulimit -n` and `ulimit -u` show the limits of descriptors and processes."
            }
            Trouble::Kolk => {
                "Please send the message, the command, and the run's folder or the file that was \
                 read to the project's issues."
            }
        }
    }

    /// The section about it, as Markdown.
    pub fn section(self) -> String {
        format!("## {}\n\n{}\n\n{}\n", self.name(), self.what(), self.advice())
    }
}

/// Its name.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What stands at the top of the book's page.
pub const DRAWN: &str = "<!-- drawn from crates/kolk-report/src/failure/trouble.rs; to renew it: \
                     KOLK_RENEW=1 cargo test -p kolk --test reference -->\n";

/// The page on all of them.
pub fn page() -> String {
    let links: Vec<String> =
        Trouble::ALL.iter().map(|trouble| format!("[`{trouble}`](#{trouble})")).collect();
    let mut page = format!(
        "{DRAWN}# Errors\n\nWhat keeps kolk from doing what it was asked for. An error says what \
         could not be done, why, and what to do; unless it is about arguments, its last line names \
         the section of this page that says more: {}. `kolk help trouble NAME` prints a section. \
         The exit status is 254 if the arguments, the node, or a file that was named for reading \
         is at fault; it is 255 if a file cannot be written, or the machine or kolk is at fault. \
         What a checker finds in a run is no error but a verdict: see [anomalies](anomalies.md). \
         What nodes answer to requests that they refuse is on the page on [the \
         protocol](protocol.md#errors).\n",
        links.join(", ")
    );
    for trouble in Trouble::ALL {
        page.push('\n');
        page.push_str(&trouble.section());
    }
    page
}
