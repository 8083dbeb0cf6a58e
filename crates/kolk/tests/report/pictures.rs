//! README's and the book's pictures of a report are made from runs, by
//! `KOLK_RENEW=1 cargo test -p kolk --test report pictures`, and are those of this version: beside them,
//! in `made.txt`, stands of which run and which page each was made, and those are held against the run
//! and the page as they are now.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Run;
use super::browser::Browser;

/// A picture: its name, the run, what of its page is shown, where the page is scrolled to, and the
/// height in pixels.
const PICTURES: [(&str, &str, &str, &str, u32); 2] = [
    (
        "report.png",
        "test -w broadcast --bin ./naive.py --clock virtual --node-count 5 --rate 10 --time-limit 12 \
         --latency 100 --nemesis partition --nemesis-interval 3 --concurrency 10 --seed 7",
        "#axis=time&view=200000000..800000000&anomaly=0",
        "diagram-panel",
        860,
    ),
    (
        "evidence.png",
        "test -w lin-kv --node seq-kv --node-count 3 --rate 20 --time-limit 10 --latency 20 --seed 7",
        "#anomaly=0",
        "verdict",
        760,
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book/src/pictures")
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run_of(words: &str) -> Run {
    let home = tempfile::tempdir().expect("a folder");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (from, to) in [
        ("tests/report/pictures/naive.py", "naive.py"),
        ("templates/python/kolknode.py", "kolknode.py"),
    ] {
        fs::copy(here.join(from), home.path().join(to)).expect("copied");
    }
    Run::in_folder(home, words, 1)
}

/// What the picture shows, as it is now: the page without what it says of the run, and the digest of
/// the run, which its folder and the place of its program are no part of.
fn now(name: &str, words: &str, run: &Run) -> String {
    let page = fs::read_to_string(run.page()).expect("a page");
    let is_data = |line: &&str| line.starts_with("<script type=\"application/octet-stream\"");
    let page: Vec<&str> = page.lines().filter(|line| !is_data(line)).collect();
    let results = fs::read(run.latest().join("results.json")).expect("results");
    let results: Value = serde_json::from_slice(&results).expect("JSON");
    let events = results["run"]["digest"].as_str().expect("a digest");
    let page = digest(page.join("\n").as_bytes());
    format!("{name}\n  kolk {words}\n  run {events}\n  page {page}\n")
}

fn decoded(base64: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte).map(|at| at as u32);
    let digits: Vec<u32> = base64.bytes().filter_map(digit).collect();
    let group = |group: &[u32]| {
        let bits = group.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - group.len()));
        bits.to_be_bytes()[1..group.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

/// Takes the picture.
fn take(run: &Run, fragment: &str, panel: &str, height: u32) -> Vec<u8> {
    let mut browser = Browser::start();
    let size = json!({"width": 1280, "height": height, "deviceScaleFactor": 1, "mobile": false});
    browser.call("Emulation.setDeviceMetricsOverride", size);
    browser.open(&run.page(), fragment);
    let below = if panel == "verdict" { 110 } else { 120 };
    browser.eval(&format!(
        "scrollTo(0, document.getElementById('{panel}').getBoundingClientRect().top + scrollY - {below})"
    ));
    browser.settle();
    let shot = browser.call("Page.captureScreenshot", json!({"format": "png"}));
    decoded(shot["data"].as_str().expect("a picture"))
}

pub fn pictures_are_those_of_this_version() {
    let renew = std::env::var_os("KOLK_RENEW").is_some();
    let mut made = String::new();
    for (name, words, fragment, panel, height) in PICTURES {
        let run = run_of(words);
        let path = folder().join(name);
        if renew {
            fs::write(&path, take(&run, fragment, panel, height)).expect("written");
        }
        let picture = digest(&fs::read(&path).expect("a picture"));
        made.push_str(&format!("{}  picture {picture}\n", now(name, words, &run)));
    }
    let stored = folder().join("made.txt");
    if renew {
        fs::write(&stored, &made).expect("written");
    }
    let stored = fs::read_to_string(stored).expect("what they were made from");
    assert!(
        made == stored,
        "the pictures are not those of this version:\n{made}\nbut they were made from\n{stored}\nto renew \
         them, and look at them: KOLK_RENEW=1 cargo test -p kolk --test report pictures"
    );
}

pub fn base64_is_read() {
    for (text, bytes) in
        [("", ""), ("TQ==", "M"), ("TWE=", "Ma"), ("TWFu", "Man"), ("TWFuTWE=", "ManMa")]
    {
        assert_eq!(decoded(text), bytes.as_bytes(), "{text}");
    }
}
