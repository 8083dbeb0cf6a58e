//! What nodes log, a file a node, and when they did: [`kolk_history::log_times`] says how that is
//! stored. The logs are the nodes' own text and no part of a run's digest.

mod bounded;
#[cfg(unix)]
mod excerpt;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use kolk_history::log_times::{self, LogTime};
use kolk_history::summary::CutLog;
use kolk_protocol::Time;

pub(crate) use bounded::Bounded;
use bounded::Cut;
#[cfg(unix)]
pub(crate) use excerpt::excerpt;

/// How long a log is not looked at again on the real clock: a busy node writes a hundred messages
/// in that time, and each look is a call of the system.
#[cfg(unix)]
const GLANCE: Duration = Duration::from_millis(1);

/// As much of a program's log is read at once, in bytes.
const PART: u64 = 1 << 20;

/// The logs of all nodes.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    folder: PathBuf,
    logs: Vec<Log>,
    /// Where it is noted when they grew.
    times: Option<BufWriter<File>>,
    /// A line of it.
    line: Vec<u8>,
}

#[derive(Debug)]
struct Log {
    node: String,
    file: Rc<Bounded>,
    /// What is written here, if the node runs in this process; else the program does it whose
    /// stderr it is.
    ours: Option<BufWriter<File>>,
    /// As long as it was found to be.
    bytes: u64,
    /// When it was last looked at.
    looked: Time,
    /// How much of it has been read here.
    read: u64,
}

impl Logs {
    /// Logs of nodes in this process; each may take `max` bytes.
    pub(crate) fn create(folder: &Path, nodes: &[String], max: u64) -> io::Result<Logs> {
        for node in nodes {
            File::create(path(folder, node))?;
        }
        let mut logs = Logs::watch(folder, nodes, max)?;
        for log in &mut logs.logs {
            let file = File::options().write(true).open(path(folder, &log.node))?;
            log.ours = Some(BufWriter::new(file));
        }
        Ok(logs)
    }

    /// Logs of programs that have been started with their stderr there.
    pub(crate) fn watch(folder: &Path, nodes: &[String], max: u64) -> io::Result<Logs> {
        let log = |node: &String| {
            let file = File::options().read(true).write(true).open(path(folder, node))?;
            let file = Rc::new(Bounded::new(file, max));
            Ok(Log { node: node.clone(), file, ours: None, bytes: 0, looked: Time::ZERO, read: 0 })
        };
        let logs = nodes.iter().map(log).collect::<io::Result<_>>()?;
        let times = BufWriter::new(File::create(folder.join(log_times::FILE))?);
        Ok(Logs { folder: folder.to_owned(), logs, times: Some(times), line: Vec::new() })
    }

    /// The file of each log, for whoever must look at it while nobody can look at all.
    #[cfg(unix)]
    pub(crate) fn files(&self) -> Vec<Rc<Bounded>> {
        self.logs.iter().map(|log| Rc::clone(&log.file)).collect()
    }

    /// The node has acted: `text` is what it logged, if it runs in this process.
    pub(crate) fn after_step(&mut self, node: u16, now: Time, text: &[u8]) {
        let Some(log) = self.logs.get_mut(usize::from(node)) else { return };
        log.looked = now;
        let bytes = match &mut log.ours {
            Some(file) => {
                // A log that cannot be written must not end a run; the run's own files will say so.
                let _ = file.write_all(text);
                let bytes = log.bytes + text.len() as u64;
                log.file.hold(bytes - file.buffer().len() as u64);
                bytes
            }
            None => log.file.look().unwrap_or(log.bytes),
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

    /// The next part of what was added to a program's log, as far as it was seen to grow; nothing
    /// if all of it was read.
    pub(crate) fn fresh(&mut self, node: u16) -> Vec<u8> {
        let Some(log) = self.logs.get_mut(usize::from(node)) else { return Vec::new() };
        // What is written here nobody need read.
        if log.ours.is_some() || log.bytes <= log.read {
            return Vec::new();
        }
        let mut bytes = vec![0; (log.bytes - log.read).min(PART) as usize];
        let file = File::open(path(&self.folder, &log.node));
        let read = file.and_then(|mut file| {
            file.seek(SeekFrom::Start(log.read))?;
            file.read_exact(&mut bytes)
        });
        log.read += bytes.len() as u64;
        if read.is_ok() { bytes } else { Vec::new() }
    }

    /// A program has written something: looks at its log, unless that was just done.
    #[cfg(unix)]
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
            if let Some(file) = &mut log.ours {
                let _ = file.flush();
            }
        }
        if let Some(times) = &mut self.times {
            let _ = times.flush();
        }
    }

