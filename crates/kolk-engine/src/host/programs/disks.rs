//! Faults of nodes' disks where these are folders: written down for the node library, which looks
//! before each call, or made in the files themselves.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use kolk_node::storage::{Disk, FAULTS, JOURNAL, REFUSED, Record, SECTOR, overwrite};
use kolk_protocol::Key;

use crate::run::EngineError;

/// The faults of the disks of programs that keep files.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// How many sectors of each node's were overwritten.
    overwritten: BTreeMap<u16, u64>,
}

impl Files {
    /// Has a fault begin or end on the disk whose folder this is: a sector is overwritten, anything
    /// else is told the node library.
    pub(super) fn disturb(
        &mut self,
        node: u16,
        folder: &Path,
        fault: &Record,
    ) -> Result<(), EngineError> {
        let Record::Corrupt(seed) = fault else { return tell(folder, fault) };
        let is_done = overwrite_sector(folder, *seed).map_err(|source| {
            let what = format!("cannot overwrite a file in {}", folder.display());
            EngineError::System { what, source }
        })?;
        *self.overwritten.entry(node).or_default() += u64::from(is_done);
        Ok(())
    }

    /// How often that did something so far: the node library says which calls it had fail.
    pub(super) fn harms(&self, node: u16, folder: &Path) -> u64 {
        let refused = std::fs::read(folder.join(REFUSED)).unwrap_or_default();
        let refused = refused.iter().filter(|byte| **byte == b'\n').count() as u64;
        refused + self.overwritten.get(&node).copied().unwrap_or_default()
    }
}

/// Tells the node library of a fault of the disk whose folder this is.
pub(super) fn tell(folder: &Path, fault: &Record) -> Result<(), EngineError> {
    append(&folder.join(FAULTS), std::slice::from_ref(fault))
}

/// Takes the power from a disk that the node library simulates in this folder.
pub(super) fn lose_power(folder: &Path, seed: u64) -> Result<(), EngineError> {
    let path = folder.join(JOURNAL);
    if !path.exists() {
        return Ok(());
    }
    // Faults that the program has not seen came before this one.
    let told = faults_in(&path).len();
    let mut records = faults_in(&folder.join(FAULTS));
    records.drain(..told.min(records.len()));
    records.push(Record::Power(seed));
    append(&path, &records)
}

/// The disk that the node library simulates in a folder, made again from the journal it keeps
/// there: what happens to the one happens to the other. Faults come to both from here.
#[derive(Debug, Default)]
pub(super) struct Shadow {
    disk: Disk,
    /// The journal, once there is one. It only grows.
    journal: Option<File>,
    /// How much of it was read.
    read: u64,
}

impl Shadow {
    /// From now on what happens to it is kept.
    pub(super) fn watch(&mut self) {
        self.disk.watch();
    }

    /// The disk as it is now.
    pub(super) fn catch_up(&mut self, folder: &Path) -> &Disk {
        let mut text = Vec::new();
        // Without a file nothing was stored.
        if self.journal.is_none() {
            self.journal = File::open(folder.join(JOURNAL)).ok();
        }
        if let Some(file) = &mut self.journal {
            let _ = file.seek(SeekFrom::Start(self.read)).and_then(|_| file.read_to_end(&mut text));
        }
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        let records = text[..whole].split(|byte| *byte == b'\n');
        let records = records.filter_map(|line| serde_json::from_slice::<Record>(line).ok());
        // It has seen the faults when they came.
        let is_news = |record: &Record| !record.is_fault() && !matches!(record, Record::Power(_));
        records.filter(is_news).for_each(|record| self.disk.repeat(record));
        &self.disk
    }
}

fn append(path: &Path, records: &[Record]) -> Result<(), EngineError> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record).expect("a record is JSON");
        lines.push(b'\n');
    }
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(&lines)).map_err(|source| {
        let what = format!("cannot write {}", path.display());
        EngineError::System { what, source }
    })
}

fn records_in(path: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn faults_in(path: &Path) -> Vec<Record> {
    records_in(path).into_iter().filter(Record::is_fault).collect()
}

/// Overwrites a sector of a file that a node has stored in its folder; false if it has stored none.
/// Which, and with what, is drawn from `seed`.
fn overwrite_sector(folder: &Path, seed: u64) -> io::Result<bool> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        let metadata = std::fs::symlink_metadata(entry.path())?;
        if metadata.is_file() && metadata.len() > 0 && !is_hidden {
            files.push((entry.path(), metadata.len()));
        }
    }
    files.sort();
    let mut random = Key::new(seed).random();
    let Some((path, length)) = random.choose(&files).cloned() else { return Ok(false) };
    let sector = SECTOR as u64;
    let begin = random.below(length.div_ceil(sector)) * sector;
    let mut bytes = vec![0; (length - begin).min(sector) as usize];
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    file.read_exact_at(&mut bytes, begin)?;
    overwrite(&mut bytes, &mut random);
    file.write_all_at(&bytes, begin)?;
    Ok(true)
}
