//! README and book show what the program prints: each `console` block is typed here, and what comes
//! is compared with what stands there. To renew them:
//! `KOLK_RENEW=1 cargo test -p kolk --test transcripts`.
//!
//! A block begins with `$ kolk …`, on the virtual clock, or with `$ cd …`; a `[…]` on a line of its
//! own stands for lines that are left out at the beginning. Files that a block needs are in
//! `transcripts/` and in `examples`. Blocks of commands and of text that are not run say why, in a
//! comment above them: `<!-- not run: … -->`. A comment `<!-- window 0.7..0.9 -->` and a picture
//! behind a block: that is the `messages.svg` which `kolk report` draws of this part of the run,
//! and is renewed with the rest.

mod support;

use std::fs;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::tests;

tests! {
    console_blocks_are_what_the_program_prints: [PYTHON];
    blocks_that_are_not_run_say_why: [];
    what_differs_from_run_to_run: [];
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// The files of a folder of the repository whose names end so.
fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|found| found == end)).collect()
}

/// README, the pages of the book, and those of the wrong nodes.
fn pages() -> Vec<PathBuf> {
    let folders = ["book/src", "book/src/course", "examples/wrong"];
    let mut pages: Vec<PathBuf> = folders.iter().flat_map(|folder| files(folder, "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// A block of code.
struct Block {
    /// What stands behind the fence.
    language: String,
    /// The line above it that is not empty.
    above: String,
    /// The lines between the fences.
    lines: std::ops::Range<usize>,
}

fn blocks(lines: &[&str]) -> Vec<Block> {
    let mut found = Vec::new();
    let (mut open, mut above) = (None, "");
    for (number, line) in lines.iter().enumerate() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(language), None) => {
                open = Some((number + 1, language.to_owned(), above.to_owned()))
            }
            (Some(_), Some((from, language, above))) => {
                found.push(Block { language, above, lines: from..number });
            }
            (None, was) => {
                open = was;
                if !line.trim().is_empty() {
                    above = line;
                }
            }
        }
    }
    found
}

const LEFT_OUT: &str = "[…]";

/// What a command prints, standard error among it, as a terminal shows it. `cd` goes to another
/// folder.
fn typed(command: &str, folder: &mut PathBuf) -> Vec<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    if let ["cd", to] = words[..] {
        folder.push(to);
        return Vec::new();
    }
    let is_cargo = words.starts_with(&["cargo", "kolk"]);
    let words = words.strip_prefix(&["cargo"][..]).unwrap_or(&words);
    let words = words.strip_prefix(&["kolk"][..]).unwrap_or_else(|| panic!("`{command}`: no kolk"));
    let has = |word: &str| words.contains(&word);
    if matches!(words[0], "test" | "explore") {
        let has_seed = has("--seed") || has("--seeds");
        assert!(has_seed && (has("--node") || has("virtual")), "`{command}`: no fixed run");
    }
    if words[0] == "challenge" && has("--bin") {
        assert!(has("virtual"), "`{command}`: no fixed run");
    }
    let screen = tempfile::tempfile().expect("a file");
    let mut kolk = Command::new(env!("CARGO_BIN_EXE_kolk"));
    kolk.args(words);
    if has("virtual") {
        // A busy machine makes a program slow, and changes nothing else.
        kolk.args(["--step-timeout", "120"]);
    }
    kolk.current_dir(folder).stdin(Stdio::null()).env_remove("COLUMNS");
    kolk.stdout(screen.try_clone().expect("a handle"));
    kolk.stderr(screen.try_clone().expect("a handle"));
    if is_cargo {
        kolk.env("CARGO_MANIFEST_DIR", ".");
    } else {
        kolk.env_remove("CARGO_MANIFEST_DIR");
    }
    kolk.status().expect("kolk");
    let mut text = String::new();
    let mut screen = screen;
    screen.rewind().expect("a file");
    screen.read_to_string(&mut text).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// Whether this machine has what a block needs: a program that knows nothing of lockstep is traced.
