//! What a log begins and ends with, to be shown beside what is told of its node.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How many of a log's first lines are shown: many a runtime says first what is wrong, and where
/// after it.
const FIRST_LINES: usize = 6;
/// How many of its last lines are shown.
const LAST_LINES: usize = 8;
/// As much of a line as is shown, in characters.
const LINE_CHARS: usize = 400;
/// A log up to this length, in bytes, is read whole.
const WHOLE_BYTES: u64 = 1 << 16;
/// Up to this length it is known how many lines are left out.
const COUNTED_BYTES: u64 = 64 << 20;

/// How many lines are shown from the one on that says why the program ended.
const REASON_LINES: usize = 2;
/// What lines begin with that say why a program ended: Go, Java, C++, JavaScript, Elixir.
const REASONS: [&str; 6] =
    ["panic: ", "fatal error: ", "Exception in thread ", "terminate called ", "Uncaught ", "** ("];

/// What a node's log begins and ends with, and between how much is left out; in its midst the line
/// that says why the program ended, if there is one. Nothing if there is no log, or nothing in it.
pub(crate) fn excerpt(path: &Path) -> Vec<String> {
    read_excerpt(path).unwrap_or_default()
}

fn read_excerpt(path: &Path) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length <= WHOLE_BYTES {
        let mut whole = Vec::new();
        file.take(WHOLE_BYTES).read_to_end(&mut whole)?;
        let mut all = lines(&whole);
        let left_out = all.len().saturating_sub(FIRST_LINES + LAST_LINES);
        if left_out > 1 {
            let middle = FIRST_LINES..FIRST_LINES + left_out;
            let shown = middle_of(&all[middle.clone()], |before| lines_left_out(before as u64));
            all.splice(middle, shown);
        }
        return Ok(all);
    }
    let mut first = Vec::new();
    (&mut file).take(WHOLE_BYTES / 2).read_to_end(&mut first)?;
    let mut last = Vec::new();
    file.seek(SeekFrom::Start(length - WHOLE_BYTES / 2))?;
    (&mut file).take(WHOLE_BYTES / 2).read_to_end(&mut last)?;
    let first: Vec<String> = lines(&first).into_iter().take(FIRST_LINES).collect();
    let last = lines(&last);
    let (middle, last) = last.split_at(last.len().saturating_sub(LAST_LINES));
    let all = if length <= COUNTED_BYTES { count_lines(file)? } else { None };
    let known = (first.len() + middle.len() + last.len()) as u64;
    let shown = middle_of(middle, |before| match all {
        Some(all) => lines_left_out((all.saturating_sub(known) + before as u64).max(1)),
        None => format!("… {} MiB left out …", (length >> 20).max(1)),
    });
    Ok(first.into_iter().chain(shown).chain(last.iter().cloned()).collect())
}

fn lines_left_out(count: u64) -> String {
    format!("… {count} lines left out …")
}

/// What is shown of the lines between both ends, in whose place a marker stands, made by
/// `left_out` from how many of them come before what is shown, or from all: the last line that says
/// why the program ended, if one does, and what follows it.
fn middle_of(lines: &[String], left_out: impl Fn(usize) -> String) -> Vec<String> {
    let Some(place) = lines.iter().rposition(|line| says_why(line)) else {
        return vec![left_out(lines.len())];
    };
    let end = (place + REASON_LINES).min(lines.len());
    let mut shown = if place == 0 { Vec::new() } else { vec![left_out(place)] };
    shown.extend_from_slice(&lines[place..end]);
    if end < lines.len() {
        shown.push(lines_left_out((lines.len() - end) as u64));
    }
    shown
}

/// Whether a line looks as runtimes tell why a program ends: before the calls that led there, which
/// may be many.
fn says_why(line: &str) -> bool {
    let names_error = || {
        let name = line.split(':').next().unwrap_or_default();
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '_');
        is_name && (name.ends_with("Error") || name.ends_with("Exception"))
    };
    REASONS.iter().any(|reason| line.starts_with(reason))
        // Rust, and Ruby.
        || line.contains(" panicked at ")
        || line.ends_with("Error)")
        || names_error()
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(|line| line.chars().take(LINE_CHARS).collect()).collect()
}

