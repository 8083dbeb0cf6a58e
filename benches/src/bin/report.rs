//! How fast the report is: `report PROGRAM`, where PROGRAM is the release `kolk`.
//!
//! Each run is made, its page drawn again three times from the folder alone, and opened in a
//! headless Chromium of 1280 by 900 pixels. Drawing counts with the program's start and all
//! reading; the first paint and when the page is usable count from the navigation's beginning.
//! Frames are those of 30 steps of panning with the diagram and the operations in sight.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[path = "../../../crates/kolk/tests/report/browser.rs"]
#[expect(dead_code, reason = "the tests press keys and click, too")]
mod browser;

use browser::Browser;

/// What is measured: a name, and the words of the run.
const RUNS: &[(&str, &str)] = &[
    (
        "echo, 30 000 messages",
        "test -w echo --node echo --node-count 5 --concurrency 100 --rate 5000 --time-limit 3 \
         --seed 1",
    ),
    (
        "broadcast, 23 000 messages, reads of up to 4 000 values",
        "test -w broadcast --node broadcast --node-count 25 --rate 200 --time-limit 40 --latency \
         100 --seed 1",
    ),
    (
        "echo, a million messages",
        "test -w echo --node echo --node-count 5 --concurrency 100 --rate 50000 --time-limit 10 \
         --seed 1",
    ),
];

/// Pans in windows of several widths: for each the messages in view, and the frames' median and
/// worst.
const PAN: &str = "(async () => { document.getElementById('diagram-panel').scrollIntoView(); const \
                   [, end] = kolk.state.whole(); const found = []; for (const part of [0.6, 0.3, \
                   0.1, 0.01]) { kolk.state.show(0, end * part); await new \
                   Promise(requestAnimationFrame); const times = []; let last = performance.now(); \
                   for (let k = 0; k < 30; k++) { kolk.state.pan(0.02); await new \
                   Promise(requestAnimationFrame); const now = performance.now(); times.push(now - \
                   last); last = now; } times.sort((a, b) => a - b); \
                   found.push(`${kolk.drawings[1].inView}: ${times[15].toFixed(0)} \
                   (${times[29].toFixed(0)})`); } return found.join(', '); })()";

fn main() {
    let program = std::env::args().nth(1).expect("the path of the release kolk");
    let program = fs::canonicalize(program).expect("the program is there");
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load.trim());
    println!(
        "| run | drawn s | page MB | first paint ms | usable ms | messages in view: ms a frame \
         (worst) |"
    );
    println!("|---|---:|---:|---:|---:|---|");
    for (name, words) in RUNS {
        let folder = tempfile::tempdir().expect("a folder");
        kolk(&program, folder.path(), words);
        let drawn = (0..3).map(|_| kolk(&program, folder.path(), "report store/latest")).min();
        let page = page(folder.path());
        let bytes = fs::metadata(&page).expect("a page").len();
        let mut browser = Browser::start();
        browser.open(&page, "");
        let usable = browser.eval("Math.round(performance.now())");
        let paint =
            browser.eval("Math.round(performance.getEntriesByName('first-paint')[0].startTime)");
        let frames = browser.eval(PAN);
        assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
        println!(
            "| {name} | {:.2} | {:.1} | {paint} | {usable} | {} |",
            drawn.unwrap_or_default().as_secs_f64(),
            bytes as f64 / 1e6,
            frames.as_str().unwrap_or_default()
        );
    }
}

fn page(folder: &Path) -> PathBuf {
    folder.join("store/latest/report.html")
}

/// Runs the program, and gives how long that took.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures the wall clock")]
fn kolk(program: &Path, folder: &Path, words: &str) -> Duration {
    let began = Instant::now();
    let status = Command::new(program)
        .args(words.split_whitespace())
        .current_dir(folder)
        .stdout(Stdio::null())
        .status()
        .expect("kolk runs");
    assert!(status.success(), "{words}: {status}");
    began.elapsed()
}