fn can_be_typed(shown: &[&str]) -> bool {
    let is_traced = shown.iter().any(|line| line.contains("--bin ./plain-"));
    !is_traced || cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

/// What no two runs have alike: the time of day in a folder's name, how long it took, how much
/// space.
fn same(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    // A run of blanks lines columns up, and says something too.
    for word in line.split(' ') {
        words.push(match word.split_once("T") {
            Some((start, rest)) if start.ends_with(|c: char| c.is_ascii_digit()) => {
                let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                let start = start.trim_end_matches(|c: char| c.is_ascii_digit());
                format!("{start}TIME{after}")
            }
            _ => word.to_owned(),
        });
    }
    for place in 1..words.len().saturating_sub(1) {
        let is_number = words[place].trim_start_matches('(').parse::<f64>().is_ok();
        let unit = words[place + 1].trim_end_matches(',');
        let is_wall = words[place - 1] == "in" && matches!(unit, "s" | "ms" | "µs");
        let is_pace = words[place + 1..].starts_with(&["a".to_owned(), "second".to_owned()]);
        if is_number && is_wall {
            "WALL".clone_into(&mut words[place]);
            "".clone_into(&mut words[place + 1]);
        } else if is_number && is_pace {
            "PACE".clone_into(&mut words[place]);
            // Thousands stand apart.
            if words[place - 1].parse::<u32>().is_ok() {
                words.remove(place - 1);
                break;
            }
        } else if is_number && matches!(&*words[place + 1], "B);" | "kB);" | "MB);") {
            "SIZE".clone_into(&mut words[place]);
        }
    }
    words.join(" ")
}

/// The block as it should be.
fn renewed(lines: &[&str], folder: &Path, page: &Path) -> Vec<String> {
    let (mut out, mut folder) = (Vec::new(), folder.to_owned());
    let mut rest = lines;
    while let Some((first, after)) = rest.split_first() {
        let command = first.strip_prefix("$ ").unwrap_or_else(|| {
            panic!("{}: a console block has `$ ` before its command: {first}", page.display())
        });
        let end = after.iter().position(|line| line.starts_with("$ ")).unwrap_or(after.len());
        let (shown, next) = after.split_at(end);
        let mut printed = typed(command, &mut folder);
        if let [LEFT_OUT, begins, ..] = shown {
            let is_it = |line: &String| same(line) == same(begins);
            let place = printed.iter().rposition(is_it);
            let place = place.unwrap_or_else(|| panic!("`{command}` prints no line\n{begins}"));
            printed.splice(..place, [LEFT_OUT.to_owned()]);
        }
        let is_same = printed.len() == shown.len()
            && printed.iter().zip(shown).all(|(printed, shown)| same(printed) == same(shown));
        out.push((*first).to_owned());
        // What differs only in the time of day stays as it is.
        match is_same {
            true => out.extend(shown.iter().map(|line| (*line).to_owned())),
            false => out.extend(printed),
        }
        rest = next;
    }
    out
}

/// The part of a run that a picture shows, and the picture's file, if there is one next in these
/// lines.
fn drawn<'a>(lines: &[&'a str]) -> Option<(&'a str, &'a str)> {
    let mut lines = lines.iter().filter(|line| !line.is_empty());
    let window = lines.next()?.strip_prefix("<!-- window ")?.strip_suffix(" -->")?;
    let picture = lines.next().and_then(|line| line.split_once("](")).expect("a picture").1;
    Some((window, picture.trim_end_matches(')')))
}

/// The picture is what is drawn of the run that was stored last.
fn is_picture_of(picture: &Path, window: &str, folder: &Path, renew: bool) {
    typed(&format!("kolk report store/latest --window {window}"), &mut folder.to_owned());
    let now = fs::read(folder.join("store/latest/messages.svg")).expect("it is drawn");
    if renew {
        fs::write(picture, &now).expect("written");
    }
    let stored = fs::read(picture).unwrap_or_default();
    assert!(now == stored, "{}: it is drawn in another way by now", picture.display());
}