/// How many lines a log has; `None` if its middle is no longer there.
fn count_lines(mut file: File) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(0))?;
    let (mut count, mut buffer, mut last) = (0, vec![0; 1 << 16], b'\n');
    loop {
        let length = file.read(&mut buffer)?;
        let Some(end) = buffer[..length].last() else { break };
        last = *end;
        if memchr::memchr(0, &buffer[..length]).is_some() {
            return Ok(None);
        }
        count += memchr::memchr_iter(b'\n', &buffer[..length]).count() as u64;
    }
    Ok(Some(count + u64::from(last != b'\n')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::path;

    #[test]
    fn reasons_are_known_by_how_runtimes_write_them() {
        let table = [
            ("fatal error: all goroutines are asleep - deadlock!", true),
            ("TypeError: Cannot read properties of undefined", true),
            ("java.lang.IllegalStateException: closed", true),
            ("node.rb:3:in 'merge': undefined method (NoMethodError)", true),
            ("thread 'main' panicked at src/main.rs:2:5:", true),
            ("** (RuntimeError) no such key", true),
            ("Error handling is done elsewhere", false),
            ("retrying after an Error", false),
            ("goroutine 7 [running]:", false),
            ("", false),
        ];
        for (line, is_reason) in table {
            assert_eq!(says_why(line), is_reason, "{line}");
        }
    }

    #[test]
    fn an_excerpt_has_both_ends_and_counts_what_is_between() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "n1");
        assert_eq!(excerpt(&path), [""; 0], "no log");
        let numbered = |count: usize| (1..=count).map(|number| format!("line {number}\n"));
        for (count, left_out) in
            [(0, 0), (3, 0), (14, 0), (15, 0), (16, 2), (1000, 986), (50_000, 49_986)]
        {
            for text in [numbered(count).collect(), numbered(count).collect::<String>() + "end"] {
                std::fs::write(&path, &text).unwrap();
                let all: Vec<&str> = text.lines().collect();
                let extra = all.len() - count;
                let mut expected: Vec<String> = all.iter().map(|line| (*line).to_owned()).collect();
                let left_out = if all.len() > 15 { left_out.max(1) + extra } else { 0 };
                if left_out > 0 {
                    let marker = format!("… {} lines left out …", all.len() - 14);
                    expected.splice(6..all.len() - 8, [marker]);
                }
                assert_eq!(excerpt(&path), expected, "{count} lines");
            }
        }
        // Goroutines, of which a crash may name any number, come after what it was.
        let crash = "panic: no such key";
        for (before, after) in [(1, 0), (6, 9), (300, 20), (9000, 30), (9000, 300)] {
            let calls = (0..after).map(|number| format!("goroutine {number} [select]:"));
            let all: Vec<String> = (0..before)
                .map(|number| format!("Error {number} is no reason"))
                .chain([crash.to_owned(), String::new()])
                .chain(calls)
                .collect();
            std::fs::write(&path, all.join("\n") + "\n").unwrap();
            let shown = excerpt(&path);
            let place = shown.iter().position(|line| line == crash);
            let place = place.unwrap_or_else(|| panic!("{before} {after}: {shown:?}"));
            assert_eq!(shown[place + 1], "", "{before} {after}");
            let left_out = |line: &String| -> u64 {
                line.strip_prefix("… ")
                    .map_or(1, |line| line[..line.find(' ').unwrap()].parse().unwrap())
            };
            let told: u64 = shown.iter().map(left_out).sum();
            assert_eq!(told, all.len() as u64, "every line is shown or counted: {shown:?}");
        }
        // Lines that nobody wants to see whole.
        std::fs::write(&path, "x".repeat(1 << 20) + "\nend").unwrap();
        let long: Vec<usize> = excerpt(&path).iter().map(|line| line.chars().count()).collect();
        assert_eq!(long, [400, "… 1 lines left out …".chars().count(), 400, 3]);
    }
}
