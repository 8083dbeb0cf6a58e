//! What nodes log, a file a node, and when they did: [`kolk_history::log_times`] says how that is
//! stored. The logs are the nodes' own text and no part of a run's digest.

use std::fs::File;
use std::io::{self, BufWriter, Write};
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

/// A node's log.
pub(crate) fn path(folder: &Path, node: &str) -> PathBuf {
    folder.join(format!("{node}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
