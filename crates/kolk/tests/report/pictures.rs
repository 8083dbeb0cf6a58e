//! README's and the book's pictures of a report and of `kolk serve` are made from runs, by
//! `KOLK_RENEW=1 cargo test -p kolk --test report pictures`, and are those of this version: beside
//! them, in `made.txt`, stands of which run and which page each was made, and those are held
//! against the run and the page as they are now.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::browser::Browser;
use super::serve::Server;
use super::{Run, kolk};

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

/// The runs in the picture of `kolk serve`, the oldest first. The last one goes on.
const STORE: [&str; 9] = [
    "test -w lin-kv --node seq-kv --node-count 3 --rate 20 --time-limit 10 --latency 20 --seed 7",
    "test -w lin-kv --node lin-kv --node-count 5 --rate 20 --time-limit 10 --nemesis partition --seed 13 \
     -- --service lin-kv",
    "challenge 3d --keep all",
    "test -w kafka --node kafka --node-count 5 --rate 50 --time-limit 10 --loss 0.1 --seed 31",
    "test -w g-counter --node g-counter --node-count 5 --rate 20 --time-limit 10 --nemesis partition --seed 41",
    "test -w txn-list-append --node txn-list-append --node-count 5 --rate 50 --time-limit 5 --seed 51 \
     -- --service lin-kv",
    "test -w txn-rw-register --node txn-rw-register --node-count 3 --rate 50 --time-limit 3 --seed 3",
    "test -w echo --node echo --node-count 5 --rate 50 --time-limit 3 --latency 2 --latency-dist exponential --seed 61",
    "test -w broadcast --node broadcast --node-count 4 --rate 20 --time-limit 20 --latency 50 \
     --loss 0.05 --nemesis partition --nemesis-interval 3 --seed 71",
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

/// What the picture shows, as it is now: the page without what it says of the run, and the digest
/// of the run, which its folder and the place of its program are no part of.
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

/// A store with [`STORE`]'s runs, which began a minute apart, and what is said of them in
/// `made.txt`.
fn store() -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().expect("a folder");
    let mut said = "serve.png\n".to_owned();
    for (number, words) in STORE.iter().enumerate() {
        let ran = kolk(home.path(), words);
        assert!(matches!(ran.status.code(), Some(0 | 1)), "{words}");
        said.push_str(&format!("  kolk {words}\n"));
        let mut runs = runs_of(&home.path().join("store"));
        runs.retain(|run| !run.ends_with_minute());
        for (place, run) in runs.iter().enumerate() {
            let results = fs::read(run.0.join("results.json")).expect("results");
            let results: Value = serde_json::from_slice(&results).expect("JSON");
            said.push_str(&format!("  run {}\n", results["run"]["digest"].as_str().expect("one")));
            let began = format!("{MINUTES}{:02}{:02}00.000", 10 + number, place * 2);
            let to = run.0.with_file_name(began);
            fs::rename(&run.0, &to).expect("renamed");
            if number + 1 == STORE.len() {
                fs::remove_file(to.join("results.json")).expect("removed");
            }
        }
    }
    (home, said)
}

/// When the runs of a store began, up to the minute.
const MINUTES: &str = "20261129T09";

/// A run's folder.
struct Kept(PathBuf);

impl Kept {
    /// True if it has been given its time.
    fn ends_with_minute(&self) -> bool {
        self.0.to_str().is_some_and(|path| path.contains(MINUTES) && path.ends_with("00.000"))
    }
}

/// The run folders of a store, the oldest first.
fn runs_of(store: &Path) -> Vec<Kept> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry"));
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.map(|entry| entry.path()).collect()
    };
    let mut runs: Vec<Kept> =
        folders(store).iter().flat_map(|path| folders(path)).map(Kept).collect();
    runs.sort_by(|a, b| a.0.file_name().cmp(&b.0.file_name()));
    runs
}

/// The sources of the page of `kolk serve`.
fn page_of_serve() -> String {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kolk-serve/src/page");
    let entries = fs::read_dir(sources).expect("sources");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let all: Vec<u8> = paths.iter().flat_map(|path| fs::read(path).expect("a source")).collect();
    digest(&all)
}

/// Takes the picture of a store: the newest run goes on, two others are chosen.
fn take_store(home: &Path) -> Vec<u8> {
    let newest = runs_of(&home.join("store")).pop().expect("a run");
    let lock = fs::File::open(newest.0).expect("open");
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).expect("locked");
    let server = Server::start(home);
    let mut browser = Browser::start();
    let size = json!({"width": 1280, "height": 460, "deviceScaleFactor": 1, "mobile": false});
    browser.call("Emulation.setDeviceMetricsOverride", size);
    browser.visit(&format!("{}/", server.url));
    browser.wait_for("document.querySelectorAll('.spark').length > 8");
    for key in ["j", "j", "j", "x", "j", "x"] {
        browser.key(key);
    }
    // Whatever has the focus has a frame.
    browser.eval("document.activeElement.blur(); scrollTo(0, 0)");
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
    let (home, said) = store();
    let path = folder().join("serve.png");
    if renew {
        fs::write(&path, take_store(home.path())).expect("written");
    }
    let picture = digest(&fs::read(&path).expect("a picture"));
    made.push_str(&format!("{said}  page {}\n  picture {picture}\n", page_of_serve()));
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
