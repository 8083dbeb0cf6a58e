//! Records what becomes of nodes and of their simulated disks: [`kolk_history::node_events`] says
//! how that is stored. It is no part of a run's digest.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use kolk_history::node_events::{FILE, Kind, NodeEvent};
use kolk_node::storage::{DiskEvent, Fate};
use kolk_protocol::Time;

/// Where these events go.
#[derive(Debug, Default)]
pub(crate) struct NodeEvents {
    /// The folder; without one nothing is recorded.
    folder: Option<PathBuf>,
    /// Made with the first event.
    file: Option<BufWriter<File>>,
    bytes: u64,
    bytes_max: u64,
    line: Vec<u8>,
}

impl NodeEvents {
    /// Events that go to a file in this folder, which may take so many bytes.
    pub(crate) fn new(folder: Option<PathBuf>, bytes_max: u64) -> NodeEvents {
        NodeEvents { folder, bytes_max, ..NodeEvents::default() }
    }

    /// True if somebody wants to know.
    pub(crate) fn are_wanted(&self) -> bool {
        self.folder.is_some()
    }

    /// Something has become of a node.
    pub(crate) fn push(&mut self, event: &NodeEvent) {
        if self.folder.is_none() {
            return;
        }
        self.line.clear();
        event.write(&mut self.line);
        self.bytes += self.line.len() as u64;
        let is_cut = self.bytes > self.bytes_max;
        if is_cut {
            self.line.clear();
            NodeEvent::new(event.time, &event.node, Kind::Cut).write(&mut self.line);
        }
        self.write();
        if is_cut {
            self.flush();
            self.folder = None;
        }
    }

    /// Something has become of a node's disk.
    pub(crate) fn push_disk(&mut self, time: Time, node: &str, event: DiskEvent) {
        let new = |kind| NodeEvent::new(time, node, kind);
        let change =
            |kind, file, bytes| NodeEvent { file: Some(file), bytes: Some(bytes), ..new(kind) };
        let event = match event {
            DiskEvent::Appended { file, bytes } => change(Kind::Append, file, bytes),
            DiskEvent::Wrote { file, bytes } => change(Kind::Write, file, bytes),
            DiskEvent::Renamed { from, to } => {
                NodeEvent { file: Some(from), to: Some(to), ..new(Kind::Rename) }
            }
            DiskEvent::Removed { file } => NodeEvent { file: Some(file), ..new(Kind::Remove) },
            DiskEvent::Synced { file, bytes } => {
                NodeEvent { file, bytes: Some(bytes), ..new(Kind::Sync) }
            }
            DiskEvent::NamesSynced => new(Kind::SyncNames),
            DiskEvent::Refused { call, file, is_full } => {
                let kind = if is_full { Kind::Full } else { Kind::Failed };
                NodeEvent { file, call: Some(call), ..new(kind) }
            }
            DiskEvent::Corrupted { file, from, bytes } => {
                NodeEvent { from: Some(from), ..change(Kind::Corrupt, file, bytes) }
            }
            DiskEvent::PowerLost(files) => {
                self.push(&new(Kind::Power));
                for file in files {
                    let (was, is) = (Some(file.was), Some(file.is));
                    let kind = fate(file.fate);
                    self.push(&NodeEvent { file: Some(file.file), was, is, ..new(kind) });
                }
                return;
            }
        };
        self.push(&event);
    }

    /// What cannot be written must not end a run; the run's own files will say so.
    fn write(&mut self) {
        if let (None, Some(folder)) = (&self.file, &self.folder) {
            self.file = File::create(folder.join(FILE)).ok().map(BufWriter::new);
        }
        if let Some(file) = &mut self.file {
            let _ = file.write_all(&self.line);
        }
    }

    /// Writes out what is gathered.
    pub(crate) fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            let _ = file.flush();
        }
    }
}

fn fate(fate: Fate) -> Kind {
    match fate {
        Fate::Kept => Kind::Kept,
        Fate::Lost => Kind::Lost,
        Fate::Torn => Kind::Torn,
        Fate::Emptied => Kind::Empty,
        Fate::Gone => Kind::Gone,
        Fate::Back => Kind::Back,
        Fate::Earlier => Kind::Earlier,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_bound_is_said_to_be_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = NodeEvents::new(Some(folder.path().to_owned()), 120);
        assert!(!folder.path().join(FILE).exists(), "nothing has happened");
        for millis in 0..9 {
            let event = DiskEvent::Appended { file: "log".to_owned(), bytes: 3 };
            events.push_disk(Time::from_millis(millis), "n0", event);
        }
        assert!(!events.are_wanted());
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                r#"{"time":0,"node":"n0","event":"append","file":"log","bytes":3}"#,
                r#"{"time":1000000,"node":"n0","event":"cut"}"#,
            ]
        );
    }
}
