//! The commands, one module each: what is asked of whom, and what is printed.

pub mod challenge;
pub mod check;
pub mod help;
pub mod node;
pub mod replay;
pub mod report;
pub mod serve;
pub mod test;
pub mod verify;

use kolk_report::{results, screen};

use crate::runner::Finished;
use crate::terminal;

/// How kolk was called, for lines that one can copy: `cargo kolk` through the workspace's alias.
pub fn program() -> &'static str {
    if std::env::var_os("CARGO_MANIFEST_DIR").is_some() { "cargo kolk" } else { "kolk" }
}

/// Prints a finished run: its screen, or its results as JSON.
pub fn show(finished: &Finished, json: bool) {
    if json {
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
        terminal::print(&screen::draw(&report, terminal::out_style()));
    }
}