    /// The node whose log is beyond its bound, where the system cannot let go of a part of a file;
    /// and how many bytes the log has.
    pub(crate) fn beyond(&self) -> Option<(u16, u64)> {
        let mut logs = (0..).zip(&self.logs);
        logs.find_map(|(node, log)| Some((node, log.file.beyond()?)))
    }

    /// Brings logs of which the middle was let go into the shape they are stored in, and says which
    /// they are. Nobody may write to them any more.
    pub(crate) fn finish(mut self) -> Vec<CutLog> {
        self.flush();
        // Where it cannot be done, what there is stays as it is.
        let cuts: Vec<Option<Cut>> =
            self.logs.iter().map(|log| log.file.close().ok().flatten()).collect();
        if cuts.iter().any(Option::is_some) {
            let _ = self.move_times(&cuts);
        }
        let cut_logs = self.logs.iter().zip(cuts).filter_map(|(log, cut)| {
            let Cut { from, resumes, whole, .. } = cut?;
            Some(CutLog { node: log.node.clone(), bytes: whole, left_out: resumes - from })
        });
        cut_logs.collect()
    }

    /// Writes anew when logs had grown how far: what stood behind a cut stands elsewhere now.
    fn move_times(&self, cuts: &[Option<Cut>]) -> io::Result<()> {
        let path = self.folder.join(log_times::FILE);
        let known =
            log_times::read(BufReader::new(File::open(&path)?)).map_err(io::Error::other)?;
        let fresh = self.folder.join(".times.jsonl");
        let mut out = BufWriter::new(File::create(&fresh)?);
        let mut line = Vec::new();
        for (log, cut) in self.logs.iter().zip(cuts) {
            for known in known.get(&log.node).into_iter().flatten() {
                let moved = cut.map_or(Some(known.bytes), |cut| cut.moved(known.bytes));
                let Some(bytes) = moved else { continue };
                line.clear();
                LogTime { bytes, ..*known }.write(&mut line, &log.node);
                out.write_all(&line)?;
            }
        }
        out.flush()?;
        std::fs::rename(fresh, path)
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
        let known = log_times::read(BufReader::new(file)).unwrap().remove("n1");
        known.unwrap_or_default().iter().map(|at| (at.time.as_nanos(), at.bytes)).collect()
    }

    #[test]
    fn a_log_has_the_time_of_each_step_that_wrote_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let nodes = ["n0".to_owned(), "n1".to_owned()];
        let at = Time::from_nanos;

        let mut ours = Logs::create(folder.path(), &nodes, 1 << 20).unwrap();
        ours.after_step(1, at(10), b"one\ntwo\n");
        ours.after_step(1, at(20), b"");
        ours.after_step(1, at(30), b"three\n");
        ours.look(at(40));
        assert_eq!(noted(folder.path(), &mut ours), [(10, 8), (30, 14)]);
        let text = std::fs::read_to_string(path(folder.path(), "n1")).unwrap();
        assert_eq!(text, "one\ntwo\nthree\n");

        // The same log, written by somebody else.
        let mut stderr = File::create(path(folder.path(), "n1")).unwrap();
        let mut theirs = Logs::watch(folder.path(), &nodes, 1 << 20).unwrap();
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
