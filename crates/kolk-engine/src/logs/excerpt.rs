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

/// What a node's log begins and ends with, and between how much is left out. Nothing if there is no
/// log, or nothing in it.
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
            let marker = format!("… {left_out} lines left out …");
            all.splice(FIRST_LINES..FIRST_LINES + left_out, [marker]);
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
    let last = &last[last.len().saturating_sub(LAST_LINES)..];
    let all = if length <= COUNTED_BYTES { count_lines(file)? } else { None };
    let marker = match all {
        Some(all) => {
            let shown = (first.len() + last.len()) as u64;
            format!("… {} lines left out …", all.saturating_sub(shown).max(1))
        }
        None => format!("… {} MiB left out …", (length >> 20).max(1)),
    };
    Ok(first.into_iter().chain([marker]).chain(last.iter().cloned()).collect())
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
        // Lines that nobody wants to see whole.
        std::fs::write(&path, "x".repeat(1 << 20) + "\nend").unwrap();
        let long: Vec<usize> = excerpt(&path).iter().map(|line| line.chars().count()).collect();
        assert_eq!(long, [400, "… 1 lines left out …".chars().count(), 400, 3]);
    }
}