fn console_blocks_are_what_the_program_prints() {
    let renew = std::env::var_os("KOLK_RENEW").is_some();
    let mut run = 0;
    for page in pages() {
        let folder = tempfile::tempdir().expect("a folder");
        // Where two have the same name the page's own is meant.
        let programs = ["examples/wrong", "examples/course", "crates/kolk/tests/transcripts"];
        for path in programs.iter().flat_map(|folder| files(folder, "py")) {
            fs::copy(&path, folder.path().join(path.file_name().expect("a name"))).expect("copied");
        }
        let example = root().join("examples/python/echo.py");
        fs::copy(example, folder.path().join("node.py")).expect("copied");
        let text = fs::read_to_string(&page).expect("a page");
        let lines: Vec<&str> = text.lines().collect();
        let mut out: Vec<String> = Vec::new();
        let mut place = 0;
        for block in blocks(&lines).iter().filter(|block| block.language == "console") {
            let shown = &lines[block.lines.clone()];
            if !can_be_typed(shown) {
                continue;
            }
            out.extend(lines[place..block.lines.start].iter().map(|line| (*line).to_owned()));
            let renewed = renewed(shown, folder.path(), &page);
            let is_same = renewed.iter().eq(shown.iter());
            assert!(
                renew || is_same,
                "{}: this is not what is printed:\n{}\nbut\n{}\nto renew it: KOLK_RENEW=1 cargo \
                 test -p kolk --test transcripts",
                page.display(),
                shown.join("\n"),
                renewed.join("\n")
            );
            out.extend(renewed);
            place = block.lines.end;
            run += 1;
            if let Some((window, picture)) = drawn(&lines[place + 1..]) {
                let picture = page.with_file_name("").join(picture);
                is_picture_of(&picture, window, folder.path(), renew);
            }
        }
        out.extend(lines[place..].iter().map(|line| (*line).to_owned()));
        let new = out.join("\n") + "\n";
        if renew && new != text {
            fs::write(&page, new).expect("written");
        }
    }
    assert!(run >= 5, "{run} blocks were run");
}

/// Whatever looks like something typed or printed is run, or says why not; but what `kolk help`
/// prints is compared as a whole page.
fn blocks_that_are_not_run_say_why() {
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        if text.starts_with("<!-- drawn from ") {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for block in blocks(&lines) {
            if !matches!(&*block.language, "" | "sh" | "text") {
                continue;
            }
            let reason = block.above.strip_prefix("<!-- not run: ").unwrap_or_default();
            let place = block.lines.start;
            assert!(
                reason.len() > 15 && reason.ends_with("-->"),
                "{}, line {place}: it is not run, and does not say why: <!-- not run: … -->",
                page.display()
            );
        }
    }
}

fn what_differs_from_run_to_run() {
    for (one, other, alike) in [
        ("a/20261129T083602.275/r", "a/20200101T000000.001/r", true),
        ("x · 9.9 s virtual in 4 ms · y", "x · 9.9 s virtual in 0.12 s · y", true),
        ("2 runs (396 kB); keep", "2 runs (1.2 MB); keep", false),
        ("x · 9.9 s virtual in 4 ms", "x · 9.8 s virtual in 4 ms", false),
        ("to T1 by", "to T2 by", false),
        ("2 runs in 19 ms, 101 a second", "2 runs in 1.9 s, 7.5 a second", true),
        ("2 runs in 19 ms, 2 471 a second", "2 runs in 1.9 s, 7.5 a second", true),
        ("2 runs in 19 ms, 101 a second", "3 runs in 19 ms, 101 a second", false),
    ] {
        assert_eq!(same(one) == same(other), alike, "{one}");
    }
    assert_eq!(same("2 runs (396 kB); x"), same("2 runs (399 kB); x"));
}
