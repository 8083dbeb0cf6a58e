//! The commands, one module each: what is asked of whom, and what is printed.

pub mod challenge;
pub mod check;
pub mod check_node;
pub mod elsewhere;
pub mod explore;
pub mod help;
pub mod learn;
pub mod merge;
pub mod new;
pub mod node;
pub mod paper;
pub mod prune;
pub mod replay;
pub mod report;
pub mod serve;
pub mod shrink;
pub mod test;
pub mod verify;
pub mod watch;

use std::io::{BufRead, BufReader};

use kolk_report::sanitize::sanitize;
use kolk_report::{Role, results, screen};

use crate::args::OutputArgs;
use crate::runner::Finished;
use crate::{stored, terminal};

/// How kolk was called, for lines that one can copy: `cargo kolk` through the workspace's alias.
pub fn program() -> &'static str {
    if std::env::var_os("CARGO_MANIFEST_DIR").is_some() { "cargo kolk" } else { "kolk" }
}

/// Prints a finished run: its screen, its verdict alone, or its results as JSON. What could not be
/// drawn or linked afterwards is said, and takes nothing from the verdict.
pub fn show(finished: &Finished, output: &OutputArgs) {
    if output.json {
        let json = results::json(
            &finished.plan,
            &finished.run.summary,
            &finished.verdict,
            &finished.facts,
        );
        terminal::print(&String::from_utf8_lossy(&json));
    } else {
        let folder = finished.folder_text();
        let report = finished.report(&folder, program());
        let draw = if output.quiet { screen::draw_verdict } else { screen::draw };
        terminal::print(&draw(&report, terminal::out_style()));
    }
    warn(finished);
}

/// Says what could not be drawn or linked.
pub fn warn(finished: &Finished) {
    let style = terminal::error_style();
    for trouble in &finished.troubles {
        terminal::print_error(&trouble.draw(style));
    }
    if !finished.troubles.is_empty() {
        let note = style.paint(Role::Doubtful, "note:");
        let what = if finished.is_torn {
            "what is stored of the run is not whole"
        } else {
            "the run is over and the verdict stands"
        };
        terminal::print_error(&format!("{note} {what}\n"));
    }
}

/// What the nodes wrote to stderr, line by line, with their names.
pub fn show_logs(finished: &Finished) {
    for node in &finished.plan.nodes {
        let Ok(file) = stored::open(&finished.folder, &format!("node-logs/{node}.log")) else {
            continue;
        };
        for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            terminal::print_error(&format!("{node} | {}\n", sanitize(line.trim_end_matches('\r'))));
        }
    }
}
