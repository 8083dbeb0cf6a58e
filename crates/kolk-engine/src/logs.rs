//! What nodes log, a file a node, and when they did: [`kolk_history::log_times`] says how that is
//! stored. The logs are the nodes' own text and no part of a run's digest.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kolk_history::log_times::{self, LogTime};
use kolk_protocol::Time;

/// How long a log is not looked at again on the real clock: a busy node writes a hundred messages in
/// that time, and each look is a call of the system.
const GLANCE: Duration = Duration::from_millis(1);

/// The logs of all nodes.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    logs: Vec<Log>,
    /// Where it is noted when they grew.
    times: Option<BufWriter<File>>,
    /// A line of it.
    line: Vec<u8>,
}

#[derive(Debug)]
struct Log {
    node: String,
    file: LogFile,
    /// As long as it was found to be.
    bytes: u64,
    /// When it was last looked at.
    looked: Time,
}

#[derive(Debug)]
enum LogFile {
    /// Written here.
    Ours(BufWriter<File>),
    /// Written by the program whose stderr it is.
    Theirs(File),
}

impl Logs {
    /// Logs of nodes in this process.
    pub(crate) fn create(folder: &Path, nodes: &[String]) -> io::Result<Logs> {
        let files = nodes
            .iter()
            .map(|node| File::create(path(folder, node)).map(BufWriter::new).map(LogFile::Ours))
            .collect::<Result<Vec<_>, _>>()?;
        Logs::new(folder, nodes, files)
    }

    /// Logs of programs that have been started with their stderr there.
    pub(crate) fn watch(folder: &Path, nodes: &[String]) -> io::Result<Logs> {
        let files = nodes
            .iter()
            .map(|node| File::open(path(folder, node)).map(LogFile::Theirs))
            .collect::<Result<Vec<_>, _>>()?;
        Logs::new(folder, nodes, files)
    }

    fn new(folder: &Path, nodes: &[String], files: Vec<LogFile>) -> io::Result<Logs> {
        let logs = nodes.iter().zip(files).map(|(node, file)| Log {
            node: node.clone(),
            file,
            bytes: 0,
            looked: Time::ZERO,
        });
        let logs = logs.collect();
        let times = BufWriter::new(File::create(folder.join(log_times::FILE))?);
        Ok(Logs { logs, times: Some(times), line: Vec::new() })
    }

    /// The node has acted: `text` is what it logged, if it runs in this process.
    pub(crate) fn after_step(&mut self, node: u16, now: Time, text: &[u8]) {
        let Some(log) = self.logs.get_mut(usize::from(node)) else { return };
        log.looked = now;
        let bytes = match &mut log.file {
            LogFile::Ours(file) => {
                // A log that cannot be written must not end a run; the run's own files will say so.
                let _ = file.write_all(text);
                log.bytes + text.len() as u64
            }
            LogFile::Theirs(file) => file.metadata().map_or(log.bytes, |data| data.len()),
        };
        if bytes == log.bytes {
            return;
        }
        log.bytes = bytes;
        if let Some(times) = &mut self.times {
            self.line.clear();
            LogTime { time: now, bytes }.write(&mut self.line, &log.node);
            let _ = times.write_all(&self.line);
        }
    }

    /// A program has written something: looks at its log, unless that was just done.
    pub(crate) fn glance(&mut self, node: u16, now: Time) {
        let log = self.logs.get(usize::from(node));
        if log.is_some_and(|log| now >= log.looked + GLANCE) {
            self.after_step(node, now, b"");
        }
    }

    /// Looks at the logs of all programs, which may write when they were not asked to.
    pub(crate) fn look(&mut self, now: Time) {
        for node in 0..self.logs.len() {
            self.after_step(node as u16, now, b"");
        }
    }

    /// Writes out what is gathered.
    pub(crate) fn flush(&mut self) {
        for log in &mut self.logs {
            if let LogFile::Ours(file) = &mut log.file {
                let _ = file.flush();
            }
        }
        if let Some(times) = &mut self.times {
            let _ = times.flush();
        }
    }
}

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
    let marker = if length <= COUNTED_BYTES {
        let all = count_lines(file)?;
        let shown = first.len() + last.len();
        format!("… {} lines left out …", all.saturating_sub(shown as u64).max(1))
    } else {
        format!("… {} MiB left out …", length >> 20)
    };
    Ok(first.into_iter().chain([marker]).chain(last.iter().cloned()).collect())
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(|line| line.chars().take(LINE_CHARS).collect()).collect()
}

fn count_lines(mut file: File) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let (mut count, mut buffer, mut last) = (0, vec![0; 1 << 16], b'\n');
    loop {
        let length = file.read(&mut buffer)?;
        let Some(end) = buffer[..length].last() else { break };
        last = *end;
        count += memchr::memchr_iter(b'\n', &buffer[..length]).count() as u64;
    }
    Ok(count + u64::from(last != b'\n'))
}

/// A node's log.
pub(crate) fn path(folder: &Path, node: &str) -> PathBuf {
    folder.join(format!("{node}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// What stands in the file of times, once everything is written.
    fn noted(folder: &Path, logs: &mut Logs) -> Vec<(u64, u64)> {
        logs.flush();
        let file = File::open(folder.join(log_times::FILE)).unwrap();
        let known = log_times::read(io::BufReader::new(file)).unwrap().remove("n1");
        known.unwrap_or_default().iter().map(|at| (at.time.as_nanos(), at.bytes)).collect()
    }

    #[test]
    fn a_log_has_the_time_of_each_step_that_wrote_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let nodes = ["n0".to_owned(), "n1".to_owned()];
        let at = Time::from_nanos;

        let mut ours = Logs::create(folder.path(), &nodes).unwrap();
        ours.after_step(1, at(10), b"one\ntwo\n");
        ours.after_step(1, at(20), b"");
        ours.after_step(1, at(30), b"three\n");
        ours.look(at(40));
        assert_eq!(noted(folder.path(), &mut ours), [(10, 8), (30, 14)]);
        let text = std::fs::read_to_string(path(folder.path(), "n1")).unwrap();
        assert_eq!(text, "one\ntwo\nthree\n");

        // The same log, written by somebody else.
        let mut stderr = File::create(path(folder.path(), "n1")).unwrap();
        let mut theirs = Logs::watch(folder.path(), &nodes).unwrap();
        stderr.write_all(b"one\ntwo\n").unwrap();
        theirs.after_step(1, at(10), b"");
        theirs.after_step(1, at(20), b"");
        stderr.write_all(b"three\n").unwrap();
        theirs.look(at(30));
        assert_eq!(noted(folder.path(), &mut theirs), [(10, 8), (30, 14)]);

        // Who writes message after message is not looked at each time.
        stderr.write_all(b"four\n").unwrap();
        theirs.glance(1, at(31));
        theirs.glance(1, at(30) + GLANCE);
        theirs.glance(1, at(31) + GLANCE);
        assert_eq!(noted(folder.path(), &mut theirs), [(10, 8), (30, 14), (1_000_030, 19)]);
    }
}
